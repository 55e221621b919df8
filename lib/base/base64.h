/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* RFC 4648, with padding. Owned. */
char *base64_encode(const void *data, size_t len);
/* Padding may be missing. @ret: owned, with a NUL behind it. Return: 0 or -EINVAL for other characters. */
int base64_decode(const char *text, size_t len, char **ret, size_t *ret_len);
