/* SPDX-License-Identifier: Apache-2.0 */
/* Go's built-in functions and docker's, as a table. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/format/template_int.h"
#include "lib/oci/json.h"

static int want_str(struct run *r, const struct value *v)
{
	return v->kind == VALUE_STR ? 0 : run_fail(r, "wrong type for value; expected string; got %s", value_type(v));
}

static int want_int(struct run *r, const struct value *v)
{
	return v->kind == VALUE_INT ? 0 : run_fail(r, "wrong type for value; expected int; got %s", value_type(v));
}

static int f_not(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	(void)r;
	(void)n;
	*ret = value_bool(!value_is_true(&a[0]));
	return 0;
}

static int f_len(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	(void)n;
	switch (a[0].kind) {
	case VALUE_STR:
		*ret = value_int((int64_t)a[0].len);
		return 0;
	case VALUE_JSON:
		*ret = value_int((int64_t)json_len(a[0].j));
		return 0;
	case VALUE_NIL: /* docker's empty list or map */
		*ret = value_int(0);
		return 0;
	case VALUE_NONE:
		return run_fail(r, "reflect: call of reflect.Value.Type on zero Value");
	default:
		return run_fail(r, "len of type %s", value_type(&a[0]));
	}
}

/* One step of index. A key that is not there gives "", which is the nothing of docker's maps of strings (labels). */
static int index_one(struct run *r, const struct value *v, const struct value *key, struct value *ret)
{
	if (v->kind == VALUE_NONE)
		return run_fail(r, "index of untyped nil");
	if (v->kind == VALUE_JSON && json_kind(v->j) == JSON_OBJECT) {
		if (key->kind != VALUE_STR)
			return run_fail(r, "value has type %s; should be string", value_type(key));
		if (!value_member(v->j, key->s, key->len, ret))
			*ret = value_str("", 0);
		return 0;
	}
	if (v->kind == VALUE_NIL && key->kind == VALUE_STR) {
		*ret = value_str("", 0);
		return 0;
	}
	if (v->kind != VALUE_JSON && v->kind != VALUE_STR && v->kind != VALUE_NIL)
		return run_fail(r, "can't index item of type %s", value_type(v));
	if (key->kind != VALUE_INT)
		return run_fail(r, "cannot index slice/array with type %s", value_type(key));
	if (key->i < 0 || (uint64_t)key->i >= (v->kind == VALUE_STR   ? v->len
					       : v->kind == VALUE_NIL ? 0
								      : json_len(v->j)))
		return run_fail(r, "index out of range: %lld", (long long)key->i);
	if (v->kind == VALUE_STR)
		*ret = value_int((unsigned char)v->s[key->i]);
	else
		*ret = value_of_json(json_item(v->j, (size_t)key->i), NULL);
	return 0;
}

static int f_index(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	struct value v = a[0];
	int e = 0;

	for (size_t i = 1; e == 0 && i < n; i++) {
		struct value next = { 0 };

		e = index_one(r, &v, &a[i], &next);
		v = next;
	}
	*ret = v;
	return e;
}

static int f_slice(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	bool is_array = a[0].kind == VALUE_JSON && json_kind(a[0].j) == JSON_ARRAY;
	size_t len = is_array ? json_len(a[0].j) : a[0].len, bounds[2] = { 0, len };
	struct json *part;

	if (!is_array && a[0].kind != VALUE_STR)
		return run_fail(r, "can't slice item of type %s", value_type(&a[0]));
	for (size_t i = 1; i < n; i++) {
		if (want_int(r, &a[i]) < 0)
			return -EINVAL;
		if (a[i].i < 0 || (uint64_t)a[i].i > len)
			return run_fail(r, "index out of range: %lld", (long long)a[i].i);
		if (i < 3)
			bounds[i - 1] = (size_t)a[i].i;
	}
	if (bounds[0] > bounds[1])
		return run_fail(r, "invalid slice index: %zu > %zu", bounds[0], bounds[1]);
	if (!is_array) {
		*ret = value_str(a[0].s + bounds[0], bounds[1] - bounds[0]);
		return 0;
	}
	part = json_new_array();
	for (size_t i = bounds[0]; i < bounds[1]; i++)
		json_add(part, json_share(json_item(a[0].j, i)));
	*ret = (struct value) { .kind = VALUE_JSON, .j = run_own(r, part) };
	return 0;
}

/* Go puts a blank between two neighbours of which none is a string (print), or between all (println). */
static int print_all(struct run *r, const struct value *a, size_t n, bool line, struct value *ret)
{
	auto_sbuf struct sbuf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (i && (line || (a[i].kind != VALUE_STR && a[i - 1].kind != VALUE_STR)))
			sbuf_addc(&b, ' ');
		if (a[i].kind == VALUE_NONE)
			sbuf_adds(&b, "<nil>");
		else
			value_print(&b, &a[i]);
	}
	if (line)
		sbuf_addc(&b, '\n');
	return run_take(r, &b, ret);
}

static int f_print(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	return print_all(r, a, n, false, ret);
}

static int f_println(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	return print_all(r, a, n, true, ret);
}

static int f_printf(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	auto_sbuf struct sbuf b = { 0 };
	int e = want_str(r, &a[0]);

	if (e == 0)
		e = value_printf(r, &a[0], a + 1, n - 1, &b);
	return e < 0 ? e : run_take(r, &b, ret);
}

/* The sorts of Go's comparison functions. */
static bool is_comparable(const struct value *v)
{
	return v->kind == VALUE_BOOL || v->kind == VALUE_INT || v->kind == VALUE_FLOAT || v->kind == VALUE_STR;
}

/* Return: 1 equal, 0 not, negative errno. */
static int is_equal(struct run *r, const struct value *a, const struct value *b)
{
	bool a_nil = a->kind == VALUE_NIL || a->kind == VALUE_NONE,
	     b_nil = b->kind == VALUE_NIL || b->kind == VALUE_NONE;

	if (a_nil || b_nil)
		return a_nil && b_nil;
	if (!is_comparable(a) || !is_comparable(b))
		return run_fail(r, "non-comparable type %s", value_type(is_comparable(a) ? b : a));
	if (a->kind != b->kind)
		return run_fail(r, "incompatible types for comparison");
	switch (a->kind) {
	case VALUE_BOOL:
		return a->b == b->b;
	case VALUE_INT:
		return a->i == b->i;
	case VALUE_FLOAT:
		return fpclassify(a->f - b->f) == FP_ZERO;
	default:
		return a->len == b->len && !memcmp(a->s, b->s, a->len);
	}
}

static int f_eq(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	int same = 0;

	if (n < 2)
		return run_fail(r, "missing argument for comparison");
	for (size_t i = 1; i < n && same == 0; i++)
		same = is_equal(r, &a[0], &a[i]);
	*ret = value_bool(same > 0);
	return same < 0 ? same : 0;
}

static int f_ne(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	int same = is_equal(r, &a[0], &a[1]);

	(void)n;
	*ret = value_bool(same == 0);
	return same < 0 ? same : 0;
}

/* -1, 0, 1 in *@ret. */
static int compare(struct run *r, const struct value *a, const struct value *b, int *ret)
{
	size_t shorter = a->len < b->len ? a->len : b->len;

	if (!is_comparable(a) || !is_comparable(b) || a->kind == VALUE_BOOL)
		return run_fail(r, "invalid type for comparison");
	if (a->kind != b->kind)
		return run_fail(r, "incompatible types for comparison");
	if (a->kind == VALUE_INT) {
		*ret = (a->i > b->i) - (a->i < b->i);
	} else if (a->kind == VALUE_FLOAT) {
		*ret = (a->f > b->f) - (a->f < b->f);
	} else {
		*ret = shorter ? memcmp(a->s, b->s, shorter) : 0;
		if (*ret == 0)
			*ret = (a->len > b->len) - (a->len < b->len);
	}
	return 0;
}

static int f_lt(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	int c = 0, e = compare(r, &a[0], &a[1], &c);

	(void)n;
	*ret = value_bool(c < 0);
	return e;
}

static int f_le(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	int c = 0, e = compare(r, &a[0], &a[1], &c);

	(void)n;
	*ret = value_bool(c <= 0);
	return e;
}

static int f_gt(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	int c = 0, e = compare(r, &a[0], &a[1], &c);

	(void)n;
	*ret = value_bool(c > 0);
	return e;
}

static int f_ge(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	int c = 0, e = compare(r, &a[0], &a[1], &c);

	(void)n;
	*ret = value_bool(c >= 0);
	return e;
}

static int f_json(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	auto_sbuf struct sbuf b = { 0 };

	(void)n;
	if (a[0].kind == VALUE_JSON) {
		json_write(&b, a[0].j, false);
	} else if (a[0].kind == VALUE_STR) {
		json_quote(&b, a[0].s, a[0].len);
	} else if (a[0].kind == VALUE_NIL || a[0].kind == VALUE_NONE) {
		sbuf_adds(&b, "null");
	} else {
		value_print(&b, &a[0]);
	}
	return run_take(r, &b, ret);
}

static int f_split(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	const char *p, *hit, *end;
	struct json *list;

	(void)n;
	if (want_str(r, &a[0]) < 0 || want_str(r, &a[1]) < 0)
		return -EINVAL;
	p = a[0].s;
	end = p + a[0].len;
	list = json_new_array();
	while ((hit = a[1].len ? memmem(p, (size_t)(end - p), a[1].s, a[1].len) : p < end ? p + 1 : NULL)) {
		while (!a[1].len && hit < end && ((unsigned char)*hit & 0xc0) == 0x80)
			hit++; /* an empty separator splits between characters */
		if (!a[1].len && hit >= end)
			break;
		auto_free char *part = xstrndup(p, (size_t)(hit - p));

		json_add_str(list, part);
		p = hit + a[1].len;
	}
	auto_free char *rest = xstrndup(p, (size_t)(end - p));

	if (a[1].len || p < end)
		json_add_str(list, rest);
	*ret = (struct value) { .kind = VALUE_JSON, .j = run_own(r, list) };
	return 0;
}

static int f_join(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	auto_sbuf struct sbuf b = { 0 };

	(void)n;
	if (want_str(r, &a[1]) < 0)
		return -EINVAL;
	if (a[0].kind != VALUE_NIL && (a[0].kind != VALUE_JSON || json_kind(a[0].j) != JSON_ARRAY))
		return run_fail(r, "wrong type for value; expected []string; got %s", value_type(&a[0]));
	for (size_t i = 0; a[0].kind == VALUE_JSON && i < json_len(a[0].j); i++) {
		struct value v = value_of_json(json_item(a[0].j, i), NULL);

		if (i)
			sbuf_add(&b, a[1].s, a[1].len);
		value_print(&b, &v);
		if (b.len > TEMPLATE_MAX_MEMORY)
			return run_fail(r, "too much memory");
	}
	return run_take(r, &b, ret);
}

enum letters { LOWER, UPPER, TITLE };

static int change_case(struct run *r, const struct value *v, enum letters how, struct value *ret)
{
	bool starts = true;
	char *s;

	if (want_str(r, v) < 0)
		return -EINVAL;
	s = run_alloc(r, v->len);
	if (!s)
		return -E2BIG;
	for (size_t i = 0; i < v->len; i++) {
		unsigned char c = (unsigned char)v->s[i];

		s[i] = (char)(c >= 0x80	     ? c
			      : how == LOWER ? tolower(c)
			      : how == UPPER ? toupper(c)
			      : starts	     ? toupper(c)
					     : c);
		starts = !isalnum(c) && c != '_' && c != '\'' && c < 0x80;
	}
	*ret = value_str(s, v->len);
	return 0;
}

static int f_lower(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	(void)n;
	return change_case(r, &a[0], LOWER, ret);
}

static int f_upper(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	(void)n;
	return change_case(r, &a[0], UPPER, ret);
}

static int f_title(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	(void)n;
	return change_case(r, &a[0], TITLE, ret);
}

static int f_truncate(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	size_t len;

	(void)n;
	if (want_str(r, &a[0]) < 0 || want_int(r, &a[1]) < 0)
		return -EINVAL;
	if (a[1].i < 0)
		return run_fail(r, "slice bounds out of range");
	len = (uint64_t)a[1].i < a[0].len ? (size_t)a[1].i : a[0].len;
	/* Docker cuts through characters; we do not. */
	while (len > 0 && len < a[0].len && ((unsigned char)a[0].s[len] & 0xc0) == 0x80)
		len--;
	*ret = value_str(a[0].s, len);
	return 0;
}

static int f_pad(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	auto_sbuf struct sbuf b = { 0 };

	(void)n;
	if (want_str(r, &a[0]) < 0 || want_int(r, &a[1]) < 0 || want_int(r, &a[2]) < 0)
		return -EINVAL;
	if (a[1].i < 0 || a[2].i < 0 || a[1].i > TEMPLATE_MAX_WIDTH || a[2].i > TEMPLATE_MAX_WIDTH)
		return run_fail(r, "too many blanks");
	if (a[0].len) {
		sbuf_printf(&b, "%*s", (int)a[1].i, "");
		sbuf_add(&b, a[0].s, a[0].len);
		sbuf_printf(&b, "%*s", (int)a[2].i, "");
	}
	return run_take(r, &b, ret);
}

static int escape_all(struct run *r, const struct value *a, size_t n, bool url, struct value *ret)
{
	auto_sbuf struct sbuf b = { 0 };
	struct value text = { 0 };
	int e = print_all(r, a, n, false, &text);

	for (size_t i = 0; e == 0 && i < text.len; i++) {
		unsigned char c = (unsigned char)text.s[i];

		if (url && ((isalnum(c) && c < 0x80) || (c && strchr("-_.~ ", c))))
			sbuf_addc(&b, c == ' ' ? '+' : (char)c);
		else if (url)
			sbuf_printf(&b, "%%%02X", c);
		else if (c == '&')
			sbuf_adds(&b, "&amp;");
		else if (c == '<' || c == '>')
			sbuf_adds(&b, c == '<' ? "&lt;" : "&gt;");
		else if (c == '"' || c == '\'')
			sbuf_adds(&b, c == '"' ? "&#34;" : "&#39;");
		else
			sbuf_addc(&b, (char)c);
	}
	return e < 0 ? e : run_take(r, &b, ret);
}

static int f_html(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	return escape_all(r, a, n, false, ret);
}

static int f_urlquery(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	return escape_all(r, a, n, true, ret);
}

/* For a string in JavaScript. */
static int f_js(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	auto_sbuf struct sbuf b = { 0 };
	struct value text = { 0 };
	int e = print_all(r, a, n, false, &text);

	for (size_t i = 0; e == 0 && i < text.len; i++) {
		unsigned char c = (unsigned char)text.s[i];

		if (c && strchr("\\'\"", c))
			sbuf_printf(&b, "\\%c", c);
		else if (c < 0x20 || strchr("<>&=", c))
			sbuf_printf(&b, "\\u%04X", c);
		else
			sbuf_addc(&b, (char)c);
	}
	return e < 0 ? e : run_take(r, &b, ret);
}

static int f_quote(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	auto_sbuf struct sbuf b = { 0 };

	(void)n;
	if (want_str(r, &a[0]) < 0)
		return -EINVAL;
	value_quote(&b, a[0].s, a[0].len);
	return run_take(r, &b, ret);
}

static int f_call(struct run *r, const struct value *a, size_t n, struct value *ret)
{
	(void)n;
	(void)ret;
	return run_fail(r, "non-function of type %s", value_type(&a[0]));
}

static const struct function functions[] = {
	{ "and", 1, -1, false, NULL },
	{ "or", 1, -1, false, NULL },
	{ "not", 1, 1, false, f_not },
	{ "len", 1, 1, false, f_len },
	{ "index", 1, -1, false, f_index },
	{ "slice", 1, 4, false, f_slice },
	{ "print", 0, -1, false, f_print },
	{ "println", 0, -1, false, f_println },
	{ "printf", 1, -1, false, f_printf },
	{ "eq", 1, -1, false, f_eq },
	{ "ne", 2, 2, false, f_ne },
	{ "lt", 2, 2, false, f_lt },
	{ "le", 2, 2, false, f_le },
	{ "gt", 2, 2, false, f_gt },
	{ "ge", 2, 2, false, f_ge },
	{ "json", 1, 1, true, f_json },
	{ "split", 2, 2, true, f_split },
	{ "join", 2, 2, true, f_join },
	{ "lower", 1, 1, true, f_lower },
	{ "upper", 1, 1, true, f_upper },
	{ "title", 1, 1, true, f_title },
	{ "truncate", 2, 2, true, f_truncate },
	{ "pad", 3, 3, false, f_pad },
	{ "html", 1, -1, false, f_html },
	{ "urlquery", 1, -1, false, f_urlquery },
	{ "js", 1, -1, false, f_js },
	{ "quote", 1, 1, true, f_quote },
	{ "call", 1, -1, false, f_call },
};

/**
 * function_find() - Look a function up
 * @name:	Name
 * @len:	Its length
 *
 * Return: the function, or NULL
 */
const struct function *function_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strlen(functions[i].name) == len && !memcmp(functions[i].name, name, len))
			return &functions[i];
	return NULL;
}
