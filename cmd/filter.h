/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* --filter: "key=value" conditions. Different keys must all hold; what several values of one key mean is the key's. */

#include <stdbool.h>

#include "lib/base/err.h"

/* Every one has the form "key=value" and a key of @keys (ended by NULL). Return: 0, -EINVAL "invalid filter 'x'". */
int filter_check(char *const *filters, const char *const *keys, struct err *e);
/* The value, when the condition is one of @key; else NULL. */
const char *filter_value(const char *filter, const char *key);
bool filter_has(char *const *filters, const char *key);
/* The truth value of the last condition of @key. Return: 1 it is given, 0 it is not, -EINVAL "invalid filter". */
int filter_bool(char *const *filters, const char *key, bool *ret, struct err *e);
/* The time of the last condition of @key; 0 when there is none. */
int filter_time(char *const *filters, const char *key, int64_t *ret_ns, struct err *e);
/* label and label!: all of them must hold, as docker has it. @labels: string map. */
bool filter_labels(char *const *filters, char *const *labels);
/* The value of one of the conditions of @key, or none is given. */
bool filter_any(char *const *filters, const char *key, bool (*is_match)(const void *data, const char *want),
		const void *data);
