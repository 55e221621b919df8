#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# skiff manifest: lists that are put together in the store and pushed.

load common
load registry
load fake

setup_file() {
	make_layout "$BATS_FILE_TMPDIR/img" 20
	registry_start plain
	registry_push "$BATS_FILE_TMPDIR/img" team/app
	echo "$REGISTRY_PID" >"$BATS_FILE_TMPDIR/pids"
	export A=$REGISTRY
	registry_start plain
	echo "$REGISTRY_PID" >>"$BATS_FILE_TMPDIR/pids"
	export B=$REGISTRY
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
	DIGEST=sha256:$(skiff registry inspect --raw "$A/team/app" | sha256sum | cut -d' ' -f1)
}

# bats test_tags=smoke
@test "a list from the store and from a registry, pushed with its images, pulled again" {
	skiff pull -q "$A/team/app" >/dev/null
	run -0 skiff manifest create "$B/multi/app:1" "$A/team/app"
	is "$output" "Created manifest list $B/multi/app:1"
	run -0 skiff manifest exists "$B/multi/app:1"
	run -1 skiff manifest exists "$B/multi/app:2"
	is "$output" ""
	run -0 skiff manifest add --arch arm64 --variant v8 --annotation a=b "$B/multi/app:1" "docker://$FAKE/small"
	run -0 skiff manifest inspect "$B/multi/app:1"
	is "$(grep -c '"digest"' <<<"$output")" 2
	contains '"architecture": "arm64"'
	contains '"variant": "v8"'
	contains '"a": "b"'
	run -0 --separate-stderr skiff manifest push "$B/multi/app:1"
	local list=$output
	is "$list" "sha256:$(skiff registry inspect --raw "$B/multi/app:1" | sha256sum | cut -d' ' -f1)"
	run -0 skiff registry inspect "$B/multi/app@$DIGEST"
	run -0 skiff registry inspect --platform linux/arm64 "$B/multi/app:1"
	contains "$(digest_of small config)"
	# The local one is gone with --purge; then the registry is asked.
	run -0 skiff manifest push -q --purge "$B/multi/app:1" "$B/multi/again"
	run -1 skiff manifest exists "$B/multi/app:1"
	run -0 skiff manifest inspect "$B/multi/again"
	contains "$DIGEST"
	skiff rmi "$A/team/app" >/dev/null
	run -0 skiff pull "$B/multi/again"
	contains "Digest: $list"
	skiff system check
}

@test "the images of a list stay until the list goes" {
	skiff pull -q "$A/team/app" >/dev/null
	skiff manifest create keep "$A/team/app" >/dev/null
	skiff rmi "$A/team/app" >/dev/null
	run -0 skiff manifest push keep "$B/kept"
	run -0 skiff manifest rm keep
	is "$output" "Untagged: docker.io/library/keep:latest"
	skiff pull -q "$FAKE/small" >/dev/null
	skiff rmi "$FAKE/small" >/dev/null
	nothing_left
}

@test "create refuses to change a list without --amend; annotate, remove, --all" {
	run -0 skiff manifest create l "docker://$A/team/app"
	run -1 skiff manifest create l "docker://$A/team/app"
	contains "refusing to amend an existing manifest list with no --amend flag"
	run -0 skiff manifest create --amend l "docker://$FAKE/small"
	run -0 skiff manifest annotate --os windows --os-version 10.0 --os-features win32k l "$A/team/app"
	run -0 skiff manifest inspect l
	contains '"os": "windows"'
	contains '"os.version": "10.0"'
	contains '"win32k"'
	run -0 skiff manifest annotate --arch riscv64 l "$DIGEST"
	run -0 skiff manifest inspect l
	contains '"architecture": "riscv64"'
	run -0 skiff manifest inspect l "$DIGEST"
	contains '"layers"'
	run -0 skiff manifest remove l "$DIGEST"
	is "$output" "$DIGEST"
	run -1 skiff manifest remove l "$DIGEST"
	contains "manifest for image $DIGEST does not exist"
	run -0 skiff manifest add --all l "docker://$FAKE/multi"
	run -0 skiff manifest inspect l
	[ "$(grep -c '"digest"' <<<"$output")" -ge 3 ]
}

@test "inspect asks a registry for what is not a local list; what is not there is told" {
	run -0 skiff manifest inspect "$A/team/app"
	contains '"layers"'
	run -0 skiff manifest inspect -v "$A/team/app"
	contains "\"digest\": \"$DIGEST\""
	contains "\"Ref\": \"$A/team/app:latest\""
	run -1 skiff manifest inspect "$A/no/such"
	contains "$A/no/such"
	run -1 skiff manifest add nothing "$A/team/app"
	contains "No such manifest: docker.io/library/nothing:latest"
	run -1 skiff manifest rm nothing
	contains "No such manifest: docker.io/library/nothing:latest"
	skiff manifest create empty >/dev/null
	run -1 skiff manifest push empty "$B/empty"
	contains "is empty"
	run -1 skiff manifest create "x@$DIGEST"
	contains "cannot be the name of a manifest list"
}

@test "--creds are for where a push goes, not for where its images are" {
	rules '[{"match":"/v2/small/","auth":"basic"}]'
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$FAKE" "$(printf alice:s3cret | base64)" >"$BATS_TEST_TMPDIR/auth.json"
	skiff manifest create --authfile "$BATS_TEST_TMPDIR/auth.json" list "docker://$FAKE/small"
	rules '[{"match":"/v2/small/","auth":"basic"}]'
	run -1 skiff manifest push -q --creds bob:hidden list "$B/creds/app"
	contains "no credentials for $FAKE were found"
	is "$(requests 'small.*auth=[bB]asic')" 0
	run -0 skiff manifest push -q --creds bob:hidden --authfile "$BATS_TEST_TMPDIR/auth.json" list "$B/creds/app"
}

@test "two that add to one list at a time: it gets what both bring" {
	skiff manifest create list
	rules '[{"match":"/v2/small/","auth":"bearer"},{"match":"GET /token","delay":3}]'
	SKIFF_HTTP_STALL=20 skiff manifest add list "docker://$FAKE/small" 3>&- &
	local pid=$!
	wait_for 20 waits_for_small
	skiff manifest add list "docker://$FAKE/multi"
	wait "$pid"
	run -0 skiff manifest inspect list
	is "$(grep -c '"digest"' <<<"$output")" 2
	skiff manifest rm list
}

# The other one has looked at the list, and waits for the token that its first question needs.
waits_for_small() { [ "$(requests 'small.*status=401')" -gt 0 ]; }
