/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * String maps (labels, annotations, options) are string vectors of even length: key, value, key, value, ..., NULL.
 * They are freed with strv_free() or auto_strv; NULL is the empty map; order is kept.
 */

#include <stddef.h>

#define KV_EACH(kv, i) for (size_t i = 0; (kv) && (kv)[i]; i += 2)

const char *kv_get(char *const *kv, const char *key);
void kv_set(char ***kv, const char *key, const char *value);
size_t kv_len(char *const *kv);
void kv_sort(char **kv);
/* "key=value" or "key" (empty value), as --label takes it. */
void kv_set_text(char ***kv, const char *text);
