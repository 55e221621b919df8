/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Small allocations abort when memory is gone; anything whose size came from outside is capped first. */
#define NEVER_NULL __attribute__((returns_nonnull))
void *xmalloc(size_t n) NEVER_NULL;
void *xcalloc(size_t n, size_t size) NEVER_NULL;
void *xrealloc(void *p, size_t n) NEVER_NULL;
char *xstrdup(const char *s); /* NULL for NULL */
char *xstrndup(const char *s, size_t n) NEVER_NULL;
char *xasprintf(const char *fmt, ...) PRINTF(1, 2) NEVER_NULL;

/**
 * struct sbuf - a growing, always NUL-terminated string; zero-initialise, release with sbuf_done() or auto_sbuf
 * @p:		the bytes; NULL while empty and never grown (use sbuf_str() to read)
 * @len:	bytes without the NUL
 * @cap:	allocated
 */
struct sbuf {
	char *p;
	size_t len;
	size_t cap;
};

void sbuf_done(struct sbuf *b);
void sbuf_add(struct sbuf *b, const void *data, size_t len);
void sbuf_adds(struct sbuf *b, const char *s);
void sbuf_addc(struct sbuf *b, char c);
void sbuf_printf(struct sbuf *b, const char *fmt, ...) PRINTF(2, 3);
const char *sbuf_str(const struct sbuf *b);
char *sbuf_take(struct sbuf *b);
void sbuf_reset(struct sbuf *b);
#define auto_sbuf __attribute__((cleanup(sbuf_done)))

/* A string vector: NULL-terminated array of owned strings. NULL is an empty vector. */
size_t strv_len(char *const *v);
char **strv_new(size_t n);
/**
 * struct strvec - a vector that knows its length, for what may have very many strings
 * @v:	a vector like any other; NULL is empty
 * @n:	its length
 */
struct strvec {
	char **v;
	size_t n;
};
void strvec_add_take(struct strvec *b, char *s);
void strv_add(char ***v, const char *s);
void strv_add_take(char ***v, char *s);
void strv_free(char **v);
void strv_freep(char ***v);
bool strv_has(char *const *v, const char *s);
char **strv_dup(char *const *v);
void strv_sort(char **v);
char **strv_split(const char *s, char sep);
char *strv_join(char *const *v, const char *sep);
#define auto_strv __attribute__((cleanup(strv_freep)))

bool str_is_eq(const char *a, const char *b);
bool str_has_prefix(const char *s, const char *prefix);
const char *str_after(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);
/* NULL or "" */
static inline bool str_is_empty(const char *s)
{
	return !s || !*s;
}
bool str_has_control(const char *s);
char *str_trim(char *s);

/* Whole-string, base 10, no sign, no blanks. Return: 0, -EINVAL, -ERANGE. */
int str_to_u64(const char *s, uint64_t max, uint64_t *ret);
int str_to_u32(const char *s, uint32_t *ret);
int str_to_i64(const char *s, int64_t *ret);
/* Octal modes such as 1777 or 0755. */
int str_to_mode(const char *s, unsigned *ret);
/* Sizes such as 64m, 1.5g, 512 (docker's units: b k m g t, base 1024). */
int str_to_size(const char *s, uint64_t *ret);
/* Go durations: 10s, 1m30s, 250ms, 1h; also plain seconds. Result in nanoseconds. */
int str_to_duration(const char *s, int64_t *ret_ns);
int str_to_bool(const char *s, bool *ret);
