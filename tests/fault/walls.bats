#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every wall of a host that can be built here, hit by `skiff run`: one precise sentence with the command that mends it. These need
# root to build the wall; skiff itself runs as the ordinary user behind it. tests/vm/walls.bats has those that need a kernel or a
# host of their own (kernel.unprivileged_userns_clone, NFS homes, linger, devices without their modules), and runs the commands that
# the messages name. Nowhere for real: kernel.apparmor_restrict_unprivileged_userns, which no kernel of Debian 12 has, and ranges
# from a true LDAP server (a stub of getsubids is here; tests/unit/lib/runtime/test_walls.c has the sentences).

load ../cli/common

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root to build the walls"
	chmod 755 "$TMPDIR" "$TMPDIR/.."
}

# In shell text: `u COMMAND` runs it as the ordinary user, in whatever surroundings the text has made.
# shellcheck disable=SC2016,SC2089
U='u() { setpriv --reuid="$SKIFF_TEST_USER" --regid="$SKIFF_TEST_USER" --init-groups env HOME="$H" XDG_RUNTIME_DIR="$H/run" "$@"; }'

setup() {
	export H=$BATS_TEST_TMPDIR/h
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
	mkdir -p "$H/run"
	chown -R "$SKIFF_TEST_USER" "$H"
	chmod 700 "$H/run"
	# shellcheck disable=SC2090
	export U
}

# walled TEXT: TEXT in a mount namespace of its own, as root; `u COMMAND` in it is the user.
walled() {
	run --separate-stderr unshare --mount --propagation private bash -c "$U
$1"
	output="$output$stderr"
}

RUN='skiff run --rm --network none embedded/busybox echo aboard'

@test "no wall: the tests' user runs a container" {
	walled "u $RUN"
	is "$status" 0
	contains aboard
}

@test "user.max_user_namespaces is 0" {
	# The limit of a user namespace of the user's own, so that the host is left alone.
	walled "u unshare -r sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && $RUN'"
	is "$status" 125
	contains "user.max_user_namespaces is 0"
	contains "sysctl -w user.max_user_namespaces="
}

@test "user.max_net_namespaces is 0" {
	walled "u unshare -r sh -c 'echo 0 >/proc/sys/user/max_net_namespaces && $RUN'"
	is "$status" 125
	contains "sysctl -w user.max_net_namespaces="
}

@test "an outer seccomp filter refuses user namespaces" {
	run "$TOOLS/refuse" clone3=38 unshare=1 clone:10000000=1 -- bash -c "$U
u $RUN"
	is "$status" 125
	contains "seccomp filter around this process"
	contains "seccomp=unconfined"
}

@test "a chroot" {
	walled 'mkdir -p /tmp/c.$$ && mount --rbind / /tmp/c.$$ && mkdir -p '"$BATS_TEST_TMPDIR"'/t && chroot /tmp/c.$$/usr/.. true
	d='"$BATS_TEST_TMPDIR"'/t; mount --rbind / $d; export d
	chroot $d bash -c "$U
u '"$RUN"'"'
	is "$status" 125
	contains chroot
}

@test "an old kernel, by its name" {
	walled "u setarch \$(uname -m) --uname-2.6 $RUN"
	is "$status" 125
	contains "skiff needs 5.11 or newer"
}

@test "no_new_privs: single-id mode, with one line that says why" {
	walled "u setpriv --no-new-privs $RUN"
	is "$status" 0
	contains aboard
	contains no_new_privs
}

@test "newuidmap missing: single-id mode, with one line that says why" {
	walled "mount --bind /dev/null /usr/bin/newuidmap && u $RUN"
	is "$status" 0
	contains aboard
	contains newuidmap
	walled "mount --bind /dev/null /usr/bin/newuidmap && u skiff doctor"
	contains "single-id mode"
	contains "uidmap"
}

@test "newuidmap without its set-uid bit" {
	walled "cp /usr/bin/newuidmap $BATS_TEST_TMPDIR/n && chmod 755 $BATS_TEST_TMPDIR/n && mount --bind $BATS_TEST_TMPDIR/n /usr/bin/newuidmap && u $RUN && u skiff doctor"
	contains aboard
	contains "chmod u+s /usr/bin/newuidmap"
}

@test "newuidmap on a nosuid file system" {
	walled "mount --bind /usr /usr && mount -o remount,bind,nosuid /usr && u $RUN; u skiff doctor"
	contains aboard
	contains nosuid
}

@test "no subordinate ids" {
	walled "touch $BATS_TEST_TMPDIR/none && mount --bind $BATS_TEST_TMPDIR/none /etc/subuid && u $RUN && u skiff doctor"
	contains aboard
	contains "usermod --add-subuids"
}

@test "subordinate ids from a directory (LDAP, SSSD) are asked for" {
	local d=$BATS_TEST_TMPDIR
	: >"$d/none"
	sed '/^subid/d' /etc/nsswitch.conf >"$d/nsswitch"
	echo 'subid: sss' >>"$d/nsswitch"
	printf '#!/bin/sh\necho "0: $SKIFF_TEST_USER 1000000 65536"\n' >"$d/getsubids"
	chmod 755 "$d/getsubids"
	walled "mount --bind $d/none /etc/subuid; mount --bind $d/none /etc/subgid; mount --bind $d/nsswitch /etc/nsswitch.conf
		mount --bind $d/getsubids /usr/bin/getsubids; u skiff doctor"
	contains "65536 user ids and 65536 group ids"
	printf '#!/bin/sh\nexit 1\n' >"$d/getsubids"
	walled "mount --bind $d/none /etc/subuid; mount --bind $d/none /etc/subgid; mount --bind $d/nsswitch /etc/nsswitch.conf
		mount --bind $d/getsubids /usr/bin/getsubids; u skiff doctor"
	contains "ask the administrator of the directory"
}

@test "/dev/net/tun missing: the default network is refused with the words --network host or none" {
	walled "mount --bind /etc/hostname /dev/net/tun && u skiff run --rm embedded/busybox echo aboard"
	is "$status" 125
	contains "--network host or none"
	lacks aboard
	walled "mount --bind /etc/hostname /dev/net/tun && u skiff run --rm --network host embedded/busybox echo aboard"
	is "$status" 0
	contains aboard
}

@test "/dev/fuse missing: fuse-overlayfs is refused" {
	walled "mount --bind /etc/hostname /dev/fuse && u skiff --storage-driver fuse-overlayfs run --rm --network none embedded/busybox true"
	is "$status" 125
	contains "/dev/fuse"
	contains "modprobe fuse"
}

@test "masked /proc: a container runs, with a warning" {
	# As docker and podman cover it.
	walled "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && mount --bind /dev/null /proc/keys && u $RUN; u skiff doctor"
	contains aboard
	contains "unmask=ALL"
}

@test "a home on noexec" {
	walled "mount -t tmpfs -o noexec,mode=777 none $H && mkdir -m 700 $H/run && chown $SKIFF_TEST_USER $H $H/run && u $RUN; u skiff doctor"
	contains aboard
	contains noexec
}

@test "a port below 1024" {
	walled "u skiff run --rm -p 127.0.0.1:81:81 embedded/busybox true"
	is "$status" 125
	contains "ip_unprivileged_port_start"
}

@test "doctor lists each wall with its mending command, and its exit status says whether containers run" {
	walled "u skiff doctor"
	is "$status" 0
	contains "skiff can run containers here"
	walled "u unshare -r sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && skiff doctor'"
	is "$status" 1
	contains "skiff cannot run containers here"
	contains "blocked"
}
