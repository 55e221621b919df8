/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to lib/runtime/fakeids*.c and their test: emulated credentials and the kernel's rules for changing them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKEIDS_GROUPS_MAX 65536 /* NGROUPS_MAX */

/* Indices of struct cred.uid and .gid */
enum { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_FS, ID__N };

/**
 * struct cred - emulated credentials of a process
 * @uid:	user ids: real, effective, saved, file system
 * @gid:	group ids
 * @groups:	supplementary groups, sorted as the kernel does; owned by whoever holds the cred
 * @n_groups:	how many
 */
struct cred {
	uint32_t uid[ID__N];
	uint32_t gid[ID__N];
	uint32_t *groups;
	size_t n_groups;
};

/*
 * The set*id calls on one of the two arrays. @privileged: the caller has CAP_SETUID or CAP_SETGID. All return 0, -EPERM
 * or -EINVAL, and change nothing then; cred_setfs() returns what was there before.
 */
int cred_set(uint32_t id[ID__N], uint32_t to, bool privileged);
int cred_setre(uint32_t id[ID__N], uint32_t real, uint32_t effective, bool privileged);
int cred_setres(uint32_t id[ID__N], uint32_t real, uint32_t effective, uint32_t saved, bool privileged);
uint32_t cred_setfs(uint32_t id[ID__N], uint32_t to, bool privileged);
/* What execve(2) does to both arrays. */
void cred_exec(struct cred *c);
bool cred_is_changed_by_exec(const struct cred *c);
