/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages of the program itself, on stderr (a monitor's stderr is its log file). One write(2) a line, no allocation,
 * errno kept; works after seccomp. Libraries log at debug only, and warn for "ignored, going on: ...".
 */

#include <stdbool.h>

#include "lib/base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_LEVEL__N };

void log_set_level(enum log_level level);
int log_parse_level(const char *name, enum log_level *ret);
bool log_is_on(enum log_level level);
void log_at(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARNING, __VA_ARGS__)
#define log_err(...)   log_at(LOG_ERROR, __VA_ARGS__)

/*
 * --trace: where the time goes. Each mark is a line "  12.345 ms  +0.678  pid  step" in the trace file; the clock
 * starts at trace_open() or, in a process that inherits the trace, at the parent's start (environment SKIFF_TRACE_T0).
 */
int trace_open(const char *path, struct err *e);
bool trace_is_on(void);
void trace_mark(const char *step);
