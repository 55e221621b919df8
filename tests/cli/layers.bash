# shellcheck shell=bash disable=SC2154,SC2016
# SPDX-License-Identifier: Apache-2.0
# Hostile layers: made by tl.py, loaded, looked at. `load common` comes first.

CANARY=/tmp/skiff-tl-$(id -u)
export CANARY

layers_setup() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	mkdir -p "$CANARY"
	[ -e "$CANARY/secret" ] || (umask 077 && echo untouched >"$CANARY/secret")
	stat -c '%n %f %i %y' "$CANARY" "$CANARY/secret" >"$BATS_TEST_TMPDIR/canary"
}

layers_teardown() {
	remove_all_containers
	skiff system reset -f
	# Nothing has written outside the store.
	stat -c '%n %f %i %y' "$CANARY" "$CANARY/secret" | diff "$BATS_TEST_TMPDIR/canary" -
	[ "$(ls -A "$CANARY")" = secret ]
}

# tl CASE [ARG...]: load the archive that tl.py makes; the result is in $status and $output.
tl() {
	python3 "$BATS_TEST_DIRNAME/tl.py" "$1" "$BATS_TEST_TMPDIR/a.tar" "${@:2}"
	run skiff load -i "$BATS_TEST_TMPDIR/a.tar"
}

loads() {
	tl "$@"
	[ "$status" = 0 ] || fail "$1 does not load: $output"
	skiff system check
}

# refuses CASE WORDS: it is an error of one line with these words, and nothing is left.
refuses() {
	tl "${@:1:$#-1}"
	[ "$status" = 1 ] || fail "${*:1:$#-1}: status $status"
	[ "${#lines[@]}" = 1 ] || fail "not one line"
	contains "${*: -1}"
	nothing_is_left
}

nothing_is_left() {
	local left
	left=$(cd "$SKIFF_ROOT" && find layers tags oci/blobs/sha256 tmp trash -mindepth 1 ! -name guard \
		! -path tmp/blobs)
	[ -z "$left" ] || fail "left in the store: $left"
}

# tree [N]: what the Nth layer (0: lowest) has: type, mode, owner, size, name, target.
tree() {
	local id
	id=$(skiff image inspect -f "{{index .RootFS.Layers ${1:-0}}}" tl:1)
	skiff unshare sh -c 'cd "$1" && find . -mindepth 1 -printf "%y %m %U:%G %s %P %l\n" | sort -k5' sh \
		"$SKIFF_ROOT/layers/${id#sha256:}/diff"
}

in_layer() { # N COMMAND...: in its folder, as root of the user namespace
	local id
	id=$(skiff image inspect -f "{{index .RootFS.Layers $1}}" tl:1)
	skiff unshare sh -c 'cd "$1" && shift && exec "$@"' sh "$SKIFF_ROOT/layers/${id#sha256:}/diff" "${@:2}"
}

# merged: the files that a container of the image sees, one line, sorted.
merged() {
	skiff run --rm --network none -v /bin/busybox:/busybox:ro tl:1 /busybox sh -c 'cd / && b=/busybox
		$b find . -type f -o -type l | $b grep -vE "^./(proc|sys|dev|etc|busybox|run|.dockerenv)" |
		$b sort | $b tr "\n" " "'
}
