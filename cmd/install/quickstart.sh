#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh (make quickstart): packages, build, install, host, and a container that says that it all works.
set -eu
make=${MAKE:-make} log=$(mktemp)
trap 'rm -f "$log"' EXIT

step() {
	echo "== $*"
}

quietly() {
	"$@" >"$log" 2>&1 || { tail -n 60 "$log" >&2; echo "quickstart: failed: $*" >&2; exit 1; }
}

as=
if [ "$(id -u)" = 0 ]; then
	who=${SUDO_USER:-root} prefix=${PREFIX:-/usr/local}
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
	as=sudo who=$(id -un) prefix=${PREFIX:-/usr/local}
else
	as=none who=$(id -un) prefix=${PREFIX:-$HOME/.local}
fi

step "packages"
sh cmd/install/deps.sh
step "build"
quietly "$make" -j"$(nproc 2>/dev/null || echo 2)"
step "install to $prefix"
case $as in
sudo) quietly sudo "$make" install "PREFIX=$prefix" "O=${O:-build}" ;;
*) quietly "$make" install "PREFIX=$prefix" ;;
esac
step "host"
case $as in
none) ;;
*) ${as:+sudo} sh cmd/install/host.sh "$who" "$prefix" ;;
esac
# What still stands in the way, in its own words; only a wall that prevents running ends this here.
"$prefix/bin/skiff" doctor --quiet || { echo "quickstart: skiff cannot run containers here yet; the lines above say why" >&2; exit 1; }

step "a first container"
# shellcheck disable=SC2016 # "$0" is for the inner shell
run() {
	if [ "$(id -un)" = "$who" ]; then
		"$prefix/bin/skiff" "$@"
	else
		(cd / && su -s /bin/sh "$who" -c 'exec "$0" "$@"' -- "$prefix/bin/skiff" "$@")
	fi
}
# shellcheck disable=SC2016
run run --rm embedded/busybox sh -c 'echo "This is a container: user $(id -un), hostname $(hostname), process $$."'
echo "skiff works: $("$prefix/bin/skiff" --version), in $prefix/bin."
case :$PATH: in
*":$prefix/bin:"*) ;;
*) echo "Add it to your PATH: export PATH=\"$prefix/bin:\$PATH\"" ;;
esac
