/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Errors are a code and a sentence in one fixed-size value: no heap, so they can be written after fork, when memory is
 * exhausted, and sent over a pipe from a half-built container. The function that sees a call fail writes the sentence
 * ("what, on what: why"); callers add only the context they alone know.
 */

#define ERR_SIZE     480
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/**
 * struct err - one failure
 * @code:	positive errno of the cause
 * @msg:	the sentence, without "Error: " and without a newline
 */
struct err {
	int code;
	char msg[ERR_SIZE];
};

int err_set(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
int err_say(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
int err_wrap(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
int err_hint(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
