/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Progress of several things at once: bars that are redrawn in place on a terminal, one plain line per step elsewhere.
 * docker's words and shapes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;
struct sbuf;

enum progress_mode { PROGRESS_QUIET, PROGRESS_PLAIN, PROGRESS_BARS };

/* Bars where @fd is a terminal that can move its cursor, plain lines where not. */
enum progress_mode progress_mode_for(int fd);
struct progress *progress_new(int fd, enum progress_mode mode);
/* Draws the last state and releases. NULL is fine. */
void progress_free(struct progress *p);
void progress_freep(struct progress **p);
#define auto_progress __attribute__((cleanup(progress_freep)))

/* A line of its own above the rows that follow ("latest: Pulling from library/busybox"). */
void progress_message(struct progress *p, const char *text);
/* A new row. Return: its number. */
size_t progress_add(struct progress *p, const char *id);
/* What happens to it now ("Pull complete"). Plain mode prints it once, when it changes. */
void progress_status(struct progress *p, size_t row, const char *status);
/* How far it is; drawn only as a bar. @total 0: unknown. */
void progress_count(struct progress *p, size_t row, const char *status, uint64_t done, uint64_t total);
/* Redraw where 100 ms have passed. Return: ns until the next one is due, negative: never. */
int64_t progress_tick(struct progress *p);

/* One row as text, at most @width columns: pure, for the tests. */
void progress_row_text(struct sbuf *b, const char *id, const char *status, uint64_t done, uint64_t total, size_t width,
		       bool color);
