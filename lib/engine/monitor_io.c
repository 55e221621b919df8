/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's standard streams. Output goes to the log (json-file: one JSON object a line) and to every attached
 * client. While a client has a packet that does not fit into its socket, nothing more is read from the container: an
 * attached client holds it back, as with docker, and nothing is lost. Readers of the log hold nobody back.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/time.h"
#include "lib/engine/logrec.h"
#include "lib/engine/monitor_int.h"

#define CHUNK	       65536
#define DRAIN_MAX      (4U << 20)
#define LINE_MAX_BYTES 16384 /* a longer line is logged in parts, as docker does */

static void log_write(struct mon *m, const struct sbuf *b)
{
	if (m->log >= 0 && b->len && fd_write_full(m->log, b->p, b->len) < 0)
		log_debug("cannot write the log"); /* a full disk must not stop the container */
}

/* At most @n of more bytes, so that no character is cut in two: each part is written as UTF-8 of its own. */
static size_t whole_chars(const char *data, size_t n)
{
	size_t at = n;

	while (at > 0 && n - at < 3 && ((unsigned char)data[at] & 0xc0) == 0x80)
		at--;
	return ((unsigned char)data[at] & 0xc0) == 0x80 ? n : at;
}

static void log_data(struct mon *m, struct stream *s, const char *data, size_t len)
{
	static struct sbuf b; /* kept: one process, one loop */
	char now[TIME_RFC3339_LEN];

	if (m->log < 0)
		return;
	sbuf_reset(&b);
	time_format_rfc3339(time_now(), now);
	while (len) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl ? (size_t)(nl - data) + 1 : len, room = LINE_MAX_BYTES - s->partial.len;
		bool full = n > room;

		if (full)
			n = whole_chars(data, room);
		if (s->partial.len == 0 && nl && !full) {
			logrec_append(&b, s->name, now, data, n);
		} else {
			sbuf_add(&s->partial, data, n);
			if (nl || full) {
				logrec_append(&b, s->name, now, s->partial.p, s->partial.len);
				sbuf_reset(&s->partial);
			}
		}
		data += n;
		len -= n;
	}
	log_write(m, &b);
	if (b.cap > 4UL * CHUNK)
		sbuf_done(&b);
}

/**
 * io_log_flush() - Log what is left of lines without an end
 * @m:	Monitor
 */
void io_log_flush(struct mon *m)
{
	struct stream *const streams[] = { &m->out, &m->err };
	char now[TIME_RFC3339_LEN];

	time_format_rfc3339(time_now(), now);
	for (int i = 0; i < 2; i++) {
		auto_sbuf struct sbuf b = { 0 };

		if (streams[i]->partial.len && m->log >= 0) {
			logrec_append(&b, streams[i]->name, now, streams[i]->partial.p, streams[i]->partial.len);
			log_write(m, &b);
		}
		sbuf_done(&streams[i]->partial);
	}
}

static void close_stream(struct mon *m, struct stream *s)
{
	if (!s->open)
		return;
	s->open = false;
	mon_unwatch(m, &s->src);
	fd_closep(&s->src.fd);
	if (m->in.fd >= 0 && m->c->tty && s == &m->out) /* the pty's other role */
		m->in_open = false;
}

/* Read once and pass it on. Return: whether there was anything. */
static bool pump(struct mon *m, struct stream *s)
{
	static char buf[CHUNK];
	ssize_t n;

	if (!s->open)
		return false;
	n = fd_read(s->src.fd, buf, sizeof(buf));
	if (n == -EAGAIN)
		return false;
	if (n <= 0) { /* the end; a pty says EIO when its last slave is closed */
		close_stream(m, s);
		return false;
	}
	log_data(m, s, buf, (size_t)n);
	clients_output(m, s->type, buf, (size_t)n);
	return true;
}

static void on_output(struct mon *m, struct source *src, uint32_t events)
{
	struct stream *s = src == &m->out.src ? &m->out : &m->err;

	(void)events;
	if (!m->blocked)
		pump(m, s);
}

/**
 * io_drain() - After the container's end: take what is still in its pipes, whoever may be behind
 * @m:	Monitor
 *
 * The pipes hold a bounded amount, and nobody is left to write more; where somebody is (a pid namespace that is not the
 * container's own), there is an end all the same.
 */
void io_drain(struct mon *m)
{
	for (unsigned i = 0; i < DRAIN_MAX / CHUNK; i++)
		if (!pump(m, &m->out) && !pump(m, &m->err))
			break;
	close_stream(m, &m->out);
	close_stream(m, &m->err);
}

static int nonblocking_pipe(int ours, int p[2], struct err *e)
{
	int r = fd_pipe(p, e);

	if (r == 0)
		r = fd_set_nonblock(p[ours], true);
	return r;
}

/**
 * io_open_streams() - Make the container's stdin, stdout and stderr (a terminal comes later: io_set_pty())
 * @m:			Monitor
 * @child_stdio:	The container's ends; negative where it gets none
 * @e:			Failure
 *
 * Return: 0 or negative errno
 */
int io_open_streams(struct mon *m, int child_stdio[3], struct err *e)
{
	struct stream *const streams[] = { &m->out, &m->err };
	int p[2], r = 0;

	m->out.name = "stdout";
	m->err.name = "stderr";
	m->out.type = PROTO_STDOUT;
	m->err.type = PROTO_STDERR;
	if (m->c->tty)
		return 0;
	for (int i = 0; r == 0 && i < 2; i++) {
		r = nonblocking_pipe(0, p, e);
		if (r < 0)
			break;
		streams[i]->src.fd = p[0];
		streams[i]->open = true;
		child_stdio[i + 1] = p[1];
	}
	if (r == 0 && m->c->open_stdin) {
		r = nonblocking_pipe(1, p, e);
		if (r == 0) {
			child_stdio[0] = p[0];
			m->in.fd = p[1];
			m->in_open = true;
		}
	}
	return r;
}

static void on_stdin_writable(struct mon *m, struct source *s, uint32_t events);

void io_watch_streams(struct mon *m)
{
	struct stream *const streams[] = { &m->out, &m->err };

	m->out.src.on = m->err.src.on = on_output;
	m->in.on = on_stdin_writable;
	for (int i = 0; i < 2; i++) {
		if (!streams[i]->open)
			continue;
		if (m->blocked) /* not asked for nothing: its end would be told again and again */
			mon_unwatch(m, &streams[i]->src);
		else
			mon_watch(m, &streams[i]->src, EPOLLIN);
	}
}

/**
 * io_set_pty() - The container's terminal has come
 * @m:		Monitor
 * @master:	Its master; owned from now on
 */
void io_set_pty(struct mon *m, int master)
{
	if (m->out.open || fd_set_nonblock(master, true) < 0) {
		close(master);
		return;
	}
	m->out.src.fd = master;
	m->out.open = true;
	m->in.fd = fcntl(master, F_DUPFD_CLOEXEC, 10);
	m->in_open = m->in.fd >= 0;
	io_watch_streams(m);
}

static void close_stdin(struct mon *m)
{
	static const char eot = 4;

	m->in_eof = false;
	if (!m->in_open)
		return;
	if (m->c->tty) { /* a terminal has no end: what a user would type */
		(void)!write(m->in.fd, &eot, 1);
		return;
	}
	m->in_open = false;
	mon_unwatch(m, &m->in);
	fd_closep(&m->in.fd);
}

static size_t unwritten(const struct mon *m)
{
	return m->in_pending.len - m->in_at;
}

static void flush_stdin(struct mon *m)
{
	while (m->in_open && unwritten(m)) {
		ssize_t n = write(m->in.fd, m->in_pending.p + m->in_at, unwritten(m));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) { /* the container has closed it */
			m->in_at = m->in_pending.len;
			m->in_open = false;
			break;
		}
		m->in_at += (size_t)n;
	}
	if (unwritten(m) <= PROTO_STDIN_WINDOW / 4)
		clients_ack_stdin(m);
	if (unwritten(m)) {
		mon_watch(m, &m->in, EPOLLOUT);
		return;
	}
	if (m->in_pending.cap > CHUNK) /* a monitor is small again when a large file has gone through */
		sbuf_done(&m->in_pending);
	sbuf_reset(&m->in_pending);
	m->in_at = 0;
	mon_unwatch(m, &m->in);
	if (!m->in_open)
		fd_closep(&m->in.fd);
	else if (m->in_eof)
		close_stdin(m);
}

static void on_stdin_writable(struct mon *m, struct source *s, uint32_t events)
{
	(void)s;
	(void)events;
	flush_stdin(m);
}

/**
 * io_stdin() - Data for the container's stdin
 * @m:		Monitor
 * @data:	Bytes; dropped when the container reads no more
 * @len:	How many
 */
void io_stdin(struct mon *m, const void *data, size_t len)
{
	if (m->in_at > CHUNK && m->in_at >= unwritten(m)) {
		memmove(m->in_pending.p, m->in_pending.p + m->in_at, unwritten(m));
		m->in_pending.len = unwritten(m);
		m->in_at = 0;
	}
	if (m->in_open)
		sbuf_add(&m->in_pending, data, len);
	flush_stdin(m);
}

/**
 * io_stdin_eof() - The attached client's stdin has ended
 * @m:	Monitor
 *
 * What `run -i` was started with ends with it; a container that was started in the background keeps its stdin open for
 * the next one who attaches, as with docker. A terminal gets what a user would type.
 */
void io_stdin_eof(struct mon *m)
{
	if (!m->c->stdin_once && !m->c->tty)
		return;
	m->in_eof = true;
	if (!unwritten(m))
		close_stdin(m);
}
