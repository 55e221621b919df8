/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Is everything that the store says there, and what it says it is? Reads only. (Uses lib/crypto: for skiff-image.) */

#include <stdbool.h>

#include "lib/base/err.h"

struct store;

enum {
	CHECK_QUICK = 1, /* do not read contents: presence and structure only */
};

/* @ret_findings: one line each, a string vector; NULL when all is well. Return: 0, negative errno when it cannot look.
 */
int store_check(struct store *s, int flags, char ***ret_findings, struct err *e);
