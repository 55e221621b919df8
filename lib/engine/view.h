/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A look at a container's files, running or not, without changing any. */

#include "lib/base/err.h"

struct ctr;

/*
 * Runs @fn in a process of its own, as id 0 of user namespace A, caged: it can read the tree at @rootfd, write to
 * descriptors that it has, and nothing else. @rootfd has the image's layers with the container's own on top, and
 * nothing of what is mounted in the container (volumes, /proc).
 *
 * @driver: --storage-driver or NULL. @stop: readable when the command is to end, or negative. Only from a process with
 * one thread. Return: what @fn returns, -EINTR, ...
 */
int ctr_view(struct ctr *c, const char *driver, int stop, int (*fn)(void *arg, int rootfd, struct err *e), void *arg,
	     struct err *e);
