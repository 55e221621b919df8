#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# skiff inside another container: inside skiff itself, and inside podman. The outer container's tree is made of this host's
# libraries; the inner store is a folder of the host, since overlay does not stack on overlay.

load common

setup_file() {
	export OUTER=$BATS_FILE_TMPDIR/root STORE=$BATS_FILE_TMPDIR/store PODMANS=$BATS_FILE_TMPDIR/podmans
	local prefix=${SKIFF%/bin/skiff} f lib
	mkdir -p "$STORE" "$PODMANS" "$OUTER"/{bin,etc,tmp,proc,sys,dev,root,run,opt,usr/bin,usr/sbin,var/lib,var/tmp}
	chmod 1777 "$OUTER/tmp" "$OUTER/var/tmp"
	cp /bin/busybox "$OUTER/bin/"
	for f in sh cat ls id grep; do ln -s busybox "$OUTER/bin/$f"; done
	for f in "$prefix/bin/skiff" "$prefix/libexec/skiff/skiff-image"; do
		ldd "$f" | grep -o '/[^ ]*'
	done | sort -u | while read -r lib; do
		mkdir -p "$OUTER${lib%/*}"
		cp -L "$lib" "$OUTER$lib"
	done
	cp -r "$prefix" "$OUTER/opt/skiff"
	rm -rf "$OUTER/opt/skiff/tests" "$OUTER/opt/skiff/tools"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$OUTER/etc/passwd"
	echo 'root:x:0:' >"$OUTER/etc/group"
	skiff unshare chown 0:0 "$STORE" # of the outer container's root, which is not the host's
}

teardown_file() {
	[ -z "${STORE:-}" ] || skiff unshare rm -rf "$STORE" "$PODMANS" || true
	if [ "$(id -u)" = 0 ]; then
		umount -l "$BATS_FILE_TMPDIR/podman/s/overlay" 2>/dev/null || true
	elif command -v podman >/dev/null; then
		podman unshare rm -rf "$BATS_FILE_TMPDIR/podman" || true
	fi
	# podman keeps a process that holds its user namespace.
	local pause=$XDG_RUNTIME_DIR/libpod/tmp/pause.pid
	[ ! -e "$pause" ] || kill "$(cat "$pause")" || true
}

# Arguments after -- are those of the inner skiff.
in_skiff() {
	local outer=()
	while [ "$1" != -- ]; do
		outer+=("$1")
		shift
	done
	shift
	run skiff run --rm --network none --security-opt seccomp=nested -v "$STORE:/var/lib/skiff" "${outer[@]}" --rootfs "$OUTER" \
		/opt/skiff/bin/skiff "$@"
}

in_podman() {
	local outer=()
	while [ "$1" != -- ]; do
		outer+=("$1")
		shift
	done
	shift
	command -v podman >/dev/null || skip "podman is not installed (tests/prepare)"
	# Root of a test machine that is a container itself cannot raise limits, as crun would for a cgroup's devices.
	[ "$(id -u)" != 0 ] || outer+=(--ulimit host --cgroups disabled)
	run podman --root "$BATS_FILE_TMPDIR/podman/s" --runroot "$XDG_RUNTIME_DIR/p" --cgroup-manager=cgroupfs run --rm \
		--network none -v "$PODMANS:/var/lib/skiff" "${outer[@]}" --rootfs "$OUTER" /opt/skiff/bin/skiff "$@"
}

@test "skiff in skiff, with the outer /proc unmasked" {
	in_skiff --security-opt unmask=ALL -- run --rm --network none $BB echo aboard
	is "$status" 0
	contains aboard
	lacks unmask=ALL
	[ "$SKIFF_TEST_MODE" = single ] || lacks Warning # of the one id, there
}

@test "skiff in skiff, with the outer /proc masked: it runs, and says what is shared" {
	in_skiff -- run --rm --network none $BB echo aboard
	is "$status" 0
	contains aboard
	contains unmask=ALL
}

@test "the inner container's ids are those of the outer one" {
	in_skiff --security-opt unmask=ALL -- run --rm --network none $BB cat /proc/self/uid_map
	is "$status" 0
	[[ $output =~ 0\ +0\ +[0-9]+ ]] || fail "$output"
}

@test "the default seccomp filter of skiff keeps containers from starting others, in one sentence" {
	run skiff run --rm --network none -v "$STORE:/var/lib/skiff" --rootfs "$OUTER" /opt/skiff/bin/skiff run --rm --network none \
		$BB true
	is "$status" 125
	contains "seccomp"
	lacks "Function not implemented"
}

@test "skiff in podman, with podman's own masks" {
	in_podman -- run --rm --network none $BB echo aboard
	is "$status" 0
	contains aboard
}

@test "skiff in podman, unmasked" {
	in_podman --security-opt unmask=ALL -- run --rm --network none $BB echo aboard
	is "$status" 0
	contains aboard
}

@test "doctor inside a container names the outer container's options" {
	in_skiff -- doctor
	is "$status" 0
	contains "unmask=ALL"
	contains "--device /dev/net/tun"
	lacks usermod
}
