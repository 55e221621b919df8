#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# UN rows of SECURITY.md: user namespaces, environment, processes that stay.

load common
load image

setup_file() {
	base_image
}

teardown_file() {
	remove_all_containers
}

# bats test_tags=smoke
@test "UN-01 setgroups is denied where there is one id, and everywhere the map is what we asked for" {
	if [ "$SKIFF_TEST_MODE" = single ]; then
		run -0 --separate-stderr skiff run --rm --network none base cat /proc/self/setgroups
		is "$output" deny
		run -0 --separate-stderr skiff run --rm --network none base sh -c 'cat /proc/self/uid_map | tr -s " "'
		is "$output" " 0 0 1"
	else
		run -0 --separate-stderr skiff run --rm --network none base sh -c 'tr -s " " </proc/self/uid_map'
		[[ $output == " 0 0 "* ]] || fail "$output"
		lacks 4294967295
	fi
	# nobody outside the map can be become
	run -0 --separate-stderr skiff run --rm --network none base sh -c 'probe nr 105 4000000000'
	[ "$SKIFF_TEST_MODE" = single ] || is "$output" EINVAL
}

@test "UN-03 killed at any moment, a start leaves no process, name or mount" {
	local i mark pid
	for i in $(seq 40); do
		mark=un3-$$-$i
		SKMARK=$mark skiff run --rm --name "un3" --network none base true >/dev/null 2>&1 &
		pid=$!
		sleep "0.0$((i % 5))$((RANDOM % 10))"
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		wait_for 10 none_of "$mark"
		run skiff rm -f un3
	done
	run -0 --separate-stderr skiff ps -aq
	is "$output" ""
	run ! grep -q 'skiff.*un3' /proc/self/mounts
	run -0 --separate-stderr skiff run --rm --name un3 --network none base echo fine
	is "$output" fine
}

# bats test_tags=smoke
@test "UN-05 two seconds after the last container no process of ours is left" {
	export SKMARK=un5-$$-$RANDOM
	skiff run -d --name un5 base sleep 1000
	skiff exec un5 true
	[ -n "$(ours "$SKMARK")" ] || fail "the test does not see our processes"
	skiff rm -f un5
	skiff run --rm base true
	(unset SKMARK; sleep 2)
	local left p
	left=$(for p in $(ours "$SKMARK"); do
		[ "$p" = "$BASHPID" ] || tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -a skiff || true
	done | grep -v bats || true)
	[ -z "$left" ] || fail "$left"
}

@test "UN-06 the caller's environment does not reach the container" {
	export CANARY=un6-secret HTTP_PROXY=http://un6-secret AWS_SECRET_ACCESS_KEY=un6-secret
	run -0 --separate-stderr skiff run --rm --network none base sh -c 'env; cat /proc/*/environ | tr "\0" "\n"'
	lacks un6-secret
	skiff run -d --name un6 --network none base sleep 1000
	run -0 --separate-stderr skiff exec un6 sh -c 'env; cat /proc/*/environ | tr "\0" "\n"'
	lacks un6-secret
	run -0 --separate-stderr skiff inspect un6
	lacks un6-secret
	# a second container sees nothing of the first one's
	run -0 --separate-stderr skiff run --rm --network none -e ONLY=here base env
	contains ONLY=here
	run -0 --separate-stderr skiff exec un6 sh -c 'cat /proc/*/environ | tr "\0" "\n"'
	lacks ONLY=here
	skiff rm -f un6
}

@test "UN-07 programs of the image are never run on the host" {
	local t=$BATS_TEST_TMPDIR/t out=$BATS_TEST_TMPDIR/canary p
	new_tree "$t"
	mkdir -p "$t/evil" "$t/usr/bin" "$out"
	chmod 777 "$out"
	for p in nsenter newuidmap newgidmap slirp4netns fuse-overlayfs ps top skiff skiff-init busctl tar xz gzip; do
		printf '#!/bin/sh\ntouch %s/%s\n' "$out" "$p" >"$t/evil/$p"
		chmod 755 "$t/evil/$p"
		cp "$t/evil/$p" "$t/usr/bin/$p"
	done
	load_tree un7:latest "$t" '"Cmd":["true"],"Env":["PATH=/evil:/bin","LD_PRELOAD=/evil/x.so","LD_LIBRARY_PATH=/evil"]'
	skiff run -d --name un7 un7 sleep 1000
	skiff exec un7 true
	skiff logs un7
	skiff stop -t 0 un7
	skiff start un7
	skiff kill un7
	skiff rm -f un7
	[ -z "$(ls -A "$out")" ] || fail "ran on the host: $(ls -A "$out")"
}
