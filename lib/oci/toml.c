/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/toml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json_int.h"

struct toml {
	const char *p, *end;
	size_t line;
	char *table;
	struct err *e;
};

static int wrong(const struct toml *t, const char *what)
{
	return err_say(t->e, EINVAL, "line %zu: %s", t->line, what);
}

static bool is_at(const struct toml *t, char c)
{
	return t->p < t->end && *t->p == c;
}

static bool take(struct toml *t, char c)
{
	if (!is_at(t, c))
		return false;
	t->p++;
	return true;
}

static void skip_blanks(struct toml *t)
{
	while (is_at(t, ' ') || is_at(t, '\t'))
		t->p++;
}

static void skip_comment(struct toml *t)
{
	skip_blanks(t);
	if (is_at(t, '#'))
		while (t->p < t->end && *t->p != '\n')
			t->p++;
}

/* Blanks, comments and ends of lines. */
static void skip_space(struct toml *t)
{
	for (;;) {
		skip_comment(t);
		take(t, '\r');
		if (!take(t, '\n'))
			return;
		t->line++;
	}
}

/* What follows a value or a table's head. */
static int end_line(struct toml *t)
{
	skip_comment(t);
	take(t, '\r');
	if (t->p == t->end)
		return 0;
	if (!take(t, '\n'))
		return wrong(t, "unexpected text at the end of the line");
	t->line++;
	return 0;
}

static void add_utf8(struct sbuf *b, unsigned c)
{
	if (c < 0x80) {
		sbuf_addc(b, (char)c);
	} else if (c < 0x800) {
		sbuf_addc(b, (char)(0xc0 | c >> 6));
		sbuf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		if (c < 0x10000) {
			sbuf_addc(b, (char)(0xe0 | c >> 12));
		} else {
			sbuf_addc(b, (char)(0xf0 | c >> 18));
			sbuf_addc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		sbuf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		sbuf_addc(b, (char)(0x80 | (c & 0x3f)));
	}
}

static int take_codepoint(struct toml *t, size_t digits, struct sbuf *b)
{
	unsigned c = 0;

	if ((size_t)(t->end - t->p) < digits)
		return wrong(t, "an escape is cut off");
	for (size_t i = 0; i < digits; i++, t->p++) {
		static const char hex[] = "0123456789abcdefABCDEF";
		const char *d = *t->p ? strchr(hex, *t->p) : NULL;

		if (!d)
			return wrong(t, "an escape is not hexadecimal");
		c = c << 4 | (unsigned)(d - hex < 16 ? d - hex : d - hex - 6);
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return wrong(t, "an escape is not a character");
	add_utf8(b, c);
	return 0;
}

/* What follows a backslash. */
static int take_escape(struct toml *t, struct sbuf *b)
{
	static const char letters[] = "btnfre\"\\", values[] = "\b\t\n\f\r\x1b\"\\";
	const char *letter = t->p < t->end && *t->p ? strchr(letters, *t->p) : NULL;

	if (letter) {
		sbuf_addc(b, values[letter - letters]);
		t->p++;
		return 0;
	}
	if (take(t, 'u'))
		return take_codepoint(t, 4, b);
	if (take(t, 'U'))
		return take_codepoint(t, 8, b);
	return wrong(t, "an unknown escape");
}

/* A string in "" (with escapes) or ''; the quote is at t->p. */
static int take_string(struct toml *t, char **ret)
{
	auto_sbuf struct sbuf b = { 0 };
	char quote = *t->p;

	if (t->end - t->p >= 3 && t->p[1] == quote && t->p[2] == quote)
		return wrong(t, "strings over several lines are not supported here");
	t->p++;
	while (t->p < t->end && *t->p != quote) {
		size_t n;
		int r;

		if (quote == '"' && take(t, '\\')) {
			r = take_escape(t, &b);
			if (r < 0)
				return r;
			continue;
		}
		n = (unsigned char)*t->p < 0x20 && *t->p != '\t' ? 0 : json_utf8_len(t->p, (size_t)(t->end - t->p));
		if (!n)
			return wrong(t, "a control character or no UTF-8 in a string");
		sbuf_add(&b, t->p, n);
		t->p += n;
	}
	if (!take(t, quote))
		return wrong(t, "a string is not closed");
	*ret = sbuf_take(&b);
	return 0;
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static int take_key_part(struct toml *t, char **ret)
{
	const char *start = t->p;

	if (is_at(t, '"') || is_at(t, '\''))
		return take_string(t, ret);
	while (t->p < t->end && is_bare(*t->p))
		t->p++;
	if (t->p == start)
		return wrong(t, "a key was expected");
	*ret = xstrndup(start, (size_t)(t->p - start));
	return 0;
}

/* a.b."c": the last part is the key, what is before it joins @prefix. */
static int take_key(struct toml *t, const char *prefix, char **ret_table, char **ret_key)
{
	auto_sbuf struct sbuf table = { 0 };
	auto_free char *part = NULL;
	int r;

	sbuf_adds(&table, prefix);
	for (;;) {
		free(take_ptr(&part));
		skip_blanks(t);
		r = take_key_part(t, &part);
		if (r < 0)
			return r;
		skip_blanks(t);
		if (!take(t, '.'))
			break;
		if (table.len)
			sbuf_addc(&table, '.');
		sbuf_adds(&table, part);
	}
	*ret_table = sbuf_take(&table);
	*ret_key = take_ptr(&part);
	return 0;
}

static int take_array(struct toml *t, char ***ret)
{
	auto_strv char **v = NULL;

	t->p++;
	for (;;) {
		char *s = NULL;
		int r;

		skip_space(t);
		if (take(t, ']'))
			break;
		if (!is_at(t, '"') && !is_at(t, '\''))
			return wrong(t, "arrays of anything but strings are not supported here");
		r = take_string(t, &s);
		if (r < 0)
			return r;
		strv_add_take(&v, s);
		skip_space(t);
		if (!take(t, ',') && !is_at(t, ']'))
			return wrong(t, "a comma was expected");
	}
	*ret = take_ptr(&v);
	return 0;
}

static int take_word(struct toml *t, struct toml_value *v)
{
	const char *start = t->p;
	auto_free char *word = NULL;

	while (t->p < t->end && (is_bare(*t->p) || *t->p == '+'))
		t->p++;
	word = xstrndup(start, (size_t)(t->p - start));
	v->truth = !strcmp(word, "true");
	if (v->truth || !strcmp(word, "false")) {
		v->kind = TOML_BOOL;
		return 0;
	}
	v->kind = TOML_INT;
	return str_to_i64(word, &v->number) < 0 ? wrong(t, "this kind of value is not supported here") : 0;
}

static int take_value(struct toml *t, struct toml_value *v)
{
	skip_blanks(t);
	if (is_at(t, '"') || is_at(t, '\'')) {
		v->kind = TOML_STRING;
		return take_string(t, &v->string);
	}
	if (is_at(t, '[')) {
		v->kind = TOML_STRINGS;
		return take_array(t, &v->strings);
	}
	return take_word(t, v);
}

/* [table] or [[array of tables]]. */
static int take_head(struct toml *t, toml_handler *handle, void *ctx)
{
	auto_free char *parent = NULL, *name = NULL;
	bool is_array;
	int r;

	t->p++;
	is_array = take(t, '[');
	r = take_key(t, "", &parent, &name);
	if (r < 0)
		return r;
	if (!take(t, ']') || (is_array && !take(t, ']')))
		return wrong(t, "a bracket was expected");
	free(t->table);
	t->table = xasprintf("%s%s%s", parent, *parent ? "." : "", name);
	r = handle(ctx, t->table, NULL, NULL, t->e);
	return r < 0 ? err_wrap(t->e, r, "line %zu", t->line) : end_line(t);
}

static int take_pair(struct toml *t, toml_handler *handle, void *ctx)
{
	auto_free char *table = NULL, *key = NULL;
	struct toml_value v = { 0 };
	int r = take_key(t, t->table, &table, &key);

	if (r < 0)
		return r;
	if (!take(t, '='))
		return wrong(t, "an equals sign was expected");
	r = take_value(t, &v);
	if (r == 0) {
		r = handle(ctx, table, key, &v, t->e);
		r = r < 0 ? err_wrap(t->e, r, "line %zu", t->line) : end_line(t);
	}
	free(v.string);
	strv_free(v.strings);
	return r;
}

/**
 * toml_parse() - Read a document
 * @buf:	Its bytes
 * @len:	How many
 * @handle:	Called for what is in it, in its order
 * @ctx:	First argument of @handle
 * @e:		Failure
 *
 * Return: 0, -EINVAL, or what @handle returned
 */
int toml_parse(const char *buf, size_t len, toml_handler *handle, void *ctx, struct err *e)
{
	struct toml t = { .p = buf, .end = buf + len, .line = 1, .table = xstrdup(""), .e = e };
	int r = 0;

	for (skip_space(&t); r == 0 && t.p < t.end; skip_space(&t))
		r = is_at(&t, '[') ? take_head(&t, handle, ctx) : take_pair(&t, handle, ctx);
	free(t.table);
	return r;
}
