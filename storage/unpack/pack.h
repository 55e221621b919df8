/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A layer's tar, compressed: written again from the layer's folder, or taken out of a blob of another compression. The
 * bytes depend on format and level only, not on the number of processors.
 */

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/sha256.h"

struct idmap;
struct pack;

enum pack_format { PACK_TAR, PACK_GZIP, PACK_ZSTD, PACK_FORMAT__N };

/* Level that stands for the format's default. */
#define PACK_LEVEL_DEFAULT 0

/**
 * struct pack_spec - one layer
 * @layer_fd:	its folder, layers/HEX; negative: take the tar out of @blob_fd
 * @blob_fd:	a blob with the same tar; used without @layer_fd
 * @out_fd:	empty file for the result
 * @map:	map of user namespace A (idmap_for_caller())
 * @diff_id:	what the tar must be
 * @format:	compression
 * @level:	gzip 1 to 9, zstd 1 to 19, or PACK_LEVEL_DEFAULT
 */
struct pack_spec {
	int layer_fd;
	int blob_fd;
	int out_fd;
	const struct idmap *map;
	const char *diff_id;
	enum pack_format format;
	int level;
};

/* "gzip", "zstd", "tar". Return: 0 or -EINVAL. */
int pack_format_parse(const char *text, enum pack_format *ret, struct err *e);
int pack_level_check(enum pack_format format, int64_t level, struct err *e);

/* In a child process. Only from a process with one thread. */
int pack_start(const struct pack_spec *spec, struct pack **ret, struct err *e);
/* Becomes readable when the child has ended. */
int pack_fd(const struct pack *p);
/* Waits for the end; releases @p either way. */
int pack_finish(struct pack *p, char ret_digest[SHA256_DIGEST_SIZE], uint64_t *ret_size, struct err *e);
/* Ends the child at once and releases @p. NULL is fine. */
void pack_abort(struct pack *p);
