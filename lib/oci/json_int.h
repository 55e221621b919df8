/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to json.c and json_write.c: `struct json` is json-c's json_object under another name and never defined. */

#include <json-c/json.h>
#include <json-c/linkhash.h>

#include "lib/oci/json.h"

static inline json_object *raw(const struct json *j)
{
	/* json-c takes mutable pointers also where it only reads; its readers do not change the object. */
	return (json_object *)(uintptr_t)j;
}

static inline struct json *wrap(json_object *o)
{
	return (struct json *)o;
}

size_t json_utf8_len(const char *p, size_t len);
