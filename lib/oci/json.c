/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/json_int.h"

/*
 * Theory of operation: json-c parses, json_write.c serialises, because docker's output (four spaces, no escaped
 * slashes) is not among json-c's formats.
 *
 * json-c's strict mode still takes NaN, 'x', control characters and overlong UTF-8, lets the last of two equal keys win
 * and cuts keys at a NUL. All of that would let one document mean two things to two readers, so check_tokens() goes
 * over the text first. It also counts the colons: where the tree has fewer members than that, a key was there twice.
 */

#define HINT_SIZE (1U << 28) /* no caller allows more, and json-c counts in int */

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* Behind the number at @p, or NULL where it is none by RFC 8259. */
static const char *skip_number(const char *p, const char *end)
{
	const char *digits;

	p += *p == '-';
	digits = p;
	p = skip_digits(p, end);
	if (p == digits || (*digits == '0' && p > digits + 1))
		return NULL;
	if (p < end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		digits = p;
		p = skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	return p;
}

/* Behind the string whose quote is at @p, or NULL for a control character, an escaped NUL, or what is not UTF-8. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if ((unsigned char)*p >= 0x80) {
			size_t n = json_utf8_len(p, (size_t)(end - p));

			if (!n)
				return NULL;
			p += n - 1;
		}
		if (*p != '\\')
			continue;
		if (end - p > 5 && !memcmp(p + 1, "u0000", 5))
			return NULL;
		p++;
	}
	return p < end ? p + 1 : end;
}

static const char *skip_word(const char *p, const char *end)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(end - p) >= n && !memcmp(p, words[i], n))
			return p + n;
	}
	return NULL;
}

/* The tokens of the text by RFC 8259. Return: NULL, or where the first wrong one is. */
static const char *check_tokens(const char *p, const char *end, size_t *ret_members)
{
	size_t members = 0;

	while (p < end) {
		const char *next = p + 1;

		if (*p == '"')
			next = skip_string(p, end);
		else if (*p == '-' || (*p >= '0' && *p <= '9'))
			next = skip_number(p, end);
		else if (*p >= 'a' && *p <= 'z')
			next = skip_word(p, end);
		else if (*p == ':')
			members++;
		else if (!*p || !strchr(" \t\n\r{}[],", *p))
			next = NULL;
		if (!next)
			return p;
		p = next;
	}
	*ret_members = members;
	return NULL;
}

static size_t count_members(json_object *o)
{
	size_t n = 0;

	if (json_object_is_type(o, json_type_object)) {
		for (struct lh_entry *m = json_object_get_object(o)->head; m; m = m->next)
			n += 1 + count_members((json_object *)(uintptr_t)m->v);
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			n += count_members(json_object_array_get_idx(o, i));
	}
	return n;
}

static int refuse(struct err *e, const char *why)
{
	return err_say(e, EINVAL, "invalid JSON: %s", why);
}

/* White space may follow the value, nothing else. */
static bool is_blank(const char *p, const char *end)
{
	for (; p < end; p++)
		if (*p != ' ' && *p != '\t' && *p != '\n' && *p != '\r')
			return false;
	return true;
}

/**
 * json_parse() - Read one JSON value that is the whole text
 * @buf:	Text, not necessarily with a NUL behind it
 * @len:	Its length
 * @ret:	The value; NULL for null
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int json_parse(const char *buf, size_t len, struct json **ret, struct err *e)
{
	enum json_tokener_error why;
	const char *wrong;
	size_t members, used;
	json_tokener *tok;
	json_object *o;

	if (len >= HINT_SIZE)
		return err_say(e, E2BIG, "JSON larger than %u bytes", HINT_SIZE);
	wrong = check_tokens(buf, buf + len, &members);
	if (wrong)
		return err_say(e, EINVAL, "invalid JSON at byte %zu", (size_t)(wrong - buf));
	tok = json_tokener_new_ex(JSON_MAX_DEPTH);
	if (!tok)
		return err_set(e, ENOMEM, "parse JSON");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	o = json_tokener_parse_ex(tok, buf, (int)len);
	why = json_tokener_get_error(tok);
	used = json_tokener_get_parse_end(tok);
	/* A number or literal at the very end may go on, for all that json-c knows; an end of text ends it. */
	if (why == json_tokener_continue && used == len) {
		o = json_tokener_parse_ex(tok, "", 1);
		why = json_tokener_get_error(tok);
	}
	json_tokener_free(tok);
	if (why != json_tokener_success)
		return err_say(e, EINVAL, "invalid JSON: %s at byte %zu",
			       why == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(why), used);
	if (!is_blank(buf + used, buf + len) || count_members(o) != members) {
		json_object_put(o);
		return refuse(e, used < len && !is_blank(buf + used, buf + len) ? "text behind its end"
										: "a key is there twice");
	}
	*ret = wrap(o);
	return 0;
}

/**
 * json_parse_file() - Read and parse a file
 * @dirfd:	Where a relative path starts
 * @path:	The file
 * @max:	Bytes at most
 * @ret:	The value
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -E2BIG, -EINVAL or negative errno
 */
int json_parse_file(int dirfd, const char *path, size_t max, struct json **ret, struct err *e)
{
	auto_free char *buf = NULL;
	size_t len;
	int r;

	r = fs_read_file(dirfd, path, max, &buf, &len, e);
	if (r < 0)
		return r;
	r = json_parse(buf, len, ret, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

/**
 * json_free() - Give up a value
 * @j:	Value or NULL
 */
void json_free(struct json *j)
{
	json_object_put(raw(j));
}

/**
 * json_freep() - json_free() for auto_json; disarms
 * @j:	Address of the value
 */
void json_freep(struct json **j)
{
	int saved = errno;

	json_free(*j);
	*j = NULL;
	errno = saved;
}

/**
 * json_wipe() - Overwrite every string in a value
 * @j:	Value or NULL; strings are empty afterwards
 */
void json_wipe(struct json *j)
{
	json_object *o = raw(j);

	if (json_object_is_type(o, json_type_string)) {
		/* json-c has no other way to its own copy; the length stays, so that nothing is allocated anew. */
		explicit_bzero((char *)(uintptr_t)json_object_get_string(o), (size_t)json_object_get_string_len(o));
	} else if (json_object_is_type(o, json_type_object)) {
		for (struct lh_entry *m = json_object_get_object(o)->head; m; m = m->next)
			json_wipe((struct json *)(uintptr_t)m->v);
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			json_wipe(wrap(json_object_array_get_idx(o, i)));
	}
}

/**
 * json_kind() - The type of a value
 * @j:	Value or NULL
 *
 * Return: its type; JSON_NULL for NULL
 */
enum json_kind json_kind(const struct json *j)
{
	static const enum json_kind kinds[] = {
		[json_type_null] = JSON_NULL,	  [json_type_boolean] = JSON_BOOL,  [json_type_double] = JSON_DOUBLE,
		[json_type_int] = JSON_INT,	  [json_type_object] = JSON_OBJECT, [json_type_array] = JSON_ARRAY,
		[json_type_string] = JSON_STRING,
	};

	return kinds[json_object_get_type(raw(j))];
}

/**
 * json_len() - Members of an array or object
 * @j:	Value or NULL
 *
 * Return: the count; 0 for other types
 */
size_t json_len(const struct json *j)
{
	switch (json_kind(j)) {
	case JSON_ARRAY:
		return json_object_array_length(raw(j));
	case JSON_OBJECT:
		return (size_t)json_object_object_length(raw(j));
	default:
		return 0;
	}
}

/**
 * json_get() - A member of an object
 * @obj:	Object, another value, or NULL
 * @key:	Its name
 *
 * Return: the value, borrowed; NULL where it is missing or null
 */
const struct json *json_get(const struct json *obj, const char *key)
{
	json_object *v;

	if (!obj || !json_object_is_type(raw(obj), json_type_object))
		return NULL;
	return json_object_object_get_ex(raw(obj), key, &v) ? wrap(v) : NULL;
}

/**
 * json_item() - A member of an array
 * @arr:	Array, another value, or NULL
 * @i:		Index
 *
 * Return: the value, borrowed; NULL where it is missing or null
 */
const struct json *json_item(const struct json *arr, size_t i)
{
	if (!arr || !json_object_is_type(raw(arr), json_type_array))
		return NULL;
	return wrap(json_object_array_get_idx(raw(arr), i));
}

/**
 * json_as_str() - The text of a string
 * @j:	Value or NULL
 *
 * Return: borrowed text, or NULL for other types
 */
const char *json_as_str(const struct json *j)
{
	return j && json_object_is_type(raw(j), json_type_string) ? json_object_get_string(raw(j)) : NULL;
}

/**
 * json_as_i64() - A whole number
 * @j:		Value or NULL
 * @dflt:	For other types
 *
 * Return: the number
 */
int64_t json_as_i64(const struct json *j, int64_t dflt)
{
	if (!j || !json_object_is_type(raw(j), json_type_int))
		return dflt;
	return json_object_get_int64(raw(j));
}

/**
 * json_as_double() - A number
 * @j:		Value or NULL
 * @dflt:	For other types
 *
 * Return: the number
 */
double json_as_double(const struct json *j, double dflt)
{
	enum json_kind kind = json_kind(j);

	return kind == JSON_INT || kind == JSON_DOUBLE ? json_object_get_double(raw(j)) : dflt;
}

/**
 * json_as_bool() - A truth value
 * @j:		Value or NULL
 * @dflt:	For other types
 *
 * Return: the value
 */
bool json_as_bool(const struct json *j, bool dflt)
{
	return j && json_object_is_type(raw(j), json_type_boolean) ? json_object_get_boolean(raw(j)) : dflt;
}

/**
 * json_get_str() - A string member
 * @obj:	Object or NULL
 * @key:	Its name
 *
 * Return: borrowed text, or NULL
 */
const char *json_get_str(const struct json *obj, const char *key)
{
	return json_as_str(json_get(obj, key));
}

/**
 * json_get_i64() - A number member
 * @obj:	Object or NULL
 * @key:	Its name
 * @dflt:	When it is not there
 *
 * Return: the number
 */
int64_t json_get_i64(const struct json *obj, const char *key, int64_t dflt)
{
	return json_as_i64(json_get(obj, key), dflt);
}

/**
 * json_get_bool() - A truth member
 * @obj:	Object or NULL
 * @key:	Its name
 * @dflt:	When it is not there
 *
 * Return: the value
 */
bool json_get_bool(const struct json *obj, const char *key, bool dflt)
{
	return json_as_bool(json_get(obj, key), dflt);
}

/**
 * json_get_array() - An array member
 * @obj:	Object or NULL
 * @key:	Its name
 *
 * Return: borrowed array, or NULL
 */
const struct json *json_get_array(const struct json *obj, const char *key)
{
	const struct json *v = json_get(obj, key);

	return json_kind(v) == JSON_ARRAY ? v : NULL;
}

/**
 * json_get_object() - An object member
 * @obj:	Object or NULL
 * @key:	Its name
 *
 * Return: borrowed object, or NULL
 */
const struct json *json_get_object(const struct json *obj, const char *key)
{
	const struct json *v = json_get(obj, key);

	return json_kind(v) == JSON_OBJECT ? v : NULL;
}

/* Copy an array's strings. Return: whether all of them were strings. */
static bool copy_strv(const struct json *arr, char ***ret)
{
	size_t n = json_len(arr), used = 0;
	char **v;

	if (!n) {
		*ret = NULL;
		return true;
	}
	v = strv_new(n);
	for (size_t i = 0; i < n; i++) {
		const char *s = json_as_str(json_item(arr, i));

		if (s)
			v[used++] = xstrdup(s);
	}
	*ret = v;
	return used == n;
}

static bool copy_map(const struct json *obj, char ***ret)
{
	size_t n = json_len(obj), used = 0;
	char **kv;

	if (!n) {
		*ret = NULL;
		return true;
	}
	kv = strv_new(2 * n);
	for (struct json_iter it = json_iter(obj); json_next(&it);) {
		const char *s = json_as_str(it.value);

		if (!s)
			continue;
		kv[used++] = xstrdup(it.key);
		kv[used++] = xstrdup(s);
	}
	*ret = kv;
	return used == 2 * n;
}

/**
 * json_get_strv() - A member that is an array of strings
 * @obj:	Object or NULL
 * @key:	Its name
 *
 * Return: owned vector; what is no string is left out
 */
char **json_get_strv(const struct json *obj, const char *key)
{
	char **v = NULL;

	copy_strv(json_get_array(obj, key), &v);
	return v;
}

/**
 * json_get_map() - A member that is an object of strings
 * @obj:	Object or NULL
 * @key:	Its name
 *
 * Return: owned string map; what is no string is left out
 */
char **json_get_map(const struct json *obj, const char *key)
{
	char **kv = NULL;

	copy_map(json_get_object(obj, key), &kv);
	return kv;
}

/* Return: 1 and the value, 0 when it is not there, -EINVAL for another type. */
static int want(const struct json *obj, const char *key, enum json_kind kind, const struct json **ret, struct err *e)
{
	static const char *const names[] = { "null",	 "a boolean", "a whole number", "a number",
					     "a string", "an array",  "an object" };

	static_assert(sizeof(names) / sizeof(*names) == JSON_KIND__N, "one name for each kind");
	*ret = json_get(obj, key);
	if (!*ret)
		return 0;
	if (json_kind(*ret) != kind)
		return err_say(e, EINVAL, "'%s' is not %s", key, names[kind]);
	return 1;
}

/**
 * json_read_str() - Copy a string member
 * @obj:	Object or NULL
 * @key:	Its name
 * @ret:	Replaced by the owned copy when the member is there
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int json_read_str(const struct json *obj, const char *key, char **ret, struct err *e)
{
	const struct json *v;
	int r = want(obj, key, JSON_STRING, &v, e);

	if (r > 0) {
		free(*ret);
		*ret = xstrdup(json_as_str(v));
	}
	return r < 0 ? r : 0;
}

/**
 * json_read_i64() - Read a number member
 * @obj:	Object or NULL
 * @key:	Its name
 * @ret:	Replaced when the member is there
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int json_read_i64(const struct json *obj, const char *key, int64_t *ret, struct err *e)
{
	const struct json *v;
	int r = want(obj, key, JSON_INT, &v, e);

	if (r <= 0)
		return r;
	/* json-c saturates; a number that does not fit is not the number that was written. */
	if (json_object_get_uint64(raw(v)) > INT64_MAX || json_object_get_int64(raw(v)) == INT64_MIN)
		return err_say(e, EINVAL, "'%s' is out of range", key);
	*ret = json_object_get_int64(raw(v));
	return 0;
}

/**
 * json_read_u64() - Read a number member that is not negative
 * @obj:	Object or NULL
 * @key:	Its name
 * @ret:	Replaced when the member is there; 2^64 - 1 for what is larger, since json-c saturates while it parses
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int json_read_u64(const struct json *obj, const char *key, uint64_t *ret, struct err *e)
{
	const struct json *v;
	int r = want(obj, key, JSON_INT, &v, e);

	if (r <= 0)
		return r;
	if (json_object_get_int64(raw(v)) < 0)
		return err_say(e, EINVAL, "'%s' is out of range", key);
	*ret = json_object_get_uint64(raw(v));
	return 0;
}

/**
 * json_read_bool() - Read a truth member
 * @obj:	Object or NULL
 * @key:	Its name
 * @ret:	Replaced when the member is there
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int json_read_bool(const struct json *obj, const char *key, bool *ret, struct err *e)
{
	const struct json *v;
	int r = want(obj, key, JSON_BOOL, &v, e);

	if (r > 0)
		*ret = json_as_bool(v, false);
	return r < 0 ? r : 0;
}

/**
 * json_read_strv() - Copy a member that is an array of strings
 * @obj:	Object or NULL
 * @key:	Its name
 * @ret:	Replaced by the owned copy when the member is there
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int json_read_strv(const struct json *obj, const char *key, char ***ret, struct err *e)
{
	auto_strv char **copy = NULL;
	const struct json *v;
	int r = want(obj, key, JSON_ARRAY, &v, e);

	if (r <= 0)
		return r;
	if (!copy_strv(v, &copy))
		return err_say(e, EINVAL, "'%s' is not an array of strings", key);
	strv_free(*ret);
	*ret = take_ptr(&copy);
	return 0;
}

/**
 * json_read_map() - Copy a member that is an object of strings
 * @obj:	Object or NULL
 * @key:	Its name
 * @ret:	Replaced by the owned string map when the member is there
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int json_read_map(const struct json *obj, const char *key, char ***ret, struct err *e)
{
	auto_strv char **copy = NULL;
	const struct json *v;
	int r = want(obj, key, JSON_OBJECT, &v, e);

	if (r <= 0)
		return r;
	if (!copy_map(v, &copy))
		return err_say(e, EINVAL, "'%s' is not an object of strings", key);
	strv_free(*ret);
	*ret = take_ptr(&copy);
	return 0;
}

/**
 * json_read_object() - Look for an object member
 * @obj:	Object or NULL
 * @key:	Its name
 * @ret:	Replaced (borrowed) when the member is there
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int json_read_object(const struct json *obj, const char *key, const struct json **ret, struct err *e)
{
	const struct json *v;
	int r = want(obj, key, JSON_OBJECT, &v, e);

	if (r > 0)
		*ret = v;
	return r < 0 ? r : 0;
}

/**
 * json_read_array() - Look for an array member
 * @obj:	Object or NULL
 * @key:	Its name
 * @ret:	Replaced (borrowed) when the member is there
 * @e:		Failure
 *
 * Return: 0 or -EINVAL
 */
int json_read_array(const struct json *obj, const char *key, const struct json **ret, struct err *e)
{
	const struct json *v;
	int r = want(obj, key, JSON_ARRAY, &v, e);

	if (r > 0)
		*ret = v;
	return r < 0 ? r : 0;
}

/**
 * json_iter() - Start walking an object
 * @obj:	Object, another value, or NULL (nothing to walk)
 *
 * Return: the iterator, before the first member
 */
struct json_iter json_iter(const struct json *obj)
{
	struct json_iter it = { 0 };

	if (obj && json_object_is_type(raw(obj), json_type_object))
		it.pos = json_object_get_object(raw(obj))->head;
	return it;
}

/**
 * json_next() - The next member
 * @it:	Iterator; key and value are borrowed, a null value is NULL
 *
 * Return: false behind the last one
 */
bool json_next(struct json_iter *it)
{
	const struct lh_entry *m = it->pos;

	if (!m)
		return false;
	it->key = m->k;
	it->value = m->v;
	it->pos = m->next;
	return true;
}
