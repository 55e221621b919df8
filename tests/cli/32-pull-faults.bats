#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2030,SC2031 # exports are meant for their own test
# Networks and registries that fail: what is retried, what is not, and what is said.

load common
load fake

setup_file() { fake_start; }
teardown_file() { fake_stop; }

setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	rules
	MANIFEST='"match":"small/manifests/"'
	CONFIG="\"match\":\"blobs/$(digest_of small config)\""
	LAYER="\"match\":\"blobs/$(digest_of small layer 1)\""
	BIG=$(digest_of img layer 1)
}

teardown() {
	rm -rf "$HOME/.docker"
}

refused() { # WORDS: `skiff pull small` fails with one line that names host, object and cause
	rm -rf "$SKIFF_ROOT"
	run -125 --separate-stderr skiff pull "$FAKE/small"
	# shellcheck disable=SC2154
	output=$(grep '^Error: ' <<<"$stderr")
	is "$(wc -l <<<"$output")" 1
	contains "$FAKE"
	contains "$1"
	nothing_left
}

each() { # ACTION: the rule's members, for the manifest, the config and the layer in turn; then run COMMAND...
	local what action=$1
	shift
	for what in "$MANIFEST" "$CONFIG" "$LAYER"; do
		rm -rf "$SKIFF_ROOT"
		rules "[{$what,$action}]"
		"$@" || fail "with $action for $what"
	done
}

pulls() {
	run -0 skiff pull "$FAKE/small"
	store_is_valid
}

@test "5xx and 429 pass: the pull goes on" {
	each '"times":3,"status":503' pulls
	each '"times":2,"status":500' pulls
	each '"times":1,"status":429,"headers":{"Retry-After":"1"}' pulls
	is "$(requests 'status=429')" 1
}

@test "Retry-After is waited for, also as a date, and not beyond reason" {
	local start=$SECONDS
	rules "[{$LAYER,\"times\":1,\"status\":503,\"headers\":{\"Retry-After\":\"2\"}}]"
	pulls
	[ $((SECONDS - start)) -ge 2 ]
	rm -rf "$SKIFF_ROOT"
	rules "[{$LAYER,\"times\":1,\"status\":503,\"headers\":{\"Retry-After\":\"$(date -u -d '+2 seconds' '+%a, %d %b %Y %H:%M:%S GMT')\"}}]"
	pulls
	rm -rf "$SKIFF_ROOT"
	rules "[{$LAYER,\"times\":1,\"status\":503,\"headers\":{\"Retry-After\":\"Wed, 21 Oct 2015 07:28:00 GMT\"}}]"
	pulls
}

@test "5xx and 429 stay: an error after six attempts" {
	rules "[{$MANIFEST,\"status\":500}]"
	refused "(status 500)"
	is "$(requests manifests)" 6
	rules "[{$LAYER,\"status\":429,\"body\":\"{\\\"errors\\\":[{\\\"code\\\":\\\"TOOMANYREQUESTS\\\",\\\"message\\\":\\\"pull rate limit\\\"}]}\"}]"
	refused "pull rate limit (status 429)"
	is "$(requests "blobs/$(digest_of small layer 1)")" 6
}

@test "401, 403 and 404 are final" {
	each '"status":403' refused "(status 403)"
	each '"status":404' refused "(status 404)"
	each '"status":401' refused "(status 401)"
	is "$(requests "blobs/$(digest_of small layer 1)")" 1
	each '"status":418' refused "(status 418)"
	rules "[{$MANIFEST,\"status\":403,\"body\":\"{\\\"errors\\\":[{\\\"message\\\":\\\"evil \\\\u001b[31m words\\\"}]}\"}]"
	refused "words"
	lacks $'\033'
}

@test "a reset in the middle: resumed from there" {
	each '"times":1,"reset":100' pulls
	rm -rf "$SKIFF_ROOT"
	rules "[{\"match\":\"blobs/$BIG\",\"times\":1,\"reset\":1000000},{\"match\":\"blobs/$BIG\",\"times\":1,\"reset\":1000000}]"
	run -0 skiff pull "$FAKE/img"
	is "$(requests "blobs/$BIG range=- ")" 1
	is "$(requests "blobs/$BIG range=bytes=[0-9]+- ")" 2
}

@test "resets that never stop: an error after six attempts without progress" {
	rules "[{$LAYER,\"reset\":0}]"
	refused "gave up after 6 attempts"
	is "$(requests "blobs/$(digest_of small layer 1)")" 6
	# With progress it goes on, however often it breaks.
	rules "[{\"match\":\"blobs/$BIG\",\"reset\":300000}]"
	run -0 skiff pull "$FAKE/img"
	[ "$(requests "blobs/$BIG")" -gt 10 ]
}

@test "a body that ends too early is gone on with" {
	each '"times":1,"truncate":50' pulls
	each '"times":1,"truncate":50,"chunked":true' pulls
	each '"truncate":0' refused "gave up after"
}

@test "a body that is longer than announced" {
	rules "[{$LAYER,\"longer\":10}]"
	refused "wrong size"
	rules "[{$LAYER,\"longer\":10,\"chunked\":true}]"
	refused "wrong size"
	rules "[{$CONFIG,\"longer\":10}]"
	refused "wrong digest"
	each '"chunked":true' pulls
}

@test "a registry that stalls: tried again from there, and given up in the end" {
	each '"times":1,"stall":60' pulls
	rules "[{$LAYER,\"stall\":0}]"
	export SKIFF_HTTP_STALL=1
	refused "stalled"
	is "$(requests "blobs/$(digest_of small layer 1)")" 6
}

@test "a byte a second is a stall too" {
	export SKIFF_HTTP_STALL=1
	rules "[{$LAYER,\"rate\":10}]"
	refused "stalled"
}

@test "slow but alive is fine" {
	rules '[{"match":"/v2/","delay":0.3},{"match":"blobs/","rate":3000}]'
	pulls
}

@test "tokens: fetched once, fetched again when they expire, waited for together" {
	rules '[{"match":"/v2/","auth":"bearer"}]'
	run -0 skiff pull "$FAKE/img"
	is "$(requests token)" 1
	is "$(requests 'status=401')" 1
	rm -rf "$SKIFF_ROOT"
	rules '[{"match":"/v2/","auth":"bearer"},{"match":"/token","uses":4,"delay":0.2}]'
	run -0 skiff pull "$FAKE/slow"
	[ "$(requests token)" -ge 2 ]
	[ "$(requests token)" -le 8 ]
}

@test "tokens: refused, malformed, useless" {
	rules "[{$MANIFEST,\"auth\":\"bearer\"},{\"match\":\"/token\",\"token_status\":401}]"
	refused "unauthorized"
	rules "[{$MANIFEST,\"auth\":\"bearer\"},{\"match\":\"/token\",\"token_body\":\"{}\"}]"
	refused "no token in it"
	rules "[{$MANIFEST,\"auth\":\"bearer\"},{\"match\":\"/token\",\"token_body\":\"{\\\"token\\\":\\\"a\\\\r\\\\nX: y\\\"}\"}]"
	refused "malformed token"
	rules "[{$MANIFEST,\"auth\":\"bearer\"},{\"match\":\"/token\",\"token_body\":\"{\\\"token\\\":\\\"wrong\\\"}\"}]"
	refused "authentication required"
	[ "$(requests manifests)" -le 4 ]
	rules "[{$MANIFEST,\"auth\":\"bearer\"},{\"match\":\"/token\",\"status\":503}]"
	refused "(status 503)"
	rules "[{$MANIFEST,\"auth\":\"bearer\",\"challenge\":\"Digest realm=\\\"x\\\"\"}]"
	refused "not supported"
	rules "[{$MANIFEST,\"auth\":\"bearer\",\"challenge\":\"Bearer realm=\\\"unterminated\"}]"
	refused "cannot be read"
	rules "[{$MANIFEST,\"times\":2,\"auth\":\"bearer\"},{\"match\":\"/token\",\"times\":2,\"status\":503}]"
	pulls
}

@test "tokens: a password goes to the token server, a refresh token by form" {
	mkdir -p "$HOME/.docker"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$FAKE" "$(printf 'alice:s3cret' | base64)" >"$HOME/.docker/config.json"
	rules '[{"match":"/v2/","auth":"bearer"}]'
	pulls
	is "$(requests 'GET /token.*auth=Basic')" 1
	rm -rf "$SKIFF_ROOT"
	printf '{"auths":{"%s":{"auth":"%s","identitytoken":"r3fresh"}}}' "$FAKE" "$(printf '<token>:' | base64)" >"$HOME/.docker/config.json"
	rules '[{"match":"/v2/","auth":"bearer"}]'
	pulls
	is "$(requests 'POST /token.*form=.*grant_type=refresh_token.*refresh_token=r3fresh')" 1
	# The form is a credential, too: it stays at the host that it is for.
	rm -rf "$SKIFF_ROOT"
	rules '[{"match":"/v2/","auth":"bearer"},{"match":"POST /token","port":0,"redirect":"http://127.0.0.1:{port2}/token"}]'
	run -125 skiff pull "$FAKE/small"
	contains "credentials are not sent on to another host"
	is "$(requests '^1 .*r3fresh')" 0
}

@test "a full disk: said so, nothing left, and freeing space is enough" {
	command -v strace >/dev/null || skip "strace is not installed"
	local call
	for call in pwrite64:error=ENOSPC:when=2 pwrite64:error=EIO:when=1 mkdirat:error=ENOSPC:when=2 mkdirat:error=ENOSPC:when=4 syncfs:error=EIO \
		renameat:error=ENOSPC:when=1 renameat:error=ENOSPC:when=2 renameat:error=ENOSPC:when=3 fsync:error=EIO:when=2; do
		rm -rf "$SKIFF_ROOT"
		skiff images >/dev/null # the store itself is there
		run strace -qq -o /dev/null -e trace="${call%%:*}" -e inject="$call" skiff pull "$FAKE/img"
		[ "$status" = 125 ] || fail "$call: status $status"
		[[ $output == *"No space left on device"* || $output == *"Input/output error"* ]] || fail "$call: $output"
		run -0 skiff system check
		run -0 skiff pull "$FAKE/img"
		store_is_valid
	done
}

@test "a small disk: every size leaves a valid store" {
	local size
	mkdir -p "$BATS_TEST_TMPDIR/m"
	for size in 100k 400k 2m 32900k; do # the last: just above what is kept free
		# shellcheck disable=SC2016
		run unshare -rm sh -c 'mount -t tmpfs -o size=$1 none "$2" || exit 77
			SKIFF_ROOT=$2/s skiff pull -q "$3" >"$2.out" 2>&1 && exit 1
			SKIFF_ROOT=$2/s skiff system check || exit 2
			find "$2/s/layers" "$2/s/tags" "$2/s/tmp" "$2/s/trash" -mindepth 1 ! -name guard ! -name blobs' \
			sh $size "$BATS_TEST_TMPDIR/m" "$FAKE/img"
		[ "$status" != 77 ] || skip "no user namespace with a tmpfs here"
		[ "$status" = 0 ] || fail "$size: status $status: $(cat "$BATS_TEST_TMPDIR/m.out") $output"
		grep -qE "No space left on device|the file system is full" "$BATS_TEST_TMPDIR/m.out" || fail "$size: $(cat "$BATS_TEST_TMPDIR/m.out")"
		is "$(grep -v "^OK" <<<"$output" | grep /)" ""
	done
}

@test "interrupted calls and short counts do not show" {
	command -v strace >/dev/null || skip "strace is not installed"
	run -0 strace -qq -o /dev/null -e trace=pwrite64,write,read,poll -e inject=pwrite64:error=EINTR:when=1+3 skiff pull "$FAKE/img"
	store_is_valid
}
