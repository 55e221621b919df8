/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Folders are walked depth first, names sorted by bytes, each opened from the descriptor of the one above and never
 * through a symlink: whoever changes the tree meanwhile cannot lead us out of it. The whole tar passes through one
 * buffer; whoever takes it hashes it in the same pass.
 *
 * In an upper folder a removed name is a character device 0:0 (or an empty file with an attribute that says so), and a
 * folder that hides the one below has the attribute "opaque"; in a layer both are names that begin with ".wh.".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "storage/pack/pack.h"
#include "storage/unpack/unpack.h"

#define OUT_SIZE   (512U << 10)
#define DEPTH_MAX  1024
#define XATTRS_MAX (256U << 10)
#define WH_PREFIX  ".wh."
#define WH_OPAQUE  ".wh..wh..opq"
/* Holes are worth a format that not every reader knows from here on. */
#define SPARSE_MIN  (1U << 20)
#define EXTENTS_MAX 65536U

struct extent {
	uint64_t start;
	uint64_t len;
};

/**
 * struct link - a file with several names that has been written
 * @dev:	which one
 * @ino:	same
 * @name:	the first of its names, owned; NULL: an empty place of the table
 */
struct link {
	dev_t dev;
	ino_t ino;
	char *name;
};

/**
 * struct level - a folder on the way down
 * @fd:		it
 * @names:	in it, sorted
 * @next:	the next one
 * @len:	length of its path
 */
struct level {
	int fd;
	char **names;
	size_t next;
	size_t len;
};

/**
 * struct packer - one writing
 * @buf:	bytes that were not handed out yet
 * @len:	how many
 * @path:	of the entry at hand
 * @links:	hash table of files with several names
 * @n_links:	used places
 * @cap_links:	places, a power of two
 */
struct packer {
	const struct pack_tree *t;
	pack_fn out;
	void *arg;
	char *buf;
	size_t len;
	struct sbuf path;
	struct sbuf head;
	struct link *links;
	size_t n_links, cap_links;
};

/* ---- output ---- */

static int flush(struct packer *p, struct err *e)
{
	size_t n = p->len;

	p->len = 0;
	return n ? p->out(p->arg, p->buf, n, e) : 0;
}

static int put(struct packer *p, const void *data, size_t len, struct err *e)
{
	const char *d = data;
	int r = 0;

	while (len && r == 0) {
		size_t n = OUT_SIZE - p->len < len ? OUT_SIZE - p->len : len;

		memcpy(p->buf + p->len, d, n);
		p->len += n;
		d += n;
		len -= n;
		if (p->len == OUT_SIZE)
			r = flush(p, e);
	}
	return r;
}

static int put_zeros(struct packer *p, uint64_t len, struct err *e)
{
	int r = 0;

	while (len && r == 0) {
		size_t n = OUT_SIZE - p->len < len ? OUT_SIZE - p->len : (size_t)len;

		memset(p->buf + p->len, 0, n);
		p->len += n;
		len -= n;
		if (p->len == OUT_SIZE)
			r = flush(p, e);
	}
	return r;
}

static int put_head(struct packer *p, const struct tar_head *h, struct err *e)
{
	sbuf_reset(&p->head);
	tar_head_write(&p->head, h);
	return put(p, p->head.p, p->head.len, e);
}

/* @len bytes of the file from @pos on, read straight into the buffer; zeros where it has become shorter. */
static int put_content(struct packer *p, int fd, uint64_t pos, uint64_t len, struct err *e)
{
	while (len) {
		size_t room = OUT_SIZE - p->len;
		ssize_t n = pread(fd, p->buf + p->len, room < len ? room : (size_t)len, (off_t)pos);
		int r = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "read '%.200s'", sbuf_str(&p->path));
		if (n == 0)
			return put_zeros(p, len, e);
		p->len += (size_t)n;
		pos += (uint64_t)n;
		len -= (uint64_t)n;
		if (p->len == OUT_SIZE)
			r = flush(p, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- hard links ---- */

static struct link *find_link(struct packer *p, dev_t dev, ino_t ino)
{
	size_t i = (ino * 0x9e3779b97f4a7c15ULL) >> 20;

	for (;; i++) {
		struct link *l = &p->links[i & (p->cap_links - 1)];

		if (!l->name || (l->dev == dev && l->ino == ino))
			return l;
	}
}

static void grow_links(struct packer *p)
{
	struct link *old = p->links;
	size_t n = p->cap_links;

	p->cap_links = n ? n * 2 : 256;
	p->links = xcalloc(p->cap_links, sizeof(*p->links));
	for (size_t i = 0; i < n; i++)
		if (old[i].name)
			*find_link(p, old[i].dev, old[i].ino) = old[i];
	free(old);
}

/* Return: the name under which this file was written already, or NULL: it is noted as the one at hand. */
static const char *other_name(struct packer *p, const struct stat *st)
{
	struct link *l;

	if (st->st_nlink < 2)
		return NULL;
	if (p->n_links * 2 >= p->cap_links)
		grow_links(p);
	l = find_link(p, st->st_dev, st->st_ino);
	if (l->name)
		return l->name;
	*l = (struct link) { .dev = st->st_dev, .ino = st->st_ino, .name = xstrdup(sbuf_str(&p->path)) };
	p->n_links++;
	return NULL;
}

/* ---- attributes ---- */

static void xattrs_free(struct tar_head *h)
{
	for (size_t i = 0; i < h->n_xattrs; i++) {
		free(h->xattrs[i].name);
		free(h->xattrs[i].value);
	}
	free(h->xattrs);
	h->xattrs = NULL;
	h->n_xattrs = 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

static int read_xattrs(struct packer *p, int fd, struct tar_head *h, struct err *e)
{
	auto_free char *names = NULL, *value = NULL;
	ssize_t n = flistxattr(fd, NULL, 0), got;

	if (n <= 0)
		return 0; /* none, or a file system without */
	names = xmalloc((size_t)n);
	n = flistxattr(fd, names, (size_t)n);
	value = xmalloc(XATTRS_MAX);
	for (const char *s = names; n > 0 && s < names + n; s += strlen(s) + 1) {
		if (!xattr_is_kept(s) || strchr(s, '='))
			continue;
		got = fgetxattr(fd, s, value, XATTRS_MAX);
		if (got < 0 && errno == ENODATA)
			continue;
		if (got < 0)
			return err_set(e, errno, "read attribute '%.100s' of '%.200s'", s, sbuf_str(&p->path));
		h->xattrs = xrealloc(h->xattrs, (h->n_xattrs + 1) * sizeof(*h->xattrs));
		h->xattrs[h->n_xattrs] = (struct tar_xattr) { .name = xstrdup(s),
							      .value = xmalloc((size_t)got + 1),
							      .len = (size_t)got };
		memcpy(h->xattrs[h->n_xattrs++].value, value, (size_t)got);
	}
	if (h->n_xattrs)
		qsort(h->xattrs, h->n_xattrs, sizeof(*h->xattrs), by_name);
	return 0;
}

static bool has_mark(int fd, const char *name)
{
	static const char *const prefixes[] = { "user.overlay.", "trusted.overlay.", "user.fuseoverlayfs." };
	char key[64], value[4];

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		snprintf(key, sizeof(key), "%s%s", prefixes[i], name);
		if (fgetxattr(fd, key, value, sizeof(value)) >= 0)
			return true;
	}
	return false;
}

/* ---- sparse files ---- */

/* The parts of a file that are no holes. Return: how many bytes of holes there are; 0: write it as any file. */
static uint64_t find_extents(int fd, uint64_t size, struct extent **ret, size_t *ret_n)
{
	struct extent *v = NULL;
	uint64_t data = 0;
	size_t n = 0;
	off_t at = 0, start, end;

	while ((uint64_t)at < size && n < EXTENTS_MAX) {
		start = lseek(fd, at, SEEK_DATA);
		end = start < 0 ? -1 : lseek(fd, start, SEEK_HOLE);
		if (start < 0 && errno != ENXIO)
			data = size; /* the file system cannot tell */
		if (end < 0 || (uint64_t)start >= size)
			break;
		if ((uint64_t)end > size)
			end = (off_t)size;
		v = xrealloc(v, (n + 2) * sizeof(*v));
		v[n++] = (struct extent) { .start = (uint64_t)start, .len = (uint64_t)(end - start) };
		data += (uint64_t)(end - start);
		at = end;
	}
	if (n == EXTENTS_MAX || data + SPARSE_MIN > size) {
		free(v);
		return 0;
	}
	/* A hole at the end needs an empty part there. */
	if (!n || v[n - 1].start + v[n - 1].len < size) {
		v = xrealloc(v, (n + 1) * sizeof(*v));
		v[n++] = (struct extent) { .start = size };
	}
	*ret = v;
	*ret_n = n;
	return size - data;
}

static int put_sparse(struct packer *p, int fd, struct tar_head *h, const struct extent *v, size_t n, struct err *e)
{
	auto_sbuf struct sbuf map = { 0 };
	uint64_t data = 0;
	int r;

	sbuf_printf(&map, "%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		sbuf_printf(&map, "%llu\n%llu\n", (unsigned long long)v[i].start, (unsigned long long)v[i].len);
		data += v[i].len;
	}
	while (map.len % TAR_BLOCK)
		sbuf_addc(&map, '\0');
	h->is_sparse = true;
	h->real_size = h->size;
	h->size = map.len + data;
	r = put_head(p, h, e);
	if (r == 0)
		r = put(p, map.p, map.len, e);
	for (size_t i = 0; i < n && r == 0; i++)
		r = put_content(p, fd, v[i].start, v[i].len, e);
	return r < 0 ? r : put_zeros(p, tar_padding(h->size), e);
}

/* ---- entries ---- */

static void fill_head(const struct packer *p, const struct stat *st, struct tar_head *h)
{
	*h = (struct tar_head) {
		.name = sbuf_str(&p->path),
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = st->st_mtim.tv_sec,
	};
}

static int put_plain(struct packer *p, int fd, struct tar_head *h, struct err *e)
{
	struct extent *v = NULL;
	size_t n = 0;
	int r;

	if (h->size > SPARSE_MIN && find_extents(fd, h->size, &v, &n)) {
		r = put_sparse(p, fd, h, v, n, e);
		free(v);
		return r;
	}
	r = put_head(p, h, e);
	if (r == 0)
		r = put_content(p, fd, 0, h->size, e);
	return r < 0 ? r : put_zeros(p, tar_padding(h->size), e);
}

/* An empty file ".wh.NAME" beside what is at hand, or in it. */
static int put_whiteout(struct packer *p, const char *name, struct err *e)
{
	auto_free char *path = NULL;
	const char *slash = strrchr(sbuf_str(&p->path), '/');
	size_t dir = slash ? (size_t)(slash - p->path.p) + 1 : 0;
	struct tar_head h = { .type = TAR_FILE, .mode = 0600 };

	path = xasprintf("%.*s%s", (int)dir, sbuf_str(&p->path), name);
	h.name = path;
	return put_head(p, &h, e);
}

static int put_removed(struct packer *p, const char *name, struct err *e)
{
	auto_free char *wh = xasprintf(WH_PREFIX "%s", name);

	return put_whiteout(p, wh, e);
}

static int put_file(struct packer *p, int dirfd, const char *name, struct err *e)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct tar_head h;
	struct stat st;
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open '%.200s'", sbuf_str(&p->path));
	if (!S_ISREG(st.st_mode))
		return 0; /* something else stands there now */
	if (p->t->is_upper && st.st_size == 0 && has_mark(fd, "whiteout"))
		return put_removed(p, name, e);
	fill_head(p, &st, &h);
	h.type = TAR_FILE;
	h.link = other_name(p, &st);
	if (h.link) {
		h.type = TAR_HARDLINK;
		return put_head(p, &h, e);
	}
	h.size = (uint64_t)st.st_size;
	r = read_xattrs(p, fd, &h, e);
	if (r == 0)
		r = put_plain(p, fd, &h, e);
	xattrs_free(&h);
	return r;
}

static int put_symlink(struct packer *p, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	auto_free char *target = NULL;
	struct tar_head h;
	int r = fs_readlink(dirfd, name, &target, e);

	if (r == -ENOENT || r == -EINVAL)
		return 0;
	if (r < 0)
		return r;
	fill_head(p, st, &h);
	h.type = TAR_SYMLINK;
	h.link = target;
	return put_head(p, &h, e);
}

static int put_node(struct packer *p, const char *name, const struct stat *st, struct err *e)
{
	struct tar_head h;

	if (S_ISCHR(st->st_mode) && st->st_rdev == 0)
		return p->t->is_upper ? put_removed(p, name, e) : 0;
	fill_head(p, st, &h);
	h.type = S_ISCHR(st->st_mode) ? TAR_CHAR : S_ISBLK(st->st_mode) ? TAR_BLOCKDEV : TAR_FIFO;
	if (h.type != TAR_FIFO) {
		h.major = major(st->st_rdev);
		h.minor = minor(st->st_rdev);
	}
	h.link = other_name(p, st);
	if (h.link)
		h.type = TAR_HARDLINK;
	return put_head(p, &h, e);
}

/* ---- the walk ---- */

static int put_folder(struct packer *p, int fd, struct err *e)
{
	struct tar_head h;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "stat '%.200s'", sbuf_str(&p->path));
	sbuf_addc(&p->path, '/');
	fill_head(p, &st, &h);
	h.type = TAR_FOLDER;
	r = read_xattrs(p, fd, &h, e);
	if (r == 0)
		r = put_head(p, &h, e);
	xattrs_free(&h);
	if (r == 0 && p->t->is_upper && has_mark(fd, "opaque"))
		r = put_whiteout(p, WH_OPAQUE, e);
	return r;
}

static int open_level(struct packer *p, int fd, struct level *ret, struct err *e)
{
	auto_close int own = fd;
	int r = fs_list_dir(own, ".", &ret->names, e);

	if (r < 0)
		return err_wrap(e, r, "'%.200s'", sbuf_str(&p->path));
	ret->next = 0;
	ret->len = p->path.len;
	ret->fd = take_fd(&own);
	return 0;
}

/* Return: 1 a folder was entered (*ret_fd), 0, negative errno */
static int put_entry(struct packer *p, int dirfd, const char *name, int *ret_fd, struct err *e)
{
	struct stat st;
	int r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "stat '%.200s'", sbuf_str(&p->path));
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return put_file(p, dirfd, name, e);
	case S_IFLNK:
		return put_symlink(p, dirfd, name, &st, e);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		return put_node(p, name, &st, e);
	case S_IFDIR:
		break;
	default:
		return 0; /* a socket */
	}
	*ret_fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : err_set(e, errno, "open '%.200s'", sbuf_str(&p->path));
	r = put_folder(p, *ret_fd, e);
	if (r < 0)
		fd_closep(ret_fd);
	return r < 0 ? r : 1;
}

static void cut_path(struct packer *p, size_t len)
{
	if (p->path.len > len) {
		p->path.len = len;
		p->path.p[len] = '\0';
	}
}

static void close_level(struct level *l)
{
	fd_closep(&l->fd);
	strv_freep(&l->names);
}

static int walk(struct packer *p, struct err *e)
{
	struct level *levels = xcalloc(DEPTH_MAX, sizeof(*levels));
	int root = fcntl(p->t->root, F_DUPFD_CLOEXEC, 3), depth = 0;
	int r = root < 0 ? err_set(e, errno, "duplicate descriptor") : open_level(p, root, &levels[0], e);

	while (r >= 0 && depth >= 0) {
		struct level *l = &levels[depth];
		const char *name = l->names ? l->names[l->next] : NULL;
		int fd = -EBADF;

		cut_path(p, l->len);
		if (!name) {
			close_level(l);
			depth--;
			continue;
		}
		l->next++;
		sbuf_adds(&p->path, name);
		r = put_entry(p, l->fd, name, &fd, e);
		if (r <= 0)
			continue;
		if (depth + 1 == DEPTH_MAX) {
			fd_closep(&fd);
			r = err_say(e, ELOOP, "folders are nested more than %d deep", DEPTH_MAX);
			continue;
		}
		r = open_level(p, fd, &levels[depth + 1], e);
		if (r == 0)
			depth++;
	}
	for (; depth >= 0; depth--)
		close_level(&levels[depth]);
	free(levels);
	return r < 0 ? r : 0;
}

int pack_tree_write(const struct pack_tree *t, pack_fn out, void *arg, struct err *e)
{
	struct packer p = { .t = t, .out = out, .arg = arg, .buf = xmalloc(OUT_SIZE) };
	int r = walk(&p, e);

	if (r == 0)
		r = put_zeros(&p, TAR_END_SIZE, e);
	if (r == 0)
		r = flush(&p, e);
	for (size_t i = 0; i < p.cap_links; i++)
		free(p.links[i].name);
	free(p.links);
	sbuf_done(&p.path);
	sbuf_done(&p.head);
	free(p.buf);
	return r;
}
