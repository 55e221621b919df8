#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Pulling from real registries: plain, with TLS, with a password.

load common
load registry
load fake

setup_file() {
	make_layout "$BATS_FILE_TMPDIR/img" 20
	registry_start plain
	registry_push "$BATS_FILE_TMPDIR/img" team/app
	echo "$REGISTRY_PID" >"$BATS_FILE_TMPDIR/pids"
	export PLAIN=$REGISTRY PLAIN_DIR=$REGISTRY_DIR
	registry_start auth
	echo "$REGISTRY_PID" >>"$BATS_FILE_TMPDIR/pids"
	export AUTH=$REGISTRY AUTH_CA=$REGISTRY_CA
	# The same content behind the password.
	cp -a "$PLAIN_DIR/data/." "$REGISTRY_DIR/data/"
	fake_start
}

teardown_file() {
	local p
	while read -r p; do kill "$p" 2>/dev/null || true; done <"$BATS_FILE_TMPDIR/pids"
	fake_stop
}

setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	rules
}

teardown() {
	distrust
	rm -rf "$HOME/.docker" "$HOME/.config/containers"
}

# bats test_tags=smoke
@test "pull prints docker's lines: progress on stderr, the result on stdout" {
	run -0 --separate-stderr skiff pull "$PLAIN/team/app"
	is "${lines[0]%%:*}" Digest
	is "${lines[1]}" "Status: Downloaded newer image for $PLAIN/team/app:latest"
	is "${lines[2]}" "$PLAIN/team/app:latest"
	is "${#lines[@]}" 3
	# shellcheck disable=SC2154
	output=$stderr
	# shellcheck disable=SC2154
	is "${stderr_lines[0]}" "Using default tag: latest"
	is "${stderr_lines[1]}" "latest: Pulling from team/app"
	[[ $output =~ [0-9a-f]{12}:\ Pulling\ fs\ layer ]]
	[[ $output =~ [0-9a-f]{12}:\ Pull\ complete ]]
	is "$(grep -c 'Pull complete' <<<"$output")" 2
	store_is_valid
	run -0 skiff images -q
	is "${#lines[@]}" 1
}

@test "a second pull changes nothing and says so" {
	skiff pull -q "$PLAIN/team/app"
	run -0 --separate-stderr skiff pull "$PLAIN/team/app:latest"
	is "${lines[1]}" "Status: Image is up to date for $PLAIN/team/app:latest"
	output=$stderr
	lacks "Using default tag"
}

@test "-q prints the image's id, which finds it" {
	run -0 --separate-stderr skiff pull -q "$PLAIN/team/app"
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	run -0 skiff image inspect "$output"
}

@test "layers that are there already are not fetched" {
	skiff pull -q "$FAKE/img"
	rules
	run -0 skiff pull "$FAKE/shared"
	is "$(grep -c 'Already exists' <<<"$output")" 3
	is "$(requests '/blobs/')" 1 # the config
	contains "Downloaded newer image for"
}

@test "several images; one that is missing fails the command, the others come" {
	run -125 skiff pull "$FAKE/small" "$FAKE/nosuch" "$FAKE/img"
	contains "Error: reading manifest latest in $FAKE/nosuch: manifest unknown (status 404)"
	run -0 skiff images -q
	is "${#lines[@]}" 2
}

@test "by digest, with and without a tag beside it" {
	d=$(digest_of img manifest)
	run -0 --separate-stderr skiff pull "$FAKE/img@$d"
	is "${lines[0]}" "Digest: $d"
	is "${lines[2]}" "$FAKE/img@$d"
	run -0 skiff pull "$FAKE/img:latest@$d"
	contains "up to date"
	run -125 skiff pull "$FAKE/img@sha256:$(printf '%064d' 7)"
	contains "manifest unknown"
}

@test "an index: the manifest for this platform, or the one that is asked for" {
	run -0 --separate-stderr skiff pull "$FAKE/multi"
	is "${lines[0]}" "Digest: $(digest_of multi index)"
	is "$(skiff image inspect -f '{{.Id}}' "$FAKE/multi")" "$(digest_of multi config)"
	run -0 skiff pull --platform linux/s390x "$FAKE/multi"
	is "$(skiff image inspect -f '{{.Architecture}}' "$FAKE/multi")" s390x
	run -0 skiff pull "$FAKE/nested"
	run -125 skiff pull --platform linux/mips "$FAKE/multi"
	contains "mips"
	run -125 skiff pull "$FAKE/foreign"
	contains "s390x" # what there is instead
	run -125 skiff pull --platform linux/s390x "$FAKE/img"
	contains "s390x"
	run -125 skiff pull --platform 'no such/thing/at/all' "$FAKE/img"
	run -125 skiff pull --platform foo "$FAKE/img"
	is "$output" 'Error: invalid platform "foo": unknown operating system or architecture'
}

@test "an image for another platform comes with a warning" {
	skiff pull -q "$FAKE/multi"
	run -0 skiff pull "$FAKE/multi:other"
	contains "does not match this machine's"
}

@test "TLS: refused without its authority, pulled with it or with --tls-verify=false" {
	run -125 skiff pull --tls-verify "$FAKETLS/small"
	contains "$FAKETLS/small"
	contains "certificate"
	nothing_left
	trust "$FAKETLS" "$FAKE_CA"
	run -0 skiff pull --tls-verify "$FAKETLS/small"
	distrust
	run -0 skiff pull --tls-verify=false "$FAKETLS/img"
	run -0 env SSL_CERT_FILE="$FAKE_CA" "$SKIFF" pull --tls-verify=true "$FAKETLS/multi"
}

@test "a password: asked for, taken from auth.json and config.json, never shown" {
	trust "$AUTH" "$AUTH_CA"
	run -125 skiff pull "$AUTH/team/app"
	contains "unauthorized: authentication required (no credentials for $AUTH were found)"
	nothing_left
	mkdir -p "$HOME/.docker"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$AUTH" "$(printf 'alice:wr0ng' | base64)" >"$HOME/.docker/config.json"
	run -125 skiff --debug pull "$AUTH/team/app"
	contains "the credentials for $AUTH were refused"
	lacks wr0ng
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$AUTH" "$(printf 'alice:s3cret' | base64)" >"$HOME/.docker/config.json"
	run -0 skiff --debug pull "$AUTH/team/app"
	lacks s3cret
	lacks "$(printf 'alice:s3cret' | base64)"
	run ! grep -rqs s3cret "$SKIFF_ROOT"
	rm -rf "$HOME/.docker" "$SKIFF_ROOT"
	mkdir -p "$BATS_TEST_TMPDIR/d"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$AUTH" "$(printf 'alice:s3cret' | base64)" >"$BATS_TEST_TMPDIR/d/auth.json"
	run -0 env REGISTRY_AUTH_FILE="$BATS_TEST_TMPDIR/d/auth.json" "$SKIFF" pull -q "$AUTH/team/app"
}

@test "mirrors and short names as configured" {
	export CONTAINERS_REGISTRIES_CONF=$BATS_TEST_TMPDIR/registries.conf
	cat >"$CONTAINERS_REGISTRIES_CONF" <<-END
		unqualified-search-registries = ["$FAKE"]
		[[registry]]
		location = "registry.example"
		[[registry.mirror]]
		location = "$FAKE2/nothing-here"
		[[registry.mirror]]
		location = "$FAKE"
	END
	run -0 skiff pull small
	contains "Status: Downloaded newer image for $FAKE/small:latest"
	run -0 skiff pull registry.example/img
	contains "Status: Downloaded newer image for registry.example/img:latest"
	is "$(requests '^1 GET /v2/nothing-here/img/manifests/latest .*status=404')" 1
}

@test "what cannot be pulled is refused in one sentence" {
	run -125 skiff pull embedded/busybox
	contains "embedded/"
	run -125 skiff pull 'no such name'
	contains "invalid reference format"
	run -125 skiff pull "127.0.0.1:1/x"
	contains "127.0.0.1:1/x"
	contains "connect"
	run -125 skiff pull "no-such-host.invalid/x"
	contains "no-such-host.invalid"
	run ! skiff pull
}

@test "progress bars on a terminal, without colours where NO_COLOR is set" {
	rules "[{\"match\":\"blobs/$(digest_of img layer 1)\",\"rate\":4000000}]"
	run -0 env TERM=xterm script -qec "$SKIFF --root $SKIFF_ROOT pull $FAKE/img" /dev/null
	contains $'\033['
	contains "Downloading ["
	contains "MB/3."
	contains $'\033[32m'
	contains "Pull complete"
	rm -rf "$SKIFF_ROOT"
	run -0 env NO_COLOR=1 TERM=xterm script -qec "$SKIFF --root $SKIFF_ROOT pull $FAKE/img" /dev/null
	contains "Downloading ["
	lacks $'\033[32m'
}

@test "proxies of the environment are used, but not for this machine" {
	local v
	for v in http_proxy HTTP_PROXY; do
		rm -rf "$SKIFF_ROOT"
		rules
		run -0 env -u no_proxy -u NO_PROXY "$v=http://$FAKE2" "$SKIFF" pull --tls-verify=false registry.example/small
		[ "$(requests '^1 .*proxied=http://registry.example ')" -ge 3 ]
		run -0 env "$v=http://$FAKE2" "$SKIFF" pull "$FAKE/img"
		is "$(requests '^1 .*/img/')" 0
		run -125 env "$v=http://$FAKE2" no_proxy=registry.example "$SKIFF" pull --tls-verify=false registry.example/multi
	done
}

@test "compressed layers are kept: the store's oci/ is a complete layout, which check reads and rmi empties" {
	local blob
	skiff pull -q "$PLAIN/team/app" >/dev/null
	for blob in "$BATS_FILE_TMPDIR"/img/blobs/sha256/*; do
		cmp "$blob" "$SKIFF_ROOT/oci/blobs/sha256/${blob##*/}"
	done
	blob=$(grep -o 'sha256:[0-9a-f]*","size' "$SKIFF_ROOT"/oci/blobs/sha256/* -h | tail -n 1)
	blob=$SKIFF_ROOT/oci/blobs/sha256/${blob:7:64}
	[ "$(head -c 2 "$blob" | od -An -tx1 | tr -d ' ')" = 1f8b ]
	printf x >>"$blob"
	run -1 skiff system check
	contains "blob sha256:${blob##*/}: its content has digest"
	truncate -s -1 "$blob"
	run -0 skiff system check
	skiff rmi "$PLAIN/team/app" >/dev/null
	nothing_left
}

@test "compressed layers are dropped when asked for, and the image stays valid without them" {
	skiff pull -q --keep-blobs=false "$PLAIN/team/app" >/dev/null
	is "$(find "$SKIFF_ROOT/oci/blobs/sha256" -type f | wc -l)" 2
	store_is_valid
	skiff pull -q "$PLAIN/team/app" >/dev/null
	store_is_valid
	skiff rmi "$PLAIN/team/app" >/dev/null
	mkdir -p "$HOME/.config/skiff"
	echo '{"keep-blobs": false}' >"$HOME/.config/skiff/config.json"
	skiff pull -q "$PLAIN/team/app" >/dev/null
	is "$(find "$SKIFF_ROOT/oci/blobs/sha256" -type f | wc -l)" 2
	skiff rmi "$PLAIN/team/app" >/dev/null
	skiff pull -q --keep-blobs "$PLAIN/team/app" >/dev/null
	is "$(find "$SKIFF_ROOT/oci/blobs/sha256" -type f | wc -l)" 4
	rm "$HOME/.config/skiff/config.json"
	store_is_valid
}

@test "a second pull of an unchanged tag is one HEAD request; another platform is not taken for it" {
	run -0 skiff pull "$FAKE/img"
	rules
	run -0 skiff pull "$FAKE/img"
	contains "Status: Image is up to date for $FAKE/img:latest"
	is "$(requests .)" 1
	is "$(requests '^0 HEAD .*manifests/latest')" 1
	# A registry that does not know HEAD there.
	rules '[{"match":"^HEAD .*manifests","status":405}]'
	run -0 skiff pull "$FAKE/img"
	contains "Status: Image is up to date"
	rules
	run -125 skiff pull --platform linux/s390x "$FAKE/img"
	contains "s390x"
}

@test "--policy: missing and never do not ask, newer goes on with what is there" {
	rules
	run -125 skiff pull --policy never "$FAKE/img"
	contains "No such image: $FAKE/img"
	is "$(requests .)" 0
	run -0 skiff pull -q --policy missing "$FAKE/img"
	local id=$output
	rules
	run -0 skiff pull -q --policy missing "$FAKE/img"
	is "$output" "$id"
	run -0 skiff pull -q --policy=never "$FAKE/img"
	is "$output" "$id"
	is "$(requests .)" 0
	rules '[{"match":"manifests","status":403}]'
	run -0 --separate-stderr skiff pull -q --policy newer "$FAKE/img"
	is "$output" "$id"
	run -125 skiff pull -q --policy newer "$FAKE/multi"
	run -125 skiff pull --policy sometimes "$FAKE/img"
	contains "policy 'sometimes' is not known"
}

@test "--all-tags takes every tag of the repository, over several pages" {
	local t
	for t in a b c; do
		"$TESTS/bench/push" "$BATS_FILE_TMPDIR/img" "$PLAIN" "many/tags"
		curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$PLAIN/v2/many/tags/manifests/latest" |
			curl -sf -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary @- \
				"http://$PLAIN/v2/many/tags/manifests/$t"
	done
	run -0 skiff pull -a "$PLAIN/many/tags"
	run -0 skiff images --format '{{.Tag}}'
	is "$(sort <<<"$output" | tr '\n' ' ')" "a b c latest "
	run -125 skiff pull -a "$PLAIN/many/tags:a"
	contains "tag can't be used with --all-tags/-a"
	run -125 skiff pull -a "$PLAIN/no/such"
	contains "no/such"
}
