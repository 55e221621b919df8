#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A pull that is killed at any moment, and several pulls at once.

load common
load fake

setup_file() {
	fake_start
	[ -z "${FULL:-}" ] || export BATS_TEST_TIMEOUT=7200
}
teardown_file() { fake_stop; }

setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	rules
	BIG=$(digest_of img layer 1)
}

blob_bytes() { curl -sf --noproxy '*' "http://$FAKE/_sent"; }

@test "SIGKILL at random moments: the store stays valid, the next pull succeeds and fetches little twice" {
	local i rounds=${FULL:+200} size before after pid all=0
	size=$(curl -sf --noproxy '*' "http://$FAKE/_digests" | awk '$1 == "slow" && $2 == "layer" { s += $4 } END { print s }')
	: "${rounds:=15}"
	for i in $(seq 1 "$rounds"); do
		rules '[{"match":"blobs/","rate":3000000}]'
		before=$(blob_bytes)
		skiff pull -q "$FAKE/slow" >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "$(awk -v i="$i" 'BEGIN { srand(i); rand(); print 0.8 * rand() }')"
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
		run -0 skiff system check
		rules
		run -0 skiff pull "$FAKE/slow"
		store_is_valid
		after=$(blob_bytes)
		all=$((all + after - before))
		rm -rf "$SKIFF_ROOT"
	done
	# What was on its way when the process died is fetched again, and the config: a tenth at most.
	[ "$all" -le $((size * rounds * 11 / 10)) ] || fail "$all bytes in $rounds rounds of $size"
	[ "$all" -ge $((size * rounds)) ]
}

@test "SIGKILL at system calls of the puller: the store stays valid, the next pull succeeds" {
	command -v strace >/dev/null || skip "strace is not installed"
	local n calls step image=${FULL:+slow}
	image=$FAKE/${image:-img}
	skiff images >/dev/null
	strace -qq -o "$BATS_TEST_TMPDIR/trace" skiff pull "$image" >/dev/null 2>&1
	calls=$(wc -l <"$BATS_TEST_TMPDIR/trace")
	[ "$calls" -gt 100 ]
	step=$((calls / 30 + 1))
	[ -z "${FULL:-}" ] || step=1
	for n in $(seq 10 $step "$calls"); do
		rm -rf "$SKIFF_ROOT"
		skiff images >/dev/null
		run strace -qq -o /dev/null -e inject=all:signal=KILL:when="$n" skiff pull "$image"
		run -0 skiff system check
		run -0 skiff pull "$image"
		store_is_valid
	done
}

@test "the next pull goes on where the killed one was, and fetches nothing twice" {
	local pid
	rules "[{\"match\":\"blobs/$BIG\",\"stall\":2000000}]"
	SKIFF_HTTP_STALL=30 skiff pull -q "$FAKE/img" >/dev/null 2>&1 3>&- &
	pid=$!
	partial() { [ "$(stat -c %s "$SKIFF_ROOT/tmp/blobs/${BIG#sha256:}" 2>/dev/null || echo 0)" = 2000000 ]; }
	others() { [ "$(requests 'blobs/.*status=200')" = 4 ]; }
	wait_for 20 partial
	wait_for 20 others
	kill -9 $pid
	wait $pid 2>/dev/null || true
	rules
	run -0 skiff pull "$FAKE/img"
	is "$(requests "blobs/$BIG range=bytes=2000000- ")" 1
	is "$(requests 'blobs/')" 2 # and the config
	store_is_valid
}

@test "a pull that was killed behind its commit: the next one, with nothing to fetch, removes what it left" {
	local left=$SKIFF_ROOT/tmp/0123456789abcdef
	skiff pull -q "$FAKE/small"
	mkdir -p "$left/layers/x" && touch "$left/lock" "$left/refs"
	chown -R --reference="$SKIFF_ROOT/tmp" "$left"
	run -0 skiff pull "$FAKE/small"
	contains "Image is up to date"
	store_is_valid
}

@test "RG-10 a partial blob that is not what it should be: fetched once more" {
	mkdir -p "$SKIFF_ROOT"
	skiff images >/dev/null
	head -c 1000000 /dev/zero >"$SKIFF_ROOT/tmp/blobs/${BIG#sha256:}"
	run -0 skiff pull "$FAKE/img"
	is "$(requests "blobs/$BIG range=bytes=1000000- ")" 1
	is "$(requests "blobs/$BIG range=- ")" 1
	store_is_valid
	# Longer than the whole, and as long as the whole.
	for n in 9000000 $(curl -sf --noproxy '*' "http://$FAKE/_digests" | awk -v d="$BIG" '$3 == d { print $4; exit }'); do
		rm -rf "$SKIFF_ROOT"
		skiff images >/dev/null
		head -c "$n" /dev/zero >"$SKIFF_ROOT/tmp/blobs/${BIG#sha256:}"
		rules
		run -0 skiff pull "$FAKE/img"
		is "$(requests "blobs/$BIG")" 1
		store_is_valid
	done
}

@test "SIGINT and SIGTERM: everything is cleaned up, and the exit status tells" {
	local sig pid
	for sig in INT:130 TERM:143; do
		rules "[{\"match\":\"blobs/$BIG\",\"stall\":1000000}]"
		# Not a background job of bash: these ignore SIGINT.
		SKIFF_HTTP_STALL=30 setsid -w env -u BASH_ENV python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' skiff pull -q "$FAKE/img" >/dev/null 2>&1 3>&- &
		pid=$!
		stalled() { [ "$(stat -c %s "$SKIFF_ROOT/tmp/blobs/${BIG#sha256:}" 2>/dev/null || echo 0)" = 1000000 ]; }
		wait_for 20 stalled
		kill -s "${sig%:*}" "$(pgrep -f "skiff(-image)? .*pull -q $FAKE/img" | head -n 1)"
		local rc=0
		wait $pid || rc=$?
		is "$rc" "${sig#*:}"
		nothing_left
	done
}

@test "eight pulls of one image: all succeed, each blob is fetched once" {
	local i pids=()
	rules "[{\"match\":\"blobs/$BIG\",\"rate\":4000000}]"
	for i in $(seq 8); do
		skiff pull -q "$FAKE/img" >"$BATS_TEST_TMPDIR/out$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "$(cat "$BATS_TEST_TMPDIR"/out*)"; done
	is "$(requests "blobs/$BIG")" 1
	store_is_valid
}

@test "one of two pulls is killed: the other takes over" {
	local a b
	rules "[{\"match\":\"blobs/$BIG\",\"rate\":2000000}]"
	skiff pull -q "$FAKE/img" >/dev/null 2>&1 3>&- &
	a=$!
	wait_for 10 test -s "$SKIFF_ROOT/tmp/blobs/${BIG#sha256:}"
	skiff pull -q "$FAKE/img" >/dev/null 2>&1 3>&- &
	b=$!
	sleep 0.5
	kill -9 $a
	wait $a 2>/dev/null || true
	wait $b
	[ "$(requests "blobs/$BIG")" -le 2 ]
	skiff pull -q "$FAKE/small" # the next writer removes what the dead one left
	store_is_valid
}

@test "two images that share their layers in another order do not wait for each other for ever" {
	local a b
	rules '[{"match":"blobs/","rate":3000000}]'
	skiff pull -q "$FAKE/img" >/dev/null 2>&1 3>&- &
	a=$!
	skiff pull -q "$FAKE/shared" >/dev/null 2>&1 3>&- &
	b=$!
	wait $a
	wait $b
	run -0 skiff images -q
	is "$(requests "blobs/$BIG")" 1
	store_is_valid
}

@test "pulls and removals at the same time: each succeeds or says why, the store stays valid" {
	local i pids=()
	worker() { # IMAGE
		local k
		for k in $(seq 12); do
			skiff pull -q "$FAKE/$1" >/dev/null || return 1
			[ $((k % 3)) != 0 ] || skiff rmi -f "$FAKE/$1" >/dev/null || return 1
		done
	}
	for i in img shared multi small; do
		worker $i >"$BATS_TEST_TMPDIR/out-$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "$(cat "$BATS_TEST_TMPDIR"/out-*)"; done
	for i in img shared multi small; do run -0 skiff pull "$FAKE/$i"; done
	store_is_valid
	run -0 skiff images -q
	is "${#lines[@]}" 4
}
