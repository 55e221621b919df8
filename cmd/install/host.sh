#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# host.sh USER PREFIX: prepare this host, as root, so that USER can run containers: what a distribution ships, and a hardened or
# minimal machine lacks. Each thing is changed only where it stands in the way, and each change is printed. /dev/fuse and
# /dev/net/tun are opened because their kernels' sides are made for ordinary users (udev does the same).
set -eu
user=$1 prefix=$2

did() {
	echo "host: $*"
}

setting() { # NAME VALUE: now and after the next boot
	sysctl -q -w "$1=$2" 2>/dev/null || { f=/proc/sys/$(echo "$1" | tr . /); echo "$2" >"$f"; } || return 0
	mkdir -p /etc/sysctl.d
	echo "$1 = $2" >>/etc/sysctl.d/90-skiff.conf
	did "set $1 = $2 (kept in /etc/sysctl.d/90-skiff.conf)"
}

read_setting() {
	cat "/proc/sys/$(echo "$1" | tr . /)" 2>/dev/null || true
}

# ---- user namespaces
[ "$(read_setting kernel.unprivileged_userns_clone)" != 0 ] || setting kernel.unprivileged_userns_clone 1
for ns in user mnt pid net ipc uts cgroup; do
	[ "$(read_setting user.max_${ns}_namespaces)" != 0 ] || setting user.max_${ns}_namespaces 16384
done
if [ "$(read_setting kernel.apparmor_restrict_unprivileged_userns)" = 1 ] && command -v apparmor_parser >/dev/null; then
	# Ubuntu: the restriction stays, skiff is named as a program that may.
	{
		printf 'abi <abi/4.0>,\ninclude <tunables/global>\n'
		printf 'profile skiff %s/{bin/skiff,libexec/skiff/skiff-*} flags=(unconfined) {\n  userns,\n}\n' "$prefix"
	} >/etc/apparmor.d/skiff
	apparmor_parser -r /etc/apparmor.d/skiff && did "allowed user namespaces for skiff (/etc/apparmor.d/skiff)"
fi

# ---- subordinate ids
has_range() { # FILE: by name or by number
	grep -qs -e "^$user:" -e "^$(id -u "$user"):" "$1"
}
if [ "$user" != root ]; then
	for f in /etc/subuid /etc/subgid; do
		[ -e "$f" ] || (umask 022 && : >"$f")
		has_range "$f" && continue
		# A range above every other: two users must never share one.
		start=$(awk -F: '$2 + $3 > end { end = $2 + $3 } END { print end < 100000 ? 100000 : end }' "$f")
		[ -z "$(tail -c 1 "$f")" ] || echo >>"$f"
		echo "$user:$start:65536" >>"$f"
		did "gave $user the ids $start-$((start + 65535)) ($f)"
	done
fi

# ---- devices
device() { # PATH MAJOR MINOR MODULE
	[ -c "$1" ] || modprobe "$4" 2>/dev/null || true
	if [ ! -c "$1" ]; then
		mkdir -p "$(dirname "$1")"
		mknod "$1" c "$2" "$3" 2>/dev/null || return 0
		did "made $1"
	fi
	[ "$(stat -c %a "$1")" != 666 ] || return 0
	chmod 666 "$1" 2>/dev/null || return 0
	did "opened $1 for every user"
	if [ -d /etc/udev ] || command -v udevadm >/dev/null; then
		mkdir -p /etc/udev/rules.d
		echo "KERNEL==\"$(basename "$1")\", MODE=\"0666\"" >>/etc/udev/rules.d/90-skiff.rules
	else
		mkdir -p /etc/tmpfiles.d
		echo "z $1 0666 - - -" >>/etc/tmpfiles.d/skiff.conf
	fi
}
device /dev/fuse 10 229 fuse
device /dev/net/tun 10 200 tun
for f in /etc/udev/rules.d/90-skiff.rules /etc/tmpfiles.d/skiff.conf /etc/sysctl.d/90-skiff.conf; do
	[ ! -e "$f" ] || { sort -u "$f" >"$f.new" && cat "$f.new" >"$f" && rm -f "$f.new"; }
done
