#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# doctor on the host as it is. tests/fault/walls.bats builds the walls.

load common

# bats test_tags=smoke
@test "doctor: containers run here, every wall has a line" {
	run skiff doctor
	is "$status" 0
	for name in kernel "subordinate ids" "storage driver" /dev/net/tun cgroups "low ports" AppArmor chroot; do
		contains "$name"
	done
	contains "skiff can run containers here"
}

@test "doctor --quiet: no line for what is well" {
	run skiff doctor --quiet
	is "$status" 0
	lacks "ok  "
}

@test "doctor --format json: a list with a mending command for each limit" {
	run skiff doctor --format json
	is "$status" 0
	echo "$output" | jq -e 'length > 15 and all(.[]; .Level == "ok" or (.Mend | length) > 0)'
}

@test "doctor: what else is refused by name" {
	run skiff doctor --format '{{.Name}}'
	is "$status" 1
	contains 'only "json"'
	run skiff doctor nonsense
	[ "$status" -ne 0 ]
}

@test "doctor names the store that cannot be used" {
	if [ "$(id -u)" = 0 ]; then
		# root may write everywhere; a file in the way stops it too
		echo >"$BATS_TEST_TMPDIR/file"
		run skiff --root "$BATS_TEST_TMPDIR/file/store" doctor
	else
		run skiff --root /proc/1/store doctor
	fi
	is "$status" 1
	contains "blocked"
	contains "--root"
}
