#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# images with its filters, history, untag, image exists, tree, diff, mount, prune; names with digests.

load common

setup_file() {
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/store
	build_images
}

teardown_file() {
	remove_all_containers
	skiff system reset -f
}

# base:1, app:1 that stands on it, and other:2, one month apart.
build_images() {
	python3 "$TESTS/cli/mkimage.py" "$BATS_FILE_TMPDIR/a.tar" <<-'EOF'
		{"name": "base:1", "created": "2024-01-01T00:00:00Z", "labels": {"tier": "base"},
		 "steps": [["ADD rootfs", {"etc/a": "one", "etc/b": "two", "bin/x": "xxxxxxxxxx", "var/gone/f": "f"}], ["CMD sh", null]]}
		{"name": "app:1", "created": "2024-02-01T00:00:00Z", "labels": {"tier": "app", "team": "x y"}, "from": "base:1",
		 "steps": [["RUN make\tall --with-a-very-long-command-line-that-nobody-reads", {"etc/a": "changed", "opt/new": "n",
		 	"etc/.wh.b": "", "var/.wh.gone": ""}], ["ENV A=1", null], ["COPY . /srv", {"srv/file": "12345"}]]}
		{"name": "other:2", "created": "2024-03-01T00:00:00Z", "steps": [["ADD x", {"x": "x"}]]}
	EOF
	skiff load -q -i "$BATS_FILE_TMPDIR/a.tar" >/dev/null
}

names() {
	skiff images "$@" --format '{{.Repository}}:{{.Tag}}' | tr '\n' ' '
}

id_of() {
	skiff image inspect -f '{{.Id}}' "$1"
}

# bats test_tags=smoke
@test "images: each filter, and two together" {
	local id
	id=$(id_of app:1)
	is "$(names)" "other:2 app:1 base:1 "
	is "$(names -f label=tier)" "app:1 base:1 "
	is "$(names -f label=tier=app)" "app:1 "
	is "$(names -f label=tier -f label=team='x y')" "app:1 "
	is "$(names -f 'label!=tier')" "other:2 "
	is "$(names -f 'label!=tier=app')" "other:2 base:1 "
	is "$(names -f before=app:1)" "base:1 "
	is "$(names -f since=app:1)" "other:2 "
	is "$(names -f after=base:1 -f before=other:2)" "app:1 "
	is "$(names -f until=2024-02-15T00:00:00Z)" "app:1 base:1 "
	is "$(names -f until=24h)" "other:2 app:1 base:1 "
	is "$(names -f reference='*:1')" "app:1 base:1 "
	is "$(names -f reference=app -f reference=other)" "other:2 app:1 "
	is "$(names -f id="${id:7:10}")" "app:1 "
	is "$(names -f digest="$(skiff image inspect -f '{{.Digest}}' other:2)")" "other:2 "
	is "$(names -f dangling=false)" "other:2 app:1 base:1 "
	is "$(names -f dangling=true)" ""
	is "$(names -f readonly=true)" ""
	is "$(names -f containers=true)" ""
	skiff create --name user app:1 true
	is "$(names -f containers=true)" "app:1 "
	is "$(names -f containers=false)" "other:2 base:1 "
	is "$(skiff images app --format '{{.Containers}}')" 1
	skiff rm user
	run -1 skiff images -f dangling=maybe
	contains "invalid filter 'dangling=maybe'"
	run -1 skiff images -f before=nothing
	contains "No such image: nothing:latest"
	run -1 skiff images -f until=yesterday
	contains "filter 'until'"
	run -1 skiff images -f until
	contains "invalid filter 'until': it needs key=value"
}

@test "images: an image without a name that others stand on is hidden, unless asked for" {
	skiff tag other:2 keep:1
	skiff untag base:1
	is "$(names)" "keep:1 other:2 app:1 "
	is "$(names -a)" "keep:1 other:2 app:1 <none>:<none> "
	is "$(names -f intermediate=true)" "<none>:<none> "
	is "$(names -f dangling=true)" "<none>:<none> "
	skiff tag "$(skiff images -aq -f dangling=true)" base:1
	is "$(names)" "keep:1 other:2 app:1 base:1 "
	skiff rmi keep:1
}

@test "images: --sort, --noheading, sizes, --tree" {
	is "$(names --sort repository)" "app:1 base:1 other:2 "
	is "$(names --sort size)" "other:2 base:1 app:1 "
	is "$(names --sort tag)" "app:1 base:1 other:2 "
	is "$(skiff images --sort id --no-trunc -q)" "$(skiff images --no-trunc -q | sort)"
	run -1 skiff images --sort colour
	contains "--sort colour: it is created"
	run -0 skiff images -n
	is "${#lines[@]}" 3
	lacks REPOSITORY
	is "$(skiff images app --format '{{.Size}} {{.VirtualSize}}')" "30B 30B"
	run -0 skiff images --tree
	[[ ${lines[1]} =~ ^IMAGE\ +ID\ +DISK\ USAGE\ +CONTENT\ SIZE\ +EXTRA$ ]] || fail "got ${lines[1]}"
	contains "app:1"
	contains "└─ linux/"
	run -1 skiff images --tree -q
	contains "--quiet and --tree do not go together"
}

@test "images: the default format of docker's client configuration" {
	mkdir -p "$HOME/.docker"
	echo '{"imagesFormat": "{{.Repository}}!", "psFormat": "table {{.Names}}"}' >"$HOME/.docker/config.json"
	run -0 skiff images base
	is "$output" "base!"
	run -0 skiff images base --format '{{.Tag}}'
	is "$output" 1
	run -0 skiff ps
	is "$output" NAMES
	rm "$HOME/.docker/config.json"
}

# bats test_tags=smoke
@test "history: every step, newest first; those without a layer have 0B" {
	local id
	id=$(id_of app:1)
	run -0 skiff history app:1
	[[ ${lines[0]} =~ ^IMAGE\ +CREATED\ +CREATED\ BY\ +SIZE\ +COMMENT$ ]] || fail "got ${lines[0]}"
	[[ ${lines[1]} =~ ^${id:7:12}\ +[0-9]+\ (months|years)\ ago\ +COPY\ \.\ /srv\ +5B ]] || fail "got ${lines[1]}"
	[[ ${lines[2]} =~ ^\<missing\>\ .*ENV\ A=1\ +0B ]] || fail "got ${lines[2]}"
	[[ ${lines[3]} =~ RUN\ make\ all\ --with-a-very-long-command-line…\ +8B ]] || fail "got ${lines[3]}"
	[[ ${lines[4]} =~ CMD\ sh\ +0B ]]
	[[ ${lines[5]} =~ ADD\ rootfs\ +17B ]]
	is "${#lines[@]}" 6
	is "$(skiff history -q app:1 | head -1)" "${id:7:12}"
	is "$(skiff history -q --no-trunc app:1 | head -1)" "$id"
	run -0 env TZ=UTC skiff history -H=false base:1
	[[ ${lines[0]} =~ ^IMAGE\ +CREATED\ AT\ +CREATED\ BY ]] || fail "got ${lines[0]}"
	[[ ${lines[2]} =~ ^\<missing\>\ +2024-01-01T00:00:00Z\ +ADD\ rootfs\ +17\ *$ ]] || fail "got ${lines[2]}"
	is "$(TZ=UTC skiff history --format '{{.CreatedAt}}' base:1 | tail -1)" 2024-01-01T00:00:00Z
	is "$(TZ=Asia/Kolkata skiff history --format '{{.CreatedAt}}' base:1 | tail -1)" 2024-01-01T05:30:00+05:30
	run -0 skiff history --no-trunc app:1
	contains "that-nobody-reads"
	is "$(skiff history --format json app:1 | wc -l)" 5
	run -1 skiff history nothing
	contains "No such image: nothing:latest"
}

@test "untag: one name, the last one, all; image exists" {
	local id
	id=$(id_of other:2)
	skiff tag other:2 a:1
	skiff tag other:2 b:1
	skiff image exists a:1
	skiff untag other:2 a:1
	run -1 skiff image exists a:1
	is "$output" ""
	run -1 skiff untag other:2 base:1
	contains "base:1 is a name of another image"
	run -1 skiff untag other:2 nothing:1
	contains "No such image: nothing:1"
	skiff untag "$id"
	is "$(names -f "id=$id")" "<none>:<none> "
	skiff image exists "${id:7:12}"
	run -1 skiff untag "$id" "$id"
	contains "has no name"
	skiff tag "$id" other:2
	run -125 skiff image exists 'Not A Name'
	contains "invalid reference format"
}

@test "image tree: layers, what ends with them, what stands on them" {
	run -0 skiff image tree app:1
	is "${lines[1]}" "Tags:     [app:1]"
	is "${lines[2]}" "Size:     30B"
	is "${lines[3]}" "Image Layers"
	[[ ${lines[4]} =~ ^├──\ ID:\ [0-9a-f]{12}\ Size:\ +17B\ Top\ Layer\ of:\ \[base:1\]$ ]] || fail "got ${lines[4]}"
	[[ ${lines[6]} =~ ^└──\ ID:\ [0-9a-f]{12}\ Size:\ +5B\ Top\ Layer\ of:\ \[app:1\]$ ]] || fail "got ${lines[6]}"
	run -0 skiff image tree --whatrequires base:1
	[[ ${lines[3]} =~ ^└──\ ID:\ .*8B$ ]] || fail "got ${lines[3]}"
	[[ ${lines[4]} =~ ^\ \ \ \ └──\ ID:\ .*\[app:1\]$ ]] || fail "got ${lines[4]}"
	run -0 skiff image tree --whatrequires app:1
	contains "No child layers"
}

# bats test_tags=smoke
@test "image diff: the last layer, and against another image" {
	run -0 skiff image diff app:1
	is "$output" $'A /srv\nA /srv/file'
	run -0 skiff image diff app:1 base:1
	is "$output" $'C /etc\nC /etc/a\nD /etc/b\nA /opt\nA /opt/new\nA /srv\nA /srv/file\nC /var\nD /var/gone'
	run -0 skiff image diff base:1 app:1
	is "$output" $'C /etc\nC /etc/a\nA /etc/b\nD /opt\nD /srv\nC /var\nA /var/gone\nA /var/gone/f'
	run -0 skiff image diff app:1 app:1
	is "$output" ""
	is "$(skiff image diff --format json app:1 | tr -d ' \n')" '{"added":["/srv","/srv/file"]}'
	is "$(skiff image diff --format '{{.Type}}:{{.Path}}' app:1 | head -1)" A:/srv
	run -1 skiff image diff app:1 nothing
	contains "No such image"
}

@test "image mount: inside unshare, read-only, listed, gone with it" {
	if [ "$SKIFF_TEST_MODE" = vfs ]; then
		run -1 skiff unshare skiff image mount app:1
		contains "storage driver vfs cannot mount an image without a container"
		return
	fi
	if ! skiff unshare test -x "$SKIFF_ROOT"; then # root's test folders are closed to the root of the namespace
		run -1 skiff unshare skiff image mount app:1
		contains "'$SKIFF_ROOT'"
		return
	fi
	run -1 skiff image mount app:1
	contains "only inside the user namespace (skiff unshare"
	run -0 skiff unshare sh -ec 'p=$(skiff image mount app:1); cat $p/etc/a; ls $p/etc; skiff image mount
		! touch $p/x 2>/dev/null
		skiff image mount base:1 other:2 >/dev/null; skiff image mount | wc -l
		skiff image unmount base:1; skiff image mount | wc -l; skiff image mount app:1
		skiff image umount -a | wc -l; skiff image mount'
	is "${lines[0]}" changeda
	[[ ${lines[1]} =~ ^app:1\ /.*/mounts/[0-9a-f]{64}$ ]] || fail "got ${lines[1]}"
	is "${lines[2]}" 3
	is "${lines[3]}" "$(id_of base:1 | cut -c8-)"
	is "${lines[4]}" 2
	is "${lines[5]}" "$(sed 's/app:1 //' <<<"${lines[1]}")"
	is "${lines[6]}" 2
	is "${#lines[@]}" 7
	is "$(skiff unshare skiff image mount)" ""
	run -1 skiff unshare skiff image mount nothing
	contains "No such image"
	run -1 skiff unshare skiff image unmount app:1
	contains "image app:1: it is not mounted here"
	run -1 skiff unshare skiff image unmount
	contains "name an image, or use --all"
	is "$(ls -A "$SKIFF_ROOT/cache/mounts")" ""
}

@test "image mount: what is mounted is not removed, by nobody, until it is unmounted" {
	[ "$SKIFF_TEST_MODE" != vfs ] || skip "vfs cannot mount an image without a container"
	skiff unshare test -x "$SKIFF_ROOT" || skip "the test's folders are closed to the root of the namespace"
	local hold=$BATS_TEST_TMPDIR/hold id how name pid
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store
	skiff load -q -i "$BATS_FILE_TMPDIR/a.tar" >/dev/null
	id=$(id_of app:1)
	mkfifo "$hold"
	skiff unshare sh -c 'skiff image mount app:1 >"$1.path"; skiff rmi -f app:1 >"$1.said" 2>&1; echo $? >>"$1.said"
		read -r x <"$1"; cat "$(cat "$1.path")/etc/a" >"$1.end"; read -r x <"$1"
		skiff image unmount app:1; echo >"$1.gone"; read -r x <"$1"' sh "$hold" 3>&- &
	pid=$!
	wait_for 10 grep -q '^[0-9]' "$hold.said"
	output=$(cat "$hold.said")
	contains "image is mounted (skiff image unmount, in the skiff unshare that mounted it)"
	for how in "" -f; do
		for name in app:1 "${id#sha256:}"; do
			# shellcheck disable=SC2086
			run -1 skiff rmi $how "$name"
			contains "conflict: unable to delete $(cut -c8-19 <<<"$id") (cannot be forced) - image is mounted"
		done
	done
	skiff image prune -af
	is "$(id_of app:1)" "$id"
	is "$(skiff images -q --no-trunc | wc -l)" 1
	# A name may go, and the image's own one: its files stay.
	skiff untag app:1
	skiff image prune -f
	skiff tag "${id#sha256:}" app:1
	echo go >"$hold"
	wait_for 10 test -s "$hold.end"
	is "$(cat "$hold.end")" changed
	echo go >"$hold"
	wait_for 10 test -e "$hold.gone"
	skiff rmi app:1
	is "$(find "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 ! -name guard)" ""
	echo go >"$hold"
	wait "$pid"
}

@test "image inspect: docker's members are there, whatever the image has" {
	run -0 skiff image inspect app:1
	python3 -c 'import json, sys
i = json.load(sys.stdin)[0]
docker = "Id RepoTags RepoDigests Parent Comment Created DockerVersion Author Config Architecture Variant Os Size GraphDriver RootFS Metadata"
assert not [k for k in docker.split() if k not in i], i
config = "User ExposedPorts Env Cmd Healthcheck ArgsEscaped Volumes WorkingDir Entrypoint OnBuild Labels StopSignal Shell"
assert not [k for k in config.split() if k not in i["Config"]], i
assert i["Config"]["Labels"] == {"team": "x y", "tier": "app"} and i["Size"] == 30 and len(i["History"]) == 5, i' <<<"$output"
	is "$(skiff image inspect -f '{{.Config.ExposedPorts}} {{.Config.Volumes}} {{.Config.Healthcheck}} {{len .RootFS.Layers}}' app:1)" \
		"map[] map[] <nil> 3"
	is "$(cat "$(skiff image inspect -f '{{.GraphDriver.Data.UpperDir}}' app:1)/srv/file")" 12345
	is "$(skiff image inspect -f '{{index .Labels "tier"}}' app:1)" app
}

@test "names with a digest are names everywhere" {
	local d id
	d=$(skiff image inspect -f '{{.Digest}}' app:1)
	id=$(id_of app:1)
	is "$(id_of "app@$d")" "$id"
	is "$(names "app@$d")" "app:1 "
	skiff image exists "app@$d"
	run -1 skiff image exists "base@$d"
	skiff history -q "app@$d"
	skiff tag "app@$d" pinned:1
	is "$(id_of pinned:1)" "$id"
	run -1 skiff tag app:1 "x@$d"
	contains "refusing to create a tag with a digest reference"
	skiff create --name pinned "app@$d" true
	is "$(skiff inspect -f '{{.Config.Image}} {{.Image}}' pinned)" "app@$d $id"
	is "$(skiff ps -aq -f ancestor="app@$d" | wc -l)" 1
	skiff rm pinned
	skiff rmi pinned:1
}

@test "image prune: what has no name; with -a what no container uses; filters; it asks" {
	local id
	id=$(id_of other:2)
	skiff tag base:1 other:2
	run -0 skiff image prune <<<n
	contains "WARNING! This will remove all dangling images."
	contains "Are you sure you want to continue? [y/N]"
	skiff image exists "$id"
	run -0 skiff image prune -f --filter until=2024-02-15T00:00:00Z
	is "$output" "Total reclaimed space: 0B"
	skiff image exists "$id"
	run -0 skiff image prune -f --filter 'label!=tier'
	is "${lines[0]}" "Deleted Images:"
	is "${lines[1]}" "deleted: $id"
	[[ $output == *"Total reclaimed space: "[1-9]* ]] || fail "nothing reclaimed"
	skiff create --name user app:1 true
	skiff untag app:1
	run -0 skiff image prune -f
	is "$output" "Total reclaimed space: 0B"
	run -1 skiff image prune -f --filter reference=app
	contains "invalid filter 'reference'"
	run -0 skiff image prune -af --filter label=tier=app
	is "$output" "Total reclaimed space: 0B"
	run -0 skiff image prune -a <<<y
	contains "WARNING! This will remove all images without at least one container associated to them."
	contains "untagged: base:1"
	contains "untagged: other:2"
	is "$(skiff images -aq | wc -l)" 1
	skiff start -a user || true # it has no program, but its layers are there
	skiff rm user
	run -0 skiff image prune -af --filter dangling=false
	is "$(skiff images -aq)" ""
	is "$(find "$SKIFF_ROOT/layers" "$SKIFF_ROOT/oci/blobs/sha256" -mindepth 1)" ""
}

@test "untag of both names at a time leaves the image" {
	command -v strace >/dev/null || skip "strace is not installed"
	local id pid
	skiff load -q -i "$BATS_FILE_TMPDIR/a.tar" >/dev/null
	id=$(id_of other:2)
	skiff tag other:2 late:1
	# The first has seen both names, and the second takes its own away before the first does.
	strace -qq -o /dev/null -e trace=unlinkat -e inject=unlinkat:delay_enter=2000000 "$(command -v skiff)" untag other:2 other:2 3>&- &
	pid=$!
	sleep 0.7
	skiff untag late:1 late:1
	wait "$pid"
	is "$(names -f "id=$id")" "<none>:<none> "
}
