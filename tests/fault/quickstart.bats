#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The two commands of README.md's first screen, as root and as a user without root and sudo, and what they say where they cannot
# work. Each test has its own mounts: a copy of the tree, an /etc and a /dev that can be changed, an empty /usr/local.
# A machine with nothing but make and git (debootstrap, two minutes) is in check-full only.

load ../cli/common

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root to make a machine's folders"
	chmod 755 "$TMPDIR" "$TMPDIR/.."
	mkdir "$BATS_FILE_TMPDIR/src"
	git -C "$SRC" -c safe.directory='*' ls-files -z | tar -C "$SRC" --null -T - -cf - | tar -C "$BATS_FILE_TMPDIR/src" -xf -
	# What is built already need not be built again for each test; the tests of it are not needed.
	[ ! -d "$SRC/build" ] || tar -C "$SRC" --exclude=build/tests -cf - build | tar -C "$BATS_FILE_TMPDIR/src" -xf -
	make -s -C "$BATS_FILE_TMPDIR/src" -j2 >/dev/null
}

setup() {
	export H=$BATS_TEST_TMPDIR/h
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	mkdir -p "$H/run" "$BATS_TEST_TMPDIR/etc"
	cp -a "$BATS_FILE_TMPDIR/src" "$H/src"
	chown -R "$SKIFF_TEST_USER" "$H"
	chmod 700 "$H/run"
}

# machine TEXT: TEXT as root, on a machine whose /etc, /dev nodes and /usr/local are its own. `u COMMAND` in it is the ordinary user.
machine() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	run --separate-stderr unshare --mount --propagation private bash -c '
		mount -t tmpfs none "$BATS_TEST_TMPDIR/etc" && mkdir "$BATS_TEST_TMPDIR"/etc/{upper,work} &&
		mount -t overlay -o lowerdir=/etc,upperdir="$BATS_TEST_TMPDIR/etc/upper",workdir="$BATS_TEST_TMPDIR/etc/work" none /etc &&
		mount -t tmpfs none /usr/local || exit 99
		u() { setpriv --reuid="$SKIFF_TEST_USER" --regid="$SKIFF_TEST_USER" --init-groups env HOME="$H" USER="$SKIFF_TEST_USER" \
			XDG_RUNTIME_DIR="$H/run" TMPDIR="$H" PATH="$P" "$@"; }
		P=/usr/sbin:/usr/bin:/sbin:/bin
		cd "$H/src" || exit 99
		'"$1"
	output="$output
$stderr"
}

# without PROGRAM...: a folder in which every program of this machine is, but these. Its path in $W.
without() {
	local dir p
	W=$BATS_TEST_TMPDIR/path
	export W
	mkdir "$W"
	for dir in /usr/bin /usr/sbin /bin /sbin; do
		for p in "$dir"/*; do
			case " $* " in
			*" ${p##*/} "*) ;;
			*) ln -s "$p" "$W" 2>/dev/null || true ;;
			esac
		done
	done
}

@test "quickstart as root: installed to /usr/local, and a container has run" {
	machine 'HOME=$H/root SKIFF_ROOT=$H/store PATH=$P make quickstart'
	is "$status" 0
	contains "== packages"
	contains "== install to /usr/local"
	contains "This is a container: user root"
	contains "skiff works: skiff "
	contains ", in /usr/local/bin."
}

@test "quickstart without root and sudo: installed to ~/.local, and a container has run" {
	without sudo
	machine 'P=$W; u make quickstart; rc=$?; ls -l "$H/.local/bin/skiff" && exit $rc'
	is "$status" 0
	contains "== install to $H/.local"
	contains "This is a container: user root"
	contains "export PATH=\"$H/.local/bin:\$PATH\""
}

@test "quickstart without root, sudo and subordinate ids: single-id mode, which is said" {
	without sudo
	machine 'sed -i "/^$SKIFF_TEST_USER:/d" /etc/subuid /etc/subgid; P=$W; u make quickstart'
	is "$status" 0
	contains "This is a container: user root"
	contains "single-id mode"
}

@test "quickstart: packages are missing and nobody may install them: what to ask the administrator" {
	without sudo busybox
	machine 'mount --bind /dev/null /bin/busybox; P=$W; u make quickstart'
	[ "$status" != 0 ]
	contains "deps: missing to build skiff: busybox static-busybox"
	contains "Ask the administrator of this machine to run:"
	contains "apt-get install -y gcc "
	lacks "== build"
}

@test "quickstart without apt: the packages for dnf, pacman and apk by their names there" {
	local tool
	without sudo apt-get busybox
	for tool in "dnf install" "pacman -S" "apk add"; do
		machine 'mount --bind /dev/null /bin/busybox; ln -s /bin/true "$W/'"${tool%% *}"'"; P=$W; u make quickstart'
		rm "$W/${tool%% *}"
		[ "$status" != 0 ]
		contains "Install with:"
		contains "  $tool "
		contains "libseccomp"
		contains fuse-overlayfs
	done
	machine 'mount --bind /dev/null /bin/busybox; P=$W; u make quickstart'
	[ "$status" != 0 ]
	for tool in Debian Fedora Arch Alpine; do contains "$tool"; done
}

@test "quickstart: only programs for running are missing: they are named, and it goes on" {
	without sudo slirp4netns
	machine 'P=$W; u make quickstart'
	is "$status" 0
	contains "some of what it can use is missing: slirp4netns"
	contains "This is a container: user root"
}

@test "the host is prepared: subordinate ids that nobody else has, device modes, each change said" {
	# shellcheck disable=SC2016
	machine '
		printf "other:100000:65536\nlast:300000:1000" >/etc/subuid; rm -f /etc/subgid
		mount -t tmpfs none /dev && mkdir /dev/net && mknod -m 600 /dev/fuse c 10 229
		mknod -m 666 /dev/null c 1 3
		sh cmd/install/host.sh "$SKIFF_TEST_USER" /usr/local || exit 1
		stat -c "%n %a %t:%T" /dev/fuse /dev/net/tun
		cat /etc/subuid /etc/subgid
		echo once more; sh cmd/install/host.sh "$SKIFF_TEST_USER" /usr/local'
	is "$status" 0
	contains "host: gave $SKIFF_TEST_USER the ids 301000-366535 (/etc/subuid)"
	contains "host: gave $SKIFF_TEST_USER the ids 100000-165535 (/etc/subgid)"
	contains "last:300000:1000
$SKIFF_TEST_USER:301000:65536"
	contains "host: opened /dev/fuse for every user"
	contains "host: made /dev/net/tun"
	contains "/dev/fuse 666 a:e5"
	contains "/dev/net/tun 666 a:c8"
	is "$(printf '%s\n' "$output" | sed -n '/^once more$/,$p' | tr -d '\n')" "once more"
}

# bats test_tags=full
@test "a fresh Debian with make and git: quickstart as a user with sudo" {
	local r=$BATS_TEST_TMPDIR/r
	debootstrap --variant=minbase --include=git,make,ca-certificates,sudo bookworm "$r" >"$BATS_TEST_TMPDIR/log" 2>&1 ||
		{ tail -5 "$BATS_TEST_TMPDIR/log"; false; }
	cp -L /etc/resolv.conf "$r/etc/resolv.conf"
	mkdir -p "$r/home/new"
	git -c safe.directory='*' clone -q "$SRC" "$r/home/new/skiff"
	R=$r run --separate-stderr unshare --mount --pid --fork --kill-child --propagation private bash -c '
		mount --bind "$R" "$R" && cd "$R" && mount --rbind /dev dev && mount -t proc proc proc && mount --rbind /sys sys &&
		mount -t tmpfs none run && mkdir old && pivot_root . old && umount -l /old && rmdir /old || exit 99
		PATH=/usr/sbin:/usr/bin:/sbin:/bin
		useradd -s /bin/bash new && chown -R new: /home/new && echo "new ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/new
		cd /home/new && setpriv --reuid=new --regid=new --init-groups env -i HOME=/home/new USER=new PATH=$PATH make -C skiff quickstart'
	output="$output
$stderr"
	is "$status" 0
	contains "installing: gcc"
	contains "This is a container: user root"
}
