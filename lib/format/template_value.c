/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/format/template_int.h"
#include "lib/oci/json.h"

/*
 * What is null in a document is an empty list, an empty map or no pointer in docker's program, and prints as such.
 * These are its lists and maps that may be null.
 */
static const char *hint_of(const char *key)
{
	static const char *const lists[] = {
		"Args",	       "Binds",	     "CapAdd",	    "CapDrop",	   "Cmd",     "DeviceRequests", "Devices",
		"Dns",	       "DnsOptions", "DnsSearch",   "Entrypoint",  "Env",     "ExecIDs",	"ExtraHosts",
		"GroupAdd",    "Layers",     "Links",	    "MaskedPaths", "Mounts",  "OnBuild",	"ReadonlyPaths",
		"RepoDigests", "RepoTags",   "SecurityOpt", "Shell",	   "Ulimits", "VolumesFrom",
	};
	static const char *const maps[] = {
		"Annotations", "DriverOpts", "ExposedPorts", "Labels", "Options", "PortBindings",
		"Ports",       "StorageOpt", "Sysctls",	     "Tmpfs",  "Volumes",
	};

	for (size_t i = 0; key && i < sizeof(lists) / sizeof(*lists); i++)
		if (!strcmp(key, lists[i]))
			return "[]";
	for (size_t i = 0; key && i < sizeof(maps) / sizeof(*maps); i++)
		if (!strcmp(key, maps[i]))
			return "map[]";
	return NULL;
}

struct value value_str(const char *s, size_t len)
{
	return (struct value) { .kind = VALUE_STR, .s = s, .len = len };
}

struct value value_int(int64_t i)
{
	return (struct value) { .kind = VALUE_INT, .i = i };
}

struct value value_bool(bool b)
{
	return (struct value) { .kind = VALUE_BOOL, .b = b };
}

/**
 * value_of_json() - A part of a document as a value
 * @j:		The part
 * @key:	Under which name it stood, or NULL
 *
 * Return: the value
 */
struct value value_of_json(const struct json *j, const char *key)
{
	const char *s;

	switch (j ? json_kind(j) : JSON_NULL) {
	case JSON_BOOL:
		return value_bool(json_as_bool(j, false));
	case JSON_INT:
		return value_int(json_as_i64(j, 0));
	case JSON_DOUBLE:
		return (struct value) { .kind = VALUE_FLOAT, .f = json_as_double(j, 0) };
	case JSON_STRING:
		s = json_as_str(j);
		return value_str(s, strlen(s));
	case JSON_ARRAY:
	case JSON_OBJECT:
		return (struct value) { .kind = VALUE_JSON, .j = j, .hint = hint_of(key) };
	default:
		return (struct value) { .kind = VALUE_NIL, .hint = hint_of(key) };
	}
}

/**
 * value_member() - Look a member up
 * @obj:	Object
 * @key:	Name
 * @len:	Its length
 * @ret:	The member; also when it is null
 *
 * Return: whether it is there
 */
bool value_member(const struct json *obj, const char *key, size_t len, struct value *ret)
{
	const struct json *j;

	if (memchr(key, '\0', len))
		return false;
	j = json_get(obj, key);
	for (struct json_iter it = json_iter(obj); !j && json_next(&it);)
		if (!strcmp(it.key, key)) {
			*ret = value_of_json(NULL, key);
			return true;
		}
	if (j)
		*ret = value_of_json(j, key);
	return j != NULL;
}

/**
 * value_is_true() - Go's truth
 * @v:	Value
 *
 * Return: false for nothing, false, 0, and what is empty
 */
bool value_is_true(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return v->b;
	case VALUE_INT:
		return v->i != 0;
	case VALUE_FLOAT:
		return fpclassify(v->f) != FP_ZERO;
	case VALUE_STR:
		return v->len > 0;
	case VALUE_JSON:
		return json_len(v->j) > 0;
	case VALUE_NONE:
	case VALUE_NIL:
		break;
	}
	return false;
}

/**
 * value_type() - The name that Go gives to the type
 * @v:	Value
 *
 * Return: the name
 */
const char *value_type(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return "bool";
	case VALUE_INT:
		return "int";
	case VALUE_FLOAT:
		return "float64";
	case VALUE_STR:
		return "string";
	case VALUE_JSON:
		return json_kind(v->j) == JSON_ARRAY ? "[]interface {}" : "map[string]interface {}";
	case VALUE_NONE:
	case VALUE_NIL:
		break;
	}
	return "<nil>";
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/**
 * value_sorted_keys() - The members of an object in Go's order
 * @obj:	Object
 * @ret_n:	How many
 *
 * Return: array to free, of borrowed strings
 */
const char **value_sorted_keys(const struct json *obj, size_t *ret_n)
{
	const char **keys = xcalloc(json_len(obj), sizeof(*keys));
	size_t n = 0, max = json_len(obj);

	for (struct json_iter it = json_iter(obj); n < max && json_next(&it);)
		keys[n++] = it.key;
	qsort(keys, n, sizeof(*keys), by_text);
	*ret_n = n;
	return keys;
}

/* As few digits as tell the number from its neighbours; exponents below -4 and from 6 on, as Go. */
static void print_shortest(struct sbuf *out, double f)
{
	char buf[512];
	int digits = 1, exponent = 0;
	const char *e;

	/* 17 digits are always enough. */
	for (; digits < 18; digits++) {
		snprintf(buf, sizeof(buf), "%.*e", digits - 1, f);
		if (fpclassify(strtod(buf, NULL) - f) == FP_ZERO)
			break;
	}
	e = strchr(buf, 'e');
	for (const char *p = e ? e + 2 : ""; *p; p++)
		exponent = exponent * 10 + (*p - '0');
	if (e && e[1] == '-')
		exponent = -exponent;
	if (exponent >= -4 && exponent < 6)
		snprintf(buf, sizeof(buf), "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, f);
	sbuf_adds(out, buf);
}

/**
 * value_print_float() - Print as Go does
 * @out:	Where to
 * @f:		Number
 * @verb:	'v', or 'e', 'f', 'g' of printf
 * @precision:	Digits; -1: as many as are needed
 */
void value_print_float(struct sbuf *out, double f, char verb, int precision)
{
	char buf[512];

	if (isnan(f) || isinf(f)) {
		sbuf_adds(out, isnan(f) ? "NaN" : f > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (precision < 0 && (verb == 'v' || verb == 'g')) {
		print_shortest(out, f);
		return;
	}
	if (precision < 0 || precision > 100)
		precision = precision < 0 ? 6 : 100;
	if (verb == 'e')
		snprintf(buf, sizeof(buf), "%.*e", precision, f);
	else if (verb == 'f')
		snprintf(buf, sizeof(buf), "%.*f", precision, f);
	else
		snprintf(buf, sizeof(buf), "%.*g", precision, f);
	sbuf_adds(out, buf);
}

static void print_json(struct sbuf *out, const struct json *j, const char *key)
{
	struct value v = value_of_json(j, key);

	value_print(out, &v);
}

static void print_object(struct sbuf *out, const struct json *obj)
{
	size_t n = 0;
	auto_free const char **keys = value_sorted_keys(obj, &n);

	sbuf_adds(out, "map[");
	for (size_t i = 0; i < n; i++) {
		sbuf_printf(out, "%s%s:", i ? " " : "", keys[i]);
		print_json(out, json_get(obj, keys[i]), keys[i]);
	}
	sbuf_addc(out, ']');
}

/**
 * value_print() - Print as Go's %v
 * @out:	Where to
 * @v:		Value
 */
void value_print(struct sbuf *out, const struct value *v)
{
	switch (v->kind) {
	case VALUE_NONE:
		sbuf_adds(out, "<no value>");
		break;
	case VALUE_NIL:
		sbuf_adds(out, v->hint ? v->hint : "<nil>");
		break;
	case VALUE_BOOL:
		sbuf_adds(out, v->b ? "true" : "false");
		break;
	case VALUE_INT:
		sbuf_printf(out, "%lld", (long long)v->i);
		break;
	case VALUE_FLOAT:
		value_print_float(out, v->f, 'v', -1);
		break;
	case VALUE_STR:
		sbuf_add(out, v->s, v->len);
		break;
	case VALUE_JSON:
		if (json_kind(v->j) == JSON_OBJECT) {
			print_object(out, v->j);
			break;
		}
		sbuf_addc(out, '[');
		for (size_t i = 0; i < json_len(v->j); i++) {
			if (i)
				sbuf_addc(out, ' ');
			print_json(out, json_item(v->j, i), NULL);
		}
		sbuf_addc(out, ']');
		break;
	}
}
