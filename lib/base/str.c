/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *p)
{
	static const char msg[] = "skiff: out of memory\n";

	if (p)
		return p;
	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0)
		abort();
	_exit(125);
}

/**
 * xmalloc() - malloc() that ends the process when memory is gone
 * @n:	Bytes, bounded by the caller
 *
 * Return: the memory
 */
void *xmalloc(size_t n)
{
	return checked(malloc(n ? n : 1));
}

/**
 * xcalloc() - calloc() that ends the process when memory is gone
 * @n:		Elements
 * @size:	Size of one
 *
 * Return: zeroed memory
 */
void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

/**
 * xrealloc() - realloc() that ends the process when memory is gone
 * @p:	Memory or NULL
 * @n:	New size
 *
 * Return: the memory
 */
void *xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1));
}

/**
 * xstrdup() - Copy a string
 * @s:	String or NULL
 *
 * Return: the copy, or NULL for NULL
 */
char *xstrdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

/**
 * xstrndup() - Copy the start of a string
 * @s:	String
 * @n:	Bytes at most
 *
 * Return: the copy
 */
char *xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

/**
 * xasprintf() - Format into new memory
 * @fmt:	Format
 *
 * Return: the string
 */
char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p = NULL;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		p = NULL;
	va_end(ap);
	return checked(p);
}

static void sbuf_room(struct sbuf *b, size_t more)
{
	size_t want = b->len + more + 1;

	if (want <= b->cap)
		return;
	b->cap = want < 64 ? 64 : want + want / 2;
	b->p = xrealloc(b->p, b->cap);
}

/**
 * sbuf_done() - Release a buffer
 * @b:	The buffer; empty again afterwards
 */
void sbuf_done(struct sbuf *b)
{
	int saved = errno;

	free(b->p);
	*b = (struct sbuf) { 0 };
	errno = saved;
}

/**
 * sbuf_add() - Append bytes
 * @b:		The buffer
 * @data:	Bytes
 * @len:	How many
 */
void sbuf_add(struct sbuf *b, const void *data, size_t len)
{
	sbuf_room(b, len);
	if (len)
		memcpy(b->p + b->len, data, len);
	b->len += len;
	b->p[b->len] = '\0';
}

/**
 * sbuf_adds() - Append a string
 * @b:	The buffer
 * @s:	String; NULL counts as empty
 */
void sbuf_adds(struct sbuf *b, const char *s)
{
	if (s)
		sbuf_add(b, s, strlen(s));
}

/**
 * sbuf_addc() - Append one character
 * @b:	The buffer
 * @c:	The character
 */
void sbuf_addc(struct sbuf *b, char c)
{
	sbuf_add(b, &c, 1);
}

/**
 * sbuf_printf() - Append formatted text
 * @b:		The buffer
 * @fmt:	Format
 */
void sbuf_printf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		sbuf_room(b, (size_t)n);
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

/**
 * sbuf_str() - Read a buffer as a string
 * @b:	The buffer
 *
 * Return: its text, valid until the next change; "" when empty
 */
const char *sbuf_str(const struct sbuf *b)
{
	return b->p ? b->p : "";
}

/**
 * sbuf_take() - Take the text out of a buffer
 * @b:	The buffer; empty afterwards
 *
 * Return: owned string, never NULL
 */
char *sbuf_take(struct sbuf *b)
{
	char *p = b->p ? b->p : xstrdup("");

	*b = (struct sbuf) { 0 };
	return p;
}

/**
 * sbuf_reset() - Empty a buffer, keep its memory
 * @b:	The buffer
 */
void sbuf_reset(struct sbuf *b)
{
	b->len = 0;
	if (b->p)
		b->p[0] = '\0';
}

/**
 * strv_len() - Count the strings of a vector
 * @v:	Vector or NULL
 *
 * Return: the count
 */
size_t strv_len(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

/**
 * strv_new() - An empty vector with room
 * @n:	How many strings will be put into it by hand
 *
 * strv_add() goes on from there: it expects the capacities that it makes itself, powers of two.
 *
 * Return: the vector, all NULL
 */
char **strv_new(size_t n)
{
	size_t cap = 2;

	while (cap < n + 1)
		cap *= 2;
	return xcalloc(cap, sizeof(char *));
}

/**
 * strvec_add_take() - Append an owned string to a long vector, in constant time
 * @b:	The vector and its length
 * @s:	String; the vector owns it from now on
 */
void strvec_add_take(struct strvec *b, char *s)
{
	/* Grow by doubling: a capacity is implied by the length's next power of two. */
	if (!b->v || (b->n & (b->n + 1)) == 0)
		b->v = xrealloc(b->v, (2 * b->n + 2) * sizeof(char *));
	b->v[b->n++] = s;
	b->v[b->n] = NULL;
}

/**
 * strv_add_take() - Append an owned string; counts the others first, so this is for short vectors
 * @v:	Address of the vector
 * @s:	String; the vector owns it from now on
 */
void strv_add_take(char ***v, char *s)
{
	struct strvec b = { *v, strv_len(*v) };

	strvec_add_take(&b, s);
	*v = b.v;
}

/**
 * strv_add() - Append a copy of a string
 * @v:	Address of the vector
 * @s:	String
 */
void strv_add(char ***v, const char *s)
{
	strv_add_take(v, xstrdup(s));
}

/**
 * strv_free() - Release a vector and its strings
 * @v:	Vector or NULL
 */
void strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

/**
 * strv_freep() - strv_free() for auto_strv; disarms
 * @v:	Address of the vector
 */
void strv_freep(char ***v)
{
	int saved = errno;

	strv_free(*v);
	*v = NULL;
	errno = saved;
}

/**
 * strv_has() - Look for a string
 * @v:	Vector or NULL
 * @s:	String
 *
 * Return: whether @v holds a string equal to @s
 */
bool strv_has(char *const *v, const char *s)
{
	for (; v && *v; v++)
		if (!strcmp(*v, s))
			return true;
	return false;
}

/**
 * strv_dup() - Copy a vector
 * @v:	Vector or NULL
 *
 * Return: the copy; NULL for an empty one
 */
char **strv_dup(char *const *v)
{
	char **r = NULL;

	for (; v && *v; v++)
		strv_add(&r, *v);
	return r;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/**
 * strv_sort() - Sort by bytes
 * @v:	Vector or NULL
 */
void strv_sort(char **v)
{
	if (v)
		qsort(v, strv_len(v), sizeof(*v), by_bytes);
}

/**
 * strv_split() - Split at a character; empty fields are kept
 * @s:		String
 * @sep:	Separator
 *
 * Return: the fields, at least one
 */
char **strv_split(const char *s, char sep)
{
	char **r = NULL;

	for (;;) {
		const char *end = strchrnul(s, sep);

		strv_add_take(&r, xstrndup(s, (size_t)(end - s)));
		if (!*end)
			return r;
		s = end + 1;
	}
}

/**
 * strv_join() - Join with a separator
 * @v:		Vector or NULL
 * @sep:	Between two strings
 *
 * Return: owned string
 */
char *strv_join(char *const *v, const char *sep)
{
	struct sbuf b = { 0 };

	for (size_t i = 0; v && v[i]; i++) {
		if (i)
			sbuf_adds(&b, sep);
		sbuf_adds(&b, v[i]);
	}
	return sbuf_take(&b);
}

/**
 * str_is_eq() - Compare, NULL being equal to NULL only
 * @a:	String or NULL
 * @b:	String or NULL
 *
 * Return: whether they are equal
 */
bool str_is_eq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/**
 * str_after() - Skip a prefix
 * @s:		String
 * @prefix:	Prefix
 *
 * Return: what follows @prefix in @s, or NULL where @s does not start with it
 */
const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) ? NULL : s + n;
}

/**
 * str_has_prefix() - Does a string start with another?
 * @s:		String
 * @prefix:	Prefix
 *
 * Return: whether it does
 */
bool str_has_prefix(const char *s, const char *prefix)
{
	return str_after(s, prefix) != NULL;
}

/**
 * str_has_suffix() - Does a string end with another?
 * @s:		String
 * @suffix:	Suffix
 *
 * Return: whether it does
 */
bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}

/**
 * str_has_control() - Does a string hold control characters (also DEL)?
 * @s:	String
 *
 * Return: whether one byte is below 0x20 or is 0x7f
 */
bool str_has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

/**
 * str_trim() - Cut white space at both ends, in place
 * @s:	String; changed
 *
 * Return: pointer into @s
 */
char *str_trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

/**
 * str_to_u64() - Read an unsigned decimal number that is the whole string
 * @s:		String
 * @max:	Largest value that is accepted
 * @ret:	The number
 *
 * Return: 0, -EINVAL for anything but digits, -ERANGE
 */
int str_to_u64(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s || !*s)
		return -EINVAL;
	for (const char *p = s; *p; p++)
		if (*p < '0' || *p > '9')
			return -EINVAL;
	for (; *s; s++) {
		unsigned d = (unsigned)(*s - '0');

		if (v > (max - d) / 10 || d > max)
			return -ERANGE;
		v = v * 10 + d;
	}
	*ret = v;
	return 0;
}

/**
 * str_to_u32() - Read a 32-bit unsigned decimal number
 * @s:		String
 * @ret:	The number
 *
 * Return: 0, -EINVAL, -ERANGE
 */
int str_to_u32(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = str_to_u64(s, UINT32_MAX, &v);

	if (r == 0)
		*ret = (uint32_t)v;
	return r;
}

/**
 * str_to_i64() - Read a decimal number with an optional minus
 * @s:		String
 * @ret:	The number
 *
 * Return: 0, -EINVAL, -ERANGE
 */
int str_to_i64(const char *s, int64_t *ret)
{
	bool neg = s && *s == '-';
	uint64_t v;
	int r = str_to_u64(s + neg, INT64_MAX, &v);

	if (r == 0)
		*ret = neg ? -(int64_t)v : (int64_t)v;
	return r;
}

/**
 * str_to_mode() - Read an octal file mode
 * @s:		String such as 1777 or 0755
 * @ret:	The mode, at most 07777
 *
 * Return: 0, -EINVAL
 */
int str_to_mode(const char *s, unsigned *ret)
{
	unsigned v = 0;

	if (!s || !*s || strlen(s) > 5)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '7')
			return -EINVAL;
		v = v * 8 + (unsigned)(*s - '0');
	}
	if (v > 07777)
		return -EINVAL;
	*ret = v;
	return 0;
}

/**
 * str_to_size() - Read a size with docker's units
 * @s:		Such as 512, 64m, 1.5g, 10MB, 2gib
 * @ret:	Bytes; a unit is a power of 1024
 *
 * Return: 0, -EINVAL, -ERANGE
 */
int str_to_size(const char *s, uint64_t *ret)
{
	static const char units[] = "bkmgtp";
	const char *u;
	double v = 0, frac = 0.1;
	unsigned shift = 0;

	if (!s || !isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++)
		v = v * 10 + (*s - '0');
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++, frac /= 10)
			v += (*s - '0') * frac;
	if (*s == ' ')
		s++;
	if (*s) {
		u = strchr(units, tolower((unsigned char)*s));
		if (!u)
			return -EINVAL;
		shift = (unsigned)(u - units) * 10;
		s++;
		if (shift && tolower((unsigned char)*s) == 'i')
			s++;
		if (shift && tolower((unsigned char)*s) == 'b')
			s++;
	}
	if (*s)
		return -EINVAL;
	v *= (double)(1ULL << shift);
	if (v >= 9.2e18)
		return -ERANGE;
	*ret = (uint64_t)v;
	return 0;
}

/* Nanoseconds of one unit at the start of @s, and how long the unit's name is. */
static int64_t duration_unit(const char *s, size_t *len)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000LL },
		{ "m", 60 * 1000000000LL },
		{ "h", 3600 * 1000000000LL },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t n = strlen(units[i].name);

		if (!strncmp(s, units[i].name, n) && !isalpha((unsigned char)s[n])) {
			*len = n;
			return units[i].ns;
		}
	}
	return 0;
}

/**
 * str_to_duration() - Read a Go duration
 * @s:		Such as 1h30m, 250ms, 1.5s; a plain number is seconds
 * @ret_ns:	Nanoseconds
 *
 * Return: 0, -EINVAL, -ERANGE
 */
int str_to_duration(const char *s, int64_t *ret_ns)
{
	double total = 0;

	if (str_is_empty(s))
		return -EINVAL;
	while (*s) {
		double v = 0, frac = 0.1;
		const char *start = s;
		size_t len = 0;
		int64_t unit;

		for (; isdigit((unsigned char)*s); s++)
			v = v * 10 + (*s - '0');
		if (*s == '.')
			for (s++; isdigit((unsigned char)*s); s++, frac /= 10)
				v += (*s - '0') * frac;
		if (s == start)
			return -EINVAL;
		if (!*s && total == 0)
			unit = 1000000000LL;
		else
			unit = duration_unit(s, &len);
		if (!unit)
			return -EINVAL;
		s += len;
		total += v * (double)unit;
		if (total > 9.2e18)
			return -ERANGE;
	}
	*ret_ns = (int64_t)total;
	return 0;
}

/**
 * str_to_bool() - Read a flag's value as docker's parser does
 * @s:		1 t true 0 f false, any case of the words
 * @ret:	The value
 *
 * Return: 0, -EINVAL
 */
int str_to_bool(const char *s, bool *ret)
{
	if (!strcmp(s, "1") || !strcasecmp(s, "t") || !strcasecmp(s, "true"))
		*ret = true;
	else if (!strcmp(s, "0") || !strcasecmp(s, "f") || !strcasecmp(s, "false"))
		*ret = false;
	else
		return -EINVAL;
	return 0;
}
