/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: each layer is a job. While a transfer appends to the blob's staged file and hashes it, the
 * layer's unpacker (a child process) reads the same file and is told how far it is; nothing passes through memory
 * twice. A layer counts when three things agree: the blob's size and digest, and the diff id of what came out.
 *
 * A blob that another process stages is left to it; meanwhile we do ours. Were we to wait for the other's commit with
 * ours pending, two pulls of images that share two layers could wait for each other for ever; so once only such blobs
 * are left, fetch_run() returns and its caller commits what we have.
 *
 * What a killed pull left of a blob is hashed and gone on with. Should the digest be wrong in the end, that part was
 * not what we think (a power cut, a registry that changed its mind), and the blob is fetched once more from its first
 * byte.
 *
 * Unpackers are forked, which a process with several threads must not do; libcurl resolves names in a thread. So no job
 * is begun while one is alive.
 */
#include "cmd/image/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/image/stop.h"
#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/crypto/sha256.h"
#include "lib/format/progress.h"
#include "lib/http/http.h"
#include "lib/http/registry.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "storage/store.h"
#include "storage/unpack/unpack.h"

#define RETRY_NS     (200 * NSEC_PER_MSEC)
#define PARALLEL_MAX 16
#define WRITEBACK_STEP (8U << 20)

enum job_state {
	JOB_NEW,
	JOB_ELSEWHERE, /* another process stages it */
	JOB_ACTIVE,
	JOB_DONE,
};

/**
 * struct job - one layer
 * @row:	of the progress
 * @retry_at:	when to look again, for JOB_ELSEWHERE
 * @fd:		the staged blob
 * @have:	bytes in it that are hashed
 * @flushed:	bytes that are on their way to the disk
 * @is_stored:	@fd is a blob of the store: nothing is to be staged
 * @resumed:	a part of it came from an earlier process
 * @complete:	all bytes are there, and right
 */
struct job {
	struct fetch *f;
	const struct oci_descriptor *blob;
	const char *diff_id;
	size_t row;
	enum job_state state;
	int64_t retry_at;
	int fd;
	int layer_fd;
	unsigned slot;
	uint64_t have;
	uint64_t flushed;
	struct sha256 *hash;
	struct http_req *req;
	struct unpack *unpack;
	bool is_claimed;
	bool is_stored;
	bool resumed;
	bool complete;
};

/**
 * struct fetch - all layers of an image
 * @r:	first failure, with @e
 */
struct fetch {
	struct fetch_spec s;
	struct store_txn *txn;
	struct job *jobs;
	size_t n;
	size_t active;
	bool shown;
	int r;
	struct err e;
};

/* Twice the same layer in one image is one job. A blob with two diff ids is a lie about one of them. */
static int check_twins(const struct fetch_spec *s, struct err *e)
{
	for (size_t i = 0; i < s->manifest->n_layers; i++) {
		const struct oci_descriptor *a = &s->manifest->layers[i];
		enum oci_compression c;
		int r = oci_layer_compression(a->media_type, &c, e);

		if (r < 0)
			return err_wrap(e, r, "layer %s", a->digest);
		if (!digest_is_sha256(a->digest) || !digest_is_sha256(s->diff_ids[i]))
			return err_say(e, ENOTSUP, "layer %s: only sha256 digests are supported", a->digest);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(a->digest, s->manifest->layers[k].digest) && strcmp(s->diff_ids[i], s->diff_ids[k]))
				return err_say(e, EBADMSG, "layer %s: listed with two diff ids", a->digest);
	}
	return 0;
}

static bool is_twin(const struct fetch *f, const char *diff_id)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->jobs[i].diff_id, diff_id))
			return true;
	return false;
}

/**
 * fetch_new() - Prepare to fetch the layers of an image
 * @spec:	What; what it points to outlives the result
 * @ret:	The jobs; release with fetch_free()
 * @e:		Failure
 *
 * Return: 0; -ENOTSUP for a layer of an unknown kind, -EBADMSG for lists that contradict each other
 */
int fetch_new(const struct fetch_spec *spec, struct fetch **ret, struct err *e)
{
	struct fetch *f;
	int r = check_twins(spec, e);

	if (r < 0)
		return r;
	f = xcalloc(1, sizeof(*f));
	f->s = *spec;
	if (f->s.parallel > PARALLEL_MAX)
		f->s.parallel = PARALLEL_MAX;
	f->jobs = xcalloc(spec->manifest->n_layers, sizeof(*f->jobs));
	for (size_t i = 0; i < spec->manifest->n_layers; i++) {
		const struct oci_descriptor *d = &spec->manifest->layers[i];
		char id[DIGEST_SHORT + 1];

		if (is_twin(f, spec->diff_ids[i]))
			continue;
		digest_short(d->digest, id);
		f->jobs[f->n++] = (struct job) {
			.f = f,
			.blob = d,
			.diff_id = spec->diff_ids[i],
			.row = progress_add(spec->progress, id),
			.fd = -EBADF,
			.layer_fd = -EBADF,
		};
	}
	*ret = f;
	return 0;
}

/* End what a job has under way. */
static void release(struct job *j)
{
	http_req_free(j->req);
	unpack_abort(j->unpack);
	sha256_free(j->hash);
	j->req = NULL;
	j->unpack = NULL;
	j->hash = NULL;
	fd_closep(&j->fd);
	fd_closep(&j->layer_fd);
	j->have = j->flushed = 0;
	j->is_claimed = j->is_stored = j->resumed = j->complete = false;
}

/**
 * fetch_free() - Release, ending what is under way
 * @f:	Jobs or NULL
 */
void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		release(&f->jobs[i]);
	free(f->jobs);
	free(f);
}

/**
 * fetch_freep() - fetch_free() for auto_fetch; disarms
 * @f:	Address of the pointer
 */
void fetch_freep(struct fetch **f)
{
	fetch_free(*f);
	*f = NULL;
}

static void fail(struct fetch *f, int r, const struct err *e)
{
	if (f->r == 0) {
		f->r = r;
		f->e = *e;
	}
}

static void end_job(struct job *j)
{
	release(j);
	j->state = JOB_DONE;
	j->f->active--;
}

/* The unpacker ended on its own: its reason is the better one. */
static void fail_job(struct job *j, int r, const struct err *e)
{
	struct unpack_result res = { 0 };
	struct err why = *e;
	int u;

	if (r == -EPIPE && j->unpack) {
		u = unpack_finish(j->unpack, &res, &why);
		j->unpack = NULL;
		free(res.meta_json);
		if (u < 0)
			r = u;
		else
			err_say(&why, EBADMSG, "layer %s: ends before its blob does", j->blob->digest);
	}
	fail(j->f, r, &why);
	end_job(j);
}

/* The disk begins early: what the commit's sync finds still to be written is waited for. */
static void start_writeback(struct job *j)
{
	if (!j->f->s.keep_blobs || j->have - j->flushed < WRITEBACK_STEP)
		return;
	sync_file_range(j->fd, (off_t)j->flushed, (off_t)(j->have - j->flushed), SYNC_FILE_RANGE_WRITE);
	j->flushed = j->have;
}

static int on_data(void *arg, const void *p, size_t n, struct err *e)
{
	struct job *j = arg;
	size_t done = 0;

	while (done < n) {
		ssize_t w = pwrite(j->fd, (const char *)p + done, n - done, (off_t)(j->have + done));

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_set(e, errno, "write layer %s to the store", j->blob->digest);
		done += (size_t)w;
	}
	sha256_update(j->hash, p, n);
	j->have += n;
	start_writeback(j);
	progress_count(j->f->s.progress, j->row, "Downloading", j->have, (uint64_t)j->blob->size);
	return unpack_progress(j->unpack, j->have, false, e);
}

/* A second time, from the first byte. */
static int restart(struct job *j, struct err *e)
{
	log_debug("layer %s: what was there of it was wrong, starting again", j->blob->digest);
	unpack_abort(j->unpack);
	j->unpack = NULL;
	fd_closep(&j->layer_fd);
	if (ftruncate(j->fd, 0) < 0)
		return err_set(e, errno, "truncate the partial layer %s", j->blob->digest);
	j->resumed = false;
	j->have = j->flushed = 0;
	j->state = JOB_NEW;
	j->f->active--;
	return 0;
}

/* All bytes are there. */
static int check_blob(struct job *j, struct err *e)
{
	char have[SHA256_DIGEST_SIZE];

	sha256_final_digest(j->hash, have);
	if (strcmp(have, j->blob->digest)) {
		if (j->resumed)
			return restart(j, e);
		return err_say(e, EBADMSG, "reading blob %s in %s: wrong digest: the bytes that came have %s",
			       j->blob->digest, registry_name(j->f->s.registry), have);
	}
	j->complete = true;
	progress_status(j->f->s.progress, j->row, "Download complete");
	return unpack_progress(j->unpack, j->have, true, e);
}

static void on_done(void *arg, struct http_req *req, int r, const struct err *why)
{
	struct job *j = arg;
	struct err e = *why;

	j->req = NULL;
	http_req_free(req);
	if (r == 0)
		r = check_blob(j, &e);
	if (r < 0)
		fail_job(j, r, &e);
}

/* Hash what is there already. */
static int hash_part(struct job *j, struct err *e)
{
	static char buf[256 * 1024];
	uint64_t pos = 0;

	while (pos < j->have) {
		ssize_t n = pread(j->fd, buf, j->have - pos < sizeof(buf) ? j->have - pos : sizeof(buf), (off_t)pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, n ? errno : EIO, "read the partial layer %s", j->blob->digest);
		sha256_update(j->hash, buf, (size_t)n);
		pos += (uint64_t)n;
	}
	return 0;
}

static int open_stored(struct job *j, uint64_t *ret_have, struct err *e)
{
	auto_free char *path = xasprintf("oci/blobs/sha256/%s", digest_hex(j->blob->digest));
	struct stat st;

	j->fd = openat(j->f->s.store_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (j->fd < 0 || fstat(j->fd, &st) < 0)
		return err_set(e, errno, "open '%s'", path);
	*ret_have = (uint64_t)st.st_size;
	j->is_stored = true;
	return 0;
}

/* Return: 1 it is ours, 0 another process has it, negative errno. */
static int claim(struct job *j, struct err *e)
{
	uint64_t have = 0;
	int r;

	if (j->is_claimed)
		return 1;
	r = store_txn_blob_open(j->f->txn, j->blob->digest, &j->fd, &have, e);
	if (r == -EAGAIN)
		return 0;
	if (r == 1)
		r = open_stored(j, &have, e);
	if (r < 0)
		return r;
	if (have > (uint64_t)j->blob->size && !j->is_stored) {
		if (ftruncate(j->fd, 0) < 0)
			return err_set(e, errno, "truncate the partial layer %s", j->blob->digest);
		have = 0;
	}
	j->have = have;
	j->resumed = have > 0 && !j->is_stored;
	j->is_claimed = true;
	return 1;
}

/* Return: 2 the layer is there, 1 its blob is ours, 0 another process has that, negative errno. */
static int claim_layer(struct job *j, struct err *e)
{
	int r = store_txn_need_layer(j->f->txn, j->diff_id, e);

	if (r != 0)
		return r < 0 ? r : 2;
	r = claim(j, e);
	if (r != 1)
		return r;
	/* Who had the blob until now lets go of it when the layer is in its place: look again. */
	r = store_txn_need_layer(j->f->txn, j->diff_id, e);
	if (r <= 0)
		return r < 0 ? r : 1;
	release(j);
	store_txn_blob_drop(j->f->txn, j->blob->digest, false);
	return 2;
}

static int start_unpack(struct job *j, struct err *e)
{
	struct unpack_spec spec = {
		.blob_fd = j->fd,
		.map = j->f->s.map,
		.name = j->blob->digest,
		.limits = j->f->s.limits,
	};
	int r = store_txn_layer_open(j->f->txn, &j->slot, &j->layer_fd, e);

	if (r < 0)
		return r;
	spec.layer_fd = j->layer_fd;
	r = unpack_start(&spec, &j->unpack, e);
	if (r == 0 && j->have)
		r = unpack_progress(j->unpack, j->have, false, e);
	return r;
}

static int start_transfer(struct job *j, struct err *e)
{
	const struct registry_blob b = {
		.digest = j->blob->digest,
		.size = (uint64_t)j->blob->size,
		.have = j->have,
		.data = on_data,
		.done = on_done,
		.arg = j,
	};

	return registry_blob_start(j->f->s.registry, &b, &j->req, e);
}

/* Return: 1 begun, 0 not yet, negative errno. */
static int start_job(struct job *j, struct err *e)
{
	int r = claim_layer(j, e);

	if (r == 2) {
		progress_status(j->f->s.progress, j->row, "Already exists");
		j->state = JOB_DONE;
	}
	if (r == 0) {
		progress_count(j->f->s.progress, j->row, "Waiting for another pull", 0, 0);
		j->state = JOB_ELSEWHERE;
		j->retry_at = time_mono() + RETRY_NS;
	}
	if (r <= 0 || j->state == JOB_DONE)
		return r;
	if (!j->hash)
		r = sha256_new(&j->hash, e);
	else
		sha256_reset(j->hash);
	j->state = JOB_ACTIVE;
	j->f->active++;
	if (r >= 0)
		r = hash_part(j, e);
	if (r == 0)
		r = start_unpack(j, e);
	if (r < 0)
		return r;
	if (j->have == (uint64_t)j->blob->size)
		r = check_blob(j, e);
	else
		r = start_transfer(j, e);
	return r < 0 ? r : 1;
}

static bool is_single_threaded(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) == 0 && st.st_nlink == 3;
}

/* Begin jobs while there is room. Return: is one left that waits only for another process? */
static bool start_jobs(struct fetch *f)
{
	int64_t now = time_mono();
	bool elsewhere = false;

	for (size_t i = 0; i < f->n && f->r == 0; i++) {
		struct job *j = &f->jobs[i];
		struct err e = { 0 };
		int r;

		if (j->state == JOB_NEW || (j->state == JOB_ELSEWHERE && now >= j->retry_at)) {
			if (f->active >= f->s.parallel || !is_single_threaded())
				continue;
			r = start_job(j, &e);
			if (r < 0 && j->state == JOB_ACTIVE)
				fail_job(j, r, &e);
			else if (r < 0)
				fail(f, r, &e);
		}
		elsewhere |= j->state == JOB_ELSEWHERE;
	}
	return elsewhere;
}

/* Before anything is begun every row says what it is, in the image's order. */
static int show_all(struct fetch *f, struct err *e)
{
	for (size_t i = 0; i < f->n && !f->shown; i++) {
		struct job *j = &f->jobs[i];
		int r = store_txn_need_layer(f->txn, j->diff_id, e);

		if (r < 0)
			return r;
		progress_status(f->s.progress, j->row, r ? "Already exists" : "Pulling fs layer");
		if (r)
			j->state = JOB_DONE;
	}
	f->shown = true;
	return 0;
}

/* The unpacker of @j has ended. */
static int finish_layer(struct job *j, struct err *e)
{
	struct unpack_result res = { 0 };
	auto_free char *meta = NULL;
	int r = unpack_finish(j->unpack, &res, e);

	j->unpack = NULL;
	meta = res.meta_json;
	if (r < 0)
		return r;
	if (!j->complete)
		return err_say(e, EBADMSG, "layer %s: ends before its blob does", j->blob->digest);
	if (strcmp(res.diff_id, j->diff_id))
		return err_say(e, EBADMSG, "layer %s: wrong diff id: unpacked it is %s, the config says %s",
			       j->blob->digest, res.diff_id, j->diff_id);
	r = store_txn_layer_done(j->f->txn, j->slot, j->diff_id, meta, e);
	if (r == 0 && !j->is_stored)
		r = store_txn_blob_done(j->f->txn, j->blob->digest, j->f->s.keep_blobs || res.needs_blob, e);
	return r;
}

static void handle_unpackers(struct fetch *f, const struct pollfd *fds, struct job *const *of, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct job *j = of[i];
		struct err e = { 0 };
		int r;

		/* Its transfer may have ended it meanwhile. */
		if (!fds[i].revents || j->state != JOB_ACTIVE || !j->unpack)
			continue;
		r = finish_layer(j, &e);
		if (r < 0) {
			fail(f, r, &e);
		} else {
			progress_status(f->s.progress, j->row, "Pull complete");
		}
		end_job(j);
	}
}

static bool is_left(const struct fetch *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->jobs[i].state != JOB_DONE)
			return true;
	return false;
}

/* One turn of the loop. */
static int turn(struct fetch *f, int64_t wait, struct err *e)
{
	struct pollfd fds[PARALLEL_MAX + 1];
	struct job *of[PARALLEL_MAX + 1];
	int64_t tick = progress_tick(f->s.progress);
	size_t n = 0;
	int r;

	for (size_t i = 0; i < f->n; i++) {
		if (f->jobs[i].state != JOB_ACTIVE || !f->jobs[i].unpack)
			continue;
		fds[n] = (struct pollfd) { .fd = unpack_fd(f->jobs[i].unpack), .events = POLLIN };
		of[n++] = &f->jobs[i];
	}
	fds[n] = (struct pollfd) { .fd = f->s.stop, .events = POLLIN };
	if (tick >= 0 && tick < wait)
		wait = tick;
	r = http_step(f->s.http, fds, n + 1, wait, e);
	if (r < 0)
		return r;
	if (stop_signal(f->s.stop))
		return err_say(e, EINTR, "interrupted");
	handle_unpackers(f, fds, of, n);
	return 0;
}

/**
 * fetch_run() - Stage the missing layers in a transaction
 * @f:	The jobs
 * @t:	The transaction
 * @e:	Failure
 *
 * Return: 0 all are there or staged; 1 some are being staged by another process: commit, then again with a new
 * transaction; negative errno
 */
int fetch_run(struct fetch *f, struct store_txn *t, struct err *e)
{
	bool worked = false, elsewhere;
	int r;

	f->txn = t;
	r = show_all(f, e);
	for (size_t i = 0; i < f->n && r == 0;
	     i++) /* what an earlier transaction committed must be held by this one too */
		if (f->jobs[i].state == JOB_DONE && store_txn_need_layer(t, f->jobs[i].diff_id, e) == 0)
			f->jobs[i].state = JOB_NEW;
	while (r == 0 && is_left(f)) {
		elsewhere = start_jobs(f);
		if (f->r < 0)
			break;
		worked |= f->active > 0;
		if (elsewhere && !f->active && worked)
			return 1;
		r = turn(f, f->active == 0 || elsewhere ? RETRY_NS / 4 : NSEC_PER_SEC, e);
	}
	if (r == 0 && f->r < 0) {
		r = f->r;
		if (e)
			*e = f->e;
	}
	for (size_t i = 0; i < f->n && r < 0; i++)
		release(&f->jobs[i]);
	return r;
}
