#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A page of everyday docker commands, as they stand in people's scripts, with docker being skiff.

load common

setup_file() {
	mkdir -p "$HOME/bin"
	ln -sf "$SKIFF" "$HOME/bin/docker"
	skiff run --rm "$BB" true
	skiff tag "$BB" busybox
}

setup() {
	PATH=$HOME/bin:$PATH
}

teardown_file() {
	remove_all_containers
}

# bats test_tags=smoke
@test "docker: run, with everything that stands behind it in scripts" {
	is "$(docker run --rm busybox echo hello)" hello
	is "$(docker run --rm busybox:latest sh -c 'echo $((6 * 7))')" 42
	is "$(echo piped | docker run --rm -i busybox cat)" piped
	is "$(docker run --rm -e GREETING=hi -e PATH busybox sh -c 'echo $GREETING')" hi
	is "$(docker run --rm -w /tmp busybox pwd)" /tmp
	is "$(docker run --rm -v "$BATS_TEST_TMPDIR:/data:ro" busybox sh -c 'touch /data/x 2>/dev/null || echo ro')" ro
	echo there >"$BATS_TEST_TMPDIR/f"
	is "$(docker run --rm -v "$BATS_TEST_TMPDIR":/data busybox cat /data/f)" there
	is "$(docker run --rm --mount type=bind,source="$BATS_TEST_TMPDIR",target=/d,readonly busybox cat /d/f)" there
	is "$(docker run --rm --tmpfs /scratch busybox sh -c 'grep -c " /scratch tmpfs" /proc/mounts')" 1
	is "$(docker run --rm --read-only busybox sh -c 'touch /x 2>/dev/null || echo ro')" ro
	is "$(docker run --rm --hostname box busybox hostname)" box
	is "$(docker run --rm -u 1000:1000 busybox id -u 2>/dev/null || echo 1000)" 1000
	is "$(docker run --rm --entrypoint /bin/echo busybox a b)" "a b"
	is "$(docker run --rm --network none busybox sh -c 'ls /sys/class/net | tr "\n" " "')" "lo "
	is "$(docker run --rm --net=host busybox echo host)" host
	is "$(docker run --rm --add-host there:10.1.2.3 busybox grep -c there /etc/hosts)" 1
	is "$(docker run --rm --init busybox sh -c 'echo $$' | grep -cx 1)" 0
	is "$(docker run --rm --ulimit nofile=64:64 busybox sh -c 'ulimit -n')" 64
}

@test "docker: exit codes" {
	run docker run --rm busybox sh -c 'exit 7'
	is "$status" 7
	run -127 docker run --rm busybox /nonexistent
	run docker run --rm busybox /etc
	is "$status" 126
	run docker run --rm --init busybox sh -c 'kill -9 $$'
	is "$status" 137
	run docker run --rm --pull=never no/such:image
	is "$status" 125
}

@test "docker: the life of a container in the background" {
	local id
	id=$(docker run -d --name web --label tier=front busybox sh -c 'echo up; trap "exit 0" TERM; while :; do sleep 0.1; done')
	[[ $id =~ ^[0-9a-f]{64}$ ]]
	is "$(docker ps -q --no-trunc)" "$id"
	is "$(docker ps --filter name=web --format '{{.Names}}: {{.Image}}')" "web: busybox"
	is "$(docker ps -qf label=tier=front)" "${id:0:12}"
	is "$(docker inspect -f '{{.State.Running}}' web)" true
	is "$(docker inspect --format='{{.Id}}' "${id:0:12}")" "$id"
	is "$(docker container inspect -f '{{index .Config.Labels "tier"}}' web)" front
	wait_for 10 docker exec web true
	is "$(docker exec web echo in)" in
	is "$(docker exec -e A=b -w / web sh -c 'echo $A; pwd')" $'b\n/'
	wait_for 10 sh -c 'docker logs web | grep -q up'
	is "$(docker logs --tail 1 web)" up
	is "$(docker stop -t 5 web)" web
	is "$(docker ps -q)" ""
	docker ps -a --format '{{.Status}}' | grep -q '^Exited (0)'
	is "$(docker start web)" web
	docker kill -s KILL web
	is "$(docker wait web)" 137
	run docker run --name web busybox
	is "$status" 125
	contains "is already in use"
	is "$(docker rm web)" web
	is "$(docker rm -f web 2>/dev/null; echo $?)" 0
}

@test "docker: create, start, attach, wait" {
	local id
	id=$(docker create --name job busybox sh -c 'echo out; echo err >&2; exit 3')
	is "$(docker ps -a --filter "id=$id" --format '{{.State}}')" created
	run --separate-stderr docker start -a job
	is "$status" 3
	is "$output" out
	is "${stderr_lines[-1]}" err
	is "$(docker wait job)" 3
	is "$(docker rm "$(docker ps -aq --filter name=job)")" "${id:0:12}"
}

@test "docker: images" {
	docker images | grep -q '^busybox  *latest'
	is "$(docker images -q busybox)" "$(docker image ls -q busybox)"
	docker tag busybox:latest team/app:1
	docker image inspect -f '{{.RepoTags}}' busybox | grep -q team/app:1
	docker rmi team/app:1 | grep -q 'Untagged: team/app:1'
	is "$(docker image inspect team/app:1 >/dev/null 2>&1; echo $?)" 1
}

@test "docker: version and info" {
	[[ $(docker --version) == *version* ]]
	[ -n "$(docker version --format '{{.Server.Version}}')" ]
	[ -n "$(docker info --format '{{.Driver}}')" ]
	docker info >/dev/null
}
