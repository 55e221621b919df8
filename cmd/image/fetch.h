/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The layers of an image, downloaded and unpacked at the same time, several at once. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "storage/unpack/unpack.h"

struct fetch;
struct http;
struct idmap;
struct oci_manifest;
struct progress;
struct registry;
struct store_txn;

/**
 * struct fetch_spec - what to fetch
 * @http:	the loop that @registry runs in
 * @registry:	where the layers are
 * @manifest:	their digests and sizes
 * @diff_ids:	of the unpacked layers, as many
 * @map:	user namespace A, for the unpackers
 * @progress:	gets a row for each layer
 * @parallel:	layers at once
 * @limits:	for each of them
 * @stop:	readable when the command is to end
 * @store_fd:	the store's folder
 * @keep_blobs:	blobs of layers become part of the store
 */
struct fetch_spec {
	struct http *http;
	struct registry *registry;
	const struct oci_manifest *manifest;
	char *const *diff_ids;
	const struct idmap *map;
	struct progress *progress;
	unsigned parallel;
	struct unpack_limits limits;
	int stop;
	int store_fd;
	bool keep_blobs;
};

int fetch_new(const struct fetch_spec *spec, struct fetch **ret, struct err *e);
void fetch_free(struct fetch *f);
void fetch_freep(struct fetch **f);
#define auto_fetch __attribute__((cleanup(fetch_freep)))

/*
 * Stage what is missing in @t. Return: 0 when every layer is in the store or staged; 1 when others are being staged by
 * another process: commit @t, begin another transaction and come again; negative errno.
 */
int fetch_run(struct fetch *f, struct store_txn *t, struct err *e);
