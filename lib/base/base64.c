/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t len)
{
	char *out = xmalloc(len / 3 * 4 + 5), *o = out;
	const unsigned char *p = data;

	for (; len; p += 3) {
		size_t k = len < 3 ? len : 3;
		uint32_t v = (uint32_t)p[0] << 16;

		if (k > 1)
			v |= (uint32_t)p[1] << 8;
		if (k > 2)
			v |= p[2];
		*o++ = digits[v >> 18];
		*o++ = digits[v >> 12 & 63];
		*o++ = k > 1 ? digits[v >> 6 & 63] : '=';
		*o++ = k > 2 ? digits[v & 63] : '=';
		len -= k;
	}
	*o = '\0';
	return out;
}

static int value_of(char c)
{
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

int base64_decode(const char *text, size_t len, char **ret, size_t *ret_len)
{
	char *out = xmalloc(len / 4 * 3 + 4);
	unsigned acc = 0, bits = 0;
	size_t n = 0, i;

	for (i = 0; i < len && text[i] != '='; i++) {
		int v = value_of(text[i]);

		if (v < 0)
			break;
		acc = acc << 6 | (unsigned)v;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		out[n++] = (char)(acc >> bits & 0xff);
	}
	out[n] = '\0';
	for (size_t pad = 0; i < len && text[i] == '=' && pad < 2; pad++)
		i++;
	if (i < len) {
		explicit_bzero(out, n); /* it may be half of a secret */
		free(out);
		return -EINVAL;
	}
	*ret = out;
	*ret_len = n;
	return 0;
}
