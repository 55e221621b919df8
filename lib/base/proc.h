/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/**
 * struct proc_spec - a helper program to start
 * @file:	absolute path, or a name that is looked up in PATH
 * @argv:	arguments, argv[0] included
 * @envp:	environment; NULL means ours
 * @stdio:	what becomes descriptors 0, 1, 2; a negative one becomes /dev/null (fd 2: stays ours)
 * @keep:	descriptors that stay open under their own numbers
 * @n_keep:	how many
 */
struct proc_spec {
	const char *file;
	char *const *argv;
	char *const *envp;
	int stdio[3];
	const int *keep;
	size_t n_keep;
};

int proc_spawn(const struct proc_spec *s, pid_t *ret_pid, struct err *e);
/* Return: exit status, 128 + signal, or negative errno. */
int proc_wait(pid_t pid);
int proc_die_with(pid_t parent, struct err *e);
int proc_run(const struct proc_spec *s, struct err *e);
int proc_find(const char *name, char **ret_path);

/* When a process started, in clock ticks since boot; with the boot id it names a process for ever. */
int proc_start_time(pid_t pid, uint64_t *ret);
size_t proc_children(pid_t **ret);
int proc_boot_id(char buf[40]);
/* The pid that host's /proc shows for a process known by pidfd (also from inside a pid namespace). */
pid_t proc_pidfd_to_pid(int pidfd);
/* Where our own executables are: the folder of /proc/self/exe. */
int proc_self_dir(char **ret, struct err *e);
/* A program or file of ours that is not for PATH (libexec/skiff/@name). -ENOENT names where it was looked for. */
int proc_libexec(const char *name, char **ret_path, struct err *e);
