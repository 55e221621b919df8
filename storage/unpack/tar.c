/* SPDX-License-Identifier: Apache-2.0 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "lib/base/cleanup.h"
#include "lib/crypto/sha256.h"
#include "storage/unpack/unpack.h"
#include "storage/unpack/unpack_int.h"

/*
 * Theory of operation
 *
 *	blob -> inflate -> [ hash, frame ] -> libarchive (headers only) -> applier
 *
 * libarchive gets the inflated chunks through a callback and hands file content back as pointers into the same chunk:
 *nothing is copied on the way to write(2). It is built up with the tar format and no filters at all:
 *archive_read_support_filter_all() runs programs from $PATH when a blob begins with their magic bytes.
 *
 * The frame wants every byte of the stream except the content of files that are in the tree. So the position of each
 *such content is noted when its header has been read, and chunks are passed on up to there.
 */

#define XATTR_MAX (256U << 10)
/* Headers of one entry: libarchive takes 1 MiB of PAX and as much for each long name. */
#define HEADERS_MAX (4U << 20)

/**
 * struct decoder - state of one layer
 * @z:		where chunks come from
 * @hash:	of the whole stream
 * @frame:	or NULL
 * @a:		where entries go
 * @ar:		libarchive
 * @chunk:	bytes that libarchive has now
 * @start:	position of @chunk in the stream
 * @len:	its length
 * @framed:	everything before this position is in the frame, or is content of a file
 * @headers:	the latest bytes that are no content
 * @headers_pos: position of their first byte
 * @raw:	what we read in them
 * @is_primed:	@chunk is the first one, which libarchive has not seen yet
 * @at_end:	the stream has ended
 * @why:	failure of the callback
 * @failed:	its code, or 0
 */
struct decoder {
	struct inflate *z;
	struct sha256 *hash;
	struct frame *frame;
	struct applier *a;
	struct archive *ar;
	const void *chunk;
	uint64_t start;
	size_t len;
	uint64_t framed;
	struct sbuf headers;
	uint64_t headers_pos;
	struct raw_header raw;
	bool is_primed;
	bool at_end;
	struct err why;
	int failed;
};

static void keep_headers(struct decoder *d, const char *p, uint64_t pos, size_t len)
{
	size_t drop = 0;

	if (pos != d->headers_pos + d->headers.len)
		drop = d->headers.len;
	else if (d->headers.len + len > HEADERS_MAX) /* content that is kept in the frame; headers come at its end */
		drop = d->headers.len - HEADERS_MAX / 2;
	if (drop) {
		d->headers.len -= drop;
		memmove(d->headers.p, d->headers.p + drop, d->headers.len);
	}
	d->headers_pos = pos - d->headers.len;
	sbuf_add(&d->headers, p, len);
}

/* Pass stream bytes up to @to on to the frame, and keep them for a look at the headers. */
static int frame_up_to(struct decoder *d, uint64_t to, struct err *e)
{
	const char *p = d->chunk;
	uint64_t from = d->framed;

	if (to <= from)
		return 0;
	d->framed = to;
	p += from - d->start;
	keep_headers(d, p, from, (size_t)(to - from));
	return d->frame ? frame_raw(d->frame, p, (size_t)(to - from), e) : 0;
}

/* libarchive has read an entry's headers, and stands at its content. */
static int read_headers(struct decoder *d, struct err *e)
{
	uint64_t from = (uint64_t)archive_read_header_position(d->ar), to = (uint64_t)archive_filter_bytes(d->ar, 0);
	uint64_t end;
	int r = frame_up_to(d, to, e);

	end = d->headers_pos + d->headers.len;
	if (r == 0 && (from < d->headers_pos || to > end || from > to))
		r = err_say(e, EBADMSG, "the headers of an entry are too large");
	return r < 0 ? r : raw_header_parse(d->headers.p + (from - d->headers_pos), (size_t)(to - from), &d->raw, e);
}

/* Next chunk of the stream, hashed; what libarchive has finished with goes to the frame. */
static int next_chunk(struct decoder *d, struct err *e)
{
	ssize_t n;
	int r = frame_up_to(d, d->start + d->len, e);

	if (r < 0)
		return r;
	d->start += d->len;
	d->len = 0;
	n = d->at_end ? 0 : inflate_next(d->z, &d->chunk, e);
	if (n < 0)
		return (int)n;
	d->at_end = n == 0;
	d->len = (size_t)n;
	sha256_update(d->hash, d->chunk, d->len);
	return 0;
}

static la_ssize_t on_read(struct archive *ar, void *arg, const void **buf)
{
	struct decoder *d = arg;

	if (!d->is_primed)
		d->failed = next_chunk(d, &d->why);
	d->is_primed = false;
	if (d->failed < 0) {
		archive_set_error(ar, -d->failed, "input");
		return -1;
	}
	*buf = d->chunk;
	return (la_ssize_t)d->len;
}

/* What libarchive says, or what our own callback knows better. */
static int archive_failed(struct decoder *d, struct err *e)
{
	const char *text = archive_error_string(d->ar);

	if (d->failed < 0) {
		if (e)
			*e = d->why;
		return d->failed;
	}
	return err_say(e, EBADMSG, "the tar is corrupt: %s", text ? text : "unknown error");
}

static int set_xattrs(void *arg, int fd, struct err *e)
{
	struct archive_entry *ae = arg;
	size_t total = 0, size;
	const char *name;
	const void *value;

	archive_entry_xattr_reset(ae);
	while (archive_entry_xattr_next(ae, &name, &value, &size) == ARCHIVE_OK)
		total += size + strlen(name);
	if (total > XATTR_MAX)
		return err_say(e, E2BIG, "more than %u bytes of extended attributes", XATTR_MAX);
	archive_entry_xattr_reset(ae);
	while (archive_entry_xattr_next(ae, &name, &value, &size) == ARCHIVE_OK) {
		if (!xattr_is_kept(name) || fsetxattr(fd, name, value, size, 0) == 0)
			continue;
		/* Not every file system has them, and single-id maps cannot give capabilities: as docker, go on. */
		if (errno != ENOTSUP && errno != EPERM && errno != EINVAL && errno != E2BIG)
			return err_set(e, errno, "set extended attribute '%s'", name);
	}
	return 0;
}

/* Kernels and file systems keep less than a tar can say; never fail for a time (TL-13). */
static struct timespec clamp_time(int64_t sec, long nsec)
{
	struct timespec ts = { .tv_sec = sec, .tv_nsec = nsec };

	if (sec < INT32_MIN)
		ts = (struct timespec){ .tv_sec = INT32_MIN };
	if (sec > 253402300799)
		ts = (struct timespec){ .tv_sec = 253402300799 };
	if (ts.tv_nsec < 0 || ts.tv_nsec > 999999999)
		ts.tv_nsec = 0;
	return ts;
}

/* libarchive gives names in the locale's encoding, ours are the bytes. For sparse files they are in other records. */
static void take_raw_names(const struct raw_header *raw, struct apply_entry *en)
{
	if (raw->is_sparse)
		return;
	if (raw->has_path)
		en->name = raw->path;
	if (raw->has_link && (en->is_hardlink || en->type == S_IFLNK))
		en->link = raw->link;
}

static int convert(struct decoder *d, struct archive_entry *ae, struct apply_entry *en, struct err *e)
{
	const char *hardlink = archive_entry_hardlink(ae);

	*en = (struct apply_entry){
		.name = archive_entry_pathname(ae),
		.is_hardlink = hardlink != NULL,
		.link = hardlink ? hardlink : archive_entry_symlink(ae),
		.type = archive_entry_filetype(ae),
		.mode = archive_entry_perm(ae) & 07777,
		.uid = archive_entry_uid(ae),
		.gid = archive_entry_gid(ae),
		.size = archive_entry_size(ae),
		.rdev = archive_entry_rdev(ae),
	};
	if (archive_entry_mtime_is_set(ae))
		en->mtime = clamp_time(archive_entry_mtime(ae), archive_entry_mtime_nsec(ae));
	take_raw_names(&d->raw, en);
	if (!en->name || (en->type == S_IFLNK && !en->link))
		return err_say(e, EILSEQ, "a name that cannot be read");
	if (d->raw.has_size && !d->raw.is_sparse && en->size != d->raw.size && en->type == S_IFREG && !hardlink)
		return err_say(e, EBADMSG, "'%s' has two sizes", en->name);
	if (en->size < 0)
		return err_say(e, EBADMSG, "'%s' has a negative size", en->name);
	return 0;
}

/* The content that follows goes into the tree: only its place goes into the frame. */
static int frame_content(struct decoder *d, struct archive_entry *ae, const struct apply_entry *en, struct err *e)
{
	uint64_t pos = (uint64_t)archive_filter_bytes(d->ar, 0);
	struct tar_path p;
	int r;

	if (!d->frame || en->size == 0 || d->raw.is_sparse || archive_entry_sparse_count(ae) > 0)
		return 0;
	r = tar_path_parse(en->name, &p, e);
	if (r < 0)
		return r;
	d->framed = pos + (uint64_t)en->size;
	return frame_file(d->frame, p.full, (uint64_t)en->size, e);
}

static int copy_content(struct decoder *d, struct apply_file *f, struct err *e)
{
	const void *data;
	int64_t off;
	size_t len;
	int r = 0;

	while (r == 0) {
		int ar = archive_read_data_block(d->ar, &data, &len, &off);

		if (ar == ARCHIVE_EOF)
			break;
		if (ar != ARCHIVE_OK)
			return archive_failed(d, e);
		if (len)
			r = apply_file_write(d->a, f, data, len, off, e);
	}
	return r;
}

static int apply_regular(struct decoder *d, struct archive_entry *ae, const struct apply_entry *en, struct err *e)
{
	struct apply_file f;
	bool has_xattrs = archive_entry_xattr_count(ae) > 0;
	char shown[160];
	int r = apply_file_open(d->a, en, &f, e), closed;

	if (r != 0)
		return r < 0 ? r : 0;
	r = frame_content(d, ae, en, e);
	if (r == 0 && en->size > 0) {
		r = copy_content(d, &f, e);
		if (r < 0)
			err_wrap(e, r, "'%s'", path_shown(en->name, shown));
	}
	closed = apply_file_close(d->a, &f, en, has_xattrs ? set_xattrs : NULL, ae, r < 0 ? NULL : e);
	return r < 0 ? r : closed;
}

static int apply_one(struct decoder *d, struct archive_entry *ae, struct err *e)
{
	struct apply_entry en = { 0 };
	bool has_xattrs;
	int r = read_headers(d, e);

	if (r == 0)
		r = convert(d, ae, &en, e);
	if (r < 0)
		return r;
	if (!en.is_hardlink && en.type == S_IFREG)
		return apply_regular(d, ae, &en, e);
	has_xattrs = archive_entry_xattr_count(ae) > 0;
	return apply_entry(d->a, &en, has_xattrs ? set_xattrs : NULL, ae, e);
}

static int open_archive(struct decoder *d, struct err *e)
{
	d->ar = archive_read_new();
	if (!d->ar)
		return err_say(e, ENOMEM, "out of memory");
	if (archive_read_support_format_tar(d->ar) != ARCHIVE_OK ||
	    archive_read_open(d->ar, d, NULL, on_read, NULL) != ARCHIVE_OK)
		return archive_failed(d, e);
	return 0;
}

static int apply_all(struct decoder *d, struct err *e)
{
	struct archive_entry *ae;
	int r = 0;

	while (r == 0) {
		int ar = archive_read_next_header(d->ar, &ae);

		if (ar == ARCHIVE_EOF)
			break;
		if (ar != ARCHIVE_OK && ar != ARCHIVE_WARN) /* a warning is about encodings: we take bytes */
			return archive_failed(d, e);
		r = applier_count_entry(d->a, inflate_packed(d->z), e);
		if (r == 0)
			r = apply_one(d, ae, e);
	}
	/* What stands behind the end marker belongs to the digest all the same. */
	while (r == 0 && !d->at_end)
		r = next_chunk(d, e);
	return r;
}

/**
 * tar_apply() - Decode a stream and apply it
 * @z:		The stream
 * @hash:	Hashes it, uncompressed
 * @frame:	Gets what is needed to write it again; NULL: nobody wants that
 * @a:		Applies the entries
 * @ret_size:	Bytes of the tar
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int tar_apply(struct inflate *z, struct sha256 *hash, struct frame *frame, struct applier *a, uint64_t *ret_size,
	      struct err *e)
{
	struct decoder d = { .z = z, .hash = hash, .frame = frame, .a = a };
	int r;

	*ret_size = 0;
	r = next_chunk(&d, e);
	if (r == 0 && d.len == 0)
		return 0; /* an empty layer may be an empty file */
	d.is_primed = true;
	if (r == 0)
		r = open_archive(&d, e);
	if (r == 0)
		r = apply_all(&d, e);
	if (r == 0)
		r = applier_finish(a, e);
	if (r == 0 && frame)
		r = frame_finish(frame, e);
	*ret_size = d.start + d.len;
	archive_read_free(d.ar);
	sbuf_done(&d.headers);
	return r;
}
