#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every fault of a registry for every object that a verb asks for: the table is in fault-matrix.py.

load common
load fake

setup_file() { fake_start_bad; }
teardown_file() { fake_stop; }

@test "pull: each fault has its outcome, bounded retries, and leaves no part of an image" {
	run "$TESTS/cli/fault-matrix.py" pull
	[ "$status" = 0 ] || fail "$(awk '/^not ok/ { p = 1 } /^ok/ { p = 0 } p' <<<"$output")"
	[ "$(grep -c '^ok ' <<<"$output")" -ge 160 ]
}

@test "push: each fault of each step has its outcome, bounded retries, and no tag stands for half an image" {
	run "$TESTS/cli/fault-matrix.py" push
	[ "$status" = 0 ] || fail "$(awk '/^not ok/ { p = 1 } /^ok/ { p = 0 } p' <<<"$output")"
	[ "$(grep -c '^ok ' <<<"$output")" -ge 100 ]
}
