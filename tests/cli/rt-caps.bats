#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RT rows of SECURITY.md about who a process in a container is: capabilities, ids, groups, set-id files.

load common
load image

setup_file() {
	base_image
	new_tree "$BATS_FILE_TMPDIR/users"
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:100::/home:/bin/sh\n0:x:77:77::/:/bin/sh\n4294967296:x:78:78::/:/bin/sh\n' \
		>"$BATS_FILE_TMPDIR/users/etc/passwd"
	printf 'root:x:0:\nusers:x:100:\nextra:x:200:user\nmore:x:300:root,user\nother:x:400:root\n' >"$BATS_FILE_TMPDIR/users/etc/group"
	load_tree users:latest "$BATS_FILE_TMPDIR/users"
}

teardown_file() {
	remove_all_containers
}

# caps OUTPUT NAME: the mask in a status
mask() {
	sed -n "s/^$2:[[:space:]]*//p" <<<"$1"
}

# check_caps BOUNDING EFFECTIVE: the status in $output
check_caps() {
	is "$(mask "$output" CapBnd)" "$1"
	is "$(mask "$output" CapEff)" "$2"
	is "$(mask "$output" CapPrm)" "$2"
	is "$(mask "$output" CapInh)" 0000000000000000
	is "$(mask "$output" CapAmb)" 0000000000000000
}

all_caps() {
	local last
	last=$(cat /proc/sys/kernel/cap_last_cap)
	printf '%016x' $(((1 << (last + 1)) - 1))
}

none=0000000000000000

# bats test_tags=smoke
@test "RT-05 RT-21 capabilities of run: default, added, dropped, privileged; as root and as a user" {
	local default=00000000800405fb all
	all=$(all_caps)
	run skiff run --rm --network none base probe status
	check_caps $default $default
	run skiff run --rm --network none --cap-add net_admin --cap-drop CAP_CHOWN base probe status
	check_caps 00000000800415fa 00000000800415fa
	run skiff run --rm --network none --cap-drop all base probe status
	check_caps $none $none
	run skiff run --rm --network none --cap-drop all --cap-add kill base probe status
	check_caps 0000000000000020 0000000000000020
	run skiff run --rm --network none --cap-add ALL --cap-drop SYS_ADMIN base probe status
	check_caps "$(printf '%016x' $((0x$all & ~(1 << 21))))" "$(printf '%016x' $((0x$all & ~(1 << 21))))"
	run skiff run --rm --network none --privileged base probe status
	check_caps "$all" "$all"
	run skiff run --rm --network none -u 1000 base probe status
	check_caps $default $none
	run skiff run --rm --network none -u 1000 --cap-add net_admin base probe status
	check_caps 00000000800415fb $none
	run skiff run --rm --network none -u 1000 --privileged base probe status
	check_caps "$all" $none
}

# bats test_tags=smoke
@test "RT-05 RT-21 capabilities of exec: the same matrix" {
	local default=00000000800405fb all
	all=$(all_caps)
	skiff run -d --name rt5 --network none base sleep 1000
	run skiff exec rt5 probe status
	check_caps $default $default
	run skiff exec -u 1000 rt5 probe status
	check_caps $default $none
	run skiff exec --privileged rt5 probe status
	check_caps "$all" "$all"
	run skiff exec --privileged -u 1000 rt5 probe status
	check_caps "$all" $none
	skiff rm -f rt5
	skiff run -d --name rt5 --network none --cap-drop all --cap-add net_admin base sleep 1000
	run skiff exec rt5 probe status
	check_caps 0000000000001000 0000000000001000
	run skiff exec -u 5:6 rt5 probe status
	check_caps 0000000000001000 $none
	skiff rm -f rt5
}

@test "RT-21 no-new-privileges holds in run and exec" {
	skiff run -d --name rt21 --network none --security-opt no-new-privileges base sleep 1000
	run skiff exec rt21 probe status
	is "$(mask "$output" NoNewPrivs)" 1
	is "$(mask "$output" Seccomp)" 2
	skiff rm -f rt21
	run skiff run --rm --network none --security-opt no-new-privileges=true base probe status
	is "$(mask "$output" NoNewPrivs)" 1
	run skiff run --rm --network none --security-opt no-new-privileges:false base probe status
	is "$(mask "$output" NoNewPrivs)" 0
}

@test "capabilities that do not exist are refused in docker's words" {
	run skiff run --rm --network none --cap-add foo base true
	is "$status" 125
	contains 'invalid CapAdd: unknown capability: "CAP_FOO"'
	run skiff run --rm --network none --cap-drop cap_foo base true
	is "$status" 125
	contains 'invalid CapDrop: unknown capability: "CAP_FOO"'
}

@test "RT-11 -u takes whole decimal numbers up to 4294967294, and no number is looked up as a name" {
	local u
	for u in 4294967296 4294967295 -1 +0 0x0 '1000 ' ' 1000' 1000:4294967296 1000:-1 18446744073709551616 1000:1:1; do
		run skiff run --rm --network none "--user=$u" users id -u
		[ "$status" -ne 0 ] || fail "-u '$u' was accepted: $output"
		contains "Error:"
	done
	for u in 0 00 0:0 000:0; do
		run -0 --separate-stderr skiff run --rm --network none "--user=$u" users id -u
		is "$output" 0
	done
	run -0 --separate-stderr skiff run --rm --network none -u 1000:50 users sh -c 'id -u; id -g'
	is "$output" $'1000\n50'
	run -0 --separate-stderr skiff run --rm --network none -u user users sh -c 'id -u; id -g'
	is "$output" $'1000\n100'
	run skiff run --rm --network none -u nobody-here users id -u
	is "$status" 125
	contains nobody-here
}

@test "RT-11 exec parses users the same way" {
	skiff run -d --name rt11 --network none users sleep 1000
	run skiff exec -u 4294967296 rt11 id -u
	[ "$status" -ne 0 ]
	run skiff exec --user=-1 rt11 id -u
	[ "$status" -ne 0 ]
	run -0 --separate-stderr skiff exec -u user rt11 sh -c 'id -u; id -g'
	is "$output" $'1000\n100'
	skiff rm -f rt11
}

# groups OPTION...: id -G as the image's id prints it, sorted
groups_of() {
	skiff run --rm --network none "$@" users id -G | tr ' ' '\n' | sort -n | tr '\n' ' '
}

@test "RT-12 supplementary groups are the primary one, the image's, and --group-add; never the host's" {
	is "$(groups_of)" "0 300 400 "
	is "$(groups_of -u user)" "100 200 300 "
	is "$(groups_of -u 1000)" "100 200 300 "
	is "$(groups_of -u user:other)" "400 "
	is "$(groups_of -u 1000:77)" "77 "
	is "$(groups_of -u 5555)" "0 "
	is "$(groups_of -u user --group-add 900 --group-add other)" "100 200 300 400 900 "
	skiff run -d --name rt12 --network none users sleep 1000
	is "$(skiff exec rt12 id -G | tr ' ' '\n' | sort -n | tr '\n' ' ')" "0 300 400 "
	is "$(skiff exec -u user rt12 id -G | tr ' ' '\n' | sort -n | tr '\n' ' ')" "100 200 300 "
	is "$(skiff exec -u 5555:66 rt12 id -G)" 66
	skiff rm -f rt12
	run skiff run --rm --network none --group-add no-such-group users true
	is "$status" 125
	contains no-such-group
}

# bats test_tags=not-single
# one id: there are no other groups
@test "RT-12 a file that a group may not read stays closed to its members" {
	# 0707 and group 200: the owner and strangers may read, members of the group may not
	cat >"$BATS_TEST_TMPDIR/t.sh" <<-'X'
		echo secret >/tmp/g; chmod 0707 /tmp/g; chown 0:200 /tmp/g; mv /tmp/g /tmp/f; exec sleep 1000
	X
	new_tree "$BATS_TEST_TMPDIR/t"
	cp "$BATS_FILE_TMPDIR"/users/etc/* "$BATS_TEST_TMPDIR/t/etc/"
	ln -s busybox "$BATS_TEST_TMPDIR/t/bin/chown"
	load_tree ng:latest "$BATS_TEST_TMPDIR/t"
	skiff run -d --name ng --network none -v "$BATS_TEST_TMPDIR/t.sh:/t.sh:ro" ng sh /t.sh
	wait_for 5 skiff exec ng test -s /tmp/f
	run skiff exec -u user ng cat /tmp/f
	[ "$status" -ne 0 ] || fail "a member of the group could read"
	run -0 --separate-stderr skiff exec -u 2000:2000 ng cat /tmp/f
	is "$output" secret
	skiff rm -f ng
}

# bats test_tags=not-single
# one id: set-id files have nobody to become
@test "RT-29 a set-id file in a volume gains nothing; one of the image does" {
	mkdir "$BATS_TEST_TMPDIR/v"
	chmod 777 "$BATS_TEST_TMPDIR/v" # called as root, container root is somebody else
	skiff run --rm --network none -v "$BATS_TEST_TMPDIR/v:/v" base sh -c 'cp /bin/probe /v/p; chmod 4755 /v/p'
	run -0 --separate-stderr skiff run --rm --network none -u 1000 -v "$BATS_TEST_TMPDIR/v:/v" base /v/p euid
	is "$output" "1000 1000"
	run -0 --separate-stderr skiff run --rm --network none --tmpfs /t base sh -c 'cp /bin/probe /t/p; chmod 4755 /t/p; grep " /t " /proc/mounts'
	contains nosuid
	contains nodev
	new_tree "$BATS_TEST_TMPDIR/suid"
	chmod 4755 "$BATS_TEST_TMPDIR/suid/bin/probe"
	load_tree suid:latest "$BATS_TEST_TMPDIR/suid"
	run -0 --separate-stderr skiff run --rm --network none -u 1000 suid probe euid
	is "$output" "1000 0"
	run -0 --separate-stderr skiff run --rm --network none -u 1000 --security-opt no-new-privileges suid probe euid
	is "$output" "1000 1000"
}

# bats test_tags=smoke
@test "calls that set ids and calls that get them agree, across fork, exec and threads" {
	run skiff run --rm --network none base probe-ids check
	is "$output" "${output/not ok/}"
	is "$status" 0
	contains ok
	skiff run -d --name ids --network none base sleep 1000
	run -0 --separate-stderr skiff exec ids probe-ids check
	contains ok
	skiff rm -f ids
}

# Section 2.5 of SECURITY.md, what a container gets without a word from the user.
@test "the default posture: limits, settings, /dev, /dev/shm, capabilities, no_new_privs" {
	local hard out
	hard=$(ulimit -Hn)
	[ "$hard" != unlimited ] && [ "$hard" -lt 1048576 ] || hard=1048576
	run -0 --separate-stderr skiff run --rm base sh -c 'ulimit -Sn; ulimit -c; cat /proc/sys/net/ipv4/ip_unprivileged_port_start
		sed -n "s,^[^ ]* /dev tmpfs \([^ ]*\) .*,dev \1,p; s,^[^ ]* /dev/shm tmpfs \([^ ]*\) .*,shm \1,p" /proc/mounts
		grep -E "^(CapInh|CapAmb|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status | tr -s "\t " " "'
	contains "$hard
0
0
dev rw,nosuid,"
	[[ $output =~ dev\ [^$'\n']*size=65536k,mode=755 ]] || fail "/dev: $output"
	[[ $output =~ shm\ rw,nosuid,nodev,noexec,[^$'\n']*size=65536k ]] || fail "/dev/shm: $output"
	contains "CapInh: 0000000000000000"
	contains "CapBnd: 00000000800405fb"
	contains "CapAmb: 0000000000000000"
	contains "NoNewPrivs: 0"
	contains "Seccomp: 2"
	# as many ids may ping as are mapped
	out=$(skiff run --rm base sh -c 'cat /proc/sys/net/ipv4/ping_group_range; awk "{ n += \$3 } END { print n - 1 }" /proc/self/gid_map' | tr -s '\t\n' ' ')
	read -r _ last mapped <<<"$out"
	is "$last" "$mapped"
}
