#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What survives a power cut. Each cut is one line of tests/fault/powercut; FULL=1 (make check-full) cuts 200 times.

load ../cli/common
load ../cli/registry

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root: loop devices and mounts"
	command -v mkfs.xfs >/dev/null || skip "mkfs.xfs is not installed (package xfsprogs)"
	make_layout "$BATS_FILE_TMPDIR/layout" 400
	registry_start plain
	registry_push "$BATS_FILE_TMPDIR/layout" cut
	# What the image must be, as a list of hashes, from the layers themselves.
	mkdir "$BATS_FILE_TMPDIR/tree"
	local blob
	for blob in "$BATS_FILE_TMPDIR"/layout/blobs/sha256/*; do
		! gzip -t "$blob" 2>/dev/null || tar -C "$BATS_FILE_TMPDIR/tree" -xzf "$blob"
	done
	export WANT=$BATS_FILE_TMPDIR/want IMAGE=$REGISTRY/cut
	(cd "$BATS_FILE_TMPDIR/tree" && find bin/busybox etc/motd etc/passwd data -type f -exec sha256sum {} + | sort) >"$WANT"
	chmod 755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR" "$TMPDIR" "$TMPDIR/.."
	tar -C "$BATS_FILE_TMPDIR/layout" -cf "$BATS_FILE_TMPDIR/layout.tar" .
	export ARCHIVE=$BATS_FILE_TMPDIR/layout.tar
	export CUTS_AFTER=3 CUTS_DURING=7
	[ -z "${FULL:-}" ] || CUTS_AFTER=50 CUTS_DURING=150
	export BATS_TEST_TIMEOUT=1200
}

teardown_file() {
	registry_stop
}

# An image that is listed is whole; after a pull that has returned it is listed; and the store works on.
CHECK='
set -e
export SKIFF_ROOT=$STORE
names=$(skiff images --format "{{.Repository}}")
[ "$CUT" != after ] || [ "$names" = "$IMAGE" ] || { echo "the image is gone: \"$names\""; exit 1; }
whole() {
	skiff run --rm --network none "$IMAGE" sh -c "cd / && find bin/busybox etc/motd etc/passwd data -type f -exec sha256sum {} + | sort" |
		diff - "$WANT"
}
if [ -n "$names" ]; then whole; fi
skiff pull -q --tls-verify=false "$IMAGE" >/dev/null
whole
'

# Nothing is left of images and containers, or of a command that was cut; else it is said what, with its content.
EMPTY='
cd "$STORE"
stayed=$(find . -mindepth 2 ! -path "./*/guard" ! -path ./tmp/blobs ! -path "./oci/*" ! -path "./cache/*" -printf "%M %s %TT %p %l\n"
	find oci/blobs/sha256 -mindepth 1; find . -name "*.tmp-*")
[ -z "$stayed" ] || { echo "the cut left:"; echo "$stayed"; head -n 9 tags/* lists/* containers/*/*.json; skiff images -a; skiff ps -a; exit 1; } 2>&1
'

@test "the rig loses what was not synced" {
	run "$TESTS/fault/powercut" after 1 'echo text >"$STORE/new" && mv "$STORE/new" "$STORE/file"' '! grep -qs text "$STORE/file"'
	is "$status" 0
}

@test "the rig keeps what was synced" {
	run "$TESTS/fault/powercut" after 1 'echo text >"$STORE/file" && sync "$STORE/file" "$STORE"' 'grep -q text "$STORE/file"'
	is "$status" 0
}

@test "a pull that has returned survives" {
	run "$TESTS/fault/powercut" after "$CUTS_AFTER" 'skiff --root "$STORE" pull -q --tls-verify=false "$IMAGE"' "$CHECK"
	echo "$output"
	is "$status" 0
}

@test "a cut in the middle of a pull leaves the old store or the new one" {
	run "$TESTS/fault/powercut" during "$CUTS_DURING" 'skiff --root "$STORE" pull -q --tls-verify=false "$IMAGE"' "$CHECK"
	echo "$output"
	is "$status" 0
}

@test "a cut in the middle of rmi, prune and repair leaves the old store or the new one" {
	run "$TESTS/fault/powercut" during "$CUTS_DURING" '
		export SKIFF_ROOT=$STORE
		id=$(skiff load -q -i "$ARCHIVE" | sed "s/.*: //")
		skiff tag "$id" a:1 && skiff tag "$id" b:1 && skiff untag "$id" b:1 && skiff rmi -f "$id" && skiff load -q -i "$ARCHIVE"
		skiff image prune -af && skiff load -q -i "$ARCHIVE" && skiff system check --repair && skiff system prune -af' '
		set -euo pipefail
		export SKIFF_ROOT=$STORE
		skiff system check
		id=$(skiff load -q -i "$ARCHIVE" | sed "s/.*: //")
		skiff run --rm --network none "$id" sh -c "cd / && find bin/busybox etc/motd etc/passwd data -type f -exec sha256sum {} + | sort" |
			diff - "$WANT"
		skiff system prune -af
		'"$EMPTY"
	echo "$output"
	is "$status" 0
}

@test "what load, tag and rmi have reported survives" {
	run "$TESTS/fault/powercut" after "$CUTS_AFTER" '
		export SKIFF_ROOT=$STORE
		id=$(skiff load -q -i "$ARCHIVE" | sed "s/.*: //")
		skiff tag "$id" kept:1 && skiff tag "$id" gone:1 && skiff rmi gone:1' '
		set -euo pipefail
		export SKIFF_ROOT=$STORE
		skiff system check
		[ "$(skiff images --format "{{.Repository}}:{{.Tag}}" | grep -E "^(kept|gone):")" = kept:1 ] || { skiff images; exit 1; }
		skiff run --rm --network none kept:1 sh -c "cd / && find bin/busybox etc/motd etc/passwd data -type f -exec sha256sum {} + | sort" |
			diff - "$WANT"'
	echo "$output"
	is "$status" 0
}

@test "containers that create, rm and prune have reported are there, or gone" {
	run "$TESTS/fault/powercut" after "$CUTS_AFTER" '
		export SKIFF_ROOT=$STORE
		for i in 1 2 3 4 5; do skiff create -q --name c$i --network none embedded/busybox true; done
		skiff rm c2
		skiff rm c4 c5' '
		set -euo pipefail
		export SKIFF_ROOT=$STORE
		have=$(skiff ps -a --format "{{.Names}} {{.Status}}" | sort | tr "\n" " ")
		[ "$have" = "c1 Created c3 Created " ] || { echo "containers: $have"; exit 1; }
		skiff system check
		skiff start -a c1
		skiff create --name c2 --network none embedded/busybox true'
	echo "$output"
	is "$status" 0
	run "$TESTS/fault/powercut" after "$CUTS_AFTER" '
		export SKIFF_ROOT=$STORE
		skiff create --name c --network none embedded/busybox true && skiff container prune -f' '
		set -euo pipefail
		export SKIFF_ROOT=$STORE
		[ -z "$(skiff ps -aq)" ] || { skiff ps -a; exit 1; }
		skiff system prune -af
		'"$EMPTY"
	echo "$output"
	is "$status" 0
}

# What somebody syncs brings the names of all files to the disk, but not the content of others.
@test "a store that was just made, and a --rm container, do not stand in the way after a cut" {
	run "$TESTS/fault/powercut" after 1 '
		skiff --root "$STORE" images -q && touch "$STORE/tmp/x" && sync "$STORE/tmp/x" && rm "$STORE/tmp/x"' '
		set -euo pipefail
		export SKIFF_ROOT=$STORE
		skiff images -q
		skiff run --rm --network none embedded/busybox true
		python3 -m json.tool "$STORE/oci/oci-layout"'
	echo "$output"
	is "$status" 0
	run "$TESTS/fault/powercut" after 1 '
		export SKIFF_ROOT=$STORE
		skiff create --rm --name c --network none embedded/busybox true && skiff tag embedded/busybox kept:1' '
		set -euo pipefail
		export SKIFF_ROOT=$STORE
		skiff system check
		skiff rmi kept:1
		sleep 3
		skiff create --name c --network none embedded/busybox true
		skiff system prune -af
		'"$EMPTY"
	echo "$output"
	is "$status" 0
}
