#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run: output, stdin, exit codes, names and ids, images and platforms, what is refused.

load common
load image

setup_file() {
	base_image
	skiff run --rm "$BB" true
}

teardown() {
	remove_all_containers
}

r() { # run --rm without a network, which most of these do not need
	skiff run --rm --network none "$@"
}

# bats test_tags=smoke
@test "stdout, stderr and the exit code are the container's" {
	run -0 --separate-stderr r "$BB" sh -c 'echo out; echo err >&2'
	is "$output" out
	is "$stderr" err
	run -7 r "$BB" sh -c 'exit 7'
	run -137 r --init "$BB" sh -c 'kill -9 $$'
	run -143 r --init "$BB" sh -c 'kill $$'
	run -0 r "$BB" true
	run -1 r "$BB" false
}

# bats test_tags=smoke
@test "126 and 127: a command that cannot run, or is not there, in docker's words" {
	run -127 --separate-stderr r "$BB" nosuch
	is "$output" ""
	is "$stderr" 'Error: exec: "nosuch": executable file not found in $PATH'
	run -127 --separate-stderr r "$BB" /no/such
	is "$stderr" 'Error: exec: "/no/such": no such file or directory'
	run -126 --separate-stderr r "$BB" /etc
	[[ $stderr == 'Error: exec: "/etc": '*'permission denied' ]] || fail "$stderr"
	run -126 --separate-stderr r "$BB" /etc/passwd
	is "$stderr" 'Error: exec: "/etc/passwd": permission denied'
	[ "$SKIFF_TEST_MODE" = single ] || run -126 --separate-stderr r -u 1000 "$BB" /root/x # its only real id is root's
	run -127 r "$BB" ""
	run -126 r -v "$BATS_TEST_TMPDIR:/x" "$BB" /x
	printf '\177ELF nonsense' >"$BATS_TEST_TMPDIR/bad"
	chmod +x "$BATS_TEST_TMPDIR/bad"
	run -126 --separate-stderr r -v "$BATS_TEST_TMPDIR:/x" "$BB" /x/bad
	[[ $stderr == *"exec format error"* ]] || fail "$stderr"
	printf '#!/no/interpreter\n' >"$BATS_TEST_TMPDIR/script"
	chmod +x "$BATS_TEST_TMPDIR/script"
	run -127 r -v "$BATS_TEST_TMPDIR:/x" "$BB" /x/script
	is "$(skiff ps -aq)" ""
}

@test "stdin: with -i as it is, without it the container reads nothing" {
	is "$(echo one | r -i "$BB" cat)" one
	is "$(echo one | r "$BB" cat)" ""
	is "$(r -i "$BB" cat </dev/null)" ""
	is "$(printf 'no newline' | r -i "$BB" cat)" "no newline"
	# what the container does not read is no error
	is "$(yes | r -i "$BB" head -n 1)" y
	is "$(yes | r -i "$BB" echo finished)" finished
}

@test "stdin of 20 MB is byte-exact, also when more comes out than went in" {
	head -c 20000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	is "$(r -i "$BB" sha256sum <"$BATS_TEST_TMPDIR/in")" "$(sha256sum <"$BATS_TEST_TMPDIR/in")"
	is "$(r -i "$BB" cat <"$BATS_TEST_TMPDIR/in" | sha256sum)" "$(sha256sum <"$BATS_TEST_TMPDIR/in")"
	# four bytes out for one in: both directions fill up
	head -c 2000000 "$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/part"
	is "$(timeout -k 1 60 skiff run --rm -i --network none "$BB" od -v -tx1 <"$BATS_TEST_TMPDIR/part" | sha256sum)" \
		"$(busybox od -v -tx1 <"$BATS_TEST_TMPDIR/part" | sha256sum)"
}

@test "100 MB of output are byte-exact for a slow reader, and the exit code comes after them" {
	local dir=$BATS_TEST_TMPDIR
	{
		r --log-driver none "$BB" sh -c 'dd if=/dev/zero bs=1M count=100 2>/dev/null; exit 3' || echo $? >"$dir/rc"
	} | (sleep 1; sha256sum >"$dir/sum")
	is "$(cat "$dir/rc")" 3
	is "$(cat "$dir/sum")" "$(head -c 104857600 /dev/zero | sha256sum)"
	# more than a socket and a pipe hold is still on its way when the container ends
	{
		r "$BB" sh -c 'head -c 3000000 /dev/zero; exit 4' || echo $? >"$dir/rc"
	} | (sleep 0.5; wc -c >"$dir/count")
	is "$(cat "$dir/rc")" 4
	is "$(cat "$dir/count")" 3000000
}

@test "while a reader does not read, the monitor sleeps" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	skiff run --name slow --network none "$BB" yes >"$BATS_TEST_TMPDIR/fifo" 2>/dev/null 3>&- &
	local pid=$! m a b
	exec 7<"$BATS_TEST_TMPDIR/fifo"
	wait_for 5 is_running slow
	sleep 0.3
	m=$(monitor_of slow)
	a=$(awk '{ print $14 + $15 }' "/proc/$m/stat")
	sleep 0.5
	b=$(awk '{ print $14 + $15 }' "/proc/$m/stat")
	[ $((b - a)) -le 5 ] || fail "the monitor used $((b - a)) ticks in half a second"
	# it can be reached all the same
	run -0 timeout -k 1 5 skiff kill slow
	exec 7<&-
	run -0 skiff ps -q
	is "$output" ""
	wait $pid || true
}

@test "a reader that goes ends the command, not the container" {
	skiff run --name gone --network none "$BB" sh -c 'while :; do echo x; sleep 0.05; done' 3>&- | head -n 1 >/dev/null
	is "${PIPESTATUS[0]}" 141
	run -0 skiff inspect -f '{{.State.Running}}' gone
	is "$output" true
}

@test "ctrl-c and other signals reach the container" {
	skiff run --name sig --network none "$BB" sh -c 'trap "echo INT; exit 3" INT; trap "echo USR1" USR1; echo up
		while :; do sleep 0.05; done' >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$! rc
	wait_for 5 grep -q up "$BATS_TEST_TMPDIR/out"
	kill -USR1 $pid
	wait_for 5 grep -q USR1 "$BATS_TEST_TMPDIR/out"
	kill -INT $pid
	rc=0
	wait $pid || rc=$?
	is $rc 3
	grep -q INT "$BATS_TEST_TMPDIR/out"
}

@test "--sig-proxy=false: a signal ends the command, the container goes on" {
	skiff run --sig-proxy=false --name on --network none "$BB" sleep 100 3>&- &
	local pid=$!
	wait_for 5 is_running on
	kill -TERM $pid
	wait $pid || true
	is "$(skiff inspect -f '{{.State.Running}}' on)" true
}

# bats test_tags=smoke
@test "-d prints the id; the container goes on; nothing of the caller's is kept open" {
	local id
	# a command substitution ends only when nobody has the pipe any more
	id=$(timeout -k 1 10 skiff run -d --name bg --network none "$BB" sleep 100)
	[[ $id =~ ^[0-9a-f]{64}$ ]]
	is "$(timeout 5 skiff run -d --network none "$BB" sleep 100 | cat | wc -c)" 65
	# inherited descriptors, high ones as well
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	(sleep 0.1; exec 9>"$BATS_TEST_TMPDIR/fifo" 300>&9; skiff run -d --network none "$BB" sleep 100 >/dev/null) &
	timeout 5 cat "$BATS_TEST_TMPDIR/fifo"
	is "$(skiff inspect -f '{{.State.Status}} {{.Name}}' bg)" "running /bg"
}

@test "random names are pairs of words and all different; a name is in use once" {
	local i names
	for i in 1 2 3 4 5 6; do skiff create "$BB" true >/dev/null; done
	names=$(skiff ps -a --format '{{.Names}}')
	is "$(wc -l <<<"$names")" 6
	is "$(sort -u <<<"$names" | wc -l)" 6
	run ! grep -vE '^[a-z]+_[a-z0-9]+$' <<<"$names"
	skiff create --name 1st "$BB" true
	run -125 --separate-stderr skiff run --name 1st "$BB" true
	[[ $stderr == 'Error: Conflict. The container name "/1st" is already in use by container "'* ]] || fail "$stderr"
	is "$(skiff ps -a --format '{{.Names}}' --filter name=1st)" 1st
	run -125 skiff run --name ../x "$BB" true
	contains 'Invalid container name (../x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'
	run -0 skiff run --rm --name "" --network none "$BB" true
}

@test "--replace takes the name over, from a running container too" {
	local id
	skiff run -d --name web --network none "$BB" sleep 100
	id=$(skiff run -d --replace --name web --network none "$BB" sleep 200)
	is "$(skiff ps -q --no-trunc)" "$id"
	run -0 r --replace --name web "$BB" echo new
	is "$output" new
}

@test "ids and their beginnings name a container; what names several is refused" {
	local a b
	a=$(skiff create --name aa "$BB" true)
	is "$(skiff inspect -f '{{.Name}}' "${a:0:12}")" /aa
	is "$(skiff inspect -f '{{.Name}}' "${a:0:5}")" /aa
	# a name goes before an id's beginning
	b=$(skiff create --name "${a:0:6}" "$BB" true)
	is "$(skiff inspect -f '{{.Id}}' "${a:0:6}")" "$b"
	run -1 skiff container inspect nosuch
	contains "No such container: nosuch"
}

@test "a start that fails with --rm leaves nothing behind, without it the container says why" {
	run -127 r --name fails --cidfile "$BATS_TEST_TMPDIR/cid" "$BB" nosuch
	is "$(skiff ps -aq)" ""
	run -125 r -v "$BATS_TEST_TMPDIR/made:/x" --mount type=bind,src=/no/such/other,dst=/y "$BB" true
	is "$(skiff ps -aq)" ""
	run -127 skiff run --name fails --network none "$BB" nosuch
	is "$(skiff inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' fails)" \
		'created 127 exec: "nosuch": executable file not found in $PATH'
	skiff rm fails
}

@test "--cidfile holds the id, and an old one is not overwritten" {
	local f=$BATS_TEST_TMPDIR/cid
	skiff create --cidfile "$f" --name c "$BB" true
	is "$(cat "$f")" "$(skiff inspect -f '{{.Id}}' c)"
	run -125 skiff run --cidfile "$f" "$BB" true
	contains "container ID file found"
	run -125 skiff run --cidfile /no/such/dir/f "$BB" true
	contains "/no/such/dir/f"
	is "$(skiff ps -aq | wc -l)" 1
	run -125 skiff run --name c --cidfile "$BATS_TEST_TMPDIR/other" "$BB" true
	[ ! -e "$BATS_TEST_TMPDIR/other" ]
}

@test "--rootfs runs a folder as it is" {
	new_tree "$BATS_TEST_TMPDIR/tree"
	is "$(r --rootfs "$BATS_TEST_TMPDIR/tree" sh -c 'echo here >/made; cat /made')" here
	is "$(cat "$BATS_TEST_TMPDIR/tree/made")" here
	# what is the caller's is the container's root's, also where the caller is host root
	is "$(stat -c %u "$BATS_TEST_TMPDIR/tree/made")" "$(id -u)"
	is "$(r --rootfs "$BATS_TEST_TMPDIR/tree" stat -c %u /bin)" 0
	run -125 r --rootfs /no/such true
	contains "root file system '/no/such': No such file or directory"
	run -125 r --rootfs /etc/passwd true
	contains "is not a folder"
	run -125 r --rootfs "$BATS_TEST_TMPDIR/tree"
	contains "no command specified"
}

# bats test_tags=only-root
@test "--rootfs with the ids that root's containers have: they stay as they are" {
	new_tree "$BATS_TEST_TMPDIR/tree"
	skiff unshare chown -R 0:0 "$BATS_TEST_TMPDIR/tree"
	is "$(r --rootfs "$BATS_TEST_TMPDIR/tree" sh -c 'touch /made; stat -c %u /made /bin' | tr '\n' ' ')" "0 0 "
	is "$(stat -c %u "$BATS_TEST_TMPDIR/tree/made")" "$(skiff unshare awk 'NR == 1 { print $2 }' /proc/self/uid_map)"
	[ "$(stat -c %u "$BATS_TEST_TMPDIR/tree/made")" != 0 ]
}

@test "--platform: what the image is not for is refused; an image for another machine warns" {
	run -125 r --platform linux/s390x "$BB" true
	contains "does not match the specified platform (linux/s390x)"
	run -0 r --platform linux "$BB" true
	run -125 r --platform nonsense/x/y/z "$BB" true
	skiff save base >/dev/null 2>&1 || true
	new_tree "$BATS_TEST_TMPDIR/t"
	uname() { echo s390x; }
	load_tree foreign:latest "$BATS_TEST_TMPDIR/t"
	unset -f uname
	run -0 --separate-stderr r foreign true
	grep -q "^Warning: The requested image's platform (linux/s390x) does not match" <<<"$stderr" || fail "$stderr"
	run -0 --separate-stderr r --platform linux/s390x foreign true
	is "$stderr" ""
}

@test "--pull: never, missing, a policy that is none" {
	run -125 r --pull never no/such true
	is "$output" "Error: No such image: no/such (and --pull=never)"
	run -125 skiff run --rm embedded/no-such true # the program that loads it has said all
	is "$output" "Error: No such image: embedded/no-such"
	run -0 r --pull never base true
	run -0 r --pull missing base true
	run -0 r --pull always "$BB" true
	run -125 r --pull perhaps base true
	contains "must be always, missing, never or newer"
	run -125 r --pull=missing --quiet 127.0.0.1:1/no/such true
	contains "127.0.0.1:1"
	run -125 r UPPER/case true
	contains "UPPER/case"
	is "$(skiff ps -aq)" ""
}

@test "what the image says is what runs: entrypoint, command, environment, user, folder, labels" {
	mkdir -p "$BATS_TEST_TMPDIR/t"
	new_tree "$BATS_TEST_TMPDIR/t"
	echo 'app:x:42:43::/home/app:/bin/sh' >>"$BATS_TEST_TMPDIR/t/etc/passwd"
	load_tree conf:latest "$BATS_TEST_TMPDIR/t" '"Entrypoint":["echo","ep"],"Cmd":["cmd","two"],"Env":["PATH=/bin","A=image"],
		"User":"app","WorkingDir":"/made/by/image","Labels":{"l":"image","m":"m"},"StopSignal":"SIGUSR1"'
	is "$(r conf)" "ep cmd two"
	is "$(r conf other)" "ep other"
	is "$(r --entrypoint id conf -u)" 42
	is "$(r --entrypoint '' conf id -g)" 43
	run -125 r --entrypoint '' conf
	contains "no command specified"
	is "$(r --entrypoint pwd conf)" /made/by/image
	is "$(r --entrypoint sh conf -c 'echo $A $HOME')" "image /home/app"
	is "$(r -e A=mine --entrypoint sh conf -c 'echo $A')" mine
	is "$(r --unsetenv A --entrypoint sh conf -c 'echo ${A-none}')" none
	is "$(r --unsetenv-all --entrypoint sh conf -c 'echo ${A-none}')" none
	is "$(r -u 0 -w / --entrypoint sh conf -c 'id -u; pwd' | tr '\n' ' ')" "0 / "
	skiff create --name conf -l l=mine conf
	is "$(skiff inspect -f '{{.Config.Labels}} {{.Config.StopSignal}} {{.Config.User}}' conf)" "map[l:mine m:m] SIGUSR1 app"
}

@test "20 at once all run, and leave nothing" {
	local i pids=()
	for i in $(seq 20); do
		skiff run --rm "$BB" echo "number $i" >"$BATS_TEST_TMPDIR/$i" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in $(seq 20); do is "$(cat "$BATS_TEST_TMPDIR/$i")" "number $i"; done
	is "$(skiff ps -aq)" ""
}
