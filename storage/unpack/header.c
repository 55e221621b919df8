/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "storage/unpack/unpack_int.h"

/*
 * A second, strict reading of the headers that belong to one entry. libarchive is lenient and converts names; two
 * programs that read one archive differently are a way to hide things from the one that looks for them (TL-12). Here a
 * PAX header either means one thing or is refused, and names are taken as bytes.
 */

#define BLOCK	512
#define PAX_MAX (1U << 20)

/* Octal digits between blanks and NULs. Return: -1 for anything else, also for base-256. */
static int64_t octal(const unsigned char *p, size_t len)
{
	int64_t v = 0;
	size_t i = 0;
	bool any = false;

	while (i < len && p[i] == ' ')
		i++;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v > INT64_MAX >> 4)
			return -1;
		v = v * 8 + (p[i] - '0');
		any = true;
	}
	return any && (i == len || p[i] == ' ' || p[i] == '\0') ? v : -1;
}

static bool is_key(const char *key, size_t len, const char *want)
{
	return strlen(want) == len && !memcmp(key, want, len);
}

static int take_name(char *to, bool *has, const char *value, size_t len, const char *what, struct err *e)
{
	if (memchr(value, '\0', len))
		return err_say(e, EINVAL, "a %s with a NUL in it", what);
	if (len > TAR_PATH_MAX)
		return err_say(e, EINVAL, "a %s of %zu bytes is too long", what, len);
	if (*has && (strlen(to) != len || memcmp(to, value, len) != 0))
		return err_say(e, EINVAL, "an entry has two different values of %s", what);
	memcpy(to, value, len);
	to[len] = '\0';
	*has = true;
	return 0;
}

static int take_size(struct raw_header *h, const char *value, size_t len, struct err *e)
{
	int64_t v = 0;

	if (len == 0 || len > 19)
		return err_say(e, EINVAL, "a size in a PAX header is not a number");
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9' || v > (INT64_MAX - 9) / 10)
			return err_say(e, EINVAL, "a size in a PAX header is not a number");
		v = v * 10 + (value[i] - '0');
	}
	if (h->has_size && h->size != v)
		return err_say(e, EINVAL, "an entry has two different values of size");
	h->has_size = true;
	h->size = v;
	return 0;
}

static int take_record(struct raw_header *h, bool is_global, const char *key, size_t key_len, const char *value,
		       size_t len, struct err *e)
{
	bool is_path = is_key(key, key_len, "path"), is_link = is_key(key, key_len, "linkpath");
	bool is_size = is_key(key, key_len, "size");

	if (is_global)
		return is_path || is_link || is_size ? err_say(e, EINVAL, "a global PAX header sets a name or size")
						     : 0;
	if (key_len >= 11 && !memcmp(key, "GNU.sparse.", 11))
		h->is_sparse = true;
	if (is_path)
		return take_name(h->path, &h->has_path, value, len, "path", e);
	if (is_link)
		return take_name(h->link, &h->has_link, value, len, "linkpath", e);
	return is_size ? take_size(h, value, len, e) : 0;
}

/* "LENGTH KEY=VALUE\n", one after the other, nothing else. */
static int read_pax(struct raw_header *h, bool is_global, const char *p, size_t left, struct err *e)
{
	while (left) {
		size_t digits = 0, len = 0;
		const char *eq;
		int r;

		while (digits < left && digits < 8 && p[digits] >= '0' && p[digits] <= '9')
			len = len * 10 + (size_t)(p[digits++] - '0');
		if (!digits || digits == left || p[digits] != ' ' || len <= digits + 2 || len > left ||
		    p[len - 1] != '\n')
			return err_say(e, EINVAL, "a malformed PAX header");
		eq = memchr(p + digits + 1, '=', len - digits - 2);
		if (!eq || eq == p + digits + 1)
			return err_say(e, EINVAL, "a malformed PAX header");
		r = take_record(h, is_global, p + digits + 1, (size_t)(eq - p) - digits - 1, eq + 1,
				len - 1 - (size_t)(eq + 1 - p), e);
		if (r < 0)
			return r;
		p += len;
		left -= len;
	}
	return 0;
}

/* GNU's long names end with a NUL, or at the end. */
static int read_long(struct raw_header *h, bool is_link, const char *p, size_t len, struct err *e)
{
	len = strnlen(p, len);
	if (is_link)
		return take_name(h->link, &h->has_link, p, len, "linkpath", e);
	return take_name(h->path, &h->has_path, p, len, "path", e);
}

/**
 * raw_header_parse() - Read the header blocks of one entry
 * @data:	From its first block (PAX, long name, or its own) on
 * @len:	How many bytes there are
 * @ret:	What they say beyond the old header's fields
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int raw_header_parse(const void *data, size_t len, struct raw_header *ret, struct err *e)
{
	const unsigned char *p = data;
	unsigned n_pax = 0;

	ret->has_path = ret->has_link = ret->has_size = ret->is_sparse = false;
	while (len >= BLOCK) {
		char type = (char)p[156];
		const char *body = (const char *)p + BLOCK;
		int64_t size;
		int r;

		if (type != 'x' && type != 'X' && type != 'g' && type != 'L' && type != 'K') {
			ret->is_sparse |= type == 'S';
			return 0;
		}
		size = octal(p + 124, 12);
		if (size < 0 || size > PAX_MAX || (size_t)size > len - BLOCK)
			return err_say(e, EINVAL, "an extended header of a bad size");
		if ((type == 'x' || type == 'X') && ++n_pax > 1)
			return err_say(e, EINVAL, "an entry has two PAX headers");
		if (type == 'L' || type == 'K')
			r = read_long(ret, type == 'K', body, (size_t)size, e);
		else
			r = read_pax(ret, type == 'g', body, (size_t)size, e);
		if (r < 0)
			return r;
		size = (size + BLOCK - 1) / BLOCK * BLOCK + BLOCK;
		if ((size_t)size > len)
			break;
		p += size;
		len -= (size_t)size;
	}
	return 0;
}
