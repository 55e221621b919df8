/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/seccomp_int.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/base/str.h"

/*
 * Theory of operation
 *
 * The default profile: docker's allow list and its conditions, as text that is cut into names when the filter is
 * compiled. What is not here answers EPERM. On top of docker's come the denials at the end of sc_from_table():
 * sockets whose kernel side has been a way to root (AF_ALG, AF_VSOCK, AF_RXRPC, AF_KEY, AF_TIPC, AF_XDP,
 * NETLINK_XFRM), terminal input injection, and i386's socketcall(2), whose arguments a filter cannot see. A denied
 * family answers EAFNOSUPPORT as if it were not built in, which programs know how to live with.
 *
 * Calls that docker allows and that were weighed, what they open against who needs them:
 *
 *  vmsplice	    ENOSYS. It puts a process's own pages into a pipe by reference: the primitive of CVE-2008-0600 and
 *		    CVE-2020-29374. gVisor never had it. Of common programs yes(1) of newer coreutils and of uutils
 *		    calls it, libfuse, fio's splice engine and CRIU: the first three take a failure for "write
 *		    instead".
 *  memfd_secret    ENOSYS. Unmovable memory that nobody but its owner can read, not even a tool of the host that looks
 *		    for what a container hides; bugs of its own (CVE-2024-35872). Off at boot before Linux 6.5, so
 *		    whoever uses it has a second way.
 *  process_vm_*    allowed, as ptrace is: the same check of the kernel stands before both and before /proc/PID/mem, so
 *		    a refusal would take nothing from an attacker. Open MPI and UCX pass messages with it and end with a
 *		    failed assertion where it answers EPERM; crash handlers and profilers (Crashpad, py-spy) read with
 *		    it. With --pid host it is refused (without CAP_SYS_PTRACE): there the check is all that stands
 *		    between a container and other programs of its user.
 *  name_to_handle_at  allowed: it tells what stat(2) tells. The way in is open_by_handle_at, which stays refused.
 *		    systemd, ip(8) and users of fanotify call it; docker took it back onto its list in 2023.
 *  kcmp, pidfd_getfd, syslog  need their capability, as with docker: the first two compare or take descriptors of
 *		    others, the last one is the host's. Mesa and systemd live without kcmp, dmesg says that it may not.
 */

#define CAP(n)	 (1ULL << CAP_##n)
#define ALLOW	 SECCOMP_RET_ALLOW
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define NS_FLAGS                                                                                                       \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/**
 * struct group - names that are allowed together
 * @names:	separated by blanks
 * @caps:	any of these is needed; 0: nothing is
 * @archs:	machines (not binaries) that have them, "," before and behind each; NULL: all
 */
struct group {
	const char *names;
	uint64_t caps;
	const char *archs;
};

static const struct group groups[] = {
	/* files and file systems */
	{ "access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat "
	  "faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown "
	  "fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 "
	  "fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr "
	  "getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch lchown lchown32 lgetxattr link "
	  "linkat listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 "
	  "mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 "
	  "pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr removexattrat rename "
	  "renameat renameat2 rmdir sendfile sendfile64 setxattr setxattrat splice stat stat64 statfs statfs64 "
	  "statmount statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink "
	  "unlinkat utime utimensat utimensat_time64 utimes write writev cachestat",
	  0, NULL },
	/* waiting */
	{ "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old "
	  "eventfd eventfd2 _newselect pause poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd "
	  "signalfd4 io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit futex "
	  "futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list set_robust_list",
	  0, NULL },
	/* sockets (socket and socketpair: below) */
	{ "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg "
	  "recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown",
	  0, NULL },
	/* memory */
	{ "brk madvise map_shadow_stack membarrier memfd_create mincore mlock mlock2 mlockall mmap "
	  "mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect "
	  "remap_file_pages",
	  0, NULL },
	/* processes, signals, scheduling */
	{ "execve execveat exit exit_group fork getcpu getpgid getpgrp getpid getppid getpriority getrlimit "
	  "getrusage getsid gettid ioprio_get ioprio_set kill pidfd_open pidfd_send_signal prctl prlimit64 "
	  "process_mrelease restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo "
	  "rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity "
	  "sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler "
	  "sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
	  "sched_setscheduler sched_yield setpgid setpriority setrlimit setsid set_thread_area get_thread_area "
	  "set_tid_address sigaltstack sigprocmask sigreturn sysinfo tgkill times tkill ugetrlimit uname uretprobe "
	  "vfork wait4 waitid waitpid ptrace",
	  0, NULL },
	/* ids, capabilities, security modules */
	{ "capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid "
	  "getresgid32 getresuid getresuid32 getuid getuid32 landlock_add_rule landlock_create_ruleset "
	  "landlock_restrict_self seccomp setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups "
	  "setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid "
	  "setuid32",
	  0, NULL },
	/* time (adjtimex only reads without CAP_SYS_TIME) */
	{ "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
	  "clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time "
	  "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 "
	  "timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
	  0, NULL },
	/* System V and POSIX ipc, pipes, the rest */
	{ "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
	  "mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop "
	  "semtimedop_time64 shmat shmctl shmdt shmget pipe pipe2 getrandom ioctl riscv_hwprobe",
	  0, NULL },

	{ "sync_file_range2 swapcontext", 0, ",ppc64le," },
	{ "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls", 0, ",arm,arm64," },
	{ "arch_prctl", 0, ",amd64,x32," },
	{ "modify_ldt", 0, ",amd64,x32,x86," },
	{ "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr", 0, ",s390,s390x," },
	{ "riscv_flush_icache", 0, ",riscv64," },

	{ "open_by_handle_at", CAP(DAC_READ_SEARCH), NULL },
	{ "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr "
	  "lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl "
	  "quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare",
	  CAP(SYS_ADMIN), NULL },
	{ "reboot", CAP(SYS_BOOT), NULL },
	{ "chroot", CAP(SYS_CHROOT), NULL },
	{ "delete_module init_module finit_module", CAP(SYS_MODULE), NULL },
	{ "acct", CAP(SYS_PACCT), NULL },
	{ "kcmp pidfd_getfd process_madvise", CAP(SYS_PTRACE), NULL },
	{ "iopl ioperm", CAP(SYS_RAWIO), NULL },
	{ "settimeofday stime clock_settime clock_settime64", CAP(SYS_TIME), NULL },
	{ "vhangup", CAP(SYS_TTY_CONFIG), NULL },
	{ "get_mempolicy mbind set_mempolicy set_mempolicy_home_node", CAP(SYS_NICE), NULL },
	{ "syslog", CAP(SYSLOG), NULL },
	{ "bpf", CAP(BPF), NULL },
	{ "perf_event_open", CAP(PERFMON), NULL },
};

/* seccomp=nested: what podman leaves open, so that a container engine runs inside. */
static const char nested[] = "clone clone3 unshare setns mount umount umount2 mount_setattr move_mount open_tree "
			     "fsopen fsconfig fsmount fspick "
			     "pivot_root chroot sethostname setdomainname keyctl add_key request_key pidfd_getfd "
			     "fanotify_init kcmp process_madvise "
			     "get_mempolicy mbind set_mempolicy vhangup";

static const uint32_t personalities[] = {
	0,	    /* PER_LINUX */
	0x8,	    /* PER_LINUX32 */
	0x20000,    /* UNAME26 */
	0x20008,    /* both */
	0xffffffff, /* asks what it is */
};

static void add(struct sc_filter *f, const char *name, uint32_t action)
{
	sc_add_rule(f, &(struct sc_rule) { .name = name, .action = action });
}

static void add_names(struct sc_filter *f, const char *names)
{
	char *text = xstrdup(names), *name;

	strv_add_take(&f->text, text);
	while ((name = strsep(&text, " ")))
		add(f, name, ALLOW);
}

static bool is_native_in(const struct sc_env *env, const char *archs)
{
	char key[32];

	snprintf(key, sizeof(key), ",%s,", sc_arch_name(env->native));
	return !archs || strstr(archs, key);
}

static void add_clone(const struct sc_env *env, struct sc_filter *f)
{
	bool s390 = is_native_in(env, ",s390,s390x,"); /* the kernel swaps the first two parameters there */

	if (env->caps & CAP(SYS_ADMIN))
		return;
	sc_add_rule(
		f, &(struct sc_rule) { .name = "clone",
				       .action = ALLOW,
				       .n_conds = 1,
				       .conds[0] = { .arg = s390, .op = SC_MASKED_EQ, .mask = NS_FLAGS, .value = 0 } });
	add(f, "clone3", ERRNO(ENOSYS)); /* its flags cannot be seen; libc falls back to clone */
}

static void deny_family(struct sc_filter *f, int family, int code)
{
	static const char *const names[] = { "socket", "socketpair" };

	for (int i = 0; i < 2; i++)
		sc_add_rule(f,
			    &(struct sc_rule) { .name = names[i],
						.action = ERRNO(code),
						.n_conds = 1,
						.conds[0] = { .op = SC_EQ, .low = true, .value = (unsigned)family } });
}

static void deny_netlink(struct sc_filter *f, int proto, int code)
{
	sc_add_rule(
		f, &(struct sc_rule) { .name = "socket",
				       .action = ERRNO(code),
				       .n_conds = 2,
				       .conds = { { .op = SC_EQ, .low = true, .value = AF_NETLINK },
						  { .arg = 2, .op = SC_EQ, .low = true, .value = (unsigned)proto } } });
}

static void add_sockets(const struct sc_env *env, struct sc_filter *f)
{
	static const int families[] = { AF_KEY, AF_TIPC, AF_RXRPC, AF_ALG, AF_VSOCK, AF_XDP };

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		deny_family(f, families[i], EAFNOSUPPORT);
	if (!(env->caps & CAP(NET_RAW)))
		deny_family(f, AF_PACKET, EPERM);
	deny_netlink(f, NETLINK_XFRM, EPERM);
	if (!(env->caps & CAP(AUDIT_WRITE)))
		deny_netlink(f, NETLINK_AUDIT, EINVAL); /* what libaudit takes for a kernel without audit */
	add(f, "socket", ALLOW);
	add(f, "socketpair", ALLOW);
	add(f, "socketcall", env->x86 ? ALLOW : ERRNO(ENOSYS));
}

/* The calls of the theory above that are not a matter of capabilities alone. */
static void add_weighed(const struct sc_env *env, struct sc_filter *f)
{
	uint32_t vm = env->host_pid && !(env->caps & CAP(SYS_PTRACE)) ? ERRNO(EPERM) : ALLOW;

	add(f, "vmsplice", ERRNO(ENOSYS));
	add(f, "memfd_secret", ERRNO(ENOSYS));
	add(f, "process_vm_readv", vm);
	add(f, "process_vm_writev", vm);
}

static void add_terminals(struct sc_filter *f)
{
	static const uint32_t cmds[] = { TIOCSTI, TIOCLINUX };

	for (int i = 0; i < 2; i++)
		sc_add_rule(f,
			    &(struct sc_rule) { .name = "ioctl",
						.action = ERRNO(EPERM),
						.n_conds = 1,
						.conds[0] = { .arg = 1, .op = SC_EQ, .low = true, .value = cmds[i] } });
}

/**
 * sc_from_table() - Our own profiles
 * @kind:	SECCOMP_DEFAULT or SECCOMP_NESTED
 * @env:	Capabilities and machine
 * @f:		The rules; architectures are the native one and its 32-bit relatives
 * @e:		Failure
 *
 * Return: 0
 */
int sc_from_table(enum seccomp_kind kind, const struct sc_env *env, struct sc_filter *f, struct err *e)
{
	(void)e;
	f->dflt = ERRNO(EPERM);
	f->enosys = true;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if ((!groups[i].caps || groups[i].caps & env->caps) && is_native_in(env, groups[i].archs))
			add_names(f, groups[i].names);
	if (kind == SECCOMP_NESTED)
		add_names(f, nested);
	else
		add_clone(env, f);
	for (size_t i = 0; i < sizeof(personalities) / sizeof(*personalities); i++)
		sc_add_rule(f, &(struct sc_rule) { .name = "personality",
						   .action = ALLOW,
						   .n_conds = 1,
						   .conds[0] = { .op = SC_EQ, .value = personalities[i] } });
	add_sockets(env, f);
	add_terminals(f);
	add_weighed(env, f);
	return 0;
}

/**
 * sc_table_hash() - Hash of the names, so that a cached program of an older table is not used
 * @seed:	Hash so far
 *
 * Return: the hash
 */
uint64_t sc_table_hash(uint64_t seed)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		seed = sc_hash(seed, groups[i].names, strlen(groups[i].names));
	return sc_hash(seed, nested, sizeof(nested));
}
