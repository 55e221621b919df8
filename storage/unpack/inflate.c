/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "storage/unpack/unpack_int.h"

/*
 * gzip (several members one after the other, as pigz and estargz write), zstd (several frames), or nothing. Told by the
 * first bytes: media types lie, and docker-archive has none. Each format's checksums are verified by its decoder.
 */

#define IN_SIZE (256U << 10)
/* ISA-L gives back up to eight bytes that it read too far; they may come from the buffer's previous content. */
#define IN_SLACK 16
/* 128 MiB: what zstd decodes without being told otherwise; more would be a memory bomb. */
#define ZSTD_WINDOW_LOG_MAX 27

enum kind { KIND_PLAIN, KIND_GZIP, KIND_ZSTD };

struct inflate {
	struct source *src;
	enum kind kind;
	unsigned char *in_mem; /* IN_SLACK + IN_SIZE */
	unsigned char *in;     /* next byte */
	size_t in_len;
	bool in_end;
	unsigned char *out;
	struct inflate_state *gz;
	ZSTD_DCtx *zs;
	bool mid_frame; /* the input may not end here */
};

static int fill(struct inflate *z, struct err *e)
{
	unsigned char *start = z->in_mem + IN_SLACK;
	size_t keep = z->in_len;
	ssize_t n;

	if (z->in_end || keep > IN_SIZE / 2)
		return 0;
	/* What stands before the next byte stays there. */
	if (z->in != start || keep == 0) {
		size_t before = (size_t)(z->in - z->in_mem) < IN_SLACK ? (size_t)(z->in - z->in_mem) : IN_SLACK;

		memmove(start - before, z->in - before, before + keep);
		z->in = start;
	}
	n = source_read(z->src, start + keep, IN_SIZE - keep, e);
	if (n < 0)
		return (int)n;
	z->in_end = n == 0;
	z->in_len += (size_t)n;
	return 0;
}

static int fill_at_least(struct inflate *z, size_t want, struct err *e)
{
	int r = 0;

	while (r == 0 && z->in_len < want && !z->in_end)
		r = fill(z, e);
	return r;
}

static bool is_gzip(const struct inflate *z)
{
	return z->in_len >= 2 && z->in[0] == 0x1f && z->in[1] == 0x8b;
}

static bool is_zstd(const struct inflate *z)
{
	uint32_t magic;

	if (z->in_len < 4)
		return false;
	magic = (uint32_t)z->in[0] | (uint32_t)z->in[1] << 8 | (uint32_t)z->in[2] << 16 | (uint32_t)z->in[3] << 24;
	return magic == ZSTD_MAGICNUMBER || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* What others compress with: better a word about that than one about a corrupt tar. */
static int refuse_others(const struct inflate *z, struct err *e)
{
	static const struct {
		const char *name, *magic;
		size_t len;
	} others[] = {
		{ "xz",
		  "\xfd"
		  "7zXZ",
		  6 },
		{ "bzip2", "BZh", 3 },
		{ "lz4", "\x04\x22\x4d\x18", 4 },
		{ "lzip", "LZIP", 4 },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (z->in_len < 10 || memcmp(z->in, others[i].magic, others[i].len) != 0)
			continue;
		if (!strcmp(others[i].name, "bzip2") && memcmp(z->in + 4, "1AY&SY", 6) != 0)
			continue;
		return err_say(e, ENOTSUP,
			       "it is compressed with %s, for which there is no decoder here (%s -dc can help)",
			       others[i].name, others[i].name);
	}
	return 0;
}

static int start_gzip(struct inflate *z)
{
	z->kind = KIND_GZIP;
	z->gz = xmalloc(sizeof(*z->gz));
	isal_inflate_init(z->gz);
	z->gz->crc_flag = ISAL_GZIP;
	z->mid_frame = true;
	return 0;
}

static int start_zstd(struct inflate *z, struct err *e)
{
	z->kind = KIND_ZSTD;
	z->zs = ZSTD_createDCtx();
	if (!z->zs || ZSTD_isError(ZSTD_DCtx_setParameter(z->zs, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)))
		return err_say(e, ENOMEM, "cannot start zstd");
	z->mid_frame = true;
	return 0;
}

/**
 * inflate_new() - Start to decompress; waits for the first bytes to see the format
 * @src:	Where the bytes come from; stays the caller's
 * @ret:	The decompressor
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int inflate_new(struct source *src, struct inflate **ret, struct err *e)
{
	auto_inflate struct inflate *z = xcalloc(1, sizeof(*z));
	int r;

	z->src = src;
	z->in_mem = xcalloc(1, IN_SLACK + IN_SIZE);
	z->in = z->in_mem + IN_SLACK;
	z->out = xmalloc(INFLATE_OUT);
	r = fill_at_least(z, 10, e);
	if (r == 0 && is_gzip(z))
		r = start_gzip(z);
	else if (r == 0 && is_zstd(z))
		r = start_zstd(z, e);
	else if (r == 0)
		r = refuse_others(z, e);
	if (r < 0)
		return r;
	*ret = take_ptr(&z);
	return 0;
}

void inflate_free(struct inflate *z)
{
	if (!z)
		return;
	free(z->in_mem);
	free(z->out);
	free(z->gz);
	ZSTD_freeDCtx(z->zs);
	free(z);
}

void inflate_freep(struct inflate **z)
{
	inflate_free(*z);
	*z = NULL;
}

/* Behind a member's end: another member, zeros that tapes and `dd` leave, or the end. */
static int next_member(struct inflate *z, struct err *e)
{
	int r = fill_at_least(z, 2, e);

	if (r < 0)
		return r;
	z->mid_frame = false;
	if (is_gzip(z)) {
		isal_inflate_reset(z->gz);
		z->gz->crc_flag = ISAL_GZIP;
		z->mid_frame = true;
		return 0;
	}
	while (r == 0 && z->in_len > 0) {
		for (size_t i = 0; i < z->in_len; i++)
			if (z->in[i])
				return err_say(e, EBADMSG, "garbage behind the gzip data");
		z->in += z->in_len;
		z->in_len = 0;
		r = fill(z, e);
	}
	return r;
}

static ssize_t next_gzip(struct inflate *z, struct err *e)
{
	struct inflate_state *gz = z->gz;
	size_t got = 0;

	while (got < INFLATE_OUT) {
		int r;

		if (gz->block_state == ISAL_BLOCK_FINISH) {
			r = next_member(z, e);
			if (r < 0)
				return r;
			if (!z->mid_frame)
				break;
		}
		r = fill_at_least(z, 1, e);
		if (r < 0)
			return r;
		gz->next_in = z->in;
		gz->avail_in = (uint32_t)z->in_len;
		gz->next_out = z->out + got;
		gz->avail_out = (uint32_t)(INFLATE_OUT - got);
		r = isal_inflate(gz);
		if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT)
			return err_say(e, EBADMSG, "the gzip data is corrupt (%d)", r);
		z->in = gz->next_in;
		z->in_len = gz->avail_in;
		if (gz->avail_out == INFLATE_OUT - got && z->in_len == 0 && z->in_end &&
		    gz->block_state != ISAL_BLOCK_FINISH)
			return err_say(e, EBADMSG, "the gzip data is truncated");
		got = INFLATE_OUT - gz->avail_out;
	}
	return (ssize_t)got;
}

static ssize_t next_zstd(struct inflate *z, struct err *e)
{
	ZSTD_outBuffer out = { .dst = z->out, .size = INFLATE_OUT };

	while (out.pos < out.size) {
		ZSTD_inBuffer in;
		size_t left, before = out.pos;
		int r = fill_at_least(z, 1, e);

		if (r < 0)
			return r;
		if (z->in_len == 0 && !z->mid_frame)
			break;
		in = (ZSTD_inBuffer) { .src = z->in, .size = z->in_len };
		left = ZSTD_decompressStream(z->zs, &out, &in);
		if (ZSTD_isError(left))
			return err_say(e, EBADMSG, "the zstd data is corrupt: %s", ZSTD_getErrorName(left));
		if (in.pos == 0 && out.pos == before && z->in_end && left != 0)
			return err_say(e, EBADMSG, "the zstd data is truncated");
		z->in += in.pos;
		z->in_len -= in.pos;
		z->mid_frame = left != 0;
	}
	return (ssize_t)out.pos;
}

static ssize_t next_plain(struct inflate *z, struct err *e)
{
	size_t got = 0;

	if (z->in_len) { /* what was read to see the format */
		got = z->in_len;
		memcpy(z->out, z->in, got);
		z->in += got;
		z->in_len = 0;
	}
	while (got < INFLATE_OUT && !z->in_end) {
		ssize_t n = source_read(z->src, z->out + got, INFLATE_OUT - got, e);

		if (n < 0)
			return n;
		z->in_end = n == 0;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

ssize_t inflate_next(struct inflate *z, const void **ret, struct err *e)
{
	*ret = z->out;
	switch (z->kind) {
	case KIND_GZIP:
		return next_gzip(z, e);
	case KIND_ZSTD:
		return next_zstd(z, e);
	default:
		return next_plain(z, e);
	}
}

bool inflate_is_plain(const struct inflate *z)
{
	return z->kind == KIND_PLAIN;
}

uint64_t inflate_packed(const struct inflate *z)
{
	return z->src->pos;
}
