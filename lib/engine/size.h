/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What containers take on disk. */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/engine/ctr.h"

/**
 * struct ctr_size - one container's files
 * @rw:		bytes of its own files (docker's SizeRw)
 * @layers:	bytes of the layers below them
 */
struct ctr_size {
	int64_t rw;
	int64_t layers;
};

/*
 * Sizes of @n containers of one store, into @ret beside them. Files of subordinate ids are looked at in the user
 * namespace; only from a process with one thread. One that is removed meanwhile counts as empty.
 */
int ctr_sizes(struct store *s, const struct ctr *c, size_t n, struct ctr_size *ret, struct err *e);
