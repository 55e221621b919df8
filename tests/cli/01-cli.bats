#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What no container is needed for: help, mistakes on the command line, the description for tools, completions.

load common

# Every verb that help shows, one a line, as it is typed.
verbs() {
	skiff --dump-cli | jq -r '.commands[] | select(.hidden | not) | .name'
}

# bats test_tags=smoke
@test "skiff alone, help and --help print the same help to stdout" {
	local a b c
	a=$(skiff 2>/dev/null)
	b=$(skiff --help 2>/dev/null)
	c=$(skiff help 2>/dev/null)
	[ -n "$a" ]
	[ "$a" = "$b" ]
	[ "$a" = "$c" ]
	[[ $a == "Usage:  skiff [OPTIONS] COMMAND"* ]]
	[[ $a == *"Management Commands:"*"container   Manage containers"* ]]
}

@test "every verb has help in three ways, for all its names" {
	local v
	while read -r v; do
		# shellcheck disable=SC2086
		run --separate-stderr skiff $v --help
		is "$status" 0
		[ -z "$stderr" ]
		[[ $output == "Usage:  skiff $v"* ]] || fail "$v: ${lines[0]}"
		# shellcheck disable=SC2086
		is "$(skiff help $v)" "$output"
		# shellcheck disable=SC2086
		is "$(skiff --help $v)" "$output"
	done < <(verbs)
	while read -r v; do
		# shellcheck disable=SC2086
		run skiff $v --help
		is "$status" 0
	done < <(skiff --dump-cli | jq -r '.commands[] | .path, .aliases[]')
}

@test "words that group verbs have help" {
	for t in container image system; do
		run skiff "$t"
		is "$status" 0
		contains "Usage:  skiff $t COMMAND"
		contains "Run 'skiff $t COMMAND --help'"
		is "$(skiff $t --help)" "$output"
		is "$(skiff help $t)" "$output"
	done
}

@test "version: in a word, and fast" {
	run skiff --version
	is "$status" 0
	[[ $output =~ ^skiff\ version\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	is "$(skiff -v)" "$output"
	is "$(skiff --root /nonexistent -v)" "$output"
}

@test "called as docker or podman it is the same" {
	ln -s "$SKIFF" "$BATS_TEST_TMPDIR/docker"
	ln -s "$SKIFF" "$BATS_TEST_TMPDIR/podman"
	is "$("$BATS_TEST_TMPDIR/docker" --version)" "$(skiff --version)"
	is "$("$BATS_TEST_TMPDIR/podman" rm --help)" "$(skiff rm --help)"
	run "$BATS_TEST_TMPDIR/docker" rm
	contains '"skiff rm" requires at least 1 argument.'
}

@test "an unknown command: docker's words, and what is near" {
	run --separate-stderr skiff pss
	is "$status" 1
	[ -z "$output" ]
	[[ $stderr == "skiff: 'pss' is not a skiff command."* ]]
	[[ $stderr == *"Did you mean this?"*ps* ]]
	run skiff cotnainer
	contains "	container"
	run skiff image insepct x
	is "$status" 1
	contains "'image insepct' is not a skiff command"
	contains "	inspect"
	run skiff xyzzyxyzzy
	lacks "Did you mean"
}

@test "unknown flags: docker's words, status 125, no run" {
	run --separate-stderr skiff run --foo "$BB" true
	is "$status" 125
	[ -z "$output" ]
	[[ $stderr == *"unknown flag: --foo"*"See 'skiff run --help'."* ]]
	run skiff rm -x a
	is "$status" 125
	contains "unknown shorthand flag: 'x' in -x"
	contains "See 'skiff rm --help'."
	run skiff --foo
	is "$status" 125
	run skiff ps -v
	is "$status" 125
	run skiff run --name
	is "$status" 125
	contains "flag needs an argument: --name"
	run skiff run -ite
	contains "flag needs an argument: 'e' in -ite"
	run skiff run --rm=maybe "$BB"
	is "$status" 125
	contains 'invalid argument "maybe" for "--rm" flag'
}

@test "a wrong number of operands: docker's words" {
	run skiff rm
	is "$status" 1
	contains '"skiff rm" requires at least 1 argument.'
	contains "See 'skiff rm --help'."
	contains "Usage:  skiff rm [OPTIONS] CONTAINER [CONTAINER...]"
	run skiff tag a
	contains "requires at least 2 arguments"
	run skiff ps a
	contains '"skiff ps" accepts no arguments.'
	run skiff run
	is "$status" 125
	contains '"skiff run" requires at least 1 argument.'
	run skiff logs a b
	contains "requires exactly 1 argument."
}

@test "errors are one line that begins with Error:" {
	for line in "inspect nothing" "rm nothing" "start nothing" "logs nothing" "image inspect nothing" "tag nothing a" \
		"run --pull=never nothing" "--log-level loud ps" "completion tcsh"; do
		# shellcheck disable=SC2086
		run --separate-stderr skiff $line
		[ "$status" -ne 0 ] || fail "$line: succeeds"
		[[ ${stderr_lines[0]} == "Error: "* ]] || fail "$line: $stderr"
		is "${#stderr_lines[@]}" 1
	done
}

@test "what comes later or never is refused with its reason, not ignored" {
	local o n=0
	while IFS=$'\t' read -r o kind; do
		if [ "$kind" = bool ]; then
			run skiff run "--$o" "$BB" true
		else
			run skiff run "--$o" 1 "$BB" true
		fi
		is "$status" 125
		[[ $output == "Error: --$o "* ]] || fail "--$o: $output"
		n=$((n + 1))
	done < <(skiff --dump-cli | jq -r '.commands[] | select(.path == "container run") | .options[] | select(.refused) | [.name, .kind] | @tsv')
	[ "$n" -gt 80 ]
	run skiff run -m 64m "$BB" true
	contains "--memory is not there yet"
	run skiff run --restart always "$BB" true
	contains "restart policies are not there yet"
}

@test "a daemon's address is refused with a sentence" {
	for line in "-H unix:///x ps" "--host tcp://x ps" "--context x ps" "-c x ps"; do
		# shellcheck disable=SC2086
		run skiff $line
		is "$status" 125
		contains "skiff has no daemon"
	done
}

@test "global options before and behind the verb" {
	local root=$BATS_TEST_TMPDIR/root
	is "$(skiff --root "$root" ps -q)" ""
	is "$(skiff ps -q --root "$root")" ""
	is "$(skiff ps --root="$root" -q)" ""
	is "$(SKIFF_ROOT=$root skiff ps -q)" ""
	run skiff ps --debug
	is "$status" 0
	run skiff --log-level=loud ps
	is "$status" 1
	contains "unable to parse logging level: loud"
	SKIFF_LOG=loud run skiff ps
	is "$status" 1
	run skiff ps --trace="$BATS_TEST_TMPDIR/trace"
	is "$status" 0
	grep -q ' ms ' "$BATS_TEST_TMPDIR/trace"
	is "$(stat -c %a "$BATS_TEST_TMPDIR/trace")" 600
}

@test "a full disk behind stdout is an error" {
	[ -w /dev/full ] || skip "there is no /dev/full"
	run bash -c 'skiff --help >/dev/full'
	is "$status" 1
	contains "write to standard output"
}

@test "closed descriptors do no harm" {
	run bash -c 'skiff ps -q <&- 2>&-'
	is "$status" 0
	run bash -c 'skiff ps -q >&-; echo'
	[[ $output != *"Bad file"*"Bad file"* ]]
}

@test "--dump-cli: every option that is shown works or says why" {
	run skiff --dump-cli
	is "$status" 0
	echo "$output" | jq -e '.program == "skiff" and (.commands | length) > 20'
	echo "$output" | jq -e '[.commands[].options[] | select(.help == "" or (.help | endswith(".")))] == []'
	echo "$output" | jq -e '[.commands[] | [.path] + .aliases] | add | length == (unique | length)'
	echo "$output" | jq -e 'all(.commands[]; (.options | map(.name) | length) == (.options | map(.name) | unique | length))'
	echo "$output" | jq -e 'all(.commands[]; [.options[].letter | select(.)] | length == (unique | length))'
}
