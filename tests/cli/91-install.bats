#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is installed, what it links and loads.

load common

# bats test_tags=not-san
# the sanitizers' build has their libraries too
@test "skiff links libc, json-c, seccomp and cap, nothing else" {
	run ldd "$SKIFF"
	is "$status" 0
	run bash -c "ldd $SKIFF | awk '{ print \$1 }' | grep -vE '^(linux-vdso|libc|libjson-c|libseccomp|libcap|/lib.*/ld-linux.*)(\.so.*)?\$'"
	is "$output" ""
}

# bats test_tags=not-san
# the sanitizers' build has their libraries too
@test "a run loads no library of the heavy programs" {
	skiff run --rm --network none $BB true
	# The loader's own trace sees dlopen as well, and unlike strace it does not take newuidmap's privilege away.
	LD_DEBUG=files LD_DEBUG_OUTPUT="$BATS_TEST_TMPDIR/ld" skiff run --rm --network none $BB true
	cat "$BATS_TEST_TMPDIR"/ld.* >"$BATS_TEST_TMPDIR/trace"
	grep -q 'libjson-c' "$BATS_TEST_TMPDIR/trace"
	run grep -E 'libcurl|libarchive|libcrypto|libssl|libisal|libzstd|libnss' "$BATS_TEST_TMPDIR/trace"
	is "$output" ""
}

@test "the program finds its own parts wherever it is moved" {
	local prefix=${SKIFF%/bin/skiff}
	mkdir "$BATS_TEST_TMPDIR/moved"
	cp -r "$prefix/bin" "$prefix/libexec" "$BATS_TEST_TMPDIR/moved/"
	run "$BATS_TEST_TMPDIR/moved/bin/skiff" run --rm --network none $BB echo moved
	is "$status" 0
	contains moved
}

@test "called through a symlink named docker it is the same program" {
	ln -s "$SKIFF" "$BATS_TEST_TMPDIR/docker"
	run "$BATS_TEST_TMPDIR/docker" run --rm --network none $BB echo same
	is "$status" 0
	contains same
}

# bats test_tags=smoke
@test "skiff --version prints one line" {
	run skiff --version
	is "$status" 0
	[[ $output =~ ^skiff\ version\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$output"
}
