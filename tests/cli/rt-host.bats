#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RT rows of SECURITY.md about what a container could reach on the host, and about our own state.

load common
load image

setup_file() {
	base_image
}

teardown_file() {
	remove_all_containers
}

# state_dir NAME: the folder of a container
state_dir() {
	local root=${SKIFF_ROOT:-${XDG_DATA_HOME:-$HOME/.local/share}/skiff}
	[ "$SKIFF_TEST_MODE" != root ] || [ -n "${SKIFF_ROOT:-}" ] || root=/var/lib/skiff
	echo "$root/containers/$(skiff inspect -f '{{.Id}}' "$1" 2>/dev/null)"
}

# bats test_tags=smoke
@test "RT-13 the cgroup tree cannot be changed" {
	run -0 --separate-stderr skiff run --rm --network none base sh -c '
		mkdir /sys/fs/cgroup/x 2>/dev/null && echo made
		for f in $(find /sys/fs/cgroup -type f 2>/dev/null | head -n 50) /sys/fs/cgroup/release_agent; do
			(echo 1 >$f) 2>/dev/null && echo "written: $f"
		done
		mount -t cgroup2 none /tmp 2>/dev/null && echo mounted
		mount -t cgroup -o memory none /tmp 2>/dev/null && echo mounted
		grep -c " /sys/fs/cgroup .*[ ,]ro[ ,]" /proc/mounts; true'
	lacks made
	lacks written
	lacks mounted
	contains 1
}

@test "RT-14 lengths beyond all reason are refused, not cut or wrapped" {
	local long many i
	long=/$(head -c 70000 /dev/zero | tr '\0' a)
	run skiff run --rm --network none -v "/tmp:$long" base true
	is "$status" 125
	contains Error
	run skiff run --rm --network none --tmpfs "$long" base true
	is "$status" 125
	run skiff run --rm --network none -w "$long" base true
	is "$status" 125
	run skiff run --rm --network none --hostname "$(head -c 300 /dev/zero | tr '\0' h)" base true
	is "$status" 125
	many=()
	for i in $(seq 3000); do many+=(--tmpfs "/t/$i"); done
	run timeout -k 1 60 skiff run --rm --network none "${many[@]}" base sh -c 'grep -c " /t/" /proc/mounts'
	[ "$status" = 0 ] || [ "$status" = 125 ] || fail "exit status $status"
	[ "$status" != 0 ] || contains 3000
	head -c 200000000 /dev/zero | tr '\0' x | sed 's/^/A=/' >"$BATS_TEST_TMPDIR/env"
	run timeout -k 1 60 skiff run --rm --network none --env-file "$BATS_TEST_TMPDIR/env" base true
	is "$status" 125
	rm -f "$BATS_TEST_TMPDIR/env"
	many=()
	for i in $(seq 100); do many+=(-e "V$i=$(head -c 100000 /dev/zero | tr '\0' v)"); done
	run timeout -k 1 60 skiff run --rm --network none "${many[@]}" base true
	[ "$status" = 0 ] || [ "$status" = 125 ] || [ "$status" = 126 ] || fail "exit status $status"
}

@test "RT-20 no socket of ours is to be met in the host's network namespace" {
	skiff run -d --name rt20 --network none base sleep 1000
	run -0 --separate-stderr skiff run --rm --network host base probe abstract
	lacks "named after us"
	contains seen
	# nor does a connection to any path: the folder is not in the container
	run -0 --separate-stderr skiff run --rm --network host base sh -c 'find / -xdev -type s 2>/dev/null; true'
	is "$output" ""
	skiff rm -f rt20
}

# A process that must survive.
victim() {
	sleep 300 &
	VICTIM=$!
	disown
}

spared() {
	kill -0 "$VICTIM" || fail "the innocent process was signalled"
}

@test "RT-25 a pid that has been reused is never signalled" {
	local dir mon
	victim
	skiff run -d --name rt25 --network none base sleep 1000
	dir=$(state_dir rt25)
	[ -f "$dir/state.json" ] || fail "no state in $dir"
	mon=$(sed -n 's/.*"MonitorPid":\([0-9]*\).*/\1/p' "$dir/state.json")
	# the state lies while it runs
	sed -i "s/\"Pid\":[0-9]*/\"Pid\":$VICTIM/; s/\"MonitorPid\":[0-9]*/\"MonitorPid\":$VICTIM/" "$dir/state.json"
	run skiff kill -s USR1 rt25
	spared
	run skiff stop -t 1 rt25
	spared
	run skiff rm -f rt25
	spared
	[ ! -d "/proc/$mon" ] || wait_for 5 test ! -d "/proc/$mon"
	# and after its monitor has died
	skiff run -d --name rt25 --network none base sleep 1000
	dir=$(state_dir rt25)
	mon=$(sed -n 's/.*"MonitorPid":\([0-9]*\).*/\1/p' "$dir/state.json")
	kill -9 "$mon"
	wait_for 5 test ! -d "/proc/$mon"
	sed -i "s/\"Pid\":[0-9]*/\"Pid\":$VICTIM/; s/\"MonitorPid\":[0-9]*/\"MonitorPid\":$VICTIM/; s/\"Status\":[0-9]*/\"Status\":1/" "$dir/state.json"
	run skiff ps --format '{{.Names}}'
	lacks rt25
	run skiff kill rt25
	[ "$status" -ne 0 ]
	spared
	run skiff stop -t 1 rt25
	spared
	run -0 skiff rm -f rt25
	spared
	kill "$VICTIM"
}

@test "RT-27 a log that was replaced by a link is not shown" {
	local dir
	echo very-secret >"$BATS_TEST_TMPDIR/secret"
	skiff run --name rt27 --network none base echo hello
	dir=$(state_dir rt27)
	run -0 --separate-stderr skiff logs rt27
	is "$output" hello
	rm "$dir/log.json"
	ln -s "$BATS_TEST_TMPDIR/secret" "$dir/log.json"
	run skiff logs rt27
	lacks very-secret
	[ "$status" -ne 0 ]
	rm "$dir/log.json"
	mkfifo "$dir/log.json"
	run timeout 10 skiff logs rt27
	[ "$status" != 124 ] || fail hangs
	run -0 skiff rm rt27
}

@test "RT-27 a state folder that was replaced by a link is not followed" {
	local dir
	skiff run --name rt27b --network none base true
	dir=$(state_dir rt27b)
	mkdir "$BATS_TEST_TMPDIR/else"
	echo keep >"$BATS_TEST_TMPDIR/else/file"
	rm -rf "$dir/upper" 2>/dev/null || skiff unshare rm -rf "$dir/upper"
	ln -s "$BATS_TEST_TMPDIR/else" "$dir/upper"
	run skiff rm rt27b
	is "$(cat "$BATS_TEST_TMPDIR/else/file")" keep
}

@test "RT-28 --pid host shows processes, not their environment" {
	export SKMARK=rt28-$$-$RANDOM
	victim
	run -0 --separate-stderr skiff run --rm --network none --pid host base sh -c "ls -d /proc/$VICTIM; probe environ $SKMARK"
	is "$output" "/proc/$VICTIM"$'\n'0
	run -0 --separate-stderr skiff run --rm --network none --pid host --privileged base sh -c "probe environ $SKMARK; probe pvm $VICTIM"
	is "$output" 0$'\n'EPERM
	kill "$VICTIM"
	# nor is another program's memory reached: the filter refuses what the kernel would check
	run -0 --separate-stderr skiff run --rm --network none --pid host base probe all
	contains "process_vm_readv of itself: EPERM"
	contains "pidfd_getfd: EPERM"
	# the default sees nobody else at all
	run -0 --separate-stderr skiff run --rm --network none base sh -c 'ls -d /proc/[0-9]* | wc -l'
	[ "$output" -le 4 ] || fail "$output processes"
}
