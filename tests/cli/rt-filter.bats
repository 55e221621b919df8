#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RT rows of SECURITY.md about system calls: what the filter refuses, in run and exec, for every user, through every door.

load common
load image

setup_file() {
	base_image
}

teardown_file() {
	remove_all_containers
}

# What `probe all` says under the default filter and capabilities.
read -r -d '' EXPECTED <<'X' || true
socket unix: 0
socket inet: 0
socket netlink route: 0
socket netlink generic: 0
socket netlink xfrm: EPERM
socket netlink audit: EINVAL
socket key: EAFNOSUPPORT
socket packet: EPERM
socket inet raw: EPERM
socket tipc: EAFNOSUPPORT
socket rxrpc: EAFNOSUPPORT
socket alg: EAFNOSUPPORT
socket vsock: EAFNOSUPPORT
socket xdp: EAFNOSUPPORT
socket alg with a hidden family: EAFNOSUPPORT
unshare user: EPERM
unshare mount: EPERM
clone user: EPERM
clone plain: 0
clone3: ENOSYS
mount: EPERM
umount: EPERM
fsopen: EPERM
pivot_root: EPERM
setns: EPERM
keyctl: EPERM
add_key: EPERM
request_key: EPERM
bpf: EPERM
perf_event_open: EPERM
userfaultfd: EPERM
io_uring_setup: EPERM
kexec_load: EPERM
open_by_handle_at: EPERM
ptrace child: 0
vmsplice: ENOSYS
memfd_secret: ENOSYS
process_vm_readv of itself: 0
name_to_handle_at of nothing: EBADF
kcmp: EPERM
pidfd_getfd: EPERM
syslog: EPERM
number 467: ENOSYS
number 9999: ENOSYS
sethostname: EPERM
i386 socketcall: ENOSYS
X

# expect_lines: each line of EXPECTED is a line of $output
expect_lines() {
	local l
	while IFS= read -r l; do
		grep -qxF "$l" <<<"$output" || fail "want '$l', got '$(grep -F "${l%%:*}:" <<<"$output")'"
	done <<<"$EXPECTED"
}

# bats test_tags=smoke
@test "RT-22 RT-23 NW-07 the filter in run: sockets, namespaces, keys, new calls, i386" {
	run -0 --separate-stderr skiff run --rm --network none base probe all
	expect_lines
}

# bats test_tags=smoke
@test "RT-22 RT-23 the filter in exec, as another user, with no-new-privileges" {
	run -0 --separate-stderr skiff run --rm --network none -u 1000 base probe all
	expect_lines
	contains "chroot: EPERM"
	run -0 --separate-stderr skiff run --rm --network none --security-opt no-new-privileges base probe all
	expect_lines
	skiff run -d --name rt23 --network none base sleep 1000
	run -0 --separate-stderr skiff exec rt23 probe all
	expect_lines
	run -0 --separate-stderr skiff exec -u 1000 rt23 probe all
	expect_lines
	skiff rm -f rt23
	skiff run -d --name rt23 --network none --security-opt no-new-privileges base sleep 1000
	run -0 --separate-stderr skiff exec rt23 probe all
	expect_lines
	skiff rm -f rt23
}

@test "the filter follows the capabilities" {
	run -0 --separate-stderr skiff run --rm --network none --cap-add net_raw,sys_admin base probe all
	grep -qx "socket packet: 0" <<<"$output"
	grep -qx "unshare mount: 0" <<<"$output"
	grep -qx "socket alg: EAFNOSUPPORT" <<<"$output"
	grep -qx "keyctl: EPERM" <<<"$output"
	run -0 --separate-stderr skiff run --rm --network none --cap-drop sys_chroot base probe all
	grep -qx "chroot: EPERM" <<<"$output"
}

@test "seccomp=unconfined, nested, builtin, and --privileged" {
	run -0 --separate-stderr skiff run --rm --network none --security-opt seccomp=unconfined base probe status
	grep -q "^Seccomp:[[:space:]]*$([[ $SKIFF_TEST_MODE =~ single|enosys ]] && echo 2 || echo 0)" <<<"$output"
	run -0 --separate-stderr skiff run --rm --network none --security-opt seccomp=unconfined base probe all
	grep -qx "unshare user: 0" <<<"$output"
	run -0 --separate-stderr skiff run --rm --network none --security-opt seccomp=nested base probe all
	grep -qx "unshare user: 0" <<<"$output"
	grep -qx "socket alg: EAFNOSUPPORT" <<<"$output"
	grep -qx "userfaultfd: EPERM" <<<"$output"
	run -0 --separate-stderr skiff run --rm --network none --security-opt seccomp=builtin base probe all
	expect_lines
	run -0 --separate-stderr skiff run --rm --network none --privileged base probe all
	grep -qx "unshare user: 0" <<<"$output"
}

@test "seccomp=FILE in docker's format, also through the cache" {
	cat >"$BATS_TEST_TMPDIR/p.json" <<-'X'
		{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],"syscalls":[
		 {"names":["sethostname"],"action":"SCMP_ACT_ERRNO","errnoRet":95},
		 {"names":["socket"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":2,"op":"SCMP_CMP_EQ"}]}]}
	X
	local i
	for i in 1 2; do
		run -0 --separate-stderr skiff run --rm --network none --security-opt "seccomp=$BATS_TEST_TMPDIR/p.json" base probe all
		grep -qx "sethostname: EOPNOTSUPP" <<<"$output"
		grep -qx "socket inet: EPERM" <<<"$output"
		grep -qx "socket inet6: 0" <<<"$output"
	done
	run skiff run --rm --network none --security-opt "seccomp=$BATS_TEST_TMPDIR/none.json" base true
	is "$status" 125
	contains "opening seccomp profile ($BATS_TEST_TMPDIR/none.json) failed"
	echo '{"defaultAction":"X"}' >"$BATS_TEST_TMPDIR/p.json"
	run skiff run --rm --network none --security-opt "seccomp=$BATS_TEST_TMPDIR/p.json" base true
	is "$status" 125
	contains "decoding seccomp profile failed: string X is not a valid action for seccomp"
	run skiff ps -aq
	lacks "[0-9a-f]"
}

@test "a seccomp cache that was tampered with is not used" {
	local root f
	root=${SKIFF_ROOT:-${XDG_DATA_HOME:-$HOME/.local/share}/skiff}
	skiff run --rm --network none base true
	f=("$root"/cache/seccomp-*)
	[ -f "${f[0]}" ] || [ "$(id -u)" = 0 ] || fail "no cache in $root"
	for i in "${f[@]}"; do
		[ ! -f "$i" ] || head -c 3000 /dev/zero | tr '\0' '\6' | dd of="$i" bs=1 seek=100 conv=notrunc status=none
	done
	run -0 --separate-stderr skiff run --rm --network none base probe all
	expect_lines
}

@test "RT-22 images of linux/386 keep their socketcall" {
	[ "$(uname -m)" = x86_64 ] || return 0
	new_tree "$BATS_TEST_TMPDIR/t"
	load_tree i386:latest "$BATS_TEST_TMPDIR/t"
	run --separate-stderr skiff run --rm --network none --platform linux/386 i386 probe all
	if [ "$status" = 0 ]; then
		contains "i386 socketcall: EFAULT"
	else
		[[ $stderr == *386* ]] || fail "$stderr"
	fi
}

@test "RT-15 a container cannot type into the caller's terminal" {
	local out
	out=$(script -qec "skiff run --rm -i --network none base sh -c 'probe ioctl 0x5412; probe ioctl 0x541c'" /dev/null </dev/null | tr -d '\r')
	[[ $out == *EPERM*EPERM* ]] || fail "$out"
	out=$(script -qec "skiff run --rm -it --network none base sh -c 'probe ioctl 0x5412; probe ioctl 0x770000005412'" /dev/null </dev/null | tr -d '\r')
	[[ $out == *EPERM*EPERM* ]] || fail "$out"
	# without -t the host's terminal is not handed in at all
	out=$(script -qec "skiff run --rm -i --network none base readlink /proc/self/fd/0" /dev/null </dev/null | tr -d '\r')
	[[ $out != */dev/pts/* ]] || fail "the caller's terminal: $out"
}

@test "RT-16 keys of the caller are out of reach" {
	# where the kernel has keys at all, there is one now; the container must not see any either way
	"$TOOLS/probe" addkey skiff-canary
	"$TOOLS/probe" keys skiff-canary
	run -0 --separate-stderr skiff run --rm --network none base probe keys skiff-canary
	lacks ": 0"
	run -0 --separate-stderr skiff run --rm --network none --security-opt seccomp=unconfined base probe keys skiff-canary
	lacks ": 0"
	run -0 --separate-stderr skiff run --rm --network none base sh -c 'cat /proc/keys /proc/key-users 2>/dev/null | wc -c'
	is "$output" 0
}
