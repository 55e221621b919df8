/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/image/copy_end.h"
#include "cmd/image/stop.h"
#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/crypto/sha256.h"
#include "lib/format/progress.h"
#include "lib/http/registry.h"
#include "lib/oci/digest.h"

#define PARALLEL 4
#define COPY_BUF (256U << 10)

/**
 * struct gathered - one blob
 * @tmp:	its name until it is whole
 */
struct gathered {
	struct gather *g;
	const struct oci_descriptor *d;
	char tmp[32];
	int fd;
	size_t row;
	uint64_t have;
	struct sha256 *hash;
	struct http_req *req;
};

struct gather {
	struct copy_end *from;
	int dirfd;
	struct progress *out;
	size_t active;
	int r;
	struct err e;
};

static void fail(struct gather *g, int r, const struct err *e)
{
	if (g->r == 0) {
		g->r = r;
		g->e = *e;
	}
}

static int take_bytes(void *arg, const void *p, size_t n, struct err *e)
{
	struct gathered *b = arg;
	int r;

	if (n > (uint64_t)b->d->size - b->have)
		return err_say(e, EBADMSG, "blob %s is larger than its size", b->d->digest);
	r = fd_write_full(b->fd, p, n);
	if (r < 0)
		return err_set(e, r, "write blob %s", b->d->digest);
	sha256_update(b->hash, p, n);
	b->have += n;
	progress_count(b->g->out, b->row, "Copying", b->have, (uint64_t)b->d->size);
	return 0;
}

/* All bytes have come: are they the right ones? */
static int finish(struct gathered *b, struct err *e)
{
	char have[SHA256_DIGEST_SIZE];

	sha256_final_digest(b->hash, have);
	if (strcmp(have, b->d->digest) || b->have != (uint64_t)b->d->size)
		return err_say(e, EBADMSG, "blob %s: wrong digest or size: what came is %s, %llu bytes", b->d->digest,
			       have, (unsigned long long)b->have);
	if (renameat(b->g->dirfd, b->tmp, b->g->dirfd, digest_hex(b->d->digest)) < 0)
		return err_set(e, errno, "rename blob %s", b->d->digest);
	b->tmp[0] = '\0';
	fd_closep(&b->fd); /* an index with all its platforms has more blobs than a process may have files */
	progress_status(b->g->out, b->row, "Copied");
	return 0;
}

static void on_done(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct gathered *b = arg;
	struct err e = *why;

	http_req_free(req);
	b->req = NULL;
	b->g->active--;
	if (r == 0)
		r = finish(b, &e);
	if (r < 0)
		fail(b->g, r, &e);
}

static int copy_file(struct gathered *b, struct err *e)
{
	auto_close int fd = -EBADF;
	auto_free char *buf = xmalloc(COPY_BUF);
	ssize_t n;
	int r = copy_end_blob(b->g->from, b->d->digest, &fd, e);

	while (r == 0) {
		n = fd_read(fd, buf, COPY_BUF);
		if (n < 0)
			return err_set(e, (int)n, "read blob %s", b->d->digest);
		if (n == 0)
			return finish(b, e);
		r = take_bytes(b, buf, (size_t)n, e);
	}
	return r;
}

/* Return: 1 begun, 0 nothing is left to do, negative errno */
static int start(struct gathered *b, struct err *e)
{
	struct registry_blob blob = {
		.digest = b->d->digest,
		.size = (uint64_t)b->d->size,
		.data = take_bytes,
		.done = on_done,
		.arg = b,
	};
	char id[DIGEST_SHORT + 1];
	struct stat st;
	int r;

	if (!digest_is_sha256(b->d->digest))
		return err_say(e, ENOTSUP, "%s: only sha256 digests are supported", b->d->digest);
	digest_short(b->d->digest, id);
	b->row = progress_add(b->g->out, id);
	if (fstatat(b->g->dirfd, digest_hex(b->d->digest), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size == b->d->size) {
		progress_status(b->g->out, b->row, "Already exists");
		return 0;
	}
	snprintf(b->tmp, sizeof(b->tmp), ".tmp-");
	r = rand_hex(b->tmp + strlen(b->tmp), 16, e);
	if (r == 0)
		r = sha256_new(&b->hash, e);
	if (r < 0)
		return r;
	b->fd = openat(b->g->dirfd, b->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (b->fd < 0)
		return err_set(e, errno, "create a file for blob %s", b->d->digest);
	if (b->g->from->kind != END_DOCKER)
		return copy_file(b, e);
	r = registry_blob_start(b->g->from->registry, &blob, &b->req, e);
	return r < 0 ? r : 1;
}

static void release(struct gathered *b)
{
	http_req_free(b->req);
	sha256_free(b->hash);
	fd_closep(&b->fd);
	if (b->tmp[0])
		unlinkat(b->g->dirfd, b->tmp, 0);
}

/**
 * gather_blobs() - Bring blobs into a folder
 * @from:	Where they are
 * @http:	The loop of @from's registry
 * @blobs:	Which ones; the same one may be there twice
 * @n:		How many
 * @dirfd:	The folder
 * @out:	Gets a row for each
 * @stop:	Readable when the command is to end
 * @e:		Failure
 *
 * Return: 0, -EBADMSG, -EINTR, ...
 */
int gather_blobs(struct copy_end *from, struct http *http, const struct oci_descriptor *const *blobs, size_t n,
		 int dirfd, struct progress *out, int stop, struct err *e)
{
	struct gather g = { .from = from, .dirfd = dirfd, .out = out };
	struct gathered *v = xcalloc(n + 1, sizeof(*v));
	size_t next = 0;
	int r = 0;

	while (r == 0 && g.r == 0 && (next < n || g.active)) {
		struct pollfd p = { .fd = stop, .events = POLLIN };
		bool twice = false;

		if (next < n && g.active < PARALLEL) {
			for (size_t k = 0; k < next; k++)
				twice |= !strcmp(blobs[k]->digest, blobs[next]->digest);
			v[next] = (struct gathered) { .g = &g, .d = blobs[next], .fd = -EBADF };
			r = twice ? 0 : start(&v[next], e);
			g.active += r > 0;
			next++;
			r = r < 0 ? r : 0;
		} else {
			r = http_step(http, &p, 1, progress_tick(out) >= 0 ? NSEC_PER_SEC / 10 : NSEC_PER_SEC, e);
		}
		if (r == 0 && stop_signal(stop))
			r = err_say(e, EINTR, "interrupted");
	}
	if (r == 0 && g.r < 0) {
		r = g.r;
		*e = g.e;
	}
	for (size_t i = 0; i < next; i++)
		release(&v[i]);
	free(v);
	return r;
}
