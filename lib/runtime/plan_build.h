/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Building a plan (plan.h): set the fields of @head, add strings and arrays, finish. */

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/runtime/plan.h"

/**
 * struct plan_builder - a plan in the making
 * @head:	fields that are no strings or arrays are set directly
 * @blob:	the block; its first bytes are room for @head
 */
struct plan_builder {
	struct plan head;
	struct sbuf blob;
};

void plan_begin(struct plan_builder *b, enum plan_role role);
void plan_done(struct plan_builder *b);
#define auto_plan __attribute__((cleanup(plan_done)))

pstr plan_add_str(struct plan_builder *b, const char *s);
struct plan_array plan_add_strv(struct plan_builder *b, char *const *v);
struct plan_array plan_add_array(struct plan_builder *b, const void *data, size_t n, size_t size);
/* The finished plan as a sealed memory file. */
int plan_finish(struct plan_builder *b, int *ret_fd, struct err *e);
