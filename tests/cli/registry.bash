# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Debian's docker-registry for tests that pull: started in setup_file, ended in teardown_file.
#
#	registry_start plain	sets and exports REGISTRY=127.0.0.1:PORT
#	registry_start tls	the same behind TLS; REGISTRY=localhost:PORT and REGISTRY_CA, the certificate to trust
#	registry_start auth	TLS and a password: user "alice", password "s3cret"
#	registry_start mutual	TLS, and only for clients with the certificate REGISTRY_CERT and REGISTRY_KEY
#	registry_push LAYOUT NAME	put the image of an OCI layout there as NAME:latest (plain only)
#	registry_stop

registry_start() {
	local kind=$1 port dir
	command -v docker-registry >/dev/null || skip "docker-registry is not installed (tests/prepare)"
	dir=$(mktemp -d "$BATS_FILE_TMPDIR/registry.XXXXXX")
	mkdir -p "$dir/data"
	port=$(registry_free_port) || fail "no free port"
	REGISTRY=127.0.0.1:$port
	{
		printf 'version: 0.1\nlog: {level: error}\n'
		printf 'storage: {filesystem: {rootdirectory: %s/data}, delete: {enabled: true}}\n' "$dir"
		printf 'http:\n  addr: "127.0.0.1:%s"\n' "$port"
		if [ "$kind" != plain ]; then
			openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
				-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
			local clients=
			[ "$kind" != mutual ] || clients=", clientcas: [$dir/client.pem]"
			printf '  tls: {certificate: %s/cert.pem, key: %s/key.pem%s}\n' "$dir" "$dir" "$clients"
			REGISTRY=localhost:$port
			export REGISTRY_CA=$dir/cert.pem
		fi
		if [ "$kind" = mutual ]; then
			openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=client \
				-keyout "$dir/client.key" -out "$dir/client.pem" 2>/dev/null
			export REGISTRY_CERT=$dir/client.pem REGISTRY_KEY=$dir/client.key
		fi
		if [ "$kind" = auth ]; then
			htpasswd -Bbc "$dir/htpasswd" alice s3cret 2>/dev/null
			printf 'auth: {htpasswd: {realm: tests, path: %s/htpasswd}}\n' "$dir"
		fi
	} >"$dir/config.yml"
	docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- &
	REGISTRY_PID=$!
	REGISTRY_DIR=$dir
	export REGISTRY REGISTRY_PID REGISTRY_DIR
	local scheme=http own=()
	[ "$kind" != mutual ] || own=(--cert "$REGISTRY_CERT" --key "$REGISTRY_KEY")
	[ "$kind" = plain ] || scheme=https
	for _ in $(seq 100); do
		# 401 is an answer too.
		! curl -sk "${own[@]}" -o /dev/null "$scheme://127.0.0.1:$port/v2/" || return 0
		kill -0 "$REGISTRY_PID" 2>/dev/null || break
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}

# Two files of tests may look at the same time: each starts at a place of its own.
registry_free_port() {
	local p
	for p in $(shuf -i 20000-30000 -n 50); do
		! (: <"/dev/tcp/127.0.0.1/$p") 2>/dev/null || continue
		echo "$p"
		return
	done
	return 1
}

registry_push() {
	"$TESTS/bench/push" "$1" "$REGISTRY" "$2"
}

registry_stop() {
	[ -z "${REGISTRY_PID:-}" ] || kill "$REGISTRY_PID" 2>/dev/null || true
}
