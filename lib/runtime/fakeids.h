/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Emulated user and group ids for containers that have one real id (no subordinate ids): the monitor's half, which
 * answers the calls that the filter of lib/runtime/init/fakeids_filter.h reports.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

struct fakeids;

/**
 * struct fakeids_spec - the credentials that the first process has
 * @uid:	user id (real, effective, saved)
 * @gid:	group id
 * @groups:	supplementary groups
 * @n_groups:	how many
 * @caps:	the container's bounding set: without CAP_SETUID or CAP_SETGID not even id 0 may change ids
 */
struct fakeids_spec {
	uint32_t uid;
	uint32_t gid;
	const uint32_t *groups;
	size_t n_groups;
	uint64_t caps;
};

/* One for each listener: the container's own, and one for each exec into it. @listener is owned from success on. */
int fakeids_new(int listener, const struct fakeids_spec *s, struct fakeids **ret, struct err *e);
void fakeids_free(struct fakeids *f);

/* For epoll: readable when a call waits; EPOLLHUP when no process is left that could call. */
int fakeids_fd(const struct fakeids *f);
/* Answer one call. Return: 0 (also when the caller has died meanwhile), or negative errno when the listener is broken.
 */
int fakeids_handle(struct fakeids *f);
