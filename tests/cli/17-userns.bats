#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# User namespaces: what the maps are, whose files are whose, keep-id, nomap, host, unshare.

load common
load image

setup_file() {
	base_image
	skiff run --rm "$BB" true
}

setup() {
	dir=$BATS_TEST_TMPDIR/shared
	mkdir "$dir"
	chmod 777 "$dir"
	me=$(id -u) my_group=$(id -g)
}

teardown() {
	remove_all_containers
	skiff unshare rm -rf "$dir"
}

r() {
	skiff run --rm --network none "$@"
}

# Lines "inside outside count" of level A: what 0 and 1 in it are on the host.
map() { # N: which line
	skiff unshare cat /proc/self/"${2:-uid}"_map | awk -v n="$1" 'NR == n { print $2 }'
}

owner() {
	skiff unshare stat -c %u:%g "$1"
}

# bats test_tags=smoke
@test "by default the container's root is the caller, on the host too" {
	is "$(r "$BB" id -u)" 0
	r -v "$dir:/d" "$BB" touch /d/file
	# a container of host root is nobody special: its root is the first id of its range
	[ "$me" = 0 ] || is "$(stat -c %u:%g "$dir/file")" "$me:$my_group"
	is "$(owner "$dir/file")" 0:0
	is "$(r -v "$dir:/d" "$BB" stat -c %u:%g /d/file)" 0:0
}

# bats test_tags=not-single
# there is one id only
@test "other users of the container are the caller's subordinate ids" {
	r -v "$dir:/d" -u 33:34 "$BB" touch /d/file
	is "$(owner "$dir/file")" 33:34
	[ "$me" = 0 ] || is "$(stat -c %u "$dir/file")" "$(($(map 2) + 32))"
	is "$(r -v "$dir:/d" "$BB" stat -c %u:%g /d/file)" 33:34
	r -v "$dir:/d" "$BB" sh -c 'touch /d/x; chown 5:6 /d/x'
	is "$(owner "$dir/x")" 5:6
	# the map is as long as the ranges, the last id works
	local last
	last=$(r "$BB" awk 'END { print $1 + $3 - 1 }' /proc/self/uid_map 2>/dev/null || r "$BB" tail -n 1 /proc/self/uid_map | awk '{ print $1 + $3 - 1 }')
	is "$(r -u "$last" "$BB" id -u)" "$last"
	run -125 r -u $((last + 1)) "$BB" true
	contains "user $((last + 1)) is not in the container's id map"
}

@test "files of nobody: what belongs to root of the host or to others is nobody's" {
	[ "$me" != 0 ] || return 0 # host root is mapped
	is "$(r -v /etc:/h:ro "$BB" stat -c %u /h/passwd)" 65534
	run -1 r -v /etc:/h "$BB" touch /h/passwd
}

# bats test_tags=smoke,not-single
# there is one id only
@test "keep-id: the caller's own number and name, inside and outside" {
	is "$(r --userns keep-id "$BB" id -u)" "$me"
	is "$(r --userns keep-id "$BB" id -g)" "$my_group"
	[ "$me" = 0 ] || is "$(r --userns keep-id "$BB" id -un)" "$(id -un)"
	r --userns keep-id -v "$dir:/d" "$BB" touch /d/file
	is "$(r --userns keep-id -v "$dir:/d" "$BB" stat -c %u:%g /d/file)" "$me:$my_group"
	[ "$me" = 0 ] || is "$(stat -c %u:%g "$dir/file")" "$me:$my_group"
	# the image's files keep their owners, and those that we make are root's too: no user may edit /etc/passwd
	is "$(r --userns keep-id "$BB" stat -c %u:%g / /etc /bin/busybox /etc/passwd /etc/group /etc/hosts /etc/resolv.conf | sort -u)" 0:0
	[ "$me" = 0 ] || run -1 r --userns keep-id "$BB" sh -c 'echo x >>/etc/passwd'
	# and root is somebody else
	is "$(r --userns keep-id -u 0 "$BB" id -u)" 0
	r --userns keep-id -u 0 -v "$dir:/d" "$BB" touch /d/roots
	[ "$me" = 0 ] || [ "$(stat -c %u "$dir/roots")" != "$me" ]
}

# bats test_tags=not-single
# there is one id only
@test "keep-id:uid=,gid=" {
	is "$(r --userns keep-id:uid=200,gid=210 "$BB" sh -c 'id -u; id -g' | tr '\n' ' ')" "200 210 "
	r --userns keep-id:uid=200,gid=210 -v "$dir:/d" "$BB" touch /d/file
	[ "$me" = 0 ] || is "$(stat -c %u:%g "$dir/file")" "$me:$my_group"
	is "$(r --userns keep-id:uid=0 "$BB" id -u)" 0
	run -125 r --userns keep-id:nosuch=1 "$BB" true
	contains "unknown option 'nosuch=1' of --userns=keep-id"
	run -125 r --userns keep-id:uid=-1 "$BB" true
	is "$(skiff ps -aq)" ""
}

# bats test_tags=not-single
# there is one id only
@test "keep-id: writing works as for root, exec is the same user, -u another" {
	skiff run -d --name k --userns keep-id --network none "$BB" sleep 1000
	is "$(skiff exec k id -u)" "$me"
	is "$(skiff exec -u 0 k id -u)" 0
	is "$(skiff exec -u 77:78 k sh -c 'id -u; id -g' | tr '\n' ' ')" "77 78 "
	skiff exec -u 0 k sh -c 'echo x >/etc/new; mkdir /made; chown 5:6 /made'
	is "$(skiff exec k stat -c %u:%g /made)" 5:6
	is "$(skiff inspect -f '{{.HostConfig.UsernsMode}}' k)" keep-id
	skiff stop -t 0 k
	skiff start k
	is "$(skiff exec k cat /etc/new)" x
	is "$(skiff exec k id -un)" "$(skiff exec k sh -c 'sed -n "s/:.*:$1:.*//p" /etc/passwd | head -n 1' sh "$me" || id -un)" ||
		is "$(skiff exec k id -u)" "$me"
}

# bats test_tags=not-single
# there is one id only
@test "keep-id does not start slowly: nothing is copied" {
	new_tree "$BATS_TEST_TMPDIR/big"
	head -c 100000000 /dev/zero >"$BATS_TEST_TMPDIR/big/large"
	load_tree big "$BATS_TEST_TMPDIR/big"
	local a b
	a=$(date +%s%N)
	r --userns keep-id big true
	b=$(date +%s%N)
	[ $(((b - a) / 1000000)) -lt 2000 ] || fail "$(((b - a) / 1000000)) ms"
}

# bats test_tags=not-single,not-root
# there is one id only; root has no id of its own in its containers anyway
@test "nomap: the caller is not in the container at all" {
	is "$(r --userns nomap "$BB" id -u)" 0
	echo x >"$dir/file"
	is "$(r --userns nomap -v "$dir:/d" "$BB" stat -c %u /d/file)" 65534
	r --userns nomap -v "$dir:/d" "$BB" touch /d/new
	[ "$(stat -c %u "$dir/new")" != "$me" ]
	skiff unshare rm "$dir/new"
}

@test "host and private are the default; others are refused by name" {
	is "$(r --userns host "$BB" cat /proc/self/uid_map)" "$(r "$BB" cat /proc/self/uid_map)"
	is "$(r --userns private "$BB" cat /proc/self/uid_map)" "$(r "$BB" cat /proc/self/uid_map)"
	run -125 r --userns container:x "$BB" true
	contains "--userns=container:x is not there"
	run -125 r --userns nosuch "$BB" true
	contains "host, keep-id[:uid=,gid=] and nomap are"
}

@test "each container has a user namespace of its own, below that of its monitor" {
	skiff run -d --name a --network none "$BB" sleep 1000
	skiff run -d --name b --network none "$BB" sleep 1000
	local a b
	a=$(skiff exec a readlink /proc/self/ns/user)
	b=$(skiff exec b readlink /proc/self/ns/user)
	[ "$a" != "$b" ]
	[ "$a" != "$(readlink /proc/self/ns/user)" ]
	is "$(skiff exec a cat /proc/self/setgroups)" "$([ "$SKIFF_TEST_MODE" = single ] && echo deny || echo allow)"
}

# bats test_tags=smoke
@test "unshare: root over the containers' files, the exit code, the map" {
	is "$(skiff unshare id -u)" 0
	run -7 skiff unshare sh -c 'exit 7'
	run -127 skiff unshare nosuch-command
	contains nosuch-command
	run -126 skiff unshare /etc/passwd
	is "$(echo in | skiff unshare cat)" in
	is "$(echo 'echo from $0' | SHELL=/bin/sh skiff unshare)" "from /bin/sh"
	[ "$me" = 0 ] || is "$(map 1)" "$me"
	is "$(skiff unshare readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	# set-id programs of the host have nobody to become there, so mount(8) works for root as well
	skiff unshare sh -c "mount -t tmpfs none '$dir' && touch '$dir/mounted'"
	[ ! -e "$dir/mounted" ]
	# what a container has left is the caller's to remove
	[ "$SKIFF_TEST_MODE" != single ] || return 0 # there is one id only
	r -v "$dir:/d" -u 33 "$BB" sh -c 'mkdir /d/sub; touch /d/sub/x; chmod 700 /d/sub'
	[ "$me" = 0 ] || run ! ls "$dir/sub"
	skiff unshare rm -r "$dir/sub"
	[ ! -e "$dir/sub" ]
}

# bats test_tags=only-root
@test "a container that is started in root's unshare does not get the host's root either" {
	is "$(skiff unshare sh -c 'awk "\$2 == 0 { print \$3 }" /proc/self/uid_map')" 1 # it is there
	skiff unshare sh -c "mount -t tmpfs none '$dir'; mkdir -m 700 '$dir/run' '$dir/store'
		XDG_RUNTIME_DIR='$dir/run' skiff --root '$dir/store' run --rm --network none $BB cat /proc/self/uid_map
		" | awk '{ print $1, $3 }' >"$BATS_TEST_TMPDIR/map"
	is "$(cat "$BATS_TEST_TMPDIR/map")" "$(r "$BB" awk '{ print $1, $3 }' /proc/self/uid_map)"
}

# bats test_tags=only-single
@test "single-id mode: each start says so, until it is told that this is known" {
	run -0 --separate-stderr env -u SKIFF_SINGLE_ID skiff run --rm --network none "$BB" true
	is "$stderr" "Warning: single-id mode: this user has no subordinate ids in /etc/subuid and /etc/subgid (skiff doctor says how to mend it)"
	run -0 --separate-stderr env -u SKIFF_SINGLE_ID skiff unshare true
	[[ $stderr == "Warning: single-id mode: "* ]] || fail "$stderr"
	run -0 --separate-stderr env SKIFF_SINGLE_ID=quiet skiff run --rm --network none "$BB" true
	is "$stderr" ""
}

# bats test_tags=only-single
@test "single-id mode: keep-id and nomap do what they can, or say why not" {
	is "$(r --userns keep-id "$BB" id -u 2>/dev/null)" "$me"
	run -125 r --userns nomap "$BB" true
	contains subuid
	# any id can be had, and the files are the caller's
	is "$(r -u 1234 "$BB" id -u 2>/dev/null)" 1234
	r -u 1234 -v "$dir:/d" "$BB" touch /d/file 2>/dev/null
	is "$(stat -c %u "$dir/file")" "$me"
}
