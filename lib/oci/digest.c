/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/digest.h"

#include <errno.h>
#include <string.h>

#include "lib/base/str.h"

/**
 * digest_is_hex() - Are the first bytes lower-case hexadecimal digits?
 * @s:		String
 * @len:	How many; @s may go on behind them
 *
 * Return: whether they are
 */
bool digest_is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return true;
}

/* Digits that the algorithm at the start of @s wants, and where they begin. */
static size_t algorithm(const char *s, const char **ret_hex)
{
	*ret_hex = str_after(s, "sha256:");
	if (*ret_hex)
		return 64;
	*ret_hex = str_after(s, "sha512:");
	return *ret_hex ? 128 : 0;
}

/**
 * digest_is_valid() - Is this a digest that we can check?
 * @s:	String or NULL
 *
 * Return: whether it is
 */
bool digest_is_valid(const char *s)
{
	const char *hex;
	size_t n = s ? algorithm(s, &hex) : 0;

	return n && digest_is_hex(hex, n) && !hex[n];
}

/**
 * digest_is_sha256() - Is this a SHA-256 digest?
 * @s:	String or NULL
 *
 * Return: whether it is
 */
bool digest_is_sha256(const char *s)
{
	return digest_is_valid(s) && str_has_prefix(s, "sha256:");
}

/**
 * digest_check() - Refuse what is no digest
 * @s:	String or NULL
 * @e:	Failure
 *
 * Return: 0 or -EINVAL
 */
int digest_check(const char *s, struct err *e)
{
	if (digest_is_valid(s))
		return 0;
	/* The text may be long and hostile: a short, harmless piece of it is enough to find it. */
	if (!s || str_has_control(s))
		return err_say(e, EINVAL, "invalid digest");
	return err_say(e, EINVAL, "invalid digest '%.80s'", s);
}

/**
 * digest_hex() - The digits of a digest
 * @digest:	A valid digest
 *
 * Return: borrowed part of @digest
 */
const char *digest_hex(const char *digest)
{
	const char *colon = strchr(digest, ':');

	return colon ? colon + 1 : digest;
}

/**
 * digest_short() - The digits that tables show
 * @digest:	Digest, or digits without an algorithm
 * @buf:	At most DIGEST_SHORT of them
 */
void digest_short(const char *digest, char buf[DIGEST_SHORT + 1])
{
	const char *hex = digest_hex(digest);
	size_t n = strnlen(hex, DIGEST_SHORT);

	memcpy(buf, hex, n);
	buf[n] = '\0';
}
