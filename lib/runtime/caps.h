/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Capabilities by name and as 64-bit masks (bit n is capability n). */

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define CAPS_MAX 41 /* names known here: CAP_CHOWN .. CAP_CHECKPOINT_RESTORE */

/* With or without "CAP_", any case. Return: number, or -EINVAL. "ALL" is no capability. */
int cap_from_name(const char *name);
/* "CAP_CHOWN"; NULL for a number without a name. */
const char *cap_to_name(unsigned cap);

/* The eleven of the default set. */
uint64_t caps_default(void);
/* All that the running kernel has (cap_last_cap) and that have a name. */
uint64_t caps_of_kernel(void);
/* Names of a mask, "CAP_...", in the order of their numbers; owned string vector. */
char **caps_to_names(uint64_t caps);

int caps_resolve(char *const *add, char *const *drop, bool privileged, uint64_t *ret, struct err *e);
