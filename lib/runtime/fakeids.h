/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Emulated user and group ids for containers that have one real id (no subordinate ids): the monitor's half, which
 * answers the calls that the filter of lib/runtime/init/fakeids_filter.h reports.
 */

#include <stdint.h>

#include "lib/base/err.h"

struct fakeids;

/*
 * One for each listener: the container's own, and one for each exec into it. @listener is owned from success on. The
 * process that has loaded the filter starts as id 0, no groups, everything permitted, and becomes by its own calls
 * what it is to be; @caps is the bounding set, which exec gives to id 0.
 */
int fakeids_new(int listener, uint64_t caps, struct fakeids **ret, struct err *e);
void fakeids_free(struct fakeids *f);

/* For epoll: readable when a call waits; EPOLLHUP when no process is left that could call. */
int fakeids_fd(const struct fakeids *f);
/* Answer one call. Return: 0 (also when the caller has died meanwhile), or negative errno when the listener is broken.
 */
int fakeids_handle(struct fakeids *f);
