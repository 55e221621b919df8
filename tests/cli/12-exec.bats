#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: one more process in a running container.

load common
load image

setup_file() {
	base_image
	printf 'root:x:0:0::/root:/bin/sh\napp:x:42:43::/home/app:/bin/sh\n' >"$BATS_FILE_TMPDIR/base/etc/passwd"
	printf 'root:x:0:\napp:x:43:\nmore:x:44:app\n' >"$BATS_FILE_TMPDIR/base/etc/group"
	load_tree users:latest "$BATS_FILE_TMPDIR/base"
	skiff run -d --name c --network none -e FROM=run -w /tmp -h box users sleep 1000
}

teardown_file() {
	remove_all_containers
}

# bats test_tags=smoke
@test "output, stdin and exit code" {
	run -0 --separate-stderr skiff exec c sh -c 'echo out; echo err >&2'
	is "$output" out
	is "$stderr" err
	run -7 skiff exec c sh -c 'exit 7'
	run -137 skiff exec c sh -c 'kill -9 $$'
	is "$(echo in | skiff exec -i c cat)" in
	is "$(echo in | skiff exec --interactive c cat)" in
	is "$(echo in | skiff exec c cat)" ""
	head -c 5000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	is "$(skiff exec -i c cat <"$BATS_TEST_TMPDIR/in" | sha256sum)" "$(sha256sum <"$BATS_TEST_TMPDIR/in")"
	is "$(yes | skiff exec -i c head -n 1)" y
}

@test "126, 127, and containers that do not run or are not there" {
	run -127 --separate-stderr skiff exec c nosuch
	is "$stderr" 'Error: exec: "nosuch": executable file not found in $PATH'
	run -126 --separate-stderr skiff exec c /etc
	run -127 skiff exec -w /no/such c true
	contains "/no/such"
	run -1 skiff exec -w relative c true
	contains "needs to be an absolute path"
	run -1 skiff exec nosuch true
	contains "No such container: nosuch"
	skiff create --name made "$BB" true
	run -1 skiff exec made true
	contains "is not running"
	run -1 skiff exec -u nosuch c true
	contains "unable to find user nosuch: no matching entries in passwd file"
	if [ "$SKIFF_TEST_MODE" = single ]; then # ids are emulated there, any of them
		is "$(skiff exec -u 99999 c id -u)" 99999
	else
		run -1 skiff exec -u 99999 c true
		contains "user 99999 is not in the container's id map"
	fi
}

# bats test_tags=smoke
@test "-e, --env-file, -w, -u" {
	is "$(skiff exec c sh -c 'echo $FROM $HOSTNAME; pwd')" "run box
/tmp"
	is "$(skiff exec -e FROM=exec --env B=2 c sh -c 'echo $FROM $B')" "exec 2"
	echo C=3 >"$BATS_TEST_TMPDIR/env"
	is "$(skiff exec --env-file "$BATS_TEST_TMPDIR/env" c sh -c 'echo $C')" 3
	run -1 skiff exec --env-file /no/such c true
	contains /no/such
	is "$(skiff exec -w /etc c pwd)" /etc
	is "$(skiff exec --workdir / c pwd)" /
	is "$(skiff exec -u app c sh -c 'id -u; id -G; echo $HOME' | tr '\n' ' ')" "42 43 44 /home/app "
	is "$(skiff exec --user 5:6 c sh -c 'id -u; id -G' | tr '\n' ' ')" "5 6 "
	# what ran as a user before runs as it again
	skiff run -d --name u -u app --network none users sleep 1000
	is "$(skiff exec u id -u)" 42
	is "$(skiff exec -u 0 u id -u)" 0
	skiff rm -f u
}

@test "-d: at once, and the process goes on" {
	run -0 skiff exec -d c sh -c 'sleep 0.2; echo later >/tmp/later'
	is "$output" ""
	wait_for 5 skiff exec c grep later /tmp/later
	run -0 skiff exec --detach c true
	run -127 skiff exec -d c nosuch
}

@test "--privileged" {
	is "$(skiff exec c sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)" 00000000800405fb
	run -0 skiff exec --privileged c sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status
	[ "$output" != 00000000800405fb ]
	run -1 skiff exec c mount -t tmpfs none /tmp
	run -0 skiff exec --privileged c mount -t tmpfs none /tmp
	skiff exec --privileged "$(skiff run -d --network none "$BB" sleep 1000)" umount /dev/shm
}

@test "it is in every namespace of the container, and has its descriptors only" {
	local ns
	for ns in cgroup ipc mnt net pid user uts; do
		is "$(skiff exec c readlink /proc/self/ns/$ns)" "$(skiff exec c readlink /proc/1/ns/$ns)"
	done
	exec 8</etc/passwd
	is "$(skiff exec c ls /proc/self/fd | tr '\n' ' ')" "0 1 2 3 "
	exec 8<&-
	run -0 skiff exec c ps -o pid,comm
	contains sleep
}

@test "40 at the same time" {
	local i pids=()
	for i in $(seq 40); do
		skiff exec c sh -c "echo $i; exit $i" >"$BATS_TEST_TMPDIR/$i" 3>&- &
		pids+=($!)
	done
	for i in $(seq 40); do
		rc=0
		wait "${pids[i - 1]}" || rc=$?
		is "$rc" "$i"
		is "$(cat "$BATS_TEST_TMPDIR/$i")" "$i"
	done
}

@test "a process that the command leaves in the background is not waited for" {
	local start=$SECONDS
	# the pipe of the command substitution is the process's own: that one has to wait
	skiff exec c sh -c 'sleep 20 & echo done' >"$BATS_TEST_TMPDIR/out"
	is "$(cat "$BATS_TEST_TMPDIR/out")" "done"
	[ $((SECONDS - start)) -lt 10 ]
}

@test "the command is killed: the process goes on, the monitor too" {
	skiff exec c sh -c 'sleep 0.5; echo survived >/tmp/survived' 3>&- &
	local pid=$!
	sleep 0.2
	kill -9 $pid
	wait $pid || true
	wait_for 5 skiff exec c cat /tmp/survived
}

@test "137 when the container ends meanwhile; nothing hangs when it has just ended" {
	skiff run -d --name ends --network none "$BB" sleep 1000
	skiff exec ends sleep 1000 3>&- &
	local pid=$! rc=0 i
	sleep 0.3
	skiff kill ends
	wait $pid || rc=$?
	is $rc 137
	for i in 1 2 3 4 5; do
		skiff start ends
		skiff kill ends &
		pid=$! rc=0
		timeout -k 1 10 skiff exec ends true >/dev/null 2>&1 || rc=$?
		case $rc in 0 | 1 | 137) ;; *) fail "exit status $rc" ;; esac
		wait $pid
		run -1 timeout -k 1 10 skiff exec ends true
		contains "is not running"
	done
}

@test "terminals: -it without one is refused as docker does" {
	run -1 skiff exec -it c sh </dev/null
	contains "the input device is not a TTY"
	run -0 skiff exec -t c readlink /proc/self/fd/1 </dev/null
	contains /dev/pts/
	run -0 skiff exec --tty c sh -c 'echo $TERM' </dev/null
	contains xterm
}

@test "large arguments" {
	local x
	x=$(head -c 100000 /dev/zero | tr '\0' x)
	is "$(skiff exec c sh -c 'echo ${#1}' sh "${x:0:50000}")" 50000
	is "$(skiff exec c sh -c 'echo ${#1} ${#5}' sh "$x" "$x" "$x" "$x" "$x")" "100000 100000"
	is "$(skiff run --rm --network none "$BB" sh -c 'echo ${#1} ${#5}' sh "$x" "$x" "$x" "$x" "$x")" "100000 100000"
}
