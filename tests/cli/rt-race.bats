#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RT rows of SECURITY.md where the container fights back while we work: watching, writing, swapping.

load common
load image

setup_file() {
	base_image
}

teardown_file() {
	remove_all_containers
}

# bats test_tags=smoke
@test "RT-01 what joins a container shows it nothing of the host" {
	local i out
	skiff run -d --name rt1 --network none base sh -c 'probe watch 5; sleep 1000'
	for i in $(seq 120); do
		skiff exec rt1 true
	done
	wait_for 20 sh -c 'skiff logs rt1 | grep -qx end'
	out=$(skiff logs rt1 2>&1 | sort -u)
	# nothing but the container's own files and anonymous objects
	out=$(grep -vE '^(/|/dev/(null|pts/[0-9]+)|/bin/(busybox|probe)|/proc(/.*)?|end|(pipe|socket|anon_inode):.*|/sys|/dev)$' <<<"$out" || true)
	[ -z "$out" ] || fail "seen: $out"
	skiff rm -f rt1
}

@test "RT-02 a container cannot write to our program" {
	local prefix sums i
	# a copy that belongs to the caller, as in ~/.local
	prefix=$BATS_TEST_TMPDIR/p
	cp -r "$(dirname "$(dirname "$(readlink -f "$(command -v skiff)")")")" "$prefix" 2>/dev/null || true
	[ -x "$prefix/bin/skiff" ] || fail "no copy of the program"
	chmod -R u+w "$prefix"
	sums=$(cd "$prefix" && find . -type f -path '*skiff*' -exec sha256sum {} + | sort)
	new_tree "$BATS_TEST_TMPDIR/t"
	printf '#!/proc/self/exe\n' >"$BATS_TEST_TMPDIR/t/bin/evil"
	chmod 755 "$BATS_TEST_TMPDIR/t/bin/evil"
	load_tree rt2:latest "$BATS_TEST_TMPDIR/t"
	"$prefix/bin/skiff" run -d --name rt2 --network none rt2 sh -c 'probe grab 5; sleep 1000'
	for i in $(seq 100); do
		"$prefix/bin/skiff" exec rt2 /bin/evil >/dev/null 2>&1 || true
	done
	for i in $(seq 10); do
		"$prefix/bin/skiff" run --rm --network none --entrypoint /proc/self/exe rt2 >/dev/null 2>&1 || true
	done
	wait_for 20 sh -c 'skiff logs rt2 | grep -qx end'
	run skiff logs rt2
	# it may be opened, being sealed: what counts is that no write succeeds
	! grep -E '^written to: .* 0$' <<<"$output" || fail "a program of ours was written to"
	is "$(cd "$prefix" && find . -type f -path '*skiff*' -exec sha256sum {} + | sort)" "$sums"
	skiff rm -f rt2
}

# bats test_tags=smoke
@test "RT-04 RT-07 mount targets that another container swaps for links lead nowhere" {
	local v out src i status_ok=0
	v=$BATS_TEST_TMPDIR/v
	out=$BATS_TEST_TMPDIR/canary
	src=$BATS_TEST_TMPDIR/src
	mkdir -p "$v/dir/deep" "$out" "$src"
	echo mine >"$src/f"
	chmod -R a+rwX "$v" "$src" "$out"
	chmod 755 "$BATS_TEST_TMPDIR"
	ln -s "../../../../../../../../$out" "$v/link"
	skiff run -d --name rt4 --network none -v "$v:/v" base probe swap /v/dir /v/link 12
	for i in $(seq 60); do
		run timeout 20 skiff run --rm --network none -v "$v:/v" -v "$src:/v/dir/new$i" -v "$src/f:/v/dir/file$i" --tmpfs "/v/dir/t$i" \
			base sh -c 'cut -d" " -f5 /proc/self/mountinfo'
		[ "$status" = 0 ] || [ "$status" = 125 ] || fail "exit status $status: $output"
		if [ "$status" = 0 ]; then
			status_ok=$((status_ok + 1))
			# a mount is at the swapped name, or where the link leads inside the container
			out2=$(grep -E '(new|file|t)[0-9]+$' <<<"$output" | grep -vE "^(/v/(dir|link)|$out)/" || true)
			[ -z "$out2" ] || fail "mounted at $out2"
		fi
		[ -z "$(ls -A "$out")" ] || fail "made on the host: $(ls -A "$out")"
	done
	skiff rm -f rt4
	[ -z "$(ls -A "$out")" ] || fail "made on the host: $(ls -A "$out")"
	is "$(cat "$src/f")" mine
	echo "# $status_ok of 60 started" >&3
}

@test "RT-07 CP-07 nothing of ours appears outside the container while its folders are swapped" {
	local v stamp out
	v=$BATS_TEST_TMPDIR/v
	mkdir -p "$v/a"
	chmod -R a+rwX "$v"
	ln -s / "$v/b"
	stamp=$BATS_TEST_TMPDIR/stamp
	touch "$stamp"
	sleep 0.02
	skiff run -d --name rt7 --network none -v "$v:/v" base probe swap /v/a /v/b 8
	for _ in $(seq 40); do
		skiff run --rm --network none -v "$v:/v" -w "/v/a/rt7-cwd" --tmpfs /v/a/rt7-tmpfs -v "$stamp:/v/a/etc/rt7-file" base true >/dev/null 2>&1 || true
	done
	skiff rm -f rt7
	out=$(find /tmp /var/tmp /etc /opt /srv -xdev -newer "$stamp" -user "$(id -un)" -name "rt7-*" \
		-not -path "$BATS_TEST_TMPDIR/*" 2>/dev/null || true)
	[ -z "$out" ] || fail "found: $out"
}
