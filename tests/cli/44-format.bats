#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --format, --filter, --sort and --size of what lists and inspects: ps, images, history, inspect, info, version, system df. The
# template engine itself is tested in tests/unit/lib/format.

load common

setup_file() {
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/store
	skiff run --rm --network none "$BB" true
	skiff tag "$BB" app:1
	skiff create --name first --label tier=front --label team="a b" -e A=1 -v /etc:/host:ro "$BB" sh -c 'echo "one two"' >/dev/null
	sleep 0.01
	skiff run --name second --network none app:1 sh -c 'echo 12345 >/file; exit 3' || true
	skiff run -d --name third --network none --label tier=back app:1 sleep 1000 >/dev/null
}

teardown_file() {
	remove_all_containers
	skiff system reset -f
}

names() {
	skiff ps --format '{{.Names}}' "$@" | tr '\n' ' '
}

# bats test_tags=smoke
@test "ps: every filter" {
	local id
	id=$(skiff inspect -f '{{.Id}}' second)
	is "$(names)" "third "
	is "$(names -a)" "third second first "
	is "$(names -a -f id="${id:0:8}")" "second "
	is "$(names -a -f name=ir)" "third first "
	is "$(names -a -f name='^sec')" "second "
	is "$(names -a -f name=/first)" "first "
	is "$(names -a -f label=tier)" "third first "
	is "$(names -a -f label=tier=front -f label=team='a b')" "first "
	is "$(names -a -f 'label!=tier')" "second "
	is "$(names -f status=exited)" "second "
	is "$(names -f status=exited -f status=created)" "second first "
	is "$(names -f exited=3)" "second "
	is "$(names -f exited=0)" ""
	is "$(names -a -f ancestor=app:1)" "third second first "
	is "$(names -a -f ancestor="$BB" -f status=running)" "third "
	is "$(names -a -f ancestor=nothing:1)" ""
	is "$(names -a -f before=second)" "first "
	is "$(names -a -f since=second)" "third "
	is "$(names -a -f until=24h)" ""
	is "$(names -a -f until=2100-01-01)" "third second first "
	is "$(names -a -f until=2020-01-01)" ""
	is "$(names -a -f volume=/host)" "first "
	is "$(names -a -f volume=/etc)" "first "
	is "$(names -a -f network=none)" "third second "
	is "$(names -a -f publish=80)" ""
	is "$(names -a -f command='sleep 1000')" "third "
	is "$(names -a -f health=none -f is-task=false)" "third second first "
	is "$(names -a -f health=healthy)" ""
	for bad in status=happy exited=x health=well is-task=maybe publish=http; do
		run -1 skiff ps -f "$bad"
		contains "invalid filter '$bad'"
	done
	run -1 skiff ps -f colour=red
	contains "invalid filter 'colour'"
	run -1 skiff ps -f name
	contains "it needs key=value"
	run -1 skiff ps -f before=nobody
	contains "No such container: nobody"
}

@test "ps: -l, -n, --sort, --noheading, -s" {
	is "$(names -l)" "third "
	is "$(names -n 2)" "third second "
	is "$(names --last 1 -f status=exited)" "second "
	is "$(names -n 0)" "third "
	is "$(names -a --sort names)" "first second third "
	is "$(names -a --sort command)" "first second third "
	is "$(names -a --sort status)" "first second third "
	is "$(names -a --sort created)" "third second first "
	is "$(skiff ps -aq --no-trunc --sort id)" "$(skiff ps -aq --no-trunc | sort)"
	run -1 skiff ps --sort colour
	contains "--sort colour: it is command, created"
	run -0 skiff ps --noheading
	is "${#lines[@]}" 1
	run -0 skiff ps -as
	[[ ${lines[0]} =~ \ SIZE$ ]] || fail "got ${lines[0]}"
	[[ $(skiff ps -a -f name=first --format '{{.Size}}') =~ ^0B\ \(virtual\ 1\.98MB\)$ ]]
	[[ $(skiff ps -a -f name=second --format '{{.Size}}') =~ ^[0-9.]+k?B\ \(virtual\ 1\.[0-9]+MB\)$ ]]
	is "$(names -a --sort size | awk '{ print $NF }')" second
}

@test "ps: every placeholder of docker's, and podman's" {
	local id
	id=$(skiff inspect -f '{{.Id}}' first)
	is "$(skiff ps -a -f name=first --format '{{.ID}} {{.Names}} {{.Image}} {{.State}} {{.Status}} {{.Ports}}|')" \
		"${id:0:12} first $BB created Created |"
	is "$(skiff ps -a -f name=first --no-trunc --format '{{.ID}} {{.Command}}')" "$id \"sh -c 'echo \\\"one two\\\"'\""
	is "$(skiff ps -a -f name=first --format '{{.Label "team"}}|{{.Label "none"}}|{{.Labels}}')" "a b||team=a b,tier=front"
	is "$(skiff ps -a -f name=first --format '{{.Mounts}} {{.LocalVolumes}} {{.Networks}}')" "/etc 0 $(skiff inspect -f '{{.HostConfig.NetworkMode}}' first)"
	[[ $(skiff ps -a -f name=first --format '{{.CreatedAt}}') =~ ^20[0-9-]+\ [0-9:]+\ [+-][0-9]{4}\ [A-Z0-9+-]+$ ]]
	[[ $(skiff ps -a -f name=first --format '{{.RunningFor}} {{.CreatedHuman}}') == *" ago "*" ago" ]]
	[[ $(skiff ps -f name=third --format '{{.Status}} {{.Platform}} {{.Pid}}') =~ ^Up\ .*linux/[a-z0-9/]+\ [1-9][0-9]*$ ]]
	is "$(skiff ps -a -f name=second --format '{{.ExitCode}} {{.Exited}} {{.AutoRemove}}')" "3 true false"
	is "$(skiff ps -a -f name=second --format '{{.ImageID}}')" "$(skiff image inspect -f '{{.Id}}' app:1)"
	run -0 skiff ps -a --format 'table {{.Names}}\t{{.Label "tier"}}\t{{.LocalVolumes}}'
	[[ ${lines[0]} =~ ^NAMES\ +tier\ +LOCAL\ VOLUMES$ ]] || fail "got ${lines[0]}"
	run -0 skiff ps -a --format json
	python3 -c 'import json, sys
rows = [json.loads(l) for l in sys.stdin]
assert [r["Names"] for r in rows] == ["third", "second", "first"], rows
docker = "Command CreatedAt ID Image Labels LocalVolumes Mounts Names Networks Platform Ports RunningFor Size State Status".split()
assert not [k for k in docker if any(type(r.get(k)) is not str for r in rows)], rows' <<<"$output"
	run -1 skiff ps --format '{{.Nope}}'
	contains 'template: :1:2: executing "" at <.Nope>'
}

# bats test_tags=smoke
@test "templates: what scripts do with inspect" {
	is "$(skiff inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.Name}}' second)" "exited 3 /second"
	is "$(skiff inspect -f '{{range .Config.Env}}{{println .}}{{end}}' first | grep -c '^A=1$')" 1
	is "$(skiff inspect -f '{{json .Config.Labels}}' first)" '{"team":"a b","tier":"front"}'
	is "$(skiff inspect -f '{{index .Config.Labels "tier"}}{{index .Config.Labels "none"}}' first)" front
	is "$(skiff inspect -f '{{.Config.Labels.none}}' first)" "<no value>"
	is "$(skiff inspect -f '{{range .Mounts}}{{.Source}}:{{.Destination}} {{.RW}}{{end}}' first)" "/etc:/host false"
	is "$(skiff inspect -f '{{with .State}}{{if .Running}}up{{else}}down{{end}}{{end}}' third)" up
	is "$(skiff inspect -f '{{len .Config.Cmd}} {{join .Config.Cmd "|"}}' second)" '3 sh|-c|echo 12345 >/file; exit 3'
	is "$(skiff inspect -f '{{define "kv"}}{{.k}}{{end}}{{range $k, $v := .Config.Labels}}{{$k}}={{$v | upper | printf "%-6s"}};{{end}}' first)" \
		"team=A B   ;tier=FRONT ;"
	is "$(skiff inspect -f '{{define "x"}}<{{.}}>{{end}}{{template "x" .Name}}{{template "x" .State.Status}}' third)" "</third><running>"
	is "$(skiff inspect -f $'{{.Name}}\\t{{printf "a\\tb"}}' first)" $'/first\ta\tb'
	is "$(skiff inspect -f '{{.Id}}' first second | wc -l)" 2
	run -1 skiff inspect -f '{{.NoSuch}}' first
	contains 'map has no entry for key "NoSuch"'
	run -1 skiff inspect -f '{{.Id' first
	contains "template parsing error: template: :1: unclosed action"
}

@test "inspect: --type, --size, of several kinds, and what is not there" {
	is "$(skiff inspect --type image -f '{{.Id}}' app:1)" "$(skiff image inspect -f '{{.Id}}' app:1)"
	run -1 skiff inspect --type container app:1
	contains "No such container: app:1"
	run -1 skiff inspect --type planet first
	contains "is not a valid value for --type"
	[[ $(skiff container inspect -s -f '{{.SizeRw}} {{.SizeRootFs}}' second) =~ ^[1-9][0-9]*\ [0-9]{7}$ ]]
	run -1 skiff container inspect -f '{{.SizeRw}}' second
	run -1 skiff inspect first nothing
	contains '"Name": "/first"'
	contains "No such object: nothing"
	run -0 skiff inspect first app:1 --format '{{.Id}}'
	is "${#lines[@]}" 2
	is "$(skiff inspect --format json first | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" 1
}

@test "info, version, df, history: one object or rows, docker's members" {
	is "$(skiff info -f '{{.OSType}} {{.Swarm.LocalNodeState}} {{.Containers}} {{.ContainersRunning}}')" "linux inactive 3 1"
	[[ $(skiff info -f '{{json .SecurityOptions}}') == *'name=rootless'* ]]
	[[ $(skiff info -f '{{.NCPU}} {{.MemTotal}} {{.Driver}} {{.DockerRootDir}} {{.CgroupVersion}}') =~ ^[0-9]+\ [0-9]+\ .*$SKIFF_ROOT\ [12]$ ]]
	skiff info --format json | python3 -c 'import json, sys; json.load(sys.stdin)'
	[[ $(skiff version -f '{{.Server.Version}} {{.Client.Version}} {{.Server.APIVersion}}') =~ ^[0-9.]+\ [0-9.]+\ 1\.[0-9]+$ ]]
	skiff version --format json | python3 -c 'import json, sys; v = json.load(sys.stdin); assert v["Client"] and v["Server"]'
	is "$(skiff system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | head -2 | tr '\n' ' ')" "Images 1 1 Containers 3 1 "
	is "$(skiff history --format '{{.Size}}' app:1)" 1.98MB
	run -0 skiff images --format 'table {{.Repository}}\t{{.ID}}'
	[[ ${lines[0]} =~ ^REPOSITORY\ +IMAGE\ ID$ ]] || fail "got ${lines[0]}"
	skiff images --format json | python3 -c 'import json, sys
rows = [json.loads(l) for l in sys.stdin]
keys = "Containers CreatedAt CreatedSince Digest ID Repository SharedSize Size Tag UniqueSize VirtualSize".split()
assert len(rows) == 2 and not [k for k in keys if k not in rows[0]], rows'
}
