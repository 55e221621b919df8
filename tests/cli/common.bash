# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Every CLI test file begins with `load common`. tests/run gives: skiff in PATH; HOME, XDG_RUNTIME_DIR and TMPDIR of this file alone
# (so the default store is its own and is removed afterwards); SKIFF_TEST_MODE; TESTS, the folder of the tests; TOOLS, that of
# small programs. What a file starts it ends in teardown_file: a process that is left makes the file fail.

bats_require_minimum_version 1.5.0

# fail TEXT: end the test with a reason.
fail() {
	echo "$*"
	return 1
}

# contains TEXT: $output has it.
contains() {
	[[ $output == *"$1"* ]] || fail "not in the output: $1
--- output:
$output"
}

# lacks TEXT: $output does not have it.
lacks() {
	[[ $output != *"$1"* ]] || fail "in the output: $1
--- output:
$output"
}

# is GOT WANT
is() {
	[ "$1" = "$2" ] || fail "got  '$1'
want '$2'
--- output:
${output:-}"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "still not after waiting: $*"
		sleep 0.05
	done
}

# own_mounts COMMAND...: as somebody who may mount, seen by nobody else. Root does it as itself: its store has files of more ids
# than a namespace with root alone.
own_mounts() {
	if [ "$(id -u)" = 0 ]; then
		unshare --mount "$@"
	else
		unshare --mount --map-root-user "$@"
	fi
}

# is_running NAME: does that container run?
is_running() {
	[ "$(skiff inspect --type container -f '{{.State.Running}}' "$1" 2>/dev/null)" = true ]
}

# logs_have NAME TEXT
logs_have() {
	skiff logs "$1" 2>&1 | grep -q -- "$2"
}

# monitor_of NAME: the pid of its monitor. Not with --init, --pid host.
monitor_of() {
	sed 's/.*) //' "/proc/$(skiff inspect -f '{{.State.Pid}}' "$1")/stat" | cut -d' ' -f2
}

# ours MARK: processes with SKMARK=MARK in the environment they were started with
ours() {
	grep -lsaF "SKMARK=$1" /proc/[0-9]*/environ 2>/dev/null | grep -v "/proc/$$/\|/proc/self/" | cut -d/ -f3
}

none_of() {
	[ -z "$(ours "$1")" ]
}

# The plain image of most tests, without network: comes with the program.
BB=embedded/busybox
export BB

remove_all_containers() {
	local ids
	ids=$(skiff ps -aq 2>/dev/null)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || skiff rm -f $ids >/dev/null 2>&1 || true
}

# make_layout DIR [FILES]: an OCI layout with an image of two gzip layers: a busybox with links, then FILES (default 3) small files
# in /data and a whiteout-free text /etc/motd. Its config runs sh. The name in the index is "latest".
make_layout() {
	local dir=$1 files=${2:-3} w a i d
	w=$(mktemp -d)
	mkdir -p "$dir/blobs/sha256" "$w/1/bin" "$w/1/tmp" "$w/1/etc" "$w/2/data" "$w/2/etc"
	cp /bin/busybox "$w/1/bin/busybox"
	for a in sh true false echo cat ls sleep id env ps stat sha256sum find dd wc grep head; do ln -s busybox "$w/1/bin/$a"; done
	chmod 1777 "$w/1/tmp"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$w/1/etc/passwd"
	for i in $(seq "$files"); do echo "file $i" >"$w/2/data/$i"; done
	echo hello >"$w/2/etc/motd"
	local diffs='' layers=''
	for i in 1 2; do
		tar -C "$w/$i" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1600000000 -cf "$w/tar" .
		diffs="$diffs${diffs:+,}\"sha256:$(sha256sum "$w/tar" | cut -d' ' -f1)\""
		gzip -n "$w/tar"
		d=$(sha256sum "$w/tar.gz" | cut -d' ' -f1)
		layers="$layers${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:$d\",\"size\":$(stat -c %s "$w/tar.gz")}"
		mv "$w/tar.gz" "$dir/blobs/sha256/$d"
	done
	case $(uname -m) in x86_64) a=amd64 ;; aarch64) a=arm64 ;; *) a=$(uname -m) ;; esac
	printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$a" "$diffs" >"$w/config"
	d=$(sha256sum "$w/config" | cut -d' ' -f1)
	cp "$w/config" "$dir/blobs/sha256/$d"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' \
		"$d" "$(stat -c %s "$w/config")" "$layers" >"$w/manifest"
	d=$(sha256sum "$w/manifest" | cut -d' ' -f1)
	cp "$w/manifest" "$dir/blobs/sha256/$d"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}' \
		"$d" "$(stat -c %s "$w/manifest")" >"$dir/index.json"
	rm -rf "$w"
}
