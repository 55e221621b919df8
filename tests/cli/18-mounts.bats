#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bind mounts of folders that have mounts in them: what is read-only, what is mounted at all, which attributes they get.

load common

setup_file() {
	skiff run --rm "$BB" true
}

setup() {
	DIR=$BATS_TEST_TMPDIR/v
	mkdir -p "$DIR/sub/deep" "$DIR/a b" "$DIR/over"
}

# with_mounts ARGS...: `skiff run ARGS` where $DIR has mounts: one with noexec, one in it, one whose name has a blank, and two on
# one folder
with_mounts() {
	local in=(skiff unshare)
	[ "$(id -u)" != 0 ] || in=(unshare --mount) # root's ids in there may not enter a folder of root's
	# shellcheck disable=SC2016
	"${in[@]}" sh -ec 'cd "$1"; shift
		mount -t tmpfs -o noexec,mode=777 t sub; mkdir sub/deep; mount -t tmpfs -o mode=777 t sub/deep
		mount -t tmpfs -o mode=777 t "a b"; mount -t tmpfs -o mode=777 t over; mount -t tmpfs -o mode=777 t over
		exec skiff run --rm --network none "$@"' sh "$DIR" "$@"
}

# Options of the mounts on and below /v, of the uppermost where there are several, without those on times.
# shellcheck disable=SC2016
LIST='awk "\$5 ~ \"^/v(/|\$)\" { o[\$5] = \$6 } END { for (p in o) print p, o[p] }" /proc/self/mountinfo | sed s/,relatime// | sort'

# bats test_tags=smoke
@test "-v :ro makes all that is mounted below read-only, and keeps what it was" {
	run -0 --separate-stderr with_mounts -v "$DIR:/v:ro" "$BB" sh -c "$LIST"
	is "$output" "/v ro,nosuid,nodev
/v/a\\040b ro,nosuid,nodev
/v/over ro,nosuid,nodev
/v/sub ro,nosuid,nodev,noexec
/v/sub/deep ro,nosuid,nodev"
	# shellcheck disable=SC2016
	run -0 --separate-stderr with_mounts -v "$DIR:/v:ro" "$BB" \
		sh -c 'for d in /v /v/sub /v/sub/deep "/v/a b" /v/over; do touch "$d/x" 2>/dev/null && echo "$d is writable"; done; true'
	is "$output" ""
}

@test "a writable bind and what is mounted below take no set-id programs and no devices, unless asked" {
	run -0 --separate-stderr with_mounts -v "$DIR:/v" "$BB" sh -c "$LIST"
	contains "/v rw,nosuid,nodev"
	contains "/v/sub rw,nosuid,nodev,noexec"
	contains "/v/sub/deep rw,nosuid,nodev"
	run -0 --separate-stderr with_mounts -v "$DIR:/v:noexec" "$BB" sh -c "$LIST"
	contains "/v/sub/deep rw,nosuid,nodev,noexec"
}

# bats test_tags=smoke
@test "bind-recursive: writable, readonly, enabled, disabled" {
	local m=type=bind,src=$DIR,dst=/v
	run -0 --separate-stderr with_mounts --mount "$m,ro,bind-recursive=writable" "$BB" sh -c "$LIST; touch /v/sub/x /v/sub/deep/x"
	is "$output" "/v ro,nosuid,nodev
/v/a\\040b rw,nosuid,nodev
/v/over rw,nosuid,nodev
/v/sub rw,nosuid,nodev,noexec
/v/sub/deep rw,nosuid,nodev"
	for how in "bind-recursive=readonly,bind-propagation=rprivate" bind-recursive=enabled; do
		run -0 --separate-stderr with_mounts --mount "$m,ro,$how" "$BB" sh -c "$LIST"
		contains "/v ro,"
		contains "/v/sub/deep ro,"
		lacks " rw,"
	done
	# the kernel does not let an ordinary user see what is below a mount
	run -125 with_mounts --mount "$m,bind-recursive=disabled" "$BB" true
	contains "bind-recursive=disabled"
	run -0 skiff run --rm --network none --mount "$m,bind-recursive=disabled" "$BB" ls /v
	contains over
}
