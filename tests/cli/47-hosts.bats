#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who is spoken to, and what he is told: proxies of the environment, client certificates and authorities of one registry, credentials
# of uploads that go on elsewhere, rate limits of pushes.

load common
load registry
load fake

setup_file() { fake_start; }
teardown_file() { fake_stop; }

setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
	rules
}

teardown() {
	[ -z "${PROXY_PID:-}" ] || kill "$PROXY_PID" 2>/dev/null || true
	registry_stop
	distrust
}

# A proxy that logs, and takes every host for the fake registry: sets PROXY and PROXY_LOG.
proxy() {
	PROXY_LOG=$BATS_TEST_TMPDIR/proxy.log
	"$TESTS/cli/log-proxy.py" "$BATS_TEST_TMPDIR/proxy.port" "$FAKE" "$FAKETLS" >"$PROXY_LOG" 2>&1 3>&- &
	PROXY_PID=$!
	wait_for 10 test -s "$BATS_TEST_TMPDIR/proxy.port"
	PROXY=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/proxy.port")
}

proxied() { # PATTERN
	grep -cE -e "$1" "$PROXY_LOG" || true
}

# As pull's tests do it for one image: a small one to push, known as NAME.
have() {
	skiff pull -q "$FAKE/small" >/dev/null
	skiff tag "$FAKE/small" "$1"
	rules "${2:-[]}"
}

@test "HTTPS_PROXY: a tunnel through which the registry is verified; NO_PROXY and this machine go without" {
	local v
	proxy
	trust registry.example "$FAKE_CA"
	for v in HTTPS_PROXY https_proxy; do
		rm -rf "$SKIFF_ROOT"
		: >"$PROXY_LOG"
		run -0 env "$v=$PROXY" "$SKIFF" pull -q registry.example/small
		[ "$(proxied '^CONNECT registry.example:443 ')" -ge 1 ]
		is "$(proxied '^(GET|HEAD)')" 0
		is "$(requests 'proxied=http')" 0
	done
	# The tunnel's end is who it says it is, or nothing is pulled.
	rm -rf "$SKIFF_ROOT"
	run -125 env HTTPS_PROXY="$PROXY" "$SKIFF" pull --tls-verify other.example/small
	contains "other.example/small"
	contains "certificate"
	: >"$PROXY_LOG"
	for v in registry.example .example '*' x,registry.example; do
		run -125 env HTTPS_PROXY="$PROXY" NO_PROXY="$v" "$SKIFF" pull registry.example/small
		contains "registry.example/small"
	done
	is "$(cat "$PROXY_LOG")" ""
	trust "$FAKETLS" "$FAKE_CA"
	run -0 env HTTPS_PROXY="$PROXY" HTTP_PROXY="$PROXY" "$SKIFF" pull -q "$FAKETLS/small"
	is "$(cat "$PROXY_LOG")" ""
}

@test "HTTP_PROXY: push and pull go through it, with its password, which no message shows" {
	local with
	proxy
	with=${PROXY/:\/\//://joe:pr0xy@}
	have registry.example/up/app
	run -0 env HTTP_PROXY="$with" "$SKIFF" --debug push --tls-verify=false registry.example/up/app
	lacks pr0xy
	lacks "$(printf joe:pr0xy | base64)"
	is "$(proxied "^PUT http://registry.example/v2/up/app/manifests/latest .*proxy-auth=Basic $(printf joe:pr0xy | base64)\$")" 1
	[ "$(proxied '^PATCH http://registry.example/v2/up/app/blobs/uploads/')" -ge 1 ]
	rm -rf "$SKIFF_ROOT"
	run -0 env HTTP_PROXY="$with" "$SKIFF" pull -q --tls-verify=false registry.example/up/app
	# Nobody listens there: the error names the registry.
	run -125 env HTTP_PROXY=http://joe:pr0xy@127.0.0.1:1 SKIFF_HTTP_BACKOFF=1 "$SKIFF" pull --tls-verify=false registry.example/img
	contains "registry.example/img"
	lacks pr0xy
}

@test "a registry that asks for a client certificate: certs.d has it, for this registry alone" {
	local d other
	registry_start mutual
	have "$REGISTRY/m/app"
	trust "$REGISTRY" "$REGISTRY_CA"
	d=$HOME/.config/containers/certs.d/$REGISTRY
	# Why is said by an alert, which the reset that follows may overtake.
	run -125 skiff push --tls-verify "$REGISTRY/m/app"
	contains "$REGISTRY/m/app"
	cp "$REGISTRY_CERT" "$d/client.cert"
	run -125 skiff push --tls-verify "$REGISTRY/m/app"
	contains "client"
	cp "$REGISTRY_KEY" "$d/client.key"
	run -0 skiff push "$REGISTRY/m/app"
	rm -rf "$SKIFF_ROOT"
	run -0 skiff pull -q "$REGISTRY/m/app"
	# Somebody else's certificate is none.
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=client \
		-keyout "$d/client.key" -out "$d/client.cert" 2>/dev/null
	rm -rf "$SKIFF_ROOT"
	run -125 skiff pull --tls-verify "$REGISTRY/m/app"
	contains "$REGISTRY/m/app"
	# Another name of the same machine is another registry.
	other=127.0.0.1:${REGISTRY##*:}
	cp "$REGISTRY_CERT" "$d/client.cert"
	cp "$REGISTRY_KEY" "$d/client.key"
	run -125 skiff pull --tls-verify "$other/m/app"
	contains "certificate"
	run -0 skiff pull -q "$REGISTRY/m/app"
}

@test "an authority of one registry is none of another" {
	trust "$FAKETLS" "$FAKE_CA"
	run -0 skiff pull -q --tls-verify "$FAKETLS/small"
	run -125 skiff pull --tls-verify "$FAKETLS2/small"
	contains "$FAKETLS2/small"
	contains "certificate"
}

@test "an upload that goes on at another host goes without the registry's credentials, and arrives" {
	local kind
	for kind in basic bearer; do
		have "$FAKE/up/$kind" '[{"match":"POST /v2/up/","port":0,"auth":"'$kind'","location":"http://127.0.0.1:{port2}{path}"},
			{"match":"/v2/up/","port":0,"auth":"'$kind'"}]'
		run -0 skiff push --creds alice:s3cret "$FAKE/up/$kind"
		[ "$(requests '^0 POST .*auth=B.* status=202')" = 2 ]
		is "$(requests '^1 PATCH .*auth=- status=202')" 2
		is "$(requests '^1 PUT .*/blobs/.*auth=- status=201')" 2
		is "$(requests '^1 .*auth=B')" 0
		is "$(requests '^0 PUT .*/manifests/latest .*auth=B.* status=201')" 1
	done
}

@test "429 while pushing: waited for as the registry asks, for every step; not for ever" {
	local start step
	have "$FAKE/up/busy" '[{"match":"HEAD /v2/up/busy/blobs","times":1,"status":429,"headers":{"Retry-After":"1"}},
		{"match":"POST /v2/up","times":1,"status":429,"headers":{"Retry-After":"1"}},
		{"match":"PATCH /v2/up","times":1,"status":429,"headers":{"Retry-After":"1"}},
		{"match":"PUT /v2/up/busy/blobs","times":1,"status":429,"headers":{"Retry-After":"1"}},
		{"match":"PUT /v2/up/busy/manifests","times":1,"status":429,"headers":{"Retry-After":"1"}}]'
	start=$(date +%s%N)
	run -0 skiff push "$FAKE/up/busy"
	is "$(requests 'status=429')" 5
	[ $((($(date +%s%N) - start) / 1000000)) -ge 2000 ]
	for step in HEAD POST PATCH 'PUT /v2/up/never/blobs' 'PUT /v2/up/never/manifests'; do
		have "$FAKE/up/never" '[{"match":"^'"$step"'.*","status":429}]'
		run -125 skiff push "$FAKE/up/never"
		contains "$FAKE"
		contains "up/never"
		contains "too many requests"
		[ "$(requests 'status=429')" -le 18 ]
		is "$(find "$SKIFF_ROOT/tmp" -mindepth 1 ! -name guard ! -name blobs ! -name '*.lock')" ""
	done
}
