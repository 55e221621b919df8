#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# skiff login and logout: what is asked of the registry, where it is kept, and that nobody sees it.

load common
load fake

setup_file() { fake_start; }
teardown_file() { fake_stop; }

setup() {
	export HOME=$BATS_TEST_TMPDIR/home SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir "$HOME" "$XDG_RUNTIME_DIR"
	rules '[{"match":"/v2/","auth":"basic"}]'
}

CONFIG=.docker/config.json

stored() { # FILE HOST: what is kept, decoded
	python3 -c 'import base64,json,sys
a = json.load(open(sys.argv[1])).get("auths", {}).get(sys.argv[2])
print(a if a is None or "auth" not in a else base64.b64decode(a["auth"]).decode())' "$1" "$2"
}

# bats test_tags=smoke
@test "a password from stdin: verified, kept in docker's config.json, used by pull, gone after logout" {
	run -0 --separate-stderr sh -c 'printf "s3cret\n" | skiff login -u alice --password-stdin "$1"' sh "$FAKE"
	is "$output" "Login Succeeded"
	is "$stderr" "Warning: the password is kept unencrypted in '$HOME/$CONFIG'; a credential helper (credsStore) avoids that"
	is "$(stored "$HOME/$CONFIG" "$FAKE")" alice:s3cret
	is "$(stat -c %a "$HOME/$CONFIG" "$HOME/.docker" | tr '\n' ' ')" "600 700 "
	run -0 skiff login --get-login "$FAKE"
	is "$output" alice
	run -0 skiff pull -q "$FAKE/small"
	run -0 --separate-stderr skiff login "$FAKE"
	is "$output" "Login Succeeded"
	is "$stderr" "Authenticating with existing credentials..."
	run -0 skiff logout "$FAKE"
	is "$output" "Removing login credentials for $FAKE"
	run -0 skiff logout "$FAKE"
	is "$output" "Not logged in to $FAKE"
	run -1 skiff login --get-login "$FAKE"
	contains "not logged into $FAKE"
	is "$(stored "$HOME/$CONFIG" "$FAKE")" None
	skiff system reset -f
}

@test "a wrong password is refused by the registry, and not kept" {
	run -1 skiff login -u alice --password-stdin "$FAKE" <<<wr0ng
	is "$output" "Error: logging into \"$FAKE\": invalid username/password"
	rules '[{"match":"/v2/","auth":"bearer"}]'
	run -1 skiff login -u alice --password-stdin "$FAKE" <<<wr0ng
	is "$output" "Error: logging into \"$FAKE\": invalid username/password"
	[ ! -e "$HOME/$CONFIG" ]
	is "$(requests '/v2/.*auth=Basic')" 0 # with a token server the password goes there alone
	rules '[{"match":"/v2/","status":503}]'
	run -1 skiff login -u alice --password-stdin "$FAKE" <<<s3cret
	contains "logging into \"$FAKE\": "
	contains "503"
	run -1 skiff login -u alice --password-stdin 127.0.0.1:1 <<<s3cret
	contains "logging into \"127.0.0.1:1\": "
	[ ! -e "$HOME/$CONFIG" ]
}

@test "a token server; several registries and repositories beside each other" {
	rules '[{"match":"/v2/","auth":"bearer"}]'
	run -0 skiff login -u alice --password-stdin "http://$FAKE/v2/" <<<s3cret
	is "$(stored "$HOME/$CONFIG" "$FAKE")" alice:s3cret
	run -0 skiff login -u alice --password-stdin "$FAKE/small" <<<s3cret
	run -0 skiff login -u alice --password-stdin "$FAKE2" <<<s3cret
	is "$(stored "$HOME/$CONFIG" "$FAKE/small") $(stored "$HOME/$CONFIG" "$FAKE2")" "alice:s3cret alice:s3cret"
	# Each entry is its own: the registry's is removed, the repository's stays, and is enough there.
	skiff logout "$FAKE"
	is "$(stored "$HOME/$CONFIG" "$FAKE") $(stored "$HOME/$CONFIG" "$FAKE/small")" "None alice:s3cret"
	rules '[{"match":"/v2/","auth":"basic"}]'
	run -0 skiff pull -q "$FAKE/small"
	run -125 skiff pull -q "$FAKE/img"
	contains "no credentials for $FAKE were found"
	run -0 skiff logout -a
	is "$output" "Removed login credentials for all registries"
	is "$(stored "$HOME/$CONFIG" "$FAKE2")" None
	skiff system reset -f
}

@test "where it is kept: --authfile, REGISTRY_AUTH_FILE, --config, the file that has the registry already" {
	local f
	login() { skiff "${@:2}" login -v -u alice --password-stdin $1 "$FAKE" <<<s3cret; }
	run -0 login "--authfile $BATS_TEST_TMPDIR/a/b.json"
	contains "Used: $BATS_TEST_TMPDIR/a/b.json"
	is "$(stored "$BATS_TEST_TMPDIR/a/b.json" "$FAKE")" alice:s3cret
	REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/c.json run -0 login ""
	is "$(stored "$BATS_TEST_TMPDIR/c.json" "$FAKE")" alice:s3cret
	run -0 login "" --config "$BATS_TEST_TMPDIR/conf"
	is "$(stored "$BATS_TEST_TMPDIR/conf/config.json" "$FAKE")" alice:s3cret
	[ ! -e "$HOME/$CONFIG" ]
	mkdir -p "$HOME/.config/containers" "$HOME/.docker" "$HOME/real"
	printf '{"auths":{"%s":{"auth":"b2xkOm9sZA=="},"o.example":{"auth":"dTpw"}}}' "$FAKE" >"$HOME/.config/containers/auth.json"
	run -0 login ""
	f=$HOME/.config/containers/auth.json
	is "$(stored "$f" "$FAKE") $(stored "$f" o.example)" "alice:s3cret u:p"
	[ ! -e "$HOME/$CONFIG" ]
	# What we do not know in the file stays there; a symlink stays one.
	printf '{"auths":{},"psFormat":"table {{.ID}}","x":{"y":[1,2]}}' >"$HOME/real/c.json"
	ln -s ../real/c.json "$HOME/$CONFIG"
	rm "$f"
	run -0 login ""
	[ -L "$HOME/$CONFIG" ]
	is "$(stored "$HOME/real/c.json" "$FAKE")" alice:s3cret
	python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); assert d["x"] == {"y": [1, 2]} and d["psFormat"]' "$HOME/real/c.json"
	is "$(stat -c %a "$HOME/real/c.json")" 600
	is "$(find "$HOME" -name '*.tmp-*')" ""
}

@test "docker.io has the key that docker uses; other spellings are the same registry" {
	mkdir -p "$HOME/.docker"
	printf '{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},"https://Reg.Example/v2/":{"auth":"dTpw"}}}' >"$HOME/$CONFIG"
	is "$(skiff login --get-login)" u
	is "$(skiff login --get-login docker.io)" u
	is "$(skiff login --get-login https://index.docker.io/v1/)" u
	is "$(skiff login --get-login reg.example)" u
	run -0 skiff logout
	is "$output" "Removing login credentials for docker.io"
	skiff logout reg.example
	is "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["auths"])' "$HOME/$CONFIG")" "{}"
}

helper() { # a credential store that keeps what it gets in $HOME/vault, by server
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$HOME/vault"
	cat >"$BATS_TEST_TMPDIR/bin/docker-credential-vault" <<-'END'
		#!/usr/bin/python3
		import json, os, sys
		name = lambda s: os.path.join(os.environ["HOME"], "vault", s.replace("/", "_"))
		verb, text = sys.argv[1], sys.stdin.read()
		assert len(sys.argv) == 2
		if os.path.exists(name("locked")):
		    print("the vault is locked" + (" for " + json.loads(text)["Secret"] if os.path.exists(name("leaky")) else "")); sys.exit(1)
		if verb == "store":
		    d = json.loads(text); open(name(d["ServerURL"]), "w").write(text)
		elif not os.path.exists(name(text)):
		    print("credentials not found in native keychain"); sys.exit(1)
		elif verb == "get": print(open(name(text)).read())
		elif verb == "erase": os.unlink(name(text))
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/docker-credential-vault"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "a credential store: get, store, erase; the file has no secret" {
	helper
	mkdir -p "$HOME/.docker"
	echo '{"credsStore":"vault"}' >"$HOME/$CONFIG"
	run -0 --separate-stderr skiff login -v -u alice --password-stdin "$FAKE" <<<s3cret
	is "$output" "$(printf 'Used: docker-credential-vault\nLogin Succeeded')"
	is "$stderr" ""
	is "$(cat "$HOME/vault/$FAKE")" "{\"ServerURL\":\"$FAKE\",\"Username\":\"alice\",\"Secret\":\"s3cret\"}"
	is "$(stored "$HOME/$CONFIG" "$FAKE")" "{}"
	run -0 skiff pull -q "$FAKE/small"
	run -0 skiff login --get-login "$FAKE"
	is "$output" alice
	run -0 skiff logout "$FAKE"
	is "$output" "Removing login credentials for $FAKE"
	[ ! -e "$HOME/vault/$FAKE" ]
	# A failure is the helper's sentence, unless that has the password in it.
	touch "$HOME/vault/locked"
	run -1 skiff login -u alice --password-stdin "$FAKE" <<<s3cret
	is "$output" "Error: credential helper vault: store ended with status 1: the vault is locked"
	touch "$HOME/vault/leaky"
	run -1 skiff login -u alice --password-stdin "$FAKE" <<<s3cret
	is "$output" "Error: credential helper vault: store ended with status 1"
	echo '{"credsStore":"missing"}' >"$HOME/$CONFIG"
	run -1 skiff login -u alice --password-stdin "$FAKE" <<<s3cret
	contains "docker-credential-missing"
	skiff system reset -f
}

@test "a helper for one registry; names that are no names" {
	helper
	mkdir -p "$HOME/.docker"
	printf '{"credHelpers":{"%s":"vault"}}' "$FAKE" >"$HOME/$CONFIG"
	run -0 skiff login -u alice --password-stdin "$FAKE" <<<s3cret
	[ -e "$HOME/vault/$FAKE" ]
	run -0 skiff login -u alice --password-stdin "$FAKE2" <<<s3cret
	is "$(stored "$HOME/$CONFIG" "$FAKE2")" alice:s3cret
	[ ! -e "$HOME/vault/$FAKE2" ]
	printf '{"credsStore":"../../..%s/bin/evil"}' "$BATS_TEST_TMPDIR" >"$HOME/$CONFIG"
	printf '#!/bin/sh\ntouch "%s"\n' "$BATS_TEST_TMPDIR/pwned" >"$BATS_TEST_TMPDIR/bin/evil"
	chmod +x "$BATS_TEST_TMPDIR/bin/evil"
	run -1 skiff login -u alice --password-stdin "$FAKE" <<<s3cret
	contains "the name of a credential helper is not [a-z0-9_-]+"
	[ ! -e "$BATS_TEST_TMPDIR/pwned" ]
}

@test "on a terminal: the name is echoed, the password is not" {
	run -0 python3 "$TESTS/cli/terminal.py" skiff login "$FAKE" <<-'END'
		expect Username:
		send alice\n
		expect Password:
		send s3cret\n
		expect Login Succeeded
		lacks s3cret
		exit 0
	END
	is "$(stored "$HOME/$CONFIG" "$FAKE")" alice:s3cret
	skiff logout "$FAKE"
	# Interrupted: the echo is back.
	run -0 python3 "$TESTS/cli/terminal.py" sh -c "skiff login -u alice $FAKE; stty -a" <<-'END'
		expect Password:
		send \x03
		exit 130
	END
	run -0 python3 "$TESTS/cli/terminal.py" sh -c "trap : INT; skiff login -u alice $FAKE; stty -a" <<-'END'
		expect Password:
		send \x03
		expect  echo 
		exit 0
	END
	[ "$(stored "$HOME/$CONFIG" "$FAKE")" = None ]
}

@test "options that contradict each other" {
	run -1 skiff login --password-stdin "$FAKE" <<<s3cret
	contains "Must provide --username with --password-stdin"
	run -1 skiff login -u a -p b --password-stdin "$FAKE" <<<s3cret
	contains "--password and --password-stdin are mutually exclusive"
	run -1 skiff login -u a "$FAKE" </dev/null
	contains "Cannot perform an interactive login from a non TTY device (use --username with --password-stdin)"
	run -1 skiff login -u a:b --password-stdin "$FAKE" <<<s3cret
	contains "has no colon in it"
	run -1 skiff login -u a --password-stdin "$FAKE" </dev/null
	contains "the password on stdin is empty"
	run -1 skiff login -u a --password-stdin "a b" <<<s3cret
	contains "'a b' is not the name of a registry"
	run -1 skiff logout -a "$FAKE"
	contains "--all takes no registry"
	run -1 skiff login -u a --password-stdin --cert-dir "$HOME/nowhere" "$FAKETLS" <<<s3cret
	contains "$HOME/nowhere"
}

@test "TLS: verified by default, --cert-dir brings an authority, --tls-verify=false takes anything" {
	run -1 skiff login -u alice --password-stdin --tls-verify=true "$FAKETLS" <<<s3cret
	contains "certificate"
	mkdir "$HOME/certs"
	cp "$FAKE_CA" "$HOME/certs/ca.crt"
	run -0 skiff login -u alice --password-stdin --tls-verify=true --cert-dir "$HOME/certs" "$FAKETLS" <<<s3cret
	run -0 skiff login -u alice --password-stdin --tls-verify=false "$FAKETLS" <<<s3cret
}

@test "two logins at the same time both stay" {
	local i pids=()
	for i in 1 2 3 4 5 6; do
		skiff login -u alice --password-stdin "$FAKE/r$i" <<<s3cret >/dev/null 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6; do is "$(stored "$HOME/$CONFIG" "$FAKE/r$i")" alice:s3cret; done
}

@test "nobody sees the password: not in errors, logs, traces, files, arguments or the title of a process" {
	local secret=pa55w0rd-of-this-test code pid out=$BATS_TEST_TMPDIR/out
	code=$(printf 'alice:%s' "$secret" | base64)
	mkdir "$out"
	for i in basic bearer; do
		rules "[{\"match\":\"/v2/\",\"auth\":\"$i\"}]"
		printf %s "$secret" | skiff -D --trace="$out/trace.$i" login -u alice --password-stdin "$FAKE" >"$out/$i" 2>&1 || true
		skiff -D login -u alice -p "$secret" "$FAKE" >>"$out/$i" 2>&1 || true
		contains_file "$out/$i" "invalid username/password"
	done
	mkdir -p "$HOME/.docker"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$FAKE" "$code" >"$HOME/$CONFIG"
	skiff -D pull "$FAKE/small" >"$out/pull" 2>&1 || true
	skiff -D login "$FAKE" >"$out/again" 2>&1 </dev/null || true
	printf '{"auths":{"%s":{"auth":"%s"' "$FAKE" "$code" >"$HOME/$CONFIG"
	skiff -D login -v "$FAKE" >"$out/broken" 2>&1 </dev/null || true
	rm "$HOME/$CONFIG"
	# While it waits for a slow registry: the arguments of all our processes.
	rules '[{"match":"/v2/","auth":"basic","delay":20}]'
	skiff login -u alice -p "$secret" "$FAKE" >"$out/slow" 2>&1 3>&- &
	pid=$!
	wait_for 10 grep -qs skiff-image "/proc/$pid/comm"
	wait_for 10 has_connected "$pid"
	tr '\0' ' ' <"/proc/$pid/cmdline" >"$out/cmdline"
	cat "/proc/$pid/comm" >>"$out/cmdline"
	kill "$pid"
	wait "$pid" || true
	contains_file "$out/cmdline" "-p \*\*\*"
	run ! grep -rFl -e "$secret" -e "$code" "$out" "$HOME" "$XDG_RUNTIME_DIR"
	[ ! -e "$SKIFF_ROOT" ] || run ! grep -rFl -e "$secret" -e "$code" "$SKIFF_ROOT"
}

has_connected() { ss -tnp state established "( dport = :${FAKE##*:} )" | grep -q "pid=$1,"; } # PID: not an earlier one's
contains_file() { grep -q -- "$2" "$1" || fail "not in $1: $2: $(cat "$1")"; }
