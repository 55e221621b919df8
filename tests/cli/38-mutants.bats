#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Damaged manifests, indexes, configs and layers through the whole program (SECURITY 4.3, bar 16), and damaged archives (TL-11).
# FULL=1: ten thousand and two thousand of them. The decoders alone get mutants in tests/fuzz.

load common
load fake
load layers

setup_file() {
	fake_start
	[ -z "${FULL:-}" ] || export BATS_TEST_TIMEOUT=7200
}
teardown_file() { fake_stop; }

setup() { layers_setup; }
teardown() { layers_teardown; }

# survives COMMAND...: no crash, within the time and the memory of one image; an error is one line for each image.
survives() {
	local seconds=2 mib=128
	[ "$SKIFF_TEST_MODE" != san ] || seconds=30 mib=2000
	run python3 "$BATS_TEST_DIRNAME/measure.py" $seconds $mib "$@"
	case $status in
	0 | 1 | 125) ;;
	*) fail "$*: status $status: $output" ;;
	esac
	lacks "Sanitizer"
	lacks "runtime error"
	lacks "ended with signal"
}

# bats test_tags=smoke
@test "mutants of manifests, indexes, configs and layers: an image or an error, never a crash, nothing left" {
	local n i images all=${FULL:+10000} good=0 bad
	for ((n = 0; n < ${all:-200}; n += 25)); do
		images=()
		for ((i = n; i < n + 25; i++)); do images+=("$FAKE/mut/$i"); done
		survives skiff pull -q "${images[@]}"
		bad=$(grep -c '^Error: ' <<<"$output" || true)
		[ $((bad + $(grep -c '^sha256:' <<<"$output" || true))) = 25 ] || fail "not one line for each: $output"
		good=$((good + 25 - bad))
		run -0 skiff system check
		run -0 skiff images
		run -0 skiff rmi -a -f
		nothing_is_left
	done
	[ "$good" -gt 0 ] # the mutator leaves something alive
	[ "$good" -lt $((n * 3 / 4)) ] # and not everything
}

@test "TL-11 mutants of an archive's layer: an image or an error, never a crash, nothing left" {
	local n all=${FULL:+2000}
	for ((n = 0; n < ${all:-40}; n++)); do
		python3 "$BATS_TEST_DIRNAME/tl.py" flipped "$BATS_TEST_TMPDIR/a.tar" $((n * 7919))
		survives skiff load -i "$BATS_TEST_TMPDIR/a.tar"
		[ "$status" = 1 ] || skiff system check
		skiff rmi -a -f
		nothing_is_left
	done
}
