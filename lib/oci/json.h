/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON for the whole project: nobody else includes json-c. Parsing is strict: UTF-8, one value, no comments, no key
 * twice in one object (two readers must never see two documents), no NUL in strings, limited depth and size.
 *
 * Readers return borrowed pointers (`const struct json *`) that live as long as the root. All of them take NULL for
 * "not there", so look-ups can be chained. A member that is null counts as not there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct json;
struct sbuf;

#define JSON_MAX_DEPTH 64

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT, JSON_KIND__N };

int json_parse(const char *buf, size_t len, struct json **ret, struct err *e);
/* Read and parse a file of at most @max bytes. Return: 0, -ENOENT (@e is set all the same), -E2BIG, -EINVAL, ... */
int json_parse_file(int dirfd, const char *path, size_t max, struct json **ret, struct err *e);
void json_free(struct json *j);
void json_freep(struct json **j);
#define auto_json __attribute__((cleanup(json_freep)))
/* Overwrite every string of a document that holds secrets, before json_free(). */
void json_wipe(struct json *j);

enum json_kind json_kind(const struct json *j);
size_t json_len(const struct json *j); /* members of an array or object; else 0 */
const struct json *json_get(const struct json *obj, const char *key);
const struct json *json_item(const struct json *arr, size_t i);

/* The value itself: NULL or the default where the type is another one. */
const char *json_as_str(const struct json *j);
int64_t json_as_i64(const struct json *j, int64_t dflt);
double json_as_double(const struct json *j, double dflt);
bool json_as_bool(const struct json *j, bool dflt);

/* Lenient look-ups, for files that we wrote ourselves: missing or of another type is NULL or the default. */
const char *json_get_str(const struct json *obj, const char *key);
int64_t json_get_i64(const struct json *obj, const char *key, int64_t dflt);
bool json_get_bool(const struct json *obj, const char *key, bool dflt);
const struct json *json_get_array(const struct json *obj, const char *key);
const struct json *json_get_object(const struct json *obj, const char *key);
char **json_get_strv(const struct json *obj, const char *key); /* owned; skips what is no string */
char **json_get_map(const struct json *obj, const char *key);  /* owned string map (kv.h) */

/*
 * Strict look-ups, for input from outside: a missing member leaves *ret alone and is 0; another type is -EINVAL and a
 * sentence that names the key. Strings, vectors and maps are owned copies that replace (and free) what *ret held.
 */
int json_read_str(const struct json *obj, const char *key, char **ret, struct err *e);
int json_read_i64(const struct json *obj, const char *key, int64_t *ret, struct err *e);
int json_read_u64(const struct json *obj, const char *key, uint64_t *ret, struct err *e);
int json_read_bool(const struct json *obj, const char *key, bool *ret, struct err *e);
int json_read_strv(const struct json *obj, const char *key, char ***ret, struct err *e);
int json_read_map(const struct json *obj, const char *key, char ***ret, struct err *e);
int json_read_object(const struct json *obj, const char *key, const struct json **ret, struct err *e);
int json_read_array(const struct json *obj, const char *key, const struct json **ret, struct err *e);

/*
 * for (struct json_iter it = json_iter(obj); json_next(&it);) use(it.key, it.value);
 * Members come in the order of the document. Nothing may be added or removed meanwhile.
 */
struct json_iter {
	const char *key;
	const struct json *value;
	const void *pos;
};
struct json_iter json_iter(const struct json *obj);
bool json_next(struct json_iter *it);

/* Building. json_set() and json_add() own @value afterwards; a NULL @value is null. json_set() replaces. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_str(const char *s);
struct json *json_new_i64(int64_t v);
struct json *json_new_double(double v);
struct json *json_new_bool(bool v);
/* Another owner of a part of a document (no copy: neither may change it afterwards). */
struct json *json_share(const struct json *j);
/* A deep copy. */
struct json *json_dup(const struct json *j);

void json_set(struct json *obj, const char *key, struct json *value);
void json_set_str(struct json *obj, const char *key, const char *s); /* NULL writes null */
void json_set_i64(struct json *obj, const char *key, int64_t v);
void json_set_double(struct json *obj, const char *key, double v);
void json_set_bool(struct json *obj, const char *key, bool v);
void json_set_null(struct json *obj, const char *key);
void json_set_strv(struct json *obj, const char *key, char *const *v);	       /* NULL writes [] */
void json_set_strv_or_null(struct json *obj, const char *key, char *const *v); /* NULL writes null */
/* Sorted by key, as Go prints maps; NULL writes {}. */
void json_set_map(struct json *obj, const char *key, char *const *kv);
void json_del(struct json *obj, const char *key);
/* Return: the new member, borrowed, to be filled in place. */
struct json *json_set_object(struct json *obj, const char *key);
struct json *json_set_array(struct json *obj, const char *key);

void json_add(struct json *arr, struct json *value);
void json_add_str(struct json *arr, const char *s);
void json_add_i64(struct json *arr, int64_t v);
struct json *json_add_object(struct json *arr);

/* Text, owned. Slashes and HTML characters are not escaped; pretty is 4 spaces, as docker inspect prints. */
char *json_compact(const struct json *j);
char *json_pretty(const struct json *j);
void json_write(struct sbuf *b, const struct json *j, bool pretty);
/* One quoted JSON string; bytes that are no UTF-8 become U+FFFD. For log lines, without a tree. */
void json_quote(struct sbuf *b, const char *s, size_t len);
