# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The registry that misbehaves (fake-registry.py), for tests of what pull does then.
#
#	fake_start		in setup_file; sets and exports FAKE, FAKE2 (plain, two origins), FAKETLS, FAKETLS2 and FAKE_CA
#	rules RULES		the JSON list of rules; clears the log
#	requests PATTERN	how many requests in the log match
#	digest_of IMAGE KIND [N]	digest of its config, N-th layer or manifest
#	nothing_left		the store has no image, no layer and nothing half-written
#	fake_stop		in teardown_file

fake_start() {
	local dir=$BATS_FILE_TMPDIR/fake
	command -v python3 >/dev/null || skip "python3 is not installed"
	mkdir -p "$dir"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,DNS:registry.example -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
	"$TESTS/cli/fake-registry.py" --ports "$dir/ports" --tls "$dir/cert.pem" "$dir/key.pem" >"$dir/out" 2>&1 3>&- &
	export FAKE_PID=$!
	wait_for 20 test -e "$dir/ports" || { cat "$dir/out"; return 1; }
	local a b c d
	read -r a b c d <"$dir/ports"
	export FAKE=127.0.0.1:$a FAKE2=127.0.0.1:$b FAKETLS=localhost:$c FAKETLS2=localhost:$d FAKE_CA=$dir/cert.pem
	# Failures that are retried: soon. A stall: two seconds instead of thirty.
	export SKIFF_HTTP_BACKOFF=20 SKIFF_HTTP_STALL=2
}

fake_stop() {
	[ -z "${FAKE_PID:-}" ] || kill "$FAKE_PID" 2>/dev/null || true
}

rules() {
	curl -sf --noproxy '*' -d "${1:-[]}" "http://$FAKE/_script" >/dev/null
}

requests() {
	curl -sf --noproxy '*' "http://$FAKE/_log" | grep -cE -e "$1" || true
}

digest_of() {
	curl -sf --noproxy '*' "http://$FAKE/_digests" | awk -v i="$1" -v k="$2" -v n="${3:-1}" '$1 == i && $2 == k && ++c == n { print $3 }'
}

store_ls() {
	local root=${SKIFF_ROOT:-$HOME/.local/share/skiff} d
	for d in "$@"; do
		[ ! -d "$root/$d" ] || find "$root/$d" -mindepth 1 -maxdepth 1 ! -name guard ! -path "$root/tmp/blobs" ! -name '*.lock'
	done
}

nothing_left() {
	is "$(store_ls tags layers tmp tmp/blobs trash oci/blobs/sha256)" ""
	run -0 skiff system check
}

# The store is valid, and nothing in it is half-written.
store_is_valid() {
	is "$(store_ls tmp tmp/blobs trash)" ""
	run -0 skiff system check
}

# trust HOST FILE: its certificate authority.
trust() {
	mkdir -p "$HOME/.config/containers/certs.d/$1"
	cp "$2" "$HOME/.config/containers/certs.d/$1/ca.crt"
}

distrust() {
	rm -rf "$HOME/.config/containers/certs.d"
}

# fake_start_bad: as fake_start, with the bad certificates and HTTP/2 of fault-matrix.py; exports FAKE_PORTS and FAKE_CAS.
fake_start_bad() {
	local dir=$BATS_FILE_TMPDIR/fake name
	/usr/bin/python3 -c 'import h2' 2>/dev/null || skip "python3-h2 is not installed"
	mkdir -p "$dir/bad"
	for name in good:localhost unknown:localhost other:other.example expired:localhost; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=${name#*:}" \
			-addext "subjectAltName=DNS:${name#*:}" -keyout "$dir/key" -out "$dir/req" 2>/dev/null
		printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n' \
			"$dir" "$dir" >"$dir/ca.cnf"
		printf 'copy_extensions=copy\nunique_subject=no\n[p]\ncommonName=supplied\n' >>"$dir/ca.cnf"
		: >"$dir/index"
		case $name in
		expired:*) set -- 20200101000000Z 20200102000000Z ;;
		*) set -- 20200101000000Z 20990101000000Z ;;
		esac
		openssl ca -batch -selfsign -config "$dir/ca.cnf" -in "$dir/req" -keyfile "$dir/key" -startdate "$1" -enddate "$2" \
			-notext -out "$dir/cert" 2>/dev/null
		cat "$dir/cert" "$dir/key" >"$dir/bad/${name%:*}.pem"
		[ "${name%:*}" = unknown ] || cat "$dir/cert" >>"$dir/cas"
	done
	"$TESTS/cli/fake-registry.py" --ports "$dir/ports" --tls "$dir/bad/good.pem" "$dir/bad/good.pem" --bad "$dir/bad" \
		>"$dir/out" 2>&1 3>&- &
	export FAKE_PID=$!
	wait_for 20 test -e "$dir/ports" || { cat "$dir/out"; return 1; }
	FAKE_PORTS=$(cat "$dir/ports")
	export FAKE_PORTS FAKE_CAS=$dir/cas
}
