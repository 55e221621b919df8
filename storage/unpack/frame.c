/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "storage/unpack/unpack_int.h"

/*
 * Theory of operation
 *
 * A layer's digest is that of its tar: headers, their order, padding, everything. To push or save the layer later, the
 *same bytes must be written again, but the content of files is in diff/ already. The frame is the rest of the tar,
 *zstd-compressed, as a list of records:
 *
 *	u32 N			N raw bytes follow
 *	u32 FRAME_FILE | L	u64 size, then a path of L bytes: the content of that file below diff/
 *
 * all little-endian. Whoever writes the tar again checks the digest, so a frame cannot lie.
 */

#define FRAME_LEVEL 1

struct frame {
	ZSTD_CCtx *zs;
	int fd;
	char out[64 << 10];
};

/**
 * frame_new() - Start a frame
 * @fd:		File to write; stays the caller's
 * @ret:	The writer
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int frame_new(int fd, struct frame **ret, struct err *e)
{
	struct frame *f = xmalloc(sizeof(*f));

	f->fd = fd;
	f->zs = ZSTD_createCCtx();
	if (!f->zs || ZSTD_isError(ZSTD_CCtx_setParameter(f->zs, ZSTD_c_compressionLevel, FRAME_LEVEL))) {
		frame_free(f);
		return err_say(e, ENOMEM, "cannot start zstd");
	}
	*ret = f;
	return 0;
}

void frame_free(struct frame *f)
{
	if (!f)
		return;
	ZSTD_freeCCtx(f->zs);
	free(f);
}

static int compress(struct frame *f, const void *data, size_t len, ZSTD_EndDirective end, struct err *e)
{
	ZSTD_inBuffer in = { .src = data, .size = len };
	size_t left;

	do {
		ZSTD_outBuffer out = { .dst = f->out, .size = sizeof(f->out) };
		int r;

		left = ZSTD_compressStream2(f->zs, &out, &in, end);
		if (ZSTD_isError(left))
			return err_say(e, EIO, "compress the frame: %s", ZSTD_getErrorName(left));
		r = fd_write_full(f->fd, out.dst, out.pos);
		if (r < 0)
			return err_set(e, r, "write the frame");
	} while (in.pos < in.size || (end == ZSTD_e_end && left));
	return 0;
}

/**
 * frame_raw() - Bytes that are nowhere else
 * @f:		The frame
 * @data:	Bytes
 * @len:	How many
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int frame_raw(struct frame *f, const void *data, size_t len, struct err *e)
{
	uint32_t head = htole32((uint32_t)len);
	int r;

	if (!len)
		return 0;
	r = compress(f, &head, sizeof(head), ZSTD_e_continue, e);
	return r < 0 ? r : compress(f, data, len, ZSTD_e_continue, e);
}

/**
 * frame_file() - Here stands the content of a file
 * @f:		The frame
 * @path:	Below diff/
 * @size:	Its size
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int frame_file(struct frame *f, const char *path, uint64_t size, struct err *e)
{
	size_t len = strlen(path);
	uint32_t head = htole32(FRAME_FILE | (uint32_t)len);
	uint64_t n = htole64(size);
	char buf[sizeof(head) + sizeof(n)];
	int r;

	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), &n, sizeof(n));
	r = compress(f, buf, sizeof(buf), ZSTD_e_continue, e);
	return r < 0 ? r : compress(f, path, len, ZSTD_e_continue, e);
}

/**
 * frame_finish() - Nothing follows
 * @f:	The frame
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int frame_finish(struct frame *f, struct err *e)
{
	return compress(f, NULL, 0, ZSTD_e_end, e);
}
