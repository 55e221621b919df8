/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How people read sizes, times and ids, as docker writes them; and text that cannot hurt a terminal. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sbuf;

#define FORMAT_LEN 64

/* "1.24MB": base 1000, @digits significant digits (docker: 3 for images and ps, 4 elsewhere). Return: @buf. */
const char *format_size(uint64_t bytes, int digits, char buf[FORMAT_LEN]);
/* "64MiB": base 1024, 4 digits. */
const char *format_size_binary(uint64_t bytes, char buf[FORMAT_LEN]);
/* "5 seconds", "About a minute", "2 hours"; what is negative is "Less than a second". */
const char *format_duration(int64_t ns, char buf[FORMAT_LEN]);
/* "2 hours ago" of a wall-clock time; 0: empty. */
const char *format_ago(int64_t then_ns, char buf[FORMAT_LEN]);
/* "2024-01-31 10:00:00 +0100 CET" */
const char *format_time_local(int64_t ns, char buf[FORMAT_LEN]);
/* The first 12 digits of an id or digest. */
const char *format_short_id(const char *id, char buf[FORMAT_LEN]);

/* At most @max characters, the last one "…" when something was cut off. */
void format_truncate(struct sbuf *out, const char *text, size_t max);

/*
 * Without control characters, escape sequences and broken UTF-8 (each becomes "?"): names, labels and log lines come
 * from strangers. @keep_lines keeps newline and tab.
 */
void format_plain(struct sbuf *out, const char *text, size_t len, bool keep_lines);
/* Characters, as the columns of a table count them. */
size_t format_width(const char *text, size_t len);
