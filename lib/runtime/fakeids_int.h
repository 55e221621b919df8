/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to lib/runtime/fakeids*.c and their test: emulated credentials and the kernel's rules for changing them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKEIDS_GROUPS_MAX 65536 /* NGROUPS_MAX */

/* Indices of struct cred.uid and .gid */
enum { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_FS, ID__N };

/* The two capabilities that matter here, as they would be effective and permitted, and the process's "keep
 * capabilities". */
enum {
	CRED_EFF_UID = 1,
	CRED_EFF_GID = 2,
	CRED_PERM_UID = 4,
	CRED_PERM_GID = 8,
	CRED_KEEP = 16,
	CRED_EFF = CRED_EFF_UID | CRED_EFF_GID,
	CRED_PERM = CRED_PERM_UID | CRED_PERM_GID,
	CRED_FLAG_BITS = 5,
};

/**
 * struct cred - emulated credentials of a process
 * @uid:	user ids: real, effective, saved, file system
 * @gid:	group ids
 * @groups:	supplementary groups, sorted as the kernel does; owned by whoever holds the cred
 * @n_groups:	how many
 * @flags:	CRED_EFF_UID, ...
 */
struct cred {
	uint32_t uid[ID__N];
	uint32_t gid[ID__N];
	uint32_t *groups;
	size_t n_groups;
	unsigned flags;
};

/*
 * The set*id calls on one of the two arrays. @privileged: the caller has CAP_SETUID or CAP_SETGID. All return 0, -EPERM
 * or -EINVAL, and change nothing then; cred_setfs() returns what was there before.
 */
int cred_set(uint32_t id[ID__N], uint32_t to, bool privileged);
int cred_setre(uint32_t id[ID__N], uint32_t real, uint32_t effective, bool privileged);
int cred_setres(uint32_t id[ID__N], uint32_t real, uint32_t effective, uint32_t saved, bool privileged);
uint32_t cred_setfs(uint32_t id[ID__N], uint32_t to, bool privileged);
/* What the change of user ids from @old does to capabilities. */
void cred_fix_caps(struct cred *c, const uint32_t old[ID__N]);
/* capset(2): -EPERM when @effective or @permitted has what is not permitted now. */
int cred_capset(struct cred *c, uint64_t effective, uint64_t permitted);
/* What execve(2) does; @bounding: the bounding set. */
void cred_exec(struct cred *c, uint64_t bounding);
bool cred_is_changed_by_exec(const struct cred *c, uint64_t bounding);
/* Flags of permitted and effective capabilities. */
unsigned cred_flags(uint64_t effective, uint64_t permitted);
