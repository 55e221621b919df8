/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The layer applier: a compressed tar becomes a folder, while it is being downloaded. Each layer has its own child
 * process in user namespace A, caged, which reads the blob from a file that may still grow, inflates, hashes and
 * applies it in one pass.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/sha256.h"

struct idmap;
struct unpack;

/**
 * struct unpack_limits - what a layer may become
 * @size:	bytes of its files; 0: no limit but the disk's
 * @entries:	entries of its tar; 0: as many as its compressed size makes plausible (applier_count_entry())
 * @packed:	the layer came in an archive of so many compressed bytes; 0: by itself
 */
struct unpack_limits {
	uint64_t size;
	uint64_t entries;
	uint64_t packed;
};

/**
 * struct unpack_spec - one layer
 * @blob_fd:	the compressed layer (gzip, zstd or plain; told by its first bytes); read with pread(2), stays the
 *		caller's
 * @blob_offset: where it starts in the file
 * @layer_fd:	the layer's empty folder (store_txn_layer_open()); diff/ and frame are made in it; stays the caller's
 * @map:	map of user namespace A (idmap_for_caller())
 * @name:	what messages call the layer (its digest)
 * @limits:	what it may become
 */
struct unpack_spec {
	int blob_fd;
	uint64_t blob_offset;
	int layer_fd;
	const struct idmap *map;
	const char *name;
	struct unpack_limits limits;
};

/**
 * struct unpack_result - what came out
 * @diff_id:	"sha256:..." of the uncompressed tar
 * @tar_size:	its bytes
 * @size:	bytes of regular files' content (what `images` counts)
 * @entries:	tar entries
 * @needs_blob:	the same tar cannot be written again from diff/ and frame: keep the blob
 * @meta_json:	text for meta.json: sizes, skipped device nodes; the caller frees it
 */
struct unpack_result {
	char diff_id[SHA256_DIGEST_SIZE];
	uint64_t tar_size;
	uint64_t size;
	uint64_t entries;
	bool needs_blob;
	char *meta_json;
};

/* May a layer have this extended attribute? (Also asked when one is written.) */
bool xattr_is_kept(const char *name);

/* Only from a process with one thread (it forks into a user namespace). The caller owns *ret until finish or abort. */
int unpack_start(const struct unpack_spec *spec, struct unpack **ret, struct err *e);
/*
 * @have bytes of the blob are in the file now (counted from blob_offset); @complete: and that is all of it, verified.
 * Never blocks. Return: 0, -EPIPE when the child has ended (unpack_finish() says why).
 */
int unpack_progress(struct unpack *u, uint64_t have, bool complete, struct err *e);
/* Becomes readable when the child has ended or failed; for poll(2). */
int unpack_fd(const struct unpack *u);
/* Waits for the end; releases @u either way. Only after @complete, or when unpack_fd() is readable. */
int unpack_finish(struct unpack *u, struct unpack_result *ret, struct err *e);
/* Ends the child at once and releases @u. What it has written is the caller's to remove (store_remove_tree()). NULL is
 * fine. */
void unpack_abort(struct unpack *u);
