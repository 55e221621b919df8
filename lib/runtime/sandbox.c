/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/sandbox.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"

/*
 * Theory of operation
 *
 * Order: limits, no_new_privs, Landlock, seccomp; each step would forbid the ones before it. The system call list is a
 * deny list: what libc, OpenSSL or a decoder calls tomorrow is not known today, while the ways out of a process are.
 * The program is built here by hand (some 120 instructions, microseconds); libseccomp would need a millisecond for
 * the same.
 */

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define NATIVE_ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#else
#error "sandbox.c: unknown architecture"
#endif

/* Newer system calls than this (removexattrat, Linux 6.13) are answered as an older kernel would. */
#define LAST_KNOWN_NR 466

#define ARG_LOW(n)                                                                                                     \
	(offsetof(struct seccomp_data, args[n]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0))
#ifdef __s390x__
#define CLONE_FLAGS ARG_LOW(1)
#else
#define CLONE_FLAGS ARG_LOW(0)
#endif
#define NS_FLAGS                                                                                                       \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define RET_ERRNO(n) (SECCOMP_RET_ERRNO | (n))

/**
 * struct deny - a system call that answers EPERM
 * @nr:		Its number
 * @unless:	SANDBOX_ALLOW_* flag that opens it; 0: none does
 */
struct deny {
	uint32_t nr;
	unsigned unless;
};

static const struct deny denied[] = {
	/* other processes */
	{ __NR_ptrace, 0 },
	{ __NR_process_vm_readv, 0 },
	{ __NR_process_vm_writev, 0 },
	{ __NR_process_madvise, 0 },
	{ __NR_pidfd_getfd, 0 },
	{ __NR_kcmp, 0 },
	{ __NR_execve, SANDBOX_ALLOW_EXEC },
	{ __NR_execveat, SANDBOX_ALLOW_EXEC },
	{ __NR_tkill, SANDBOX_ALLOW_EXEC },
	{ __NR_rt_sigqueueinfo, SANDBOX_ALLOW_EXEC },
	{ __NR_rt_tgsigqueueinfo, SANDBOX_ALLOW_EXEC },
	{ __NR_pidfd_send_signal, SANDBOX_ALLOW_EXEC },
#ifdef __NR_fork
	{ __NR_fork, SANDBOX_ALLOW_FORK },
	{ __NR_vfork, SANDBOX_ALLOW_FORK },
#endif
	/* namespaces and mounts */
	{ __NR_unshare, 0 },
	{ __NR_setns, 0 },
	{ __NR_mount, 0 },
	{ __NR_umount2, 0 },
	{ __NR_pivot_root, 0 },
	{ __NR_open_tree, 0 },
	{ __NR_move_mount, 0 },
	{ __NR_mount_setattr, 0 },
	{ __NR_fsopen, 0 },
	{ __NR_fsconfig, 0 },
	{ __NR_fsmount, 0 },
	{ __NR_fspick, 0 },
	{ __NR_chroot, SANDBOX_ALLOW_CHROOT },
	{ __NR_open_by_handle_at, 0 },
	/* who we are */
	{ __NR_setuid, SANDBOX_ALLOW_IDS },
	{ __NR_setgid, SANDBOX_ALLOW_IDS },
	{ __NR_setreuid, SANDBOX_ALLOW_IDS },
	{ __NR_setregid, SANDBOX_ALLOW_IDS },
	{ __NR_setresuid, SANDBOX_ALLOW_IDS },
	{ __NR_setresgid, SANDBOX_ALLOW_IDS },
	{ __NR_setfsuid, SANDBOX_ALLOW_IDS },
	{ __NR_setfsgid, SANDBOX_ALLOW_IDS },
	{ __NR_setgroups, SANDBOX_ALLOW_IDS },
	{ __NR_capset, SANDBOX_ALLOW_IDS },
	/* the kernel's broad sides */
	{ __NR_bpf, 0 },
	{ __NR_perf_event_open, 0 },
	{ __NR_userfaultfd, 0 },
	{ __NR_io_uring_setup, 0 },
	{ __NR_io_uring_enter, 0 },
	{ __NR_io_uring_register, 0 },
	{ __NR_keyctl, 0 },
	{ __NR_add_key, 0 },
	{ __NR_request_key, 0 },
	{ __NR_vmsplice, 0 },
	{ __NR_fanotify_init, 0 },
	{ __NR_personality, 0 },
	{ __NR_move_pages, 0 },
	{ __NR_migrate_pages, 0 },
	{ __NR_syslog, 0 },
	/* the machine */
	{ __NR_reboot, 0 },
	{ __NR_kexec_load, 0 },
#ifdef __NR_kexec_file_load
	{ __NR_kexec_file_load, 0 },
#endif
	{ __NR_init_module, 0 },
	{ __NR_finit_module, 0 },
	{ __NR_delete_module, 0 },
	{ __NR_acct, 0 },
	{ __NR_swapon, 0 },
	{ __NR_swapoff, 0 },
	{ __NR_quotactl, 0 },
	{ __NR_sethostname, 0 },
	{ __NR_setdomainname, 0 },
	{ __NR_settimeofday, 0 },
	{ __NR_clock_settime, 0 },
	{ __NR_clock_adjtime, 0 },
	{ __NR_adjtimex, 0 },
	{ __NR_vhangup, 0 },
#ifdef __x86_64__
	{ __NR_modify_ldt, 0 },
	{ __NR_iopl, 0 },
	{ __NR_ioperm, 0 },
#endif
};

struct program {
	struct sock_filter insns[256];
	unsigned short n;
};

static void add(struct program *p, struct sock_filter insn)
{
	p->insns[p->n++] = insn;
}

static void add_ret(struct program *p, uint32_t action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void add_load(struct program *p, size_t off)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)off));
}

static void add_jump(struct program *p, unsigned short op, uint32_t k, unsigned yes, unsigned no)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, k, (uint8_t)yes, (uint8_t)no));
}

/* With the number loaded: if it is @nr, run what add_* appends until end_case(). */
static unsigned short begin_case(struct program *p, uint32_t nr)
{
	add_jump(p, BPF_JEQ, nr, 0, 0);
	return p->n;
}

static void end_case(struct program *p, unsigned short start)
{
	p->insns[start - 1].jf = (uint8_t)(p->n - start);
}

static void filter_denied(struct program *p, unsigned allow)
{
	unsigned short first = p->n;

	for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++)
		if (!(denied[i].unless & allow))
			add_jump(p, BPF_JEQ, denied[i].nr, 0, 0);
	for (unsigned short i = first; i < p->n; i++)
		p->insns[i].jt = (uint8_t)(p->n - i);
	add_jump(p, BPF_JA, 1, 0, 0);
	add_ret(p, RET_ERRNO(EPERM));
}

static void filter_clone(struct program *p, unsigned allow)
{
	unsigned short c = begin_case(p, __NR_clone);

	add_load(p, CLONE_FLAGS);
	if (allow & SANDBOX_ALLOW_FORK)
		add_jump(p, BPF_JSET, NS_FLAGS, 0, 1);
	else
		add_jump(p, BPF_JSET, CLONE_THREAD, 1, 0);
	add_ret(p, RET_ERRNO(EPERM));
	add_ret(p, SECCOMP_RET_ALLOW);
	end_case(p, c);

	c = begin_case(p, __NR_clone3); /* its flags are behind a pointer; libc falls back to clone */
	add_ret(p, RET_ERRNO(ENOSYS));
	end_case(p, c);
}

/* raise() and abort() must go on working: they signal the process itself. */
static void filter_kill(struct program *p, unsigned allow)
{
	static const uint32_t nrs[] = { __NR_kill, __NR_tgkill };

	if (allow & (SANDBOX_ALLOW_EXEC | SANDBOX_ALLOW_FORK))
		return;
	for (int i = 0; i < 2; i++) {
		unsigned short c = begin_case(p, nrs[i]);

		add_load(p, ARG_LOW(0));
		add_jump(p, BPF_JEQ, (uint32_t)getpid(), 1, 0);
		add_ret(p, RET_ERRNO(EPERM));
		add_ret(p, SECCOMP_RET_ALLOW);
		end_case(p, c);
	}
}

static void filter_socket(struct program *p, unsigned allow)
{
	unsigned short c = begin_case(p, __NR_socket);

	if (allow & SANDBOX_ALLOW_SOCKET) {
		add_load(p, ARG_LOW(0));
		add_jump(p, BPF_JEQ, AF_UNIX, 6, 0);
		add_jump(p, BPF_JEQ, AF_INET, 5, 0);
		add_jump(p, BPF_JEQ, AF_INET6, 4, 0);
		add_jump(p, BPF_JEQ, AF_NETLINK, 0, 2);
		add_load(p, ARG_LOW(2)); /* getaddrinfo() asks NETLINK_ROUTE for the addresses of this machine */
		add_jump(p, BPF_JEQ, 0, 1, 0);
		add_ret(p, RET_ERRNO(EAFNOSUPPORT));
		add_ret(p, SECCOMP_RET_ALLOW);
	} else {
		add_ret(p, RET_ERRNO(EPERM));
	}
	end_case(p, c);
}

static void filter_ioctl(struct program *p)
{
	unsigned short c = begin_case(p, __NR_ioctl);

	add_load(p, ARG_LOW(1));
	add_jump(p, BPF_JEQ, TIOCSTI, 1, 0);
	add_jump(p, BPF_JEQ, TIOCLINUX, 0, 1);
	add_ret(p, RET_ERRNO(EPERM));
	add_ret(p, SECCOMP_RET_ALLOW);
	end_case(p, c);
}

static int enter_seccomp(const struct sandbox_spec *s, struct err *e)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog;
	int r;

	add_load(&p, offsetof(struct seccomp_data, arch));
	add_jump(&p, BPF_JEQ, NATIVE_ARCH, 1, 0);
	add_ret(&p, SECCOMP_RET_KILL_PROCESS);
	add_load(&p, offsetof(struct seccomp_data, nr));
	add_jump(&p, BPF_JGT, LAST_KNOWN_NR, 0, 1); /* x32 numbers too */
	add_ret(&p, RET_ERRNO(ENOSYS));
	filter_denied(&p, s->allow);
	filter_clone(&p, s->allow);
	filter_kill(&p, s->allow);
	filter_socket(&p, s->allow);
	filter_ioctl(&p);
	add_ret(&p, SECCOMP_RET_ALLOW);

	prog = (struct sock_fprog) { .len = p.n, .filter = p.insns };
	r = sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog);
	return r < 0 ? err_set(e, r, "sandbox: load the system call filter") : 0;
}

/* linux/landlock.h of the oldest supported build host lacks the later fields and rights. */
struct ll_ruleset_attr {
	uint64_t fs, net, scope;
};

struct ll_path_attr {
	uint64_t rights;
	int32_t fd;
} __attribute__((packed));

struct ll_port_attr {
	uint64_t rights, port;
};

enum {
	LL_CREATE_VERSION = 1,
	LL_RULE_PATH = 1,
	LL_RULE_PORT = 2,

	LL_EXECUTE = 1 << 0,
	LL_WRITE_FILE = 1 << 1,
	LL_READ_FILE = 1 << 2,
	LL_READ_DIR = 1 << 3,
	LL_REMOVE = 1 << 4 | 1 << 5,
	LL_MAKE_NODE = 1 << 6 | 1 << 11,
	LL_MAKE = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12,
	LL_REFER = 1 << 13,
	LL_TRUNCATE = 1 << 14,
	LL_IOCTL_DEV = 1 << 15,
	LL_FS_V1 = (1 << 13) - 1,
	LL_ON_FILE = LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE | LL_IOCTL_DEV,

	LL_NET_ALL = 3,
	LL_NET_CONNECT = 2,
	LL_SCOPE_ALL = 3,
};

static uint64_t ll_rights(unsigned rights)
{
	uint64_t ll = 0;

	if (rights & SANDBOX_READ)
		ll |= LL_READ_FILE | LL_READ_DIR;
	if (rights & SANDBOX_WRITE)
		ll |= LL_WRITE_FILE | LL_REMOVE | LL_MAKE | LL_REFER | LL_TRUNCATE;
	if (rights & SANDBOX_EXEC)
		ll |= LL_EXECUTE;
	if (rights & SANDBOX_NODES)
		ll |= LL_MAKE_NODE;
	return ll;
}

/*
 * What this kernel's Landlock can hold back. ABI 1 refuses every link and rename between folders, which no rule can
 * allow again: a writer cannot live under it and goes without.
 */
static bool ll_fit(const struct sandbox_spec *s, int abi, struct ll_ruleset_attr *attr, size_t *size)
{
	for (size_t i = 0; i < s->n_paths; i++)
		if (abi < 2 && s->paths[i].rights & SANDBOX_WRITE)
			return false;
	attr->fs = LL_FS_V1 | (abi >= 2 ? LL_REFER : 0) | (abi >= 3 ? LL_TRUNCATE : 0) | (abi >= 5 ? LL_IOCTL_DEV : 0);
	if (abi >= 4 && (s->n_ports || !(s->allow & SANDBOX_ALLOW_SOCKET)))
		attr->net = LL_NET_ALL;
	if (abi >= 6)
		attr->scope = LL_SCOPE_ALL;
	*size = abi >= 6 ? sizeof(*attr) : abi >= 4 ? offsetof(struct ll_ruleset_attr, scope) : sizeof(attr->fs);
	return true;
}

static int ll_add_path(int rules, const struct sandbox_path *p, uint64_t handled, struct err *e)
{
	struct ll_path_attr attr = { .rights = ll_rights(p->rights) & handled, .fd = p->fd };
	struct stat st;
	int r;

	if (fstat(p->fd, &st) < 0)
		return err_set(e, errno, "sandbox: stat descriptor %d", p->fd);
	if (!S_ISDIR(st.st_mode))
		attr.rights &= LL_ON_FILE;
	r = sys_landlock_add(rules, LL_RULE_PATH, &attr);
	return r < 0 ? err_set(e, r, "sandbox: allow descriptor %d", p->fd) : 0;
}

static int enter_landlock(const struct sandbox_spec *s, struct err *e)
{
	int abi = sys_landlock_create(NULL, 0, LL_CREATE_VERSION);
	struct ll_ruleset_attr attr = { 0 };
	auto_close int rules = -EBADF;
	size_t size;
	int r;

	if (abi <= 0 || !ll_fit(s, abi, &attr, &size))
		return 0; /* not built in, not among lsm=, or too old: the rest of the cage must do */
	rules = sys_landlock_create(&attr, size, 0);
	if (rules < 0)
		return err_set(e, rules, "sandbox: make Landlock rules");
	for (size_t i = 0; i < s->n_paths; i++) {
		r = ll_add_path(rules, &s->paths[i], attr.fs, e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; attr.net && i < s->n_ports; i++) {
		r = sys_landlock_add(rules, LL_RULE_PORT, &(struct ll_port_attr) { LL_NET_CONNECT, s->ports[i] });
		if (r < 0)
			return err_set(e, r, "sandbox: allow port %u", s->ports[i]);
	}
	r = sys_landlock_restrict(rules);
	return r < 0 ? err_set(e, r, "sandbox: enter Landlock") : abi;
}

static int limit(__rlimit_resource_t what, uint64_t value, const char *name, struct err *e)
{
	struct rlimit now, lim;

	if (getrlimit(what, &now) < 0)
		return err_set(e, errno, "sandbox: read limit %s", name);
	if (value > now.rlim_max)
		value = now.rlim_max;
	lim = (struct rlimit) { .rlim_cur = value, .rlim_max = value };
	return setrlimit(what, &lim) < 0 ? err_set(e, errno, "sandbox: set limit %s", name) : 0;
}

static int enter_limits(const struct sandbox_spec *s, struct err *e)
{
	int r = limit(RLIMIT_CORE, 0, "core",
		      e); /* a dump could hold credentials, and would land in somebody's folder */

	if (r == 0 && s->max_memory)
		r = limit(RLIMIT_AS, s->max_memory, "as", e);
	if (r == 0 && s->max_file)
		r = limit(RLIMIT_FSIZE, s->max_file, "fsize", e);
	if (r == 0 && s->max_files)
		r = limit(RLIMIT_NOFILE, s->max_files, "nofile", e);
	return r;
}

/**
 * sandbox_enter() - Give up everything that parsing does not need
 * @s:	What stays possible
 * @e:	Failure
 *
 * Should be called by a single thread, after everything that has to be opened, mounted or started.
 * Mustn't be called by the monitor: it signals, mounts and starts later on.
 *
 * Return: Landlock ABI in use, 0 when the file system is not restricted by Landlock, or negative errno
 */
int sandbox_enter(const struct sandbox_spec *s, struct err *e)
{
	int r = enter_limits(s, e), abi;

	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "sandbox: set no_new_privs");
	abi = enter_landlock(s, e);
	if (abi < 0)
		return abi;
	r = enter_seccomp(s, e);
	return r < 0 ? r : abi;
}
