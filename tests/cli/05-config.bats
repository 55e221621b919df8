#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Configuration: skiff's own (config.json in /etc/skiff and XDG_CONFIG_HOME) and docker's client configuration (--config,
# DOCKER_CONFIG, ~/.docker) are two things, for every command.

load common

setup_file() {
	skiff run --rm --network none "$BB" true
}

setup() {
	D=$BATS_TEST_TMPDIR/docker
	mkdir -p "$D" "$HOME/.docker" "$HOME/.config/skiff"
}

teardown() {
	rm -rf "$HOME/.docker" "$HOME/.config/skiff"
	remove_all_containers
}

own() {
	printf '%s' "$1" >"$HOME/.config/skiff/config.json"
}

r() {
	skiff ${G:+"$G"} run --rm --network none "$@"
}

# bats test_tags=smoke
@test "proxies of docker's client configuration are the container's environment" {
	printf '{"proxies":{"default":{"httpProxy":"http://p:1","noProxy":"a,b"}}}' >"$HOME/.docker/config.json"
	is "$(r "$BB" sh -c 'echo $HTTP_PROXY $http_proxy $NO_PROXY ${https_proxy-none}')" "http://p:1 http://p:1 a,b none"
	printf '{"proxies":{"default":{"httpProxy":"http://q:2"}}}' >"$D/config.json"
	is "$(DOCKER_CONFIG=$D r "$BB" sh -c 'echo $HTTP_PROXY')" http://q:2
	is "$(G=--config=$D r "$BB" sh -c 'echo $HTTP_PROXY')" http://q:2
	is "$(DOCKER_CONFIG=/no/such G=--config=$D r "$BB" sh -c 'echo $HTTP_PROXY')" http://q:2
	is "$(DOCKER_CONFIG=/no/such r "$BB" sh -c 'echo ${HTTP_PROXY-none}')" none
	# what the user says goes before it
	is "$(r -e HTTP_PROXY=mine "$BB" sh -c 'echo $HTTP_PROXY $http_proxy')" "mine http://p:1"
	is "$(r -e HTTP_PROXY= "$BB" sh -c 'echo "<$HTTP_PROXY>"')" "<>"
}

# bats test_tags=smoke
@test "docker's client file is not skiff's configuration, for no command" {
	local c
	# as skiff's own, each of these would be refused
	printf '{"auths":{},"log-driver":[],"dns":["x"],"insecure-registries":1,"unknown":true}' >"$D/config.json"
	for c in "run --rm --network none $BB true" "create $BB true" "ps -a" "images" "info" "pull -q 127.0.0.1:1/x"; do
		# shellcheck disable=SC2086
		run --separate-stderr env DOCKER_CONFIG="$D" skiff $c
		[ "$status" = 0 ] || [[ $c == pull* && $stderr == *"Failed to connect"* ]] || fail "$c: $stderr"
		[[ $stderr != *config.json* ]] || fail "$c: $stderr"
		# shellcheck disable=SC2086
		run --separate-stderr skiff --config "$D" $c
		[[ $stderr != *config.json* ]] || fail "$c: $stderr"
	done
	# and one that is broken is a warning
	printf '{' >"$D/config.json"
	SKIFF_LOG=warn run -0 --separate-stderr skiff --config "$D" run --rm --network none "$BB" true
	[[ $stderr == *"$D/config.json: ignored"* ]] || fail "$stderr"
}

# bats test_tags=smoke
@test "skiff's own configuration has effect, whatever --config says" {
	own '{"dns":["192.0.2.7"],"dns-search":["x.example"],"dns-opts":["ndots:2"],"init":true,"no-new-privileges":true,
		"default-shm-size":"2m","default-ulimits":{"nofile":{"Name":"nofile","Soft":100,"Hard":200}},"log-driver":"none"}'
	for G in "" "--config=$D"; do
		is "$(r "$BB" cat /etc/resolv.conf)" $'nameserver 192.0.2.7\nsearch x.example\noptions ndots:2'
		is "$(r "$BB" sh -c 'cat /proc/1/comm; ulimit -Sn; ulimit -Hn; df -k /dev/shm | tail -n 1; grep NoNewPrivs /proc/self/status' |
			awk 'NR == 4 { print $2; next } { print $NF }' | tr '\n' ' ')" "skiff-init 100 200 2048 1 "
		is "$(skiff ${G:+"$G"} info -f '{{.LoggingDriver}}')" none
	done
	# the command line wins
	is "$(r --dns 192.0.2.8 "$BB" grep ^nameserver /etc/resolv.conf)" "nameserver 192.0.2.8"
	is "$(r --ulimit nofile=50 "$BB" sh -c 'ulimit -Sn')" 50
	own '{"default-ipc-mode":"host","default-cgroupns-mode":"host","storage-driver":"vfs"}'
	is "$(r "$BB" readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
	if [ -z "${SKIFF_STORAGE_DRIVER:-}" ]; then
		is "$(skiff info -f '{{.Driver}}' 2>/dev/null)" vfs
	fi
}

@test "wrong values and keys name the file and the key" {
	own '{"dns":["x"]}'
	run -125 r "$BB" true
	is "$output" "Error: $HOME/.config/skiff/config.json: 'dns': 'x' is not an address"
	run -1 skiff info
	contains "'dns'"
	own '{"no-such-key":1,"mtu":1400}'
	SKIFF_LOG=warn run -0 --separate-stderr r "$BB" true
	[[ $stderr == *"ignored the key 'no-such-key', which skiff does not know"* ]] || fail "$stderr"
	[[ $stderr == *"ignored the key 'mtu', which skiff does not use yet"* ]] || fail "$stderr"
	own '{'
	run -125 r "$BB" true
	contains "$HOME/.config/skiff/config.json"
	own '{}'
	chmod 666 "$HOME/.config/skiff/config.json"
	run -125 r "$BB" true
	contains "others may write to it"
}

@test "psFormat, imagesFormat and detachKeys; an option goes before them" {
	printf '{"psFormat":"<{{.Names}}>","imagesFormat":"{{.Repository}}!","detachKeys":"ctrl-x,x"}' >"$D/config.json"
	skiff create --name one -t "$BB" true
	is "$(skiff --config "$D" ps -a)" "<one>"
	is "$(skiff --config "$D" ps -a --format '{{.State}}')" created
	is "$(skiff --config "$D" ps -aq)" "$(skiff ps -aq)"
	is "$(DOCKER_CONFIG=$D skiff images)" "embedded/busybox!"
	skiff run -d -it --name t --network none "$BB" sh
	for verb in "attach t" "exec -it t sh"; do
		# shellcheck disable=SC2086
		python3 "$TESTS/cli/terminal.py" skiff --config "$D" $verb <<-'STEPS'
			send echo a''b\n
			expect ab
			send \x18x
			exit 0
		STEPS
	done
	skiff create --name s -it --network none "$BB" sh
	python3 "$TESTS/cli/terminal.py" skiff --config "$D" start -ai s <<-'STEPS'
		send echo a''b\n
		expect ab
		send \x18x
		exit 0
	STEPS
	is "$(skiff inspect -f '{{.State.Running}}' s)" true
	printf '{"detachKeys":"nonsense"}' >"$D/config.json"
	run -125 skiff --config "$D" run --rm "$BB" true
	contains "invalid detach keys (nonsense)"
}
