/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The part of TOML that containers/registries.conf uses: tables, arrays of tables, bare, quoted and dotted keys,
 * one-line strings, truth values, whole numbers, arrays of strings. The rest is an error and not a guess.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum toml_kind { TOML_STRING, TOML_BOOL, TOML_INT, TOML_STRINGS };

struct toml_value {
	enum toml_kind kind;
	char *string;
	char **strings;
	int64_t number;
	bool truth;
};

/*
 * Called for each key = value with its table ("" at the top, "registry.mirror"), and with a NULL @key and @value when a
 * table begins. A negative result ends the parsing.
 */
typedef int toml_handler(void *ctx, const char *table, const char *key, const struct toml_value *value, struct err *e);

/* Messages begin with "line N". Return: 0, -EINVAL, or what the handler returned. */
int toml_parse(const char *buf, size_t len, toml_handler *handle, void *ctx, struct err *e);
