/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int normalise(int code)
{
	code = abs(code);
	return code ? code : 5 /* EIO: a failure without a cause must still be one */;
}

static const char *reason(int code)
{
	const char *text = strerrordesc_np(code);

	return text ? text : "unknown error";
}

/**
 * err_set() - Record a failed call: "sentence: reason of @code"
 * @e:		Where to write; may be NULL when only the code is wanted
 * @code:	errno of the failure, either sign
 * @fmt:	What was done, on what
 *
 * Return: -|@code|, so that callers write `return err_set(...)`.
 */
int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;
	int len;

	code = normalise(code);
	if (!e)
		return -code;
	e->code = code;
	va_start(ap, fmt);
	len = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = len < 0 ? 0 : (size_t)len;
	if (n < sizeof(e->msg) - 1)
		snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", reason(code));
	return -code;
}

/**
 * err_say() - Record a failure whose sentence is complete (no errno text is added)
 * @e:		Where to write; may be NULL
 * @code:	errno that callers may test, either sign
 * @fmt:	The whole sentence
 *
 * Return: -|@code|
 */
int err_say(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	code = normalise(code);
	if (!e)
		return -code;
	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -code;
}

/**
 * err_wrap() - Put context before a failure that a callee has recorded
 * @e:		The failure; may be NULL
 * @code:	What the callee returned; handed through
 * @fmt:	The context: what this caller was doing
 *
 * Return: @code
 */
int err_wrap(struct err *e, int code, const char *fmt, ...)
{
	char old[ERR_SIZE];
	va_list ap;
	size_t n;
	int len;

	if (!e)
		return code;
	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	len = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = len < 0 ? 0 : (size_t)len;
	if (n < sizeof(e->msg) - 1)
		snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	return code;
}

/**
 * err_hint() - Append how to mend it: "sentence (hint)"
 * @e:		The failure; may be NULL
 * @code:	What is returned; handed through
 * @fmt:	The hint, usually a command
 *
 * Return: @code
 */
int err_hint(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;
	int len;

	if (!e)
		return code;
	n = strnlen(e->msg, sizeof(e->msg));
	if (n + 4 >= sizeof(e->msg))
		return code;
	e->msg[n++] = ' ';
	e->msg[n++] = '(';
	va_start(ap, fmt);
	len = vsnprintf(e->msg + n, sizeof(e->msg) - n - 1, fmt, ap);
	va_end(ap);
	n = strnlen(e->msg, sizeof(e->msg));
	if (len >= 0 && n + 1 < sizeof(e->msg)) {
		e->msg[n] = ')';
		e->msg[n + 1] = '\0';
	}
	return code;
}
