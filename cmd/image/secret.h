/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secrets that a user gives: on the command line, at a terminal, through a pipe. */

#include <stdbool.h>

#include "lib/base/err.h"

/* A copy of an argument that is a secret; the argument itself is overwritten, so that no list of processes shows it. */
char *secret_take_arg(const char *arg);
/* A line from the terminal on stdin, without echo when it is @hidden. Return: 0, -EINTR when @stop is readable. */
int secret_prompt(const char *prompt, bool hidden, int stop, char **ret, struct err *e);
/* All of stdin, without the newline at its end. */
int secret_read_stdin(char **ret, struct err *e);
