#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Options on real containers: where they may stand, and what --format makes of what is there.

load common

setup_file() {
	export SHOWN=$'x\e]52;c;eA==\a\e[2Jy\nz'
	skiff create --name shown --label "evil=$SHOWN" --label com.example.the-role=db "$BB" sleep 1 >/dev/null
}

teardown_file() {
	remove_all_containers
}

@test "letters joined, values attached, flags switched off" {
	is "$(skiff run --rm -iw/tmp -eA=1 -e=B=2 "$BB" sh -c 'pwd; echo $A$B')" $'/tmp\n12'
	is "$(skiff run --rm=true -t=false --network=none "$BB" sh -c 'test -t 1 || echo no')" no
	skiff run --rm=false --name kept "$BB" true
	is "$(skiff ps -aq --filter name=kept | wc -l)" 1
	# It has ended when run returns: its name can be used at once.
	skiff start -a kept
	skiff rm kept
}

# bats test_tags=smoke
@test "what follows the image belongs to the container" {
	is "$(skiff run --rm "$BB" echo --rm -it --name x --help)" "--rm -it --name x --help"
	is "$(skiff run --rm -- "$BB" echo -- a)" "-- a"
}

@test "options behind operands" {
	local id
	id=$(skiff create "$BB" true)
	is "$(skiff rm "$id" -f)" "$id"
	id=$(skiff create "$BB" true)
	skiff inspect "$id" --format '{{.Id}}' | grep -qx "$id"
	is "$(skiff rm --force -- "$id")" "$id"
}

@test "ps: tables, templates, JSON" {
	run skiff ps -a
	is "$status" 0
	[[ ${lines[0]} =~ ^CONTAINER\ ID\ \ \ IMAGE\ +COMMAND\ +CREATED\ +STATUS\ +PORTS\ +NAMES$ ]] || fail "${lines[0]}"
	is "$(skiff ps -a --filter name=shown --format '{{.Names}}')" shown
	is "$(skiff ps -a --filter name=shown --format 'table {{.Names}}\t{{.Label "com.example.the-role"}}')" \
		$'NAMES     the role\nshown     db'
	skiff ps -a --format json | jq -e 'select(.Names == "shown") | .State == "created"'
	skiff ps -a --filter name=shown --format '{{json .}}' | jq -e '.Names == "shown"'
	run skiff ps -a --format '{{.Nope}}'
	[ "$status" -ne 0 ]
	contains 'executing "" at <.Nope>'
	run skiff ps -a --format '{{.Names'
	[ "$status" -ne 0 ]
	contains "template parsing error: template: :1: unclosed action"
}

@test "inspect: templates over everything" {
	is "$(skiff inspect -f '{{.State.Status}} {{.Name}}' shown)" "created /shown"
	is "$(skiff inspect -f '{{index .Config.Labels "com.example.the-role"}}' shown)" db
	is "$(skiff inspect -f '{{if .State.Running}}up{{else}}down{{end}}' shown)" down
	is "$(skiff inspect -f '{{join .Config.Cmd " "}}' shown)" "sleep 1"
	skiff inspect shown | jq -e '.[0].Name == "/shown"'
	skiff inspect -f '{{json .State}}' shown | jq -e '.Running == false'
	skiff inspect -f json shown | jq -e 'length == 1'
	run skiff inspect -f '{{.Nope}}' shown
	[ "$status" -ne 0 ]
	contains 'map has no entry for key "Nope"'
}

@test "UN-08: names and labels of strangers do nothing to a terminal" {
	command -v script >/dev/null || skip "there is no script(1)"
	run script -qec "skiff ps -a --filter name=shown --format 'table {{.Names}}\t{{.Labels}}'" /dev/null
	is "$status" 0
	lacks $'\e'
	lacks $'\a'
	run script -qec "skiff inspect -f '{{.Config.Labels.evil}}' shown" /dev/null
	is "$status" 0
	lacks $'\e'
	# A table has one line a row, whatever a value holds.
	is "$(skiff ps -a --filter name=shown --format 'table {{.Labels}}' | wc -l)" 2
	# In a pipe, scripts get what is there; JSON is escaped.
	is "$(skiff inspect -f '{{.Config.Labels.evil}}' shown)" "$SHOWN"
	skiff inspect shown | grep -q '\\u001b'
}

@test "UN-09: a template cannot run for ever or fill the memory" {
	for t in '{{printf "%999999999d" 1}}' '{{range 999999999}}{{end}}' '{{range 99999}}{{range 99999}}x{{end}}{{end}}' \
		'{{$x := "aaaaaaaaaaaaaaaa"}}{{range 99}}{{$x = print $x $x}}{{end}}'; do
		run timeout 20 bash -c 'ulimit -v 4000000; skiff inspect -f "$1" shown | head -c 1000' bash "$t"
		[ "$status" -ne 124 ] || fail "$t: takes too long"
	done
}

@test "RT-26: names that are paths, options or lines are refused by every verb, and reach no file" {
	local n v before after
	before=$(find "$HOME" -name '*evil*' | wc -l)
	for n in ../evil ../../evil /evil 'a/../evil' '.evil' '-evil' $'evil\nx' '' "$(printf 'e%.0s' {1..300})"; do
		for v in rm start stop kill logs wait attach inspect; do
			run skiff "$v" -- "$n"
			[ "$status" -ne 0 ] || fail "$v '$n' succeeds"
		done
		run skiff exec -- "$n" true
		[ "$status" -ne 0 ]
		run skiff create --name "$n" "$BB" true
		# An empty name means none.
		if [ -n "$n" ]; then
			[ "$status" -ne 0 ] || fail "create --name '$n' succeeds"
		fi
	done
	after=$(find "$HOME" -name '*evil*' | wc -l)
	is "$after" "$before"
}
