/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writing tars. The same input gives the same bytes: entries are sorted, times are whole seconds, nothing comes from
 * the machine that writes. Headers are ustar, with a PAX header in front where ustar cannot say it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define TAR_BLOCK 512U

/* Gets the tar piece by piece. Return: 0 or negative errno, which ends the writing. */
typedef int (*pack_fn)(void *arg, const void *data, size_t len, struct err *e);

enum tar_type {
	TAR_FILE = '0',
	TAR_HARDLINK = '1',
	TAR_SYMLINK = '2',
	TAR_CHAR = '3',
	TAR_BLOCKDEV = '4',
	TAR_FOLDER = '5',
	TAR_FIFO = '6',
};

struct tar_xattr {
	char *name;
	void *value;
	size_t len;
};

/**
 * struct tar_head - one entry's header
 * @type:	what it is
 * @name:	path; folders end in '/'
 * @link:	target of a link, else NULL
 * @mode:	07777 bits
 * @size:	bytes that follow in the tar
 * @real_size:	with @is_sparse: the file's size; @size has the map of its parts as well
 * @mtime:	seconds
 * @major:	of a device
 * @minor:	same
 * @xattrs:	sorted by name
 * @n_xattrs:	how many
 * @is_sparse:	the content is a map of the parts that are no holes, then these (GNU's PAX format 1.0)
 */
struct tar_head {
	enum tar_type type;
	const char *name;
	const char *link;
	unsigned mode;
	uint64_t uid, gid;
	uint64_t size;
	uint64_t real_size;
	int64_t mtime;
	unsigned major, minor;
	struct tar_xattr *xattrs;
	size_t n_xattrs;
	bool is_sparse;
};

/* Append the header's blocks. */
void tar_head_write(struct sbuf *b, const struct tar_head *h);
/* How many zeros follow @size bytes of content. */
static inline size_t tar_padding(uint64_t size)
{
	return (size_t)(-size & (TAR_BLOCK - 1));
}
/* What ends a tar. */
#define TAR_END_SIZE 1024U

/**
 * struct pack_tree - a folder that becomes a tar
 * @root:	the folder; read in a process that may read files of all owners (id 0 of user namespace A)
 * @is_upper:	it is the upper folder of a container: its whiteouts are written as a layer has them
 */
struct pack_tree {
	int root;
	bool is_upper;
};

/*
 * Hard links stay links, holes stay holes, sockets are left out. What changes meanwhile is written with the size that
 * it had when its turn came; what vanishes is left out. Return: 0 or negative errno.
 */
int pack_tree_write(const struct pack_tree *t, pack_fn out, void *arg, struct err *e);
