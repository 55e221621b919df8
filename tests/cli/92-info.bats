#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# info and version: what scripts read from them.

load common

@test "version: text with client and server" {
	run skiff version
	is "$status" 0
	contains "Client:"
	contains "Server:"
	contains " Version: "
}

@test "version --format: docker's placeholders" {
	run skiff version --format '{{.Client.Version}} {{.Server.Version}} {{.Server.Os}} {{.Server.APIVersion}}'
	is "$status" 0
	[[ $output =~ ^[0-9.]+\ [0-9.]+\ linux\ [0-9.]+$ ]] || fail "$output"
	run skiff version --format json
	echo "$output" | jq -e '.Client.Version == .Server.Version and (.Server.KernelVersion | length) > 0'
	run skiff version --format '{{.Nothing'
	[ "$status" -ne 0 ]
	contains template
}

# bats test_tags=smoke
@test "info: numbers and places" {
	run --separate-stderr skiff info
	is "$status" 0
	for line in "Storage Driver:" "Chosen because:" "Cgroup Version: 2" "Docker Root Dir:" "Id Map:" "Security Options:"; do
		contains "$line"
	done
}

@test "info --format: the placeholders that scripts use" {
	run --separate-stderr skiff info --format '{{.ServerVersion}}|{{.Driver}}|{{.DockerRootDir}}|{{.CgroupVersion}}|{{.Swarm.LocalNodeState}}|{{.Swarm.ControlAvailable}}|{{.OSType}}/{{.Architecture}}'
	is "$status" 0
	[[ $output =~ ^[0-9.]+\|[a-z-]+\|/.*\|2\|inactive\|false\|linux/ ]] || fail "$output"
	run --separate-stderr skiff info --format '{{range .SecurityOptions}}{{println .}}{{end}}'
	contains "name=rootless"
	run --separate-stderr skiff info --format '{{.NCPU}} {{.MemTotal}}'
	[[ $output =~ ^[1-9][0-9]*\ [1-9][0-9]{6,}$ ]] || fail "$output"
}

@test "info counts containers and images" {
	local id
	skiff run --name counted --network none $BB true
	id=$(skiff run -d --network none $BB sleep 60)
	run --separate-stderr skiff info --format '{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}} {{.Images}}'
	skiff rm -f "$id" counted
	is "$output" "2 1 1 1"
}

@test "info names the driver that was asked for" {
	run --separate-stderr skiff --storage-driver vfs info --format '{{.Driver}}'
	is "$output" vfs
	run skiff --storage-driver nonsense info
	[ "$status" -ne 0 ]
	contains nonsense
}
