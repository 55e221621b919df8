#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is pulled as any image although it has more than an image needs, and what is refused with a reason.

load common
load fake

setup_file() { fake_start; }
teardown_file() { fake_stop; }
setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	rules
}
teardown() { [ ! -d "$SKIFF_ROOT" ] || skiff system reset -f; }

has() { # IMAGE FILE: it is pulled, and whole
	run -0 --separate-stderr skiff pull -q "$FAKE/$1"
	run -0 skiff save "$FAKE/$1"
	skiff save "$FAKE/$1" | tar -xO --wildcards '*.tar' | tar -t | grep -qx "$2"
	run -0 skiff system check
}

refused() { # IMAGE REASON
	run -125 --separate-stderr skiff pull "$FAKE/$1"
	# shellcheck disable=SC2154
	output=$(grep '^Error: ' <<<"$stderr")
	is "$(wc -l <<<"$output")" 1
	contains "$FAKE/$1"
	contains "$2"
	nothing_left
}

# bats test_tags=smoke
@test "annotations and a subject change nothing; the digest is the registry's" {
	has fmt/annotations etc/motd
	is "$(skiff images --digests --format '{{.Digest}}' "$FAKE/fmt/annotations")" "$(digest_of fmt/annotations manifest)"
	has fmt/subject etc/motd
	is "$(skiff images --digests --format '{{.Digest}}' "$FAKE/fmt/subject")" "$(digest_of fmt/subject manifest)"
}

@test "an index with a subject, an artifact type, and an artifact among its entries" {
	has fmt/index etc/motd
	is "$(requests 'fmt/index/referrers')" 0
}

@test "estargz, zstd and zstd:chunked are plain layers" {
	local f
	for f in estargz zstd zstd-chunked; do has fmt/$f data/99; done
	is "$(skiff image inspect -f '{{json .RootFS.Layers}}' "$FAKE/fmt/estargz" "$FAKE/fmt/zstd" "$FAKE/fmt/zstd-chunked" | sort -u | wc -l)" 1
	is "$(find "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" 1
}

@test "artifacts are no images: refused by what they say they are" {
	refused fmt/artifact "not a container image: it is an artifact of the type application/vnd.example.sbom+json"
	refused fmt/helm "not a container image: its config has the type application/vnd.cncf.helm.config.v1+json"
	run -125 --separate-stderr skiff run --rm "$FAKE/fmt/artifact" true
	[[ $stderr == *"it is an artifact of the type application/vnd.example.sbom+json"* ]] || fail "$stderr"
	nothing_left
}

@test "layers that nobody can give: foreign, non-distributable, encrypted, the empty descriptor" {
	refused bad/foreign "foreign"
	refused fmt/nondistributable "nondistributable"
	refused fmt/encrypted "it is encrypted"
	refused fmt/layer-empty "layer type application/vnd.oci.empty.v1+json is not supported"
}

@test "schema 1 is refused by name, whatever the registry calls it" {
	refused bad/schema1 "Docker image format v1 (schema 1) is not supported"
	rules '[{"match":"bad/schema1/manifests","type":"application/json"}]'
	refused bad/schema1 "Docker image format v1 (schema 1) is not supported"
}
