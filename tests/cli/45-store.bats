#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# system df, system prune, container prune, system check --repair, additional stores, what info says of the store.

load common
load layers
load registry

setup() {
	layers_setup
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
}

teardown() {
	registry_stop
	layers_teardown
}

# images DOCUMENT: load what tests/cli/mkimage.py makes of it.
images() {
	python3 "$TESTS/cli/mkimage.py" "$BATS_TEST_TMPDIR/a.tar" <<<"$1"
	skiff load -q -i "$BATS_TEST_TMPDIR/a.tar" >/dev/null
}

THREE='{"name": "base:1", "steps": [["a", {"f": "0123456789"}]], "labels": {"keep": "yes"}}
	{"name": "one:1", "from": "base:1", "steps": [["b", {"g": "12345"}]]}
	{"name": "two:1", "from": "base:1", "steps": [["c", {"h": "123"}]]}'

field() { # TYPE FIELD: of the summary
	skiff system df --format "{{if eq .Type \"$1\"}}{{.$2}}{{end}}" | tr -d '\n'
}

layer_of() { # IMAGE N
	local id
	id=$(skiff image inspect -f "{{index .RootFS.Layers $2}}" "$1")
	echo "${id#sha256:}"
}

blobs_size() {
	find "$SKIFF_ROOT/oci/blobs" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'
}

# bats test_tags=smoke
@test "system df: layers that images share count once; the sums agree" {
	local blobs total
	images "$THREE"
	run -0 skiff system df
	[[ ${lines[0]} =~ ^TYPE\ +TOTAL\ +ACTIVE\ +SIZE\ +RECLAIMABLE$ ]] || fail "got ${lines[0]}"
	[[ ${lines[1]} =~ ^Images\ +3\ +0\ .*\(100%\)$ ]] || fail "got ${lines[1]}"
	[[ ${lines[2]} =~ ^Containers\ +0\ +0\ +0B\ +0B$ ]] || fail "got ${lines[2]}"
	[[ ${lines[3]} =~ ^Local\ Volumes\ +0 ]]
	[[ ${lines[4]} =~ ^Build\ Cache\ +0 ]]
	# 10 + 5 + 3 bytes of layers, whatever the images say of themselves (10, 15 and 13); and the blobs.
	blobs=$(blobs_size)
	run -0 skiff system df -v --format '{{range .Images}}{{.Repository}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}
{{end}}'
	contains "base 10B "
	contains "one 10B "
	python3 - "$blobs" <<-'EOF'
		import json, subprocess, sys
		rows = [json.loads(l) for l in subprocess.run(["skiff", "system", "df", "--format", "json"], capture_output=True, text=True).stdout.splitlines()]
		def size(s):
		    for u, f in (("kB", 1e3), ("MB", 1e6), ("B", 1)):
		        if s.endswith(u):
		            return float(s[:-len(u)]) * f
		have = size(rows[0]["Size"])
		want = 18 + int(sys.argv[1])
		assert abs(have - want) <= want / 1000, (have, want)
	EOF
	skiff create --name user one:1 true
	is "$(field Images Active)" 1
	is "$(skiff images one --format '{{.Containers}}')" 1
	total=$(skiff system df -v --format '{{range .Images}}{{if eq .Repository "two"}}{{.UniqueSize}}{{end}}{{end}}')
	[[ $total == *B ]]
	skiff rm user
}

@test "system df: what is reclaimable is what prune frees" {
	local freed before
	images "$THREE"
	skiff create --name user one:1 true
	before=$(field Images Reclaimable)
	run -0 skiff image prune -af
	freed=${lines[-1]#Total reclaimed space: }
	is "${before%% *}" "$freed"
	is "$(field Images Reclaimable)" "0B (0%)"
	skiff rm user
	run -0 skiff system prune -af
	is "$(field Images Size)" 0B
	nothing_is_left
}

@test "system df: containers' own files, also those of subordinate ids, hard links once" {
	skiff run --name c "$BB" sh -c 'mkdir -m 700 /p; dd if=/dev/zero of=/p/f bs=1000 count=3 2>/dev/null; ln /p/f /p/g
		chown -R 7:7 /p' || true
	# Besides these, what every container gets.
	run -0 skiff ps -a --format '{{.Size}}'
	contains "3kB (virtual "
	is "$(skiff inspect -s -f '{{.SizeRw}}' c | cut -c1)" 3
	is "$(skiff inspect -f '{{.SizeRw}}' c 2>&1 | grep -c 'SizeRw')" 1
	[[ $(field Containers Reclaimable) == 3*"kB (100%)" ]]
	[[ $(skiff ps -as --sort size | head -1) == *SIZE ]]
}

# bats test_tags=smoke
@test "container prune and system prune: docker's words; filters; they ask" {
	local a b
	images "$THREE"
	skiff run --rm --network none "$BB" true
	a=$(skiff create --name a --label keep=yes "$BB" true)
	b=$(skiff create --name b "$BB" true)
	run -0 skiff container prune <<<n
	is "$output" $'WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] '
	run -0 skiff container prune -f --filter until=24h
	is "$output" "Total reclaimed space: 0B"
	run -0 skiff container prune -f --filter 'label!=keep'
	is "${lines[0]}" "Deleted Containers:"
	is "${lines[1]}" "$b"
	run -1 skiff container prune -f --filter name=a
	contains "invalid filter 'name'"
	skiff tag one:1 two:1
	run -0 skiff system prune --filter label=keep <<<n
	contains "  - all stopped containers"
	contains "  - all dangling images"
	contains "  - label=keep"
	skiff container inspect a >/dev/null
	run -1 skiff system prune -f --volumes --filter until=1h
	contains 'the "until" filter is not supported with "--volumes"'
	run -0 skiff system prune -f
	contains "$a"
	contains "Deleted Images:"
	contains "deleted: sha256:"
	is "$(skiff images --format '{{.Repository}}' | sort | tr '\n' ' ')" "base embedded/busybox one two "
	run -0 skiff system prune -a <<<y
	contains "  - all images without at least one container associated to them"
	contains "Total reclaimed space: "
	nothing_is_left
}

@test "system reset: nothing is left, whatever was there, and the same folder is a store again" {
	skiff create --name x "$BB" true >/dev/null
	run -125 skiff create --name x "$BB" true # looks whether the name is free after all
	skiff system reset -f
	[ ! -e "$SKIFF_ROOT" ] || fail "left: $(ls -A "$SKIFF_ROOT")"
	mkdir "$SKIFF_ROOT"
	touch "$SKIFF_ROOT/names.lock" # as one that was not taken away
	run -0 skiff ps -q
	is "$output" ""
}

@test "a store without space: the message names the file that could not be written, and how to mend it" {
	mkdir "$BATS_TEST_TMPDIR/full"
	# shellcheck disable=SC2016
	run -1 own_mounts sh -c 'mount -t tmpfs -o size=64m none "$1" && export SKIFF_ROOT=$1/store SKIFF_SINGLE_ID=quiet &&
		skiff create "$2" true >"$1/id" && { ! cat /dev/zero >"$1/fill" || exit 2; } && skiff tag "$2" foo' \
		sh "$BATS_TEST_TMPDIR/full" "$BB"
	is "${lines[-1]}" "Error: write 'tags/docker.io,library,foo=latest': No space left on device ('skiff system df' shows what the store has, 'skiff system prune' removes what is not used)"
}

@test "prune leaves a container that runs, and its image" {
	skiff run -d --name up --network none "$BB" sleep 60
	run -0 skiff system prune -af
	is "$output" "Total reclaimed space: 0B"
	is_running up
	skiff rm -f up
}

@test "prune takes what a crash left: a layer and a blob that nobody has" {
	images "$THREE"
	mkdir -p "$SKIFF_ROOT/layers/$(printf 'a%.0s' {1..64})/diff"
	echo x >"$SKIFF_ROOT/oci/blobs/sha256/$(printf 'b%.0s' {1..64})"
	run -0 skiff image prune -f
	is "$output" "Total reclaimed space: 2B"
	is "$(find "$SKIFF_ROOT" -name 'aaaa*' -o -name 'bbbb*')" ""
	is "$(skiff images -q | wc -l)" 3
}

@test "the next writer removes half-written names whose writer is dead, and no others" {
	local tags=$SKIFF_ROOT/tags
	images "$THREE"
	touch "$tags/a.tmp-1" "$SKIFF_ROOT/oci/index.json.tmp-1" "$SKIFF_ROOT/cache/driver.tmp-1"
	touch "$tags/b.tmp-2"
	chown --reference="$tags" "$tags"/*.tmp-* "$SKIFF_ROOT"/*/*.tmp-1
	# A writer at work holds a lock on its file.
	python3 -c 'import fcntl, sys, time; f = open(sys.argv[1], "r+"); fcntl.lockf(f, fcntl.LOCK_EX); print("held", flush=True); time.sleep(60)' \
		"$tags/b.tmp-2" >"$BATS_TEST_TMPDIR/held" 3>&- &
	wait_for 10 test -s "$BATS_TEST_TMPDIR/held"
	run -0 skiff image prune -f
	is "$(cd "$SKIFF_ROOT" && find . -name '*.tmp-*')" ./tags/b.tmp-2
	kill -9 $!
	wait $! || true
	skiff image prune -f
	is "$(find "$SKIFF_ROOT" -name '*.tmp-*')" ""
}

@test "an image's name may look like a half-written file" {
	images "$THREE"
	skiff tag one:1 one.tmp-1/x:2.tmp-0123456789abcdef
	skiff rmi one:1
	skiff image prune -f
	is "$(skiff images --format '{{.Repository}}:{{.Tag}}' | grep tmp)" one.tmp-1/x:2.tmp-0123456789abcdef
	skiff system check
	run -0 skiff rmi one.tmp-1/x:2.tmp-0123456789abcdef
	contains "Deleted: "
}

# bats test_tags=smoke
@test "check --repair: a damaged layer is moved away, its images say so, others go on" {
	local layer
	images "$THREE"
	layer=$(layer_of one:1 1)
	skiff unshare sh -c 'echo 54321 >"$1"' sh "$SKIFF_ROOT/layers/$layer/diff/g"
	run -1 skiff system check
	contains "layer sha256:$layer: 'g' is not the file that was unpacked"
	run -1 skiff system check --repair
	contains "moved 'layers/$layer' to '$SKIFF_ROOT/damaged/layer-$layer'"
	contains "image one:1 cannot be used: load or build it again, or remove it"
	lacks "image base:1"
	is "$(skiff unshare cat "$SKIFF_ROOT/damaged/layer-$layer/diff/g")" 54321
	run -125 skiff create one:1 true
	contains "image 'one:1' is damaged: layer sha256:$layer is missing from the store"
	skiff create --name other two:1 true
	run -1 skiff system check --quick
	contains "image docker.io/library/one:1: layer sha256:$layer is missing"
	skiff load -q -i "$BATS_TEST_TMPDIR/a.tar"
	run -0 skiff system check --repair
	is "$output" ""
	skiff create --name again one:1 true
	skiff rm other again
}

@test "check --repair: an image that came with the program is fetched again by run" {
	local layer
	skiff run --rm --network none "$BB" true
	layer=$(layer_of "$BB" 0)
	rm "$SKIFF_ROOT/layers/$layer/meta.json"
	run -1 skiff system check --quick --repair
	contains "layer sha256:$layer"
	run -0 skiff run --rm --network none "$BB" echo hello
	contains "is damaged"
	contains "hello"
	run -0 skiff system check
}

@test "check --repair: an image of a registry is fetched again by pull and by run, whatever part was damaged" {
	local layer id part image
	registry_start plain
	make_layout "$BATS_TEST_TMPDIR/layout"
	registry_push "$BATS_TEST_TMPDIR/layout" mend
	image=$REGISTRY/mend
	skiff pull -q --tls-verify=false --keep-blobs=false "$image"
	layer=$(layer_of "$image" 1)
	id=$(skiff image inspect -f '{{.Id}}' "$image")
	for part in "layers/$layer/meta.json" "oci/blobs/sha256/${id#sha256:}" \
		"oci/blobs/sha256/$(skiff image inspect -f '{{.Digest}}' "$image" | cut -d: -f2)"; do
		echo x >>"$SKIFF_ROOT/$part"
		run -1 skiff system check --repair
		contains "image $image:latest cannot be used: pull it again (skiff pull $image:latest)"
		if [ "${part%%/*}" = layers ]; then
			run -0 skiff run --rm --network none "$image" cat /etc/motd
			contains "is damaged"
			contains hello
		else
			skiff pull -q --tls-verify=false "$image"
		fi
		run -0 skiff system check
		is "$output" ""
		is "$(skiff run --rm --network none "$image" cat /etc/motd)" hello
	done
}

@test "check --repair: a layer is unpacked again from its compressed blob, without the registry; not from a damaged one" {
	local layer image blob motd
	registry_start plain
	make_layout "$BATS_TEST_TMPDIR/layout"
	registry_push "$BATS_TEST_TMPDIR/layout" kept
	image=$REGISTRY/kept
	skiff pull -q "$image"
	registry_stop
	layer=$(layer_of "$image" 1)
	blob=$(skiff image save --format oci-archive "$image" | tar -xO index.json | grep -o 'sha256:[0-9a-f]*' | cut -d: -f2)
	blob=$(grep -o 'sha256:[0-9a-f]*' "$SKIFF_ROOT/oci/blobs/sha256/$blob" | tail -n 1)
	motd=$SKIFF_ROOT/layers/$layer/diff/etc/motd
	skiff unshare sh -c 'echo HELLO >"$1"' sh "$motd"
	run -0 skiff system check --repair
	contains "moved 'layers/$layer' to '$SKIFF_ROOT/damaged/layer-$layer'"
	contains "unpacked layer sha256:$layer again from its blob $blob"
	lacks "cannot be used"
	run -0 skiff system check
	is "$output" ""
	is "$(skiff run --rm --network none "$image" cat /etc/motd)" hello
	# Gone altogether; a quick look is enough.
	skiff unshare rm -rf "$SKIFF_ROOT/layers/$layer"
	run -0 skiff system check --quick --repair
	contains "unpacked layer sha256:$layer again"
	# Now both are damaged, and only one of them is found by a quick look.
	skiff unshare rm -rf "$SKIFF_ROOT/layers/$layer"
	head -c 20 /dev/zero | dd of="$SKIFF_ROOT/oci/blobs/sha256/${blob#sha256:}" bs=1 seek=100 conv=notrunc status=none
	run -1 skiff system check --quick --repair
	contains "Warning: layer sha256:$layer stays missing: "
	contains "image $image:latest cannot be used: pull it again"
	run -1 skiff system check --repair
	contains "blob-${blob#sha256:}'"
	lacks "stays missing"
	is "$(find "$SKIFF_ROOT/tmp" -mindepth 1 ! -name guard ! -name blobs ! -name '*.lock')" ""
}

@test "check --repair: a damaged config or manifest, a damaged index" {
	local id
	images "$THREE"
	id=$(skiff image inspect -f '{{.Id}}' two:1)
	echo >>"$SKIFF_ROOT/oci/blobs/sha256/${id#sha256:}"
	echo '{' >"$SKIFF_ROOT/oci/index.json"
	run -1 skiff system check --repair
	contains "blob $id: its content has digest"
	contains "damaged/blob-${id#sha256:}'"
	contains "wrote oci/index.json again"
	contains "image two:1 cannot be used"
	python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))["manifests"]) == 3' "$SKIFF_ROOT/oci/index.json"
	skiff load -q -i "$BATS_TEST_TMPDIR/a.tar"
	run -0 skiff system check
}

@test "check --repair: a damaged name; until then nothing is deleted" {
	local file id
	images "$THREE"
	id=$(skiff image inspect -f '{{.Id}}' two:1)
	file=$SKIFF_ROOT/tags/docker.io,library,two=1
	sed -i 's/^size .*/size many/' "$file"
	run -1 skiff rmi one:1
	contains "'tags/docker.io,library,two=1' is damaged: bad size; nothing is deleted until that is mended (skiff system check --repair)"
	run -0 skiff system check --repair
	contains "image docker.io/library/two:1 has its name again"
	is "$(skiff image inspect -f '{{.Id}}' two:1)" "$id"
	# Nothing to recognize it by.
	echo nonsense >"$file"
	run -0 skiff system check --repair
	contains "image $id was found without a name"
	is "$(skiff images -q --no-trunc -f dangling=true)" "$id"
	run -0 skiff system check
	is "$output" ""
}

@test "check --repair: a container that cannot be read" {
	local id
	skiff run --rm --network none "$BB" true
	id=$(skiff create --name broken "$BB" true)
	echo '{' >"$SKIFF_ROOT/containers/$id/config.json"
	run -1 skiff system check --quick
	contains "container ${id:0:12}: "
	run -0 skiff system check --repair
	contains "moved 'containers/$id' to"
	run -0 skiff system check
	is "$output" ""
	skiff create --name broken "$BB" true
	skiff rm broken
	ln -s "$id" "$SKIFF_ROOT/names/lost"
	run -0 skiff system check --repair
	contains "removed the name 'lost'"
}

# ---- additional stores

shared() { # make another store with the images, and use it from here
	export OTHER=$BATS_TEST_TMPDIR/other
	SKIFF_ROOT=$OTHER images "$THREE"
	SKIFF_ROOT=$OTHER skiff rm "$(SKIFF_ROOT=$OTHER skiff create "$BB" true)" >/dev/null
	mkdir -p "$XDG_CONFIG_HOME/skiff"
	echo "{\"additional-stores\": [\"$OTHER\"]}" >"$XDG_CONFIG_HOME/skiff/config.json"
	(cd "$OTHER" && skiff unshare find . ! -path './cache*' -printf '%p %T@ %C@ %s %m\n' | sort) >"$BATS_TEST_TMPDIR/before"
}

untouched() {
	(cd "$OTHER" && skiff unshare find . ! -path './cache*' -printf '%p %T@ %C@ %s %m\n' | sort) |
		diff "$BATS_TEST_TMPDIR/before" - || fail "the additional store was changed"
}

other_gone() {
	rm "$XDG_CONFIG_HOME/skiff/config.json"
	SKIFF_ROOT=$OTHER skiff system reset -f
}

# bats test_tags=smoke
@test "additional store: its images are listed, run without a copy, and never changed" {
	shared
	run -0 skiff images
	[[ ${lines[0]} =~ \ R/O$ ]] || fail "got ${lines[0]}"
	is "$(skiff images --format '{{.Repository}}:{{.Tag}} {{.ReadOnly}}' | sort | tr '\n' ' ')" \
		"base:1 true embedded/busybox:latest true one:1 true two:1 true "
	is "$(skiff images -q -f readonly=false)" ""
	is "$(skiff run --rm --network none "$BB" echo hello)" hello
	is "$(find "$SKIFF_ROOT/layers" "$SKIFF_ROOT/oci/blobs/sha256" "$SKIFF_ROOT/tags" -mindepth 1)" ""
	run -1 skiff rmi one:1
	contains "image one:1 is in the additional store '$OTHER', which is never written from here"
	run -1 skiff rmi one:1
	contains "image one:1 is in the additional store"
	skiff image prune -af
	skiff history one:1 >/dev/null
	is "$(skiff image diff one:1 base:1)" "A /g"
	is "$(skiff system df --format '{{.Size}}' | head -1)" 0B
	skiff info | grep -q "Additional Stores:"
	untouched
	other_gone
}

@test "additional store: a name of one's own, a load that shares its layers, a store that is gone" {
	shared
	skiff tag one:1 mine:1
	is "$(skiff images -f readonly=false --format '{{.Repository}}')" mine
	skiff system check
	is "$(find "$SKIFF_ROOT/layers" -mindepth 1)" ""
	skiff load -q -i "$BATS_TEST_TMPDIR/a.tar" >/dev/null
	is "$(find "$SKIFF_ROOT/layers" -mindepth 1)" "" # they are there already
	skiff system check
	skiff rmi mine:1
	untouched
	export SKIFF_LOG=warn
	mv "$OTHER" "$OTHER.away"
	run -0 skiff images -q
	contains "Warning: ignored, going on: additional store '$OTHER': open it: No such file or directory"
	mv "$OTHER.away" "$OTHER"
	sed -i 1s/1/99/ "$OTHER/version"
	run -0 skiff images -q
	contains "has format 99, this skiff knows up to 1"
	sed -i 1s/99/1/ "$OTHER/version"
	echo '{"additional-stores": ["relative"]}' >"$XDG_CONFIG_HOME/skiff/config.json"
	run -0 skiff images -q
	contains "'relative' is not an absolute path"
	unset SKIFF_LOG
	other_gone
}

@test "info: what the store has" {
	images "$THREE"
	is "$(skiff info -f '{{.Store.Layers}} {{.Store.LayersSize}} {{.Images}}')" "3 18 3"
	is "$(skiff info -f '{{.Store.BlobsSize}}')" "$(blobs_size)"
	is "$(skiff info -f '{{len .Store.AdditionalStores}}')" 0
	run -0 skiff info
	contains " Layers: 3 (18B)"
}
