/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A file or folder that a command makes: under another name until it is complete, so that a failure leaves nothing. */

#include <stdbool.h>

#include "lib/base/err.h"

/**
 * struct output - what is being made
 * @fd:		write here
 * @path:	what it will be called, or NULL: @fd was there before
 * @tmp:	what it is called until then
 * @is_dir:	a folder
 */
struct output {
	int fd;
	char *path;
	char *tmp;
	bool is_dir;
};
#define OUTPUT_NONE                                                                                                    \
	{                                                                                                              \
		.fd = -EBADF                                                                                           \
	}

/* @path: NULL for stdout; what is there and is no regular file (a device, a pipe) is written to as it is. */
int output_open_file(const char *path, struct output *ret, struct err *e);
/* @path must not be there, or be empty. */
int output_open_dir(const char *path, struct output *ret, struct err *e);
int output_commit(struct output *o, struct err *e);
/* Releases; what was not committed is removed. */
void output_done(struct output *o);
#define auto_output __attribute__((cleanup(output_done)))
