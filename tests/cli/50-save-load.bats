#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# skiff save, and load of what it wrote: formats, names, the same bytes every time.

load common
load image

setup_file() {
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/store
	two_images
	skiff load -q -i "$BATS_FILE_TMPDIR/two.tar"
}
teardown_file() { skiff system reset -f; }

# Other stores than the file's own are made below $BATS_TEST_TMPDIR/other.
teardown() {
	[ ! -d "$BATS_TEST_TMPDIR/other" ] || SKIFF_ROOT=$BATS_TEST_TMPDIR/other skiff system reset -f
}

other() { SKIFF_ROOT=$BATS_TEST_TMPDIR/other skiff "$@"; }

# "app:1", "app:2" and "lib/x:latest": app:2 and lib/x are one image on top of app:1's layer, with odd files in it.
two_images() {
	local w=$BATS_FILE_TMPDIR/w a long
	mkdir -p "$w/1/bin" "$w/2/data/private"
	cp /bin/busybox "$w/1/bin/busybox"
	for a in sh true cat ls; do ln -s busybox "$w/1/bin/$a"; done
	long=$(printf '%0150d' 7)
	echo long >"$w/2/data/$long"
	ln -s "../$long" "$w/2/data/link"
	echo secret >"$w/2/data/private/file"
	ln "$w/2/data/private/file" "$w/2/data/hard"
	chmod 700 "$w/2/data/private"
	truncate -s 3M "$w/2/data/holes"
	tar -C "$w/1" --sort=name --owner=0 --group=0 -cf "$w/1.tar" .
	tar -C "$w/2" --sort=name --owner=1000 --group=1001 -cf "$w/2.tar" .
	config "$w/1.tar" >"$w/a.json"
	config "$w/1.tar" "$w/2.tar" >"$w/b.json"
	printf '[{"Config":"a.json","RepoTags":["app:1"],"Layers":["1.tar"]},
		{"Config":"b.json","RepoTags":["app:2","lib/x:latest"],"Layers":["1.tar","2.tar"]}]' >"$w/manifest.json"
	tar -C "$w" -cf "$BATS_FILE_TMPDIR/two.tar" manifest.json a.json b.json 1.tar 2.tar
}

config() { # TAR...
	local a ids
	case $(uname -m) in x86_64) a=amd64 ;; aarch64) a=arm64 ;; *) a=$(uname -m) ;; esac
	ids=$(sha256sum "$@" | sed 's/ .*//; s/.*/"sha256:&"/' | paste -sd,)
	printf '{"architecture":"%s","os":"linux","config":{"Cmd":["sh"],"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$a" "$ids"
}

id_of() { skiff images -q --no-trunc "$1" | head -1; }

# bats test_tags=smoke
@test "docker's archive: what was loaded comes out, and loads elsewhere as the same image" {
	local d=$BATS_TEST_TMPDIR
	run -0 skiff save -o "$d/a.tar" app:2
	is "$output" ""
	is "$(stat -c %a "$d/a.tar")" 600
	is "$(tar tf "$d/a.tar" | head -1)" manifest.json
	run -0 tar xOf "$d/a.tar" manifest.json
	contains '"RepoTags":["docker.io/library/app:2"]'
	# The layers are the tars that were loaded, byte for byte.
	tar -C "$d" -xf "$d/a.tar"
	cmp "$d/$(sha256sum "$BATS_FILE_TMPDIR/w/2.tar" | cut -d' ' -f1).tar" "$BATS_FILE_TMPDIR/w/2.tar"
	run -0 other load -i "$d/a.tar"
	is "$output" "Loaded image: app:2"
	is "$(other images -q --no-trunc app:2)" "$(id_of app:2)"
	other system check
}

@test "the same bytes: to a file, through a pipe, again, from another store" {
	local d=$BATS_TEST_TMPDIR f
	for f in docker-archive oci-archive; do
		skiff save -q --format "$f" -o "$d/$f.1" app:1 app:2 lib/x
		skiff save -q --format "$f" app:1 app:2 lib/x >"$d/$f.2"
		skiff save -q --format "$f" app:1 app:2 lib/x | cat >"$d/$f.3"
		cmp "$d/$f.1" "$d/$f.2"
		cmp "$d/$f.1" "$d/$f.3"
		: >"$d/$f.4"
		skiff save -q --format "$f" app:1 app:2 lib/x >>"$d/$f.4"
		cmp "$d/$f.1" "$d/$f.4"
		tar -tf "$d/$f.1" >/dev/null
	done
	other load -q -i "$d/docker-archive.1"
	other save -o "$d/5" app:1 app:2 lib/x
	cmp "$d/docker-archive.1" "$d/5"
}

@test "several images and names: by repository, by tag, by id" {
	local d=$BATS_TEST_TMPDIR
	skiff save -o "$d/repo.tar" app
	run -0 other load -i "$d/repo.tar"
	is "$(sort <<<"$output")" "$(printf 'Loaded image: app:1\nLoaded image: app:2')"
	skiff save -o "$d/x.tar" lib/x app:2 lib/x:latest
	run -0 tar xOf "$d/x.tar" manifest.json
	contains '"RepoTags":["docker.io/lib/x:latest","docker.io/library/app:2"]'
	is "$(tar tf "$d/x.tar" | sort | uniq -d)" ""
	skiff save -o "$d/id.tar" "$(id_of app:1)"
	run -0 other load -i "$d/id.tar"
	is "$output" "Loaded image ID: $(id_of app:1)"
	skiff save --format oci-archive -q -o "$d/oci.tar" app lib/x
	run -0 other load -i "$d/oci.tar"
	is "$(sort <<<"$output")" "$(printf 'Loaded image: app:1\nLoaded image: app:2\nLoaded image: lib/x:latest')"
	other system check
}

@test "an OCI layout as tar and as folder; a docker-dir" {
	local d=$BATS_TEST_TMPDIR
	run -0 --separate-stderr skiff save --format oci-dir -o "$d/dir" app:2
	run -0 skiff save -q --format oci-archive -o "$d/a.tar" app:2
	mkdir "$d/x"
	tar -C "$d/x" -xf "$d/a.tar"
	diff -r "$d/dir" "$d/x"
	(cd "$d/dir/blobs/sha256" && sha256sum --quiet -c <(sed 's/.*/& &/;s/ /  /' <(ls)))
	run -1 skiff save --format oci-dir -o "$d/dir" app:2
	contains "save '$d/dir': it is there and not empty"
	run -1 skiff save --format oci-dir app:2
	contains "name it with --output"
	run -0 skiff save -q --format docker-dir -o "$d/ddir" app:2
	grep -q 'application/vnd.docker.distribution.manifest.v2+json' "$d/ddir/manifest.json"
	run -1 skiff save -q --format docker-dir -o "$d/ddir2" app
	contains "holds one image"
	[ ! -e "$d/ddir2" ]
	is "$(find "$d" -name '*.tmp-*')" ""
}

@test "skopeo and podman read it" {
	command -v skopeo >/dev/null || skip "skopeo is not installed"
	local d=$BATS_TEST_TMPDIR
	skiff save -o "$d/a.tar" app:2
	skiff save -q --format oci-archive -o "$d/o.tar" app:2 app:1
	skiff save -q --format docker-dir -o "$d/ddir" app:2
	skiff save -q --format oci-dir -o "$d/odir" app:2
	export TMPDIR=$d
	skopeo --insecure-policy copy -q "docker-archive:$d/a.tar:docker.io/library/app:2" "dir:$d/1"
	skopeo --insecure-policy copy -q "oci-archive:$d/o.tar:docker.io/library/app:1" "dir:$d/2"
	skopeo --insecure-policy copy -q "dir:$d/ddir" "dir:$d/3"
	skopeo --insecure-policy copy -q "oci:$d/odir:docker.io/library/app:2" "dir:$d/4"
	# What skopeo writes is read by us.
	skopeo --insecure-policy copy -q "dir:$d/4" "docker-archive:$d/s.tar:docker.io/library/app:2"
	run -0 other load -i "$d/s.tar"
	is "$output" "Loaded image: app:2"
	is "$(other images -q --no-trunc app:2)" "$(id_of app:2)"
}

@test "--platform, -m, and what is refused" {
	local d=$BATS_TEST_TMPDIR
	run -0 skiff save -o "$d/a.tar" --platform "linux/$(skiff image inspect -f '{{.Architecture}}' app:1)" app:1
	run -1 skiff save -o "$d/b.tar" --platform linux/s390x app:1
	contains "is for the platform linux/"
	[ ! -e "$d/b.tar" ]
	run -0 skiff save -m -o "$d/m.tar" app:1 app:2
	run -1 skiff save -m=false -o "$d/b.tar" app:1 app:2
	contains "takes one image"
	run -1 skiff save -o "$d/b.tar" nothere
	contains "No such image: nothere"
	run -1 skiff save --format zip -o "$d/b.tar" app:1
	contains "unknown format 'zip'"
	run -1 skiff save -o "$d" app:1
	contains "it is a folder"
	run -1 skiff save -o "$d/no/b.tar" app:1
	contains "save '$d/no/b.tar': create the file: No such file or directory"
	run -1 script -qec "skiff save app:1" /dev/null
	contains "cowardly refusing to save to a terminal"
	is "$(find "$d" -name 'b.tar*')" ""
}

@test "an existing file is replaced at the end only; a pipe that is closed is an error" {
	local d=$BATS_TEST_TMPDIR
	echo old >"$d/a.tar"
	run -1 skiff save -o "$d/a.tar" nothere
	is "$(cat "$d/a.tar")" old
	ln -s a.tar "$d/link"
	skiff save -o "$d/link" app:1
	[ -L "$d/link" ]
	tar -tf "$d/a.tar" >/dev/null
	run -0 skiff save -o /dev/null app:1
	run bash -c 'set -o pipefail; skiff save app:2 | true; exit ${PIPESTATUS[0]}'
	is "$status" 1
	contains "Broken pipe"
}

@test "a layer that was changed in the store is not saved" {
	local d=$BATS_TEST_TMPDIR f
	skiff save -o "$d/a.tar" app:2
	other load -q -i "$d/a.tar"
	f=$(skiff unshare find "$d/other/layers" -name '0*7' -type f)
	skiff unshare sh -c 'printf LONG >"$1" && echo >>"$1"' sh "$f"
	run -1 other save -o "$d/b.tar" app:2
	contains "it is damaged (skiff system check)"
	[ ! -e "$d/b.tar" ]
	is "$(ls "$d/other/tmp")" "$(printf 'blobs\nguard')"
}

@test "a disk that is too small is told before the work, and nothing is left" {
	mkdir "$BATS_TEST_TMPDIR/full"
	run -1 own_mounts sh -c 'mount -t tmpfs -o size=1m none "$1" && ! skiff save -o "$1/a.tar" app:2 && ls "$1" && exit 1' \
		sh "$BATS_TEST_TMPDIR/full"
	contains "No space left on device"
	is "${#lines[@]}" 1
}

@test "load from folders: an OCI layout, a docker-dir" {
	local d=$BATS_TEST_TMPDIR
	skiff save -q --format oci-dir -o "$d/dir" app
	skiff save -q --format docker-dir -o "$d/ddir" app:2
	run -0 other load -i "$d/dir"
	is "$(sort <<<"$output")" "$(printf 'Loaded image: app:1\nLoaded image: app:2')"
	other rmi -f app:1 app:2
	run -0 other load -i "$d/ddir"
	is "$output" "Loaded image ID: $(id_of app:2)"
	other system check
	# A link in the folder is no file of the image, and a blob is what its name says.
	other rmi "$(id_of app:2)"
	mv "$d/dir/blobs/sha256/$(id_of app:1 | cut -d: -f2)" "$d/moved"
	ln -s "$d/moved" "$d/dir/blobs/sha256/$(id_of app:1 | cut -d: -f2)"
	run -1 other load -i "$d/dir"
	contains "the archive has no 'blobs/sha256/"
	rm "$d/dir/blobs/sha256/$(id_of app:1 | cut -d: -f2)"
	echo '{}' >"$d/dir/blobs/sha256/$(id_of app:1 | cut -d: -f2)"
	run -1 other load -i "$d/dir"
	contains "wrong digest"
	is "$(ls "$d/other/tmp")" "$(printf 'blobs\nguard')"
}

@test "load --platform; compressions without a decoder are named" {
	local d=$BATS_TEST_TMPDIR c
	skiff save -o "$d/a.tar" app:1
	run -1 other load --platform linux/s390x -i "$d/a.tar"
	contains "no image for the platform linux/s390x"
	run -1 other load --platform what/ever/x/y -i "$d/a.tar"
	run -0 other load --platform "linux/$(skiff image inspect -f '{{.Architecture}}' app:1)" -i "$d/a.tar"
	is "$output" "Loaded image: app:1"
	for c in xz bzip2; do
		command -v $c >/dev/null || continue
		$c -c "$d/a.tar" >"$d/a.$c"
		run -1 other load -i "$d/a.$c"
		contains "it is compressed with $c, for which there is no decoder here ($c -dc can help)"
		run -1 skiff import "$d/a.$c"
		contains "it is compressed with $c"
	done
}

@test "blobs that were kept go out as they are, under the manifest that was loaded" {
	local d=$BATS_TEST_TMPDIR m
	make_layout "$d/in"
	tar -C "$d/in" -cf "$d/in.tar" .
	run -0 other load -i "$d/in.tar"
	m=${output##* }
	run -0 --separate-stderr other save --format oci-archive -o "$d/out.tar" "$m"
	# shellcheck disable=SC2154
	is "$stderr" ""
	mkdir "$d/out"
	tar -C "$d/out" -xf "$d/out.tar"
	diff -r "$d/in/blobs" "$d/out/blobs"
	# Without them: plain tars, another manifest, the same image.
	other rmi "$m"
	other load -q --keep-blobs=false -i "$d/in.tar"
	run -0 --separate-stderr other save --format oci-archive -o "$d/plain.tar" "$m"
	is "$stderr" "Warning: the compressed layers are not in the store: they are saved as plain tars, and the manifest's digest changes"
	other rmi "$m"
	run -0 other load -i "$d/plain.tar"
	is "$output" "Loaded image ID: $m"
	# docker's archive has plain tars in either case, and they are the same.
	other save "$m" >"$d/1"
	other rmi "$m"
	other load -q -i "$d/in.tar"
	other save "$m" | cmp - "$d/1"
}

@test "--compress: layers that are plain in the store, the same bytes every time" {
	local d=$BATS_TEST_TMPDIR
	run -0 --separate-stderr skiff save --compress --format oci-archive -o "$d/a.tar" app:1 app:2
	# shellcheck disable=SC2154
	is "$stderr" "Warning: the compressed layers are not in the store: they are compressed anew, and the manifest's digest changes"
	skiff save -q --compress --format oci-archive app:1 app:2 | cmp - "$d/a.tar"
	[ "$(stat -c %s "$d/a.tar")" -lt "$(skiff save app:1 | wc -c)" ]
	run -0 other load -i "$d/a.tar"
	is "$(other images -q --no-trunc app:2)" "$(id_of app:2)"
	# Now they are kept, and go out as they are.
	run -0 --separate-stderr other save --format oci-archive -o "$d/b.tar" app:1 app:2
	is "$stderr" ""
	cmp "$d/a.tar" "$d/b.tar"
	skiff save -q --compress --format docker-dir -o "$d/ddir" app:2
	grep -q 'rootfs.diff.tar.gzip' "$d/ddir/manifest.json"
	run -1 skiff save --compress -o "$d/c.tar" app:1
	contains "a docker-archive has plain layers"
	is "$(ls "$SKIFF_ROOT/tmp")" "$(printf 'blobs\nguard')"
}

@test "large members are read where they are, from a place in the file as well" {
	local d=$BATS_TEST_TMPDIR
	mkdir "$d/t"
	head -c 5000000 /dev/urandom >"$d/t/big"
	tar -C "$d/t" -cf "$d/layer.tar" .
	gzip -1 -k "$d/layer.tar"
	config "$d/layer.tar" >"$d/c.json"
	printf '[{"Config":"c.json","RepoTags":["big:1"],"Layers":["layer.tar.gz"]}]' >"$d/manifest.json"
	tar -C "$d" -cf "$d/a.tar" layer.tar.gz manifest.json c.json
	run -0 other load -i "$d/a.tar"
	is "$output" "Loaded image: big:1"
	other rmi big:1
	{ head -c 1000 /dev/zero; cat "$d/a.tar"; } >"$d/behind"
	exec 7<"$d/behind"
	head -c 1000 <&7 >/dev/null
	python3 -c 'import os; os.lseek(7, 1000, 0)'
	run -0 other load <&7
	exec 7<&-
	is "$output" "Loaded image: big:1"
	other save big:1 | tar -xO --wildcards '*.tar' | cmp - "$d/layer.tar"
	other system check
}
