/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Users and groups, from the bytes of an image's /etc/passwd and /etc/group (the caller reads them, at most PASSWD_MAX
 * bytes of a regular file), and subordinate ids. libc's getpwnam() is never used for a container: it would ask the
 * host, and load modules. Lines longer than PASSWD_LINE_MAX are skipped.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define PASSWD_MAX	  (1U << 20)
#define PASSWD_LINE_MAX	  4096
#define PASSWD_ID_MAX	  4294967294U
#define PASSWD_MAX_GROUPS 65536

/* The bytes of a file; .p == NULL: it is not there. */
struct passwd_file {
	const char *p;
	size_t len;
};

/**
 * struct run_user - who the container's process is
 * @uid:	user
 * @gid:	primary group
 * @name:	from passwd; NULL when the id has no entry
 * @home:	from passwd; NULL when the id has no entry
 * @groups:	supplementary groups, the primary one first, none twice
 */
struct run_user {
	uint32_t uid;
	uint32_t gid;
	char *name;
	char *home;
	uint32_t *groups;
	size_t n_groups;
};

/*
 * @spec: "", "user", "uid", "user:group", "uid:gid", ...; NULL is "". @extra: --group-add, names or ids; NULL for none.
 * Return: 0, -ENOENT (no such user or group), -EINVAL, -ERANGE.
 */
int user_resolve(const char *spec, struct passwd_file passwd, struct passwd_file group, char *const *extra,
		 struct run_user *ret, struct err *e);
void user_done(struct run_user *u);
#define auto_user __attribute__((cleanup(user_done)))

/* One entry by id. Return: 0 or -ENOENT. */
int passwd_find_uid(struct passwd_file passwd, uint32_t uid, struct run_user *ret);
int passwd_find_name(struct passwd_file passwd, const char *name, struct run_user *ret);
int group_find_gid(struct passwd_file group, uint32_t gid, char **ret_name);
int group_find_name(struct passwd_file group, const char *name, uint32_t *ret_gid);

struct subid_range {
	uint32_t start;
	uint32_t count;
};

/*
 * The ranges of a user in /etc/subuid or /etc/subgid, in the order of the file: lines that name @name or @uid.
 * @own: the caller's own uid or gid, which must not be in a range. Name may be NULL.
 * Return: 0 (also with none), -EINVAL with the line for overlap, overflow, own id, id 0.
 */
int subid_parse(const char *buf, size_t len, const char *file, const char *name, uint32_t uid, uint32_t own,
		struct subid_range **ret, size_t *ret_n, struct err *e);
