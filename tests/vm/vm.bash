# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A small Debian 12 guest with its own kernel for tests that change what a host allows, or need systemd: `load ../vm/vm`, then
#
#	vm_boot [-s] [-k WORDS] [-m MEGABYTES]	start it: a bare one, or with systemd (-s); WORDS go to the kernel's command line
#	vm SCRIPT		run SCRIPT in it as root (bash), print what it prints, return its status; `run vm '...'` in a test
#	vm_as USER SCRIPT	as that user: under systemd in a login session of his own, else with the ids only
#	vm_down			end it as a host ends, so that the disk is whole; vm_boot starts it again with the same disk
#	vm_delegate		under systemd: give users every cgroup controller
#	vm_kill			end it like a power cut; in teardown_file, always
#
# How it works. tests/vm/image makes a kernel, an initrd and a read-only disk once; all guests share them. Each guest gets a disk
# of its own (/data, ext4, sparse, with the users' homes) that stays until the file ends, and an archive with the build under
# test (/usr/local) and the scripts of tests/vm/guest. Everything else it writes is a tmpfs, gone at the next boot. There is no
# network card: a registry, an NFS server or a peer runs in the guest. Users: alice (with subordinate ids), bob (without).
# Scripts go in and output comes out through one virtio port, on the host's side a pair of fifos (guest/agent has the protocol);
# the console goes to $VM_DIR/console, shown when a boot fails. Where /dev/kvm does not work the guest is emulated: some 20 times
# slower, which is why every limit here is in seconds of work, not of luck. qemu dies with the shell that started it (pdeathsig):
# one that setup_file has booted lives as long as the file, one that a test has booted as long as the test.

vm_say() { echo "vm: $*" >&2; }

# vm_setup DIR: what a guest needs on the host, in DIR.
vm_setup() {
	local prefix rc=0
	VM_DIR=$1
	prefix=$(cd "$(dirname "$(command -v skiff)")/.." && pwd) || return 1
	VM_IMAGE=$("$TESTS/vm/image") || {
		rc=$?
		[ "$rc" != 77 ] || skip "there is no guest (tests/vm/image says why)"
		return "$rc"
	}
	export VM_DIR VM_IMAGE BATS_TEST_TIMEOUT=600
	mkdir -p "$VM_DIR/tree/usr/lib/skiff-vm" "$VM_DIR/tree/usr/local" "$VM_DIR/tree/etc/systemd/system/multi-user.target.wants"
	cp "$TESTS/vm/guest/start" "$TESTS/vm/guest/agent" "$VM_DIR/tree/usr/lib/skiff-vm/"
	cp "$TESTS/vm/guest/agent.service" "$VM_DIR/tree/etc/systemd/system/skiff-vm.service"
	sed 's/#.*//' "$TESTS/vm/guest/masked" | xargs -n1 | while read -r unit; do
		ln -s /dev/null "$VM_DIR/tree/etc/systemd/system/$unit"
	done
	ln -s ../skiff-vm.service "$VM_DIR/tree/etc/systemd/system/multi-user.target.wants/"
	cp -r "$prefix/bin" "$prefix/libexec" "$VM_DIR/tree/usr/local/"
	vm_pack
	truncate -s 4G "$VM_DIR/disk"
	PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -m 0 -E lazy_itable_init=1,lazy_journal_init=1 "$VM_DIR/disk"
	mkfifo "$VM_DIR/port.in" "$VM_DIR/port.out"
}

# vm_pack: once more, when a test has put something into $VM_DIR/tree, before it boots.
vm_pack() {
	tar -C "$VM_DIR/tree" --owner=0 --group=0 --numeric-owner -cf "$VM_DIR/archive" .
	truncate -s %1M "$VM_DIR/archive"
}

# vm_start ACCEL: qemu itself, ended with us.
vm_start() {
	# Emulated, the guest's TSC is the host's, which may leap (between its processors, or when a virtual host is paused) and
	# with it every timeout in the guest; the ACPI timer follows qemu's own clock.
	local cpu=max words="$VM_WORDS tsc=unstable clocksource=acpi_pm"
	[ "$1" = tcg ] || cpu=host words="$VM_WORDS tsc=reliable"
	: >"$VM_DIR/console"
	# shellcheck disable=SC2086
	setpriv --pdeathsig KILL qemu-system-x86_64 -name skiff-test -machine pc -accel "$1" -cpu "$cpu" -smp 2 -m "$VM_MEMORY" \
		-nodefaults -no-user-config -display none -no-reboot -monitor none -serial "file:$VM_DIR/console" \
		-kernel "$VM_IMAGE/kernel" -initrd "$VM_IMAGE/initrd" -append "$words" \
		-drive "file=$VM_IMAGE/root,format=raw,if=virtio,readonly=on" \
		-drive "file=$VM_DIR/disk,format=raw,if=virtio,cache=unsafe" \
		-drive "file=$VM_DIR/archive,format=raw,if=virtio,readonly=on" \
		-device virtio-serial -chardev "pipe,id=port,path=$VM_DIR/port" -device virtserialport,chardev=port,name=skiff \
		</dev/null >"$VM_DIR/qemu" 2>&1 3>&- &
	VM_PID=$!
	echo "$VM_PID" >"$VM_DIR/pid"
	export VM_PID
}

# vm_hello SECONDS: has the guest said that it is there?
vm_hello() {
	local line end=$((SECONDS + $1))
	while [ $SECONDS -lt "$end" ] && kill -0 "$VM_PID" 2>/dev/null; do
		! IFS= read -r -t 1 line <>"$VM_DIR/port.out" || [[ $line != hello* ]] || return 0
	done
	return 1
}

# What this machine can do is found out once for each of its boots: /dev/kvm that opens may still not run a guest.
vm_accel() {
	local boot file=$VM_IMAGE/../accel
	boot=$(cat /proc/sys/kernel/random/boot_id)
	[ -z "${VM_ACCEL:-}" ] || return 0
	if grep -qs "^$boot " "$file"; then
		VM_ACCEL=$(cut -d' ' -f2 "$file")
	elif [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		VM_ACCEL=tcg
	else
		VM_ACCEL=tcg
		vm_start kvm
		# A guest on hardware is there within a second.
		! vm_hello 6 || VM_ACCEL=kvm
		vm_kill
		echo "$boot $VM_ACCEL" 2>/dev/null >"$file" || true
	fi
	export VM_ACCEL
}

vm_boot() {
	local opt OPTIND words=skiff.init=light wait=60
	VM_MEMORY=768
	while getopts sk:m: opt; do
		case $opt in
		s) words=systemd.show_status=0 wait=240 ;;
		k) words="$words $OPTARG" ;;
		m) VM_MEMORY=$OPTARG ;;
		*) return 2 ;;
		esac
	done
	[ -n "${VM_DIR:-}" ] || vm_setup "${BATS_FILE_TMPDIR:-$TMPDIR}/vm" || return
	VM_WORDS="console=ttyS0 quiet panic=-1 mitigations=off nokaslr no_timer_check random.trust_cpu=on"
	VM_WORDS="$VM_WORDS cryptomgr.notests audit=0 selinux=0 rcupdate.rcu_expedited=1 apparmor=0 $words"
	export VM_MEMORY VM_WORDS
	vm_accel
	vm_start "$VM_ACCEL"
	if ! vm_hello "$wait"; then
		vm_say "the guest did not start ($VM_ACCEL, $wait seconds); its console ends with:"
		tail -n 30 "$VM_DIR/console" "$VM_DIR/qemu" >&2
		vm_kill
		return 1
	fi
}

vm_send() { # SECONDS SCRIPT
	printf '%s %s\n' "$1" "$(printf '%s\n' "$2" | base64 -w0)" 1<>"$VM_DIR/port.in"
}

# The answer of the guest, as a child of its own would have given it.
vm() {
	local line part="" seconds=${VM_TIMEOUT:-100} end
	end=$((SECONDS + seconds + 30))
	vm_send "$seconds" "$1"
	while [ $SECONDS -lt $end ]; do
		if ! IFS= read -r -t 5 line; then
			part=$part$line # half a line may have come
			kill -0 "$(cat "$VM_DIR/pid")" 2>/dev/null || break
			continue
		fi
		line=$part$line part=""
		case $line in
		.*) printf '%s\n' "${line#.}" ;;
		=*) return "${line#=}" ;;
		esac
	done <>"$VM_DIR/port.out"
	vm_say "the guest gave no answer; its console ends with:"
	tail -n 10 "$VM_DIR/console" >&2
	return 255
}

vm_as() {
	local uid=1000
	[ "$1" != bob ] || uid=1001
	vm "$(printf 'U=%s ID=%s; T=%s\n' "$1" $uid "$(printf '%s\n' "$2" | base64 -w0)")"'
	base64 -d <<<"$T" >/run/skiff-vm/user && chmod 644 /run/skiff-vm/user
	if [ -d /run/systemd/system ]; then
		exec systemd-run --quiet --pipe --wait --collect -p "User=$U" -p PAMName=login bash -lc "cd; . /run/skiff-vm/user"
	fi
	exec setpriv --reuid="$U" --regid="$U" --init-groups env -i HOME="/data/home/$U" USER="$U" LOGNAME="$U" \
		XDG_RUNTIME_DIR="/run/user/$ID" PATH="$PATH" LANG=C.UTF-8 TERM=dumb bash -c "cd; . /run/skiff-vm/user"'
}

# vm_delegate: users get every controller from now on, not only memory and pids as Debian 12 has it.
vm_delegate() {
	vm 'mkdir -p /etc/systemd/system/user@.service.d
		printf "[Service]\nDelegate=cpu cpuset io memory pids\n" >/etc/systemd/system/user@.service.d/delegate.conf
		systemctl daemon-reload; loginctl terminate-user alice 2>/dev/null; systemctl stop user@1000.service; true'
}

vm_down() {
	local pid n
	pid=$(cat "$VM_DIR/pid")
	# There is no answer: the agent ends too. --force: processes are ended and disks unmounted, units are not asked.
	vm_send 60 'if [ -d /run/systemd/system ]; then systemctl --force poweroff; else
		sync; umount /data || umount -l /data; sync; busybox poweroff -f; fi'
	for n in $(seq 600); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	[ "$n" != 600 ] || vm_say "the guest did not end in a minute"
	vm_kill
	[ "$n" != 600 ]
}

vm_kill() {
	local pid
	pid=$(cat "$VM_DIR/pid" 2>/dev/null) || return 0
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	rm -f "$VM_DIR/pid"
	# What was not read is of the guest that is gone.
	while IFS= read -r -t 0.05 _; do :; done <>"$VM_DIR/port.out"
	while IFS= read -r -t 0.05 _; do :; done <>"$VM_DIR/port.in"
	return 0
}
