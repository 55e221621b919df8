/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to storage/unpack/. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "storage/unpack/unpack.h"
#include "storage/unpack/pack.h"
#include "storage/unpack/rebuild.h"

struct idmap;
struct json;
struct sha256;

/* ---- source.c: a file that may still grow ---- */

/**
 * struct source - where the compressed bytes come from
 * @fd:		the file
 * @base:	where the blob starts in it
 * @pos:	bytes of the blob read so far
 * @have:	bytes that are in the file
 * @complete:	and there will be no more
 * @is_stream:	@fd is read to its end, whatever it is (a pipe, stdin); the other fields are not used
 * @pipe:	says so: u64 totals (SOURCE_FINAL set in the last one); negative: the file is complete
 */
struct source {
	int fd;
	uint64_t base;
	uint64_t pos;
	uint64_t have;
	bool complete;
	bool is_stream;
	int pipe;
};

#define SOURCE_FINAL (1ULL << 63)

ssize_t source_read(struct source *s, void *buf, size_t len, struct err *e);

/* ---- inflate.c ---- */

/* What comes out at once: big enough for long writes, small enough for the cache of a core. */
#define INFLATE_OUT (512U << 10)

struct inflate;
int inflate_new(struct source *src, struct inflate **ret, struct err *e);
void inflate_free(struct inflate *z);
void inflate_freep(struct inflate **z);
#define auto_inflate __attribute__((cleanup(inflate_freep)))
/* The next bytes, valid until the next call. Return: their number, 0 at the end, negative errno. */
ssize_t inflate_next(struct inflate *z, const void **ret, struct err *e);
bool inflate_is_plain(const struct inflate *z);
/* Compressed bytes read so far, up to a buffer ahead of what has come out. */
uint64_t inflate_packed(const struct inflate *z);

/* ---- path.c: names from outside ---- */

#define TAR_PATH_MAX  4096
#define TAR_DEPTH_MAX 1024

/**
 * struct tar_path - a name, taken apart
 * @full:	components joined by '/', no leading '/', no "." and "..": "" is the root itself
 * @dir_len:	length of the parent's part of @full (0: the root)
 * @base:	last component, points into @full
 */
struct tar_path {
	char full[TAR_PATH_MAX + 1];
	size_t dir_len;
	const char *base;
};

int tar_path_parse(const char *name, struct tar_path *ret, struct err *e);

enum whiteout { WHITEOUT_NONE, WHITEOUT_NAME, WHITEOUT_OPAQUE, WHITEOUT_IGNORED };
int whiteout_parse(const char *base, enum whiteout *ret, const char **ret_name, struct err *e);
/* For messages: control characters become '?'. */
const char *path_shown(const char *path, char buf[160]);

/* ---- header.c: names and sizes as bytes ---- */

/**
 * struct raw_header - what extended headers say about one entry
 * @path:	its name, when @has_path
 * @link:	target of a link, when @has_link
 * @size:	its content's size, when @has_size
 * @is_sparse:	libarchive's reading counts: name and size have other meanings here
 */
struct raw_header {
	char path[TAR_PATH_MAX + 1];
	char link[TAR_PATH_MAX + 1];
	int64_t size;
	bool has_path;
	bool has_link;
	bool has_size;
	bool is_sparse;
};

int raw_header_parse(const void *data, size_t len, struct raw_header *ret, struct err *e);

/* ---- frame.c: what is needed to write the tar again ---- */

/* Bit of a record's first word; see frame.c. */
#define FRAME_FILE (1U << 31)

struct frame;
int frame_new(int fd, struct frame **ret, struct err *e);
void frame_free(struct frame *f);
int frame_raw(struct frame *f, const void *data, size_t len, struct err *e);
int frame_file(struct frame *f, const char *path, uint64_t size, struct err *e);
int frame_finish(struct frame *f, struct err *e);

/* ---- apply.c: entries become files ---- */

#define APPLY_LIST_MAX 4096

/**
 * struct apply_entry - one decoded entry
 * @name:	as it is in the archive
 * @link:	target of a hard or symbolic link, else NULL
 * @type:	S_IFREG, S_IFDIR, S_IFLNK, ...; 0 with @is_hardlink
 * @is_hardlink: @link is another entry's name
 * @mode:	07777 bits
 * @uid, @gid:	owner in the archive
 * @size:	content
 * @mtime:	modification time
 * @rdev:	device node
 */
struct apply_entry {
	const char *name;
	const char *link;
	mode_t type;
	bool is_hardlink;
	mode_t mode;
	int64_t uid, gid;
	int64_t size;
	struct timespec mtime;
	dev_t rdev;
};

/**
 * struct applier - a layer that is being made
 * @root:		its root folder
 * @map:		user namespace A's map
 * @dir_fd:		the folder that the last entry was made in (O_PATH)
 * @dir:		its path; no reopening as long as entries stay in one folder
 * @dir_len:		length of @dir
 * @dir_is_cached:	@dir_fd is valid
 * @dir_is_setgid:	what is made there does not get group 0 by itself
 * @dirs_fd:		log of folders and their times, set at the end
 * @dirs:		part of it that is not written yet
 * @bytes:		content written
 * @entries:		entries seen
 * @limits:		for these two
 * @next_space_check:	when @bytes reaches this, look at the free space
 * @has_replaced:	an entry took the place of an earlier one
 * @is_lossy:		something of the archive is not in the tree any more
 * @skipped:		device nodes, for meta.json
 * @implied:		folders without an entry of their own, for meta.json
 * @n_skipped:		all of them, also those beyond the list's limit
 */
struct applier {
	int root;
	const struct idmap *map;
	int dir_fd;
	char dir[TAR_PATH_MAX + 1];
	size_t dir_len;
	bool dir_is_cached;
	bool dir_is_setgid;
	int dirs_fd;
	struct sbuf dirs;
	uint64_t bytes;
	uint64_t entries;
	struct unpack_limits limits;
	uint64_t next_space_check;
	bool has_replaced;
	bool is_lossy;
	struct json *skipped;
	struct json *implied;
	uint64_t n_skipped;
};

/**
 * struct apply_file - a regular file that is being written
 * @fd:		the file
 * @end:	end of what was written
 * @flushed:	writeback was started up to here
 * @mode:	mode to set at the end, or 0 when it is set already
 */
struct apply_file {
	int fd;
	int64_t end;
	int64_t flushed;
	mode_t mode;
};

/* The limits are the caller's to set afterwards. */
int applier_init(struct applier *a, int root, int dirs_fd, const struct idmap *map, struct err *e);
void applier_done(struct applier *a);
/* Anything but a regular file; @xattr(arg, fd) is called for folders, between chmod and times. */
typedef int (*apply_xattr_fn)(void *arg, int fd, struct err *e);
int apply_entry(struct applier *a, const struct apply_entry *en, apply_xattr_fn xattr, void *arg, struct err *e);
int apply_file_open(struct applier *a, const struct apply_entry *en, struct apply_file *ret, struct err *e);
int apply_file_write(struct applier *a, struct apply_file *f, const void *data, size_t len, int64_t off, struct err *e);
int apply_file_close(struct applier *a, struct apply_file *f, const struct apply_entry *en, apply_xattr_fn xattr,
		     void *arg, struct err *e);
int applier_count_entry(struct applier *a, uint64_t packed, struct err *e);
/* Times of folders: everything that changes them has been done. */
int applier_finish(struct applier *a, struct err *e);

/* ---- parents.c ---- */
int applier_open_parent(struct applier *a, const struct tar_path *p, struct err *e);
int applier_find_parent(struct applier *a, const char *path, size_t len);
void applier_forget_parent(struct applier *a);
int applier_make_opaque(int dirfd, const char *name, struct err *e);

/* ---- tar.c ---- */

int tar_apply(struct inflate *z, struct sha256 *hash, struct frame *frame, struct applier *a, uint64_t *ret_size,
	      struct err *e);

/* ---- packer.c: the way back, compressed ---- */

struct packer;
int packer_new(enum pack_format format, int level, rebuild_fn fn, void *arg, struct packer **ret, struct err *e);
void packer_free(struct packer *p);
int packer_add(struct packer *p, const void *data, size_t len, struct err *e);
int packer_finish(struct packer *p, struct err *e);
