#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Pushing to real registries: plain, with TLS and a password; and through a proxy that cuts connections.

load common
load registry
load fake

setup_file() {
	make_layout "$BATS_FILE_TMPDIR/img" 20
	registry_start plain
	registry_push "$BATS_FILE_TMPDIR/img" team/app
	echo "$REGISTRY_PID" >"$BATS_FILE_TMPDIR/pids"
	export PLAIN=$REGISTRY
	registry_start plain
	echo "$REGISTRY_PID" >>"$BATS_FILE_TMPDIR/pids"
	export OTHER=$REGISTRY
	registry_start auth
	echo "$REGISTRY_PID" >>"$BATS_FILE_TMPDIR/pids"
	export AUTH=$REGISTRY AUTH_CA=$REGISTRY_CA
	export SKIFF_HTTP_BACKOFF=20
}

teardown_file() {
	local p
	while read -r p; do kill "$p" 2>/dev/null || true; done <"$BATS_FILE_TMPDIR/pids"
}

setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
}

teardown() {
	[ -z "${CUTTER_PID:-}" ] || kill "$CUTTER_PID" 2>/dev/null || true
	distrust
	rm -rf "$HOME/.docker"
}

# The manifest that a registry has: HOST NAME[:TAG]
manifest_of() {
	curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		"http://$1/v2/${2%:*}/manifests/$([[ $2 == *:* ]] && echo "${2##*:}" || echo latest)"
}

digest() { # of stdin
	echo "sha256:$(sha256sum | cut -d' ' -f1)"
}

# cutter MODE: a proxy before $OTHER (cut-proxy.py); sets CUT, its address, and CUT_LOG
cutter() {
	CUT_LOG=$BATS_TEST_TMPDIR/cut.log
	"$TESTS/cli/cut-proxy.py" "$BATS_TEST_TMPDIR/cut.port" "$OTHER" "$1" >"$CUT_LOG" 2>&1 3>&- &
	CUTTER_PID=$!
	wait_for 10 test -s "$BATS_TEST_TMPDIR/cut.port"
	CUT=127.0.0.1:$(cat "$BATS_TEST_TMPDIR/cut.port")
}

# bats test_tags=smoke
@test "push prints docker's lines: progress on stderr, the digest on stdout; the bytes are the ones that were pulled" {
	local want
	skiff pull -q "$PLAIN/team/app" >/dev/null
	want=$(manifest_of "$PLAIN" team/app | digest)
	skiff tag "$PLAIN/team/app" "$OTHER/first/app:v1"
	run -0 --separate-stderr skiff push "$OTHER/first/app:v1"
	is "$output" "v1: digest: $want size: $(manifest_of "$PLAIN" team/app | wc -c)"
	# shellcheck disable=SC2154
	is "${stderr_lines[0]}" "The push refers to repository [$OTHER/first/app]"
	is "$(printf '%s\n' "${stderr_lines[@]}" | grep -cE '^[0-9a-f]{12}: Pushed$')" 2
	is "$(manifest_of "$OTHER" first/app:v1 | digest)" "$want"
	run -0 --separate-stderr skiff push "$OTHER/first/app:v1"
	is "$(printf '%s\n' "${stderr_lines[@]}" | grep -cE '^[0-9a-f]{12}: Layer already exists$')" 2
	run -0 --separate-stderr skiff push -q "$OTHER/first/app:v1"
	is "$output" "$OTHER/first/app:v1"
	is "$stderr" ""
	skiff system check
	is "$(store_ls tmp)" ""
}

@test "what was pulled from another repository of the registry is mounted, not sent" {
	skiff pull -q "$PLAIN/team/app" >/dev/null
	run -0 --separate-stderr skiff push "$PLAIN/team/app" "docker://$PLAIN/else/where:x"
	is "$(printf '%s\n' "${stderr_lines[@]}" | grep -cE '^[0-9a-f]{12}: Mounted from team/app$')" 2
	is "$(manifest_of "$PLAIN" else/where:x | digest)" "$(manifest_of "$PLAIN" team/app | digest)"
	# The same without the blobs at hand.
	skiff rmi "$PLAIN/team/app" >/dev/null
	skiff pull -q --keep-blobs=false "$PLAIN/team/app" >/dev/null
	run -0 --separate-stderr skiff push "$PLAIN/team/app" "$PLAIN/third/place"
	is "$(printf '%s\n' "${stderr_lines[@]}" | grep -cE '^[0-9a-f]{12}: Mounted from team/app$')" 2
	lacks "changes"
	is "$(manifest_of "$PLAIN" third/place | digest)" "$(manifest_of "$PLAIN" team/app | digest)"
}

@test "dropped layers are compressed anew: the digest changes, is told, and the next push knows it" {
	local old new
	skiff pull -q --keep-blobs=false "$PLAIN/team/app" >/dev/null
	old=$(manifest_of "$PLAIN" team/app | digest)
	run -0 --separate-stderr skiff push "$PLAIN/team/app" "$OTHER/anew:1"
	new=$(manifest_of "$OTHER" anew:1 | digest)
	is "$output" "1: digest: $new size: $(manifest_of "$OTHER" anew:1 | wc -c)"
	[ "$old" != "$new" ]
	[[ $stderr == *"2 compressed layers were not in the store and have been compressed anew: the digest changes from $old to $new"* ]]
	run -0 --separate-stderr skiff push "$PLAIN/team/app" "$OTHER/anew:2"
	is "$(printf '%s\n' "${stderr_lines[@]}" | grep -cE ': (Layer already exists|Compressing)$')" 2
	lacks Compressing
	# It is the same image.
	SKIFF_ROOT=$BATS_TEST_TMPDIR/second skiff pull -q "$OTHER/anew:1" >"$BATS_TEST_TMPDIR/id"
	is "$(cat "$BATS_TEST_TMPDIR/id")" "$(skiff images -q --no-trunc)"
	SKIFF_ROOT=$BATS_TEST_TMPDIR/second skiff system check
	skiff system check
}

@test "formats and compressions: zstd, levels, Docker schema 2, and what does not go together" {
	local l
	skiff pull -q "$PLAIN/team/app" >/dev/null
	skiff push -q --compression-format zstd "$PLAIN/team/app" "$OTHER/z" >/dev/null
	is "$(manifest_of "$OTHER" z | grep -o 'tar+zstd' | wc -l)" 2
	for l in 1 3 6 9; do
		skiff push -q --force-compression --compression-level $l "$PLAIN/team/app" "$OTHER/gz$l" >/dev/null
	done
	is "$(for l in 1 3 6 9; do manifest_of "$OTHER" gz$l | digest; done | sort -u | wc -l)" 4
	skiff push -q --format v2s2 "$PLAIN/team/app" "$OTHER/d" >/dev/null
	is "$(manifest_of "$OTHER" d | grep -o 'application/vnd.docker[^"]*' | tr '\n' ' ')" \
		"application/vnd.docker.distribution.manifest.v2+json application/vnd.docker.container.image.v1+json application/vnd.docker.image.rootfs.diff.tar.gzip application/vnd.docker.image.rootfs.diff.tar.gzip "
	for l in z gz9 d; do
		SKIFF_ROOT=$BATS_TEST_TMPDIR/$l skiff pull -q "$OTHER/$l" >"$BATS_TEST_TMPDIR/id"
		is "$(cat "$BATS_TEST_TMPDIR/id")" "$(skiff images -q --no-trunc)"
		SKIFF_ROOT=$BATS_TEST_TMPDIR/$l skiff system check
	done
	SKIFF_ROOT=$BATS_TEST_TMPDIR/d run -125 skiff push --format v2s2 --compression-format zstd "$OTHER/d" "$OTHER/d2"
	contains "a v2s2 manifest cannot name zstd layers"
	SKIFF_ROOT=$BATS_TEST_TMPDIR/d skiff push -q --format oci "$OTHER/d" "$OTHER/back" >/dev/null
	is "$(manifest_of "$OTHER" back | grep -c docker)" 0
	run -125 skiff push --compression-format lzma "$PLAIN/team/app" "$OTHER/x"
	contains "compression format 'lzma' is not supported: gzip and zstd are"
	run -125 skiff push --compression-level 12 "$PLAIN/team/app" "$OTHER/x"
	contains "compression level 12 is not valid: gzip has 1 to 9"
	run -125 skiff push --format v2s1 "$PLAIN/team/app" "$OTHER/x"
	contains "manifest type 'v2s1' is not supported"
}

@test "a plain layer of a loaded archive is compressed; --digestfile" {
	skiff run --rm --network none embedded/busybox true
	run -0 skiff push --digestfile "$BATS_TEST_TMPDIR/df" embedded/busybox "$OTHER/bb:x"
	is "$(cat "$BATS_TEST_TMPDIR/df")" "$(manifest_of "$OTHER" bb:x | digest)"
	is "$(manifest_of "$OTHER" bb:x | grep -o 'layer.v1.tar+gzip' | wc -l)" 1
	lacks "digest changes"
	run -0 skiff pull "$OTHER/bb:x"
	run -125 skiff push embedded/busybox
	contains "embedded/ images come with the program, they are not pushed"
}

@test "--all-tags pushes every tag of the repository and nothing else" {
	skiff pull -q "$PLAIN/team/app" >/dev/null
	for t in a b c; do skiff tag "$PLAIN/team/app" "$OTHER/many:$t"; done
	skiff tag "$PLAIN/team/app" "$OTHER/manymore:d"
	run -0 --separate-stderr skiff push -a "$OTHER/many"
	is "$(cut -d: -f1 <<<"$output" | sort | tr '\n' ' ')" "a b c "
	is "$(curl -sf "http://$OTHER/v2/many/tags/list" | grep -o '"[abcd]"' | sort | tr -d '\n')" '"a""b""c"'
	run -125 skiff push -a "$OTHER/many:a"
	contains "tag can't be used with --all-tags/-a"
	run -125 skiff push -a "$OTHER/none"
	contains "An image does not exist locally with the tag: $OTHER/none"
	run -125 skiff push "$OTHER/many:zzz"
	contains "An image does not exist locally with the tag: $OTHER/many:zzz"
}

@test "TLS and a password: from a file or --creds, which no process list shows; without, the reason" {
	trust "$AUTH" "$AUTH_CA"
	skiff pull -q "$PLAIN/team/app" >/dev/null
	run -125 skiff push "$PLAIN/team/app" "$AUTH/p/app"
	contains "unauthorized: authentication required"
	run -125 skiff push --creds alice:wrong "$PLAIN/team/app" "$AUTH/p/app"
	contains "unauthorized"
	lacks wrong
	run -0 skiff push --creds alice:s3cret "$PLAIN/team/app" "$AUTH/p/app"
	mkdir -p "$HOME/.docker"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$AUTH" "$(printf alice:s3cret | base64)" >"$HOME/.docker/config.json"
	run -0 skiff push "$PLAIN/team/app" "$AUTH/p/app:2"
	distrust
	run -125 skiff push --tls-verify "$PLAIN/team/app" "$AUTH/p/app:3"
	contains "certificate"
	run -0 skiff push --tls-verify=false "$PLAIN/team/app" "$AUTH/p/app:3"
}

@test "a connection that is cut in the middle: the upload goes on where it was" {
	skiff pull -q "$PLAIN/team/app" >/dev/null
	cutter reset
	run -0 skiff push "$PLAIN/team/app" "$CUT/cut/app"
	is "$(manifest_of "$OTHER" cut/app | digest)" "$(manifest_of "$PLAIN" team/app | digest)"
	grep -q '^cut ' "$CUT_LOG"
	grep -qE '^GET /v2/cut/app/blobs/uploads/' "$CUT_LOG"
	# Less than two whole layers more than once.
	run -0 grep -cE '^PATCH .* range [1-9]' "$CUT_LOG"
}

@test "a registry that takes no large request gets chunks, one that is busy is asked again" {
	skiff pull -q "$PLAIN/team/app" >/dev/null
	cutter large
	run -0 skiff push "$PLAIN/team/app" "$CUT/chunks/app"
	is "$(manifest_of "$OTHER" chunks/app | digest)" "$(manifest_of "$PLAIN" team/app | digest)"
	grep -q '^413 ' "$CUT_LOG"
	kill "$CUTTER_PID"
	rm "$BATS_TEST_TMPDIR/cut.port"
	cutter busy
	run -0 skiff push "$PLAIN/team/app" "$CUT/busy/app"
	is "$(grep -c '^503 ' "$CUT_LOG")" 3
	is "$(manifest_of "$OTHER" busy/app | digest)" "$(manifest_of "$PLAIN" team/app | digest)"
}

@test "a registry that is not there, and one that forbids it: one line that names host, object and cause" {
	skiff pull -q "$PLAIN/team/app" >/dev/null
	run -125 skiff push "$PLAIN/team/app" 127.0.0.1:1/x
	contains "127.0.0.1:1/x"
	contains "Couldn't connect to server"
	cutter denied
	run -125 skiff push "$PLAIN/team/app" "$CUT/denied/app"
	contains "$CUT/denied/app"
	contains "denied"
	skiff system check
	is "$(store_ls tmp)" ""
}
