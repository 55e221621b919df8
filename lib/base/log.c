/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/base/time.h"

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static_assert(sizeof(level_names) / sizeof(*level_names) == LOG_LEVEL__N, "a name for every level");

static enum log_level threshold = LOG_WARNING;

/**
 * log_set_level() - Set what is shown
 * @level:	Least important level that is shown
 */
void log_set_level(enum log_level level)
{
	threshold = level;
}

/**
 * log_parse_level() - Read a level's name
 * @name:	error, warning (warn), info, debug (trace); fatal and panic count as error
 * @ret:	The level
 *
 * Return: 0, -EINVAL
 */
int log_parse_level(const char *name, enum log_level *ret)
{
	static const struct {
		const char *name;
		enum log_level level;
	} more[] = { { "warn", LOG_WARNING }, { "fatal", LOG_ERROR }, { "panic", LOG_ERROR }, { "trace", LOG_DEBUG } };

	for (int i = 0; i < LOG_LEVEL__N; i++)
		if (!strcasecmp(name, level_names[i])) {
			*ret = (enum log_level)i;
			return 0;
		}
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
		if (!strcasecmp(name, more[i].name)) {
			*ret = more[i].level;
			return 0;
		}
	return -EINVAL;
}

/**
 * log_is_on() - Would a message of this level be shown?
 * @level:	Level
 *
 * Return: whether it would
 */
bool log_is_on(enum log_level level)
{
	return level <= threshold;
}

/**
 * log_at() - Write one message
 * @level:	Its level
 * @fmt:	Text without newline
 */
void log_at(enum log_level level, const char *fmt, ...)
{
	int saved = errno, n, m;
	char line[1024];
	va_list ap;

	if (!log_is_on(level))
		return;
	n = snprintf(line, sizeof(line),
		     level == LOG_WARNING ? "Warning: "
		     : level == LOG_ERROR ? "Error: "
					  : "%s: ",
		     level_names[level]);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n = m < 0 ? n : n + m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		errno = 0; /* nowhere left to say so */
	errno = saved;
}

static int trace_fd = -EBADF;
static int64_t trace_t0, trace_last;

/**
 * trace_open() - Start tracing
 * @path:	File to append to; NULL or "-" means stderr
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int trace_open(const char *path, struct err *e)
{
	const char *inherited = getenv("SKIFF_TRACE_T0");
	char text[32];

	if (str_is_empty(path) || !strcmp(path, "-"))
		trace_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	else
		trace_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (trace_fd < 0)
		return err_set(e, errno, "open trace file '%s'", path ? path : "stderr");
	if (!inherited || str_to_i64(inherited, &trace_t0) < 0)
		trace_t0 = time_mono();
	trace_last = time_mono();
	snprintf(text, sizeof(text), "%lld", (long long)trace_t0);
	setenv("SKIFF_TRACE_T0", text, 1);
	return 0;
}

/**
 * trace_is_on() - Is the time being traced?
 *
 * Return: whether it is
 */
bool trace_is_on(void)
{
	return trace_fd >= 0;
}

/**
 * trace_mark() - Note that a step has ended
 * @step:	Its name
 */
void trace_mark(const char *step)
{
	char line[256];
	int64_t now;
	int n;

	if (trace_fd < 0)
		return;
	now = time_mono();
	n = snprintf(line, sizeof(line), "%9.3f ms  +%7.3f  %6d  %s\n", (double)(now - trace_t0) / 1e6,
		     (double)(now - trace_last) / 1e6, (int)getpid(), step);
	trace_last = now;
	if (n > 0 && write(trace_fd, line, (size_t)n) < 0)
		trace_fd = -EBADF;
}
