/* SPDX-License-Identifier: Apache-2.0 */
/* Go's literals: strings, characters, numbers. */
#include <stdlib.h>
#include <string.h>

#include "lib/format/template_int.h"

/**
 * put_utf8() - Append one character
 * @b:	Where to
 * @c:	Code point
 */
void put_utf8(struct sbuf *b, uint32_t c)
{
	if (c < 0x80) {
		sbuf_addc(b, (char)c);
	} else if (c < 0x800) {
		sbuf_addc(b, (char)(0xc0 | c >> 6));
		sbuf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		sbuf_addc(b, (char)(0xe0 | c >> 12));
		sbuf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		sbuf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		sbuf_addc(b, (char)(0xf0 | c >> 18));
		sbuf_addc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		sbuf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		sbuf_addc(b, (char)(0x80 | (c & 0x3f)));
	}
}

static int digit_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : 99;
}

/* @n digits of @base at *@s. Return: the value or -1. */
static int64_t take_digits(const char **s, const char *end, int n, int base)
{
	int64_t v = 0;

	for (; n > 0; n--, (*s)++) {
		if (*s >= end || digit_of(**s) >= base)
			return -1;
		v = v * base + digit_of(**s);
	}
	return v;
}

/* One escape sequence of Go, behind the backslash. */
static bool unescape_one(const char **s, const char *end, char quote, struct sbuf *out)
{
	static const char simple[] = "a\ab\bf\fn\nr\rt\tv\v\\\\";
	char c = **s;
	int64_t v;

	for (size_t i = 0; i + 1 < sizeof(simple); i += 2)
		if (c == simple[i] || c == quote) {
			sbuf_addc(out, c == quote ? quote : simple[i + 1]);
			(*s)++;
			return true;
		}
	if (c >= '0' && c <= '7') {
		v = take_digits(s, end, 3, 8);
	} else {
		int n = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;

		(*s)++;
		v = n ? take_digits(s, end, n, 16) : -1;
	}
	if (v < 0 || v > 0x10ffff || (v > 0xff && c >= '0' && c <= '7') || (v >= 0xd800 && v < 0xe000))
		return false;
	if (c == 'u' || c == 'U')
		put_utf8(out, (uint32_t)v);
	else
		sbuf_addc(out, (char)v);
	return true;
}

/**
 * literal_unquote() - The content of a quoted token
 * @t:		TOKEN_STRING, TOKEN_RAW or TOKEN_CHAR_CONST
 * @out:	Where to
 *
 * Return: whether it is well-formed
 */
bool literal_unquote(const struct token *t, struct sbuf *out)
{
	const char *s = t->text + 1, *end = t->text + t->len - 1;

	if (t->kind == TOKEN_RAW) {
		sbuf_add(out, s, (size_t)(end - s));
		return true;
	}
	while (s < end) {
		if (*s != '\\') {
			sbuf_addc(out, *s++);
			continue;
		}
		s++;
		if (s >= end || !unescape_one(&s, end, t->text[0], out))
			return false;
	}
	return true;
}

/**
 * literal_char() - The number of a character constant
 * @t:		TOKEN_CHAR_CONST
 * @ret:	Code point
 *
 * Return: whether it is well-formed
 */
bool literal_char(const struct token *t, int64_t *ret)
{
	auto_sbuf struct sbuf b = { 0 };
	const unsigned char *u;

	if (!literal_unquote(t, &b) || b.len == 0)
		return false;
	u = (const unsigned char *)b.p;
	if (b.len > (u[0] < 0xc0 ? 1U : u[0] < 0xe0 ? 2U : u[0] < 0xf0 ? 3U : 4U))
		return false;
	if (u[0] < 0x80 || b.len == 1)
		*ret = u[0];
	else if (b.len == 2)
		*ret = (u[0] & 0x1f) << 6 | (u[1] & 0x3f);
	else if (b.len == 3)
		*ret = (u[0] & 0x0f) << 12 | (u[1] & 0x3f) << 6 | (u[2] & 0x3f);
	else
		*ret = (u[0] & 0x07) << 18 | (u[1] & 0x3f) << 12 | (u[2] & 0x3f) << 6 | (u[3] & 0x3f);
	return true;
}

/**
 * literal_int() - Decimal, 0x, 0o, 0b and 0 numbers with "_" between digits
 * @s:		Text
 * @ret:	Number
 *
 * Return: whether it is one
 */
bool literal_int(const char *s, int64_t *ret)
{
	bool minus = *s == '-';
	uint64_t v = 0;
	int base = 10;

	s += *s == '-' || *s == '+';
	if (*s == '0' && s[1]) {
		base = s[1] == 'x' || s[1] == 'X' ? 16 : s[1] == 'b' || s[1] == 'B' ? 2 : 8;
		s += base == 8 && s[1] != 'o' && s[1] != 'O' ? 1 : 2;
	}
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s == '_')
			continue;
		if (digit_of(*s) >= base || v > ((uint64_t)INT64_MAX - 15) / (uint64_t)base)
			return false;
		v = v * (uint64_t)base + (uint64_t)digit_of(*s);
	}
	*ret = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/**
 * literal_float() - A decimal fraction, perhaps with an exponent
 * @s:		Text
 * @ret:	Number
 *
 * Return: whether it is one
 */
bool literal_float(const char *s, double *ret)
{
	char *end = NULL;

	*ret = strtod(s, &end);
	return !strpbrk(s, "xXpPnNiI") && end && !*end && end != s;
}
