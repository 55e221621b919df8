#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The life of a container: create, start, stop, kill, rm, wait, attach, ps, inspect.

load common

setup_file() {
	skiff run --rm "$BB" true
}

teardown() {
	remove_all_containers
}

bg() { # NAME [OPTION...]: one that sleeps
	skiff run --detach --name "$1" --network none "${@:2}" "$BB" sleep 1000 >/dev/null
}

# bats test_tags=smoke
@test "create, start, stop, start, rm: the states and what they print" {
	local id
	id=$(skiff create --name c --network none "$BB" sh -c 'echo up; sleep 1000')
	[[ $id =~ ^[0-9a-f]{64}$ ]]
	is "$(skiff ps -a --format '{{.Status}} {{.State}}')" "Created created"
	is "$(skiff ps -q)" ""
	is "$(skiff start c)" c
	is "$(skiff start "${id:0:12}")" "${id:0:12}" # runs already: no error, as with docker
	[[ $(skiff ps --format '{{.Status}}') == Up* ]]
	run -1 skiff rm c
	contains 'cannot remove container "c": container is running: stop the container before removing or force remove'
	is "$(skiff stop -t 0 c)" c
	[[ $(skiff ps -a --format '{{.Status}}') == "Exited (137) "* ]]
	is "$(skiff stop c)" c
	skiff start c
	is "$(skiff kill c)" c
	is "$(skiff rm c)" c
	is "$(skiff ps -aq)" ""
	is "$(skiff logs c 2>&1)" "Error: No such container: c"
}

@test "several at once: errors for some do not stop the others" {
	bg a
	bg b
	run -1 skiff stop -t 0 a nosuch b
	is "$output" "a
Error: No such container: nosuch
b"
	run -1 skiff start a nosuch b
	is "$(skiff ps -q | wc -l)" 2
	run -1 skiff kill a nosuch b
	run -1 skiff rm a nosuch b
	is "$(skiff ps -aq)" ""
	run -0 --separate-stderr skiff rm -f nosuch
	is "$stderr" "Error: No such container: nosuch"
}

@test "stop: the signal, the patience, SIGKILL, the exit code" {
	skiff run -d --name term --network none "$BB" sh -c 'trap "exit 4" TERM; echo up; while :; do sleep 0.05; done'
	skiff run -d --name deaf --network none "$BB" sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'
	skiff run -d --name usr1 --network none "$BB" sh -c 'trap "exit 6" USR1; echo up; while :; do sleep 0.05; done'
	for c in term deaf usr1; do wait_for 5 logs_have $c up; done
	local start=$SECONDS
	skiff stop term
	skiff stop --timeout 1 deaf
	skiff stop --signal USR1 usr1
	[ $((SECONDS - start)) -le 5 ]
	is "$(skiff inspect -f '{{.State.ExitCode}}' term deaf usr1 | tr '\n' ' ')" "4 137 6 "
	run -1 skiff stop --signal NOSUCH term
	contains "invalid signal: NOSUCH"
}

@test "kill: any signal, by name or number" {
	skiff run -d --name k --network none "$BB" sh -c 'trap "echo USR1" USR1; trap "echo HUP" HUP; echo up; while :; do sleep 0.05; done'
	wait_for 5 logs_have k up
	skiff kill -s USR1 k
	wait_for 5 logs_have k USR1
	skiff kill --signal=SIGHUP k
	wait_for 5 logs_have k HUP
	skiff kill -s 10 k
	usr1_twice() { [ "$(skiff logs k | grep -c USR1)" = 2 ]; }
	wait_for 5 usr1_twice
	skiff kill k
	# gone when the command returns, as with docker
	is "$(skiff inspect -f '{{.State.Status}} {{.State.ExitCode}}' k)" "exited 137"
	run -1 skiff kill k
	contains "is not running"
	run -1 skiff kill -s NOSUCH k
	contains "invalid signal: NOSUCH"
}

@test "rm -f kills; --volumes is taken" {
	bg a
	bg b
	is "$(skiff rm -f a)" a
	is "$(skiff rm --force --volumes b)" b
	is "$(skiff ps -aq)" ""
}

@test "rm at once after run, start at once after the end, over and over" {
	local i
	for i in $(seq 25); do
		skiff run --name quick --network none "$BB" true
		skiff rm quick >/dev/null
	done
	skiff create --name again --network none "$BB" true >/dev/null
	for i in $(seq 25); do skiff start -a again; done
	for i in $(seq 15); do
		skiff start again >/dev/null
		is "$(skiff wait again)" 0
	done
}

@test "--rm: gone when wait, stop or kill return, whoever asks" {
	local i
	for i in 1 2 3 4 5 6; do
		bg r --rm
		case $i in
		1 | 4) skiff stop -t 0 r >/dev/null ;;
		2 | 5) skiff kill r >/dev/null ;;
		3 | 6) skiff rm -f r >/dev/null ;;
		esac
		is "$(skiff ps -aq)" ""
	done
	skiff run -d --rm --name w --network none "$BB" sh -c 'sleep 0.3; exit 8'
	is "$(skiff wait w)" 8
	is "$(skiff ps -aq)" ""
}

# bats test_tags=smoke
@test "wait prints the exit code, of one that runs, has run, or never has" {
	skiff run -d --name w --network none "$BB" sh -c 'sleep 0.3; exit 3'
	skiff run -d --name v --network none "$BB" sh -c 'exit 4'
	skiff create --name n "$BB" true
	is "$(timeout 10 skiff wait w v n | tr '\n' ' ')" "3 4 0 "
	is "$(skiff wait w)" 3
	run -1 skiff wait nosuch
	contains "No such container: nosuch"
}

@test "start -a, -i, -ai: output, stdin, exit code, each time anew" {
	skiff create --interactive --name s --network none "$BB" sh -c 'cat; exit 3'
	run -3 skiff start --attach --interactive s <<<"one"
	is "$output" one
	run -3 skiff start -ai s <<<"two"
	is "$output" two
	skiff create --name o --network none "$BB" sh -c 'echo out; exit 5'
	run -5 skiff start -a o
	is "$output" out
	run -1 skiff start -a o s
	contains "you cannot start and attach multiple containers at once"
	# one that cannot start
	skiff create --name bad --network none "$BB" nosuch
	run -127 skiff start -a bad
	contains 'executable file not found in $PATH'
	for i in 1 2 3 4 5 6 7 8; do
		run -127 skiff start bad
		contains 'executable file not found in $PATH'
	done
	is "$(skiff inspect -f '{{.State.Status}}' bad)" created
	skiff rm bad
	run -0 skiff start --sig-proxy=false --detach-keys ctrl-x -a o <<<"" || [ "$status" = 5 ]
}

@test "attach: output from now on, stdin, the exit code; two at once; not to a stopped one" {
	skiff run -d -i --name a --network none "$BB" sh -c 'while read x; do echo "got $x"; [ "$x" != end ] || exit 7; done'
	mkfifo "$BATS_TEST_TMPDIR/in"
	skiff attach a <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/one" 3>&- &
	local one=$! two rc
	exec 7>"$BATS_TEST_TMPDIR/in"
	echo first >&7
	wait_for 5 grep -q 'got first' "$BATS_TEST_TMPDIR/one"
	skiff attach --no-stdin a </dev/null >"$BATS_TEST_TMPDIR/two" 3>&- &
	two=$!
	sleep 0.2
	# stdin of a container in the background stays open when a client's ends, as with docker
	(echo second | timeout 1 skiff attach --sig-proxy=false a >/dev/null 2>&1) || true
	wait_for 5 grep -q 'got second' "$BATS_TEST_TMPDIR/two"
	echo end >&7
	rc=0
	wait $one || rc=$?
	is $rc 7
	rc=0
	wait $two || rc=$?
	is $rc 7
	is "$(cat "$BATS_TEST_TMPDIR/two")" "got second
got end"
	exec 7>&-
	run -1 skiff attach a
	contains "You cannot attach to a stopped container, start it first"
	run -1 skiff attach nosuch
	contains "No such container: nosuch"
}

@test "stdin of run -i ends with the command, however it ends" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	skiff run -i --name once --network none "$BB" sh -c 'cat; echo eof; exit 9' <"$BATS_TEST_TMPDIR/in" >/dev/null 3>&- &
	local pid=$!
	exec 7>"$BATS_TEST_TMPDIR/in"
	wait_for 5 is_running once
	is "$(skiff inspect -f '{{.Config.OpenStdin}} {{.Config.StdinOnce}}' once)" "true true"
	kill -9 $pid
	wait $pid || true
	exec 7>&-
	is "$(timeout 10 skiff wait once)" 9
	skiff run -di --name kept --network none "$BB" cat
	is "$(skiff inspect -f '{{.Config.OpenStdin}} {{.Config.StdinOnce}}' kept)" "true false"
}

@test "ps: columns, filters, order" {
	bg one -l a=1
	skiff create --name two -l a=2 "$BB" true >/dev/null
	skiff run --name three --network none "$BB" false || true
	run -0 skiff ps
	[[ ${lines[0]} =~ ^CONTAINER\ ID\ +IMAGE\ +COMMAND\ +CREATED\ +STATUS\ +PORTS\ +NAMES$ ]]
	[[ ${lines[1]} =~ ^[0-9a-f]{12}\ +embedded/busybox\ +\"sleep\ 1000\"\ +Less\ than\ a\ second\ ago\ +Up\ .*\ one$ ]] ||
		[[ ${lines[1]} =~ ^[0-9a-f]{12}\ +embedded/busybox\ +\"sleep\ 1000\"\ +.*ago\ +Up\ .*\ one$ ]]
	is "${#lines[@]}" 2
	is "$(skiff ps --all --format '{{.Names}}' | tr '\n' ' ')" "three two one "
	is "$(skiff ps -a --filter status=exited --format '{{.Names}}')" three
	is "$(skiff ps -a --filter exited=1 --format '{{.Names}}')" three
	is "$(skiff ps -a --filter label=a --format '{{.Names}}' | tr '\n' ' ')" "two one "
	is "$(skiff ps --filter name=n --format '{{.Names}}')" one
	is "$(skiff ps --latest --format '{{.Names}}')" three
	is "$(skiff ps --last 2 --format '{{.Names}}' | tr '\n' ' ')" "three two "
	is "$(skiff ps --quiet --no-trunc)" "$(skiff inspect -f '{{.Id}}' one)"
	run -1 skiff ps --filter nosuch=1
	contains "invalid filter 'nosuch'"
}

@test "inspect: what scripts ask for" {
	bg i -p 127.0.0.1::80 --network slirp4netns -v /tmp:/t:ro -e A=1 -w /tmp -u 3 --init -t -l x=y 2>/dev/null ||
		bg i -v /tmp:/t:ro -e A=1 -w /tmp -u 3 --init -t -l x=y
	is "$(skiff inspect -f '{{.State.Running}} {{.State.Status}} {{.State.ExitCode}} {{.RestartCount}} {{.Name}}' i)" "true running 0 0 /i"
	is "$(skiff inspect -f '{{.Config.Image}} {{.Config.WorkingDir}} {{.Config.User}} {{.Config.Tty}} {{.HostConfig.Init}}' i)" \
		"embedded/busybox /tmp 3 true true"
	is "$(skiff inspect -f '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{end}}' i)" "bind /tmp /t false"
	is "$(skiff inspect -f '{{range .Config.Env}}{{println .}}{{end}}' i | grep A=)" A=1
	is "$(skiff inspect -f '{{json .Config.Labels}}' i)" '{"x":"y"}'
	is "$(skiff inspect -f '{{.Path}} {{.Args}}' i)" "sleep [1000]"
	kill -0 "$(skiff inspect -f '{{.State.Pid}}' i)"
	is "$(skiff inspect --type container i | jq -r '.[0].State.Status')" running
	run -1 skiff inspect --type image i
	run -1 skiff inspect nosuch
	contains "No such object: nosuch"
	skiff kill i
	is "$(skiff inspect -f '{{.State.Running}} {{.State.Pid}}' i)" "false 0"
	[[ $(skiff inspect -f '{{.State.FinishedAt}}' i) == 20* ]]
}

@test "the container's own files outlive its end" {
	skiff run --name f --network none "$BB" sh -c 'echo kept >/file'
	skiff create --name g --network none "$BB" true
	run -0 skiff unshare cat "$(skiff inspect -f '{{.LogPath}}' f | xargs dirname)/upper/file"
	is "$output" kept
}

@test "SIGTERM to the monitor, as at shutdown: the container is stopped, by force after its time" {
	skiff run -d --name kind --network none "$BB" sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done'
	kill -TERM "$(monitor_of kind)"
	is "$(skiff wait kind)" 9
	skiff run -d --name deaf --network none --stop-timeout 1 "$BB" sleep 100
	kill -TERM "$(monitor_of deaf)"
	is "$(skiff wait deaf)" 137
	is "$(skiff ps -a --filter name=deaf --format '{{.State}}')" exited
	skiff rm kind deaf
}
