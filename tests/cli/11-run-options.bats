#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The options of run, create, start, exec, ps, logs, stop, kill, rm, wait, attach and inspect: each shows its effect, in docker's
# form and in podman's where they differ. What has a file of its own is not repeated here; the first test counts.

load common
load image

setup_file() {
	base_image
	printf 'root:x:0:0:root:/root:/bin/sh\napp:x:42:43::/home/app:/bin/sh\n' >"$BATS_FILE_TMPDIR/base/etc/passwd"
	printf 'root:x:0:\napp:x:43:\naudio:x:29:\n' >"$BATS_FILE_TMPDIR/base/etc/group"
	load_tree users:latest "$BATS_FILE_TMPDIR/base"
	skiff run --rm "$BB" true
}

teardown() {
	remove_all_containers
}

r() { # run --rm without a network, which most of these do not need
	skiff run --rm --network none "$@"
}

verbs='^container (run|create|start|exec|ls|logs|stop|kill|rm|wait|attach|inspect)$|^inspect$'

@test "no option of these verbs is without a test" {
	local name missing=
	for name in $(skiff --dump-cli | jq -r --arg v "$verbs" \
		'.commands[] | select(.path | test($v)) | .options[]? | select((.refused // .ignored) | not) | .name' | sort -u); do
		grep -qE -e "--$name([^a-z-]|\$)" "$TESTS"/cli/*.bats || missing="$missing --$name"
	done
	is "$missing" ""
}

@test "what is not there yet is refused with one sentence that names the option, and makes nothing" {
	local name kind reason
	while IFS=$'\t' read -r name kind reason; do
		local value=(1)
		[ "$kind" != bool ] || value=()
		run -125 --separate-stderr skiff run "--$name" "${value[@]}" "$BB" true
		is "$output" ""
		[[ ${stderr_lines[0]} == "Error: --$name $reason"* ]] || fail "--$name: $stderr"
	done < <(skiff --dump-cli | jq -r '.commands[] | select(.path == "container run") | .options[] | select(.refused)
		| [.name, .kind, .refused] | @tsv')
	is "$(skiff ps -aq)" ""
}

@test "what cannot have an effect is taken with a warning that says so" {
	local name kind reason
	while IFS=$'\t' read -r name kind reason; do
		local value=(1)
		[ "$kind" != bool ] || value=()
		[ "$name" != disable-content-trust ] || value=()
		SKIFF_LOG=warn run -0 --separate-stderr skiff create "--$name" "${value[@]}" "$BB" true
		[[ $stderr == *"--$name"* ]] || fail "--$name: no warning: $stderr"
	done < <(skiff --dump-cli | jq -r '.commands[] | select(.path == "container run") | .options[] | select(.ignored)
		| [.name, .kind, .ignored] | @tsv')
}

# bats test_tags=smoke
@test "-e, --env-file, --env-host, --unsetenv: who wins over whom" {
	local f=$BATS_TEST_TMPDIR/env
	printf '# comment\nA=file\nB=two words "quoted"\nFROM_HERE\nEMPTY=\n' >"$f"
	export FROM_HERE=here NOT_PASSED=x
	is "$(r --env-file "$f" "$BB" sh -c 'echo "$A|$B|$FROM_HERE|${EMPTY-unset}|${NOT_PASSED-unset}"')" \
		'file|two words "quoted"|here||unset'
	is "$(r -e A=option --env-file "$f" "$BB" sh -c 'echo $A')" option
	is "$(r --env A=1 -e A=2 "$BB" sh -c 'echo $A')" 2
	is "$(r -e FROM_HERE -e NOT_SET_AT_ALL "$BB" sh -c 'echo $FROM_HERE ${NOT_SET_AT_ALL-unset}')" "here unset"
	is "$(r -e A= "$BB" sh -c 'echo "<${A-unset}>"')" "<>"
	is "$(r -e 'A=a=b c' "$BB" sh -c 'echo "$A"')" "a=b c"
	is "$(r --env-host "$BB" sh -c 'echo $NOT_PASSED')" x
	is "$(r --env-host -e NOT_PASSED=y "$BB" sh -c 'echo $NOT_PASSED')" y
	run -125 r --env-file /no/such "$BB" true
	contains "/no/such"
	printf 'a b=c\n' >"$f"
	run -125 r --env-file "$f" "$BB" true
	contains "$f"
	run -125 r -e =x "$BB" true
	# what every container gets
	is "$(r --hostname box -t "$BB" sh -c 'echo $HOSTNAME $HOME $TERM' | tr -d '\r')" "box /root xterm"
}

@test "--label, --label-file, --annotation" {
	local f=$BATS_TEST_TMPDIR/labels
	printf 'a=file\nb\n# no\nc=x=y\n' >"$f"
	skiff create --name l --label-file "$f" -l a=option --label d= --annotation run.oci.x=1 "$BB" true
	is "$(skiff inspect -f '{{json .Config.Labels}}' l)" '{"a":"option","b":"","c":"x=y","d":""}'
	is "$(skiff inspect -f '{{index .HostConfig.Annotations "run.oci.x"}}' l)" 1
	run -125 skiff create --label-file /no/such "$BB" true
	contains "/no/such"
}

# bats test_tags=smoke
@test "-w makes the folder; -u takes names, numbers and groups; --group-add" {
	is "$(r -w /made/here "$BB" pwd)" /made/here
	is "$(r --workdir / "$BB" pwd)" /
	run -125 r -w relative "$BB" true
	contains "the working directory 'relative' is invalid, it needs to be an absolute path"
	is "$(r -u app users sh -c 'id -u; id -g; echo $HOME' | tr '\n' ' ')" "42 43 /home/app "
	is "$(r -u app:audio users id -g)" 29
	is "$(r --user 42 users id -g)" 43
	is "$(r -u 7 users sh -c 'id -u; id -g' | tr '\n' ' ')" "7 0 "
	is "$(r -u 7:8 users sh -c 'id -u; id -g' | tr '\n' ' ')" "7 8 "
	is "$(r --group-add audio --group-add 77 users id -G)" "0 29 77"
	is "$(r -u app --group-add audio users id -G)" "43 29"
	run -125 r -u nosuch users true
	contains "unable to find user nosuch: no matching entries in passwd file"
	run -125 r -u app:nosuch users true
	contains "unable to find group nosuch"
	run -125 r --group-add nosuch users true
	contains "nosuch"
}

@test "-h, --domainname, --uts" {
	is "$(r -h box "$BB" sh -c 'hostname; cat /etc/hostname; grep -c box /etc/hosts' | tr '\n' ' ')" "box box 1 "
	is "$(r --hostname box --domainname example.org "$BB" sh -c 'cat /proc/sys/kernel/domainname; grep -o box.example.org /etc/hosts')" \
		$'example.org\nbox.example.org'
	local id
	id=$(skiff create --name n --network none "$BB" hostname)
	is "$(skiff start -a n)" "${id:0:12}"
	is "$(r --uts host "$BB" hostname)" "$(hostname)"
	is "$(r --uts private -h box "$BB" hostname)" box
	run -125 r --uts host -h box "$BB" true
	contains "conflicting options: hostname and the UTS mode"
	run -125 r --uts nonsense "$BB" true
	contains "--uts nonsense"
	run -125 r -h $'a\nb' "$BB" true
	contains "invalid hostname"
}

@test "--entrypoint: a program, none; its arguments are those after the image" {
	is "$(r --entrypoint /bin/echo "$BB" a b)" "a b"
	is "$(r --entrypoint "" "$BB" echo c)" c
	is "$(r --entrypoint '["echo","from","json"]' "$BB" list)" "from json list"
	run -127 r --entrypoint /no/such "$BB"
}

# bats test_tags=smoke
@test "-v: modes, propagation, a missing folder is made as docker does, relative sources" {
	local d=$BATS_TEST_TMPDIR/d
	mkdir -m 777 "$d" # root's containers have no id of the host's root
	echo there >"$d/f"
	is "$(r -v "$d:/d" "$BB" cat /d/f)" there
	is "$(r --volume "$d/f:/file:ro" "$BB" sh -c 'cat /file; echo x >/file' 2>/dev/null || true)" there
	run -1 r -v "$d:/d:ro" "$BB" touch /d/x
	contains "Read-only file system"
	r -v "$d:/d:rw" "$BB" touch /d/rw
	[ -e "$d/rw" ]
	r -v "$d:/d:z" -v "$d:/e:rw,Z" -v "$d:/f:cached" "$BB" ls /e/f
	is "$(r -v "$d:/d:rshared" "$BB" grep ' /d ' /proc/self/mountinfo | grep -c 'shared:')" 1
	is "$(r -v "$d:/d:noexec" "$BB" sh -c 'cp /bin/busybox /d/true; /d/true' 2>&1 | grep -c 'ermission denied')" 1
	r -v "$d/made/deep:/x" "$BB" true
	[ -d "$d/made/deep" ]
	(cd "$d" && is "$(r -v ./made:/m -v .:/all "$BB" sh -c 'ls /all/f; ls /m' | tr '\n' ' ')" "/all/f deep ")
	run -125 r -v "$d:relative" "$BB" true
	contains "relative"
	run -125 r -v "$d:/d:nonsense" "$BB" true
	contains "nonsense"
	run -125 r -v name:/d "$BB" true
	contains "named volumes"
	run -125 r -v /anonymous "$BB" true
	contains "volumes"
	run -125 r -v "$d:/d" -v "$d:/d" "$BB" true
	contains "Duplicate mount point: /d"
	run -125 r -v "$d:/" "$BB" true
	contains "destination can't be '/'"
	run -125 r -v :/d "$BB" true
}

@test "--mount: bind and tmpfs, their keys, what is missing and what is unknown" {
	local d=$BATS_TEST_TMPDIR/d
	mkdir -m 777 "$d"
	echo there >"$d/f"
	is "$(r --mount "type=bind,src=$d,dst=/d" "$BB" cat /d/f)" there
	is "$(r --mount "type=bind,source=$d,destination=/d,readonly" "$BB" sh -c 'touch /d/x 2>/dev/null || echo ro')" ro
	is "$(r --mount "type=bind,source=$d,target=/d,ro=false" "$BB" sh -c 'touch /d/x && echo rw')" rw
	is "$(r --mount "type=bind,src=$d,dst=/d,bind-propagation=rshared" "$BB" grep ' /d ' /proc/self/mountinfo | grep -c shared:)" 1
	is "$(r --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0711 "$BB" sh -c 'stat -c %a /t; df -k /t | tail -n 1' |
		awk '{ print (NF > 1 ? $2 : $1) }' | tr '\n' ' ')" "711 1024 "
	run -125 r --mount "type=bind,src=$d/none,dst=/d" "$BB" true
	contains "bind source path does not exist: $d/none"
	[ ! -e "$d/none" ]
	run -125 r --mount "type=bind,src=$d,dst=/d,nonsense=1" "$BB" true
	contains "nonsense"
	run -125 r --mount "type=nonsense,dst=/d" "$BB" true
	contains "nonsense"
	run -125 r --mount "type=bind,dst=/d" "$BB" true
	run -125 r --mount "type=tmpfs,src=/x,dst=/d" "$BB" true
	run -125 r --mount "type=tmpfs,dst=/d,tmpfs-size=lots" "$BB" true
	contains "lots"
	run -125 r --mount "type=volume,src=v,dst=/d" "$BB" true
	contains "named volumes"
}

@test "--tmpfs, --shm-size, --read-only, --read-only-tmpfs" {
	is "$(r --tmpfs /t:size=2m,mode=0750 "$BB" sh -c 'stat -c %a /t; df -k /t | tail -n 1' |
		awk '{ print (NF > 1 ? $2 : $1) }' | tr '\n' ' ')" "750 2048 "
	is "$(r --tmpfs /t "$BB" sh -c 'grep " /t " /proc/mounts' | grep -c 'noexec')" 1
	is "$(r --tmpfs /t:exec "$BB" sh -c 'cp /bin/busybox /t/echo; /t/echo ran')" ran
	is "$(r --shm-size 1m "$BB" df -k /dev/shm | awk 'END { print $2 }')" 1024
	is "$(r "$BB" df -k /dev/shm | awk 'END { print $2 }')" 65536
	run -125 r --shm-size lots "$BB" true
	contains lots
	is "$(r --read-only "$BB" sh -c 'for d in / /tmp /run /etc; do touch $d/x 2>/dev/null && echo -n "$d "; done; touch /dev/shm/x && echo shm')" shm
	is "$(r --read-only --read-only-tmpfs "$BB" sh -c 'for d in / /tmp /run /var/tmp /etc; do touch $d/x 2>/dev/null && echo -n "$d "; done; true')" \
		"/tmp /run /var/tmp "
	is "$(r --read-only --tmpfs /tmp "$BB" sh -c 'touch /tmp/x && echo ok')" ok
}

# The mode of seccomp in a container without a filter: what is around us, or the filter that emulates ids.
bare_seccomp() {
	[ "$SKIFF_TEST_MODE" = single ] && echo 2 || awk '$1 == "Seccomp:" { print $2 }' /proc/self/status
}

capeff() {
	sed -n 's/^CapEff:[[:space:]]*//p'
}

# bats test_tags=smoke
@test "--cap-add, --cap-drop, --privileged" {
	is "$(r "$BB" cat /proc/self/status | capeff)" 00000000800405fb
	is "$(r --cap-drop ALL "$BB" cat /proc/self/status | capeff)" 0000000000000000
	is "$(r --cap-drop=all --cap-add=net_bind_service "$BB" cat /proc/self/status | capeff)" 0000000000000400
	is "$(r --cap-add CAP_SYS_PTRACE --cap-drop CHOWN "$BB" cat /proc/self/status | capeff)" 00000000800c05fa
	run -125 r --cap-add NOSUCH "$BB" true
	contains NOSUCH
	run -125 r --cap-drop NOSUCH "$BB" true
	contains NOSUCH
	[ "$(r --cap-add ALL "$BB" cat /proc/self/status | capeff)" != 00000000800405fb ]
	# what an ordinary container may not, a privileged one may: mounts, /proc and /sys as they are
	run -1 r "$BB" mount -t tmpfs none /mnt
	run -0 r --privileged "$BB" sh -c 'mount -t tmpfs none /tmp; sed -n "s/^Seccomp:.//p" /proc/self/status'
	is "$output" "$(bare_seccomp)"
}

@test "--privileged has the devices of the host that the caller can open; --device adds one" {
	local own node
	own=$(r "$BB" find /dev -type c | sort)
	for node in /dev/fuse /dev/net/tun; do
		[[ $own != *"$node"* ]] || fail "$node is there without asking"
		r --device "$node" "$BB" test -c "$node"
		# a mapped root of a container that host root has started is nobody on the host
		{ [ -r "$node" ] && [ "$(stat -c %a "$node")" = 666 ]; } || continue
		r --privileged "$BB" test -c "$node"
	done
	# a node that is closed to the caller would be of no use
	if [ -c /dev/mem ]; then
		run -1 r --privileged "$BB" test -e /dev/mem
	fi
	r --privileged "$BB" sh -c 'echo x >/dev/null && head -c 1 /dev/zero >/dev/null && test -d /dev/pts && test -d /dev/shm'
	r --device /dev/zero:/dev/my/zero "$BB" sh -c 'head -c 3 /dev/my/zero | wc -c' | grep -qx 3
	r --device /dev/net "$BB" test -c /dev/net/tun
	SKIFF_LOG=warn run -0 --separate-stderr r --device /dev/zero:/dev/z:r "$BB" test -c /dev/z
	[[ $stderr == *"--device /dev/zero:/dev/z:r: an ordinary user cannot narrow the access"* ]] || fail "$stderr"
	run -125 r --device /dev/nosuch "$BB" true
	is "$output" 'Error: adding the device "/dev/nosuch": No such file or directory'
	run -125 r --device /etc/passwd "$BB" true
	contains "'/etc/passwd' is not a device"
	run -125 r --device /dev/null:/dev/x:q "$BB" true
	contains "bad mode specified: q"
}

@test "--security-opt: seccomp, no-new-privileges, mask, unmask, systempaths" {
	is "$(r "$BB" grep ^Seccomp: /proc/self/status | tr -s '\t ' ' ')" "Seccomp: 2"
	is "$(r --security-opt seccomp=unconfined --cap-drop ALL "$BB" grep ^NoNewPrivs: /proc/self/status | tr -s '\t ' ' ')" "NoNewPrivs: 0"
	is "$(r --security-opt seccomp=unconfined "$BB" grep ^Seccomp: /proc/self/status | tr -s '\t ' ' ')" "Seccomp: $(bare_seccomp)"
	is "$(r --security-opt no-new-privileges "$BB" grep ^NoNewPrivs: /proc/self/status | tr -s '\t ' ' ')" "NoNewPrivs: 1"
	is "$(r --security-opt no-new-privileges:true "$BB" grep ^NoNewPrivs: /proc/self/status | tr -s '\t ' ' ')" "NoNewPrivs: 1"
	is "$(r --security-opt no-new-privileges=false "$BB" grep ^NoNewPrivs: /proc/self/status | tr -s '\t ' ' ')" "NoNewPrivs: 0"
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' \
		>"$BATS_TEST_TMPDIR/profile.json"
	run -1 r --security-opt "seccomp=$BATS_TEST_TMPDIR/profile.json" "$BB" mkdir /x
	contains "not supported"
	run -125 r --security-opt seccomp=/no/such "$BB" true
	contains "/no/such"
	is "$(r "$BB" sh -c 'cat /proc/timer_list 2>/dev/null | wc -c')" 0
	is "$(r --security-opt mask=/etc/passwd "$BB" sh -c 'wc -c </etc/passwd')" 0
	is "$(r "$BB" grep -c ' /proc/sys proc ro' /proc/mounts)" 1
	run -1 r --security-opt unmask=/proc/sys "$BB" grep ' /proc/sys ' /proc/mounts
	run -1 r --security-opt systempaths=unconfined "$BB" grep -E ' /proc/(sys|keys|timer_list) ' /proc/mounts
	run -125 r --security-opt nonsense=1 "$BB" true
	contains "nonsense=1"
}

@test "--ulimit, --sysctl, --umask, --oom-score-adj" {
	is "$(r --ulimit nofile=64:128 "$BB" sh -c 'ulimit -Sn; ulimit -Hn' | tr '\n' ' ')" "64 128 "
	is "$(r --ulimit core=0 --ulimit nproc=100 "$BB" sh -c 'ulimit -c; grep processes /proc/self/limits | awk "{print \$3}"' | tr '\n' ' ')" "0 100 "
	run -125 r --ulimit nosuch=1 "$BB" true
	contains nosuch
	run -125 r --ulimit nofile=9:3 "$BB" true
	is "$(r --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shm_rmid_forced=1 "$BB" \
		cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced | tr '\n' ' ')" "1 1 "
	run -125 r --sysctl kernel.panic=1 "$BB" true
	contains kernel.panic
	run -125 skiff run --rm --network host --sysctl net.ipv4.ip_forward=1 "$BB" true
	contains "shares with the host"
	is "$(r "$BB" sh -c umask)" 0022
	is "$(r --umask 0077 "$BB" sh -c 'umask; touch /f; stat -c %a /f' | tr '\n' ' ')" "0077 600 "
	run -125 r --umask 9 "$BB" true
	contains "invalid umask '9'"
	is "$(r --oom-score-adj 777 "$BB" cat /proc/self/oom_score_adj)" 777
	run -125 r --oom-score-adj 2000 "$BB" true
	contains "invalid --oom-score-adj 2000"
}

@test "--init: a first process that reaps and forwards; without it the command is pid 1" {
	is "$(r "$BB" sh -c 'echo $$')" 1
	is "$(r --init "$BB" sh -c 'test $$ -gt 1; cat /proc/1/comm')" skiff-init
	# an orphan is reaped
	is "$(r --init "$BB" sh -c '(sleep 0.1 &); sleep 0.4; ps -o stat | grep -c Z')" 0
	skiff run -d --name i --init --network none "$BB" sh -c 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'
	wait_for 5 logs_have i up
	skiff stop i
	is "$(skiff inspect -f '{{.State.ExitCode}}' i)" 7
}

@test "--pid, --ipc, --cgroupns: private and host" {
	is "$(r --pid private "$BB" sh -c 'set -- /proc/[0-9]*; echo $#')" "$(r "$BB" sh -c 'set -- /proc/[0-9]*; echo $#')"
	is "$(r --pid host "$BB" test -d /proc/$$ 2>/dev/null && echo seen)" seen
	is "$(r --pid=host --init "$BB" sh -c 'echo $$' 2>/dev/null | grep -cx 1)" 0
	is "$(r --ipc host "$BB" readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
	[ "$(r --ipc private "$BB" readlink /proc/self/ns/ipc)" != "$(readlink /proc/self/ns/ipc)" ]
	r --ipc shareable "$BB" test -d /dev/shm
	run -1 r --ipc none "$BB" grep /dev/shm /proc/mounts
	[ "$(r --cgroupns private "$BB" readlink /proc/self/ns/cgroup)" != "$(r --cgroupns host "$BB" readlink /proc/self/ns/cgroup)" ]
	run -125 r --pid nonsense "$BB" true
	contains "--pid nonsense"
	run -125 r --ipc container:x "$BB" true
	contains "--ipc container:x"
}

@test "--pid host: nothing of the container outlives it, whichever process is killed" {
	local mark pid mon victim
	for victim in init monitor both; do
		mark=pidhost-$victim-$$-$RANDOM
		SKMARK=$mark skiff run -d --name p --pid host --network none -e SKMARK="$mark" "$BB" sh -c \
			'trap "" TERM HUP; sleep 1000 & (sleep 1000 & sleep 1000) & echo up; wait' 2>/dev/null
		wait_for 5 logs_have p up
		pid=$(skiff inspect -f '{{.State.Pid}}' p)
		mon=$(monitor_of p)
		case $victim in
		init) skiff kill p >/dev/null ;;
		monitor) kill -9 "$mon" ;;
		both) kill -9 "$mon" "$pid" 2>/dev/null || true ;;
		esac
		wait_for 5 none_of "$mark"
		is "$(skiff inspect -f '{{.State.Status}} {{.State.ExitCode}}' p)" "exited 137"
		skiff rm p >/dev/null
	done
}

@test "--stop-signal, --stop-timeout, and stop's own --time" {
	skiff run -d --name s --stop-signal USR1 --stop-timeout 60 --network none "$BB" sh -c \
		'trap "exit 9" USR1; trap "" TERM; echo up; while :; do sleep 0.05; done'
	wait_for 5 logs_have s up
	is "$(skiff inspect -f '{{.Config.StopSignal}} {{.Config.StopTimeout}}' s)" "USR1 60"
	skiff stop s
	is "$(skiff inspect -f '{{.State.ExitCode}}' s)" 9
	skiff run -d --name t --stop-timeout 1 --network none "$BB" sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'
	wait_for 5 logs_have t up
	local start=$SECONDS
	skiff stop t
	[ $((SECONDS - start)) -le 5 ]
	is "$(skiff inspect -f '{{.State.ExitCode}}' t)" 137
	skiff start t
	start=$SECONDS
	skiff stop --time 0 t
	[ $((SECONDS - start)) -le 3 ]
	run -125 skiff create --stop-signal NOSUCH "$BB" true
	contains "invalid signal: NOSUCH"
}

@test "--tz: a zone's name, local, one that is none" {
	[ -e /usr/share/zoneinfo/Asia/Tokyo ] || skip "there is no time zone data here"
	is "$(r --tz Asia/Tokyo "$BB" date +%Z%z)" JST+0900
	is "$(r --tz local "$BB" date +%z)" "$(date +%z)"
	is "$(r "$BB" date +%z)" +0000
	run -125 r --tz ../../../etc/passwd "$BB" true
	run -125 r --tz Not/AZone "$BB" true
	contains "Not/AZone"
}

@test "--log-driver, --log-opt, --no-healthcheck" {
	skiff run --log-driver none --name n --network none "$BB" echo x
	run -1 skiff logs n
	contains "configured logging driver does not support reading"
	skiff run --log-driver json-file --name j --network none "$BB" echo x
	is "$(skiff logs j)" x
	run -125 skiff run --log-driver nonsense "$BB" true
	contains nonsense
	run -125 skiff run --log-opt max-size=1m "$BB" true
	contains "--log-opt max-size"
	r --no-healthcheck "$BB" true
}

@test "--no-hosts leaves the image's file" {
	is "$(r --no-hosts users cat /etc/hosts 2>/dev/null | wc -l)" 0
	run -125 r --no-hosts --add-host a:1.2.3.4 users true
	contains "--no-hosts and --add-host cannot be set together"
}

@test "--restart: no is what happens; --replace and --name are in 10-run" {
	r --restart no "$BB" true
	run -125 r --restart always "$BB" true
	contains "restart policies are not there yet"
	run -125 r --restart nonsense "$BB" true
}

@test "ps: --all, --quiet, --no-trunc, --latest, --last, --filter, --format" {
	local id
	id=$(skiff create --name one -l x=1 "$BB" sh -c 'echo a long command that does not fit')
	skiff create --name two "$BB" true
	is "$(skiff ps --quiet)" ""
	is "$(skiff ps --all --quiet | wc -l)" 2
	is "$(skiff ps -aq --no-trunc -f name=one)" "$id"
	is "$(skiff ps -a -f name=one --format '{{.Command}}')" '"sh -c '"'"'echo a long …"'
	is "$(skiff ps -a -f name=one --no-trunc --format '{{.Command}}')" '"sh -c '"'"'echo a long command that does not fit'"'"'"'
	is "$(skiff ps --latest --format '{{.Names}}')" two
	is "$(skiff ps --last 1 --format '{{.Names}}')" two
	is "$(skiff ps -n 5 --format '{{.Names}}' | wc -l)" 2
	is "$(skiff ps -a --filter label=x=1 --format '{{.Names}}')" one
	is "$(skiff ps -a --filter name=one --filter name=two --format '{{.Names}}' | wc -l)" 2
	is "$(skiff ps -a --filter "id=${id:0:8}" --format '{{.Names}}')" one
	is "$(skiff ps -a --filter ancestor="$BB" --format '{{.Names}}' | wc -l)" 2
	is "$(skiff ps -a --filter status=created --format '{{.Names}}' | wc -l)" 2
}

@test "logs: --follow, --tail, --since, --until, --timestamps" {
	skiff run --name l --network none "$BB" sh -c 'echo one; echo two; echo three >&2'
	is "$(skiff logs l 2>/dev/null)" $'one\ntwo'
	is "$(skiff logs l 2>&1 >/dev/null)" three
	is "$(skiff logs --tail 1 l 2>&1)" three
	is "$(skiff logs -n 2 l 2>&1 | wc -l)" 2
	is "$(skiff logs --follow l 2>&1 | wc -l)" 3
	[[ $(skiff logs --timestamps --tail 1 l 2>&1) =~ ^20[0-9-]+T[0-9:.]+Z\ three$ ]]
	is "$(skiff logs --since 2037-01-01T00:00:00Z l 2>&1)" ""
	is "$(skiff logs --since 10m l 2>&1 | wc -l)" 3
	is "$(skiff logs --until 10m l 2>&1)" ""
	run -1 skiff logs --since nonsense l
	contains nonsense
}

@test "inspect: --type, --format, --size; start: --attach, --interactive, --detach-keys" {
	skiff create -i --name c --network none "$BB" cat
	is "$(skiff inspect --type container --format '{{.Name}}' c)" /c
	is "$(skiff container inspect --format '{{.Name}}' c)" /c
	skiff run --name sized --network none "$BB" sh -c 'head -c 100000 /dev/zero >/file'
	[ "$(skiff inspect --size --format '{{.SizeRw}}' sized)" -ge 100000 ]
	[ "$(skiff inspect --size --format '{{.SizeRootFs}}' sized)" -gt 1000000 ]
	[[ $(skiff ps -a --size --filter name=sized --format '{{.Size}}') =~ ^1[0-9.]+kB\ \(virtual\ .*\)$ ]]
	is "$(echo in | skiff start --attach --interactive --detach-keys ctrl-x c)" in
	run -1 skiff start --attach --detach-keys nonsense c
	contains nonsense
}
