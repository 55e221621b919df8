/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From the images that `save` is given to the members of an archive, in each of its formats. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/image/archive_out.h"
#include "lib/base/err.h"
#include "lib/crypto/sha256.h"
#include "lib/oci/image.h"

struct idmap;
struct store;
struct store_txn;

enum save_format { SAVE_DOCKER_ARCHIVE, SAVE_OCI_ARCHIVE, SAVE_OCI_DIR, SAVE_DOCKER_DIR, SAVE_FORMAT__N };

/* Return: 0 or -EINVAL with the list of what there is. */
int save_format_parse(const char *text, enum save_format *ret, struct err *e);

/**
 * struct save_layer - a layer of an image
 * @diff_id:	which one
 * @tar_size:	bytes of its tar
 * @has_frame:	the tar can be written again; else its blob is kept
 * @has_blob:	the blob that the manifest names is in the store
 * @packed:	a file with the tar compressed anew (save_set_compress()), or negative
 * @packed_digest: of it
 * @packed_size: of it
 */
struct save_layer {
	const char *diff_id;
	uint64_t tar_size;
	bool has_frame;
	bool has_blob;
	int packed;
	char packed_digest[SHA256_DIGEST_SIZE];
	uint64_t packed_size;
};

/**
 * struct save_image - an image, once, with all its names
 * @names:		full references; may be empty
 * @manifest_digest:	of @manifest_text
 * @manifest_text:	bytes
 * @manifest:		parsed
 * @config_text:	bytes
 * @config:		parsed
 * @layers:		as many as @manifest has
 */
struct save_image {
	char **names;
	char *manifest_digest;
	char *manifest_text;
	size_t manifest_len;
	struct oci_manifest manifest;
	char *config_text;
	size_t config_len;
	struct oci_image_config *config;
	struct save_layer *layers;
};

struct save_set {
	struct save_image *v;
	size_t n;
};

/*
 * Look an image up and hold it by @t until that is released. "repo" without a tag is all tags of the repository, as for
 * docker. @platform: what the image must be for, or NULL.
 */
int save_set_add(struct save_set *set, struct store *s, struct store_txn *t, const char *text,
		 const struct oci_platform *platform, struct err *e);
void save_set_done(struct save_set *set);
#define auto_save_set __attribute__((cleanup(save_set_done)))

/*
 * --compress: layers whose compressed blob is not in the store are compressed with gzip, into scratch files of @t. Only
 * from a process with one thread. Return: 0, -EINTR for @stop, ...
 */
int save_set_compress(struct save_set *set, struct store *s, struct store_txn *t, const struct idmap *map, int stop,
		      struct err *e);

/* @ret_changed: an image gets another manifest than it was pulled with, because its compressed layers are not there. */
int save_members(const struct save_set *set, enum save_format format, struct out_list *ret, bool *ret_changed,
		 struct err *e);
