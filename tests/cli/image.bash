# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Images with whatever content a test wants, made on the spot and loaded; no registry.

# new_tree DIR: a root file system with a busybox, its links, and the probes.
new_tree() {
	local a
	mkdir -p "$1"/{bin,etc,tmp,proc,sys,dev,root,var}
	cp /bin/busybox "$1/bin/busybox"
	cp "$TOOLS/probe" "$TOOLS/probe-ids" "$1/bin/"
	for a in sh ash true false echo cat ls sleep id env ps stat find dd wc grep head pwd mkdir rm touch ln mv cp chmod test kill \
		readlink hostname sort tr seq sed printf mount cut df; do
		ln -s busybox "$1/bin/$a"
	done
	chmod 1777 "$1/tmp"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
	echo 'root:x:0:' >"$1/etc/group"
}

# load_tree NAME DIR [CONFIG]: the tree as image NAME; CONFIG is the inside of its "config" object.
load_tree() {
	local name=$1 dir=$2 config=${3:-\"Cmd\":[\"sh\"]} w a
	w=$(mktemp -d)
	case $config in
	*'"Env"'*) ;;
	*) config="$config,\"Env\":[\"PATH=/bin\"]" ;;
	esac
	case $(uname -m) in x86_64) a=amd64 ;; aarch64) a=arm64 ;; *) a=$(uname -m) ;; esac
	tar -C "$dir" --sort=name --owner=0 --group=0 --numeric-owner -cf "$w/layer.tar" .
	printf '{"architecture":"%s","os":"linux","config":{%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$a" "$config" "$(sha256sum "$w/layer.tar" | cut -d' ' -f1)" >"$w/config.json"
	printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$name" >"$w/manifest.json"
	tar -C "$w" -cf "$w/image.tar" manifest.json config.json layer.tar
	skiff load -q -i "$w/image.tar"
	rm -rf "$w"
}

# base_image: the plain tree as image "base:latest", once a file.
base_image() {
	new_tree "$BATS_FILE_TMPDIR/base"
	load_tree base:latest "$BATS_FILE_TMPDIR/base"
}
