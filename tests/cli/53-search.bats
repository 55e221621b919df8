#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# skiff search: docker's search API, filters, registries without one, --list-tags.

load common
load fake

setup_file() {
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/store
	fake_start
}
teardown_file() {
	fake_stop
	skiff system reset -f
}
setup() { results; }

RESULTS='{\"num_results\":3,\"query\":\"x\",\"results\":[
	{\"name\":\"debian\",\"description\":\"A distribution that is composed entirely of free and open-source software.\",\"star_count\":5000,\"is_official\":true,\"is_automated\":false},
	{\"name\":\"me/debian\",\"description\":\"two\\nlines \\u001b[31mred\",\"star_count\":7,\"is_official\":false,\"is_automated\":true},
	{\"name\":\"you/debian\",\"description\":null,\"star_count\":0,\"is_official\":false,\"is_automated\":false}]}'

results() { # [MEMBERS-OF-THE-RULE]
	rules "[{\"match\":\"GET /v1/search\",\"status\":200,\"body\":\"$(tr -d '\n\t' <<<"$RESULTS")\"${1:+,$1}}]"
}

# bats test_tags=smoke
@test "a table as docker's; the term and the limit go to the registry" {
	run -0 skiff search "$FAKE/debian gnu&x=1"
	is "$(sed 's/  */ /g; s/ $//' <<<"$output")" "NAME DESCRIPTION STARS OFFICIAL
debian A distribution that is composed entirely of … 5000 [OK]
me/debian two lines [31mred 7
you/debian 0"
	is "$(requests 'GET /v1/search.q=debian%20gnu%26x%3D1&n=25 ')" 1
	run -0 skiff search --no-trunc --limit 1 "$FAKE/debian"
	contains "free and open-source software."
	is "${#lines[@]}" 2
	is "$(requests 'n=1 ')" 1
	run -0 skiff search --format '{{.Name}}:{{.StarCount}}{{.IsOfficial}}' "$FAKE/debian"
	is "$output" "$(printf 'debian:5000[OK]\nme/debian:7\nyou/debian:0')"
	run -0 skiff search --format json --limit 1 "$FAKE/debian"
	contains '"Name":"debian"'
}

@test "filters" {
	f() { skiff search --format '{{.Name}}' "$@" "$FAKE/debian" | paste -sd' '; }
	is "$(f --filter is-official=true)" debian
	is "$(f -f is-official=false)" "me/debian you/debian"
	is "$(f -f is-automated=true)" me/debian
	is "$(f -f stars=7)" "debian me/debian"
	is "$(f -f stars=7 -f is-official=false)" me/debian
	run -1 skiff search -f stars=many "$FAKE/debian"
	contains "invalid filter 'stars=many'"
	run -1 skiff search -f colour=red "$FAKE/debian"
	contains "invalid filter 'colour'"
	run -1 skiff search -f is-official=perhaps "$FAKE/debian"
	contains "invalid filter"
	run -1 skiff search --limit 101 "$FAKE/debian"
	contains "Limit 101 is outside the range of [1, 100]"
	run -1 skiff search "$FAKE/"
	contains "no word to search for"
}

@test "registries without a search, that are busy, that answer rubbish, that are not there" {
	rules
	run -1 skiff search "$FAKE/debian"
	is "$output" "Error: the registry $FAKE has no search (--list-tags lists the tags of a repository)"
	rules '[{"match":"/v1/search","status":429,"headers":{"Retry-After":"0"}}]'
	run -1 skiff search "$FAKE/debian"
	contains 429
	rules '[{"match":"/v1/search","status":200,"body":"<html>"}]'
	run -1 skiff search "$FAKE/debian"
	contains "answer of the search"
	rules '[{"match":"/v1/search","status":200,"body":"{\"results\":7}"}]'
	run -1 skiff search "$FAKE/debian"
	contains "no results in it"
	run -1 skiff search 127.0.0.1:1/debian
	contains "127.0.0.1:1"
}

@test "with a password, where the registry wants one" {
	results '"auth":"basic"'
	run -1 skiff search "$FAKE/debian"
	contains "no credentials for $FAKE were found"
	run -0 skiff search --creds alice:s3cret --format '{{.Name}}' "$FAKE/debian"
	contains me/debian
	run -1 skiff search --creds alice:wr0ng "$FAKE/debian"
	lacks wr0ng
}

@test "--list-tags" {
	rules '[{"match":"/v2/img/tags/list","status":200,"body":"{\"name\":\"img\",\"tags\":[\"1.0\",\"latest\",\"2\"]}"}]'
	run -0 skiff search --list-tags "$FAKE/img"
	is "$(sed 's/  */ /g; s/ $//' <<<"$output")" "NAME TAG
$FAKE/img 1.0
$FAKE/img latest
$FAKE/img 2"
	run -0 skiff search --list-tags --limit 2 --format '{{.Tag}}' "$FAKE/img"
	is "$output" "$(printf '1.0\nlatest')"
	run -1 skiff search --list-tags "$FAKE/nothere"
	contains "$FAKE/nothere"
	run -1 skiff search --list-tags "$FAKE/img:1.0"
	contains "without a tag"
	run -1 skiff search --list-tags --filter stars=1 "$FAKE/img"
	contains "does not go with --list-tags"
}
