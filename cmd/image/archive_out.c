/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/archive_out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/image/stop.h"
#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/runtime/sandbox.h"
#include "lib/runtime/userns.h"
#include "storage/pack/pack.h"
#include "storage/store.h"
#include "storage/unpack/rebuild.h"

/*
 * Theory of operation
 *
 * Every member's size and digest are known before the first byte is written: a layer's from its meta.json, a blob's
 * from its file. So the place of each member in the tar is known too, and where the output can be written anywhere
 * several workers take one member after the other, the largest first. On a pipe one worker does all, in order.
 *
 * Workers are in user namespace A, because files of layers may be readable by their owners only. They read the store
 * and nothing else (kept blobs came from strangers and are decompressed here). Every layer is hashed on its way: an
 * archive holds what its names say, or there is none.
 */

#define WORKERS_MAX 4
/* Below this a second process costs more than it brings. */
#define SPLIT_SIZE (32ULL << 20)
#define OUT_BUF	   (256U << 10)

/**
 * struct shared - what the workers share, in memory that they all see
 * @next:	the first member in @order that nobody has taken
 */
struct shared {
	atomic_size_t next;
};

/**
 * struct writer - one writing
 * @store:	where everything is
 * @l:		the members
 * @order:	numbers of members in the order of work
 * @fd:		the tar, or negative: members have files of their own
 * @at:		@fd is written at offsets; else one after the other
 * @shared:	see there
 */
struct writer {
	struct store *store;
	struct out_list *l;
	size_t *order;
	int fd;
	bool at;
	struct shared *shared;
};

/**
 * struct sink - where one member's bytes go
 * @fd:		the file
 * @pos:	next byte's place; UINT64_MAX: the file's own position
 * @left:	bytes that are still to come
 * @hash:	of what came
 */
struct sink {
	int fd;
	uint64_t pos;
	uint64_t left;
	struct sha256 *hash;
};

/* ---- members ---- */

static struct out_member *add(struct out_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_is_eq(l->v[i].name, name))
			return NULL;
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n] = (struct out_member) { .name = xstrdup(name), .fd = -EBADF };
	return &l->v[l->n++];
}

void out_add_folder(struct out_list *l, const char *name)
{
	add(l, name); /* OUT_FOLDER is 0 */
}

void out_add_text(struct out_list *l, const char *name, const char *text, size_t len)
{
	struct out_member *m = add(l, name);

	if (!m)
		return;
	m->source = OUT_TEXT;
	m->text = xmalloc(len + 1);
	memcpy(m->text, text, len);
	m->text[len] = '\0';
	m->size = len;
}

void out_add(struct out_list *l, enum out_source source, const char *name, const char *digest, const char *blob,
	     uint64_t size)
{
	struct out_member *m = add(l, name);

	if (!m)
		return;
	m->source = source;
	m->digest = xstrdup(digest);
	m->blob = xstrdup(blob);
	m->size = size;
}

void out_add_file(struct out_list *l, const char *name, const char *digest, int fd, uint64_t size)
{
	struct out_member *m = add(l, name);

	if (!m)
		return;
	m->source = OUT_FILE;
	m->digest = xstrdup(digest);
	m->from = fd;
	m->size = size;
}

void out_list_done(struct out_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].text);
		free(l->v[i].digest);
		free(l->v[i].blob);
		fd_closep(&l->v[i].fd);
	}
	free(l->v);
	*l = (struct out_list) { 0 };
}

/* ---- a worker ---- */

static int put(struct sink *s, const void *data, size_t len, struct err *e)
{
	const char *p = data;
	int r;

	if (s->pos == UINT64_MAX) {
		r = fd_write_full(s->fd, p, len);
		return r < 0 ? err_set(e, r, "write") : 0;
	}
	while (len) {
		ssize_t n = pwrite(s->fd, p, len, (off_t)s->pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "write");
		p += n;
		len -= (size_t)n;
		s->pos += (uint64_t)n;
	}
	return 0;
}

static int on_piece(void *arg, const void *data, size_t len, struct err *e)
{
	struct sink *s = arg;

	if (len > s->left)
		return err_say(e, EBADMSG, "it is longer than the store says");
	s->left -= len;
	sha256_update(s->hash, data, len);
	return put(s, data, len, e);
}

static int copy_blob(int fd, struct sink *s, struct err *e)
{
	auto_free char *buf = xmalloc(OUT_BUF);
	int r = 0;

	while (r == 0) {
		ssize_t n = fd_read(fd, buf, OUT_BUF);

		if (n < 0)
			return err_set(e, (int)n, "read");
		if (n == 0)
			break;
		r = on_piece(s, buf, (size_t)n, e);
	}
	return r;
}

static int write_layer(const struct writer *w, const char *diff_id, struct sink *s, struct err *e)
{
	auto_close int fd = -EBADF;
	int r = store_layer_open(w->store, diff_id, &fd, e);

	return r < 0 ? r : layer_rebuild(fd, on_piece, s, e);
}

static int write_content(const struct writer *w, const struct out_member *m, struct sink *s, struct err *e)
{
	auto_close int fd = -EBADF;
	char have[SHA256_DIGEST_SIZE];
	int r;

	if (m->source == OUT_FOLDER)
		return 0;
	if (m->source == OUT_TEXT)
		return put(s, m->text, m->size, e);
	r = sha256_new(&s->hash, e);
	if (r == 0 && m->source == OUT_LAYER)
		r = write_layer(w, m->digest, s, e);
	else if (r == 0 && m->source == OUT_FILE)
		r = copy_blob(m->from, s, e);
	else if (r == 0)
		r = store_blob_open(w->store, m->source == OUT_PLAIN ? m->blob : m->digest, &fd, e);
	if (r == 0 && m->source == OUT_BLOB)
		r = copy_blob(fd, s, e);
	else if (r == 0 && m->source == OUT_PLAIN)
		r = layer_inflate(fd, on_piece, s, e);
	if (r == 0) {
		sha256_final_digest(s->hash, have);
		if (s->left || strcmp(have, m->digest))
			r = err_say(e, EBADMSG, "the store's content has digest %s: it is damaged (skiff system check)",
				    have);
	}
	sha256_freep(&s->hash);
	return r < 0 ? err_wrap(e, r, "%s %s", m->source == OUT_BLOB ? "blob" : "layer", m->digest) : 0;
}

static struct tar_head head_of(const struct out_member *m)
{
	bool folder = m->source == OUT_FOLDER;

	return (struct tar_head) {
		.type = folder ? TAR_FOLDER : TAR_FILE,
		.name = m->name,
		.mode = folder ? 0755 : 0644,
		.size = m->size,
	};
}

static int write_member(const struct writer *w, const struct out_member *m, struct err *e)
{
	static const char zeros[TAR_BLOCK];
	const struct tar_head head = head_of(m);
	struct sink s = { .fd = m->fd, .pos = UINT64_MAX, .left = m->size };
	auto_sbuf struct sbuf b = { 0 };
	int r;

	if (w->fd < 0)
		return write_content(w, m, &s, e);
	s.fd = w->fd;
	if (w->at)
		s.pos = m->offset;
	tar_head_write(&b, &head);
	r = put(&s, b.p, b.len, e);
	if (r == 0)
		r = write_content(w, m, &s, e);
	return r < 0 ? r : put(&s, zeros, tar_padding(m->size), e);
}

/* The store and those beside it can be read, and nothing else. */
static int enter_cage(struct store *s, struct err *e)
{
	char **more = store_additional(s);
	size_t n = strv_len(more);
	struct sandbox_path *paths = xcalloc(n + 1, sizeof(*paths));
	struct sandbox_spec cage = { .paths = paths };
	int r;

	paths[cage.n_paths++] = (struct sandbox_path) { .fd = store_fd(s), .rights = SANDBOX_READ };
	for (size_t i = 0; i < n; i++) {
		int fd = open(more[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			paths[cage.n_paths++] = (struct sandbox_path) { .fd = fd, .rights = SANDBOX_READ };
	}
	r = sandbox_enter(&cage, e);
	free(paths);
	strv_free(more);
	return r;
}

static int work(const struct writer *w, struct err *e)
{
	int r = enter_cage(w->store, e);

	while (r >= 0) {
		size_t i = atomic_fetch_add(&w->shared->next, 1);

		if (i >= w->l->n)
			return 0;
		r = write_member(w, &w->l->v[w->order[i]], e);
	}
	return r;
}

/* ---- the parent ---- */

/* Return: the pid or negative errno. */
static pid_t start_worker(const struct writer *w, const struct idmap *map, int pipe_wr, struct err *e)
{
	struct err why = { 0 };
	pid_t parent = getpid(), pid = userns_fork(map, 0, NULL, e);

	if (pid != 0)
		return pid;
	/* Descriptors of the parent are here, too, its lock among them: they must not outlive it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (work(w, &why) == 0)
		_exit(0);
	fd_write_full(pipe_wr, &why, sizeof(why));
	_exit(1);
}

/* Until all workers have ended, or one has failed. */
static int wait_workers(int rd, int stop, struct err *e)
{
	struct pollfd p[2] = { { .fd = rd, .events = POLLIN }, { .fd = stop, .events = POLLIN } };
	struct err why;
	ssize_t n;

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "wait for the writers");
	if (p[1].revents)
		return err_say(e, EINTR, "interrupted");
	n = fd_read_full(rd, &why, sizeof(why));
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(why) || why.code <= 0)
		return err_say(e, EIO, "a process that writes the archive ended unexpectedly");
	why.msg[sizeof(why.msg) - 1] = '\0';
	return err_say(e, why.code, "%s", why.msg);
}

static int run_workers(const struct writer *w, const struct idmap *map, unsigned n, int stop, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF;
	pid_t pids[WORKERS_MAX];
	unsigned started = 0;
	int p[2], r = fd_pipe(p, e);

	if (r < 0)
		return r;
	rd = p[0];
	wr = p[1];
	while (r == 0 && started < n) {
		pid_t pid = start_worker(w, map, wr, e);

		if (pid < 0)
			r = (int)pid;
		else
			pids[started++] = pid;
	}
	fd_closep(&wr);
	if (r == 0)
		r = wait_workers(rd, stop, e);
	for (unsigned i = 0; i < started; i++) {
		int status;

		if (r < 0)
			kill(pids[i], SIGKILL);
		status = proc_wait(pids[i]);
		if (status != 0 && r == 0)
			r = err_say(e, EIO, "a process that writes the archive ended with %s %d",
				    status > 128 ? "signal" : "status", status > 128 ? status - 128 : status);
	}
	return r;
}

static const struct out_list *sorted_list;

static int by_size(const void *a, const void *b)
{
	uint64_t x = sorted_list->v[*(const size_t *)a].size, y = sorted_list->v[*(const size_t *)b].size;

	return x > y ? -1 : x < y;
}

static unsigned choose_workers(const struct out_list *l)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned large = 0;

	for (size_t i = 0; i < l->n; i++)
		large += l->v[i].size >= SPLIT_SIZE;
	if (large > (unsigned)cpus)
		large = (unsigned)cpus;
	return large < 1 ? 1 : large > WORKERS_MAX ? WORKERS_MAX : large;
}

static int write_all(struct writer *w, const struct idmap *map, int stop, struct err *e)
{
	unsigned n = w->fd < 0 || w->at ? choose_workers(w->l) : 1;
	int r;

	w->shared = mmap(NULL, sizeof(*w->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->shared == MAP_FAILED)
		return err_set(e, errno, "share memory with the writers");
	atomic_init(&w->shared->next, 0);
	w->order = xcalloc(w->l->n + 1, sizeof(*w->order));
	for (size_t i = 0; i < w->l->n; i++)
		w->order[i] = i;
	sorted_list = w->l;
	if (n > 1)
		qsort(w->order, w->l->n, sizeof(*w->order), by_size);
	r = run_workers(w, map, n, stop, e);
	free(w->order);
	munmap(w->shared, sizeof(*w->shared));
	return r;
}

/* Return: the length of the tar without what ends it. */
static uint64_t place_members(struct out_list *l)
{
	uint64_t pos = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct tar_head head = head_of(&l->v[i]);
		auto_sbuf struct sbuf b = { 0 };

		tar_head_write(&b, &head);
		l->v[i].offset = pos;
		pos += b.len + l->v[i].size + tar_padding(l->v[i].size);
	}
	return pos;
}

int out_write_tar(struct store *s, const struct idmap *map, struct out_list *l, int fd, int stop, struct err *e)
{
	static const char end[TAR_END_SIZE];
	struct writer w = { .store = s, .l = l, .fd = fd };
	uint64_t size = place_members(l);
	struct stat st;
	int r;

	/* A file that has something already (>> FILE) is appended to, as a pipe is. */
	w.at = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 && lseek(fd, 0, SEEK_CUR) == 0 &&
	       !(fcntl(fd, F_GETFL) & O_APPEND);
	/* A full disk is told before the work, where the file system can. */
	if (w.at && fallocate(fd, 0, 0, (off_t)(size + sizeof(end))) < 0 && errno != EOPNOTSUPP && errno != ENOSYS)
		return err_set(e, errno, "reserve %llu bytes", (unsigned long long)size + sizeof(end));
	r = write_all(&w, map, stop, e);
	if (r < 0)
		return r;
	if (w.at && ftruncate(fd, (off_t)(size + sizeof(end))) < 0)
		return err_set(e, errno, "write the end of the archive");
	r = w.at ? 0 : fd_write_full(fd, end, sizeof(end));
	return r < 0 ? err_set(e, r, "write the end of the archive") : 0;
}

static int make_file(int dirfd, struct out_member *m, struct err *e)
{
	auto_free char *folder = xstrdup(m->name);
	char *slash = strrchr(folder, '/');
	int r = 0;

	if (slash) { /* a folder's own name ends with one, too */
		*slash = '\0';
		r = fs_make_dirs(dirfd, folder, 0755, e);
	}
	if (r < 0 || m->source == OUT_FOLDER)
		return r;
	m->fd = openat(dirfd, m->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	return m->fd < 0 ? err_set(e, errno, "create '%s'", m->name) : 0;
}

int out_write_dir(struct store *s, const struct idmap *map, struct out_list *l, int dirfd, int stop, struct err *e)
{
	struct writer w = { .store = s, .l = l, .fd = -EBADF };
	struct rlimit lim;
	int r = 0;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	for (size_t i = 0; i < l->n && r == 0; i++)
		r = make_file(dirfd, &l->v[i], e);
	return r < 0 ? r : write_all(&w, map, stop, e);
}
