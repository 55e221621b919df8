#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The walls that only a kernel or a host of one's own can have, for real, in a guest on Debian 12's kernel: what `skiff run` says, and
# that the command it names mends it, run as root as it stands in the message. tests/fault/walls.bats has those that a mount
# namespace is enough for. Not here: AppArmor's restriction of user namespaces is in no kernel of Debian 12 (the sysctl is Ubuntu's,
# and Linux 6.7's); a profile that refuses what skiff needs is, and the sentences of the other are unit data.

load ../cli/common
load vm

setup_file() {
	vm_boot
	vm "$TOOLBOX"
}

teardown_file() {
	vm_kill
}

# u USER COMMAND: as that user; $HOME_OF is another home. mends: run the commands of the message in the file `said`, as root.
# shellcheck disable=SC2089,SC2090
TOOLBOX='cat >/usr/local/bin/u <<"E"
#!/bin/bash
user=$1; shift
exec setpriv --reuid=$user --regid=$user --init-groups env -i HOME=${HOME_OF:-/data/home/$user} USER=$user LOGNAME=$user \
	XDG_RUNTIME_DIR=/run/user/$(id -u $user) PATH=$PATH LANG=C.UTF-8 bash -c "cd; $*"
E
cat >/usr/local/bin/aboard <<"E"
#!/bin/bash
exec u ${1:-alice} skiff ${GLOBAL:-} run --rm --network ${NET:-none} embedded/busybox echo aboard
E
cat >/usr/local/bin/mends <<"E"
#!/bin/bash
command=$(grep -oE "$1" | head -n 1)
[ -n "$command" ] || { echo "the message names no command"; exit 1; }
echo "as root: $command"
exec bash -c "$command"
E
chmod 755 /usr/local/bin/*'
# shellcheck disable=SC2090
export TOOLBOX

# wall BUILD MENDING-COMMAND [CHECK]: build it, see skiff refuse, mend it with its own words, see skiff run.
wall() {
	run vm "$1
		said=\$(${3:-aboard} 2>&1); rc=\$?
		echo \"\$said\"; echo \"before: \$rc\"
		mends '$2' <<<\"\$said\" && ${3:-aboard}; echo \"after: \$?\""
	echo "$output"
	is "$status" 0
	contains "after: 0"
}

# bats test_tags=smoke
@test "no wall: native overlay on this kernel, and a container" {
	run vm 'uname -r; aboard; u alice skiff info -f "{{.Driver}}"; u alice skiff doctor'
	is "$status" 0
	contains aboard
	contains "overlay: native overlay works"
	[[ ${lines[0]} == 6.1.* ]]
}

# bats test_tags=smoke
@test "kernel.unprivileged_userns_clone is 0" {
	wall 'sysctl -qw kernel.unprivileged_userns_clone=0' 'sysctl -w kernel.unprivileged_userns_clone=1'
	contains "kernel.unprivileged_userns_clone is 0: ordinary users may not make user namespaces"
	contains "before: 125"
	contains aboard
}

# bats test_tags=smoke
@test "user.max_*_namespaces is 0, each of them, by its name" {
	local ns
	for ns in user mnt pid net ipc uts cgroup; do
		wall "sysctl -qw user.max_${ns}_namespaces=0" 'sysctl -w user[a-z_.]*=[0-9]*'
		contains "user.max_${ns}_namespaces"
		contains "as root: sysctl -w user.max_${ns}_namespaces=16384"
		contains "before: 125"
	done
}

@test "root is stopped by max_user_namespaces, and not by unprivileged_userns_clone" {
	run vm 'export HOME=/data/root; mkdir -p $HOME
		sysctl -qw kernel.unprivileged_userns_clone=0
		skiff --root /data/root/store run --rm --network none embedded/busybox echo as root
		sysctl -qw kernel.unprivileged_userns_clone=1 user.max_user_namespaces=0
		skiff --root /data/root/store run --rm --network none embedded/busybox echo not here; echo "rc $?"
		sysctl -qw user.max_user_namespaces=16384'
	contains "as root"
	contains "user.max_user_namespaces is 0"
	contains "rc 125"
	lacks "not here"
}

@test "a chroot, to a folder and to a mount point; pivot_root as the message says" {
	# The copy is of mounts, so the root of the chroot is a mount point: an ordinary user cannot see that he is in one.
	run vm 'mkdir -p /data/c/d; mount --rbind / /data/c; chroot /data/c aboard; echo "rc $?"; umount -Rl /data/c'
	contains "a chroot"
	contains "rc 125"
	run vm 'mkdir -p /data/t; cp -a /bin /sbin /lib /lib64 /data/t/ 2>/dev/null; cd /data/t
		mkdir -p usr etc proc sys dev run tmp data mnt var; for d in usr etc proc sys dev run tmp data var; do mount --rbind /$d $d; done
		said=$(chroot /data/t /usr/local/bin/aboard 2>&1); echo "rc $?"; echo "$said"
		c=$(sed -n "s/.*pivot_root instead: \(.*\))$/\1/p" <<<"$said"); c=${c//DIR//data/t}
		c=${c/su - alice/\/usr\/local\/bin\/aboard}; echo "as root: $c"; bash -c "$c"; echo "after: $?"
		umount -Rl /data/t/*; true'
	echo "$output"
	contains "rc 125"
	contains "in a chroot"
	contains "pivot_root"
	contains "after: 0"
	contains aboard
}

# bats test_tags=smoke
@test "a home on NFS: refused before anything is written, and works with the store elsewhere" {
	run vm 'mkdir -p /proc/fs/nfsd /run/rpc_pipefs /var/lib/nfs /data/export/alice /nfs; chown alice /data/export/alice
		modprobe nfsd; mount -t nfsd nfsd /proc/fs/nfsd; rpcbind; exportfs -o rw,no_root_squash,insecure,fsid=0 "*:/data/export"
		rpc.nfsd -N 3 2; rpc.mountd -N 3; mount -t nfs4 -o vers=4.2 127.0.0.1:/ /nfs; stat -fc %T /nfs
		export HOME_OF=/nfs/alice
		said=$(aboard 2>&1); echo "before: $?"; echo "$said"; find /nfs/alice
		u alice skiff doctor -q; echo "doctor: $?"
		c=$(grep -oE "export SKIFF_ROOT=[^ )]*" <<<"$said"); u alice "$c; skiff run --rm --network none embedded/busybox echo aboard"
		echo "after: $?"; umount /nfs; rpc.nfsd 0'
	echo "$output"
	is "${lines[0]}" nfs
	contains "before: 125"
	contains "is on a network file system, which knows neither subordinate ids nor overlay's attributes"
	contains "doctor: 1"
	lacks "/nfs/alice/.local/share/skiff/oci"
	contains "after: 0"
}

@test "a home on noexec: images run, vfs does not; remounted it does" {
	run vm 'mkdir -p /data/x; chown alice /data/x; mount --bind /data/x /data/x; mount -o remount,bind,noexec /data/x
		export HOME_OF=/data/x; aboard; echo "overlay: $?"
		GLOBAL="--storage-driver vfs" aboard; echo "vfs: $?"
		said=$(u alice skiff doctor -q); echo "$said"
		mends "mount -o remount,exec [^ ;]*" <<<"$said"; GLOBAL="--storage-driver vfs" aboard; echo "after: $?"
		u alice skiff doctor -q; umount /data/x'
	echo "$output"
	contains "overlay: 0"
	contains "as root: mount -o remount,exec /data/x"
	contains "after: 0"
}

@test "newuidmap on nosuid: single-id mode; remounted, all ids" {
	run vm 'mount -o remount,nosuid /; aboard; u alice skiff doctor -q >/tmp/d; cat /tmp/d
		mends "mount -o remount,suid [^ ;]*" </tmp/d; aboard 2>&1; u alice skiff doctor'
	echo "$output"
	contains "single-id mode"
	contains "as root: mount -o remount,suid /"
	contains "newuidmap and newgidmap work"
}

@test "no subordinate ids: usermod as the message says gives them" {
	run vm 'u bob skiff run --rm --network none embedded/busybox cat /proc/self/uid_map
		u bob skiff doctor -q >/tmp/d; cat /tmp/d; mends "usermod --add-subuids.* bob" </tmp/d
		echo mended; u bob skiff run --rm --network none embedded/busybox cat /proc/self/uid_map 2>&1'
	echo "$output"
	contains "single-id mode"
	contains mended
	[[ ${output#*mended} =~ 1\ +1\ +65536 ]] || fail "no second range"
}

@test "newuidmap without its set-uid bit: chmod as the message says" {
	run vm 'chmod u-s /usr/bin/newuidmap; aboard; u alice skiff doctor -q >/tmp/d; cat /tmp/d; mends "chmod u\+s [^ ]*" </tmp/d
		aboard; u alice skiff doctor'
	echo "$output"
	contains "newuidmap and newgidmap work"
}

# bats test_tags=smoke
@test "/dev/fuse missing, then closed: modprobe and chmod as the messages say" {
	run vm 'rm -f /dev/fuse; rmmod fuse; export GLOBAL="--storage-driver fuse-overlayfs"
		for i in 1 2 3; do said=$(aboard 2>&1); echo "$said"; echo "rc $?"
			[[ $said == *Error* ]] || break; mends "(modprobe fuse|chmod 666 /dev/fuse)" <<<"$said"; done'
	echo "$output"
	contains "/dev/fuse does not exist"
	contains "as root: modprobe fuse"
	contains "as root: chmod 666 /dev/fuse"
	contains aboard
}

# bats test_tags=smoke
@test "/dev/net/tun missing, then closed: modprobe and chmod as the messages say" {
	run vm 'rm -f /dev/net/tun; rmmod tun; export NET=slirp4netns
		for i in 1 2 3; do said=$(aboard 2>&1); echo "$said"
			[[ $said == *Error* ]] || break; mends "(modprobe tun|chmod 666 /dev/net/tun)" <<<"$said"; done'
	echo "$output"
	contains "/dev/net/tun does not exist"
	contains "--network host or none"
	contains "as root: modprobe tun"
	contains "as root: chmod 666 /dev/net/tun"
	contains aboard
}

@test "a port below 1024: sysctl as the message says" {
	run vm 'p() { u alice skiff run --rm -p 127.0.0.1:81:81 embedded/busybox echo aboard; }
		said=$(p 2>&1); echo "before: $?"; echo "$said"; mends "sysctl (-w )?net[a-z0-9_.]*=[0-9]*" <<<"$said"; p; echo "after: $?"'
	echo "$output"
	contains "before: 125"
	contains "net.ipv4.ip_unprivileged_port_start=81"
	contains "after: 0"
}

@test "an AppArmor profile that refuses mounts: doctor says that a security module is in the way" {
	vm_down
	vm_boot -k apparmor=1
	vm "$TOOLBOX"
	run vm 'mount -t securityfs none /sys/kernel/security
		printf "profile skiff /usr/local/bin/skiff {\n file,\n capability,\n network,\n signal,\n ptrace,\n unix,\n deny mount,\n}\n" >/tmp/p
		apparmor_parser -r /tmp/p && aboard; echo "before: $?"; u alice skiff doctor -q; ls /proc/sys/kernel | grep -c apparmor_restrict
		apparmor_parser -R /tmp/p; aboard; echo "after: $?"'
	echo "$output"
	contains "before: 125"
	contains "blocked  namespaces               mounting inside fails: Permission denied"
	contains "security module"
	contains "after: 0"
}
