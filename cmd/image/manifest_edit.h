/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Change a manifest where it names layers and types, and nowhere else. */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/oci/image.h"

/**
 * struct manifest_layer - what a layer is now
 * @digest:	new digest; NULL: as it was
 * @size:	new size
 * @compression: new compression
 */
struct manifest_layer {
	const char *digest;
	int64_t size;
	enum oci_compression compression;
};

/**
 * struct manifest_edit - what is to be changed
 * @layers:	one for each layer
 * @docker:	1: Docker's media types, 0: OCI's, -1: as it is
 */
struct manifest_edit {
	struct manifest_layer *layers;
	int docker;
};

/* Return: 1 with the new text, 0 when nothing changes, -ENOTSUP for zstd in a Docker manifest, -EINVAL. */
int manifest_edit(const char *text, size_t len, const struct oci_manifest *m, const struct manifest_edit *edit,
		  char **ret, struct err *e);
