/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/unpack/rebuild.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/runtime/userns.h"
#include "storage/unpack/unpack_int.h"

#define BUF_SIZE (256U << 10)

/**
 * struct rebuild - state of one rebuilding
 * @z:		the frame, inflated
 * @chunk:	inflated bytes that were not used yet
 * @len:	how many
 * @root:	diff/
 * @buf:	for file content
 * @out:	where the tar goes
 * @arg:	for @out
 */
struct rebuild {
	struct inflate *z;
	const unsigned char *chunk;
	size_t len;
	int root;
	char *buf;
	rebuild_fn out;
	void *arg;
};

static int next_chunk(struct rebuild *b, struct err *e)
{
	const void *p;
	ssize_t n = inflate_next(b->z, &p, e);

	if (n < 0)
		return (int)n;
	b->chunk = p;
	b->len = (size_t)n;
	return 0;
}

/* Return: 1, 0 when the frame ends before the first byte, negative errno */
static int take(struct rebuild *b, void *to, size_t want, struct err *e)
{
	unsigned char *p = to;
	size_t done = 0;

	while (done < want) {
		size_t n;
		int r = b->len ? 0 : next_chunk(b, e);

		if (r < 0)
			return r;
		if (!b->len)
			return done ? err_say(e, EBADMSG, "the frame is truncated") : 0;
		n = want - done < b->len ? want - done : b->len;
		memcpy(p + done, b->chunk, n);
		b->chunk += n;
		b->len -= n;
		done += n;
	}
	return 1;
}

static int copy_raw(struct rebuild *b, size_t left, struct err *e)
{
	while (left) {
		size_t n;
		int r = b->len ? 0 : next_chunk(b, e);

		if (r == 0 && !b->len)
			r = err_say(e, EBADMSG, "the frame is truncated");
		if (r < 0)
			return r;
		n = left < b->len ? left : b->len;
		r = b->out(b->arg, b->chunk, n, e);
		if (r < 0)
			return r;
		b->chunk += n;
		b->len -= n;
		left -= n;
	}
	return 0;
}

static int copy_file(struct rebuild *b, const char *path, uint64_t size, struct err *e)
{
	auto_close int fd = fs_open_in_root(b->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	char shown[160];
	struct stat st;

	path_shown(path, shown);
	if (fd < 0)
		return err_set(e, fd, "open '%s'", shown);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return err_say(e, EBADMSG, "'%s' is not the file that was unpacked", shown);
	while (size) {
		ssize_t n = fd_read(fd, b->buf, size < BUF_SIZE ? size : BUF_SIZE);
		int r;

		if (n <= 0)
			return err_set(e, n ? (int)n : EIO, "read '%s'", shown);
		r = b->out(b->arg, b->buf, (size_t)n, e);
		if (r < 0)
			return r;
		size -= (uint64_t)n;
	}
	return 0;
}

static int copy_named(struct rebuild *b, size_t len, struct err *e)
{
	char path[TAR_PATH_MAX + 1];
	uint64_t size;
	int r;

	if (len > TAR_PATH_MAX)
		return err_say(e, EBADMSG, "the frame is damaged");
	r = take(b, &size, sizeof(size), e);
	if (r > 0)
		r = take(b, path, len, e);
	if (r == 0)
		r = err_say(e, EBADMSG, "the frame is truncated");
	if (r < 0)
		return r;
	path[len] = '\0';
	return copy_file(b, path, le64toh(size), e);
}

static int rebuild_all(struct rebuild *b, struct err *e)
{
	for (;;) {
		uint32_t head;
		int r = take(b, &head, sizeof(head), e);

		if (r <= 0)
			return r;
		head = le32toh(head);
		if (head & FRAME_FILE)
			r = copy_named(b, head & ~FRAME_FILE, e);
		else
			r = copy_raw(b, head, e);
		if (r < 0)
			return r;
	}
}

int layer_rebuild(int layer_fd, rebuild_fn out, void *arg, struct err *e)
{
	auto_close int frame = openat(layer_fd, "frame", O_RDONLY | O_CLOEXEC | O_NOFOLLOW), root = -EBADF;
	struct source src = { .is_stream = true, .pipe = -EBADF, .fd = frame };
	struct rebuild b = { .out = out, .arg = arg };
	int r;

	if (frame < 0)
		return err_set(e, errno, "open the layer's frame");
	r = fs_open_dir(layer_fd, "diff", &root, e);
	if (r == 0)
		r = inflate_new(&src, &b.z, e);
	if (r < 0)
		return r;
	b.root = root;
	b.buf = xmalloc(BUF_SIZE);
	r = rebuild_all(&b, e);
	free(b.buf);
	inflate_free(b.z);
	return r;
}

int layer_inflate(int blob_fd, rebuild_fn out, void *arg, struct err *e)
{
	struct source src = { .is_stream = true, .pipe = -EBADF, .fd = blob_fd };
	auto_inflate struct inflate *z = NULL;
	const void *p;
	ssize_t n;
	int r = inflate_new(&src, &z, e);

	while (r == 0 && (n = inflate_next(z, &p, e)) != 0)
		r = n < 0 ? (int)n : out(arg, p, (size_t)n, e);
	return r;
}

static int hash_piece(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	sha256_update(arg, data, len);
	return 0;
}

struct hash_job {
	int layer_fd;
	char *diff_id;
};

static int hash_in_userns(void *arg, struct err *e)
{
	const struct hash_job *j = arg;
	auto_sha256 struct sha256 *h = NULL;
	int r = sha256_new(&h, e);

	if (r == 0)
		r = layer_rebuild(j->layer_fd, hash_piece, h, e);
	if (r == 0)
		sha256_final_digest(h, j->diff_id);
	return r;
}

int layer_hash(int layer_fd, const struct idmap *map, char ret[SHA256_DIGEST_SIZE], struct err *e)
{
	struct hash_job j = { layer_fd, ret };

	return userns_call(
		&(struct userns_call) {
			.map = map, .run = hash_in_userns, .arg = &j, .result = ret, .result_len = SHA256_DIGEST_SIZE },
		e);
}
