#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# logs: what a container has printed, afterwards and while it goes on.

load common

setup_file() {
	skiff run --rm "$BB" true
	skiff run --name numbers --network none "$BB" sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; done'
}

teardown_file() {
	remove_all_containers
}

# start NAME SCRIPT: a container that has run it
start() {
	skiff run --name "$1" --network none "$BB" sh -c "$2" >/dev/null 2>&1
}

# bats test_tags=smoke
@test "stdout goes to stdout, stderr to stderr, in their order" {
	start both 'echo 1; echo 2 >&2; echo 3'
	run -0 --separate-stderr skiff logs both
	is "$output" "1
3"
	is "$stderr" 2
	skiff run -d --name bg --network none "$BB" sh -c 'echo from the background'
	wait_for 5 logs_have bg background
	skiff rm -f bg
}

@test "--tail" {
	is "$(skiff logs numbers | tr '\n' ' ')" "1 2 3 4 5 6 7 8 9 10 "
	is "$(skiff logs --tail 3 numbers | tr '\n' ' ')" "8 9 10 "
	is "$(skiff logs -n 1 numbers)" 10
	is "$(skiff logs --tail 0 numbers)" ""
	is "$(skiff logs --tail 100 numbers | wc -l)" 10
	is "$(skiff logs --tail all numbers | wc -l)" 10
	is "$(skiff logs -n -1 numbers | wc -l)" 10
}

@test "--timestamps, --since, --until" {
	local first
	run -0 skiff logs --timestamps -n 1 numbers
	[[ $output =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z\ 10$ ]]
	start times 'echo early; sleep 1.2; echo late'
	is "$(skiff logs --since 1h times | wc -l)" 2
	first=$(skiff logs -t times | head -n 1 | cut -d' ' -f1)
	is "$(skiff logs --until "$first" times)" early
	is "$(skiff logs --since "$(date -u -d "$first + 1 second" +%Y-%m-%dT%H:%M:%S.%NZ)" times)" late
	is "$(skiff logs --since "$(date +%s -d '+1 minute')" times)" ""
	is "$(skiff logs --until 10m times)" ""
	run -1 skiff logs --since never times
	contains "failed to parse time 'never'"
}

# bats test_tags=smoke
@test "-f follows until the container ends" {
	local start=$SECONDS
	skiff run -d --name f --network none "$BB" sh -c 'echo 1; sleep 0.4; echo 2; sleep 0.4; printf 3'
	is "$(timeout -k 1 10 skiff logs -f f | tr '\n' ' ')" "1 2 3"
	[ $((SECONDS - start)) -lt 5 ]
	is "$(timeout -k 1 10 skiff logs --follow --tail 1 f)" 3
	# one that is removed while it is followed
	skiff run -d --name g --network none "$BB" sh -c 'while :; do echo x; sleep 0.1; done'
	timeout -k 1 10 skiff logs -f g >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	wait_for 5 grep -q x "$BATS_TEST_TMPDIR/out"
	skiff rm -f g
	wait $pid
	# a reader that has seen enough
	skiff run -d --name y --network none "$BB" sh -c 'while :; do echo x; sleep 0.01; done'
	is "$(timeout -k 1 10 skiff logs -f y | head -n 2 | wc -l)" 2
	skiff rm -f y
}

@test "bytes: NULs, long lines, no newline at the end, characters on the border of two parts" {
	start nul 'printf "a\0b\n"'
	is "$(skiff logs nul | od -An -c | tr -s ' ')" ' a \0 b \n'
	start open 'printf "no newline"'
	is "$(skiff logs open | od -An -c | tr -d ' ')" nonewline
	start long 'head -c 100000 /dev/zero | tr "\0" x; echo; echo end' || true
	skiff rm long
	skiff run --name long --network none -i "$BB" sh -c 'cat; echo end' < <(head -c 100000 /dev/zero | tr '\0' x; echo) >/dev/null
	is "$(skiff logs long | sha256sum)" "$( (head -c 100000 /dev/zero | tr '\0' x; echo; echo end) | sha256sum)"
	# one timestamp for one line, however long
	is "$(skiff logs -t long | grep -o 'Z ' | wc -l)" 2
	is "$(skiff logs -n 1 long)" end
	# 16384 is no multiple of 3
	head -c 60000 /dev/zero | sed 's/\x0/\xe2\x82\xac/g' >"$BATS_TEST_TMPDIR/euros"
	skiff run --name utf8 --network none -i "$BB" cat <"$BATS_TEST_TMPDIR/euros" >/dev/null
	is "$(skiff logs utf8 | sha256sum)" "$(sha256sum <"$BATS_TEST_TMPDIR/euros")"
	# every line of the file is a JSON object
	jq -e .log "$(skiff inspect -f '{{.LogPath}}' utf8)" >/dev/null
}

@test "a terminal's output is logged as it was written" {
	skiff run -t --name tty --network none "$BB" sh -c 'echo a; echo b >&2' </dev/null
	is "$(skiff logs tty | od -An -c | tr -s ' ')" ' a \r \n b \r \n'
}

@test "restarts go on with the same log" {
	skiff create --name again --network none "$BB" sh -c 'echo run'
	skiff start -a again
	skiff start -a again
	is "$(skiff logs again | wc -l)" 2
}

@test "nothing to read: never started, no driver, not there" {
	skiff create --name new "$BB" true
	is "$(skiff logs new)" ""
	skiff run --name none --log-driver none --network none "$BB" echo x
	run -1 skiff logs none
	is "$output" "Error: configured logging driver does not support reading"
	run -1 skiff logs nosuch
	is "$output" "Error: No such container: nosuch"
}

@test "a full disk stops the log, not the container" {
	local private=(skiff unshare)
	[ "$(id -u)" != 0 ] || private=(unshare --mount) # root mounts as itself
	"${private[@]}" sh -c "
		set -e
		mkdir $BATS_TEST_TMPDIR/small
		mount -t tmpfs -o size=40m none $BATS_TEST_TMPDIR/small
		skiff --root $BATS_TEST_TMPDIR/small run --name big --network none $BB sh -c 'head -c 60000000 /dev/zero | tr \"\\\\0\" x; exit 6' | wc -c
		skiff --root $BATS_TEST_TMPDIR/small inspect -f '{{.State.ExitCode}}' big || true
	" >"$BATS_TEST_TMPDIR/out" 2>&1 || fail "$(cat "$BATS_TEST_TMPDIR/out")"
	is "$(head -n 1 "$BATS_TEST_TMPDIR/out")" 60000000
}
