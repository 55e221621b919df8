#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policy.json: which images may come in, by name and by signature; skiff image trust.

load common
load registry

setup_file() {
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/store
	registry_start plain
	make_layout "$BATS_FILE_TMPDIR/layout"
	registry_push "$BATS_FILE_TMPDIR/layout" team/app
	registry_push "$BATS_FILE_TMPDIR/layout" other
	local k
	for k in good evil; do
		openssl ecparam -name prime256v1 -genkey -noout -out "$BATS_FILE_TMPDIR/$k.key" 2>/dev/null
		openssl ec -in "$BATS_FILE_TMPDIR/$k.key" -pubout -out "$BATS_FILE_TMPDIR/$k.pub" 2>/dev/null
	done
	DIGEST=$(sed 's/.*"digest":"\(sha256:[0-9a-f]*\)".*/\1/' "$BATS_FILE_TMPDIR/layout/index.json")
	export DIGEST
}
teardown_file() {
	registry_stop
	skiff system reset -f
}

setup() {
	export HOME=$BATS_TEST_TMPDIR/home P=$BATS_TEST_TMPDIR/policy.json
	mkdir -p "$HOME/.config/containers"
	GOOD=$BATS_FILE_TMPDIR/good.pub EVIL=$BATS_FILE_TMPDIR/evil.pub
}
teardown() {
	# shellcheck disable=SC2046
	skiff rmi -f $(skiff images -q) >/dev/null 2>&1 || true
	curl -s -X DELETE "http://$REGISTRY/v2/team/app/manifests/$(curl -sI -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"http://$REGISTRY/v2/team/app/manifests/sha256-${DIGEST#sha256:}.sig" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip')" || true
}

put_blob() { # REPO FILE: its descriptor's digest and size
	local at d
	d=sha256:$(sha256sum "$2" | cut -d' ' -f1)
	at=$(curl -s -i -X POST "http://$REGISTRY/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //Ip')
	curl -sf -X PUT -H 'Content-Type: application/octet-stream' --data-binary @"$2" "$at&digest=$d"
	printf '"digest":"%s","size":%s' "$d" "$(stat -c %s "$2")"
}

# sign KEY NAME [DIGEST [TYPE]]...: team/app gets a signature for NAME. Several, with "--" between them, are in one manifest.
sign() {
	local w=$BATS_TEST_TMPDIR/sign layers='' digest type
	mkdir -p "$w"
	while [ $# -gt 0 ]; do
		digest=$DIGEST type='cosign container image signature'
		local key=$1 name=$2
		shift 2
		[ $# = 0 ] || [ "$1" = -- ] || { digest=$1; shift; }
		[ $# = 0 ] || [ "$1" = -- ] || { type=$1; shift; }
		[ $# = 0 ] || shift
		printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"%s"},"optional":null}' \
			"$name" "$digest" "$type" >"$w/payload"
		layers="$layers${layers:+,}{\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\",$(put_blob team/app "$w/payload"),
			\"annotations\":{\"dev.cosignproject.cosign/signature\":\"$(openssl dgst -sha256 -sign "$BATS_FILE_TMPDIR/$key.key" "$w/payload" | base64 -w0)\"}}"
	done
	printf '{}' >"$w/config"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[%s]}' \
		"$(put_blob team/app "$w/config")" "$layers" >"$w/manifest"
	curl -sf -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary @"$w/manifest" \
		"http://$REGISTRY/v2/team/app/manifests/sha256-${DIGEST#sha256:}.sig"
}

policy() { # RULES-OF-TEAM-APP [DEFAULT]
	printf '{"default":[%s],"transports":{"docker":{"%s/team/app":[%s]}}}' "${2:-{\"type\":\"reject\"\}}" "$REGISTRY" "$1" >"$P"
}

signed() { # KEYFILE [IDENTITY]
	printf '{"type":"sigstoreSigned","keyPath":"%s"%s}' "$1" "${2:+,\"signedIdentity\":$2}"
}

pulls() { run -0 skiff pull -q --signature-policy "$P" "$REGISTRY/${1:-team/app}"; }
refuses() { # WORDS [IMAGE]: and nothing has come in
	run -125 --separate-stderr skiff pull --signature-policy "$P" "$REGISTRY/${2:-team/app}"
	# shellcheck disable=SC2154
	output=$(grep '^Error: ' <<<"$stderr")
	contains "$1"
	is "$(skiff images -aq)" ""
}

# bats test_tags=smoke
@test "image trust alone says what is missing" {
	run -1 skiff image trust
	is "${lines[0]}" "Error: 'skiff image trust' needs one more word: set, show"
}

@test "accept and reject, by repository, namespace, registry, and for everything else" {
	policy '{"type":"insecureAcceptAnything"}'
	pulls
	skiff rmi "$REGISTRY/team/app"
	refuses "Source image rejected: $REGISTRY/other:latest: policy '$P' (default): it is rejected" other
	printf '{"default":[{"type":"reject"}],"transports":{"docker":{"%s":[{"type":"insecureAcceptAnything"}],"%s/team":[{"type":"reject"}],"%s/team/app:1":[{"type":"insecureAcceptAnything"}]}}}' \
		"$REGISTRY" "$REGISTRY" "$REGISTRY" >"$P"
	pulls other
	skiff rmi "$REGISTRY/other"
	refuses "($REGISTRY/team): it is rejected"
	# Refused before anything is asked: there is nobody at that port.
	run -125 skiff pull --signature-policy "$P" 127.0.0.1:1/x
	contains "(default): it is rejected"
}

# bats test_tags=not-root
# root's own policy is the machine's
@test "where the policy is: the user's file, before the machine's; none at all accepts" {
	pulls_plain() { run "$1" skiff pull -q "$REGISTRY/team/app"; }
	run -125 skiff pull --signature-policy /nowhere.json "$REGISTRY/team/app"
	contains /nowhere.json
	policy '{"type":"reject"}'
	cp "$P" "$HOME/.config/containers/policy.json"
	pulls_plain -125
	contains "policy '$HOME/.config/containers/policy.json'"
	run -125 skiff run --rm "$REGISTRY/team/app" true
	contains "it is rejected"
	rm "$HOME/.config/containers/policy.json"
	[ -e /etc/containers/policy.json ] || pulls_plain -0
}

@test "a signature by the right key for the right image under the right name" {
	policy "$(signed "$GOOD")"
	refuses "a signature was required, but no signature exists"
	sign good "$REGISTRY/team/app:latest"
	pulls
	# By digest any name of the repository will do.
	skiff rmi "$REGISTRY/team/app"
	pulls "team/app@$DIGEST"
	skiff rmi -f "$(skiff images -q | head -1)"
	policy "$(signed "$EVIL")"
	refuses "none of 1 signature is good: the signature does not fit the key"
	policy "$(signed "$GOOD"),$(signed "$EVIL")" # all must be met
	refuses "does not fit the key"
	policy '{"type":"sigstoreSigned","keyPaths":["'"$EVIL"'","'"$GOOD"'"]}' # one of them will do
	pulls
	skiff rmi "$REGISTRY/team/app"
	policy '{"type":"sigstoreSigned","keyData":"'"$(base64 -w0 "$GOOD")"'"}'
	pulls
	# An image that is there already is looked at, too.
	policy "$(signed "$EVIL")"
	run -125 skiff pull --signature-policy "$P" "$REGISTRY/team/app"
	contains "does not fit the key"
}

@test "signatures that lie: another image, another name, another type, bytes that were changed" {
	policy "$(signed "$GOOD")"
	sign good "$REGISTRY/team/app:latest" "sha256:$(printf %064d 1)"
	refuses "a signature is for another image (sha256:000"
	sign good "$REGISTRY/other:latest"
	refuses "it was signed under another name ($REGISTRY/other:latest)"
	sign good "$REGISTRY/team/app:latest" "$DIGEST" 'something else'
	refuses "a signature is of another type"
	sign evil "$REGISTRY/team/app:latest" -- good "$REGISTRY/team/app:latest"
	pulls # one good one is enough
}

@test "signedIdentity: what cosign signs has no tag" {
	sign good "$REGISTRY/team/app"
	policy "$(signed "$GOOD")"
	refuses "it was signed under another name"
	policy "$(signed "$GOOD" '{"type":"matchRepository"}')"
	pulls
	skiff rmi "$REGISTRY/team/app"
	sign good "elsewhere.example/app:latest"
	policy "$(signed "$GOOD" '{"type":"exactRepository","dockerRepository":"elsewhere.example/app"}')"
	pulls
	skiff rmi "$REGISTRY/team/app"
	policy "$(signed "$GOOD" '{"type":"exactReference","dockerReference":"elsewhere.example/app:2"}')"
	refuses "another name"
	policy "$(signed "$GOOD" '{"type":"remapIdentity","prefix":"'"$REGISTRY/team"'","signedPrefix":"elsewhere.example"}')"
	pulls
	skiff rmi "$REGISTRY/team/app"
	policy "$(signed "$GOOD" '{"type":"matchExact"}')"
	refuses "another name"
}

@test "a policy that is not understood in full lets nothing in" {
	local text want
	while IFS='|' read -r text want; do
		echo "$text" >"$P"
		refuses "$want"
	done <<-END
		{"default":[]}|default: it needs a list of requirements
		{}|default: it needs a list of requirements
		{"default":[{"type":"insecureAcceptAnythin"}]}|unknown type 'insecureAcceptAnythin'
		{"default":[{"type":"reject"}],"transprots":{}}|unknown key 'transprots'
		{"default":[{"type":"insecureAcceptAnything","x":1}]}|unknown key 'x'
		{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k"}]}|signedBy (GPG signatures) is not supported
		{"default":[{"type":"sigstoreSigned"}]}|needs exactly one of keyPath
		{"default":[{"type":"sigstoreSigned","keyPath":"/k","rekorPublicKeyPath":"/r"}]}|rekorPublicKeyPath is not supported
		{"default":[{"type":"sigstoreSigned","fulcio":{}}]}|fulcio is not supported
		{"default":[{"type":"sigstoreSigned","keyPath":"/k","signedIdentity":{"type":"matchNothing"}}]}|unknown signedIdentity
		{"default":[{"type":"sigstoreSigned","keyPath":"/nowhere.pub"}]}|/nowhere.pub
		{"default":[{"type":"sigstoreSigned","keyPath":"relative.pub"}]}|is not an absolute path
		{"default":[{"type":"insecureAcceptAnything"}],"transports":[]}|transports: not a JSON object
		{"default":[{"type":"insecureAcceptAnything"}],"transports":{"docker":[{"type":"reject"}]}}|docker: not a JSON object
		{"default":|policy '$P'
	END
	openssl genrsa -out "$BATS_TEST_TMPDIR/rsa" 2048 2>/dev/null
	openssl rsa -in "$BATS_TEST_TMPDIR/rsa" -pubout -out "$BATS_TEST_TMPDIR/rsa.pub" 2>/dev/null
	sign good "$REGISTRY/team/app:latest"
	policy "$(signed "$BATS_TEST_TMPDIR/rsa.pub")"
	refuses "not an ECDSA key on P-256"
}

@test "archives: accepted or rejected as such" {
	tar -C "$BATS_FILE_TMPDIR/layout" -cf "$BATS_TEST_TMPDIR/a.tar" .
	echo '{"default":[{"type":"reject"}],"transports":{"docker-archive":{"":[{"type":"insecureAcceptAnything"}]}}}' >"$P"
	run -1 skiff load --signature-policy "$P" -i "$BATS_TEST_TMPDIR/a.tar"
	contains "Source image rejected: oci-archive: policy '$P' (default): it is rejected"
	echo '{"default":[{"type":"sigstoreSigned","keyPath":"'"$GOOD"'"}]}' >"$P"
	run -1 skiff load --signature-policy "$P" -i "$BATS_TEST_TMPDIR/a.tar"
	contains "a signature was required, and archives have none"
	is "$(skiff images -aq)" ""
	echo '{"default":[{"type":"reject"}],"transports":{"oci-archive":{"":[{"type":"insecureAcceptAnything"}]}}}' >"$P"
	run -0 skiff load --signature-policy "$P" -i "$BATS_TEST_TMPDIR/a.tar"
	# What comes with the program is not asked about.
	echo '{"default":[{"type":"reject"}]}' >"$HOME/.config/containers/policy.json"
	run -0 skiff run --rm --network none "$BB" true
}

# bats test_tags=not-root
# root's own policy is the machine's
@test "copy, manifest and import obey the user's policy as pull and load do" {
	local f=$HOME/.config/containers/policy.json l=$BATS_FILE_TMPDIR/layout t=$BATS_TEST_TMPDIR
	P=$f
	policy '{"type":"reject"}' '{"type":"insecureAcceptAnything"}'
	local to
	for to in store:in "oci:$t/out" "docker://$REGISTRY/copied"; do
		run -1 skiff copy "docker://$REGISTRY/team/app" "$to"
		contains "Source image rejected"
	done
	[ ! -e "$t/out" ]
	run -1 skiff manifest create list "docker://$REGISTRY/team/app"
	contains "Source image rejected"
	run -1 skiff manifest create --all list "docker://$REGISTRY/team/app"
	contains "Source image rejected"
	skiff copy -q "docker://$REGISTRY/other" store:other >/dev/null
	skiff manifest create list "docker://$REGISTRY/other"
	# What was accepted once is asked about again when it goes on.
	printf '{"default":[{"type":"reject"}]}' >"$f"
	run -1 skiff manifest push -q list "$REGISTRY/pushed"
	contains "Source image rejected"
	# The store's own images came in by the rules.
	run -0 skiff copy -q store:other "oci:$t/out"
	run -1 skiff copy "oci:$l" store:in
	contains "Source image rejected: oci: policy '$f' (default): it is rejected"
	tar -C "$l" -cf "$t/a.tar" .
	run -1 skiff copy "oci-archive:$t/a.tar" store:in
	contains "Source image rejected: oci-archive:"
	run -1 skiff import "$t/a.tar" in
	contains "Source image rejected: tarball:"
	run -1 skiff image exists in
	policy "$(signed "$GOOD")"
	run -1 skiff copy "docker://$REGISTRY/team/app" store:in
	contains "a signature was required, but no signature exists"
	run -1 skiff manifest create --all other "docker://$REGISTRY/team/app"
	contains "a signature was required, but no signature exists"
	sign good "$REGISTRY/team/app:latest"
	run -0 skiff copy -q "docker://$REGISTRY/team/app" store:in
	run -0 skiff copy -q "docker://$REGISTRY/team/app@$DIGEST" store:in2
	run -0 skiff manifest create --all other "docker://$REGISTRY/team/app"
	skiff manifest rm list other
}

# bats test_tags=not-root
# root's own policy is the machine's
@test "image trust set and show" {
	[ "$(id -u)" != 0 ] || fail "this would change /etc/containers/policy.json"
	local f=$HOME/.config/containers/policy.json
	if [ ! -e /etc/containers/policy.json ]; then
		run -0 skiff image trust show
		is "${lines[1]}" "all        default  accept"
	fi
	skiff image trust set -t reject default
	skiff image trust set --type accept "$REGISTRY"
	skiff image trust set -f "$GOOD" "$REGISTRY/team/app"
	run -0 skiff image trust show
	is "$(tr -s ' ' <<<"$output")" "TRANSPORT NAME TYPE KEYS
all default reject
repository $REGISTRY accept
repository $REGISTRY/team/app sigstoreSigned $GOOD"
	run -0 skiff image trust show --raw
	is "$(python3 -c 'import json,sys; print(json.loads(sys.argv[1])["default"])' "$output")" "[{'type': 'reject'}]"
	run -0 skiff image trust show -j "$REGISTRY"
	contains '"type": "accept"'
	lacks sigstore
	sign good "$REGISTRY/team/app:latest"
	run -0 skiff pull -q "$REGISTRY/team/app"
	run -0 skiff pull -q "$REGISTRY/other"
	run -125 skiff pull 127.0.0.1:1/x
	contains "it is rejected"
	skiff image trust set -t reject "$REGISTRY/other"
	run -125 skiff pull "$REGISTRY/other"
	# Mistakes change nothing.
	cp "$f" "$BATS_TEST_TMPDIR/before"
	run -1 skiff image trust set "$REGISTRY"
	contains "needs a public key"
	run -1 skiff image trust set -t maybe "$REGISTRY"
	contains "unknown type 'maybe'"
	run -1 skiff image trust set -t signedBy "$REGISTRY"
	contains "not supported"
	run -1 skiff image trust set -f /nowhere.pub "$REGISTRY"
	contains "/nowhere.pub"
	run -1 skiff image trust show nothere
	contains "nothing about 'nothere'"
	cmp "$f" "$BATS_TEST_TMPDIR/before"
}
