/* SPDX-License-Identifier: Apache-2.0 */
/* Go's fmt.Sprintf over values: its verbs, flags, and what it prints for mistakes ("%!d(string=x)"). */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/format/template_int.h"
#include "lib/format/text.h"
#include "lib/oci/json.h"

/**
 * struct directive - one "%..." of the format
 * @width:	-1: not given
 * @precision:	-1: not given
 */
struct directive {
	bool minus, plus, sharp, space, zero;
	int width, precision;
	char verb;
};

/**
 * struct arguments - what is printed
 * @used:	the next one
 * @reordered:	"%[2]s" was there: what was left over is nobody's mistake
 * @bad_index:	"%[9]s" where there are fewer
 */
struct arguments {
	const struct value *v;
	size_t n, used;
	bool reordered, bad_index;
};

/**
 * value_quote() - A Go string literal
 * @out:	Where to
 * @s:		String
 * @len:	Its length
 */
void value_quote(struct sbuf *out, const char *s, size_t len)
{
	static const char escapes[] = "\aa\bb\ff\nn\rr\tt\vv\"\"\\\\";

	sbuf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		const char *known = s[i] ? strchr(escapes, s[i]) : NULL;

		/* A letter of the table itself is no escape. */
		if (known && (known - escapes) % 2 == 0)
			sbuf_printf(out, "\\%c", known[1]);
		else if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			sbuf_printf(out, "\\x%02x", (unsigned char)s[i]);
		else
			sbuf_addc(out, s[i]);
	}
	sbuf_addc(out, '"');
}

static void pad(struct sbuf *out, const struct directive *d, const char *s, size_t len)
{
	size_t width = format_width(s, len), want = d->width > 0 ? (size_t)d->width : 0;
	size_t fill = want > width ? want - width : 0, sign = 0;

	if (d->minus) {
		sbuf_add(out, s, len);
		while (fill--)
			sbuf_addc(out, ' ');
		return;
	}
	/* Zeros go between the sign and the digits. */
	if (d->zero && len && (s[0] == '-' || s[0] == '+'))
		sign = 1;
	sbuf_add(out, s, sign);
	while (fill--)
		sbuf_addc(out, d->zero ? '0' : ' ');
	sbuf_add(out, s + sign, len - sign);
}

static void pad_buf(struct sbuf *out, const struct directive *d, const struct sbuf *b)
{
	pad(out, d, sbuf_str(b), b->len);
}

/* %!d(string=hi) */
static void bad_verb(struct sbuf *out, char verb, const struct value *v)
{
	sbuf_printf(out, "%%!%c(", verb);
	if (v->kind == VALUE_NIL || v->kind == VALUE_NONE) {
		sbuf_adds(out, "<nil>)");
		return;
	}
	sbuf_printf(out, "%s=", value_type(v));
	value_print(out, v);
	sbuf_addc(out, ')');
}

static void digits(struct sbuf *b, uint64_t v, unsigned base, bool upper)
{
	char buf[64];
	size_t n = 0;

	do {
		buf[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[v % base];
		v /= base;
	} while (v);
	while (n)
		sbuf_addc(b, buf[--n]);
}

static void put_rune(struct sbuf *b, int64_t v)
{
	put_utf8(b, v < 0 || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0xfffd : (uint32_t)v);
}

static bool print_int(struct sbuf *out, const struct directive *d, int64_t v)
{
	auto_sbuf struct sbuf b = { 0 };
	unsigned base = strchr("dv", d->verb) ? 10 : strchr("xX", d->verb) ? 16 : strchr("oO", d->verb) ? 8 : 2;
	uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	if (d->verb == 'c') {
		put_rune(&b, v);
	} else if (d->verb == 'q') {
		sbuf_addc(&b, '\'');
		put_rune(&b, v);
		sbuf_addc(&b, '\'');
	} else if (d->verb == 'U') {
		sbuf_printf(&b, "U+%04llX", (unsigned long long)magnitude);
	} else if (strchr("dvxXoOb", d->verb)) {
		if (v < 0 || d->plus || d->space)
			sbuf_addc(&b, v < 0 ? '-' : d->plus ? '+' : ' ');
		if (d->sharp && base == 16)
			sbuf_adds(&b, d->verb == 'X' ? "0X" : "0x");
		else if ((d->sharp && base == 8) || d->verb == 'O')
			sbuf_adds(&b, d->verb == 'O' ? "0o" : "0");
		digits(&b, magnitude, base, d->verb == 'X');
	} else {
		return false;
	}
	pad_buf(out, d, &b);
	return true;
}

static bool print_float(struct sbuf *out, const struct directive *d, double f)
{
	auto_sbuf struct sbuf b = { 0 };

	if (!strchr("vgGeEfF", d->verb))
		return false;
	if (d->plus && f >= 0)
		sbuf_addc(&b, '+');
	value_print_float(&b, f, (char)(d->verb | 0x20), d->precision);
	pad_buf(out, d, &b);
	return true;
}

static bool print_str(struct sbuf *out, const struct directive *d, const char *s, size_t len)
{
	auto_sbuf struct sbuf b = { 0 };

	if (d->precision >= 0 && strchr("svq", d->verb)) {
		size_t keep = 0, n = 0;

		/* The precision counts characters. */
		for (; keep < len && n < (size_t)d->precision; n++) {
			keep++;
			while (keep < len && ((unsigned char)s[keep] & 0xc0) == 0x80)
				keep++;
		}
		len = keep;
	}
	if (d->verb == 'q' || (d->verb == 'v' && d->sharp))
		value_quote(&b, s, len);
	else if (d->verb == 's' || d->verb == 'v')
		sbuf_add(&b, s, len);
	else if (d->verb == 'x' || d->verb == 'X')
		for (size_t i = 0; i < len; i++)
			sbuf_printf(&b, d->verb == 'x' ? "%s%02x" : "%s%02X", i && d->space ? " " : "",
				    (unsigned char)s[i]);
	else
		return false;
	pad_buf(out, d, &b);
	return true;
}

static void print_one(struct sbuf *out, const struct directive *d, const struct value *v);

/* Verbs apply to each element. */
static void print_json(struct sbuf *out, const struct directive *d, const struct json *j)
{
	size_t n = 0;

	if (json_kind(j) == JSON_ARRAY) {
		sbuf_addc(out, '[');
		for (size_t i = 0; i < json_len(j) && out->len < TEMPLATE_MAX_OUTPUT; i++) {
			struct value v = value_of_json(json_item(j, i), NULL);

			if (i)
				sbuf_addc(out, ' ');
			print_one(out, d, &v);
		}
	} else {
		auto_free const char **keys = value_sorted_keys(j, &n);

		sbuf_adds(out, "map[");
		for (size_t i = 0; i < n && out->len < TEMPLATE_MAX_OUTPUT; i++) {
			struct value key = value_str(keys[i], strlen(keys[i]));
			struct value v = value_of_json(json_get(j, keys[i]), keys[i]);

			if (i)
				sbuf_addc(out, ' ');
			print_one(out, d, &key);
			sbuf_addc(out, ':');
			print_one(out, d, &v);
		}
	}
	sbuf_addc(out, ']');
}

static void print_one(struct sbuf *out, const struct directive *d, const struct value *v)
{
	const char *word;
	bool known = false;

	if (d->verb == 'T') {
		word = value_type(v);
		pad(out, d, word, strlen(word));
		return;
	}
	switch (v->kind) {
	case VALUE_BOOL:
		known = d->verb == 't' || d->verb == 'v';
		word = v->b ? "true" : "false";
		if (known)
			pad(out, d, word, strlen(word));
		break;
	case VALUE_INT:
		known = print_int(out, d, v->i);
		break;
	case VALUE_FLOAT:
		known = print_float(out, d, v->f);
		break;
	case VALUE_STR:
		known = print_str(out, d, v->s, v->len);
		break;
	case VALUE_JSON:
		print_json(out, d, v->j);
		return;
	case VALUE_NIL:
	case VALUE_NONE:
		known = d->verb == 'v';
		word = v->hint ? v->hint : "<nil>";
		if (known)
			pad(out, d, word, strlen(word));
		break;
	}
	if (!known)
		bad_verb(out, d->verb, v);
}

static const char *take_number(const char *p, const char *end, int *ret)
{
	int v = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		v = v > TEMPLATE_MAX_WIDTH ? v : v * 10 + (*p - '0');
	*ret = v;
	return p;
}

/* "[2]": the number of the next argument, from 1. */
static const char *take_index(const char *p, const char *end, struct arguments *a)
{
	const char *close = p < end && *p == '[' ? memchr(p, ']', (size_t)(end - p)) : NULL;
	int number = 0;

	if (p >= end || *p != '[')
		return p;
	a->reordered = true;
	if (!close) {
		a->bad_index = true;
		return p + 1;
	}
	if (take_number(p + 1, close, &number) != close || number < 1 || (size_t)number > a->n)
		a->bad_index = true;
	else
		a->used = (size_t)number - 1;
	return close + 1;
}

/* "*": the number is an argument. Return: whether it is one. */
static bool take_star(struct arguments *a, int *ret)
{
	const struct value *v = a->used < a->n ? &a->v[a->used++] : NULL;

	if (!v || v->kind != VALUE_INT || v->i < -TEMPLATE_MAX_WIDTH || v->i > TEMPLATE_MAX_WIDTH)
		return false;
	*ret = (int)v->i;
	return true;
}

static const char *parse_width(const char *p, const char *end, struct directive *d, struct arguments *a,
			       struct sbuf *out)
{
	p = take_index(p, end, a);
	if (p < end && *p == '*') {
		if (!take_star(a, &d->width))
			sbuf_adds(out, "%!(BADWIDTH)");
		if (d->width < -1) {
			d->minus = true;
			d->zero = false;
			d->width = -d->width;
		}
		return p + 1;
	}
	if (p < end && *p >= '0' && *p <= '9')
		p = take_number(p, end, &d->width);
	return p;
}

static const char *parse_precision(const char *p, const char *end, struct directive *d, struct arguments *a,
				   struct sbuf *out)
{
	if (p >= end || *p != '.')
		return p;
	p = take_index(p + 1, end, a);
	if (p >= end || *p != '*')
		return take_number(p, end, &d->precision);
	if (!take_star(a, &d->precision) || d->precision < 0) {
		sbuf_adds(out, "%!(BADPREC)");
		d->precision = -1;
	}
	return p + 1;
}

/* Behind "%". Numbers that are too large are Go's "%!(BADWIDTH)", and we draw that line earlier. */
static const char *parse_directive(const char *p, const char *end, struct directive *d, struct arguments *a,
				   struct sbuf *out)
{
	*d = (struct directive) { .width = -1, .precision = -1 };
	for (; p < end && strchr("-+# 0", *p) && *p; p++) {
		d->minus |= *p == '-';
		d->plus |= *p == '+';
		d->sharp |= *p == '#';
		d->space |= *p == ' ';
		d->zero |= *p == '0';
	}
	d->zero = d->zero && !d->minus;
	a->bad_index = false;
	p = parse_width(p, end, d, a, out);
	p = parse_precision(p, end, d, a, out);
	p = take_index(p, end, a);
	if (d->width > TEMPLATE_MAX_WIDTH) {
		sbuf_adds(out, "%!(BADWIDTH)");
		d->width = -1;
	}
	if (d->precision > TEMPLATE_MAX_WIDTH) {
		sbuf_adds(out, "%!(BADPREC)");
		d->precision = -1;
	}
	d->verb = p < end ? *p++ : '\0';
	return p;
}

/**
 * value_printf() - Go's Sprintf
 * @r:		Run, for the bounds
 * @format:	String
 * @args:	Arguments
 * @n:		How many
 * @out:	Where to
 *
 * Return: 0, or negative errno with run_fail()
 */
int value_printf(struct run *r, const struct value *format, const struct value *args, size_t n, struct sbuf *out)
{
	const char *p = format->s, *end = p + format->len;
	struct arguments a = { .v = args, .n = n };
	struct directive d;

	while (p < end) {
		if (*p != '%') {
			sbuf_addc(out, *p++);
			continue;
		}
		p = parse_directive(p + 1, end, &d, &a, out);
		if (!d.verb)
			sbuf_adds(out, "%!(NOVERB)");
		else if (d.verb == '%')
			sbuf_addc(out, '%');
		else if (a.bad_index)
			sbuf_printf(out, "%%!%c(BADINDEX)", d.verb);
		else if (a.used >= n)
			sbuf_printf(out, "%%!%c(MISSING)", d.verb);
		else
			print_one(out, &d, &args[a.used++]);
		if (out->len > TEMPLATE_MAX_OUTPUT)
			return run_fail(r, "too much output");
	}
	if (a.reordered || a.used >= n)
		return 0;
	for (size_t i = a.used; i < n; i++) {
		sbuf_printf(out, "%s%s=", i == a.used ? "%!(EXTRA " : ", ", value_type(&args[i]));
		value_print(out, &args[i]);
	}
	sbuf_addc(out, ')');
	return 0;
}
