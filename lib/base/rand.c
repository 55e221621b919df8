/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rand.h"

#include <errno.h>
#include <sys/random.h>

/**
 * rand_bytes() - Bytes of the kernel's generator
 * @buf:	Where to
 * @len:	How many, at most 256
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int rand_bytes(void *buf, size_t len, struct err *e)
{
	ssize_t n;

	do
		n = getrandom(buf, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 || (size_t)n != len)
		return err_set(e, n < 0 ? errno : EIO, "read random numbers");
	return 0;
}

/**
 * rand_hex() - A random lower-case hexadecimal string
 * @buf:	Where to: @digits + 1 bytes
 * @digits:	How many digits, even, at most 128
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int rand_hex(char *buf, size_t digits, struct err *e)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[64];
	int r = rand_bytes(raw, digits / 2, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < digits; i++)
		buf[i] = hex[i % 2 ? raw[i / 2] & 15 : raw[i / 2] >> 4];
	buf[digits] = '\0';
	return 0;
}
