/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * User namespaces and their id maps. Level A is the monitor's (or an unpacker's) namespace: id 0 is the caller, 1..N
 * are the caller's subordinate ranges. Level B is a container's, nested in A; its "outside" ids are A's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

#define IDMAP_MAX 32

/**
 * struct idmap_range - consecutive ids
 * @inside:	first id inside the namespace
 * @outside:	first id in its parent
 * @count:	how many
 */
struct idmap_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/**
 * struct idmap - the id maps of one user namespace
 * @uid:	ranges of user ids
 * @gid:	ranges of group ids
 * @n_uid:	used entries of @uid
 * @n_gid:	used entries of @gid
 * @single:	one id each: no subordinate ids are to be had; setgroups(2) is denied
 * @direct:	the caller may write multi-range maps itself (host root, or somebody privileged in the parent)
 * @host_root:	called as root of the initial namespace: inside is never host root, 0 is the first id of a range
 * @why_single:	for @single: the reason, for one line on stderr
 */
struct idmap {
	struct idmap_range uid[IDMAP_MAX];
	struct idmap_range gid[IDMAP_MAX];
	unsigned n_uid;
	unsigned n_gid;
	bool single;
	bool direct;
	bool host_root;
	const char *why_single;
};

int idmap_for_caller(struct idmap *ret, struct err *e);
void idmap_tell_single(const struct idmap *m);
char *idmap_user_name(uid_t uid);
bool idmap_nss_has_subids(void);
void idmap_count_subids(uint64_t *ret_uids, uint64_t *ret_gids);
void idmap_nested(const struct idmap *outer, struct idmap *ret);
int idmap_keep_id(const struct idmap *outer, uint32_t uid, uint32_t gid, struct idmap *ret, struct err *e);
int idmap_nomap(const struct idmap *outer, struct idmap *ret, struct err *e);
/* Does B see other ids than A has? */
bool idmap_is_shifted(const struct idmap *inner);
uint64_t idmap_count(const struct idmap_range *r, unsigned n);
bool idmap_to_outside(const struct idmap_range *r, unsigned n, uint32_t inside, uint32_t *ret);
bool idmap_has_inside(const struct idmap_range *r, unsigned n, uint32_t inside);

/*
 * fork(2) into a new user namespace (and others: @flags) with @map. Returns 0 in the child, as id 0 (or the map's first
 * id) of the namespace; the child waits until the maps are written and verified. In the caller: the child's pid. Only
 * from a process that has one thread. @ret_pidfd may be NULL.
 */
pid_t userns_fork(const struct idmap *map, uint64_t flags, int *ret_pidfd, struct err *e);

int userns_open(const struct idmap *map, int *ret_fd, struct err *e);

/**
 * struct userns_call - a function to be run in a new user namespace
 * @map:	its id map; NULL: the caller's
 * @flags:	further namespaces (CLONE_NEW*)
 * @run:	called in a child, as id 0 of the namespace; its failure becomes the caller's
 * @arg:	handed to @run
 * @result:	what @run has written there comes back; or NULL
 * @result_len:	its size
 */
struct userns_call {
	const struct idmap *map;
	uint64_t flags;
	int (*run)(void *arg, struct err *e);
	void *arg;
	void *result;
	size_t result_len;
};

/* As userns_fork(), and wait for the child. Return: 0, the code of @run's failure, -EIO when the child was killed. */
int userns_call(const struct userns_call *c, struct err *e);

/*
 * The two halves of userns_fork(), for callers that work while the id helpers run: start them, then wait and verify.
 */
struct userns_maps {
	pid_t helper[2];
	int proc_fd;
	const struct idmap *map;
};
int userns_maps_start(const struct idmap *map, pid_t pid, struct userns_maps *ret, struct err *e);
int userns_maps_finish(struct userns_maps *m, struct err *e);
/* In the child, after the maps are there: become id @uid, @gid of the namespace with no supplementary groups. */
int userns_become(const struct idmap *map, uint32_t uid, uint32_t gid, struct err *e);
