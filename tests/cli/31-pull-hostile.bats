#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Registries that lie, and redirects that fish for passwords (RG-01 to RG-12).

load common
load fake

setup_file() { fake_start; }
teardown_file() { fake_stop; }

setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	rules
}

teardown() {
	rm -rf "$HOME/.docker" "$HOME/.config/containers"
}

password() { # HOST...
	local h all=
	mkdir -p "$HOME/.docker"
	for h; do all="$all${all:+,}\"$h\":{\"auth\":\"$(printf 'alice:s3cret' | base64)\"}"; done
	printf '{"auths":{%s}}' "$all" >"$HOME/.docker/config.json"
}

refused() { # IMAGE WORDS...: pull fails with 125 and one line that has these words, and nothing is left
	local w
	run -125 --separate-stderr skiff pull "$1"
	is "$output" ""
	# shellcheck disable=SC2154
	output=$(grep '^Error: ' <<<"$stderr")
	is "$(wc -l <<<"$output")" 1
	for w in "${@:2}"; do contains "$w"; done
	nothing_left
}

@test "RG-01 one wrong byte in the manifest, the config or a layer" {
	local d
	d=$(digest_of img manifest)
	rules '[{"match":"manifests/","corrupt":30}]'
	refused "$FAKE/img@$d" "wrong digest"
	rules "[{\"match\":\"blobs/$(digest_of img config)\",\"corrupt\":9}]"
	refused "$FAKE/img" "$(digest_of img config)" "wrong digest"
	rules "[{\"match\":\"blobs/$(digest_of img layer 1)\",\"corrupt\":1000000}]"
	refused "$FAKE/img" "$(digest_of img layer 1)"
	rules "[{\"match\":\"blobs/$(digest_of img layer 3)\",\"corrupt\":4}]" # in the gzip header: only the digest tells
	refused "$FAKE/img" "$(digest_of img layer 3)" "wrong digest"
}

@test "RG-01 the registry's own word about a digest counts for nothing" {
	local other
	other=sha256:$(printf '%064d' 1)
	rules "[{\"match\":\"/\",\"digest\":\"$other\"}]"
	run -0 --separate-stderr skiff pull "$FAKE/img"
	is "${lines[0]}" "Digest: $(digest_of img manifest)"
	rules "[{\"match\":\"/\",\"drop_digest\":true}]"
	run -0 skiff pull "$FAKE/small"
}

@test "RG-02 documents that can be read in two ways, or in none" {
	refused "$FAKE/bad/both" "both layers and manifests"
	refused "$FAKE/bad/type" "ambiguous"
	refused "$FAKE/bad/unknown-type" "unknown"
	refused "$FAKE/bad/schema1" "$FAKE/bad/schema1"
	refused "$FAKE/bad/html" "text/html"
	refused "$FAKE/bad/json" "$FAKE/bad/json"
	refused "$FAKE/bad/empty" "$FAKE/bad/empty"
	refused "$FAKE/bad/artifact" "$FAKE/bad/artifact"
	rules '[{"match":"small/manifests/","type":"application/vnd.docker.distribution.manifest.v2+json"}]'
	refused "$FAKE/small" "ambiguous"
}

@test "RG-03 digests that are paths, or no digests" {
	refused "$FAKE/bad/digest-path" "invalid digest"
	refused "$FAKE/bad/digest-upper" "invalid digest"
	refused "$FAKE/bad/digest-short" "invalid digest"
	refused "$FAKE/bad/digest-algo" "invalid digest"
	refused "$FAKE/bad/digest-huge" "digest"
	refused "$FAKE/bad/diffid-path" "digest"
	is "$(requests '\.\.')" 0
}

@test "RG-04 urls of foreign layers are not followed, least of all with a password" {
	password "$FAKE" "$FAKE2"
	rules '[{"match":"bad/","auth":"basic"}]'
	refused "$FAKE/bad/urls" "blob unknown"
	refused "$FAKE/bad/foreign" "foreign"
	is "$(requests '^1 ')" 0
}

@test "RG-05 authorization stays when a redirect leaves the origin" {
	local blob p1=${FAKE#*:} p2=${FAKE2#*:}
	password "$FAKE"
	blob=$(digest_of small layer 1)
	# Another port is another origin; so is another name of the same machine.
	for to in "http://127.0.0.1:$p2" "http://localhost:$p1"; do
		rm -rf "$SKIFF_ROOT"
		rules "[{\"match\":\"blobs/$blob\",\"times\":1,\"auth\":\"basic\",\"redirect\":\"$to{path}\"},
			{\"match\":\"small/manifests\",\"auth\":\"basic\"}]"
		run -0 skiff pull "$FAKE/small"
		is "$(requests "blobs/$blob .*auth=Basic status=307")" 1
		is "$(requests "blobs/$blob .*auth=- status=200")" 1
	done
	# The same origin: it goes along.
	rm -rf "$SKIFF_ROOT"
	rules "[{\"match\":\"blobs/$blob\",\"times\":1,\"auth\":\"basic\",\"redirect\":\"http://$FAKE{path}?again\"},
		{\"match\":\"/v2/\",\"auth\":\"basic\"}]"
	run -0 skiff pull "$FAKE/small"
	is "$(requests "again .*auth=Basic status=200")" 1
	# Away and back: once it was left behind, it stays behind.
	rm -rf "$SKIFF_ROOT"
	rules "[{\"match\":\"blobs/$blob\$\",\"port\":0,\"redirect\":\"http://$FAKE2/x\"},
		{\"match\":\"GET /x\",\"redirect\":\"http://$FAKE/v2/small/blobs/$blob?back\"},
		{\"match\":\"manifests\",\"auth\":\"basic\"}]"
	run -0 skiff pull "$FAKE/small"
	is "$(requests "back .*auth=- status=200")" 1
}

@test "RG-05 never from https to http, and no more than ten redirects" {
	local blob
	blob=$(digest_of small layer 1)
	trust "$FAKETLS" "$FAKE_CA"
	rules "[{\"match\":\"blobs/$blob\",\"port\":2,\"redirect\":\"http://$FAKE{path}\"}]"
	refused "$FAKETLS/small" "redirect from https to http refused"
	rules "[{\"match\":\"blobs/$blob\",\"redirect\":\"{path}\"}]"
	refused "$FAKE/small" "more than 10 redirects"
	is "$(requests "blobs/$blob")" 11
	rules "[{\"match\":\"blobs/$blob\",\"redirect\":\"file:///etc/passwd\"}]"
	refused "$FAKE/small" "redirect"
	rules "[{\"match\":\"blobs/$blob\",\"redirect\":\"http://alice:s3cret@$FAKE2/x\"}]"
	refused "$FAKE/small" "http://$FAKE2/x"
	rules "[{\"match\":\"blobs/$blob\",\"status\":307}]"
	refused "$FAKE/small" "redirect without a target"
}

@test "RG-05 a token server without https gets nothing from a verified registry" {
	trust "$FAKETLS" "$FAKE_CA"
	password "$FAKETLS"
	rules "[{\"match\":\"/v2/\",\"auth\":\"bearer\",\"realm\":\"http://$FAKE2/token\"}]"
	run -125 skiff pull --tls-verify "$FAKETLS/small"
	contains "token server 'http://$FAKE2/token' refused: not https"
	is "$(requests token)" 0
	trust "$FAKETLS2" "$FAKE_CA"
	rules "[{\"match\":\"/v2/\",\"auth\":\"bearer\",\"realm\":\"https://$FAKETLS2/token\"}]"
	run -0 skiff pull --tls-verify "$FAKETLS/small"
	is "$(requests '^3 GET /token.service=fake&scope=repository%3Asmall%3Apull .*auth=Basic')" 1
	is "$(requests '/v2/.*auth=Basic')" 0 # the password goes to the token server alone
}

@test "RG-06 certificates: self-signed, wrong name, expired, no TLS at all" {
	local d=$BATS_TEST_TMPDIR
	refused_tls() { # IMAGE WORDS
		run -125 skiff pull --tls-verify=true "$1"
		contains "Error: reading manifest latest in $1"
		contains "$2"
		nothing_left
	}
	refused_tls "$FAKETLS/small" "certificate"
	refused_tls "$FAKE/small" "server gave HTTP response to HTTPS client"
	trust "127.0.0.1:${FAKETLS#*:}" "$FAKE_CA"
	refused_tls "127.0.0.1:${FAKETLS#*:}/small" "127.0.0.1"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$d/key.pem" -out "$d/req.pem" 2>/dev/null
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n' "$d" "$d" >"$d/ca.cnf"
	printf 'copy_extensions=copy\n[p]\ncommonName=supplied\n' >>"$d/ca.cnf"
	: >"$d/index"
	openssl ca -batch -selfsign -config "$d/ca.cnf" -in "$d/req.pem" -keyfile "$d/key.pem" -startdate 20200101000000Z \
		-enddate 20200102000000Z -notext -out "$d/cert.pem" 2>/dev/null
	"$TESTS/cli/fake-registry.py" --ports "$d/ports" --tls "$d/cert.pem" "$d/key.pem" 3>&- &
	wait_for 20 test -e "$d/ports"
	read -r _ _ port _ <"$d/ports"
	trust "localhost:$port" "$d/cert.pem"
	run -125 skiff pull --tls-verify=true "localhost:$port/small"
	kill $!
	contains "expired"
}

@test "RG-07 documents too large, too deep, too many, compressed" {
	refused "$FAKE/bad/huge" "larger than"
	refused "$FAKE/bad/deep" "$FAKE/bad/deep"
	refused "$FAKE/bad/config-huge" "config"
	refused "$FAKE/bad/layers-513" "513"
	rules '[{"match":"small/manifests","encoding":"gzip"}]'
	refused "$FAKE/small" "Content-Encoding"
	rules '[{"match":"small/blobs","encoding":"gzip"}]'
	refused "$FAKE/small" "Content-Encoding"
	rules '[{"match":"small/manifests","chunked":true,"longer":9000000}]'
	refused "$FAKE/small" "larger than"
	rules "[{\"match\":\"small/manifests\",\"headers\":{\"X-Long\":\"$(head -c 60000 /dev/zero | tr '\0' a)\"}}]"
	run -0 skiff pull "$FAKE/small"
}

@test "RG-08 helper names that are paths are not run; a helper's password is not shown" {
	mkdir -p "$HOME/.docker" "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\ntouch %s/evil\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bin/evil"
	cat >"$BATS_TEST_TMPDIR/bin/docker-credential-good" <<-'END'
		#!/bin/sh
		[ "$1" = get ] && host=$(cat) && printf '{"ServerURL":"%s","Username":"alice","Secret":"s3cret"}' "$host"
	END
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	rules '[{"match":"/v2/","auth":"basic"}]'
	printf '{"credHelpers":{"%s":"../../../..%s/bin/evil"}}' "$FAKE" "$BATS_TEST_TMPDIR" >"$HOME/.docker/config.json"
	run -125 skiff pull "$FAKE/small"
	[ ! -e "$BATS_TEST_TMPDIR/evil" ]
	printf '{"credHelpers":{"%s":"good"}}' "$FAKE" >"$HOME/.docker/config.json"
	run -0 env PATH="$BATS_TEST_TMPDIR/bin:$PATH" "$SKIFF" --debug pull "$FAKE/small"
	lacks s3cret
	run ! grep -rqs s3cret "$SKIFF_ROOT"
}

@test "RG-09 references that would inject headers or leave the registry" {
	local r
	for r in $'x\r\nHost: y' "$FAKE/a b" "$FAKE/../x" "$FAKE/x:t@g" "$FAKE/x?y=z" "$FAKE/x#y" "$FAKE/X" "$FAKE/x:$(printf 'a%.0s' {1..129})" \
		"$FAKE/x@sha256:zz" "http://$FAKE/x" "user:pw@$FAKE/x" "$FAKE/" "" "-x"; do
		run skiff pull -- "$r"
		[ "$status" = 125 ] || fail "accepted: $r ($status)"
	done
	is "$(requests .)" 0
}

@test "RG-10 resume: another answer to Range is noticed, and the blob fetched once more" {
	local blob
	blob=$(digest_of img layer 1)
	# The first half, a reset, and then bytes that do not go on from there.
	rules "[{\"match\":\"blobs/$blob\",\"times\":1,\"reset\":1500000},{\"match\":\"blobs/$blob\",\"times\":1,\"wrong_range\":true}]"
	run -0 skiff pull "$FAKE/img"
	is "$(requests "blobs/$blob")" 3
	# A server that knows no Range at all.
	rm -rf "$SKIFF_ROOT"
	rules "[{\"match\":\"blobs/$blob\",\"times\":1,\"reset\":1500000},{\"match\":\"blobs/$blob\",\"no_range\":true}]"
	run -0 skiff pull "$FAKE/img"
	store_is_valid
}

@test "RG-12 the same platform twice: the first one, and always that" {
	run -0 skiff pull "$FAKE/multi"
	is "$(skiff image inspect -f '{{.Id}}' "$FAKE/multi")" "$(digest_of multi config)"
	skiff rmi "$FAKE/multi" >/dev/null
	run -0 skiff --debug pull "$FAKE/multi"
	contains "$(digest_of multi manifest)"
}

@test "RG-13 a loaded image that takes a registry's name: load names what it replaces, --pull=always asks the registry" {
	local theirs loaded
	theirs=$(digest_of small config)
	python3 "$TESTS/cli/tl.py" good "$BATS_TEST_TMPDIR/a.tar" "$FAKE/small:latest"
	run -0 skiff load -i "$BATS_TEST_TMPDIR/a.tar"
	lacks renaming
	loaded=$(skiff image inspect -f '{{.Id}}' "$FAKE/small")
	[ "$loaded" != "$theirs" ]
	run -0 skiff create --network none --name missing "$FAKE/small" /x
	is "$(skiff inspect -f '{{.Image}}' missing)" "$loaded"
	run -0 skiff create --network none --name always --pull=always "$FAKE/small" /x
	is "$(skiff inspect -f '{{.Image}}' always)" "$theirs"
	run -0 skiff load -i "$BATS_TEST_TMPDIR/a.tar"
	contains "The image $FAKE/small:latest already exists, renaming the old one with ID $theirs to empty string"
	skiff rm missing always
}

@test "sizes and diff ids that are wrong" {
	refused "$FAKE/bad/size-less" "size"
	refused "$FAKE/bad/size-more" "size"
	refused "$FAKE/bad/negative" "size"
	refused "$FAKE/bad/config-size" "size"
	refused "$FAKE/bad/diffid" "wrong diff id"
	refused "$FAKE/bad/diffid-count" "layers in the manifest"
	refused "$FAKE/bad/twin" "two diff ids"
	refused "$FAKE/bad/missing" "blob unknown"
}

@test "TL-14 TL-11 layers that are no archive, are cut, or have something behind the end" {
	refused "$FAKE/bad/not-gzip" "layer"
	refused "$FAKE/bad/gzip-cut" "layer"
	refused "$FAKE/bad/gzip-tail" "layer"
}
