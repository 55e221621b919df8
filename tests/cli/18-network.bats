#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Networks: none, host, slirp4netns; published ports; /etc/hosts and resolv.conf; what stands in the way.

load common
load image

setup_file() {
	command -v slirp4netns >/dev/null || skip "slirp4netns is not installed (tests/prepare)"
	[ -r /dev/net/tun ] || skip "/dev/net/tun is closed to this user (tests/prepare)"
	base_image
	skiff run --rm --network none "$BB" true
	# one web server on the host's loopback, one on all its addresses
	LO_PORT=$(port) && mkdir "$BATS_FILE_TMPDIR/www" && echo "the host" >"$BATS_FILE_TMPDIR/www/f"
	busybox httpd -f -p "127.0.0.1:$LO_PORT" -h "$BATS_FILE_TMPDIR/www" >/dev/null 2>&1 3>&- &
	export LO_PORT LO_PID=$!
	wait_for 5 fetch "127.0.0.1:$LO_PORT/f"
}

teardown() {
	remove_all_containers
}

teardown_file() {
	[ -z "${LO_PID:-}" ] || kill "$LO_PID" || true
}

s() {
	skiff run --rm --network slirp4netns "$@"
}

n() {
	skiff run --rm --network none "$@"
}

port() { # a free one of the host
	python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
}

fetch() { # ADDRESS:PORT/PATH
	python3 - "http://$1" <<-'PY'
		import sys, urllib.request
		print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=5).read().decode(), end="")
	PY
}

get() { # ADDRESS: a script that fetches the host's file inside (the wget of Debian's static busybox crashes)
	echo "printf 'GET /f HTTP/1.0\r\n\r\n' | nc -w 3 $1 $LO_PORT | tail -n 1 | grep ."
}

echo_udp() { # ADDRESS PORT TEXT
	python3 - "$@" <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(5)
		s.sendto(sys.argv[3].encode(), (sys.argv[1], int(sys.argv[2])))
		print(s.recv(100).decode())
	PY
}

web() { # NAME [OPTION...]: a container that serves its own name as /name on port 80
	skiff run -d --name "$1" --network slirp4netns "${@:2}" "$BB" sh -c "mkdir /w; echo $1 >/w/name; httpd -f -p 80 -h /w" >/dev/null
}

published() { # NAME PORT[/PROTO]: the host's address and port, as inspect has it
	skiff inspect -f "{{with index .NetworkSettings.Ports \"$2\"}}{{(index . 0).HostIp}}:{{(index . 0).HostPort}}{{end}}" "$1"
}

serves() { # ADDRESS NAME
	wait_for 5 fetch "$1/name"
	is "$(fetch "$1/name")" "$2"
}

# bats test_tags=smoke
@test "none: a loopback that is up, and nothing else" {
	is "$(n "$BB" sh -c 'ls /sys/class/net; ip addr show lo | grep -o "LOOPBACK,UP"' | tr '\n' ' ')" "lo LOOPBACK,UP "
	run -1 n "$BB" sh -c "$(get 10.0.2.2)"
	run -0 n "$BB" cat /etc/resolv.conf
	lacks nameserver
}

@test "host: the host's own namespace, name and resolver" {
	is "$(skiff run --rm --network host "$BB" readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	is "$(skiff run --rm --net host "$BB" sh -c "$(get 127.0.0.1)")" "the host"
	is "$(skiff run --rm --network=host "$BB" hostname)" "$(hostname)"
	is "$(skiff run --rm --network host "$BB" grep ^nameserver /etc/resolv.conf)" "$(grep ^nameserver /etc/resolv.conf)"
	SKIFF_LOG=warn run -0 --separate-stderr skiff run --rm --network host -p 80:80 "$BB" true
	[[ $stderr == *"Warning: published ports are discarded when using host network mode"* ]] || fail "$stderr"
	# the names that the host knows
	is "$(skiff run --rm --network=host "$BB" cat /etc/hosts | grep -cxFf /etc/hosts)" "$(grep -c '' /etc/hosts)"
	# what belongs to the host stays as it is
	run ! skiff run --rm --network host "$BB" ip link set lo down
}

# bats test_tags=smoke
@test "slirp4netns is the default: an address, a way out, and not to the host's loopback" {
	is "$(skiff run --rm "$BB" ls /sys/class/net | tr '\n' ' ')" "lo tap0 "
	run -0 s "$BB" sh -c 'ip -4 addr show tap0; ip route'
	contains "inet 10.0.2.100/24"
	contains "default via 10.0.2.2"
	run -1 s "$BB" sh -c "$(get 10.0.2.2)"
	is "$(s --network slirp4netns:allow_host_loopback=true "$BB" true 2>&1 || true)" \
		"Error: several --network options are not there yet"
	is "$(skiff run --rm --network slirp4netns:allow_host_loopback=true "$BB" sh -c "$(get 10.0.2.2)")" "the host"
	run -125 skiff run --rm --network slirp4netns:nonsense=1 "$BB" true
	contains "unknown slirp4netns option 'nonsense=1'"
	# ports below 1024 and ping are the container's own business
	is "$(s -u 1000 "$BB" sh -c 'httpd -p 80 && cat /proc/sys/net/ipv4/ping_group_range' | cut -f1)" 0
}

@test "slirp4netns is caged, and ends with its container" {
	web w -p "127.0.0.1::80"
	local mon pid
	mon=$(monitor_of w)
	pid=$(pgrep -P "$mon" slirp4netns)
	# its root is empty, and it has a filter and no privileges
	[ ! -e "/proc/$pid/root/usr" ] && [ ! -e "/proc/$pid/root/home" ]
	is "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status")" 2
	is "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$pid/status")" 1
	skiff kill w
	wait_for 5 test ! -e "/proc/$pid"
}

@test "-p: tcp in every form, as inspect and ps show it" {
	local a b
	a=$(port) b=$(port)
	web one -p "$a:80"
	serves "127.0.0.1:$a" one
	is "$(published one 80/tcp)" "0.0.0.0:$a"
	is "$(skiff ps --format '{{.Ports}}' --filter name=one)" "0.0.0.0:$a->80/tcp"
	web two -p "127.0.0.1:$b:80/tcp" --publish 127.0.0.1::80
	serves "127.0.0.1:$b" two
	a=$(skiff ps --format '{{.Ports}}' --filter name=two | sed 's/.*, 127.0.0.1:\([0-9]*\)->.*/\1/')
	serves "127.0.0.1:$a" two
	web three -p 80
	serves "127.0.0.1:$(published three 80/tcp | cut -d: -f2)" three
	a=$(port)
	web four -p "published=$a,target=80,protocol=tcp"
	serves "127.0.0.1:$a" four
	# a client sees the container only through the address that was given
	run ! fetch "127.0.0.2:$b/name"
}

@test "-p: ranges, one to one and one of many" {
	local a
	a=$(port)
	while ! python3 -c "
import socket
for p in range($a, $a + 3): socket.socket().bind(('', p))"; do a=$(port); done
	skiff run -d --name r --network slirp4netns -p "$a-$((a + 1)):80-81" "$BB" sh -c \
		'mkdir /w; echo r >/w/name; httpd -p 81 -h /w; httpd -f -p 80 -h /w'
	serves "127.0.0.1:$a" r
	serves "127.0.0.1:$((a + 1))" r
	# one port of the container, the first of the range that is free
	web s -p "$a-$((a + 2)):80"
	serves "127.0.0.1:$((a + 2))" s
	run -125 skiff run --rm -p "80-82:80-81" "$BB" true
	contains "80-82:80-81"
}

@test "-p: udp" {
	local a
	a=$(port)
	skiff run -d --name u --network slirp4netns:allow_host_loopback=true -p "$a:5353/udp" base probe udp 5353
	wait_for 5 logs_have u bound
	is "$(echo_udp 127.0.0.1 "$a" hello)" hello
	is "$(echo_udp 127.0.0.1 "$a" again)" again
	is "$(published u 5353/udp)" "0.0.0.0:$a"
	# where slirp4netns could not answer, it is said
	run -125 skiff run --rm -p "127.0.0.1:$(port):53/udp" "$BB" true
	contains "udp from the loopback needs --network slirp4netns:allow_host_loopback=true"
	SKIFF_LOG=warn run -0 --separate-stderr skiff run --rm -p "$(port):53/udp" "$BB" true
	[[ $stderr == *"Warning: publish "*"not 127.0.0.1"* ]] || fail "$stderr"
}

@test "-p: a port that is taken, too low, not there, of a protocol or family that cannot be" {
	local low
	run -125 --separate-stderr skiff run --rm -p "127.0.0.1:$LO_PORT:80" "$BB" true
	[[ $stderr == "Error: publish port 127.0.0.1:$LO_PORT/tcp: Bind for 127.0.0.1:$LO_PORT failed: port is already allocated" ]] || fail "$stderr"
	low=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
	if [ "$low" -gt 81 ] && [ "$(id -u)" != 0 ]; then
		run -125 --separate-stderr skiff run --rm -p 81:80 "$BB" true
		[[ $stderr == *"publish port 0.0.0.0:81/tcp: Permission denied"*"ip_unprivileged_port_start=81"* ]] || fail "$stderr"
	fi
	run -125 --separate-stderr skiff run --rm -p 9999:80/sctp "$BB" true
	[[ $stderr == *sctp* ]] || fail "$stderr"
	run -125 --separate-stderr skiff run --rm -p "[::1]:$(port):80" "$BB" true
	[[ $stderr == *"IPv4 addresses only"* ]] || fail "$stderr"
	for p in nonsense 80:nonsense 99999:80 0:0 1.2.3:80:80 80:80/icmp a:b:c:d ""; do
		run -125 --separate-stderr skiff run --rm -p "$p" "$BB" true
		[ "${#stderr_lines[@]}" -le 2 ] && [[ $stderr == Error:* ]] || fail "$p: $stderr"
	done
	# nothing is left of any of them
	is "$(skiff ps -aq)" ""
}

@test "a stack that is killed is started again, with the same ports" {
	local a mon pid
	a=$(port)
	web k -p "127.0.0.1:$a:80"
	serves "127.0.0.1:$a" k
	mon=$(monitor_of k)
	pid=$(pgrep -P "$mon" slirp4netns)
	sleep 1.1 # one that ends at once is not started again
	kill -9 "$pid"
	new_one() { pid2=$(pgrep -P "$mon" slirp4netns) && [ "$pid2" != "$pid" ]; }
	wait_for 5 new_one
	serves "127.0.0.1:$a" k
	is "$(published k 80/tcp)" "127.0.0.1:$a"
	is "$(skiff inspect -f '{{.State.Status}}' k)" running
}

@test "without slirp4netns or without /dev/net/tun the default is refused, and what works is named" {
	export SKIFF_LOG=error # the id map is another one in there
	local cover gone private=(unshare --mount) as="exec"
	if [ "$(id -u)" != 0 ]; then
		private+=(--map-root-user)
		as="exec unshare -U --map-user=$(id -u) --map-group=$(id -g)"
	fi
	"${private[@]}" sh -c 'mount --bind /etc/hostname /dev/net/tun' 2>/dev/null ||
		skip "this user cannot cover files here; tests/fault does it as root"
	touch "$BATS_TEST_TMPDIR/nothing"
	for gone in /dev/net/tun "$(command -v slirp4netns)"; do
		cover="mount --bind '$BATS_TEST_TMPDIR/nothing' $gone && $as"
		run -125 --separate-stderr "${private[@]}" sh -c "$cover '$SKIFF' run --rm $BB true"
		[[ $stderr == "Error: --network slirp4netns: "*"${gone##*/}"*"--network host or none"* ]] || fail "$gone: $stderr"
	done
	is "$(skiff ps -aq)" ""
}

@test "other networks are refused with one sentence" {
	local net
	for net in bridge mynet pasta container:x ns:/proc/1/ns/net; do
		run -125 --separate-stderr skiff run --rm --network $net "$BB" true
		[[ $stderr == "Error: network '$net' is not there yet"*"--network slirp4netns (the default), host or none" ]] || fail "$net: $stderr"
	done
}

# bats test_tags=smoke
@test "--dns, --dns-search, --dns-option" {
	is "$(s "$BB" grep ^nameserver /etc/resolv.conf)" "nameserver 10.0.2.3"
	is "$(s --dns 192.0.2.1 --dns 2001:db8::1 "$BB" grep ^nameserver /etc/resolv.conf)" \
		$'nameserver 192.0.2.1\nnameserver 2001:db8::1'
	is "$(n --dns 192.0.2.1 "$BB" grep ^nameserver /etc/resolv.conf)" "nameserver 192.0.2.1"
	is "$(n --dns-search a.example --dns-search b.example "$BB" grep ^search /etc/resolv.conf)" "search a.example b.example"
	is "$(n --dns-search . "$BB" grep -c ^search /etc/resolv.conf || true)" 0
	is "$(n --dns-option ndots:3 --dns-option=rotate "$BB" grep ^options /etc/resolv.conf)" "options ndots:3 rotate"
	is "$(n --dns-opt timeout:1 "$BB" grep ^options /etc/resolv.conf)" "options timeout:1"
	run -125 n --dns x "$BB" true
	is "$output" "Error: x is not an ip address"
	run -125 n --dns 1.2.3.4.5 "$BB" true
	run -125 n --dns '' "$BB" true
	run -125 n --dns-search 'a b' "$BB" true
	is "$output" "Error: a b is not a valid domain"
	run -125 n --dns-option $'a\nnameserver 1.2.3.4' "$BB" true
	run -125 n --dns-search $'a\nnameserver 1.2.3.4' "$BB" true
	# podman: the image's own file
	printf 'nameserver 198.51.100.7\n' >"$BATS_FILE_TMPDIR/base/etc/resolv.conf"
	load_tree own:latest "$BATS_FILE_TMPDIR/base"
	is "$(n --dns none own cat /etc/resolv.conf)" "nameserver 198.51.100.7"
}

# bats test_tags=smoke
@test "--add-host, /etc/hosts and the container's own name" {
	is "$(n --add-host db:192.0.2.9 --add-host=v6=2001:db8::9 "$BB" grep -E '[[:space:]](db|v6)$' /etc/hosts | tr '\t' ' ')" \
		$'192.0.2.9 db\n2001:db8::9 v6'
	is "$(s --add-host gw:host-gateway "$BB" grep gw /etc/hosts | tr '\t' ' ')" "10.0.2.2 gw"
	is "$(s "$BB" grep -c host.docker.internal /etc/hosts)" 1
	is "$(s -h box --name called "$BB" grep box /etc/hosts | tr '\t' ' ')" "10.0.2.100 box called"
	run -125 n --add-host x "$BB" true
	is "$output" 'Error: bad format for add-host: "x"'
	run -125 n --add-host x:y "$BB" true
	is "$output" 'Error: invalid IP address in add-host: "y"'
	run -125 n --add-host $'x y:1.2.3.4' "$BB" true
	# a bind of one's own goes before ours
	echo "192.0.2.1 mine" >"$BATS_TEST_TMPDIR/hosts"
	is "$(n -v "$BATS_TEST_TMPDIR/hosts:/etc/hosts" "$BB" cat /etc/hosts)" "192.0.2.1 mine"
}
