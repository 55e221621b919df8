/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "storage/unpack/unpack_int.h"

/*
 * Take what the pipe has. Totals only grow, so the last one counts. @wait: there is nothing else to do.
 * The end of the pipe without a final total means that the download failed; the parent knows why.
 */
static int update(struct source *s, bool wait, struct err *e)
{
	uint64_t totals[256];
	struct pollfd p = { .fd = s->pipe, .events = POLLIN };
	ssize_t n;

	if (s->complete || s->pipe < 0)
		return 0;
	if (!wait && poll(&p, 1, 0) <= 0)
		return 0;
	n = fd_read(s->pipe, totals, sizeof(totals));
	if (n < 0)
		return err_set(e, (int)n, "wait for the download");
	if (n < (ssize_t)sizeof(*totals))
		return err_say(e, EPIPE, "the download ended early");
	s->have = totals[(size_t)n / sizeof(*totals) - 1];
	s->complete = s->have & SOURCE_FINAL;
	s->have &= ~SOURCE_FINAL;
	return 0;
}

/**
 * source_read() - Read the next compressed bytes, waiting until there are some
 * @s:		The source
 * @buf:	Where to
 * @len:	Room
 * @e:		Failure
 *
 * Return: number of bytes, 0 at the end, negative errno
 */
ssize_t source_read(struct source *s, void *buf, size_t len, struct err *e)
{
	ssize_t n;
	int r;

	if (s->is_stream) {
		n = fd_read(s->fd, buf, len);
		if (n < 0)
			return err_set(e, (int)n, "read the archive");
		s->pos += (uint64_t)n;
		return n;
	}
	r = update(s, false, e);
	while (r == 0 && s->pos >= s->have && !s->complete)
		r = update(s, true, e);
	if (r < 0)
		return r;
	if (s->pos >= s->have)
		return 0;
	if (len > s->have - s->pos)
		len = (size_t)(s->have - s->pos);
	do
		n = pread(s->fd, buf, len, (off_t)(s->base + s->pos));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, errno, "read the blob");
	if (n == 0)
		return err_say(e, EIO, "the blob's file is shorter than announced");
	s->pos += (uint64_t)n;
	return n;
}
