#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deps.sh: is everything here that building and running need? With apt and root (or sudo) what is missing is installed; else the
# command that installs it is printed. Exit status 1 when skiff cannot be built; what only running needs is a note.
set -eu

# What must be there to build: a header, or a program. Found by trying, so that it holds on every distribution.
headers="stdio.h linux/openat2.h json-c/json.h seccomp.h sys/capability.h curl/curl.h archive.h openssl/evp.h isa-l/igzip_lib.h
	zstd.h"
build_programs="cc make ar tar sha256sum busybox"
run_programs="newuidmap newgidmap slirp4netns fuse-overlayfs"

apt="gcc libc6-dev make tar busybox-static libjson-c-dev libseccomp-dev libcap-dev libcurl4-openssl-dev libarchive-dev libssl-dev
	libisal-dev libzstd-dev zlib1g-dev ca-certificates uidmap slirp4netns fuse-overlayfs"
dnf="gcc make tar busybox glibc-static json-c-devel libseccomp-devel libcap-devel libcurl-devel libarchive-devel openssl-devel
	isa-l-devel libzstd-devel zlib-devel shadow-utils-subid slirp4netns fuse-overlayfs"
pacman="gcc make tar busybox json-c libseccomp libcap curl libarchive openssl isa-l zstd shadow slirp4netns fuse-overlayfs"
apk="build-base linux-headers tar coreutils bash busybox-static json-c-dev libseccomp-dev libcap-dev curl-dev libarchive-dev
	openssl-dev isa-l-dev zstd-dev zlib-dev shadow-subids slirp4netns fuse-overlayfs"

one_line() {
	# shellcheck disable=SC2086
	echo $1
}

missing_programs() {
	for p in $1; do
		PATH="$PATH:/usr/sbin:/sbin" command -v "$p" >/dev/null 2>&1 || printf ' %s' "$p"
	done
}

missing_headers() {
	command -v cc >/dev/null 2>&1 || return 0 # nothing to look with; the compiler is on the list already
	for h in $headers; do
		printf '#include <stddef.h>\n#include <stdio.h>\n#include <%s>\n' "$h" | cc -E - >/dev/null 2>&1 || printf ' %s' "$h"
	done
}

static_busybox() {
	for b in /bin/busybox.static /bin/busybox /usr/bin/busybox /usr/sbin/busybox; do
		# A dynamic program names its loader at the start of the file.
		[ ! -x "$b" ] || { head -c 4096 "$b" | grep -q 'ld-linux\|ld-musl' || return 0; }
	done
	return 1
}

look() {
	need=$(missing_programs "$build_programs")$(missing_headers)
	static_busybox || need="$need static-busybox"
	want=$(missing_programs "$run_programs")
}

look
[ -n "$need$want" ] || exit 0

root=
if [ "$(id -u)" = 0 ]; then
	root=yes
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
	root=sudo
fi
if command -v apt-get >/dev/null 2>&1 && [ -n "$root" ]; then
	as=
	[ "$root" = yes ] || as="sudo"
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	echo "installing: $(one_line "$apt")"
	# shellcheck disable=SC2086
	{ $as apt-get update && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $apt; } >"$log" 2>&1 ||
		{ cat "$log" >&2; echo "deps: apt-get failed; its output is above" >&2; exit 1; }
	look
	[ -z "$need" ] || { echo "deps: still missing after apt-get:$need" >&2; exit 1; }
	exit 0
fi

if [ -n "$need" ]; then
	echo "deps: missing to build skiff:$need" >&2
	verdict=1
else
	echo "deps: skiff builds here; some of what it can use is missing:$want" >&2
	verdict=0
fi
if command -v apt-get >/dev/null 2>&1; then
	echo "Ask the administrator of this machine to run:" >&2
	echo "  apt-get install -y $(one_line "$apt")" >&2
elif command -v dnf >/dev/null 2>&1; then
	printf 'Install with:\n  dnf install %s\n' "$(one_line "$dnf")" >&2
elif command -v pacman >/dev/null 2>&1; then
	printf 'Install with:\n  pacman -S %s\n' "$(one_line "$pacman")" >&2
elif command -v apk >/dev/null 2>&1; then
	printf 'Install with:\n  apk add %s\n' "$(one_line "$apk")" >&2
else
	printf 'The packages are called:\n  Debian, Ubuntu: %s\n  Fedora: %s\n  Arch: %s\n  Alpine: %s\n' "$(one_line "$apt")" \
		"$(one_line "$dnf")" "$(one_line "$pacman")" "$(one_line "$apk")" >&2
fi
exit $verdict
