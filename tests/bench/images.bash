# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # what run reads
# The part "images" of tests/bench/run: pulls again, pushes, lists, removals, archives and copies.

# Since line FROM of a registry's log (the lines of now: log_lines): bytes of blobs that it sent, uploads that were begun with it.
log_lines() { # FOLDER
	sleep 0.1
	wc -l <"$1.log"
}
bytes_sent() { # FOLDER FROM
	sleep 0.1
	tail -n "+$(($2 + 1))" "$1.log" | awk '$6 == "\"GET" && $7 ~ /\/blobs\// && $9 ~ /^20[06]$/ { n += $10 } END { printf "%d\n", n }'
}
uploads() { # FOLDER FROM
	sleep 0.1
	tail -n "+$(($2 + 1))" "$1.log" | grep -cE '"(POST|PATCH|PUT) [^ ]*/blobs/uploads/'
}
mb() { # BYTES
	calc "$1 / 1000000"
}
mb_s() { # BYTES MILLISECONDS
	awk "BEGIN { printf \"%.0f\", $1 / $2 / 1000 }"
}
# limit WHAT FIGURE TARGET UNIT [BESIDE [RATIO]]: a figure that must not be larger.
limit() {
	row "$1" "$2 $4" "${5:-}" "${6:-}" "<= $3 $4" "$(verdict "$2 <= $3")"
	holds "$2 <= $3" || failed=1
}

# The image again with another fourth layer, as bench:next. Sets fourth, the bytes that a pull of it has to move.
push_next() {
	local blobs=$BENCH_IMAGE/blobs/sha256 next=$work/next/blobs/sha256 old config last diff layer size
	old=$(grep -o 'sha256:[0-9a-f]*' "$BENCH_IMAGE/index.json" | head -n 1 | cut -d: -f2)
	config=$(grep -o 'sha256:[0-9a-f]*' "$blobs/$old" | head -n 1 | cut -d: -f2)
	last=$(grep -o '{[^{}]*}' "$blobs/$old" | tail -n 1)
	mkdir -p "$work/fourth/srv" "$next"
	head -c 2000000 /dev/urandom >"$work/fourth/srv/data"
	tar -C "$work/fourth" --owner=0 --group=0 -cf "$work/fourth.tar" .
	diff=$(sha256sum "$work/fourth.tar" | cut -d' ' -f1)
	gzip -n "$work/fourth.tar"
	layer=$(sha256sum "$work/fourth.tar.gz" | cut -d' ' -f1) size=$(stat -c %s "$work/fourth.tar.gz")
	find "$blobs" -type f -exec ln -s -t "$next" {} +
	mv "$work/fourth.tar.gz" "$next/$layer"
	sed -E "s/sha256:[0-9a-f]+(\"\]\})/sha256:$diff\1/" "$blobs/$config" >"$work/config"
	fourth=$((size + $(stat -c %s "$work/config")))
	sed "s|$config\",\"size\":[0-9]*|$(sha256sum "$work/config" | cut -d' ' -f1)\",\"size\":$(stat -c %s "$work/config")|
		s|$last|${last%%\"digest*}\"digest\":\"sha256:$layer\",\"size\":$size}|" "$blobs/$old" >"$work/manifest"
	mv "$work/config" "$next/$(sha256sum "$work/config" | cut -d' ' -f1)"
	old=$(sha256sum "$work/manifest" | cut -d' ' -f1)
	mv "$work/manifest" "$next/$old"
	printf '{"manifests":[{"digest":"sha256:%s"}]}' "$old" >"$work/next/index.json"
	"$dir/tests/bench/push" "$work/next" "$registry" bench:next
}

pull_rows() {
	local from sent
	ms=()
	measure -n 20 -- skiff "$S pull -q $debian" || return
	[ -z "$P" ] || measure -n 3 -w 0 -- podman "$P pull -q --tls-verify=false $debian"
	limit "pull again, the tag is unchanged" "${ms[skiff]}" 15 ms "${ms[podman]:+podman ${ms[podman]} ms}"

	push_next || { echo "bench: cannot push the second image" >&2; failed=1; return; }
	from=$(log_lines "$work/registry")
	$S pull -q "$debian:next" >/dev/null || { failed=1; return; }
	sent=$(bytes_sent "$work/registry" "$from")
	limit "pull that shares three of four layers, moved" "$(mb "$sent")" "$(mb "$fourth")" MB
	if [ -n "$P" ]; then
		from=$(log_lines "$work/registry")
		$P pull -q --tls-verify=false "$debian:next" >/dev/null 2>&1
		row "" "" "podman $(mb "$(bytes_sent "$work/registry" "$from")") MB" "" "" ""
	fi
}

# second: the address of a registry whose files $work/second/ are, which "empty" removes.
push_rows() {
	local from n r empty="rm -rf $work/second/docker" peer=
	from=$(log_lines "$work/registry")
	ms=()
	measure -n 10 -- skiff "$S push -q $debian" || return
	n=$(uploads "$work/registry" "$from")
	limit "push, the registry has it" "${ms[skiff]}" 50 ms
	row "    uploads begun" "$n" "" "" "0" "$(verdict "$n == 0")"
	[ "$n" = 0 ] || failed=1

	ms=()
	measure -n "$pulls" -w 0 -b "$empty" -- skiff "$S push -q $debian $second/bench" || return
	if [ -n "$P" ]; then
		measure -n 1 -w 0 -b "$empty" -- podman "$P push -q --tls-verify=false $debian $second/bench"
		peer=${ms[podman]:-}
	fi
	[ "$(uploads "$work/second" 0)" != 0 ] || { echo "bench: the registry's log does not show uploads" >&2; return 1; }
	row "first push of what was pulled" "${ms[skiff]} ms" "" "" "" ""
	peer_ratio "" podman 4 || failed=1

	ms=()
	skiff --root "$work/dropped" pull -q --keep-blobs=false "$debian" >/dev/null || return
	measure -n 1 -w 0 -m -b "$empty" -- skiff "skiff --root $work/dropped push -q $debian $second/bench" || return
	r=
	[ -z "$peer" ] || r=$(calc "$peer / ${ms[skiff]}")x
	row "first push, compressed layers were dropped" "${ms[skiff]} ms" "${peer:+podman $peer ms}" "$r" "" ""
	row "    memory, all processes (PSS)" "$((kib[skiff] / 1024)) MB" "" "" "" ""
	skiff --root "$work/dropped" rmi -af >/dev/null
}

copy_rows() {
	local empty="rm -rf $work/second/docker"
	ms=()
	measure -n "$pulls" -w 0 -m -b "$empty" -- skiff "skiff copy docker://$debian docker://$second/bench" || return
	row "copy from registry to registry" "${ms[skiff]} ms" "" "" "" ""
	limit "    memory, all processes (PSS)" "$((kib[skiff] / 1024))" 32 MB
	if have skopeo; then
		measure -n 1 -w 0 -m -b "$empty" -- skopeo \
			"skopeo copy -q --src-tls-verify=false --dest-tls-verify=false docker://$debian docker://$second/bench"
		row "" "" "skopeo ${ms[skopeo]:-?} ms" "$(calc "${ms[skopeo]:-0} / ${ms[skiff]}")x" "" ""
		row "    memory of skopeo (PSS)" "" "skopeo $((${kib[skopeo]:-0} / 1024)) MB" "" "" ""
	fi
}

list_rows() {
	local i
	for i in $(seq 500); do
		printf '{"name": "app%d:1", "created": "2024-01-01T00:00:00Z", "labels": {"n": "%d"}, "steps": [["base", {"etc/motd": "x"}]]}\n' "$i" "$i"
	done | python3 "$dir/tests/cli/mkimage.py" "$work/500.tar" || return
	skiff --root "$work/500" load -q -i "$work/500.tar" >/dev/null || return
	ms=()
	measure -n 20 -- skiff "skiff --root $work/500 images" || return
	i=$(skiff --root "$work/500" images -q | wc -l)
	limit "images, with $i of them" "${ms[skiff]}" 20 ms
	[ "$i" = 500 ] || failed=1
}

# Removing, beside rm -rf of a copy of the same files: both on disk, both fresh.
rmi_rows() {
	local r
	cat >"$work/again" <<-END
		#!/bin/sh
		skiff --root $work/rmi pull -q $debian
		[ -d $work/tree ] || skiff unshare cp -a --reflink=never $work/rmi/layers $work/tree
		chmod -R u+rwX $work/tree
		sync -f $work
	END
	chmod +x "$work/again"
	ms=()
	measure -n "$pulls" -w 0 -b "$work/again" -- skiff "skiff --root $work/rmi rmi $debian" rm "rm -rf $work/tree" || return
	r=$(calc "${ms[rm]} / ${ms[skiff]}")
	row "rmi, $(du -sm "$work/store/layers" | cut -f1) MB of layers" "${ms[skiff]} ms" "rm -rf ${ms[rm]} ms" "${r}x" ">= 1x" "$(verdict "$r >= 1")"
	holds "$r >= 1" || failed=1
	skiff unshare rm -rf "$work/rmi" "$work/tree"
}

archive_rows() {
	local size
	ms=()
	measure -n "$pulls" -w 0 -b "rm -f $work/save.tar" -- skiff "$S save -q -o $work/save.tar $debian" || return
	$S save -q -o "$work/save.tar" "$debian" || return
	size=$(stat -c %s "$work/save.tar")
	measure -n "$pulls" -w 0 -b "rm -f $work/dd.tar" -- dd "dd status=none bs=1M conv=fsync if=$work/save.tar of=$work/dd.tar"
	rm -f "$work/dd.tar"
	[ -z "$P" ] || measure -n 1 -w 0 -b "rm -f $work/podman.tar" -- podman "$P save -q -o $work/podman.tar $debian"
	rm -f "$work/podman.tar"
	row "save, $((size / 1000000)) MB" "$(mb_s "$size" "${ms[skiff]}") MB/s" "dd, synced $(mb_s "$size" "${ms[dd]:-1e9}") MB/s" \
		"$(calc "${ms[dd]:-0} / ${ms[skiff]}")x" "" ""
	[ -z "${ms[podman]:-}" ] || row "" "" "podman $(mb_s "$size" "${ms[podman]}") MB/s" "$(calc "${ms[podman]} / ${ms[skiff]}")x" "" ""

	ms=()
	measure -n "$pulls" -w 0 -b "skiff unshare rm -rf $work/load" -- skiff "skiff --root $work/load load -q -i $work/save.tar" || return
	skiff unshare rm -rf "$work/load"
	[ -z "$P" ] || measure -n 1 -w 0 -- podman \
		"env HOME=$work/home podman --root $work/podman/ls --runroot $work/podman/lr load -q -i $work/save.tar"
	row "load of it" "$(mb_s "$size" "${ms[skiff]}") MB/s" "" "" "" ""
	[ -z "${ms[podman]:-}" ] || row "" "" "podman $(mb_s "$size" "${ms[podman]}") MB/s" "$(calc "${ms[podman]} / ${ms[skiff]}")x" "" ""
	rm -f "$work/save.tar"
}

part_images() {
	local fourth second registry=$registry rows
	pull_rows
	registry "$work/second"
	second=$registry
	for rows in push_rows copy_rows list_rows rmi_rows archive_rows; do
		"$rows" || { echo "bench: $rows did not come to its end" >&2; failed=1; }
	done
}
