/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/oci/json_int.h"
#include "lib/oci/kv.h"

/* json-c answers NULL or -1 only when memory is gone; then there is nothing left to do, as in lib/base/str.c. */
static json_object *checked(json_object *o)
{
	if (!o)
		xmalloc(SIZE_MAX / 2);
	return o;
}

/**
 * json_new_object() - An empty object
 *
 * Return: owned value
 */
struct json *json_new_object(void)
{
	return wrap(checked(json_object_new_object()));
}

/**
 * json_new_array() - An empty array
 *
 * Return: owned value
 */
struct json *json_new_array(void)
{
	return wrap(checked(json_object_new_array()));
}

/**
 * json_new_str() - A string
 * @s:	Text; NULL makes null
 *
 * Return: owned value
 */
struct json *json_new_str(const char *s)
{
	return s ? wrap(checked(json_object_new_string(s))) : NULL;
}

/**
 * json_new_i64() - A whole number
 * @v:	The number
 *
 * Return: owned value
 */
struct json *json_new_i64(int64_t v)
{
	return wrap(checked(json_object_new_int64(v)));
}

/**
 * json_new_double() - A number
 * @v:	The number
 *
 * Return: owned value
 */
struct json *json_new_double(double v)
{
	/* Go prints 1000.0 as 1000. */
	if (v >= -9007199254740992.0 && v <= 9007199254740992.0 && v == (double)(int64_t)v)
		return json_new_i64((int64_t)v);
	return wrap(checked(json_object_new_double(v)));
}

/**
 * json_new_bool() - A truth value
 * @v:	The value
 *
 * Return: owned value
 */
struct json *json_new_bool(bool v)
{
	return wrap(checked(json_object_new_boolean(v)));
}

/**
 * json_share() - Become another owner of a part of a document
 * @j:	Value or NULL
 *
 * Return: the same value, owned
 */
struct json *json_share(const struct json *j)
{
	return wrap(json_object_get(raw(j)));
}

/**
 * json_dup() - Copy a value and everything in it
 * @j:	Value or NULL
 *
 * Return: owned copy
 */
struct json *json_dup(const struct json *j)
{
	json_object *copy = NULL;

	if (j && json_object_deep_copy(raw(j), &copy, NULL) < 0)
		checked(NULL);
	return wrap(copy);
}

/**
 * json_set() - Add or replace a member
 * @obj:	Object
 * @key:	Its name
 * @value:	Owned by @obj afterwards; NULL is null
 */
void json_set(struct json *obj, const char *key, struct json *value)
{
	if (json_object_object_add(raw(obj), key, raw(value)) < 0)
		checked(NULL);
}

/**
 * json_set_str() - Add or replace a string
 * @obj:	Object
 * @key:	Its name
 * @s:		Text; NULL writes null
 */
void json_set_str(struct json *obj, const char *key, const char *s)
{
	json_set(obj, key, json_new_str(s));
}

/**
 * json_set_i64() - Add or replace a whole number
 * @obj:	Object
 * @key:	Its name
 * @v:		The number
 */
void json_set_i64(struct json *obj, const char *key, int64_t v)
{
	json_set(obj, key, json_new_i64(v));
}

/**
 * json_set_double() - Add or replace a number
 * @obj:	Object
 * @key:	Its name
 * @v:		The number
 */
void json_set_double(struct json *obj, const char *key, double v)
{
	json_set(obj, key, json_new_double(v));
}

/**
 * json_set_bool() - Add or replace a truth value
 * @obj:	Object
 * @key:	Its name
 * @v:		The value
 */
void json_set_bool(struct json *obj, const char *key, bool v)
{
	json_set(obj, key, json_new_bool(v));
}

/**
 * json_set_null() - Add or replace with null
 * @obj:	Object
 * @key:	Its name
 */
void json_set_null(struct json *obj, const char *key)
{
	json_set(obj, key, NULL);
}

/**
 * json_set_strv() - Add or replace an array of strings
 * @obj:	Object
 * @key:	Its name
 * @v:		Strings; NULL writes []
 */
void json_set_strv(struct json *obj, const char *key, char *const *v)
{
	struct json *arr = json_set_array(obj, key);

	for (; v && *v; v++)
		json_add_str(arr, *v);
}

/**
 * json_set_strv_or_null() - Add or replace an array of strings
 * @obj:	Object
 * @key:	Its name
 * @v:		Strings; NULL writes null
 */
void json_set_strv_or_null(struct json *obj, const char *key, char *const *v)
{
	if (v)
		json_set_strv(obj, key, v);
	else
		json_set_null(obj, key);
}

/**
 * json_set_map() - Add or replace an object of strings, sorted by key as Go prints maps
 * @obj:	Object
 * @key:	Its name
 * @kv:		String map; NULL writes {}
 */
void json_set_map(struct json *obj, const char *key, char *const *kv)
{
	struct json *map = json_set_object(obj, key);
	auto_strv char **sorted = strv_dup(kv);

	kv_sort(sorted);
	KV_EACH(sorted, i)
		json_set_str(map, sorted[i], sorted[i + 1]);
}

/**
 * json_del() - Remove a member
 * @obj:	Object
 * @key:	Its name; nothing happens when it is not there
 */
void json_del(struct json *obj, const char *key)
{
	json_object_object_del(raw(obj), key);
}

/**
 * json_set_object() - Add or replace with an empty object
 * @obj:	Object
 * @key:	Its name
 *
 * Return: the member, borrowed
 */
struct json *json_set_object(struct json *obj, const char *key)
{
	struct json *member = json_new_object();

	json_set(obj, key, member);
	return member;
}

/**
 * json_set_array() - Add or replace with an empty array
 * @obj:	Object
 * @key:	Its name
 *
 * Return: the member, borrowed
 */
struct json *json_set_array(struct json *obj, const char *key)
{
	struct json *member = json_new_array();

	json_set(obj, key, member);
	return member;
}

/**
 * json_add() - Append to an array
 * @arr:	Array
 * @value:	Owned by @arr afterwards; NULL is null
 */
void json_add(struct json *arr, struct json *value)
{
	if (json_object_array_add(raw(arr), raw(value)) < 0)
		checked(NULL);
}

/**
 * json_add_str() - Append a string
 * @arr:	Array
 * @s:		Text; NULL is null
 */
void json_add_str(struct json *arr, const char *s)
{
	json_add(arr, json_new_str(s));
}

/**
 * json_add_i64() - Append a whole number
 * @arr:	Array
 * @v:		The number
 */
void json_add_i64(struct json *arr, int64_t v)
{
	json_add(arr, json_new_i64(v));
}

/**
 * json_add_object() - Append an empty object
 * @arr:	Array
 *
 * Return: the new member, borrowed
 */
struct json *json_add_object(struct json *arr)
{
	struct json *member = json_new_object();

	json_add(arr, member);
	return member;
}

/**
 * json_utf8_len() - Measure the character at the start of some bytes
 * @p:		Bytes
 * @len:	How many, at least one
 *
 * Return: bytes of the character, or 0 when it is not well-formed UTF-8
 */
size_t json_utf8_len(const char *p, size_t len)
{
	const unsigned char *s = (const unsigned char *)p;

	static const struct {
		unsigned char first, last, second_min, second_max, n;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		if (len < forms[i].n || s[1] < forms[i].second_min || s[1] > forms[i].second_max)
			return 0;
		for (size_t k = 2; k < forms[i].n; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].n;
	}
	return 0;
}

/* One character that cannot stand as it is. Return: how many bytes of @s it was. */
static size_t quote_special(struct sbuf *b, const char *s, size_t len)
{
	static const char letters[] = "\b\f\n\r\t\"\\", escapes[] = "bfnrt\"\\";
	const char *letter = *s ? strchr(letters, *s) : NULL;
	size_t n;

	if (letter) {
		sbuf_addc(b, '\\');
		sbuf_addc(b, escapes[letter - letters]);
		return 1;
	}
	if ((unsigned char)*s < 0x20) {
		sbuf_printf(b, "\\u%04x", (unsigned char)*s);
		return 1;
	}
	n = json_utf8_len(s, len);
	if (n == 0)
		sbuf_adds(b, "\\ufffd");
	else if (n == 3 && (!memcmp(s, "\xe2\x80\xa8", 3) || !memcmp(s, "\xe2\x80\xa9", 3)))
		sbuf_printf(b, "\\u202%c", s[2] == '\xa8' ? '8' : '9'); /* line ends for JavaScript; Go escapes them */
	else
		sbuf_add(b, s, n);
	return n ? n : 1;
}

/**
 * json_quote() - Append one JSON string, escaped as Go escapes it
 * @b:		Where to
 * @s:		Bytes
 * @len:	How many
 */
void json_quote(struct sbuf *b, const char *s, size_t len)
{
	size_t plain = 0, i = 0;

	sbuf_addc(b, '"');
	while (i < len) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
			i++;
			continue;
		}
		sbuf_add(b, s + plain, i - plain);
		i += quote_special(b, s + i, len - i);
		plain = i;
	}
	sbuf_add(b, s + plain, len - plain);
	sbuf_addc(b, '"');
}

static void newline(struct sbuf *b, unsigned depth)
{
	sbuf_addc(b, '\n');
	for (unsigned i = 0; i < depth; i++)
		sbuf_add(b, "    ", 4);
}

static void write_value(struct sbuf *b, json_object *o, bool pretty, unsigned depth);

static void write_object(struct sbuf *b, json_object *o, bool pretty, unsigned depth)
{
	bool first = true;

	sbuf_addc(b, '{');
	for (struct lh_entry *m = json_object_get_object(o)->head; m; m = m->next) {
		const char *key = m->k;

		if (!first)
			sbuf_addc(b, ',');
		if (pretty)
			newline(b, depth + 1);
		json_quote(b, key, strlen(key));
		sbuf_add(b, ": ", pretty ? 2 : 1);
		write_value(b, (json_object *)(uintptr_t)m->v, pretty, depth + 1);
		first = false;
	}
	if (pretty && !first)
		newline(b, depth);
	sbuf_addc(b, '}');
}

static void write_array(struct sbuf *b, json_object *o, bool pretty, unsigned depth)
{
	size_t n = json_object_array_length(o);

	sbuf_addc(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			sbuf_addc(b, ',');
		if (pretty)
			newline(b, depth + 1);
		write_value(b, json_object_array_get_idx(o, i), pretty, depth + 1);
	}
	if (pretty && n)
		newline(b, depth);
	sbuf_addc(b, ']');
}

static void write_value(struct sbuf *b, json_object *o, bool pretty, unsigned depth)
{
	switch (json_object_get_type(o)) {
	case json_type_object:
		write_object(b, o, pretty, depth);
		break;
	case json_type_array:
		write_array(b, o, pretty, depth);
		break;
	case json_type_string:
		json_quote(b, json_object_get_string(o), (size_t)json_object_get_string_len(o));
		break;
	case json_type_null:
	case json_type_boolean:
	case json_type_int:
	case json_type_double:
		sbuf_adds(b, o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN) : "null");
		break;
	}
}

/**
 * json_write() - Append a value's text
 * @b:		Where to
 * @j:		Value; NULL is null
 * @pretty:	With lines and indentation, else compact
 */
void json_write(struct sbuf *b, const struct json *j, bool pretty)
{
	write_value(b, raw(j), pretty, 0);
}

/**
 * json_compact() - The text of a value, without white space
 * @j:	Value; NULL is null
 *
 * Return: owned text
 */
char *json_compact(const struct json *j)
{
	struct sbuf b = { 0 };

	json_write(&b, j, false);
	return sbuf_take(&b);
}

/**
 * json_pretty() - The text of a value as docker inspect prints it, without a newline at its end
 * @j:	Value; NULL is null
 *
 * Return: owned text
 */
char *json_pretty(const struct json *j)
{
	struct sbuf b = { 0 };

	json_write(&b, j, true);
	return sbuf_take(&b);
}
