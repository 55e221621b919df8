#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A plain Debian 12 with systemd and a user who has logged in: the whole main job on its kernel, what the session gives
# (cgroup v2, delegation, linger), and what is left when the machine goes down.

load ../cli/common
load vm

setup_file() {
	vm_setup "$BATS_FILE_TMPDIR/vm"
	cp "$TESTS/cli/common.bash" "$TESTS/bench/push" "$VM_DIR/tree/usr/lib/skiff-vm/"
	vm_pack
	vm_boot -s
	vm "$REGISTRY"
}

teardown_file() {
	vm_kill
}

# The host's other side: an address behind slirp4netns, and a registry with an image of two layers. After each boot.
# shellcheck disable=SC2089,SC2090
REGISTRY='ip link add dummy0 type dummy && ip addr add 10.99.0.1/24 dev dummy0 && ip link set dummy0 up
mkdir -p /srv/www && echo from the host >/srv/www/index.html && busybox httpd -p 10.99.0.1:8080 -h /srv/www
printf "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: /srv/registry}}\nhttp: {addr: 127.0.0.1:5000}\n" >/srv/r.yml
systemd-run -q --unit=registry docker-registry serve /srv/r.yml
bats_require_minimum_version() { :; }
. /usr/lib/skiff-vm/common.bash
make_layout /srv/layout 5
until curl -s -o /dev/null http://127.0.0.1:5000/v2/; do sleep 0.1; done
bash /usr/lib/skiff-vm/push /srv/layout 127.0.0.1:5000 image'
# shellcheck disable=SC2090
export REGISTRY
PULL='skiff pull -q --tls-verify=false 127.0.0.1:5000/image'

# bats test_tags=smoke
@test "a login session: cgroup v2, native overlay, nothing blocked" {
	run vm_as alice 'cat /proc/self/cgroup; echo "dir $XDG_RUNTIME_DIR"; skiff info; skiff doctor; echo "doctor $?"'
	echo "$output"
	contains "0::/user.slice/user-1000.slice/session-"
	contains "dir /run/user/1000"
	contains "Cgroup Version: 2"
	contains "ok       cgroups                  a systemd scope can be asked for"
	contains "overlay: native overlay works"
	contains "doctor 0"
	lacks blocked
}

# bats test_tags=smoke
@test "the main job: pull, run, exec, logs, stop, a network" {
	run vm_as alice "set -e; $PULL"'; skiff run --rm 127.0.0.1:5000/image cat /data/5
		skiff run -d --name c -p 127.0.0.1:8081:80 embedded/busybox sh -c "echo started; mkdir /w; echo served >/w/index.html; exec httpd -f -h /w"
		for i in $(seq 100); do curl -s http://127.0.0.1:8081/ && break; sleep 0.2; done
		skiff exec c sh -c "echo inside"; skiff exec c wget -qO- http://10.99.0.1:8080/
		skiff logs c; skiff ps --format "{{.Names}} {{.Status}}"; skiff stop -t 1 c; skiff ps -a --format "{{.Names}} {{.Status}}"; skiff rm c
		skiff run --rm embedded/busybox sh -c "exit 7" || echo "rc $?"'
	echo "$output"
	is "$status" 0
	contains "file 5"
	contains served
	contains inside
	contains "from the host"
	contains started
	contains "c Up"
	contains "c Exited"
	contains "rc 7"
}

@test "fuse-overlayfs, keep-id and a read-only root" {
	run vm_as alice "$PULL"' && S="skiff --storage-driver fuse-overlayfs"
		$S run --rm 127.0.0.1:5000/image sh -c "echo new >/data/6 && cat /data/6 /data/1"
		skiff run --rm --userns=keep-id 127.0.0.1:5000/image id -u; skiff run --rm --read-only 127.0.0.1:5000/image sh -c "echo x >/x"; echo "rc $?"'
	echo "$output"
	contains "new"
	contains "file 1"
	contains 1000
	contains "Read-only file system"
	contains "rc 1"
}

@test "ids without a session have no cgroup; machinectl shell, as doctor says, has" {
	run vm 'loginctl terminate-user alice 2>/dev/null; systemctl stop user@1000; setpriv --reuid=alice --regid=alice --init-groups env -i HOME=/data/home/alice PATH="$PATH" skiff doctor -q
		machinectl -q shell alice@ /usr/local/bin/skiff doctor >/tmp/doctor; cat /tmp/doctor' # it opens its output anew, at the start
	echo "$output"
	contains "no cgroup is delegated to alice"
	contains "machinectl shell alice@"
	contains "ok       cgroups                  a systemd scope can be asked for"
}

@test "a scope of the user with Delegate=yes is divided directly" {
	run vm_as alice 'systemd-run --user --scope -q -p Delegate=yes skiff doctor; cat /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers'
	echo "$output"
	contains "ok       cgroups                  our own cgroup can be divided"
	contains "memory pids"
}

@test "every controller, when the administrator delegates them" {
	vm_delegate
	run vm_as alice 'cat /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers'
	contains "cpuset cpu io memory pids"
}

@test "linger: without it a container ends with the user's last session; with the command that doctor names it stays" {
	# Debian keeps what a session leaves running until the user's manager ends, and with it /run/user/UID.
	run vm_as alice 'skiff doctor -q; skiff run -d --name gone --network none embedded/busybox sleep 1000 >/dev/null'
	contains "as root: loginctl enable-linger alice"
	run vm "$(grep -o 'loginctl enable-linger alice' <<<"$output")"
	is "$status" 0
	run vm_as alice 'skiff doctor | grep linger; skiff run -d --name stays --network none embedded/busybox sleep 1000'
	contains "ok       linger"
	# The session is over; the user's manager is not.
	run vm 'sleep 1; loginctl list-sessions --no-legend; ls -d /run/user/1000; systemctl is-active user@1000.service'
	contains "/run/user/1000"
	contains active
	run vm_as alice 'skiff ps --format "{{.Names}} {{.Status}}"; skiff rm -f stays gone'
	echo "$output"
	contains "stays Up"
}

# bats test_tags=smoke
@test "after a reboot the store is whole, and containers are told as exited" {
	run vm_as alice "$PULL"' && skiff run -d --name runs --network none 127.0.0.1:5000/image sleep 1000 && skiff ps --format "{{.Names}} {{.Status}}"
		skiff create --name made --network none 127.0.0.1:5000/image cat /data/3'
	contains "runs Up"
	# Down as systemd does it, with --stop-timeout at most: nothing is left that it has to wait for.
	local start=$SECONDS
	vm_down
	[ $((SECONDS - start)) -lt 60 ] || fail "the shutdown took $((SECONDS - start)) seconds"
	vm_boot -s
	run vm_as alice 'skiff ps -a --format "{{.Names}} {{.Status}}"; skiff system check; echo "check $?"
		skiff start -a made; skiff start runs && skiff ps --format "{{.Names}} {{.Status}}"; skiff rm -f runs made; ls /run/user/1000/skiff/*'
	echo "$output"
	contains "runs Exited"
	contains "made Created"
	contains "check 0"
	contains "file 3"
	contains "runs Up"
}

@test "after a power cut too, and a pulled image is whole" {
	vm_kill # a guest that a test has started ends with the test
	vm_boot -s
	vm "$REGISTRY"
	run vm_as alice "skiff rmi -f 127.0.0.1:5000/image >/dev/null 2>&1; $PULL"' && skiff run -d --replace --name runs --network none 127.0.0.1:5000/image sleep 1000'
	is "$status" 0
	vm_kill
	vm_boot -s
	run vm_as alice 'skiff ps -a --format "{{.Names}} {{.Status}}"; skiff system check; echo "check $?"
		skiff run --rm --network none 127.0.0.1:5000/image sh -c "cat /data/* && sha256sum /bin/busybox"; skiff rm runs'
	echo "$output"
	# That it ran is not synced: the state on the disk may be the one before.
	[[ $output =~ runs\ (Exited|Created) ]] || fail "the container is gone, or said to run"
	contains "check 0"
	contains "file 5"
}

@test "hybrid cgroups: doctor says what to boot with" {
	vm_kill
	vm_boot -s -k "systemd.unified_cgroup_hierarchy=0"
	run vm_as alice 'skiff doctor; skiff run --rm --network none embedded/busybox echo aboard'
	echo "$output"
	contains "hybrid"
	contains "systemd.unified_cgroup_hierarchy=1"
	contains aboard
}
