/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The store as the destination of a copy. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/oci/image.h"

struct copy_end;
struct http;
struct progress;
struct store;

/**
 * struct copy_store - what becomes an image of the store
 * @from:	where the blobs are
 * @text:	the manifest
 * @m:		the same, parsed
 * @digest:	of it
 * @name:	full reference
 * @keep_blobs:	compressed layers stay
 */
struct copy_store {
	struct copy_end *from;
	struct http *http;
	struct progress *out;
	int stop;
	const char *text;
	size_t len;
	const struct oci_manifest *m;
	const char *digest;
	const char *name;
	bool keep_blobs;
};

int copy_to_store(struct store *s, const struct copy_store *c, struct err *e);
