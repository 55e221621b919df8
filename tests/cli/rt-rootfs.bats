#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RT rows of SECURITY.md about images whose files and configuration are hostile.

load common
load image

setup_file() {
	base_image
}

teardown_file() {
	remove_all_containers
}

setup() {
	T=$BATS_TEST_TMPDIR/tree
	# what an image would make or change if it could leave its root
	OUT=$BATS_TEST_TMPDIR/out
	mkdir "$OUT"
	new_tree "$T"
}

# no_trace: nothing has appeared in $OUT
no_trace() {
	[ -z "$(ls -A "$OUT")" ] || fail "made outside: $(ls -lR "$OUT")"
}

# runs_or_refuses: the container started and was sane, or was refused with a sentence; no crash
runs_or_refuses() {
	[ "$status" = 0 ] || { [ "$status" = 125 ] && contains "Error:"; }
}

@test "RT-03 an image whose /proc is a link elsewhere gets a real one, or does not start" {
	rmdir "$T/proc"
	mkdir -p "$T/fake/self" "$T/fake/sys/net/ipv4"
	echo 'Name: fake' >"$T/fake/self/status"
	ln -s /fake "$T/proc"
	load_tree rt3:latest "$T"
	run skiff run --rm --network none --sysctl net.ipv4.ip_forward=1 rt3 sh -c 'stat -f -c %T /proc; cat /proc/self/status'
	runs_or_refuses
	if [ "$status" = 0 ]; then
		contains "CapBnd"
		lacks fake
	fi
}

@test "RT-03 nothing is mounted on or below /proc, and a sysctl really is set" {
	local target
	mkdir "$BATS_TEST_TMPDIR/v"
	for target in /proc /proc/ /proc/sys /proc/self /tmp/../proc; do
		run skiff run --rm --network none -v "$BATS_TEST_TMPDIR/v:$target" base true
		is "$status" 125
		contains "/proc"
		run skiff run --rm --network none --tmpfs "$target" base true
		is "$status" 125
	done
	ln -s /proc "$T/link"
	load_tree rt3b:latest "$T"
	run skiff run --rm --network none -v "$BATS_TEST_TMPDIR/v:/link/sys" rt3b sh -c 'stat -f -c %T /proc/sys; cat /proc/sys/kernel/osrelease'
	runs_or_refuses
	[ "$status" != 0 ] || contains "$(uname -r)"
	run -0 --separate-stderr skiff run --rm --network none --sysctl net.ipv4.ip_forward=1 base cat /proc/sys/net/ipv4/ip_forward
	is "$output" 1
}

@test "RT-06 no descriptor of ours is open in the container" {
	run -0 --separate-stderr skiff run --rm --network none base sh -c 'probe fds | cut -d" " -f1 | sort | tr "\n" " "'
	is "$output" "0 1 2 "
	run -0 --separate-stderr skiff run --rm -t --network none base sh -c 'probe fds | cut -d" " -f1 | sort | tr "\n" " "'
	contains "0 1 2 "
	skiff run -d --name rt6 --network none base sleep 1000
	run -0 --separate-stderr skiff exec rt6 sh -c 'probe fds | cut -d" " -f1 | sort | tr "\n" " "'
	is "$output" "0 1 2 "
	# pid 1 neither
	run -0 --separate-stderr skiff exec rt6 sh -c 'ls /proc/1/fd | tr "\n" " "'
	is "$output" "0 1 2 "
	skiff rm -f rt6
}

@test "RT-06 a folder or a file as standard stream is not handed in" {
	local c
	skiff run -d --name rt6c --network none base sleep 1000
	for c in "exec -i rt6c" "run --rm -i --network none base"; do
		# shellcheck disable=SC2086
		run skiff $c ls /proc/self/fd/0/ </
		[ "$status" -ne 0 ] || fail "the host's root: $output"
		# shellcheck disable=SC2086
		run -0 --separate-stderr skiff $c sh -c 'readlink /proc/self/fd/0; cat | wc -c' </etc/passwd
		lacks /etc/passwd
		contains "$(wc -c </etc/passwd)"
		# shellcheck disable=SC2086
		skiff $c readlink /proc/self/fd/1 >"$BATS_TEST_TMPDIR/stdout"
		lacks "$BATS_TEST_TMPDIR"
		[[ $(cat "$BATS_TEST_TMPDIR/stdout") == pipe:* ]] || fail "$(cat "$BATS_TEST_TMPDIR/stdout")"
	done
	skiff rm -f rt6c
}

@test "RT-06 a working directory of /proc/self/fd/N does not lead out" {
	local n
	skiff run -d --name rt6b --network none base sleep 1000
	for n in $(seq 3 40); do
		run ! skiff exec -w "/proc/self/fd/$n" rt6b sh -c 'readlink /proc/self/cwd; ls ../../../../../..'
		[ "$status" -ne 0 ] || fail "exec -w /proc/self/fd/$n worked: $output"
	done
	skiff rm -f rt6b
	for n in 3 4 5 6 7 8 9 10 11 12 13 20; do
		load_tree "rt6-$n:latest" "$T" "\"Cmd\":[\"sh\",\"-c\",\"readlink /proc/self/cwd; ls ../../../../..\"],\"WorkingDir\":\"/proc/self/fd/$n\""
		run ! skiff run --rm --network none "rt6-$n"
		[ "$status" -ne 0 ] || fail "WORKDIR /proc/self/fd/$n worked: $output"
	done
}

@test "RT-08 a device that the image replaces is not what masks a path" {
	rm -rf "$T/dev"
	mkdir "$T/dev"
	ln -s /proc/sysrq-trigger "$T/dev/null"
	ln -s /etc/passwd "$T/dev/zero"
	load_tree rt8:latest "$T"
	run skiff run --rm --network none rt8 sh -c 'stat -c "%F %t:%T" /dev/null /dev/zero; cat /proc/timer_list /proc/keys; ls -A /sys/firmware'
	contains "character special file 1:3"
	contains "character special file 1:5"
	lacks "tick_cpu"
	run skiff run --rm --network none rt8 sh -c 'echo x >/proc/timer_list; cat /proc/timer_list | wc -c'
	contains 0
}

@test "RT-09 the terminal is our own pty, whatever the image has at /dev/console and /dev/pts" {
	rm -rf "$T/dev"
	mkdir -p "$T/dev" "$T/elsewhere"
	ln -s /etc/passwd "$T/dev/console"
	ln -s /elsewhere "$T/dev/pts"
	ln -s "../../../../../..$OUT/tty" "$T/dev/tty"
	load_tree rt9:latest "$T"
	run -0 skiff run --rm -t --network none rt9 sh -c 'stat -c %F /dev/console /dev/pts/0; readlink /proc/self/fd/0; cat /etc/passwd; ls -A /elsewhere'
	contains "character special file"
	contains "/dev/pts/0"
	contains "root:x:0:0"
	no_trace
}

# bats test_tags=smoke
@test "RT-10 CP-07 folders of the image that are links lead nowhere outside" {
	local d
	for d in dev etc run sys tmp; do
		rm -rf "${T:?}/$d"
		ln -s "../../../../../../../..$OUT/$d" "$T/$d"
	done
	load_tree rt10:latest "$T"
	run skiff run --rm --network none --hostname h -w /tmp/w rt10 cat /etc/hosts
	runs_or_refuses
	no_trace
	for d in hosts hostname resolv.conf mtab; do
		new_tree "$BATS_TEST_TMPDIR/t-$d"
		ln -s "../../../../../../..$OUT/$d" "$BATS_TEST_TMPDIR/t-$d/etc/$d"
		load_tree "rt10-$d:latest" "$BATS_TEST_TMPDIR/t-$d"
		run skiff run --rm --network none "rt10-$d" sh -c 'echo y >>/etc/resolv.conf; echo y >>/etc/hosts; true'
		runs_or_refuses
		no_trace
	done
}

@test "RT-10 targets of the user's mounts that are links stay inside" {
	ln -s "../../../../../../..$OUT" "$T/out"
	ln -s "../../../../../../..$OUT/file" "$T/file"
	mkdir "$BATS_TEST_TMPDIR/v"
	echo x >"$BATS_TEST_TMPDIR/f"
	load_tree rt10b:latest "$T"
	run skiff run --rm --network none -v "$BATS_TEST_TMPDIR/v:/out/new" -v "$BATS_TEST_TMPDIR/f:/file" --tmpfs /out/t rt10b true
	runs_or_refuses
	no_trace
}

@test "RT-18 the image's environment is taken as data" {
	load_tree rt18:latest "$T" '"Cmd":["env"],"Env":["PATH=/bin","CANARY","HOME","=x","A B=c","GOOD=1","*","NL=a\nb"]'
	run --separate-stderr -0 env CANARY=leaked skiff run --rm --network none rt18
	contains GOOD=1
	lacks leaked
	[[ $output != *"HOME=$HOME"* ]] || fail "the host's HOME"
	run -0 --separate-stderr env CANARY=given skiff run --rm --network none -e CANARY rt18
	contains CANARY=given
}

@test "RT-18 working directory, volumes and labels of the image do nothing outside" {
	ln -s "../../../../../..$OUT" "$T/w"
	load_tree rt18b:latest "$T" "\"Cmd\":[\"pwd\"],\"WorkingDir\":\"/w/deeper\",\"Volumes\":{\"/../../../../../..$OUT/vol\":{},\"/w/v\":{}},\"Labels\":{\"skiff.privileged\":\"true\",\"run\":\"skiff run --privileged\"}"
	run skiff run --rm --network none rt18b
	runs_or_refuses
	no_trace
	run skiff run --rm --network none -w / rt18b probe status
	[ "$status" = 125 ] || contains 00000000800405fb
	no_trace
	load_tree rt18c:latest "$T" '"Cmd":["true"],"WorkingDir":"relative/../../x"'
	run skiff run --rm --network none rt18c
	runs_or_refuses
}

@test "RT-18 an entrypoint that does not exist, or is a folder or a device" {
	local e
	for e in /nothing /etc /dev/null; do
		load_tree rt18d:latest "$T" "\"Entrypoint\":[\"$e\"]"
		run ! skiff run --rm --network none rt18d
		[ "$status" = 126 ] || [ "$status" = 127 ] || fail "exit status $status for $e: $output"
	done
}

@test "RT-19 users and groups are read from regular files of a bearable size" {
	local kind start
	for kind in fifo dir device big missing link; do
		rm -rf "$T/etc/passwd" "$T/etc/group"
		case $kind in
		fifo) mkfifo "$T/etc/passwd" "$T/etc/group" ;;
		dir) mkdir "$T/etc/passwd" "$T/etc/group" ;;
		device) ln -s /dev/zero "$T/etc/passwd"; ln -s /dev/zero "$T/etc/group" ;;
		big) truncate -s 8G "$T/etc/passwd"; truncate -s 8G "$T/etc/group" ;;
		link) ln -s "../../../../../../..$OUT/../secret" "$T/etc/passwd"; echo 'root:x:5:5::/:/bin/sh' >"$BATS_TEST_TMPDIR/secret" ;;
		esac
		start=$(date +%s%N)
		run --separate-stderr timeout -k 1 20 skiff run --rm --network none --rootfs "$T" probe euid
		[ "$status" != 124 ] || fail "$kind: hangs"
		[ "$status" = 0 ] || { output=$stderr; contains Error; }
		[ "$status" != 0 ] || is "$output" "0 0"
		[ $((($(date +%s%N) - start) / 1000000)) -lt 3000 ] || fail "$kind: took too long"
	done
}

@test "RT-19 a group with a million members" {
	{
		printf 'big:x:500:'
		seq -s, 1000000
		echo 'good:x:501:root'
	} >"$T/etc/group"
	run --separate-stderr timeout -k 1 20 skiff run --rm --network none --rootfs "$T" probe status
	[ "$status" != 124 ] || fail hangs
	[ "$status" = 0 ] || { output=$stderr; contains Error; }
}

# bats test_tags=smoke
@test "RT-24 what tells about the host is masked or read-only, in run and in exec" {
	local script='
	for f in /proc/kcore /proc/keys /proc/key-users /proc/timer_list /proc/sched_debug /proc/interrupts /proc/latency_stats; do
		[ ! -e $f ] || [ "$(head -c 10 $f 2>/dev/null | wc -c)" = 0 ] || echo "readable: $f"
	done
	for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap /sys/kernel/debug \
		/sys/kernel/tracing /sys/kernel/security /sys/dev/block /sys/devices/system/cpu/cpu0/thermal_throttle; do
		[ ! -d $d ] || [ -z "$(ls -A $d 2>/dev/null)" ] || echo "not empty: $d"
		! touch $d/x 2>/dev/null || echo "writable: $d"
	done
	for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/swappiness /proc/irq/0/smp_affinity \
		/proc/bus/x /proc/fs/x; do
		! (echo 0 >$f) 2>/dev/null || echo "writable: $f"
	done
	grep -c " /proc/sys proc ro," /proc/mounts'
	run -0 --separate-stderr skiff run --rm --network none base sh -c "$script"
	is "$output" 1
	skiff run -d --name rt24 --network none base sleep 1000
	run -0 --separate-stderr skiff exec rt24 sh -c "$script"
	is "$output" 1
	skiff rm -f rt24
	run -0 --separate-stderr skiff run --rm --network none --pid host base sh -c "$script"
	is "$output" 1
}

@test "RT-24 mask=, unmask= and systempaths=unconfined" {
	local script='grep -c " /proc/sys proc ro," /proc/mounts; ls -A /sys/firmware | wc -l; cat /etc/passwd | wc -c'
	run -0 --separate-stderr skiff run --rm --network none --security-opt systempaths=unconfined base sh -c "$script || true"
	[[ $output == 0$'\n'* ]] || fail "still read-only: $output"
	run -0 --separate-stderr skiff run --rm --network none --security-opt unmask=ALL base sh -c "$script || true"
	[[ $output == 0$'\n'* ]] || fail "still read-only: $output"
	run -0 --separate-stderr skiff run --rm --network none --security-opt unmask=/proc/sys base sh -c "$script || true"
	[[ $output == 0$'\n0\n'* ]] || fail "the wrong ones: $output"
	run -0 --separate-stderr skiff run --rm --network none --security-opt mask=/etc/passwd:/etc base sh -c "$script"
	[[ $output == *$'\n0' ]] || fail "not masked: $output"
	run skiff run --rm --network none --security-opt mask=etc base true
	is "$status" 125
	contains "not an absolute path"
}
