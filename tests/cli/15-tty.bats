#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Terminals: run -it, attach, exec -it on a real pty.

load common

setup_file() {
	skiff run --rm "$BB" true
}

teardown() {
	remove_all_containers
}

tty() { # [-s RxC] COMMAND... < STEPS
	python3 "$TESTS/cli/terminal.py" "$@"
}

# bats test_tags=smoke
@test "run -it: a shell, in raw mode, with the exit code; the terminal is as before afterwards" {
	tty skiff run --rm -it --name t --network none "$BB" sh <<-'STEPS'
		expect # 
		is raw
		send test -t 0 && test -t 1 && test -t 2 && echo "<"yes">"\n
		expect <yes>
		send echo $TERM; readlink /proc/self/fd/0\n
		expect xterm
		expect /dev/pts/0
		send exit 5\n
		exit 5
		is cooked
	STEPS
	is "$(skiff ps -aq)" ""
}

# bats test_tags=smoke
@test "the size is known inside from the start, and follows" {
	tty -s 31x97 skiff run --rm --interactive --tty --network none "$BB" sh -c 'stty size; trap "stty size" WINCH; echo ready; while :; do read x; done' <<-'STEPS'
		expect 31 97
		expect ready
		resize 40 111
		expect 40 111
		send \x03
		exit 130
	STEPS
}

@test "ctrl-c, ctrl-z, ctrl-\\ and end of input are keys of the container's terminal" {
	tty skiff run --rm -it --network none "$BB" sh <<-'STEPS'
		expect # 
		send sleep 100\n
		sleep 0.3
		send \x03
		expect # 
		send cat\n
		sleep 0.2
		send hello\n
		expect hello\r\nhello
		send \x04
		expect # 
		send sleep 100\n
		sleep 0.2
		send \x1a
		expect Stopped
		sleep 0.2
		send kill -9 %1\n
		sleep 0.3
		send exit 3\n
		sleep 0.3
		send exit 3\n
		exit 3
	STEPS
}

@test "ctrl-p ctrl-q detaches; attach goes on where it was; the keys are configurable" {
	tty skiff run -it --name d --network none "$BB" sh <<-'STEPS'
		expect # 
		send x=kept\n
		expect # 
		send \x10
		sleep 0.1
		send \x11
		exit 0
		is cooked
	STEPS
	is "$(skiff ps --format '{{.Names}}')" d
	tty skiff attach d <<-'STEPS'
		is raw
		send \n
		expect # 
		send echo "<$x>"\n
		expect <kept>
		send \x10\x11
		exit 0
		is cooked
	STEPS
	tty skiff attach --detach-keys ctrl-a,b d <<-'STEPS'
		is raw
		send \n
		expect # 
		send \x10\x11echo a\x01c | cat -v\n
		send \x01b
		exit 0
	STEPS
	is_running d
	tty skiff attach --detach-keys '' d <<-'STEPS'
		send \n
		expect # 
		send exit 7\n
		exit 7
	STEPS
	# start attaches as well
	tty skiff start -ai d <<-'STEPS'
		expect # 
		send exit 8\n
		exit 8
	STEPS
	run -125 skiff run --detach-keys ctrl-nonsense --rm "$BB" true
	contains "invalid detach keys (ctrl-nonsense)"
	is "$(skiff ps -a --format '{{.Names}}')" d
}

@test "keys that are only the beginning of the detach keys are passed on" {
	tty skiff run --rm -it --network none "$BB" sh -c 'stty raw -echo; echo ready; head -c 3 | od -An -tx1' <<-'STEPS'
		expect ready
		send \x10\x10a
		expect 10 10 61
		exit 0
	STEPS
}

@test "exec -it: a terminal of its own, size, detach keys, exit code" {
	skiff run -d --name e --network none "$BB" sleep 1000
	tty -s 33x99 skiff exec -it e sh <<-'STEPS'
		expect # 
		is raw
		send stty size; readlink /proc/self/fd/0\n
		expect 33 99
		expect /dev/pts/
		resize 44 101
		sleep 0.1
		send stty size\n
		expect 44 101
		send sleep 50\n
		sleep 0.2
		send \x03
		expect # 
		send exit 6\n
		exit 6
		is cooked
	STEPS
	tty skiff exec -it e sh <<-'STEPS'
		expect # 
		send \x10\x11
		exit 0
		is cooked
	STEPS
	tty skiff exec -it e nosuch <<-'STEPS'
		expect executable file not found
		exit 127
		is cooked
	STEPS
	# much pasted at once, faster than it is read
	tty skiff exec -it e sh -c 'stty -echo -icanon; echo ready; head -c 60000 | wc -c' <<-STEPS
		expect ready
		$(for _ in $(seq 60); do echo "send $(head -c 1000 /dev/zero | tr '\0' x)"; done)
		expect 60000
		exit 0
	STEPS
}

@test "the terminal is left in order when the command is killed" {
	skiff run -d --name e --network none "$BB" sleep 1000
	tty skiff exec -it e sh <<-'STEPS'
		expect # 
		is raw
		kill TERM
		exit 143
		is cooked
	STEPS
	skiff run -d -it --name s --network none "$BB" sh
	tty skiff attach s <<-'STEPS'
		is raw
		send \n
		expect # 
		kill TERM
		sleep 0.3
		send exit 4\n
		exit 4
		is cooked
	STEPS
}

@test "the container ends while somebody is attached" {
	skiff run -dit --name gone --network none "$BB" sh
	tty skiff attach gone <<-'STEPS'
		is raw
		host skiff kill gone
		exit 137
		is cooked
	STEPS
	skiff run -d --name e --network none "$BB" sleep 1000
	tty skiff exec -it e sh <<-'STEPS'
		expect # 
		host skiff kill e
		exit 137
		is cooked
	STEPS
}

@test "without -t on a terminal: signals, and no raw mode" {
	tty skiff run --rm -i --network none "$BB" sh -c 'trap "echo INT; exit 3" INT; echo ready; while :; do sleep 0.05; done' <<-'STEPS'
		expect ready
		is cooked
		send \x03
		expect INT
		exit 3
	STEPS
	# what is typed comes through, and ctrl-d ends it
	tty skiff run --rm -i --network none "$BB" cat <<-'STEPS'
		sleep 0.3
		send hello\n
		expect hello\r\nhello
		send \x04
		exit 0
	STEPS
	# the container has none of our terminals
	tty skiff run --rm -i --network none "$BB" sh -c 'test -t 0 || test -t 1 || test -t 2 || echo none' <<-'STEPS'
		expect none
		exit 0
	STEPS
	skiff run -d --name e --network none "$BB" sleep 1000
	tty skiff exec -i e sh -c 'test -t 0 || test -t 1 || test -t 2 || echo none; cat' <<-'STEPS'
		expect none
		send hello\n
		expect hello\r\nhello
		send \x04
		exit 0
	STEPS
}

@test "-t alone: a terminal for the output; -it needs one" {
	is "$(skiff run --rm -t --network none "$BB" sh -c 'test -t 1 && echo yes' | tr -d '\r')" yes
	run -125 skiff run --rm -it "$BB" true </dev/null
	is "$output" "Error: the input device is not a TTY"
	is "$(skiff ps -aq)" ""
	skiff run -dit --name d --network none "$BB" sh
	run -1 skiff attach d </dev/null
	is "$output" "Error: the input device is not a TTY"
	run -0 timeout 1 skiff attach --no-stdin --sig-proxy=false d </dev/null || [ "$status" = 124 ]
}

@test "the container's terminal belongs to its user, and is its console" {
	local owner=33
	[ "$SKIFF_TEST_MODE" != single ] || owner=0 # as every file: there is one id
	tty skiff run --rm -it -u 33 --network none "$BB" sh -c 'id -u; stat -c "%u %t" /dev/pts/0; echo x >/dev/tty; test -c /dev/console && echo console' <<-STEPS
		expect 33
		expect $owner 88
		expect x
		expect console
		exit 0
	STEPS
	tty skiff run --rm -it --init --network none "$BB" sh <<-'STEPS'
		expect # 
		send sleep 100\n
		sleep 0.2
		send \x03
		expect # 
		send exit 9\n
		exit 9
	STEPS
}

@test "a megabyte through a terminal" {
	tty skiff run --rm -it --network none "$BB" sh -c 'stty -opost; head -c 1000000 /dev/zero | tr "\0" x; echo end' <<-'STEPS'
		expect xend
		exit 0
	STEPS
}

@test "the first lines of a program are not lost, and neither are its last" {
	for _ in 1 2 3 4 5; do
		is "$(skiff run --rm -t --network none "$BB" sh -c 'echo first; echo last' | tr -d '\r' | tr '\n' ' ')" "first last "
	done
}
