/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * System calls that glibc wraps too late or not at all. This is the only module that calls syscall(2). Each returns
 * what the kernel returns as a negative errno (never -1 with errno), so that no step stands between failure and
 * err_set().
 */

#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/types.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sock_fprog;

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_fsopen(const char *type, unsigned flags);
int sys_fsconfig(int fd, unsigned cmd, const char *key, const void *value, int aux);
int sys_fsmount(int fd, unsigned flags, unsigned attrs);
int sys_open_tree(int dirfd, const char *path, unsigned flags);
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int sys_mount_setattr(int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation);
int sys_mount_idmap(int fd, unsigned flags, int userns_fd);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_pidfd_open(pid_t pid, unsigned flags);
int sys_pidfd_send_signal(int pidfd, int sig);
int sys_execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);
int sys_seccomp(unsigned op, unsigned flags, void *arg);
int sys_capset(const uint32_t effective[2], const uint32_t permitted[2], const uint32_t inheritable[2]);
int sys_keyctl_new_session(void);
int sys_setns(int fd, int flags);
int sys_setresuid(uid_t uid);
int sys_setresgid(gid_t gid);
int sys_setgroups(size_t n, const gid_t *groups);
int sys_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int sys_landlock_create(const void *attr, size_t size, unsigned flags);
int sys_landlock_add(int fd, unsigned type, const void *attr);
int sys_landlock_restrict(int fd);

/*
 * clone3 with a fork's semantics: the child runs on a copy of the caller's stack. Threads of the caller do not exist in
 * the child, and libc's locks may be held by them: only single-threaded processes call this.
 */
pid_t sys_clone_fork(uint64_t flags, int *ret_pidfd);
