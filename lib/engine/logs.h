/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading a container's log (json-file). */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/engine/ctr.h"

/**
 * struct logs_opts - which lines
 * @follow:	go on until the container ends
 * @timestamps:	the time before each line
 * @since_ns:	0: all
 * @until_ns:	0: all
 * @tail:	the last lines only; negative: all
 * @out, @err:	descriptors for the two streams
 */
struct logs_opts {
	bool follow, timestamps;
	int64_t since_ns, until_ns, tail;
	int out, err;
};

int logs_print(const struct ctr *c, const struct logs_opts *o, struct err *e);
/* "2026-01-02T03:04:05Z", "2026-01-02", unix seconds, or a duration before now: "10m". */
int logs_parse_time(const char *text, int64_t *ret_ns, struct err *e);
