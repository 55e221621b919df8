/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/secret.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/auth.h"

#define SECRET_MAX 16384U

char *secret_take_arg(const char *arg)
{
	char *copy = xstrdup(arg);

	/* The memory of argv is ours to write. */
	if (arg)
		memset((char *)(uintptr_t)arg, '*', strlen(arg));
	return copy;
}

static int read_line(int stop, char *buf, size_t size, struct err *e)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = stop, .events = POLLIN } };
	ssize_t n;

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "wait for the terminal");
	if (p[1].revents)
		return err_say(e, EINTR, "interrupted");
	n = fd_read(STDIN_FILENO, buf, size - 1);
	if (n < 0)
		return err_set(e, (int)n, "read the terminal");
	if (n == 0)
		return err_say(e, EINVAL, "the terminal ended before the answer");
	buf[n] = '\0';
	buf[strcspn(buf, "\r\n")] = '\0';
	return 0;
}

int secret_prompt(const char *prompt, bool hidden, int stop, char **ret, struct err *e)
{
	struct termios old, quiet;
	char buf[4096];
	int r;

	if (tcgetattr(STDIN_FILENO, &old) < 0)
		return err_set(e, errno, "ask at the terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	/* What was typed ahead would have been shown already. */
	if (hidden && tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
		return err_set(e, errno, "turn the terminal's echo off");
	/* Last: who waits for the prompt types at once. */
	fputs(prompt, stderr);
	fflush(stderr);
	r = read_line(stop, buf, sizeof(buf), e);
	if (hidden) {
		tcsetattr(STDIN_FILENO, TCSANOW, &old);
		fputc('\n', stderr);
	}
	if (r == 0)
		*ret = xstrdup(buf);
	explicit_bzero(buf, sizeof(buf));
	return r;
}

int secret_read_stdin(char **ret, struct err *e)
{
	auto_free char *buf = NULL;
	size_t len;
	int r = fs_read_fd(STDIN_FILENO, SECRET_MAX, &buf, &len, e);

	if (r < 0)
		return err_wrap(e, r, "read the password from stdin");
	while (len && (buf[len - 1] == '\n' || buf[len - 1] == '\r'))
		buf[--len] = '\0';
	if (!len || strlen(buf) != len) {
		explicit_bzero(buf, len);
		return err_say(e, EINVAL, "the password on stdin is empty or has a NUL in it");
	}
	*ret = take_ptr(&buf);
	return 0;
}
