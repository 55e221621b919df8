#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What hostile layers must not achieve (TL-01 to TL-15).

load common
load layers

# owner ID: what a single-id map makes of it.
owner() {
	[ "$SKIFF_TEST_MODE" = single ] && echo 0 || echo "$1"
}

setup() { layers_setup; }
teardown() {
	layers_teardown
	[[ $SKIFF_ROOT != /dev/shm/* ]] || rm -rf "$SKIFF_ROOT"
}

@test "TL-01 names that lead out are refused, absolute ones stay inside" {
	refuses name-dotdot "'..' in a name"
	refuses name-inner "'..' in a name"
	refuses name-up "'..' in a name"
	refuses name-empty "no name"
	refuses name-long "too long"
	refuses name-component "too long"
	refuses name-nul "NUL"
	loads name-absolute
	is "$(tree | tail -1)" "f 644 0:0 5 ${CANARY#/}/x "
}

@test "TL-01 names are bytes" {
	loads name-utf8
	is "$(tree | tail -1)" "f 644 0:0 5 café/€ "
	loads name-latin1
	is "$(in_layer 0 sh -c 'ls | od -An -tx1' | tr -d ' ')" "636166e90a"
}

@test "TL-02 symlinks lead to places inside the layer" {
	local c
	for c in abs-file rel-file dot-file chain chain-up; do
		loads "link-$c"
		contains Loaded
		[[ $(tree) == *"f 644 0:0 5 ${CANARY#/}/x "* ]] || fail "$c: $(tree)"
	done
	loads link-proc
	[[ $(tree) == *"f 644 0:0 5 proc/self/root/${CANARY#/}/x "* ]]
	loads link-to-dir
	[[ $(tree) == *"f 644 0:0 5 real/x "* ]]
	loads link-to-dir-abs
	[[ $(tree) == *"f 644 0:0 5 real/x "* ]]
	loads link-to-nothing
	[[ $(tree) == *"f 644 0:0 5 not/there/x "* ]]
}

@test "TL-02 symlinks that lead in circles, files that are no folders" {
	refuses link-loop "symbolic links"
	refuses link-self "symbolic links"
	refuses link-to-file "Not a directory"
}

@test "TL-02 an entry replaces a symlink of its name, it does not follow it" {
	loads link-dir-over
	is "$(tree)" "$(printf 'd 755 0:0 4096 l \nf 644 0:0 5 l/x ')"
	loads link-file-over
	is "$(tree)" "f 644 0:0 5 l "
	loads link-sym-over
	[[ $(tree) == *"l 777 0:0 4 l here"* ]]
	loads link-hard-over
	is "$(tree | cut -d' ' -f1,5)" "$(printf 'f f\nf l')"
}

@test "TL-03 hard links reach nothing outside, and change nothing through symlinks" {
	refuses link-hard-abs "hard link"
	refuses link-hard-up "'..' in a name"
	refuses link-hard-through "hard link"
	refuses link-hard-dir "a hard link to a folder"
	refuses link-hard-missing "hard link"
	loads link-hard-sym
	is "$(tree | head -1)" "f 644 0:0 5 h "
	loads link-hard-sym-chmod
	loads hard-mode
	local n=$((${#CANARY} + 7))
	is "$(tree)" "$(printf 'l 777 0:0 %s h %s\nl 777 0:0 %s s %s' $n "$CANARY/secret" $n "$CANARY/secret")"
	loads sym-mode
	loads link-hard-self
	loads link-hard-twice
	is "$(in_layer 0 stat -c %h f g)" "$(printf '2\n2')"
}

@test "TL-04 a layer is made where nobody else can reach it" {
	loads good
	is "$(find "$SKIFF_ROOT" -maxdepth 2 ! -type l -perm /077 | grep -v '/diff')" ""
	is "$(stat -c %a "$SKIFF_ROOT"/layers/*)" 700
}

@test "TL-05 the root is a folder" {
	local c
	for c in sym sym2 file hard fifo; do
		refuses "root-$c" "the root can only be a folder"
	done
	loads root-dir
	is "$(in_layer 0 stat -c '%a %u' .)" "711 $(owner 3)"
}

@test "TL-06 whiteouts remove what lower layers have, and only that" {
	local c
	declare -A want=(
		[file]="./d/two ./e/x ./g " [dir]="./e/x ./f ./g " [opaque]="./d/three ./e/x ./f ./g "
		[opaque-late]="./d/three ./e/x ./f ./g " [opaque-root]="./new "
		[same-after]="./d/one ./d/two ./e/x ./f ./g " [same-before]="./d/one ./d/two ./e/x ./f ./g "
		[dir-again]="./d/three ./e/x ./f ./g "
		[dir-again-after]="./d/three ./e/x ./f ./g " [dir-implied]="./d/three ./e/x ./f ./g "
		[aufs]="./d/one ./d/two ./e/x ./f ./g " [missing]="./d/one ./d/two ./e/x ./f ./g "
	)
	for c in "${!want[@]}"; do
		loads "wh-$c"
		[ "$(merged)" = "${want[$c]}" ] || fail "$c: got '$(merged)' want '${want[$c]}'"
	done
	loads wh-same-after
	is "$(in_layer 1 cat f)" new
}

@test "TL-06 whiteouts of nothing and of places elsewhere" {
	refuses wh-none "names nothing"
	refuses wh-dot "names nothing"
	refuses wh-dotdot "names nothing"
	refuses wh-hard "removed"
	loads wh-sym
	loads wh-up
	[[ $(tree 1) == *"f 644 0:0 0 .wh.../x"* ]]
}

@test "TL-07 overlay's own marks do not come from images" {
	refuses overlay-chr00 "0:0"
	loads overlay-xattrs
	is "$(in_layer 1 python3 -c 'import os; print(*os.listxattr("d"), *os.listxattr("h"))')" "user.kept user.kept"
	loads overlay-redirect
	is "$(merged)" "./d/one ./d/two ./e/x ./f ./g "
}

@test "TL-08 device nodes are not made but written down, fifos do not block" {
	loads devices
	is "$(tree | cut -d' ' -f1,5)" "$(printf 'd dev\nd etc\np etc/passwd\nf ok')"
	run -0 cat "$SKIFF_ROOT"/layers/*/meta.json
	contains '"skippedDevices":2'
	contains '{"path":"dev/sda","type":"b","major":8,"minor":0'
	run skiff run --rm --network none -v /bin/busybox:/busybox:ro tl:1 /busybox echo started
	contains started
}

@test "TL-09 set-id bits and capabilities survive the change of owner" {
	loads caps
	is "$(tree)" "$(printf '%s \n' "f 6711 $(owner 5):$(owner 6) 2 other" 'f 644 0:0 2 ping' \
		"f 2755 0:$(owner 7) 3 sg" "d 2775 0:$(owner 8) 4096 sgd" 'f 644 0:0 2 sgd/f' \
		'd 755 0:0 4096 sgd/sub' 'd 1777 0:0 4096 sticky' 'f 4755 0:0 3 su')"
	is "$(in_layer 0 python3 -c 'import os; print(os.getxattr("ping", "security.capability").hex())')" \
		"0100000200200000000000000000000000000000"
}

@test "TL-10 sizes that no disk has" {
	refuses bomb-sparse "overflow"
	refuses bomb-pax-size "overflow"
	refuses bomb-sparse-pax "File too large"
	refuses bomb-pax-header "too large"
	refuses bomb-xattr "extended attributes"
	refuses name-depth "too long"
}

@test "TL-10 a thousand folders in each other are made, checked and removed" {
	loads name-deep
	is "$(in_layer 0 sh -c 'find . -type f | tr -dc / | wc -c')" 1020
	run -0 skiff rmi tl:1
	nothing_is_left
}

@test "TL-10 a hundred gigabytes of nothing take no space" {
	loads sparse-good
	is "$(in_layer 0 stat -c %s f)" 107374182400
	[ "$(in_layer 0 stat -c %b f)" -lt 100 ]
	is "$(in_layer 0 tail -c 3 f)" zzz
	is "$(in_layer 0 cat after)" after
}

# bomb STATUS WORDS CASE [ARG...]: within ten seconds and 64 MiB (the sanitizers take more of both). In memory, where it
# is our time that counts and not that of a disk which other tests use; FULL=1 takes the disk.
bomb() {
	local seconds=10 mib=64
	[ "$SKIFF_TEST_MODE" != san ] || seconds=100 mib=1000
	if [ -z "${FULL:-}" ] && [ -w /dev/shm ] && [[ $SKIFF_ROOT != /dev/shm/* ]]; then
		SKIFF_ROOT=$(mktemp -d /dev/shm/skiff-bomb.XXXXXX)
	fi
	python3 "$BATS_TEST_DIRNAME/tl.py" "$3" "$BATS_TEST_TMPDIR/a.tar" "${@:4}"
	run python3 "$BATS_TEST_DIRNAME/measure.py" $seconds $mib skiff load -i "$BATS_TEST_TMPDIR/a.tar"
	[ "$status" = "$1" ] || fail "${*:3}: status $status"
	contains "$2"
	[ "$1" = 0 ] || nothing_is_left
}

@test "TL-10 what blows up by a thousand is written as a stream" {
	bomb 0 Loaded gzip-bomb 200
	skiff rmi tl:1
	bomb 0 Loaded bomb-zstd 200
}

@test "TL-10 a zstd window of two gigabytes, a PAX header of one" {
	bomb 1 "zstd" bomb-window
	bomb 1 "too large" bomb-pax-header
}

@test "TL-10 entries that nobody has paid for are refused before they cost much" {
	bomb 1 "look like a bomb" bomb-entries files 125000
	bomb 1 "look like a bomb" bomb-entries folders 125000
	bomb 1 "look like a bomb" bomb-entries again 125000
	bomb 1 "look like a bomb" bomb-outside 125000
	[ -n "${FULL:-}" ] || return 0
	bomb 1 "look like a bomb" bomb-entries files 3000000
	bomb 1 "look like a bomb" bomb-entries whiteouts 150000
	bomb 1 "" bomb-entries links 150000 # too many of one file for some file systems
}

@test "a load that is killed takes its unpackers along" {
	local pid children
	python3 "$BATS_TEST_DIRNAME/tl.py" bomb-entries "$BATS_TEST_TMPDIR/a.tar" folders 60000
	skiff load -i "$BATS_TEST_TMPDIR/a.tar" 3>&- &
	pid=$!
	busy() {
		children=$(pgrep -P $pid)
		[ -n "$children" ] && [ -n "$(find "$SKIFF_ROOT/tmp" -name d0000999 2>/dev/null)" ]
	}
	gone() { ! ps -o pid= -p "${children//$'\n'/,}" | grep -q .; }
	wait_for 20 skiff unshare true
	wait_for 60 busy
	kill -9 $pid
	wait_for 5 gone
	wait $pid || true
	skiff images # the next writer cleans up
	run -0 skiff system check
}

@test "TL-10 limits of the user's own: entries and bytes" {
	python3 "$BATS_TEST_DIRNAME/tl.py" bomb-entries "$BATS_TEST_TMPDIR/a.tar" again 150000
	run -0 skiff load --max-layer-entries=200000 -i "$BATS_TEST_TMPDIR/a.tar"
	skiff rmi tl:1
	run -1 skiff load --max-layer-entries=1000 -i "$BATS_TEST_TMPDIR/a.tar"
	contains "more than 1000 entries (--max-layer-entries sets the limit)"
	nothing_is_left
	python3 "$BATS_TEST_DIRNAME/tl.py" good "$BATS_TEST_TMPDIR/a.tar"
	run -1 skiff load --max-layer-size=1m -i "$BATS_TEST_TMPDIR/a.tar"
	contains "the layer is larger than the limit of 1048576 bytes (--max-layer-size sets it)"
	nothing_is_left
	run -0 skiff load --max-layer-size=2m -i "$BATS_TEST_TMPDIR/a.tar"
}

@test "TL-10 a file system with few inodes: said so before the last one is gone" {
	local d=$BATS_TEST_TMPDIR/m
	mkdir "$d"
	python3 "$BATS_TEST_DIRNAME/tl.py" bomb-entries "$BATS_TEST_TMPDIR/a.tar" files 30000
	# shellcheck disable=SC2016
	run unshare -rm sh -c 'mount -t tmpfs -o size=200m,nr_inodes=20000 none "$1" || exit 77
		SKIFF_ROOT=$1/s skiff load -i "$2" && exit 1
		SKIFF_ROOT=$1/s skiff system check || exit 2
		find "$1/s/layers" "$1/s/tags" "$1/s/tmp" "$1/s/trash" -mindepth 1 ! -name guard ! -name blobs' \
		sh "$d" "$BATS_TEST_TMPDIR/a.tar"
	[ "$status" != 77 ] || skip "no user namespace with a tmpfs here"
	[ "$status" = 0 ]
	contains "the file system is full (less than 4096 files can be made)"
	is "$(grep "^$d" <<<"$output")" ""
}

@test "TL-11 a layer that is cut off anywhere is refused, and leaves nothing" {
	local n size
	python3 "$BATS_TEST_DIRNAME/tl.py" truncated "$BATS_TEST_TMPDIR/a.tar" 100000000
	size=$(tar -xOf "$BATS_TEST_TMPDIR/a.tar" 0/layer.tar | wc -c)
	for ((n = 0; n < size; n += 512)); do
		tl truncated "$n"
		[ "$status" = 1 ] || fail "cut at $n: status $status"
	done
	nothing_is_left
}

@test "TL-11 a layer with one wrong byte is refused or is what the digest says" {
	local n
	for n in 1 2 4 10 20 50 77 100 333 500 1000 2000 -1 -3 -5 -8 -12; do
		tl flipped "$n"
		[ "$status" = 1 ] || skiff system check
		skiff rmi -a -f
	done
	nothing_is_left
}

@test "TL-12 headers that say two things" {
	refuses desync-two-paths "two different values of path"
	refuses desync-two-sizes "two different values of size"
	refuses desync-two-pax "two PAX headers"
	refuses desync-negative "negative"
	refuses desync-global "global PAX header"
}

@test "TL-12 PAX wins over the old header, as other readers have it" {
	loads desync-pax-wins
	is "$(tree | cut -d' ' -f4,5)" "$(printf '2 last\n1024 outer')"
	tar -xOf "$BATS_TEST_TMPDIR/a.tar" 0/layer.tar >"$BATS_TEST_TMPDIR/layer.tar"
	run -0 python3 -c 'import sys, tarfile; print(*sorted(m.name for m in tarfile.open(sys.argv[1])))' \
		"$BATS_TEST_TMPDIR/layer.tar"
	is "$output" "last outer"
}

@test "TL-13 ids that are not in the map are named, times never fail" {
	if [ "$SKIFF_TEST_MODE" = single ]; then
		loads ids-big-uid
		is "$(tree)" "f 644 0:0 5 f "
	else
		refuses ids-big-uid "user id 70000 is not among"
		refuses ids-huge-gid "group id 4294967294 is not among"
		refuses ids-over "user id 8589934592"
	fi
	loads times
	is "$(in_layer 0 stat -c %Y old nano d)" "$(printf -- '-1\n1600000000\n1500000000')"
	is "$(in_layer 0 stat -c %y nano | cut -d' ' -f2 | cut -c10-18)" 123456789
}

@test "TL-14 digests and diff ids" {
	refuses wrong-diff-id "wrong diff id"
	refuses gzip-garbage "garbage behind the gzip data"
	loads gzip-members
	skiff rmi -a
	loads gzip-zeros
}

@test "TL-15 libarchive is asked for tar only: other formats and filters are corrupt tars" {
	printf '\x89LZO\x00\x0d\x0a\x1a\x0a and more' >"$BATS_TEST_TMPDIR/x"
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\ntouch %s/ran\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bin/lzop"
	cp "$BATS_TEST_TMPDIR/bin/lzop" "$BATS_TEST_TMPDIR/bin/lrzip"
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run -1 skiff load -i "$BATS_TEST_TMPDIR/x"
	contains "corrupt or of an unknown format"
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
	python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w").writestr("a", "b")' "$BATS_TEST_TMPDIR/zip"
	run -1 skiff load -i "$BATS_TEST_TMPDIR/zip"
	contains "corrupt or of an unknown format"
	nothing_is_left
}

@test "folders without entries keep what lower layers say about them" {
	loads implied
	is "$(in_layer 1 stat -c '%n %a %u:%g' tmp home home/u home/u/app new | tr '\n' ' ')" \
		"tmp 1777 0:0 home 711 0:0 home/u 700 $(owner 5):$(owner 6) home/u/app 755 0:0 new 755 0:0 "
}

@test "a layer that replaces its own files is unpacked, and its blob is kept" {
	loads replaced
	is "$(in_layer 0 cat f)" second
	is "$(tree | tail -1)" "f 644 0:0 7 f "
	is "$(find "$SKIFF_ROOT/oci/blobs/sha256" -type f | wc -l)" 3
	skiff rmi tl:1
	nothing_is_left
}
