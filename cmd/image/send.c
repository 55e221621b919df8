/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: each item is a job, a small machine whose steps are requests:
 *
 *	HEAD a form -- there? done.                     (for each form that is known)
 *	POST uploads/?mount=&from= -- 201? done. 202: an upload is open there.
 *	compress, where the bytes are not at hand; HEAD the result
 *	POST uploads/ -- PATCH the bytes -- PUT ?digest=
 *
 * When a PATCH fails in a way that may go away, the registry is asked how much it has (GET), and the next PATCH goes on
 * from there; an upload that it has forgotten begins anew. A registry, or a proxy before it, that takes no large
 * requests (413) gets the bytes in chunks. A failed PUT may have worked all the same, so the blob is asked for first.
 *
 * Bytes come from a file, or out of another registry through a ring in memory: whoever is faster is paused.
 *
 * Children that compress are forked, which a process with several threads must not do; libcurl resolves names in a
 * thread. So none is started while one is alive.
 */
#include "cmd/image/send.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/image/stop.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/format/progress.h"
#include "lib/http/http.h"
#include "lib/http/registry.h"
#include "lib/http/url.h"
#include "lib/oci/digest.h"
#include "storage/store.h"

#define PARALLEL_MAX 16
#define RING_SIZE    (2U << 20)
/* The largest piece that libcurl gives at once. */
#define RING_ROOM  (512U << 10)
#define CHUNK_SIZE (8U << 20)
#define CHUNK_MAX  (1U << 30)
#define PROGRESS   (1U << 20)
#define SHORT_WAIT (5 * NSEC_PER_MSEC)

enum job_state { JOB_NEW, JOB_BUSY, JOB_WANTS_PACK, JOB_PACKING, JOB_SLEEPING, JOB_DONE };

/**
 * struct ring - bytes on their way from one registry to the other
 * @buf:	RING_SIZE bytes
 * @start:	position in the blob of the oldest byte
 * @len:	bytes that are there
 * @get:	where they come from
 * @ended:	nothing more will come
 */
struct ring {
	char *buf;
	uint64_t start;
	size_t len;
	struct http_req *get;
	bool ended;
	int r;
	struct err e;
};

/**
 * struct job - one item
 * @form:	the form that is being asked for
 * @repo:	the repository of it that is being tried
 * @fd:		bytes to send: the item's, or the compressed layer's
 * @is_made:	the layer was compressed; it is the last form
 * @url:	where the open upload goes on; NULL: none is open
 * @sent:	bytes that the registry has of it
 * @mark:	@sent when failures were last counted from 0
 * @chunk:	bytes of one PATCH; 0: all
 * @length:	bytes of the PATCH that is under way
 * @put_failed:	a PUT has failed: does the blob exist now?
 * @wake:	end of JOB_SLEEPING
 */
struct job {
	struct send *s;
	struct send_item *item;
	size_t row;
	enum job_state state;
	size_t form;
	size_t repo;
	int fd;
	bool is_made;
	char *url;
	uint64_t sent;
	uint64_t mark;
	uint64_t chunk;
	uint64_t length;
	unsigned attempt;
	bool put_failed;
	int64_t wake;
	struct http_req *req;
	struct pack *pack;
	struct ring ring;
};

struct send {
	const struct send_spec *spec;
	struct job *jobs;
	size_t n;
	int r;
	struct err e;
};

static void ask(struct job *j);
static void open_upload(struct job *j);
static void patch(struct job *j);
static void put(struct job *j);

static void fail(struct job *j, int r, const struct err *e)
{
	if (j->s->r == 0) {
		j->s->r = r;
		j->s->e = *e;
	}
	j->state = JOB_DONE;
}

static void show(struct job *j, const char *status)
{
	if (j->item->label)
		progress_status(j->s->spec->progress, j->row, status);
}

static void finish(struct job *j, const char *status)
{
	const struct send_form *f = &j->item->forms[j->form];

	snprintf(j->item->digest, sizeof(j->item->digest), "%s", f->digest);
	j->item->size = f->size;
	show(j, status);
	j->state = JOB_DONE;
}

static const struct send_form *form_of(const struct job *j)
{
	return &j->item->forms[j->form];
}

/* Begin a request about the current form. */
static void call(struct job *j, struct registry_call *c,
		 void (*done)(void *, struct http_req *, int, const struct err *))
{
	const char *digest = form_of(j)->digest;
	bool asks = !strcmp(c->method, "HEAD") || !strcmp(c->method, "GET");
	auto_free char *what =
		xasprintf("blob %s %s %s", digest, asks ? "in" : "to", registry_name(j->s->spec->registry));
	struct err e;
	int r;

	c->what = what;
	c->done = done;
	c->arg = j;
	j->state = JOB_BUSY;
	r = registry_call_start(j->s->spec->registry, c, &j->req, &e);
	if (r < 0)
		fail(j, r, &e);
}

static void end_request(struct job *j)
{
	http_req_free(j->req);
	j->req = NULL;
}

/* ---- is it there? ---- */

static bool has_bytes(const struct job *j)
{
	const struct send_item *i = j->item;

	return j->is_made || (!i->repack && (i->fd >= 0 || i->from));
}

/* Nothing that is known is there: the bytes must go over, or be made first. */
static void send_bytes(struct job *j)
{
	struct err e;

	if (j->is_made) {
		patch(j);
	} else if (has_bytes(j)) {
		j->form = 0;
		patch(j);
	} else if (j->item->diff_id) {
		j->state = JOB_WANTS_PACK;
	} else {
		fail(j, err_say(&e, ENOENT, "blob %s is not there to be sent", j->item->forms[0].digest), &e);
	}
}

/* Another form, or none is left. */
static void next_form(struct job *j)
{
	j->repo = 0;
	if (!j->is_made && ++j->form < j->item->n_forms)
		ask(j);
	else
		send_bytes(j);
}

static void on_mount(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct job *j = arg;
	const struct send_form *f = form_of(j);
	struct err e = *why;
	auto_free char *from = NULL;

	if (r == 0 && http_req_status(req) == 201) {
		from = xasprintf("Mounted from %s", f->repos[j->repo]);
		end_request(j);
		finish(j, from);
		return;
	}
	/* Not mounted, but an upload is open now; one is enough. Refused: perhaps we may not read there. */
	if (r == 0 && !j->url)
		r = registry_upload_url(req, &j->url, &e);
	else if (r < 0)
		log_debug("%s", e.msg);
	end_request(j);
	j->repo++;
	/* Where the bytes are at hand, more questions cost more than they may save. */
	if (!has_bytes(j) && f->repos[j->repo])
		ask(j);
	else
		next_form(j);
}

static void mount(struct job *j)
{
	const struct send_form *f = form_of(j);
	auto_free char *from = url_escape(f->repos[j->repo]);
	auto_free char *object = xasprintf("blobs/uploads/?mount=%s&from=%s", f->digest, from);
	struct registry_call c = { .method = "POST", .object = object, .retry = true };

	call(j, &c, on_mount);
}

static void on_head(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct job *j = arg;
	const struct send_form *f = form_of(j);
	struct err e = *why;

	(void)req;
	end_request(j);
	if (r == 0)
		finish(j, j->put_failed ? "Pushed" : "Layer already exists");
	else if (r != -ENOENT)
		fail(j, r, &e);
	else if (j->put_failed)
		open_upload(j);
	else if (f->repos && f->repos[0])
		mount(j);
	else
		next_form(j);
}

/* Ask for the current form; once that is answered, for its mounts. */
static void ask(struct job *j)
{
	if (j->form >= j->item->n_forms) {
		send_bytes(j);
		return;
	}
	auto_free char *object = xasprintf("blobs/%s", form_of(j)->digest);
	struct registry_call c = { .method = "HEAD", .object = object, .retry = true };

	if (j->repo)
		mount(j);
	else
		call(j, &c, on_head);
}

/* ---- compressing ---- */

static bool is_single_threaded(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) == 0 && st.st_nlink == 3;
}

static int make_scratch(struct job *j, int *ret_fd, struct err *e)
{
	auto_free char *name = xasprintf("pack-%s", digest_hex(j->item->diff_id));

	*ret_fd = openat(j->s->spec->scratch_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*ret_fd < 0)
		return err_set(e, errno, "create a file for the compressed layer");
	unlinkat(j->s->spec->scratch_fd, name, 0);
	return 0;
}

static void start_pack(struct job *j)
{
	const struct send_spec *s = j->s->spec;
	struct pack_spec spec = {
		.layer_fd = -EBADF, .map = s->map, .diff_id = j->item->diff_id, .format = s->format, .level = s->level
	};
	auto_close int layer_fd = -EBADF;
	struct err e;
	int r = make_scratch(j, &j->fd, &e);

	spec.out_fd = j->fd;
	if (r == 0 && store_layer_has_tar(s->store, j->item->diff_id)) {
		r = store_layer_open(s->store, j->item->diff_id, &layer_fd, &e);
		spec.layer_fd = layer_fd;
	} else if (r == 0) {
		spec.blob_fd = j->item->fd;
		if (j->item->fd < 0)
			r = err_say(&e, ENOENT,
				    "layer %s: neither its compressed form nor its tar is in the store; pull the "
				    "image again",
				    j->item->diff_id);
	}
	if (r == 0)
		r = pack_start(&spec, &j->pack, &e);
	if (r < 0) {
		fail(j, r, &e);
		return;
	}
	show(j, "Compressing");
	j->state = JOB_PACKING;
}

/* The compressed layer is one more form; the registry may have it by chance, or from an earlier push. */
static void on_packed(struct job *j)
{
	struct send_item *i = j->item;
	char digest[SHA256_DIGEST_SIZE];
	uint64_t size = 0;
	struct err e;
	int r = pack_finish(take_ptr(&j->pack), digest, &size, &e);

	if (r < 0) {
		fail(j, r, &e);
		return;
	}
	j->is_made = true;
	i->forms = xrealloc(i->forms, (i->n_forms + 1) * sizeof(*i->forms));
	i->forms[i->n_forms] = (struct send_form) { .digest = xstrdup(digest), .size = (int64_t)size };
	j->form = i->n_forms++;
	j->repo = 0;
	ask(j);
}

/* ---- from registry to registry ---- */

static int on_get(void *arg, const void *p, size_t n, struct err *e)
{
	struct ring *g = arg;
	const char *from = p;

	(void)e;
	if (n > RING_SIZE - g->len)
		return -EAGAIN;
	for (size_t done = 0; done < n;) {
		size_t at = (g->start + g->len) % RING_SIZE;
		size_t part = n - done < RING_SIZE - at ? n - done : RING_SIZE - at;

		memcpy(g->buf + at, from + done, part);
		g->len += part;
		done += part;
	}
	return 0;
}

static void on_got(void *arg, struct http_req *req, int r, const struct err *e)
{
	struct ring *g = arg;

	g->e = *e; /* belongs to the request */
	g->r = r;
	g->get = NULL;
	g->ended = true;
	http_req_free(req);
}

static void ring_stop(struct ring *g)
{
	http_req_free(g->get);
	g->get = NULL;
	g->len = 0;
	g->ended = false;
	g->r = 0;
}

/* The bytes from @pos on. */
static int ring_start(struct job *j, uint64_t pos, struct err *e)
{
	const struct registry_blob b = {
		.digest = form_of(j)->digest,
		.size = (uint64_t)form_of(j)->size,
		.have = pos,
		.data = on_get,
		.done = on_got,
		.arg = &j->ring,
	};

	ring_stop(&j->ring);
	if (!j->ring.buf)
		j->ring.buf = xmalloc(RING_SIZE);
	j->ring.start = pos;
	j->ring.ended = pos == b.size;
	return j->ring.ended ? 0 : registry_blob_start(j->item->from, &b, &j->ring.get, e);
}

static ssize_t ring_read(struct ring *g, uint64_t pos, char *buf, size_t n, struct err *e)
{
	size_t at = g->start % RING_SIZE;

	if (pos != g->start)
		return err_say(e, ESPIPE, "the upload would have to begin again");
	if (!g->len && g->r < 0) {
		*e = g->e;
		return g->r;
	}
	if (!g->len)
		return g->ended ? 0 : -EAGAIN;
	if (n > g->len)
		n = g->len;
	if (n > RING_SIZE - at)
		n = RING_SIZE - at;
	memcpy(buf, g->buf + at, n);
	g->start += n;
	g->len -= n;
	return (ssize_t)n;
}

/* ---- upload ---- */

static ssize_t on_send(void *arg, uint64_t pos, void *buf, size_t n, struct err *e)
{
	struct job *j = arg;
	ssize_t got;

	if (pos >= j->length)
		return 0;
	if (n > j->length - pos)
		n = j->length - pos;
	if (j->fd < 0) {
		got = ring_read(&j->ring, j->sent + pos, buf, n, e);
	} else {
		do
			got = pread(j->fd, buf, n, (off_t)(j->sent + pos));
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return err_set(e, errno, "read blob %s", form_of(j)->digest);
	}
	if (got == 0)
		return err_say(e, EIO, "blob %s is shorter than its size", form_of(j)->digest);
	if (got > 0 && j->item->label)
		progress_count(j->s->spec->progress, j->row, "Pushing", j->sent + pos + (uint64_t)got,
			       (uint64_t)form_of(j)->size);
	return got;
}

/* Try again a little later, if that may help. Return: whether */
static bool sleep_after(struct job *j, const struct http_req *req, const struct err *e)
{
	int64_t delay;

	if (j->sent - j->mark >= PROGRESS)
		j->attempt = 0;
	j->mark = j->sent;
	if (!http_req_may_retry(req, ++j->attempt, &delay))
		return false;
	log_debug("%s; again in %lld ms", e->msg, (long long)(delay / NSEC_PER_MSEC));
	j->wake = time_mono() + delay;
	return true;
}

static void on_status(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct job *j = arg;
	struct err e = *why;
	const char *range = r == 0 ? http_req_header(req, "range") : NULL, *dash = range ? strchr(range, '-') : NULL;
	uint64_t last = 0;
	char *url = NULL;

	if (r == 0 && registry_upload_url(req, &url, NULL) == 0) {
		free(j->url);
		j->url = url;
	}
	if (!dash || str_to_u64(dash + 1, INT64_MAX, &last) < 0)
		last = 0;
	end_request(j);
	/* "0-0" is said of one byte and of none: as good as nothing. */
	if (last > 0 && last < (uint64_t)form_of(j)->size) {
		j->sent = last + 1;
		patch(j);
	} else if (r == 0 || r == -ENOENT) {
		open_upload(j);
	} else {
		fail(j, r, &e);
	}
}

/* Behind a failure: what does the registry have? */
static void ask_status(struct job *j)
{
	struct registry_call c = { .method = "GET", .url = j->url, .retry = true };

	if (j->put_failed)
		ask(j);
	else if (j->url)
		call(j, &c, on_status);
	else
		open_upload(j);
}

static void on_patch(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct job *j = arg;
	struct err e = *why;
	const char *min = http_req_header(req, "oci-chunk-min-length");
	uint64_t least = 0;
	char *url = NULL;

	if (j->ring.r < 0) { /* the source's reason is the better one */
		end_request(j);
		fail(j, j->ring.r, &j->ring.e);
		return;
	}
	if (r == 0)
		r = registry_upload_url(req, &url, &e);
	if (r == 0) {
		free(j->url);
		j->url = url;
		j->sent += j->length;
		end_request(j);
		if (j->sent < (uint64_t)form_of(j)->size)
			patch(j);
		else
			put(j);
		return;
	}
	if (http_req_status(req) == 413 && !j->chunk) {
		j->chunk = CHUNK_SIZE;
		if (min && str_to_u64(min, CHUNK_MAX, &least) == 0 && least > j->chunk)
			j->chunk = least;
		end_request(j);
		ask_status(j);
		return;
	}
	if (r == -ESPIPE || http_req_status(req) == 416) {
		j->wake = time_mono();
		j->state = ++j->attempt > PARALLEL_MAX ? JOB_DONE : JOB_SLEEPING;
	} else {
		j->state = sleep_after(j, req, &e) ? JOB_SLEEPING : JOB_DONE;
	}
	end_request(j);
	if (j->state == JOB_DONE)
		fail(j, r, &e);
}

static void patch(struct job *j)
{
	auto_strv char **headers = NULL;
	uint64_t left = (uint64_t)form_of(j)->size - j->sent;
	struct registry_call c = { .method = "PATCH", .url = j->url };
	struct err e;
	int r = 0;

	if (!j->url) {
		open_upload(j);
		return;
	}
	if (!left) { /* an empty blob */
		put(j);
		return;
	}
	if (!j->is_made)
		j->fd = j->item->fd;
	j->length = j->chunk && j->chunk < left ? j->chunk : left;
	if (j->fd < 0 && (j->ring.start != j->sent || (!j->ring.get && !j->ring.ended)))
		r = ring_start(j, j->sent, &e);
	if (r < 0) {
		fail(j, r, &e);
		return;
	}
	strv_add(&headers, "Content-Type: application/octet-stream");
	if (j->sent || j->chunk)
		strv_add_take(&headers, xasprintf("Content-Range: %llu-%llu", (unsigned long long)j->sent,
						  (unsigned long long)(j->sent + j->length - 1)));
	c.headers = headers;
	c.body = (struct http_body) { .len = j->length, .read = on_send, .arg = j };
	call(j, &c, on_patch);
}

static void on_opened(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct job *j = arg;
	struct err e = *why;

	if (r == 0)
		r = registry_upload_url(req, &j->url, &e);
	end_request(j);
	if (r < 0)
		fail(j, r, &e);
	else
		patch(j);
}

static void open_upload(struct job *j)
{
	struct registry_call c = { .method = "POST", .object = "blobs/uploads/", .retry = true };

	free(j->url);
	j->url = NULL;
	j->sent = j->mark = 0;
	j->put_failed = false;
	ring_stop(&j->ring);
	call(j, &c, on_opened);
}

static void on_put(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct job *j = arg;
	struct err e = *why;
	bool again = r < 0 && sleep_after(j, req, &e);

	end_request(j);
	if (again) {
		j->put_failed = true;
		j->state = JOB_SLEEPING;
	} else if (r < 0) {
		fail(j, r, &e);
	} else {
		finish(j, "Pushed");
	}
}

static void put(struct job *j)
{
	auto_free char *url = xasprintf("%s%cdigest=%s", j->url, strchr(j->url, '?') ? '&' : '?', form_of(j)->digest);
	struct registry_call c = { .method = "PUT", .url = url };

	call(j, &c, on_put);
}

/* ---- the loop ---- */

static size_t count(const struct send *s, enum job_state a, enum job_state b)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->jobs[i].state == a || s->jobs[i].state == b;
	return n;
}

static void start_jobs(struct send *s)
{
	size_t parallel = s->spec->parallel < PARALLEL_MAX ? s->spec->parallel : PARALLEL_MAX;
	size_t active = s->n - count(s, JOB_NEW, JOB_DONE);
	int64_t now = time_mono();

	for (size_t i = 0; i < s->n && s->r == 0; i++) {
		struct job *j = &s->jobs[i];

		if (j->state == JOB_NEW && active < parallel) {
			active++;
			ask(j);
		} else if (j->state == JOB_SLEEPING && now >= j->wake) {
			ask_status(j);
		}
		/* Each compresses with all processors, but reads the layer with one: two overlap well. */
		if (j->state == JOB_WANTS_PACK && count(s, JOB_PACKING, JOB_PACKING) < 2 && is_single_threaded())
			start_pack(j);
	}
}

static int turn(struct send *s, struct err *e)
{
	struct pollfd fds[PARALLEL_MAX + 1];
	struct job *of[PARALLEL_MAX + 1];
	int64_t wait = NSEC_PER_SEC, tick = progress_tick(s->spec->progress), now = time_mono();
	size_t n = 0;
	int r;

	for (size_t i = 0; i < s->n; i++) {
		struct job *j = &s->jobs[i];

		if (RING_SIZE - j->ring.len >= RING_ROOM)
			http_req_unpause(j->ring.get);
		if (j->fd >= 0 || j->ring.len || j->ring.ended)
			http_req_unpause(j->req);
		if (j->state == JOB_WANTS_PACK && !count(s, JOB_PACKING, JOB_PACKING))
			wait = SHORT_WAIT;
		if (j->state == JOB_SLEEPING && j->wake - now < wait)
			wait = j->wake > now ? j->wake - now : 0;
		if (j->state != JOB_PACKING)
			continue;
		fds[n] = (struct pollfd) { .fd = pack_fd(j->pack), .events = POLLIN };
		of[n++] = j;
	}
	fds[n] = (struct pollfd) { .fd = s->spec->stop, .events = POLLIN };
	if (tick >= 0 && tick < wait)
		wait = tick;
	r = http_step(s->spec->http, fds, n + 1, wait, e);
	if (r < 0)
		return r;
	if (stop_signal(s->spec->stop))
		return err_say(e, EINTR, "interrupted");
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents)
			on_packed(of[i]);
	return 0;
}

static void release(struct job *j)
{
	end_request(j);
	pack_abort(j->pack);
	ring_stop(&j->ring);
	free(j->ring.buf);
	free(j->url);
	if (j->is_made || j->state == JOB_PACKING)
		fd_closep(&j->fd);
}

/**
 * send_run() - Bring blobs to a registry
 * @spec:	Where to and how
 * @items:	What; the digests that are there in the end are filled in
 * @n:		How many
 * @e:		Failure
 *
 * Return: 0 when all are there, -EINTR, negative errno
 */
int send_run(const struct send_spec *spec, struct send_item *items, size_t n, struct err *e)
{
	struct send s = { .spec = spec, .n = n, .jobs = xcalloc(n + 1, sizeof(*s.jobs)) };
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		s.jobs[i] = (struct job) { .s = &s, .item = &items[i], .fd = -EBADF };
		if (items[i].label)
			s.jobs[i].row = progress_add(spec->progress, items[i].label);
		show(&s.jobs[i], "Preparing");
	}
	while (r == 0 && s.r == 0 && count(&s, JOB_DONE, JOB_DONE) < n) {
		start_jobs(&s);
		if (s.r == 0 && count(&s, JOB_DONE, JOB_DONE) < n)
			r = turn(&s, e);
	}
	if (r == 0 && s.r < 0) {
		r = s.r;
		*e = s.e;
	}
	for (size_t i = 0; i < n; i++)
		release(&s.jobs[i]);
	free(s.jobs);
	return r;
}

/**
 * send_item_done() - Release an item's forms
 * @i:	The item
 */
void send_item_done(struct send_item *i)
{
	for (size_t k = 0; k < i->n_forms; k++) {
		free(i->forms[k].digest);
		strv_free(i->forms[k].repos);
	}
	free(i->forms);
	i->forms = NULL;
	i->n_forms = 0;
}
