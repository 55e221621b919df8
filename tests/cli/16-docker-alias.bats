#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A page of everyday docker commands, as they stand in people's scripts and in READMEs, with a symlink named docker to skiff.

load common
load image

setup_file() {
	mkdir -p "$HOME/bin"
	ln -sf "$SKIFF" "$HOME/bin/docker"
	skiff run --rm "$BB" true
	skiff tag "$BB" busybox
	# what READMEs run: images with an entrypoint, a command, a user, ports and a volume
	new_tree "$BATS_FILE_TMPDIR/t"
	ln -s busybox "$BATS_FILE_TMPDIR/t/bin/httpd"
	echo 'app:x:1000:1000::/home/app:/bin/sh' >>"$BATS_FILE_TMPDIR/t/etc/passwd"
	mkdir -p "$BATS_FILE_TMPDIR/t/srv"
	echo "it works" >"$BATS_FILE_TMPDIR/t/srv/index.html"
	load_tree team/web:1 "$BATS_FILE_TMPDIR/t" '"Cmd":["httpd","-f","-p","80","-h","/srv"],"ExposedPorts":{"80/tcp":{}},
		"Env":["PATH=/bin","VERSION=1"],"Volumes":{"/srv/data":{}},"StopSignal":"SIGKILL","WorkingDir":"/srv"'
	load_tree team/cli:latest "$BATS_FILE_TMPDIR/t" '"Entrypoint":["echo","cli:"],"Cmd":["--help"],"User":"app"'
	skiff tag team/cli:latest tool
}

setup() {
	PATH=$HOME/bin:$PATH
}

teardown() {
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

tty() { # COMMAND... < STEPS
	python3 "$TESTS/cli/terminal.py" "$@"
}

# bats test_tags=smoke
@test "docker: -it is a terminal, detached from and attached to again" {
	tty docker run -it --rm --name shell busybox <<-'STEPS'
		expect # 
		send echo a''b; tty\n
		expect ab
		expect /dev/
		send \x10\x11
		exit 0
	STEPS
	is "$(docker ps --format '{{.Names}}')" shell
	tty docker exec -it shell sh <<-'STEPS'
		expect # 
		send exit 4\n
		exit 4
	STEPS
	tty docker attach shell <<-'STEPS'
		send \n
		expect # 
		send exit 6\n
		exit 6
	STEPS
	is "$(docker ps -aq)" ""
	run ! docker run -it busybox true </dev/null
	contains "the input device is not a TTY"
}

@test "docker: pipes, in both directions and through two containers" {
	is "$(printf '3\n1\n2\n' | docker run -i --rm busybox sort | docker run -i --rm busybox head -n 1)" 1
	is "$(docker run --rm busybox tar -C /etc -c passwd | tar -t)" passwd
	tar -C "$BATS_FILE_TMPDIR/t" -c srv | docker run --rm -i busybox tar -t | grep -qx srv/index.html
	is "$(docker run --rm busybox sh -c 'echo out; echo err >&2' 2>/dev/null)" out
	is "$(docker run --rm busybox sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err
	docker run --rm busybox sh -c 'while read -r x; do :; done' </dev/null
	is "$(yes | docker run --rm -i busybox head -n 1)" y
}

@test "docker: what READMEs of popular projects ask for" {
	local data=$BATS_TEST_TMPDIR/data port
	mkdir -m 777 "$data"
	# a tool: its arguments, the current folder, the caller's ids, no network
	is "$(docker run --rm tool)" "cli: --help"
	is "$(docker run --rm tool lint .)" "cli: lint ."
	(cd "$data" && docker run --rm -v "$(pwd)":/src -w /src -u 0 --entrypoint sh tool -c 'echo made >file')
	is "$(cat "$data/file")" made
	is "$(docker run --rm --network=none -v "$data:/src:ro" --entrypoint cat tool /src/file)" made
	is "$(docker run --rm -it tool x </dev/null 2>&1 || true)" "Error: the input device is not a TTY"
	# a server
	command -v slirp4netns >/dev/null || skip "slirp4netns is not installed (tests/prepare)"
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
	docker run -d --name=web --hostname=web --restart=no -p "127.0.0.1:$port:80" -e TZ=UTC -e PUID=1000 -e PGID=1000 \
		-v "$data:/srv/data" -v /etc/passwd:/etc/hostpasswd:ro --add-host=host.docker.internal:host-gateway --dns=192.0.2.1 \
		--label app=web --label com.example.x="a b" --cap-add=NET_ADMIN --cap-drop=MKNOD --security-opt=no-new-privileges:true \
		--shm-size=256m --ulimit nofile=1024:2048 --stop-timeout=5 --sysctl net.ipv4.ip_forward=1 --tmpfs /run:rw,size=16m \
		--log-driver json-file --init --pull=missing team/web:1
	wait_for 10 sh -c "python3 -c 'import urllib.request as u; print(u.build_opener(u.ProxyHandler({})).open(\"http://127.0.0.1:$port/\").read())' | grep 'it works'"
	is "$(docker exec web sh -c 'echo $VERSION $PUID; pwd')" $'1 1000\n/srv'
	is "$(docker inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' web)" "$port"
	is "$(docker inspect --format '{{range .Mounts}}{{println .Type .Destination}}{{end}}' web | sort)" \
		$'\nbind /etc/hostpasswd\nbind /srv/data\ntmpfs /run'
	is "$(docker inspect -f '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' web)" "running no"
	docker ps --format 'table {{.ID}}\t{{.Names}}\t{{.Ports}}' | grep -qE "^[0-9a-f]{12} +web +127.0.0.1:$port->80/tcp$"
	is "$(docker ps -a -q -f name=web -f status=running)" "$(docker ps -lq)"
	docker logs -f --since 1h web >/dev/null &
	docker stop -t 1 web >/dev/null
	wait $!
	docker rm -v web >/dev/null
	# and the tidying lines
	docker run -d --name a busybox sleep 100 >/dev/null
	# shellcheck disable=SC2046
	docker rm -f $(docker ps -aq) >/dev/null
	is "$(docker ps -aq)" ""
}

@test "docker: what comes later is refused with one sentence" {
	local line
	while read -r line; do
		# shellcheck disable=SC2086
		run --separate-stderr docker $line
		[ "$status" -ne 0 ] && [ "$output" = "" ] || fail "docker $line: $status $output"
		[[ ${stderr_lines[0]} == *"not there yet"* ]] || fail "docker $line: $stderr"
	done <<-'LINES'
		run --rm -v data:/data busybox true
		run --rm -a stdout busybox true
		run --rm -m 512m busybox true
		run --rm --memory=512m --cpus=2 busybox true
		run -d --restart=always busybox true
		run -d --restart unless-stopped busybox true
		run --rm --network mynet busybox true
		run --rm --network=bridge busybox true
		run --rm --gpus all busybox true
		run --rm --pids-limit 100 busybox true
		run --rm --health-cmd true busybox true
		run --rm --volumes-from x busybox true
		run --rm --link x busybox true
		run --rm -P busybox true
		run --rm --log-driver syslog busybox true
		run --rm --log-opt max-size=10m busybox true
		run --rm --mount type=volume,src=v,dst=/v busybox true
	LINES
	is "$(docker ps -aq)" ""
	is "$(docker run --rm --privileged --ipc=host --pid=host busybox echo ok 2>/dev/null)" ok
}

@test "docker: verbs that come later are no typing errors" {
	local verb
	for verb in build compose cp commit diff events network pause port rename restart search stats top unpause update volume swarm; do
		! skiff --dump-cli | jq -e --arg v "$verb" '.commands[] | select((.path + " " + .name) | split(" ") | index($v))' >/dev/null || continue
		run -1 --separate-stderr docker "$verb" x
		is "$stderr" "Error: the command '$verb' is not there yet (see 'skiff --help' for those that are)"
	done
	run -1 --separate-stderr docker stpo x
	[[ $stderr == *"is not a skiff command"*stop* ]] || fail "$stderr"
}

@test "docker: an image that cannot be pulled is one error, on stderr" {
	run -125 --separate-stderr docker run --rm 127.0.0.1:1/no/such true
	is "$output" ""
	is "$(grep -c ^Error: <<<"$stderr")" 1
	[[ $stderr == "Unable to find image '127.0.0.1:1/no/such:latest' locally"*"127.0.0.1:1/no/such"* ]] || fail "$stderr"
}

@test "docker: global options, DOCKER_CONFIG, NO_COLOR, DOCKER_HOST" {
	local d=$BATS_TEST_TMPDIR/config
	mkdir "$d"
	printf '{"psFormat":"{{.Names}}","proxies":{"default":{"httpProxy":"http://p:1"}}}' >"$d/config.json"
	docker create --name c busybox true >/dev/null
	is "$(DOCKER_CONFIG=$d docker ps -a)" c
	is "$(docker --config "$d" ps -a)" c
	is "$(docker --config="$d" run --rm busybox sh -c 'echo $http_proxy')" http://p:1
	NO_COLOR=1 docker ps -a | grep -q ' c$'
	run ! docker -H tcp://127.0.0.1:2375 ps
	contains "skiff has no daemon to talk to"
	run ! docker --context other ps
	contains "skiff has no daemon to talk to"
	docker -D --log-level error ps >/dev/null 2>&1
	run -0 docker run --help
	contains "docker run" || contains "skiff run"
}

@test "docker: exit codes of the other verbs" {
	run -1 docker exec nosuch true
	docker create --name made busybox true >/dev/null
	run -1 docker exec made true
	contains "is not running"
	run -1 docker start nosuch
	run -1 docker stop nosuch
	run -1 docker kill made
	run -1 docker rm nosuch
	run -1 docker inspect nosuch
	contains "[]"
	run -1 docker logs nosuch
	run -1 docker wait nosuch
	run -1 docker attach made
	run -125 docker run --no-such-flag busybox
	contains "unknown flag: --no-such-flag"
	run -125 docker run --rm -e busybox
	run -125 docker exec --no-such-flag made true
	run -1 docker nosuchverb
	contains "is not a"
	run -1 docker ps extra
	docker rm made
}
