#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# skiff export and import: a container's files as a tar, a tar as an image.

load common
load image
load fake

setup_file() {
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/store
	base_image
}
teardown_file() {
	remove_all_containers
	skiff system reset -f
}
teardown() { remove_all_containers; }

# A container "c" that has changed every kind of thing on top of base.
changed() {
	skiff run --name c "$@" base sh -c '
		mkdir -p /data/sub "/data/odd
name" && echo hello >/data/sub/file && ln /data/sub/file /data/hard && ln -s sub/file /data/link &&
		echo x >"/data/ü $(printf %0120d 5)" && rm /bin/grep && echo new >/etc/passwd && chmod 4755 /bin/probe &&
		dd if=/dev/zero of=/data/holes bs=1 count=1 seek=50000000 2>/dev/null && rm -rf /var && mkdir /var && touch -d "2001-02-03 04:05:06" /data/sub/file'
}

# bats test_tags=smoke
@test "export: what the container sees, stopped and running; import makes an image of it" {
	local d=$BATS_TEST_TMPDIR id
	changed --network none
	run -0 skiff export -o "$d/a.tar" c
	is "$output" ""
	is "$(tar -tf "$d/a.tar" | sort | uniq -d)" ""
	mkdir "$d/x"
	tar -C "$d/x" -xpf "$d/a.tar" --exclude='dev/*'
	is "$(cat "$d/x/data/sub/file" "$d/x/etc/passwd")" "$(printf 'hello\nnew')"
	is "$(readlink "$d/x/data/link") $(stat -c %a "$d/x/bin/probe")" "sub/file 4755"
	# fuse-overlayfs tells of one name for every file and of no holes: there links become copies, and holes zeros.
	if [ "$SKIFF_TEST_MODE" != fuse ]; then
		is "$(stat -c %h "$d/x/data/hard")" 2
		[ "$(stat -c %s "$d/a.tar")" -lt 40000000 ]
	fi
	is "$(date -u -r "$d/x/data/sub/file" +%F)" 2001-02-03
	[ -d "$d/x/data/odd"$'\n'"name" ]
	[ ! -e "$d/x/bin/grep" ]
	is "$(stat -c %s "$d/x/data/holes")" 50000001
	run -0 skiff import -q "$d/a.tar" imp:1
	id=$output
	[[ $id =~ ^sha256:[0-9a-f]{64}$ ]] || fail "not an id: $id"
	is "$(skiff images -q --no-trunc imp:1)" "$id"
	run -0 skiff run --rm --network none imp:1 /bin/cat /data/hard
	is "$output" hello
	skiff system check
	# The same tree gives the same tar, from either image.
	skiff create --name again imp:1 true
	skiff export again | tar -tv --full-time | grep -v ' \(dev\|etc\|proc\|sys\|run\)/' >"$d/1"
	tar -tvf "$d/a.tar" --full-time | grep -v ' \(dev\|etc\|proc\|sys\|run\)/' >"$d/2"
	diff "$d/1" "$d/2"
}

@test "export of a running container leaves out what is mounted in it" {
	local d=$BATS_TEST_TMPDIR
	mkdir "$d/vol"
	echo secret >"$d/vol/file"
	skiff run -d --name c --network none -v "$d/vol:/data" --tmpfs /scratch base sh -c 'echo t >/scratch/t; echo up >/up; sleep 100'
	wait_for 20 sh -c 'skiff exec c cat /up'
	skiff export c >"$d/a.tar"
	run -0 tar -tf "$d/a.tar"
	lacks secret
	lacks data/file
	lacks scratch/t
	[ -z "$(grep -E '^(proc|sys)/.' <<<"$output")" ]
	grep -qx up <<<"$output"
	grep -qx data/ <<<"$output"
	is_running c
	run -0 skiff exec c cat /up
	is "$output" up
}

@test "export: shifted ids come out as the container has them; a container that never ran" {
	local d=$BATS_TEST_TMPDIR
	skiff create --name c base true
	skiff export c | tar -t >"$d/list"
	grep -qx bin/busybox "$d/list"
	skiff rm c
	skiff run --name c --network none base sh -c 'touch /mine && chown 7:8 /mine'
	run -0 sh -c 'skiff export c | tar -tv --numeric-owner'
	if [ "$SKIFF_TEST_MODE" != single ]; then
		[[ $output =~ 7/8[^$'\n']*' mine' ]] || fail "$output"
	fi
}

@test "export: what is refused, and that a failure leaves nothing" {
	local d=$BATS_TEST_TMPDIR
	run -1 skiff export nothere
	contains "No such container: nothere"
	skiff create --name c base true
	run -1 skiff export -o "$d/no/x.tar" c
	contains "export '$d/no/x.tar'"
	run -1 skiff export -o "$d" c
	contains "it is a folder"
	run -1 script -qec "skiff export c" /dev/null
	contains "cowardly refusing to save to a terminal"
	run bash -c 'set -o pipefail; skiff export c | true; exit ${PIPESTATUS[0]}'
	is "$status" 1
	contains "Broken pipe"
	run -1 own_mounts sh -c 'mkdir "$1/full"; mount -t tmpfs -o size=100k none "$1/full" && ! skiff export -o "$1/full/a" c && ls "$1/full" && exit 1' sh "$d"
	is "${#lines[@]}" 1
	contains "No space left on device"
}

tree() { # a small tar in $BATS_TEST_TMPDIR/t.tar
	mkdir -p "$BATS_TEST_TMPDIR/t/bin" "$BATS_TEST_TMPDIR/t/work"
	cp /bin/busybox "$BATS_TEST_TMPDIR/t/bin/sh"
	echo "$RANDOM" >"$BATS_TEST_TMPDIR/t/work/file"
	tar -C "$BATS_TEST_TMPDIR/t" --owner=0 --group=0 -cf "$BATS_TEST_TMPDIR/t.tar" .
}

@test "import: a file, stdin, a pipe; plain, gzip, zstd; the layer is the same" {
	local d=$BATS_TEST_TMPDIR diff
	tree
	skiff import "$d/t.tar" a:1
	diff=$(skiff image inspect -f '{{.RootFS.Layers}}' a:1)
	gzip -k "$d/t.tar"
	zstd -qk "$d/t.tar"
	skiff import - a:2 <"$d/t.tar.gz"
	# shellcheck disable=SC2002
	cat "$d/t.tar.zst" | skiff import - a:3
	is "$(skiff image inspect -f '{{.RootFS.Layers}}' a:2)" "$diff"
	is "$(skiff image inspect -f '{{.RootFS.Layers}}' a:3)" "$diff"
	run -0 skiff import "$d/t.tar"
	is "$(skiff images -q --no-trunc -f dangling=true)" "$output"
	run -0 --separate-stderr skiff import "$d/t.tar" a:1
	contains sha256:
	# shellcheck disable=SC2154
	[[ $stderr == "The image a:1 already exists, renaming the old one with ID sha256:"*" to empty string" ]] || fail "$stderr"
	skiff system check
	is "$(ls "$SKIFF_ROOT/tmp")" "$(printf 'blobs\nguard')"
}

@test "import: --change, --message, --platform" {
	local d=$BATS_TEST_TMPDIR
	tree
	skiff import -m 'by hand' --platform linux/s390x -c 'CMD ["sh", "-c", "echo hi"]' -c 'ENTRYPOINT []' -c 'ENV A=1 B="two words"' \
		-c 'ENV PATH /bin' -c 'ENV A=3' -c 'EXPOSE 80 53/udp 8000-8002' -c 'LABEL "com.example"="x y" z=1' -c 'USER 1000:1000' \
		-c 'VOLUME ["/v 1", "/v2"]' -c 'VOLUME /v3' -c 'WORKDIR /work' -c 'WORKDIR sub' -c 'STOPSIGNAL SIGUSR1' -c 'ONBUILD RUN make' \
		-c 'HEALTHCHECK --interval=5s --retries=2 CMD curl -f http://x' "$d/t.tar" changed
	run -0 skiff image inspect changed
	python3 - "$output" <<-'END'
		import json, sys
		i = json.loads(sys.argv[1])[0]
		c = i["Config"]
		assert i["Architecture"] == "s390x" and i["Os"] == "linux", i
		assert c["Cmd"] == ["sh", "-c", "echo hi"] and not c["Entrypoint"], c
		assert sorted(c["Env"]) == ["A=3", "B=two words", "PATH=/bin"], c
		assert sorted(c["ExposedPorts"]) == ["53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp"], c
		assert c["Labels"] == {"com.example": "x y", "z": "1"}, c
		assert c["User"] == "1000:1000" and c["WorkingDir"] == "/work/sub" and c["StopSignal"] == "SIGUSR1", c
		assert sorted(c["Volumes"]) == ["/v 1", "/v2", "/v3"], c
		h = c["Healthcheck"]
		assert h["Test"] == ["CMD-SHELL", "curl -f http://x"] and h["Interval"] == 5000000000 and h["Retries"] == 2, h
	END
	run -0 sh -c "skiff save changed | tar -xO --wildcards '*.json'"
	contains '"comment":"by hand"'
	contains '"OnBuild":["RUN make"]'
	# What runs is what was changed; podman's way to write it; a command for the shell.
	skiff import -c CMD=/bin/busybox -c 'WORKDIR=/work' -c 'ENTRYPOINT exec "$0" x' "$d/t.tar" podman
	run -0 skiff image inspect -f '{{json .Config.Cmd}} {{.Config.WorkingDir}} {{json .Config.Entrypoint}}' podman
	is "$output" '["/bin/sh","-c","/bin/busybox"] /work ["/bin/sh","-c","exec \"$0\" x"]'
	skiff import -c 'CMD ["sh", "-c", "pwd; echo $A"]' -c 'WORKDIR /work' -c 'ENV A=yes' "$d/t.tar" runs
	run -0 skiff run --rm --network none runs
	is "$output" "$(printf '/work\nyes')"
}

@test "import: instructions that are wrong are told before anything is read" {
	local c want
	tree
	while IFS='|' read -r c want; do
		run -1 skiff import -c "$c" /nowhere.tar x
		contains "--change: $want"
	done <<-'END'
		RUN make|RUN is not an instruction that can be used here
		CMD|CMD requires at least one argument
		ENV A|ENV: it needs a name and a value
		ENV A=1 B|ENV: 'B' is not name=value
		ENV A="x|ENV: a quote is not closed
		EXPOSE 70000|EXPOSE: '70000' is not a port
		EXPOSE 80/icmp|EXPOSE: '80/icmp' is not a port
		ONBUILD FROM x|ONBUILD: FROM isn't allowed as an ONBUILD trigger
		USER a b|USER: it takes one user
		STOPSIGNAL now!|STOPSIGNAL: 'now!' is not a signal
		HEALTHCHECK --x=1 CMD y|HEALTHCHECK: unknown flag '--x=1'
		HEALTHCHECK maybe|HEALTHCHECK: it takes NONE or CMD and a command
	END
}

@test "import: names and tarballs that are refused leave nothing" {
	local d=$BATS_TEST_TMPDIR before
	tree
	before=$(skiff images -aq --no-trunc | sort)
	run -1 skiff import "$d/t.tar" embedded/x
	contains "embedded/ is reserved"
	run -1 skiff import "$d/t.tar" "UPPER:x"
	contains "invalid reference format"
	run -1 skiff import "$d/t.tar" "a@sha256:$(printf %064d 1)"
	contains "cannot be named by a digest"
	run -1 skiff import /nowhere.tar
	contains "open '/nowhere.tar': No such file or directory"
	run -1 skiff import /
	contains "it is a folder"
	echo 'no tar, but text that is long enough to look at' >"$d/x"
	run -1 skiff import "$d/x" bad
	contains "import '$d/x': layer of the tarball: the tar is corrupt"
	head -c 300000 "$d/t.tar" >"$d/cut.tar"
	run -1 skiff import "$d/cut.tar" bad
	contains "the tar is corrupt"
	run -1 skiff import - bad <"$d/cut.tar"
	# shellcheck disable=SC2002
	run -1 bash -c 'cat "$1" | skiff import - bad' bash "$d/cut.tar"
	is "$(skiff images -aq --no-trunc | sort)" "$before"
	is "$(ls "$SKIFF_ROOT/tmp")" "$(printf 'blobs\nguard')"
	skiff system check
}

@test "import from a URL: with redirects, cut, missing; a password in it is not shown" {
	local d=$BATS_TEST_TMPDIR
	fake_start
	rules '[{"match":"tarball","redirect":"http://127.0.0.1:{port2}/v2/img/blobs/'"$(digest_of img layer 1)"'"}]'
	run -0 skiff import -q "http://$FAKE/tarball" url:1
	run -0 skiff run --rm --network none -v /bin/busybox:/busybox url:1 /busybox stat -c %s /bin/big
	is "$output" 3145728
	rules '[{"match":"tarball","status":404}]'
	run -1 skiff import -q "http://$FAKE/tarball" url:2
	contains "Error: import 'http://$FAKE/tarball': reading the tarball: "
	contains 404
	rules '[{"match":"blobs","truncate":1000}]'
	run -1 skiff import -q "http://$FAKE/v2/img/blobs/$(digest_of img layer 1)" url:2
	run -1 skiff import -q "https://$FAKETLS/v2/img/blobs/$(digest_of img layer 1)" url:2
	contains certificate
	is "$(skiff images -q url:2)" ""
	is "$(ls "$SKIFF_ROOT/tmp")" "$(printf 'blobs\nguard')"
	fake_stop
}
