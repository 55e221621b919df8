#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The completion script of bash, as bash would call it.

load common

setup() {
	skiff completion bash >"$BATS_TEST_TMPDIR/c"
	# shellcheck disable=SC1091
	source "$BATS_TEST_TMPDIR/c"
	skiff() { # what is there to complete
		case $* in
		ps*-a*) printf 'web\ndb\n' ;;
		ps*) echo web ;;
		images*) printf 'busybox:latest\n<none>:<none>\nreg.example/x:1\n' ;;
		esac
	}
}

# completes LINE WORDS: what is offered for it
completes() {
	COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
	_skiff || true # bash ignores its status
	[ "${COMPREPLY[*]}" = "$2" ] || fail "'$1': got '${COMPREPLY[*]}', want '$2'"
}

@test "bash completes verbs" {
	completes "skiff ru" "run"
	completes "skiff container rest" ""
	completes "skiff container in" "inspect"
	completes "skiff --root /x -D rm" "rm rmi"
	completes "skiff sys" "system"
	completes "skiff image s" "save"
	completes "skiff image tr" "trust tree"
	completes "skiff image trust " "set show"
	completes "skiff image trust set --ty" "--type"
}

@test "bash completes options and their values" {
	completes "skiff run --net" "--network"
	completes "skiff run --network h" "host"
	completes "skiff run --network=h" "host"
	completes "skiff run --pull ne" "never newer"
	completes "skiff --log-level d" "debug"
	completes "skiff run --rm busybox --net" ""
	completes "skiff run --memor" ""
	completes "skiff run --env-file /proc/self/ro" "/proc/self/root"
}

@test "bash completes names" {
	completes "skiff rm " "web db"
	completes "skiff rm web d" "db"
	completes "skiff exec " "web"
	completes "skiff container stop " "web"
	completes "skiff run -it --name x bus" "busybox:latest"
	completes "skiff run busybox:" "latest"
	completes "skiff inspect " "web db busybox:latest reg.example/x:1"
	completes "skiff rmi reg" "reg.example/x:1"
	completes "skiff logs web " ""
}

@test "the scripts of zsh and fish are made" {
	unset -f skiff
	run skiff completion zsh
	is "$status" 0
	is "${lines[0]}" "#compdef skiff"
	run skiff completion fish
	is "$status" 0
	contains "complete -c skiff -n '__skiff_at ' -a run"
}
