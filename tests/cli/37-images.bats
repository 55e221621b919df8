#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# images, tag, rmi, image inspect, system check, system reset.

load common
load layers

setup() { layers_setup; }
teardown() { layers_teardown; }

names() {
	skiff images --format '{{.Repository}}:{{.Tag}}' | sort | tr '\n' ' '
}

id_of() {
	skiff image inspect -f '{{.Id}}' "$1"
}

conflict() { # ID WORD
	echo "conflict: unable to delete ${1:7:12} ($2 be forced) -"
}

# bats test_tags=smoke
@test "images: docker's table, -q, --no-trunc, --digests, a name" {
	local id
	tl good a/b:1
	id=$(id_of a/b:1)
	skiff tag a/b:1 c
	run -0 skiff images
	[[ ${lines[0]} =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]] || fail "got ${lines[0]}"
	is "${#lines[@]}" 3
	contains "a/b          1         ${id:7:12}   N/A       1.6MB"
	run -0 skiff images -q
	is "${lines[0]}" "${id:7:12}"
	run -0 skiff images -q --no-trunc
	is "${lines[0]}" "$id"
	run -0 skiff images --digests
	[[ ${lines[0]} =~ ^REPOSITORY\ +TAG\ +DIGEST\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]] || fail "got ${lines[0]}"
	contains "<none>"
	run -0 skiff images c
	is "${#lines[@]}" 2
	run -0 skiff images a/b:2
	is "${#lines[@]}" 1
	run -0 skiff images 'a/*'
	is "${#lines[@]}" 2
	run -0 skiff image ls -f reference=c --format '{{.Repository}}'
	is "$output" c
	run -1 skiff images -f nonsense=1
	contains "invalid filter"
}

@test "tag: names are completed, moved, and refused" {
	tl good a:1
	skiff tag a:1 localhost:5000/x/y
	is "$(names)" "a:1 localhost:5000/x/y:latest "
	run -1 skiff tag a:1 'Not A Name'
	contains "invalid reference format"
	run -1 skiff tag a:1 embedded/busybox
	contains "reserved"
	run -1 skiff tag nothing:1 b
	contains "No such image: nothing:1"
	tl times b:1
	skiff tag b:1 a:1
	is "$(id_of a:1)" "$(id_of b:1)"
	is "$(names)" "a:1 b:1 localhost:5000/x/y:latest "
	skiff tag b:1 localhost:5000/x/y
	is "$(names)" "<none>:<none> a:1 b:1 localhost:5000/x/y:latest "
}

@test "rmi: a name, the last name, an id, several" {
	run -1 skiff rmi
	is "$output" 'Error: "skiff rmi" requires at least 1 argument, or --all'
	local id
	tl good a:1
	id=$(id_of a:1)
	skiff tag a:1 b:1
	run -0 skiff rmi a:1
	is "$output" "Untagged: a:1"
	skiff tag b:1 c:1
	run -1 skiff rmi "${id:7:12}"
	is "$output" "Error: $(conflict "$id" must) image is referenced in multiple repositories"
	run -0 skiff rmi -f "${id:7:12}"
	contains "Untagged: b:1"
	contains "Untagged: c:1"
	contains "Deleted: $id"
	nothing_is_left
	run -1 skiff rmi a:1 "${id:7:12}"
	is "${lines[0]}" "Error: No such image: a:1"
	is "${lines[1]}" "Error: No such image: ${id:7:12}:latest"
	run -0 skiff rmi -f a:1
	tl good a:1
	tl times b:1
	run -0 skiff rmi a:1 b:1
	nothing_is_left
}

@test "rmi: layers that another image has stay" {
	tl wh-file a:1
	tl wh-dir b:1
	is "$(find "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" 3
	skiff rmi a:1
	is "$(find "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" 2
	skiff system check
	skiff rmi b:1
	nothing_is_left
}

@test "rmi: containers hold their image" {
	local id ctr
	skiff run --rm --network none "$BB" true
	id=$(id_of "$BB")
	ctr=$(skiff create "$BB" true)
	run -1 skiff rmi "$BB"
	contains "Error: conflict: unable to remove repository reference \"$BB\" (must force) - "
	contains "container ${ctr:0:12} is using its referenced image ${id:7:12}"
	run -1 skiff rmi "${id:7:12}"
	is "$output" "Error: $(conflict "$id" must) image is being used by stopped container ${ctr:0:12}"
	run -0 skiff rmi -f "$BB"
	contains "Deleted: $id"
	run -0 skiff start -a "$ctr"
	wait_for 5 skiff rm "$ctr"
}

@test "rmi: a running container's image cannot be forced" {
	local id ctr
	ctr=$(skiff run -d --network none "$BB" sleep 60)
	id=$(id_of "$BB")
	run -1 skiff rmi -f "${id:7:12}"
	is "$output" "Error: $(conflict "$id" cannot) image is being used by running container ${ctr:0:12}"
	skiff rm -f "$ctr"
}

@test "image inspect: docker's keys, several, missing ones" {
	tl good a:1
	run -0 skiff image inspect a:1
	python3 -c 'import json, sys
i = json.load(sys.stdin)[0]
assert i["RepoTags"] == ["a:1"] and i["RepoDigests"] == [] and i["Os"] == "linux" and i["RootFS"]["Type"] == "layers", i
assert i["Config"]["Cmd"] == ["sh"] and i["Size"] == 1600006 and len(i["Id"]) == 71, i' <<<"$output"
	run -0 skiff inspect -f '{{.Id}}' a:1
	is "$output" "$(id_of a:1)"
	run -1 skiff image inspect nothing
	contains "No such image: nothing:latest"
}

@test "system check: each kind of damage is a line, the exit status is 1" {
	local id layer
	tl good a:1
	run -0 skiff system check
	is "$output" ""
	id=$(id_of a:1)
	layer=$(skiff image inspect -f '{{index .RootFS.Layers 0}}' a:1)
	printf x | dd of="$SKIFF_ROOT/layers/${layer#sha256:}/diff/big" bs=1 seek=5 conv=notrunc 2>/dev/null
	run -0 skiff system check --quick
	run -1 skiff system check
	contains "layer $layer: its content has diff id sha256:"
	mv "$SKIFF_ROOT/layers/${layer#sha256:}" "$BATS_TEST_TMPDIR/away"
	run -1 skiff system check --quick
	contains "image docker.io/library/a:1: layer $layer is missing"
	mv "$BATS_TEST_TMPDIR/away" "$SKIFF_ROOT/layers/${layer#sha256:}"
	printf ' ' >>"$SKIFF_ROOT/oci/blobs/sha256/${id#sha256:}"
	run -1 skiff system check
	contains "blob $id: its content has digest"
	rm "$SKIFF_ROOT/oci/blobs/sha256/${id#sha256:}"
	run -1 skiff system check
	contains "blob $id: No such file or directory"
	echo nonsense >"$SKIFF_ROOT/tags/x"
	run -1 skiff system check
	contains "'tags/x' is damaged"
	rm "$SKIFF_ROOT/tags/x"
	skiff rmi -f a:1 # a damaged image can be removed
	nothing_is_left
}

@test "a folder with other files is no store" {
	mkdir -p "$BATS_TEST_TMPDIR/mine"
	echo precious >"$BATS_TEST_TMPDIR/mine/file"
	run -1 skiff --root "$BATS_TEST_TMPDIR/mine" images
	contains "is not a store of skiff"
	is "$(ls "$BATS_TEST_TMPDIR/mine")" file
}

@test "system reset asks, and removes everything" {
	local ctr
	tl caps tl:1
	skiff create "$BB" true
	run -1 skiff system reset <<<n
	contains "Are you sure"
	ctr=$(skiff run -d --network none "$BB" sleep 60)
	run -1 skiff system reset -f
	contains "container ${ctr:0:12} is running"
	skiff rm -f "$ctr"
	run -0 skiff system reset <<<y
	[ ! -e "$SKIFF_ROOT" ]
	run -0 skiff images -q
	is "$output" ""
}

@test "CP-08 nothing of the store is for others, whatever the umask" {
	(umask 0 && skiff run --rm --network none "$BB" true && skiff create "$BB" true)
	is "$(find "$SKIFF_ROOT" ! -type l -perm /077 ! -path '*/diff*' ! -path '*/upper*' ! -path '*/work*')" ""
	chmod 755 "$SKIFF_ROOT"
	skiff images
	is "$(stat -c %a "$SKIFF_ROOT")" 700
}

# bats test_tags=not-root
# root's is below /run
@test "UN-04 a run folder in /tmp that is not ours is refused" {
	local d
	d=/tmp/skiff-$(id -u)
	[ ! -d /run/user/"$(id -u)" ] && [ ! -e "$d" ] || skip "there is a better place here"
	ln -s "$HOME" "$d"
	run env -u XDG_RUNTIME_DIR skiff run -d --network none "$BB" sleep 1
	rm "$d"
	[ "$status" -ne 0 ]
	contains "run folder below '$d'"
}
