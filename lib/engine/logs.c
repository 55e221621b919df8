/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/engine/logrec.h"

#define RECORD_MAX (1U << 20)
#define TAIL_BLOCK 65536

int logs_parse_time(const char *text, int64_t *ret_ns, struct err *e)
{
	auto_free char *more = NULL;
	struct tm tm = { 0 };
	int64_t ns;
	char *end;

	if (time_parse_rfc3339(text, ret_ns) == 0)
		return 0;
	if (strspn(text, "0123456789") == strlen(text) && str_to_i64(text, &ns) == 0) {
		*ret_ns = ns * NSEC_PER_SEC;
		return 0;
	}
	more = xasprintf("%sZ", text);
	if (strchr(text, 'T') && time_parse_rfc3339(more, ret_ns) == 0)
		return 0;
	if (str_to_duration(text, &ns) == 0) {
		*ret_ns = time_now() - ns;
		return 0;
	}
	end = strptime(text, "%Y-%m-%d", &tm);
	if (end && !*end) {
		tm.tm_isdst = -1;
		*ret_ns = (int64_t)mktime(&tm) * NSEC_PER_SEC;
		return 0;
	}
	return err_say(e, EINVAL, "failed to parse time '%s': RFC 3339, unix seconds, or a duration such as 10m", text);
}

/* Two streams of buffered output. */
struct sink {
	const struct logs_opts *o;
	struct sbuf out, err;
	struct logrec rec;
	bool out_open, err_open; /* the last record was no whole line: the next one goes on with it */
};

static int flush(struct sink *s)
{
	int r = s->out.len ? fd_write_full(s->o->out, s->out.p, s->out.len) : 0;

	if (r == 0 && s->err.len)
		r = fd_write_full(s->o->err, s->err.p, s->err.len);
	sbuf_reset(&s->out);
	sbuf_reset(&s->err);
	return r;
}

/* One record; a damaged one is passed over: the next line is a new start. */
static int print_record(struct sink *s, const char *line, size_t len)
{
	struct logrec *rec = &s->rec;
	struct sbuf *to, *other;
	bool *open;
	int64_t ns;

	if (!logrec_parse(line, len, rec))
		return 0;
	if ((s->o->since_ns || s->o->until_ns) && time_parse_rfc3339(rec->time, &ns) == 0 &&
	    (ns < s->o->since_ns || (s->o->until_ns && ns > s->o->until_ns)))
		return 0;
	to = rec->is_stderr ? &s->err : &s->out;
	other = rec->is_stderr ? &s->out : &s->err;
	/* The order of the two streams is kept: what one has pending goes out before the other has more. */
	if (other->len) {
		int r = flush(s);

		if (r < 0)
			return r;
	}
	open = rec->is_stderr ? &s->err_open : &s->out_open;
	if (s->o->timestamps && !*open)
		sbuf_printf(to, "%s ", rec->time);
	sbuf_add(to, rec->text.p, rec->text.len);
	*open = rec->text.len && rec->text.p[rec->text.len - 1] != '\n';
	return to->len > TAIL_BLOCK ? flush(s) : 0;
}

/* Print all whole records from the descriptor's position on; an unfinished one stays in @part. */
static int print_available(struct sink *s, int fd, struct sbuf *part)
{
	char buf[TAIL_BLOCK];
	ssize_t n;
	int r = 0;

	while ((n = fd_read(fd, buf, sizeof(buf))) > 0) {
		char *at = buf, *nl;

		while (r == 0 && (nl = memchr(at, '\n', (size_t)(buf + n - at)))) {
			sbuf_add(part, at, (size_t)(nl - at));
			r = print_record(s, part->p, part->len);
			sbuf_reset(part);
			at = nl + 1;
		}
		if (r < 0)
			return r;
		sbuf_add(part, at, (size_t)(buf + n - at));
		if (part->len > RECORD_MAX)
			sbuf_reset(part);
	}
	return n < 0 ? (int)n : flush(s);
}

/* Put the position before the last @lines records, reading backwards. */
static int seek_tail(int fd, int64_t lines)
{
	char buf[TAIL_BLOCK];
	off_t end = lseek(fd, 0, SEEK_END), at = end;

	if (lines == 0)
		return 0;
	while (at > 0) {
		size_t want = at < (off_t)sizeof(buf) ? (size_t)at : sizeof(buf);
		ssize_t n = pread(fd, buf, want, at - (off_t)want);

		if (n != (ssize_t)want)
			return -EIO;
		for (ssize_t i = n - 1; i >= 0; i--) {
			off_t pos = at - n + i;

			if (buf[i] != '\n' || pos == end - 1)
				continue;
			if (--lines == 0)
				return lseek(fd, pos + 1, SEEK_SET) < 0 ? -errno : 0;
		}
		at -= n;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* Until the container has ended and everything is printed. */
static int follow(const struct ctr *c, struct sink *s, int fd, struct sbuf *part, struct err *e)
{
	auto_close int ino = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[48], events[4096];
	int r;

	if (ino < 0)
		return err_set(e, errno, "watch the log");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (inotify_add_watch(ino, path, IN_MODIFY) < 0)
		return err_set(e, errno, "watch the log");
	for (;;) {
		bool alive = ctr_is_running(c); /* asked before reading: what came before its end is then read */
		struct pollfd p = { .fd = ino, .events = POLLIN };

		r = print_available(s, fd, part);
		if (r < 0 || !alive || (s->o->until_ns && time_now() > s->o->until_ns))
			return r;
		/* The end of the container changes no file that is watched: look now and then. */
		if (poll(&p, 1, 250) > 0)
			(void)!read(ino, events, sizeof(events));
	}
}

int logs_print(const struct ctr *c, const struct logs_opts *o, struct err *e)
{
	auto_close int fd = openat(c->dirfd, "log.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	auto_sbuf struct sbuf part = { 0 };
	struct sink s = { .o = o };
	struct stat st;
	int r = 0;

	if (str_is_eq(c->config.log_driver, "none"))
		return err_say(e, ENOTSUP, "configured logging driver does not support reading");
	if (fd < 0 && errno == ENOENT)
		return 0; /* never started */
	if (fd < 0)
		return err_set(e, errno, "open the container's log");
	/* What is there must be our own file (CVE-2026-53489). */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_say(e, EINVAL, "the container's log is not a regular file");
	if (o->tail >= 0)
		r = seek_tail(fd, o->tail);
	if (r == 0)
		r = o->follow ? follow(c, &s, fd, &part, e) : print_available(&s, fd, &part);
	sbuf_done(&s.out);
	sbuf_done(&s.err);
	logrec_done(&s.rec);
	if (r == -EPIPE)
		return 0; /* the reader has seen enough */
	return r < 0 ? err_set(e, r, "print the log of container %s", c->config.name) : 0;
}
