#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# skiff copy between all kinds of places, and skiff registry.

load common
load registry
load fake

setup_file() {
	make_layout "$BATS_FILE_TMPDIR/img" 20
	registry_start plain
	registry_push "$BATS_FILE_TMPDIR/img" team/app
	echo "$REGISTRY_PID" >"$BATS_FILE_TMPDIR/pids"
	export A=$REGISTRY A_DIR=$REGISTRY_DIR
	registry_start plain
	echo "$REGISTRY_PID" >>"$BATS_FILE_TMPDIR/pids"
	export B=$REGISTRY B_DIR=$REGISTRY_DIR
	fake_start
}

teardown_file() {
	local p
	while read -r p; do kill "$p" 2>/dev/null || true; done <"$BATS_FILE_TMPDIR/pids"
	fake_stop
}

setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	T=$BATS_TEST_TMPDIR
	rules
	DIGEST=sha256:$(manifest_of "$A" team/app | sha256sum | cut -d' ' -f1)
}

manifest_of() { # HOST NAME [TAG]
	curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "http://$1/v2/$2/manifests/${3:-latest}"
}

# bats test_tags=smoke
@test "registry to registry: the same bytes, layers pass by the store; again nothing is sent" {
	run -0 --separate-stderr skiff copy "docker://$A/team/app" "docker://$B/new/place:x"
	is "$output" "Digest: $DIGEST"
	# shellcheck disable=SC2154
	is "$(grep -c ': Pushed$' <<<"$stderr")" 3
	is "sha256:$(manifest_of "$B" new/place x | sha256sum | cut -d' ' -f1)" "$DIGEST"
	is "$(store_ls tags layers tmp oci/blobs/sha256)" ""
	run -0 --separate-stderr skiff copy "docker://$A/team/app" "docker://$B/new/place:x"
	is "$(grep -c ': Layer already exists$' <<<"$stderr")" 3
	# Within one registry they are mounted.
	run -0 --separate-stderr skiff copy "docker://$B/new/place:x" "docker://$B/other/place"
	is "$(grep -c ': Mounted from new/place$' <<<"$stderr")" 3
}

@test "a slow source and a large layer: memory stays small" {
	command -v /usr/bin/time >/dev/null || skip "time is not installed"
	local max=32768
	[ "$SKIFF_TEST_MODE" != san ] || max=131072
	local d size
	d=$(digest_of img layer 1)
	size=$(curl -sf --noproxy '*' "http://$FAKE/_digests" | awk -v d="$d" '$3 == d { print $4; exit }')
	rules "[{\"match\":\"blobs/$d\",\"rate\":8000000}]"
	/usr/bin/time -o "$T/mem" -f %M skiff copy -q "docker://$FAKE/img" "docker://$B/mem"
	[ "$size" -gt 3000000 ]
	[ "$(tail -n 1 "$T/mem")" -le $max ] || fail "$(cat "$T/mem") KiB"
	is "$(curl -sfI "http://$B/v2/mem/blobs/$d" | tr -d '\r' | sed -n 's/^Content-Length: //p')" "$size"
}

@test "a source that breaks off goes on where it was; one that lies leaves nothing" {
	local d
	d=$(digest_of img layer 1)
	rules "[{\"match\":\"blobs/$d\",\"times\":1,\"reset\":1500000}]"
	run -0 skiff copy -q "docker://$FAKE/img" "docker://$B/cut"
	rules "[{\"match\":\"blobs/$d\",\"corrupt\":1000}]"
	run -1 skiff copy -q "docker://$FAKE/img" "docker://$B/lies"
	contains "digest"
	run manifest_of "$B" lies
	is "$output" ""
	run -1 skiff copy -q "docker://$FAKE/img" "oci:$T/lies"
	contains "wrong digest"
	[ ! -e "$T/lies/index.json" ]
	is "$(find "$T/lies" -name '.tmp-*')" ""
}

@test "through every kind of place and back: the digest stays" {
	local from=docker://$A/team/app to
	for to in "oci:$T/oci:v1" "dir:$T/dir" "oci-archive:$T/a.tar:v2" "store:localhost/img:1" "oci:$T/oci:v2" "docker://$B/round/trip"; do
		run -0 --separate-stderr skiff copy -q "$from" "$to"
		run -0 skiff copy "$to" "docker://$B/check"
		contains "Digest: $DIGEST"
		from=$to
	done
	run -0 skiff run --rm --network none localhost/img:1 cat /etc/motd
	contains hello
	run -0 skiff system check
	is "$(store_ls tmp)" ""
	is "$(grep -o '"v[12]"' "$T/oci/index.json" | tr -d '\n')" '"v1""v2"'
	run -1 skiff copy "oci:$T/oci" "dir:$T/x"
	contains "has 2 images: name one behind a colon"
	run -1 skiff copy "oci:$T/oci:v3" "dir:$T/x"
	contains "has no image 'v3'"
}

@test "docker-archive: written for load, read from save" {
	run -0 skiff copy -q "docker://$A/team/app" "docker-archive:$T/d.tar:my/app:3"
	run -0 skiff load -i "$T/d.tar"
	contains "Loaded image: my/app:3"
	run -0 skiff copy -q "docker-archive:$T/d.tar" "oci:$T/from"
	run -0 skiff copy -q "docker-archive:$T/d.tar:my/app:3" store:again
	is "$(skiff images -q my/app)" "$(skiff images -q again)"
	run -1 skiff copy "docker-archive:$T/d.tar:my/app:4" "oci:$T/y"
	contains "holds no image"
	skiff system check
}

@test "between stores of two roots" {
	skiff copy -q "docker://$A/team/app" store:here:1
	run -0 skiff copy -q store:here:1 "store:[$T/root2]there:2"
	run -0 skiff --root "$T/root2" images --format '{{.Repository}}:{{.Tag}}'
	is "$output" there:2
	is "$(skiff --root "$T/root2" images -q)" "$(skiff images -q)"
	skiff --root "$T/root2" system check
	skiff rmi here:1 >/dev/null
	run -0 skiff copy -q "store:[$T/root2]there:2" store:back
	run -0 skiff run --rm --network none back cat /etc/motd
	contains hello
}

@test "--all copies every platform, without it one is chosen; --format" {
	local want
	want=$(curl -sf --noproxy '*' -H 'Accept: application/vnd.oci.image.index.v1+json' "http://$FAKE/v2/multi/manifests/latest" | sha256sum | cut -d' ' -f1)
	for to in "oci:$T/all:x" "dir:$T/alldir" "oci-archive:$T/all.tar:x"; do
		run -0 skiff copy -a "docker://$FAKE/multi" "$to"
		contains "Digest: sha256:$want"
		run -0 skiff copy -a "$to" "docker://$B/multi"
		contains "Digest: sha256:$want"
	done
	run -0 skiff copy "oci:$T/all:x" "docker://$B/single"
	contains "Digest: $(digest_of multi manifest)"
	run -1 skiff copy -a "oci:$T/all:x" store:x
	contains "the store takes the image of one platform"
	run -0 skiff copy -q -f v2s2 "docker://$A/team/app" "docker://$B/v2s2"
	is "$(manifest_of "$B" v2s2 | grep -c 'vnd.docker.image.rootfs')" 1
	run -0 skiff copy -f oci "docker://$B/v2s2" "docker://$B/v2s2:back"
	is "$(manifest_of "$B" v2s2 back | grep -c docker)" 0
}

@test "what cannot be copied is refused in one sentence" {
	run -1 skiff copy "$A/team/app" "oci:$T/x"
	contains "names no place: docker://, oci:, oci-archive:, docker-archive:, dir: and store: do"
	run -1 skiff copy "docker://$A/no/such" "oci:$T/x"
	contains "docker://$A/no/such:latest"
	[ ! -e "$T/x" ]
	run -1 skiff copy "docker://$A/team/app" "docker://$B/x@$DIGEST"
	contains "cannot copy to a digest"
	run -1 skiff copy "oci-archive:$T/nothing.tar" "oci:$T/x"
	contains "nothing.tar"
	run -1 skiff copy store:nothing "oci:$T/x"
	contains "No such image: nothing"
	is "$(store_ls tmp)" ""
}

@test "a media type with a line break reaches no registry: it would be a request of its own" {
	local l=$T/evil m c
	mkdir -p "$l/blobs/sha256"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$l/oci-layout"
	printf '{}' >"$T/c"
	c=$(sha256sum "$T/c" | cut -d' ' -f1)
	cp "$T/c" "$l/blobs/sha256/$c"
	printf '{"schemaVersion":2,"mediaType":"a/b\\r\\nX-Evil: yes","layers":[],"config":{"mediaType":"a/b","digest":"sha256:%s","size":2}}' \
		"$c" >"$T/m"
	m=$(sha256sum "$T/m" | cut -d' ' -f1)
	cp "$T/m" "$l/blobs/sha256/$m"
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}]}' \
		"$m" "$(stat -c %s "$T/m")" >"$l/index.json"
	run -1 skiff copy "oci:$l" "docker://$B/evil"
	contains "a header with a line break"
	[ ! -e "$B_DIR/docker/registry/v2/repositories/evil/_manifests" ]
}

@test "a folder that cannot be written is an error, not a crash" {
	run -1 skiff copy "docker://$A/team/app" oci:/proc/nothing
	contains "/proc/nothing"
}

@test "registry inspect, list-tags and delete" {
	run -0 skiff registry inspect --raw "$A/team/app"
	is "sha256:$(printf %s "$output" | sha256sum | cut -d' ' -f1)" "$DIGEST"
	run -0 skiff registry inspect "docker://$A/team/app@$DIGEST"
	contains '"schemaVersion": 2'
	run -0 skiff registry inspect --config "$A/team/app"
	contains '"diff_ids"'
	for t in a b; do skiff copy -q "docker://$A/team/app" "docker://$B/del:$t"; done
	skiff copy -q -f v2s2 "docker://$A/team/app" "docker://$B/del:c"
	run -0 skiff registry list-tags "$B/del"
	is "$(sort <<<"$output" | tr -d "\n")" abc
	run -0 skiff registry delete "$B/del:a"
	is "$output" "Deleted: $DIGEST"
	run -1 skiff registry inspect "$B/del:b"
	contains "$B/del"
	run -0 skiff registry inspect "$B/del:c"
	run -1 skiff registry delete "$B/del"
	contains "name the tag or digest to delete"
	run -1 skiff registry list-tags "$B/del:c"
	contains "name it without one"
	run -1 skiff registry delete "$B/del:zzz"
	contains "$B/del"
}
