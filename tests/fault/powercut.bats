#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What survives a power cut. Each cut is one line of tests/fault/powercut; FULL=1 (make check-full) cuts 200 times.

load ../cli/common
load ../cli/registry

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root: loop devices and mounts"
	command -v mkfs.xfs >/dev/null || skip "mkfs.xfs is not installed (package xfsprogs)"
	make_layout "$BATS_FILE_TMPDIR/layout" 400
	registry_start plain
	registry_push "$BATS_FILE_TMPDIR/layout" cut
	# What the image must be, as a list of hashes, from the layers themselves.
	mkdir "$BATS_FILE_TMPDIR/tree"
	local blob
	for blob in "$BATS_FILE_TMPDIR"/layout/blobs/sha256/*; do
		! gzip -t "$blob" 2>/dev/null || tar -C "$BATS_FILE_TMPDIR/tree" -xzf "$blob"
	done
	export WANT=$BATS_FILE_TMPDIR/want IMAGE=$REGISTRY/cut
	(cd "$BATS_FILE_TMPDIR/tree" && find bin/busybox etc/motd etc/passwd data -type f -exec sha256sum {} + | sort) >"$WANT"
	chmod 755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR" "$TMPDIR" "$TMPDIR/.."
	tar -C "$BATS_FILE_TMPDIR/layout" -cf "$BATS_FILE_TMPDIR/layout.tar" .
	export ARCHIVE=$BATS_FILE_TMPDIR/layout.tar
	export CUTS_AFTER=3 CUTS_DURING=7
	[ -z "${FULL:-}" ] || CUTS_AFTER=50 CUTS_DURING=150
	export BATS_TEST_TIMEOUT=1200
}

teardown_file() {
	registry_stop
}

# An image that is listed is whole; after a pull that has returned it is listed; and the store works on.
CHECK='
set -e
export SKIFF_ROOT=$STORE
names=$(skiff images --format "{{.Repository}}")
[ "$CUT" != after ] || [ "$names" = "$IMAGE" ] || { echo "the image is gone: \"$names\""; exit 1; }
whole() {
	skiff run --rm --network none "$IMAGE" sh -c "cd / && find bin/busybox etc/motd etc/passwd data -type f -exec sha256sum {} + | sort" |
		diff - "$WANT"
}
if [ -n "$names" ]; then whole; fi
skiff pull -q --tls-verify=false "$IMAGE" >/dev/null
whole
'

@test "the rig loses what was not synced" {
	run "$TESTS/fault/powercut" after 1 'echo text >"$STORE/new" && mv "$STORE/new" "$STORE/file"' '! grep -qs text "$STORE/file"'
	is "$status" 0
}

@test "the rig keeps what was synced" {
	run "$TESTS/fault/powercut" after 1 'echo text >"$STORE/file" && sync "$STORE/file" "$STORE"' 'grep -q text "$STORE/file"'
	is "$status" 0
}

@test "a pull that has returned survives" {
	run "$TESTS/fault/powercut" after "$CUTS_AFTER" 'skiff --root "$STORE" pull -q --tls-verify=false "$IMAGE"' "$CHECK"
	echo "$output"
	is "$status" 0
}

@test "a cut in the middle of a pull leaves the old store or the new one" {
	run "$TESTS/fault/powercut" during "$CUTS_DURING" 'skiff --root "$STORE" pull -q --tls-verify=false "$IMAGE"' "$CHECK"
	echo "$output"
	is "$status" 0
}

@test "a cut in the middle of rmi, prune and repair leaves the old store or the new one" {
	run "$TESTS/fault/powercut" during "$CUTS_DURING" '
		export SKIFF_ROOT=$STORE
		id=$(skiff load -q -i "$ARCHIVE" | sed "s/.*: //")
		skiff tag "$id" a:1 && skiff tag "$id" b:1 && skiff untag "$id" b:1 && skiff rmi -f "$id" && skiff load -q -i "$ARCHIVE"
		skiff image prune -af && skiff load -q -i "$ARCHIVE" && skiff system check --repair && skiff system prune -af' '
		export SKIFF_ROOT=$STORE
		skiff system check
		id=$(skiff load -q -i "$ARCHIVE" | sed "s/.*: //")
		skiff run --rm --network none "$id" sh -c "cd / && find bin/busybox etc/motd etc/passwd data -type f -exec sha256sum {} + | sort" |
			diff - "$WANT"
		skiff system prune -af && [ -z "$(find "$STORE/layers" "$STORE/tags" -mindepth 1 ! -name "*.tmp-*" | tee /dev/stderr)" ]'
	echo "$output"
	is "$status" 0
}

@test "what load, tag and rmi have reported survives" {
	run "$TESTS/fault/powercut" after "$CUTS_AFTER" '
		export SKIFF_ROOT=$STORE
		id=$(skiff load -q -i "$ARCHIVE" | sed "s/.*: //")
		skiff tag "$id" kept:1 && skiff tag "$id" gone:1 && skiff rmi gone:1' '
		export SKIFF_ROOT=$STORE
		skiff system check
		[ "$(skiff images --format "{{.Repository}}:{{.Tag}}" | grep -E "^(kept|gone):")" = kept:1 ] || { skiff images; exit 1; }
		skiff run --rm --network none kept:1 sh -c "cd / && find bin/busybox etc/motd etc/passwd data -type f -exec sha256sum {} + | sort" |
			diff - "$WANT"'
	echo "$output"
	is "$status" 0
}
