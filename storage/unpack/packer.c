/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/base/str.h"
#include "storage/unpack/unpack_int.h"

/*
 * Theory of operation
 *
 * gzip: the input is cut into chunks of one size; threads compress them, each without knowledge of the ones before and
 * ended at a byte, and what they make is written in order: one gzip member, the same whatever the number of threads.
 * Levels 1 to 3 are ISA-L's, the others zlib's. zstd has threads of its own.
 *
 * One mutex; a chunk belongs to whom its state says. The caller fills and writes, workers compress.
 */

#define CHUNK	       (1U << 20)
#define OUT_MAX	       (CHUNK + CHUNK / 8 + 4096)
#define THREADS_MAX    16
#define ISAL_LEVEL_MAX 3
#define GZIP_DEFAULT   1
#define ZSTD_DEFAULT   3
#define ZSTD_OUT       (256U << 10)

enum chunk_state { CHUNK_FREE, CHUNK_FULL, CHUNK_BUSY, CHUNK_DONE };

struct chunk {
	enum chunk_state state;
	unsigned char *in;
	size_t in_len;
	unsigned char *out;
	size_t out_len;
	int r;
};

/**
 * struct packer - a compressor
 * @fn:		gets the result, in order
 * @chunks:	a ring; the caller fills @head and writes @tail, workers look from @next on
 * @crc:	of the input
 * @total:	bytes of the input
 * @ending:	nothing more will come
 */
struct packer {
	enum pack_format format;
	int level;
	rebuild_fn fn;
	void *arg;
	ZSTD_CCtx *zs;
	unsigned char *zs_out;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	pthread_t threads[THREADS_MAX];
	unsigned n_threads;
	struct chunk *chunks;
	unsigned n, head, tail, next;
	uint32_t crc;
	uint64_t total;
	bool begun;
	bool ending;
};

static int pack_isal(int level, void *level_buf, uint32_t level_size, struct chunk *c)
{
	struct isal_zstream z;

	isal_deflate_stateless_init(&z);
	z.level = (uint32_t)level;
	z.level_buf = level_buf;
	z.level_buf_size = level_size;
	z.flush = FULL_FLUSH;
	z.end_of_stream = 0;
	z.gzip_flag = IGZIP_DEFLATE;
	z.next_in = c->in;
	z.avail_in = (uint32_t)c->in_len;
	z.next_out = c->out;
	z.avail_out = OUT_MAX;
	if (isal_deflate_stateless(&z) != COMP_OK || z.avail_in)
		return -EIO;
	c->out_len = OUT_MAX - z.avail_out;
	return 0;
}

static int pack_zlib(int level, struct chunk *c)
{
	z_stream z = { 0 };
	int r;

	if (deflateInit2(&z, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	z.next_in = c->in;
	z.avail_in = (uInt)c->in_len;
	z.next_out = c->out;
	z.avail_out = OUT_MAX;
	r = deflate(&z, Z_FULL_FLUSH);
	c->out_len = OUT_MAX - z.avail_out;
	deflateEnd(&z);
	return r == Z_OK && z.avail_in == 0 && z.avail_out ? 0 : -EIO;
}

static void *worker(void *arg)
{
	static const uint32_t sizes[] = { ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT,
					  ISAL_DEF_LVL3_DEFAULT };
	struct packer *p = arg;
	uint32_t size = p->level <= ISAL_LEVEL_MAX ? sizes[p->level] : 1;
	void *level_buf = xmalloc(size);

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct chunk *c = &p->chunks[p->next % p->n];

		if (c->state == CHUNK_FULL) {
			p->next++;
			c->state = CHUNK_BUSY;
			pthread_mutex_unlock(&p->lock);
			c->r = p->level <= ISAL_LEVEL_MAX ? pack_isal(p->level, level_buf, size, c)
							  : pack_zlib(p->level, c);
			pthread_mutex_lock(&p->lock);
			c->state = CHUNK_DONE;
			pthread_cond_broadcast(&p->done);
			continue;
		}
		if (p->ending && p->next == p->head)
			break;
		pthread_cond_wait(&p->work, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	free(level_buf);
	return NULL;
}

static unsigned count_processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

static int start_gzip(struct packer *p, struct err *e)
{
	unsigned want = count_processors();

	p->n = 2 * want + 1;
	p->chunks = xcalloc(p->n, sizeof(*p->chunks));
	for (unsigned i = 0; i < p->n; i++) {
		p->chunks[i].in = xmalloc(CHUNK);
		p->chunks[i].out = xmalloc(OUT_MAX);
	}
	while (p->n_threads < want && pthread_create(&p->threads[p->n_threads], NULL, worker, p) == 0)
		p->n_threads++;
	return p->n_threads ? 0 : err_say(e, EAGAIN, "cannot start a thread to compress with");
}

static int start_zstd(struct packer *p, struct err *e)
{
	p->zs = ZSTD_createCCtx();
	if (!p->zs || ZSTD_isError(ZSTD_CCtx_setParameter(p->zs, ZSTD_c_compressionLevel, p->level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(p->zs, ZSTD_c_checksumFlag, 1)))
		return err_say(e, ENOMEM, "cannot start zstd");
	/* With one worker and with many the result is the same, but not with none; a library without threads refuses.
	 */
	ZSTD_CCtx_setParameter(p->zs, ZSTD_c_nbWorkers, (int)count_processors());
	p->zs_out = xmalloc(ZSTD_OUT);
	return 0;
}

int packer_new(enum pack_format format, int level, rebuild_fn fn, void *arg, struct packer **ret, struct err *e)
{
	struct packer *p = xcalloc(1, sizeof(*p));
	int r = 0;

	p->format = format;
	p->level = level != PACK_LEVEL_DEFAULT ? level : format == PACK_ZSTD ? ZSTD_DEFAULT : GZIP_DEFAULT;
	p->fn = fn;
	p->arg = arg;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	if (format == PACK_GZIP)
		r = start_gzip(p, e);
	else if (format == PACK_ZSTD)
		r = start_zstd(p, e);
	if (r < 0) {
		packer_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

/* Wait for the oldest chunk and write it. */
static int write_one(struct packer *p, struct err *e)
{
	static const unsigned char header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
	struct chunk *c = &p->chunks[p->tail % p->n];
	int r = 0;

	pthread_mutex_lock(&p->lock);
	while (c->state != CHUNK_DONE)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
	if (c->r < 0)
		return err_set(e, c->r, "compress the layer");
	if (!p->begun)
		r = p->fn(p->arg, header, sizeof(header), e);
	p->begun = true;
	if (r == 0)
		r = p->fn(p->arg, c->out, c->out_len, e);
	c->in_len = 0;
	c->state = CHUNK_FREE; /* only the caller's thread looks at free chunks */
	p->tail++;
	return r;
}

static void submit(struct packer *p)
{
	struct chunk *c = &p->chunks[p->head % p->n];

	p->crc = crc32_gzip_refl(p->crc, c->in, c->in_len);
	pthread_mutex_lock(&p->lock);
	c->state = CHUNK_FULL;
	p->head++;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

static int add_gzip(struct packer *p, const unsigned char *data, size_t len, struct err *e)
{
	p->total += len;
	while (len) {
		struct chunk *c = &p->chunks[p->head % p->n];
		size_t n = CHUNK - c->in_len < len ? CHUNK - c->in_len : len;

		memcpy(c->in + c->in_len, data, n);
		c->in_len += n;
		data += n;
		len -= n;
		if (c->in_len < CHUNK)
			continue;
		submit(p);
		if (p->head - p->tail == p->n) {
			int r = write_one(p, e);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int add_zstd(struct packer *p, const void *data, size_t len, ZSTD_EndDirective end, struct err *e)
{
	ZSTD_inBuffer in = { .src = data, .size = len };
	size_t left;

	do {
		ZSTD_outBuffer out = { .dst = p->zs_out, .size = ZSTD_OUT };
		int r;

		left = ZSTD_compressStream2(p->zs, &out, &in, end);
		if (ZSTD_isError(left))
			return err_say(e, EIO, "compress the layer: %s", ZSTD_getErrorName(left));
		r = p->fn(p->arg, p->zs_out, out.pos, e);
		if (r < 0)
			return r;
	} while (in.pos < in.size || (end == ZSTD_e_end && left));
	return 0;
}

int packer_add(struct packer *p, const void *data, size_t len, struct err *e)
{
	switch (p->format) {
	case PACK_GZIP:
		return add_gzip(p, data, len, e);
	case PACK_ZSTD:
		return add_zstd(p, data, len, ZSTD_e_continue, e);
	default:
		return p->fn(p->arg, data, len, e);
	}
}

static int finish_gzip(struct packer *p, struct err *e)
{
	/* An empty last block, then the checksum and the size. */
	unsigned char end[10] = { 0x03, 0x00 };
	uint32_t word;
	int r = 0;

	if (p->chunks[p->head % p->n].in_len || p->head == 0)
		submit(p);
	while (r == 0 && p->tail != p->head)
		r = write_one(p, e);
	word = htole32(p->crc);
	memcpy(end + 2, &word, sizeof(word));
	word = htole32((uint32_t)p->total);
	memcpy(end + 6, &word, sizeof(word));
	return r < 0 ? r : p->fn(p->arg, end, sizeof(end), e);
}

int packer_finish(struct packer *p, struct err *e)
{
	switch (p->format) {
	case PACK_GZIP:
		return finish_gzip(p, e);
	case PACK_ZSTD:
		return add_zstd(p, NULL, 0, ZSTD_e_end, e);
	default:
		return 0;
	}
}

void packer_free(struct packer *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	for (unsigned i = 0; i < p->n; i++) {
		free(p->chunks[i].in);
		free(p->chunks[i].out);
	}
	free(p->chunks);
	ZSTD_freeCCtx(p->zs);
	free(p->zs_out);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	free(p);
}
