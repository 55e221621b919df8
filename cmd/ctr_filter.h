/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which containers are meant: --filter of `ps`. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct ctr;
struct ctr_state;
struct store;

/**
 * struct ctr_filter - conditions, with what they refer to looked up once
 * @s:		the store
 * @filters:	"key=value", borrowed
 * @before:	created earlier than this; 0: whenever
 * @since:	created later than this
 * @until:	created not later than this
 */
struct ctr_filter {
	struct store *s;
	char *const *filters;
	int64_t before, since, until;
};

/* Return: 0, -EINVAL, -ENOENT for before=CONTAINER that is not there. */
int ctr_filter_init(struct ctr_filter *f, struct store *s, char *const *filters, struct err *e);
bool ctr_filter_matches(const struct ctr_filter *f, const struct ctr *c, const struct ctr_state *s);
/* Does a condition ask for containers that do not run? Then `ps` shows them without --all. */
bool ctr_filter_wants_stopped(char *const *filters);
