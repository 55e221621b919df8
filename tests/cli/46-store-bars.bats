#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bars of SECURITY.md 4.3 that concern the store: 15 (everything at once), 21 (limits), 22 (formats of the store). Bounded here; FULL=1
# makes each as large as the bar says.

load common
load layers
load registry

setup() {
	layers_setup
}

teardown() {
	registry_stop
	layers_teardown
}

# ---- 15

# worker N END: random commands on three images until END; prints what is no acceptable answer. A name that another one has just
# removed, an image that a container uses and a container that is gone are.
worker() {
	local n=$1 end=$2 image out rc
	RANDOM=$((n * 7919))
	while [ "$(date +%s)" -lt "$end" ]; do
		image=$REGISTRY/mix$((RANDOM % 3))
		case $((RANDOM % 8)) in
		0 | 1) set -- pull -q --tls-verify=false "$image" ;;
		2) set -- rmi "$image" ;;
		3) set -- image prune -af ;;
		4) set -- tag "$image" "mine$((RANDOM % 3))" ;;
		5) set -- system df ;;
		6) set -- images ;;
		*) set -- run --rm --network none --pull never "$image" true ;;
		esac
		rc=0
		out=$(timeout -k 5 60 skiff "$@" 2>&1) || rc=$?
		echo "$*" >>"$BATS_TEST_TMPDIR/did.$n"
		[ $rc -lt 124 ] || [ "$rc" = 125 ] || echo "status $rc: skiff $*: $out"
		[ $rc = 0 ] || grep -qE 'No such image|conflict: unable|image is being used|is damaged: (layer|.*blob)|No such file' <<<"$out" ||
			echo "status $rc: skiff $*: $out"
	done
}

@test "bar 15: pull, rmi, prune, tag, df and run at the same time: no deadlock, no broken image, nothing left" {
	local i pids=() end seconds=8
	[ -z "${FULL:-}" ] || seconds=1800
	export BATS_TEST_TIMEOUT=$((seconds + 180))
	registry_start plain
	for i in 0 1 2; do
		make_layout "$BATS_TEST_TMPDIR/mix$i" $((3 + i)) # all have the first layer in common
		registry_push "$BATS_TEST_TMPDIR/mix$i" "mix$i"
	done
	end=$(($(date +%s) + seconds))
	for i in 1 2 3 4; do
		worker "$i" "$end" >"$BATS_TEST_TMPDIR/said.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	cat "$BATS_TEST_TMPDIR"/said.* >"$BATS_TEST_TMPDIR/all"
	[ ! -s "$BATS_TEST_TMPDIR/all" ] || fail "$(head -20 "$BATS_TEST_TMPDIR/all")"
	[ "$(cat "$BATS_TEST_TMPDIR"/did.* | wc -l)" -gt 20 ] || fail "hardly anything was done"
	run -0 skiff system check
	is "$output" ""
	for i in 0 1 2; do
		skiff pull -q --tls-verify=false "$REGISTRY/mix$i" >/dev/null
		is "$(skiff run --rm --network none "$REGISTRY/mix$i" cat /etc/motd)" hello
	done
	skiff system prune -af >/dev/null
	nothing_is_left
}

@test "bar 15: two hundred tags and rmis of one image at the same time leave exactly the names that were not removed" {
	local i n=40 pids=()
	[ -z "${FULL:-}" ] || n=200
	tl good a:1
	for i in $(seq "$n"); do
		(skiff tag a:1 "t$i:1" && { [ $((i % 2)) = 0 ] || skiff rmi "t$i:1" >/dev/null; }) 3>&- &
		pids+=($!)
		[ $((i % 8)) != 0 ] || { for p in "${pids[@]}"; do wait "$p"; done && pids=(); }
	done
	for p in "${pids[@]}"; do wait "$p"; done
	is "$(skiff images -q --format '{{.Repository}}' | grep -c '^t')" $((n / 2))
	is "$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["manifests"]))' "$SKIFF_ROOT/oci/index.json")" $((n / 2 + 1))
	skiff system check
	skiff rmi -f "$(skiff image inspect -f '{{.Id}}' a:1)" >/dev/null
	nothing_is_left
}

# ---- 21

@test "bar 21: 127 and 500 layers: load, run, history, diff, df, prune" {
	local n
	for n in 127 500; do
		python3 "$BATS_TEST_DIRNAME/tl.py" many-layers "$BATS_TEST_TMPDIR/a.tar" "$n"
		run -0 skiff load -i "$BATS_TEST_TMPDIR/a.tar"
		is "$(merged | wc -w)" "$n"
		is "$(skiff image inspect -f '{{len .RootFS.Layers}}' tl:1)" "$n"
		is "$(skiff history -q tl:1 | wc -l)" "$n"
		is "$(skiff image diff tl:1 | grep -c '^A ')" 1
		is "$(skiff image tree tl:1 | grep -c 'ID: [0-9a-f]* Size')" "$n"
		skiff system check --quick
		skiff image prune -af >/dev/null
		nothing_is_left
	done
}

@test "bar 21: more layers than that are refused, with the limit" {
	python3 "$BATS_TEST_DIRNAME/tl.py" many-layers "$BATS_TEST_TMPDIR/a.tar" 1001
	run -1 skiff load -i "$BATS_TEST_TMPDIR/a.tar"
	contains "1001 layers, at most 512 are allowed"
	nothing_is_left
}

@test "bar 21: paths of 4096 bytes" {
	local dir name
	dir=$(printf 'd%.0s' {1..250})
	name=$(for _ in {1..15}; do printf '%s/' "$dir"; done)$(printf 'f%.0s' {1..250})
	[ ${#name} -gt 4000 ] && [ ${#name} -lt 4096 ]
	python3 "$TESTS/cli/mkimage.py" "$BATS_TEST_TMPDIR/a.tar" <<<"{\"name\": \"long:1\", \"steps\": [[\"a\", {\"$name\": \"deep\"}]]}"
	skiff load -q -i "$BATS_TEST_TMPDIR/a.tar" >/dev/null
	skiff system check
	is "$(skiff image diff long:1 | tail -1)" "A /$name"
	skiff image diff long:1 | awk '{ if (length > n) n = length } END { exit n < 4000 }'
	is "$(skiff run --rm --network none -v /bin/busybox:/busybox:ro long:1 /busybox sh -c 'set -- /d*; cd "$1" && /busybox ls | /busybox wc -l')" 1
	skiff image prune -af >/dev/null
	nothing_is_left
}

@test "bar 21: a store whose path has : , \\ blanks, quotes and UTF-8" {
	local odd="$BATS_TEST_TMPDIR/a:b,c\\d e\"f'g=é✓"
	mkdir -p "$odd"
	export SKIFF_ROOT=$odd/store
	tl wh-dir b:1
	skiff tag b:1 c:1
	skiff run --rm --network none "$BB" sh -c 'echo x >/f; rm -r /home; mkdir /home; cat /f'
	skiff run -d --name c --network none "$BB" sleep 60
	is "$(skiff exec c echo in)" in
	skiff rm -f c
	skiff system check
	skiff system df >/dev/null
	[ "$SKIFF_TEST_MODE" = vfs ] || [ "$SKIFF_TEST_MODE" = root ] ||
		is "$(skiff unshare sh -c 'ls "$(skiff image mount b:1)" | wc -l')" "$(skiff unshare sh -c 'ls "$(skiff image mount c:1)" | wc -l')"
	skiff system prune -af >/dev/null
	nothing_is_left
}

@test "bar 21: a layer of very many files" {
	local n=20000
	[ -z "${FULL:-}" ] || n=1000000
	export BATS_TEST_TIMEOUT=1800
	python3 - "$BATS_TEST_TMPDIR/a.tar" "$n" <<-'EOF'
		import hashlib, io, json, os, sys, tarfile
		out, n = sys.argv[1], int(sys.argv[2])
		layer = out + ".layer"
		with tarfile.open(layer, "w", format=tarfile.USTAR_FORMAT) as t:
		    for i in range(n):
		        info = tarfile.TarInfo("d%03d/f%d" % (i // 1000, i))
		        t.addfile(info)
		h = hashlib.sha256()
		with open(layer, "rb") as f:
		    for b in iter(lambda: f.read(1 << 20), b""):
		        h.update(b)
		arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
		config = json.dumps({"architecture": arch, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + h.hexdigest()]}}).encode()
		name = hashlib.sha256(config).hexdigest() + ".json"
		manifest = json.dumps([{"Config": name, "RepoTags": ["many:1"], "Layers": ["layer.tar"]}]).encode()
		with tarfile.open(out, "w") as t:
		    for member, data in ((name, config), ("manifest.json", manifest)):
		        info = tarfile.TarInfo(member)
		        info.size = len(data)
		        t.addfile(info, io.BytesIO(data))
		    t.add(layer, "layer.tar")
		os.unlink(layer)
	EOF
	skiff load -q -i "$BATS_TEST_TMPDIR/a.tar" >/dev/null
	rm "$BATS_TEST_TMPDIR/a.tar"
	skiff system check
	is "$(skiff image diff many:1 | grep -c /f)" "$n"
	skiff rmi many:1 >/dev/null
	nothing_is_left
}

# ---- 22

# A store as format 1 has it, made by hand: what every later program must read. One image of one layer, by name and by digest, a
# container, and things that a later program of the same format may have added.
store_of_format_1() {
	local s=$1 arch config manifest layer
	case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
	mkdir -p "$s"/{oci/blobs/sha256,tags,layers,containers,names,tmp/blobs,trash,cache}
	chmod -R go-rwx "$s"
	printf '1\n0123456789abcdef\nlater lines are later programs'"'"'\n' >"$s/version"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$s/oci/oci-layout"
	layer=$(printf '%064d' 7)
	mkdir -p "$s/layers/$layer/diff/etc"
	echo old >"$s/layers/$layer/diff/etc/motd"
	printf '{"diffID":"sha256:%s","size":4,"tarSize":2048,"entries":2,"frame":false,"later":[1]}' "$layer" >"$s/layers/$layer/meta.json"
	config='{"architecture":"'$arch'","os":"linux","created":"2024-01-01T00:00:00Z","config":{"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:'$layer'"]}}'
	CONFIG=$(printf %s "$config" | sha256sum | cut -d' ' -f1)
	printf %s "$config" >"$s/oci/blobs/sha256/$CONFIG"
	manifest='{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:'$CONFIG'","size":'${#config}'},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:'$(printf '%064d' 8)'","size":99}]}'
	MANIFEST=$(printf %s "$manifest" | sha256sum | cut -d' ' -f1)
	printf %s "$manifest" >"$s/oci/blobs/sha256/$MANIFEST"
	printf 'name docker.io/library/old:1\nmanifest sha256:%s\nconfig sha256:%s\nsize 4\ncreated 1704067200000000000\nlater x\n' \
		"$MANIFEST" "$CONFIG" >"$s/tags/docker.io,library,old=1"
	printf 'name docker.io/library/pinned@sha256:%s\nmanifest sha256:%s\nconfig sha256:%s\nrepo sha256:%s\nsize 4\ncreated 1704067200000000000\n' \
		"$MANIFEST" "$MANIFEST" "$CONFIG" "$MANIFEST" >"$s/tags/docker.io,library,pinned+sha256=$MANIFEST"
	CTR=$(printf 'c%.0s' {1..64})
	mkdir -p "$s/containers/$CTR/upper"
	printf '{"Id":"%s","Name":"oldctr","Created":1704067200000000000,"Image":"old:1","ImageConfig":"sha256:%s","Layers":["sha256:%s"],"Cmd":["sh"],"Later":true}' \
		"$CTR" "$CONFIG" "$layer" >"$s/containers/$CTR/config.json"
	: >"$s/containers/$CTR/lock"
	ln -s "$CTR" "$s/names/oldctr"
}

# bats test_tags=smoke
@test "bar 22: a store of format 1 is read: images, containers, names, and removed" {
	local owner
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/old
	skiff images -q
	owner=$(stat -c %u:%g "$SKIFF_ROOT") # as root, the root of the user namespace
	find "$SKIFF_ROOT" -mindepth 1 -delete
	store_of_format_1 "$SKIFF_ROOT"
	chown -R "$owner" "$SKIFF_ROOT"
	is "$(skiff images --format '{{.Repository}}:{{.Tag}} {{.Size}} {{.CreatedAt}}' | sed 's/ 2024.*//' | tr '\n' ' ')" "old:1 4B pinned:<none> 4B "
	is "$(skiff image inspect -f '{{.Id}}' "pinned@sha256:$MANIFEST")" "sha256:$CONFIG"
	is "$(skiff history --format '{{.ID}} {{.Size}}' old:1)" "${CONFIG:0:12} 4B"
	is "$(skiff ps -a --format '{{.Names}} {{.Image}} {{.State}}')" "oldctr old:1 created"
	skiff system check
	skiff tag old:1 new:1
	run -1 skiff rmi new:1 old:1 "pinned@sha256:$MANIFEST"
	contains "Untagged: new:1"
	contains "conflict: "
	skiff rm oldctr
	skiff image prune -af
	nothing_is_left
}

@test "bar 22: a store of a later format is refused by every verb, and nothing in it changes" {
	local verb
	tl good a:1
	skiff create --name c a:1 true
	sed -i '1s/.*/2/' "$SKIFF_ROOT/version"
	find "$SKIFF_ROOT" -printf '%p %T@ %C@ %s %m\n' | sort >"$BATS_TEST_TMPDIR/before"
	for verb in images "images --tree" "tag a:1 b" "untag a:1" "rmi a:1" "history a:1" "image inspect a:1" "image exists a:1" "image tree a:1" \
		"image diff a:1" "image prune -af" "container prune -f" "system prune -af" "system df" "system check" "system check --repair" \
		"ps -a" "rm c" "start c" "inspect c" "run --rm a:1 true" "create a:1" "load -i $BATS_TEST_TMPDIR/a.tar" "pull $BB" \
		"save -o $BATS_TEST_TMPDIR/x.tar a:1" "info" "system reset -f"; do
		# shellcheck disable=SC2086
		run skiff $verb
		[ "$status" != 0 ] || fail "skiff $verb has worked"
		[[ $output == *"has format 2, this skiff knows up to 1: use a newer skiff"* ]] || fail "skiff $verb: $output"
		find "$SKIFF_ROOT" -printf '%p %T@ %C@ %s %m\n' | sort | diff "$BATS_TEST_TMPDIR/before" - || fail "skiff $verb has changed the store"
	done
	sed -i '1s/.*/1/' "$SKIFF_ROOT/version"
}
