/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What an archive of images says that it holds, in one form for docker's and OCI's layouts. */

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/oci/image.h"
#include "storage/unpack/members.h"

/**
 * struct archive_image - one image
 * @names:	full references; may be empty
 * @manifest:	its documents' digests; layers in the order of the config
 * @manifest_text: bytes of the manifest
 * @manifest_digest: of them
 * @config_text: bytes of the config
 * @config:	parsed
 * @layers:	name of each layer's member
 */
struct archive_image {
	char **names;
	struct oci_manifest manifest;
	char *manifest_text;
	size_t manifest_len;
	char manifest_digest[SHA256_DIGEST_SIZE];
	char *config_text;
	size_t config_len;
	struct oci_image_config *config;
	char **layers;
};

/**
 * struct archive_images - an archive
 * @transport:	what containers-policy.json(5) calls its kind
 */
struct archive_images {
	struct archive_image *v;
	size_t n;
	const char *transport;
};

/*
 * @dirfd has the members' files. @platform: what images must be for, NULL: for this machine where there is a choice.
 * Return: 0, -EINVAL for an archive that is neither, -ENOENT when nothing is for that platform, ...
 */
int archive_read_images(const struct members *m, int dirfd, const struct oci_platform *platform,
			struct archive_images *ret, struct err *e);
void archive_images_done(struct archive_images *a);
#define auto_archive_images __attribute__((cleanup(archive_images_done)))
