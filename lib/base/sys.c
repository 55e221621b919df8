/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/sys.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#define SYS_landlock_restrict_self  446
#endif

static int ret(long r)
{
	return r < 0 ? -errno : (int)r;
}

/**
 * sys_openat2() - openat2(2)
 * @dirfd:	Where a relative path starts, and the root for RESOLVE_IN_ROOT
 * @path:	Path
 * @flags:	open flags; O_CLOEXEC is the caller's to give
 * @mode:	Mode for O_CREAT, else 0
 * @resolve:	RESOLVE_* flags
 *
 * Retries the spurious EAGAIN that RESOLVE_IN_ROOT answers when a rename races with the walk.
 *
 * Return: descriptor or negative errno
 */
int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };
	int r;

	for (int tries = 0; tries < 64; tries++) {
		r = ret(syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
		if (r != -EAGAIN)
			break;
	}
	return r;
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return ret(syscall(SYS_close_range, first, last, flags));
}

int sys_fsopen(const char *type, unsigned flags)
{
	return ret(syscall(SYS_fsopen, type, flags));
}

int sys_fsconfig(int fd, unsigned cmd, const char *key, const void *value, int aux)
{
	return ret(syscall(SYS_fsconfig, fd, cmd, key, value, aux));
}

int sys_fsmount(int fd, unsigned flags, unsigned attrs)
{
	return ret(syscall(SYS_fsmount, fd, flags, attrs));
}

int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
	return ret(syscall(SYS_open_tree, dirfd, path, flags));
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return ret(syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

int sys_mount_setattr(int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation)
{
	struct {
		uint64_t attr_set, attr_clr, propagation, userns_fd;
	} attr = { set, clear, propagation, 0 };

	return ret(syscall(SYS_mount_setattr, fd, path, flags, &attr, sizeof(attr)));
}

/**
 * sys_mount_idmap() - Show the files of a detached tree of mounts with other owners (Linux 5.12)
 * @fd:		What open_tree(2) cloned
 * @flags:	AT_EMPTY_PATH, AT_RECURSIVE
 * @userns_fd:	A user namespace: id N on disk is shown as its id N
 *
 * Return: 0; -EINVAL where a file system in it does not know how, or another negative errno
 */
int sys_mount_idmap(int fd, unsigned flags, int userns_fd)
{
	struct {
		uint64_t attr_set, attr_clr, propagation, userns_fd;
	} attr = { .attr_set = 0x00100000 /* MOUNT_ATTR_IDMAP */, .userns_fd = (uint64_t)userns_fd };

	return ret(syscall(SYS_mount_setattr, fd, "", flags, &attr, sizeof(attr)));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return ret(syscall(SYS_pivot_root, new_root, put_old));
}

int sys_pidfd_open(pid_t pid, unsigned flags)
{
	return ret(syscall(SYS_pidfd_open, pid, flags));
}

int sys_pidfd_send_signal(int pidfd, int sig)
{
	return ret(syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0));
}

int sys_execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return ret(syscall(SYS_execveat, dirfd, path, argv, envp, flags));
}

int sys_seccomp(unsigned op, unsigned flags, void *arg)
{
	return ret(syscall(SYS_seccomp, op, flags, arg));
}

int sys_capset(const uint32_t effective[2], const uint32_t permitted[2], const uint32_t inheritable[2])
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	for (int i = 0; i < 2; i++)
		d[i] = (struct __user_cap_data_struct) { effective[i], permitted[i], inheritable[i] };
	return ret(syscall(SYS_capset, &h, d));
}

int sys_keyctl_new_session(void)
{
	return ret(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0));
}

int sys_setns(int fd, int flags)
{
	return ret(syscall(SYS_setns, fd, flags));
}

/* The raw calls: glibc's send signals to every thread, which a fresh clone does not have. */
int sys_setresuid(uid_t uid)
{
	return ret(syscall(SYS_setresuid, uid, uid, uid));
}

int sys_setresgid(gid_t gid)
{
	return ret(syscall(SYS_setresgid, gid, gid, gid));
}

int sys_setgroups(size_t n, const gid_t *groups)
{
	return ret(syscall(SYS_setgroups, n, groups));
}

int sys_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return ret(syscall(SYS_renameat2, from_fd, from, to_fd, to, flags));
}

int sys_landlock_create(const void *attr, size_t size, unsigned flags)
{
	return ret(syscall(SYS_landlock_create_ruleset, attr, size, flags));
}

int sys_landlock_add(int fd, unsigned type, const void *attr)
{
	return ret(syscall(SYS_landlock_add_rule, fd, type, attr, 0));
}

int sys_landlock_restrict(int fd)
{
	return ret(syscall(SYS_landlock_restrict_self, fd, 0));
}

/**
 * sys_clone_fork() - fork(2) into new namespaces
 * @flags:	CLONE_NEW* and other clone3 flags, without the exit signal
 * @ret_pidfd:	The child's pidfd (close-on-exec); may be NULL
 *
 * Seccomp filters of outer containers often refuse clone3 with ENOSYS, because they cannot look at its flags: clone(2)
 * has all that is asked for here.
 *
 * Return: 0 in the child, its pid in the caller, or negative errno
 */
pid_t sys_clone_fork(uint64_t flags, int *ret_pidfd)
{
	int pidfd = -EBADF;
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };
	long r;

	if (ret_pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uintptr_t)&pidfd;
	}
	r = syscall(SYS_clone3, &args, sizeof(args));
	if (r < 0 && errno == ENOSYS)
		r = syscall(SYS_clone, args.flags | SIGCHLD, NULL, &pidfd, NULL, NULL);
	if (r < 0)
		return -errno;
	if (r > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return (pid_t)r;
}
