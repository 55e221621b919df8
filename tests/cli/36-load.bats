#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# skiff load: formats, compressions, names, archives that lie (CP-05).

load common
load layers

setup() { layers_setup; }
teardown() { layers_teardown; }

layout() { # an OCI layout in $L, its tar in $L.tar
	L=$BATS_TEST_TMPDIR/layout
	make_layout "$L"
	tar -C "$L" -cf "$L.tar" .
}

# bats test_tags=smoke
@test "an OCI layout in a tar: plain, gzip, zstd, from a file and from stdin" {
	local id
	layout
	run -0 skiff load -i "$L.tar"
	[[ $output =~ ^"Loaded image ID: sha256:"[0-9a-f]{64}$ ]] || fail "got $output"
	id=${output#Loaded image ID: }
	run -0 skiff images -q --no-trunc
	is "$output" "$id"
	run -0 --separate-stderr skiff run --rm --network none "$id" cat /etc/motd
	is "$output" hello
	skiff rmi "$id"
	gzip -k "$L.tar"
	run -0 skiff load <"$L.tar.gz"
	is "$output" "Loaded image ID: $id"
	skiff rmi "$id"
	zstd -q -k "$L.tar"
	run -0 skiff load -q -i "$L.tar.zst"
	is "$output" "Loaded image ID: $id"
	run -0 skiff image inspect -f '{{.Id}}' "$id"
	is "$output" "$id"
	skiff system check
}

@test "a stream from a pipe" {
	layout
	run -0 sh -c 'cat "$1" | gzip | skiff load' sh "$L.tar"
	contains "Loaded image ID: sha256:"
}

@test "names in an OCI index: containerd's, podman's, a tag alone" {
	layout
	sed -i 's|"org.opencontainers.image.ref.name":"latest"|"io.containerd.image.name":"docker.io/library/a:1"|' \
		"$L/index.json"
	tar -C "$L" -cf "$L.tar" .
	run -0 skiff load -i "$L.tar"
	is "$output" "Loaded image: a:1"
	sed -i 's|"io.containerd.image.name":"[^"]*"|"org.opencontainers.image.ref.name":"localhost/b"|' "$L/index.json"
	tar -C "$L" -cf "$L.tar" .
	run -0 skiff load -i "$L.tar"
	is "$output" "Loaded image: localhost/b:latest"
	run -0 skiff images --format '{{.Repository}}:{{.Tag}}'
	is "$(sort <<<"$output" | tr '\n' ' ')" "a:1 localhost/b:latest "
}

@test "a nested index: the variant for this machine is taken" {
	local d size
	layout
	d=$(sed 's/.*"digest":"\(sha256:[0-9a-f]*\)".*/\1/' "$L/index.json")
	size=$(stat -c %s "$L/blobs/sha256/${d#sha256:}")
	index "$(descriptor "$(printf 'sha256:%064d' 7)" 1 '"platform":{"os":"linux","architecture":"s390x"}'),$(
		descriptor "$d" "$size" '"platform":{"os":"linux","architecture":"'"$(arch_of_image)"'"}')" \
		>"$BATS_TEST_TMPDIR/inner"
	d=$(sha256sum "$BATS_TEST_TMPDIR/inner" | cut -d' ' -f1)
	cp "$BATS_TEST_TMPDIR/inner" "$L/blobs/sha256/$d"
	index "$(descriptor "sha256:$d" "$(stat -c %s "$BATS_TEST_TMPDIR/inner")" \
		'"annotations":{"io.containerd.image.name":"nested:1"}' index)" >"$L/index.json"
	tar -C "$L" -cf "$L.tar" .
	run -0 skiff load -i "$L.tar"
	is "$output" "Loaded image: nested:1"
}

descriptor() { # DIGEST SIZE MEMBERS [KIND]
	printf '{"mediaType":"application/vnd.oci.image.%s.v1+json","digest":"%s","size":%s,%s}' \
		"${4:-manifest}" "$1" "$2" "$3"
}

index() { # DESCRIPTORS
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$1"
}

arch_of_image() {
	case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac
}

@test "docker's archive: several names, and what a name had before is told" {
	local old
	tl good a:1 b/c:2
	is "$output" "$(printf 'Loaded image: a:1\nLoaded image: b/c:2')"
	old=$(skiff images -q --no-trunc a:1)
	tl times a:1
	is "${lines[0]}" "The image a:1 already exists, renaming the old one with ID $old to empty string"
	is "${lines[1]}" "Loaded image: a:1"
	run -0 skiff images --format '{{.Repository}}:{{.Tag}} {{.ID}}' --no-trunc
	contains "b/c:2 $old"
	tl times b/c:2
	run -0 skiff images --format '{{.Repository}}:{{.Tag}} {{.ID}}' --no-trunc
	contains "<none>:<none> $old"
	run -0 skiff images -q --no-trunc -f dangling=true
	is "$output" "$old"
	skiff rmi "$old"
	skiff system check
}

@test "the same archive again changes nothing" {
	local before
	tl good a:1
	before=$(cd "$SKIFF_ROOT" && find layers oci/blobs tags -printf '%p %i\n' | grep -v ' tags' | sort)
	tl good a:1
	is "$output" "Loaded image: a:1"
	is "$(cd "$SKIFF_ROOT" && find layers oci/blobs -printf '%p %i\n' | sort)" "$(grep -v '^tags' <<<"$before")"
}

@test "CP-05 members' names are never names of files" {
	refuses member-up "'..' in a name"
	refuses member-sym "holds no images"
	refuses missing-layer "no layer '../../etc/passwd'"
	refuses layer-sym-out "no layer 'x/layer.tar'"
	loads layer-sym
	is "$output" "Loaded image: tl:1"
}

@test "CP-05 names that are not the archive's to give" {
	refuses embedded-tag "embedded/ is reserved"
	refuses bad-tag "invalid reference format"
	refuses extra-layer "has 1 layers, its config names 2"
}

@test "CP-05 blobs of an OCI layout are what their names say" {
	local d
	layout
	d=$(sed 's/.*"digest":"sha256:\([0-9a-f]*\)".*/\1/' "$L/index.json")
	printf ' ' >>"$L/blobs/sha256/$d"
	tar -C "$L" -cf "$L.tar" .
	run -1 skiff load -i "$L.tar"
	contains "wrong digest"
	nothing_is_left
	rm -rf "$L"
	layout
	d=$(grep -l -r "" "$L/blobs/sha256" | xargs -r file 2>/dev/null | grep gzip | head -1 | cut -d: -f1)
	[ -n "$d" ] || d=$(find "$L/blobs/sha256" -size +100k | head -1)
	printf 'x' >>"$d"
	tar -C "$L" -cf "$L.tar" .
	run -1 skiff load -i "$L.tar"
	contains "wrong digest or size"
	nothing_is_left
}

@test "what is no archive" {
	run -1 skiff load -i /nowhere/at/all
	contains "open '/nowhere/at/all': No such file or directory"
	mkdir "$BATS_TEST_TMPDIR/empty"
	run -1 skiff load -i "$BATS_TEST_TMPDIR/empty"
	contains "holds no images"
	run -1 skiff load </dev/null
	is "$output" "Error: the archive is empty"
	echo 'hello, I am no tar' >"$BATS_TEST_TMPDIR/x"
	run -1 skiff load -i "$BATS_TEST_TMPDIR/x"
	contains "corrupt or of an unknown format"
	tar -cf "$BATS_TEST_TMPDIR/x.tar" -C "$BATS_TEST_TMPDIR" x
	run -1 skiff load -i "$BATS_TEST_TMPDIR/x.tar"
	contains "holds no images"
	nothing_is_left
}

@test "CP-06 a store at a place with an odd name" {
	export SKIFF_ROOT="$BATS_TEST_TMPDIR/a:b,c\\d e"$'\n'"f-ü"
	tl good tl:1
	is "$status" 0
	is "$(merged)" "./big ./hard ./link "
	skiff run --rm --network none "$BB" true
	skiff system reset -f
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
}

@test "a load that is killed anywhere leaves a valid store" {
	local i
	layout
	for i in 5 10 15 20 30 40 60; do
		skiff load -i "$L.tar" >/dev/null 2>&1 &
		sleep "0.0$(printf '%02d' $i)"
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		run -0 skiff system check
	done
	run -0 skiff load -i "$L.tar"
	skiff system check
	is "$(ls "$SKIFF_ROOT/tmp")" "$(printf 'blobs\nguard')"
}

@test "a full disk: one line, and nothing is left" {
	python3 "$BATS_TEST_DIRNAME/tl.py" gzip-bomb "$BATS_TEST_TMPDIR/a.tar" 60
	mkdir "$BATS_TEST_TMPDIR/full"
	run -1 unshare -rm sh -c 'mount -t tmpfs -o size=40m none "$1" && export SKIFF_ROOT=$1 && skiff system check &&
		! skiff load -i "$2" && skiff system check && find "$1/layers" "$1/tmp" "$1/tags" -type f ! -name guard && exit 1' \
		sh "$BATS_TEST_TMPDIR/full" "$BATS_TEST_TMPDIR/a.tar"
	is "${#lines[@]}" 1
	contains "'f': write: No space left on device"
}

@test "compressed layers of an archive are kept as they came, or dropped when asked for" {
	layout
	skiff load -q -i "$L.tar" >/dev/null
	is "$(cd "$SKIFF_ROOT/oci/blobs/sha256" && echo *)" "$(cd "$L/blobs/sha256" && echo *)"
	skiff system check
	skiff rmi "$(skiff images -q)"
	skiff load -q --keep-blobs=false -i "$L.tar" >/dev/null
	is "$(find "$SKIFF_ROOT/oci/blobs/sha256" -type f | wc -l)" 2
	skiff system check
}
