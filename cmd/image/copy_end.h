/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The two ends of `skiff copy`: how they are written, and reading documents and blobs from any of them. */

#include <stdbool.h>
#include <stddef.h>

#include "cmd/image/archive.h"
#include "cmd/image/remote.h"
#include "lib/base/err.h"
#include "storage/store.h"
#include "storage/unpack/members.h"

struct store;

enum end_kind { END_DOCKER, END_OCI, END_OCI_ARCHIVE, END_DOCKER_ARCHIVE, END_DIR, END_STORE, END__N };

/**
 * struct copy_end - one end
 * @kind:	transport
 * @path:	folder or archive; of END_STORE: another store's folder, or NULL
 * @name:	name in it: a tag, or a reference; may be NULL
 * @ref:	of END_DOCKER
 * @registry:	of END_DOCKER
 * @store:	of END_STORE
 * @own_store:	@store was opened for this
 * @dirfd:	folder, or scratch folder with an archive's members
 * @archive:	its file, which @members may refer to
 * @members:	of an archive
 * @images:	of END_DOCKER_ARCHIVE
 * @image:	the one of @images that is meant
 * @rec:	of END_STORE
 */
struct copy_end {
	enum end_kind kind;
	char *path;
	char *name;
	struct ref ref;
	struct registry *registry;
	struct store *store;
	bool own_store;
	int dirfd;
	int archive;
	struct members members;
	struct archive_images images;
	const struct archive_image *image;
	struct image_rec rec;
};
#define COPY_END_NONE                                                                                                  \
	{                                                                                                              \
		.dirfd = -EBADF, .archive = -EBADF                                                                     \
	}

/* "docker://repo:tag", "oci:PATH[:TAG]", "store:[/root]name", ... Return: 0 or -EINVAL. */
int copy_end_parse(const char *text, struct copy_end *ret, struct err *e);
void copy_end_done(struct copy_end *c);
/* May anything come from here? @p may be NULL. Return: 0, -EACCES, ... */
int copy_end_check(const struct copy_end *c, const struct policy *p, struct err *e);
/*
 * Open to read. @scratch_fd: empty folder for an archive's members. Return: 0, -ENOENT, ...
 */
int copy_end_open(struct copy_end *c, const struct remote *r, int scratch_fd, struct err *e);
/* The document that the end names: a manifest or an index. */
int copy_end_top(struct copy_end *c, char **ret, size_t *ret_len, char **ret_type, struct err *e);
/* A manifest by digest, verified. */
int copy_end_doc(struct copy_end *c, const char *digest, char **ret, size_t *ret_len, struct err *e);
/* A blob as an open file; not for END_DOCKER. Return: 0, -ENOENT, ... */
int copy_end_blob(struct copy_end *c, const char *digest, int *ret_fd, struct err *e);
/* What messages call it. */
char *copy_end_text(const struct copy_end *c);
