#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Failures of the system, injected with strace into a pull and into a run: a full or broken disk, no memory, no processes, and death at
# any call. After each one: a clean error or a whole result, no process, a store that checks, and the next command works.
# strace -u runs skiff as the ordinary user with set-uid programs intact, which needs root. FULL=1 takes every call instead of samples.

load ../cli/common
load ../cli/registry

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root: strace as a user takes newuidmap's privilege away"
	command -v strace >/dev/null || skip "strace is not installed (tests/prepare)"
	make_layout "$BATS_FILE_TMPDIR/layout" 5
	registry_start plain
	registry_push "$BATS_FILE_TMPDIR/layout" inject
	export IMAGE=$REGISTRY/inject POINTS=${FULL:+100000}
	[ -n "$POINTS" ] || POINTS=5
	[ -z "${FULL:-}" ] || export BATS_TEST_TIMEOUT=3600
	chmod 755 "$TMPDIR" "$TMPDIR/.." "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
}

teardown_file() {
	registry_stop
}

setup() {
	export H=$BATS_TEST_TMPDIR/h
	chmod 755 "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	fresh_home
}

fresh_home() {
	[ ! -d "$H" ] || rm -rf "$H"
	mkdir -p "$H/run"
	chown -R "$SKIFF_TEST_USER" "$H"
	chmod 700 "$H" "$H/run"
}

u() {
	setpriv --reuid="$SKIFF_TEST_USER" --regid="$SKIFF_TEST_USER" --init-groups env HOME="$H" XDG_RUNTIME_DIR="$H/run" "$@"
}

traced() { # OPTIONS OF strace -- COMMAND
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	HOME=$H XDG_RUNTIME_DIR=$H/run timeout -k 5 60 strace -f -u "$SKIFF_TEST_USER" -o "$BATS_TEST_TMPDIR/trace" "${options[@]}" "$@"
}

# Which calls to hit: POINTS of the TOTAL that one process makes, the first and the last among them. FROM leaves out those that the
# loader makes before the program begins.
points() { # TOTAL
	awk -v n="$1" -v k="$POINTS" -v from="${FROM:-1}" 'BEGIN {
		if (n - from < k) { for (i = from; i <= n; i++) print i; exit }
		for (i = 0; i < k; i++) print from + int(i * (n - from) / (k - 1))
	}'
}

# The most calls of NAME in one process: strace counts each process by itself.
count_calls() { # NAME COMMAND...
	local name=$1
	shift
	traced -e "trace=$name" -- "$@" >/dev/null 2>&1 || true
	awk -v n="$name" '$2 ~ "^" n "\\(" { c[$1]++ } END { for (p in c) if (c[p] > m) m = c[p]; print m + 0 }' "$BATS_TEST_TMPDIR/trace"
}

whole() {
	[ "$(u skiff run --rm --network none "$IMAGE" cat /data/3 /etc/motd)" = "file 3
hello" ]
}

no_crash() { # STATUS WHERE
	case $1 in
	132 | 134 | 135 | 136 | 139) fail "$2: crashed, status $1: $output" ;;
	124) fail "$2: hangs: $output" ;;
	esac
}

# The loader of a program ran into it: it has its own words, and a status that a pull does not end with.
is_from_loader() {
	[ "$status" = 127 ]
}

# It was the write of the error that failed.
is_mute() {
	grep -qE ' write\(2, "(E|e)rror: .*\(INJECTED\)' "$BATS_TEST_TMPDIR/trace"
}

hit_pull() { # NAME INJECTION
	local name=$1 injection=$2 n total pull=(skiff pull -q --tls-verify=false "$IMAGE")
	fresh_home
	total=$(count_calls "$name" "${pull[@]}")
	[ "$total" -gt 0 ] || fail "a pull makes no $name call: has it changed?"
	for n in $(points "$total"); do
		fresh_home
		run traced -e "trace=$name" -e "inject=$name:$injection:when=$n" -- "${pull[@]}"
		no_crash "$status" "pull, $name $injection, call $n of $total"
		if [ "$status" -ne 0 ] && [[ $injection == error=* ]]; then
			is_from_loader || contains "Error: "
		fi
		[ "$status" -ne 0 ] || whole || fail "$name $n of $total: reported success, but the image is not whole"
		run u skiff system check
		[ "$status" = 0 ] || fail "$name $n of $total: the store does not check: $output"
		run u skiff pull -q --tls-verify=false "$IMAGE"
		[ "$status" = 0 ] || fail "$name $n of $total: the next pull fails: $output"
		whole || fail "$name $n of $total: the next pull's image is not whole"
	done
}

hit_run() { # NAME INJECTION
	local name=$1 injection=$2 n total run=(skiff run --rm --network none embedded/busybox echo aboard)
	fresh_home
	u "${run[@]}" >/dev/null
	total=$(count_calls "$name" "${run[@]}")
	[ "$total" -gt 0 ] || skip "a run makes no $name call"
	for n in $(points "$total"); do
		run traced -e "trace=$name" -e "inject=$name:$injection:when=$n" -- "${run[@]}"
		no_crash "$status" "run, $name $injection, call $n of $total"
		if [ "$status" -ne 0 ] && [[ $injection == error=* ]] && [ "$status" -lt 128 ]; then
			[[ $output == *"rror: "* ]] || is_mute || fail "$name $n of $total: status $status without an error: $output"
		fi
		# A process that was killed may take a moment to be gone with all that it had.
		wait_for 5 nothing_left || fail "$name $n of $total: left: $(u skiff ps -a) $(ours)"
		run u "${run[@]}"
		[ "$status" = 0 ] || fail "$name $n of $total: the next run fails: $output"
	done
}

# The processes of this file are those of its cgroup: other files run at the same time.
ours() {
	local tree
	tree=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
	find "$tree" -name cgroup.procs -exec cat {} + | while read -r pid; do
		grep -s '^skiff' "/proc/$pid/comm" && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null
	done
}

# No process of ours; a container that was killed before it could be removed may be listed, but not as running.
nothing_left() {
	[ -z "$(ours)" ] && [ -z "$(u skiff ps -q)" ]
}

# A container that has ended and said something, for verbs that look at one.
spoken() {
	fresh_home
	u skiff run --name spoken --network none embedded/busybox sh -c 'seq 2000' >/dev/null
}

# The container that verbs are tried on, and what they say of it undisturbed.
verb() { # VERB
	case $1 in
	ps) echo ps -a --no-trunc --format '{{.Names}}' ;;
	logs) echo logs spoken ;;
	inspect) echo inspect spoken ;;
	rm) echo rm spoken ;;
	run) echo run --rm --network none embedded/busybox seq 2000 ;;
	esac
}

# Interrupted calls are made again: what a verb says and answers is as without them. The loader's own calls come first.
hit_interrupt() { # VERB NAME
	local n total want cmd
	read -ra cmd <<<"$(verb "$1")"
	spoken
	total=$(count_calls "$2" skiff "${cmd[@]}")
	spoken
	want=$(u skiff "${cmd[@]}")
	for n in $(points "$total"); do
		[ "$1" != rm ] || spoken
		# -b execve: the id helpers and the container's program are not ours to hit
		run traced -b execve -e "trace=$2" -e "inject=$2:error=EINTR:when=$n" -- skiff "${cmd[@]}"
		[ "$status" = 0 ] || fail "$1: $2 $n of $total, interrupted: status $status: $output"
		[ "$1" = inspect ] || [ "$output" = "$want" ] || fail "$1: $2 $n of $total, interrupted: says $output"
	done
}

# A disk that fails: an error or the whole answer, never half of one, a crash or a hang; and the next command works.
hit_verb() { # VERB NAME INJECTION
	local n total cmd
	read -ra cmd <<<"$(verb "$1")"
	spoken
	total=$(count_calls "$2" skiff "${cmd[@]}")
	for n in $(points "$total"); do
		[ "$1" != rm ] || spoken
		run traced -e "trace=$2" -e "inject=$2:$3:when=$n" -- skiff "${cmd[@]}"
		no_crash "$status" "$1, $2 $3, call $n of $total"
		[ "$status" = 0 ] || [ "$status" = 127 ] || [[ $output == *"rror: "* ]] ||
			fail "$1: $2 $n of $total: status $status without an error: $output"
		run u skiff ps -aq
		[ "$status" = 0 ] || fail "$1: $2 $n of $total: ps fails afterwards: $output"
		u skiff rm -f spoken >/dev/null || fail "$1: $2 $n of $total: the container cannot be removed"
		spoken
	done
	wait_for 5 nothing_left
}

@test "pull: no space left at a write" {
	hit_pull write error=ENOSPC
}

@test "pull: no space left for a new file" {
	hit_pull openat error=ENOSPC
}

@test "pull: the disk fails at a write" {
	hit_pull write error=EIO
}

@test "pull: the disk fails at the sync" {
	hit_pull syncfs error=EIO
}

@test "pull: the disk fails at a folder's sync" {
	hit_pull fsync error=EIO
}

@test "pull: a rename fails" {
	hit_pull renameat2 error=EIO || hit_pull renameat error=EIO
}

@test "pull: no memory" {
	FROM=150 hit_pull mmap error=ENOMEM
}

@test "pull: interrupted writes are not seen" {
	run traced -e trace=write -e inject=write:error=EINTR:when=3+7 -- skiff pull -q --tls-verify=false "$IMAGE"
	is "$status" 0
	grep -q EINTR "$BATS_TEST_TMPDIR/trace"
	whole
}

@test "pull: killed at a write" {
	hit_pull write signal=KILL
}

@test "pull: killed at a rename" {
	hit_pull renameat2 signal=KILL || hit_pull renameat signal=KILL
}

@test "pull: killed at a sync" {
	hit_pull syncfs signal=KILL
}

@test "pull: killed at a new folder" {
	hit_pull mkdirat signal=KILL
}

@test "run: no space left at a write" {
	hit_run write error=ENOSPC
}

@test "run: no space left for a folder" {
	hit_run mkdirat error=ENOSPC
}

@test "run: a mount fails" {
	hit_run move_mount error=EIO
}

@test "run: no memory for a mount" {
	hit_run fsconfig error=ENOMEM
}

@test "run: no process" {
	hit_run clone3 error=EAGAIN
}

@test "run: no descriptor" {
	hit_run openat error=EMFILE
}

@test "run: killed at a folder" {
	hit_run mkdirat signal=KILL
}

@test "run: killed at a mount" {
	hit_run move_mount signal=KILL
}

@test "ps, logs, inspect, rm: interrupted reads and writes are not seen" {
	local v
	for v in ps logs inspect rm; do
		FROM=12 hit_interrupt $v read
	done
	# Lists go through stdio, which gives up: our handlers restart calls (SA_RESTART), so it never has to.
	hit_interrupt logs write
}

@test "run: interrupted reads and writes are not seen" {
	FROM=12 hit_interrupt run read
	hit_interrupt run write
}

@test "ps, logs, inspect, rm: the disk fails at a read, an open, a listing" {
	local v
	for v in ps logs inspect rm; do
		FROM=12 hit_verb $v read error=EIO
		FROM=20 hit_verb $v openat error=EIO
		hit_verb $v getdents64 error=EIO
	done
}

@test "run: the disk fails at a read" {
	FROM=12 hit_run read error=EIO
}

@test "twenty commands without memory: 125 and a word, no crash, nothing left" {
	local kib c cmd
	spoken
	u skiff create --name waiting --network none embedded/busybox true >/dev/null
	for kib in ${FULL:+7000 8000 9000 10000 11000} 12000 ${FULL:+13000 14000} 16000 ${FULL:+18000} 20000 30000 60000 100000; do
		for c in "version" "info" "ps -a" "images" "image inspect embedded/busybox" "inspect spoken" "logs spoken" \
			"tag embedded/busybox other" "rmi other" "create --network none embedded/busybox true" "start waiting" \
			"run --rm --network none embedded/busybox true" "run -d --network none embedded/busybox true" \
			"exec spoken true" "stop spoken" "kill spoken" "wait spoken" "rm nothing" "unshare true" "system check" \
			"pull -q --tls-verify=false $IMAGE"; do
			read -ra cmd <<<"$c"
			status=0
			output=$(u timeout 20 bash -c 'ulimit -v "$1"; shift; exec skiff "$@"' sh "$kib" "${cmd[@]}" 2>&1) || status=$?
			no_crash "$status" "$c in $kib KiB"
			[ "$status" = 0 ] || [ -n "$output" ] || fail "$c in $kib KiB: status $status without a word"
		done
		wait_for 5 nothing_left
		run u skiff system check
		[ "$status" = 0 ] || fail "after $kib KiB the store does not check: $output"
	done
	u skiff run --rm --network none embedded/busybox true
}
