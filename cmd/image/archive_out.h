/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writing what `save` has chosen: members of a tar, or files of a folder, from memory, from layers and from blobs. */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct idmap;
struct store;

enum out_source {
	OUT_FOLDER, /* in a tar: readers that are not root cannot make it up */
	OUT_TEXT,   /* a document in memory */
	OUT_LAYER,  /* a layer's tar, written again from its folder */
	OUT_BLOB,   /* a blob of the store as it is */
	OUT_PLAIN,  /* a blob of the store, decompressed */
	OUT_FILE,   /* a file that is open */
};

/**
 * struct out_member - one member
 * @name:	in the archive
 * @source:	where its bytes come from
 * @text:	for OUT_TEXT
 * @digest:	of the bytes: they are compared with it
 * @blob:	for OUT_PLAIN: the compressed blob's digest
 * @from:	for OUT_FILE: borrowed, at its beginning
 * @size:	bytes
 * @offset:	of its header, in a tar
 * @fd:		its file, in a folder
 */
struct out_member {
	char *name;
	enum out_source source;
	char *text;
	char *digest;
	char *blob;
	int from;
	uint64_t size;
	uint64_t offset;
	int fd;
};

struct out_list {
	struct out_member *v;
	size_t n;
};

/* Appends, unless a member of that name is there. Texts are copied. A folder's name ends in '/'. */
void out_add_folder(struct out_list *l, const char *name);
void out_add_text(struct out_list *l, const char *name, const char *text, size_t len);
void out_add(struct out_list *l, enum out_source source, const char *name, const char *digest, const char *blob,
	     uint64_t size);
void out_add_file(struct out_list *l, const char *name, const char *digest, int fd, uint64_t size);
void out_list_done(struct out_list *l);
#define auto_out_list __attribute__((cleanup(out_list_done)))

/*
 * @fd: a regular file (written at several places at the same time) or anything else. @stop: readable when the command
 * is to end. Only from a process with one thread. Return: 0, -EINTR, -EBADMSG for a layer that is not what it was, ...
 */
int out_write_tar(struct store *s, const struct idmap *map, struct out_list *l, int fd, int stop, struct err *e);
/* Members become files below @dirfd, which is empty; names may have folders in them. */
int out_write_dir(struct store *s, const struct idmap *map, struct out_list *l, int dirfd, int stop, struct err *e);
