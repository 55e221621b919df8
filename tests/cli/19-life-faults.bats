#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# SIGKILL for the command, the monitor, the container's first process, at every moment: the right state and exit code is told,
# nothing stays behind, and what was killed can be started or removed.

load common

setup_file() {
	skiff run --rm --network none "$BB" true
}

setup() {
	export SKMARK=life-$BATS_TEST_NUMBER-$$-$RANDOM
	root=${SKIFF_ROOT:-$HOME/.local/share/skiff}
}

teardown() {
	remove_all_containers
}

# Neither a process, nor anything in the store or the run folder, nor a mount.
nothing_left() {
	wait_for 10 none_but_bats
	is "$(skiff ps -aq)" ""
	# a folder without a config may be one in the making for so long
	[ -z "$(ls -A "$root/containers")" ] || { sleep 2.1 && is "$(skiff ps -aq)" ""; }
	is "$(cd "$root" && find containers names trash tmp -mindepth 1 ! -name guard ! -path tmp/blobs)" ""
	is "$(find "$(skiff info -f '{{.RunDir}}' 2>/dev/null)" -name '*.sock' -o -name '*.net')" ""
	run ! grep -q "$root/containers" /proc/self/mounts
}

none_but_bats() {
	local p
	for p in $(ours "$SKMARK"); do
		! tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -qE 'skiff|slirp4netns|fuse-overlayfs|^sleep|^sh ' || [ "$p" = "$BASHPID" ] ||
			! grep -qE '^(skiff|slirp4netns|fuse-overlay|sleep)' "/proc/$p/comm" 2>/dev/null || return 1
	done
}

# killed_at N COMMAND...: the command ends by SIGKILL at its N-th system call, or ends before.
killed_at() {
	local n=$1
	shift
	strace -qq -o /dev/null -e trace=all -e inject=all:signal=KILL:when="$n" "$@" >/dev/null 2>&1 3>&- </dev/null
}

# How many system calls a command makes.
calls_of() {
	strace -qq -o "$BATS_TEST_TMPDIR/trace" "$@" >/dev/null 2>&1 3>&-
	grep -c '(' "$BATS_TEST_TMPDIR/trace"
}

needs_strace() {
	command -v strace >/dev/null || skip "strace is not installed"
}

@test "run --rm killed at every fifteenth system call leaves nothing, whether it had a monitor or not" {
	needs_strace
	local n calls
	calls=$(calls_of skiff run --rm --network none --name k "$BB" true)
	[ "$calls" -gt 50 ]
	for n in $(seq 5 15 "$calls"); do
		killed_at "$n" skiff run --rm --network none --name k "$BB" true || true
	done
	nothing_left
	is "$(skiff run --rm --network none --name k "$BB" echo fine)" fine
}

@test "run killed at every thirtieth system call: the container can be started, and removed" {
	needs_strace
	local n calls
	calls=$(calls_of skiff run --network none --name k "$BB" true)
	skiff rm k
	for n in $(seq 10 30 "$calls"); do
		killed_at "$n" skiff run --network none --name k "$BB" true || true
		if skiff inspect k >/dev/null 2>&1; then
			[[ $(skiff inspect -f '{{.State.Status}}' k) =~ ^(created|running|exited)$ ]]
			ended() { ! is_running k; }
			wait_for 5 ended
			skiff start -a k
			is "$(skiff inspect -f '{{.State.Status}} {{.State.ExitCode}}' k)" "exited 0"
			is "$(skiff rm k)" k
		fi
	done
	nothing_left
}

@test "rm and rm -f killed at any moment can be repeated" {
	needs_strace
	local n calls force
	for force in "" -f; do
		skiff create --network none --name k "$BB" true >/dev/null
		# shellcheck disable=SC2086
		calls=$(calls_of skiff rm $force k)
		for n in $(seq 10 12 "$calls"); do
			skiff create --network none --name k "$BB" true >/dev/null
			[ -z "$force" ] || skiff start k >/dev/null
			# shellcheck disable=SC2086
			killed_at "$n" skiff rm $force k || true
			skiff rm -f k >/dev/null 2>&1
			run -0 --separate-stderr skiff ps -aq
			is "$output" ""
		done
	done
	# what the last one has left in the trash the next monitor of a --rm container empties
	skiff run --rm --network none "$BB" true
	wait_for 5 sh -c "[ \$(ls '$root/trash' | grep -vc guard) = 0 ]"
	nothing_left
}

# bats test_tags=smoke
@test "a killed monitor: 137 for who waits, runs in the foreground, asks or looks; start and rm work" {
	local pid mon rc w
	skiff run --name m --network none "$BB" sleep 1000 >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	wait_for 5 is_running m
	skiff wait m >"$BATS_TEST_TMPDIR/wait" 3>&- &
	w=$!
	sleep 0.2
	kill -9 "$(monitor_of m)"
	rc=0
	wait $pid || rc=$?
	is $rc 137
	is "$(wc -l <"$BATS_TEST_TMPDIR/err")" 1
	grep -q "monitor" "$BATS_TEST_TMPDIR/err"
	wait $w
	is "$(cat "$BATS_TEST_TMPDIR/wait")" 137
	[[ $(skiff ps -a --format '{{.Status}}') =~ ^Exited\ \(137\)\ .*ago$ ]]
	is "$(skiff inspect -f '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.Pid}} {{.State.Error}}' m)" \
		"exited false 137 0 monitor died"
	[[ $(skiff inspect -f '{{.State.FinishedAt}}' m) == 20* ]]
	is "$(skiff wait m)" 137
	run -1 skiff kill m
	contains "is not running"
	run -1 skiff exec m true
	contains "is not running"
	is "$(skiff stop m)" m
	skiff logs m
	skiff start m >/dev/null
	is_running m
	skiff rm -f m >/dev/null
	nothing_left
}

@test "a container that fills the disk: its exit code is known afterwards" {
	local full=$BATS_TEST_TMPDIR/full
	mkdir "$full"
	# shellcheck disable=SC2016
	run -3 own_mounts sh -c 'mount -t tmpfs -o size=64m none "$1" && export SKIFF_ROOT=$1/store SKIFF_SINGLE_ID=quiet || exit 1
		skiff run --network none --name f "$2" sh -c "cat /dev/zero >/fill || exit 3"
		echo "$? $(skiff inspect -f "{{.State.Status}} {{.State.ExitCode}}" f)" && skiff rm f && exit 3' sh "$full" "$BB"
	contains "3 exited 3"
	is "${lines[-1]}" f
}

# bats test_tags=smoke
@test "a killed monitor of a --rm container: whoever looks next removes it" {
	local how mon
	for how in ps inspect name "rm -f" info; do
		skiff run -d --rm --name m --network none "$BB" sleep 1000 >/dev/null
		mon=$(monitor_of m)
		kill -9 "$mon"
		wait_for 5 test ! -d "/proc/$mon"
		case $how in
		ps) is "$(skiff ps -a --format '{{.Names}}')" "" ;;
		inspect) run -1 skiff container inspect m ;;
		name) is "$(skiff run --rm --name m --network none "$BB" echo mine)" mine ;;
		"rm -f") skiff rm -f m >/dev/null ;;
		info) is "$(skiff info -f '{{.Containers}}' 2>/dev/null)" 0 ;;
		esac
		is "$(find "$root/containers" "$root/names" -mindepth 1)" ""
	done
	nothing_left
}

@test "create --rm stays until it is started" {
	skiff create --rm --name c --network none "$BB" true >/dev/null
	is "$(skiff ps -a --format '{{.Names}} {{.State}}')" "c created"
	skiff inspect c >/dev/null
	skiff start -a c
	nothing_left
}

@test "a monitor that is killed while it starts: the command ends with an error, nothing is left" {
	local i pid rc mon
	for i in $(seq 24); do
		skiff run --rm --name m --network none "$BB" sleep 2 >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- </dev/null &
		pid=$!
		mon=
		while [ -z "$mon" ] && [ -d "/proc/$pid" ]; do
			mon=$(pgrep -P $pid -x 'skiff-monitor' || true)
		done
		sleep "0.0$((i % 3))$((i % 10))"
		[ -z "$mon" ] || kill -9 "$mon" 2>/dev/null || true
		rc=0
		wait $pid || rc=$?
		case $rc in 125 | 137) ;; *) fail "exit status $rc: $(cat "$BATS_TEST_TMPDIR/err")" ;; esac
		is "$(grep -c ^Error: "$BATS_TEST_TMPDIR/err")" 1
		is "$(skiff ps -aq)" ""
	done
	nothing_left
}

@test "the container's first process is killed from outside: 137, as from inside" {
	local pid rc i
	skiff run --name k --network none "$BB" sleep 1000 3>&- &
	pid=$!
	wait_for 5 is_running k
	kill -9 "$(skiff inspect -f '{{.State.Pid}}' k)"
	rc=0
	wait $pid || rc=$?
	is $rc 137
	is "$(skiff inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' k)" "exited 137 "
	for i in 1 2 3; do
		skiff start k >/dev/null
		kill -9 "$(skiff inspect -f '{{.State.Pid}}' k)"
		is "$(skiff wait k)" 137
	done
	skiff run -d --rm --name r --network none "$BB" sleep 1000 >/dev/null
	kill -9 "$(skiff inspect -f '{{.State.Pid}}' r)"
	gone() { [ -z "$(skiff ps -aq -f name=r)" ]; }
	wait_for 5 gone
	skiff rm k >/dev/null
	nothing_left
}

@test "the command is killed while its container runs: the container goes on, and tells others how it ends" {
	local pid
	skiff run --name c --network none "$BB" sh -c 'sleep 0.7; exit 5' 3>&- &
	pid=$!
	wait_for 5 is_running c
	kill -9 $pid
	wait $pid || true
	is "$(skiff wait c)" 5
	skiff run --rm --name r --network none "$BB" sleep 0.7 3>&- &
	pid=$!
	wait_for 5 is_running r
	kill -9 $pid
	wait $pid || true
	skiff rm c >/dev/null
	gone() { [ -z "$(skiff ps -aq)" ]; }
	wait_for 5 gone
	nothing_left
}

@test "everything at once, as when the machine ends: all states are right, everything starts again" {
	local n
	for n in 1 2 3 4; do skiff run -d --name "c$n" --network none "$BB" sleep 1000 >/dev/null; done
	skiff run -d --rm --name r --network none "$BB" sleep 1000 >/dev/null
	for n in 1 2 3 4; do echo "$(monitor_of c$n) $(skiff inspect -f '{{.State.Pid}}' c$n)"; done >"$BATS_TEST_TMPDIR/pids"
	monitor_of r >>"$BATS_TEST_TMPDIR/pids"
	# shellcheck disable=SC2046
	kill -9 $(cat "$BATS_TEST_TMPDIR/pids") || true
	wait_for 5 sh -c '[ -z "$(skiff ps -q)" ]'
	is "$(skiff ps -a --format '{{.Names}} {{.State}}' | sort | tr '\n' ' ')" "c1 exited c2 exited c3 exited c4 exited "
	skiff start c1 c2 c3 c4 >/dev/null
	is "$(skiff ps -q | wc -l)" 4
	skiff rm -f c1 c2 c3 c4 >/dev/null
	nothing_left
}

@test "a killed monitor takes its exec sessions and its network stack along" {
	local pid rc
	skiff run -d --name x "$BB" sleep 1000 >/dev/null
	skiff exec x sleep 1000 >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	sleep 0.3
	kill -9 "$(monitor_of x)"
	rc=0
	wait $pid || rc=$?
	is $rc 137
	is "$(skiff inspect -f '{{.State.ExitCode}}' x)" 137
	skiff rm x >/dev/null
	nothing_left
}
