/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/base/time.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * A transaction works below tmp/ID (see work.c) and in tmp/blobs/HEX for what is downloaded. Until the commit nothing
 *of it is seen by anybody. Commit:
 *
 *	1 empty blobs that served only as the unpackers' input (before the sync: they need not reach the disk)
 *	2 syncfs: all staged data is on disk
 *	3 rename layers and blobs to their places, sync these folders; remove the emptied blobs, which only now lets go
 *	  of their locks: who waits for one finds its layer
 *	4 write tags (each one synced), then index.json
 *
 * A power cut before 3 leaves rubbish in tmp/; between 3 and 4 layers without a name; after a tag's rename the image is
 *there and whole. Layers without a name are found by the next pull of the image, or by prune.
 */

/* 12 us is usual, 150 and more is what a pull right after rmi met. */
#define FILE_COST_MAX (80 * NSEC_PER_MSEC / 1000)
#define PLACES_MAX    6

enum blob_state { BLOB_CLAIMED, BLOB_KEPT, BLOB_SCRATCH, BLOB_OWN };

struct staged_blob {
	char *digest;
	char *own; /* BLOB_OWN: name in the transaction's folder */
	int fd;	   /* holds the lock of tmp/blobs/HEX */
	enum blob_state state;
};

struct slot {
	char name[17];	  /* of its folder below layers/ */
	char *diff_id;	  /* NULL until done */
	bool has_implied; /* folders without entries: implied.c */
};

struct store_txn {
	struct store *s;
	char name[17];
	int fd;
	int lock;
	int refs;
	struct staged_blob *blobs;
	size_t n_blobs;
	struct slot *slots;
	size_t n_slots;
	struct image_rec *tags;
	char **replaced; /* beside tags: config digest that had the name, or "" */
	size_t n_tags;
};

/*
 * ext4 puts a folder near its parent, so layers unpacked at the same time share block groups, with each other and with
 * what was removed a minute ago; and it passes over each recently freed inode one by one (rmi, then pull: 12 s of CPU
 * for 30 000 files, 1 s without). Folders below one with this flag are spread over the groups instead; which one is
 * decided by their names, so these are random. Other file systems refuse the flag or do not care.
 */
static void spread_folders(int dirfd)
{
	int flags;

	if (ioctl(dirfd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_TOPDIR_FL;
		(void)ioctl(dirfd, FS_IOC_SETFLAGS, &flags);
	}
}

static int make_layers_dir(struct store_txn *t, struct err *e)
{
	auto_close int fd = -EBADF;
	int r = store_make_dir(t->s, t->fd, "layers", e);

	if (r == 0)
		r = fs_open_dir(t->fd, "layers", &fd, e);
	if (r == 0)
		spread_folders(fd);
	return r;
}

int store_txn_begin(struct store *s, struct store_txn **ret, struct err *e)
{
	auto_store_txn struct store_txn *t = NULL;
	struct err why;
	int r;

	if (store_reclaim(s, &why) < 0)
		log_warn("ignored, going on: clean up the store: %s", why.msg);
	t = xcalloc(1, sizeof(*t));
	t->s = s;
	t->fd = t->lock = t->refs = -EBADF;
	r = work_open(s, "tmp", t->name, &t->fd, &t->lock, e);
	if (r == 0)
		r = make_layers_dir(t, e);
	if (r < 0)
		return r;
	t->refs = openat(t->fd, "refs", O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (t->refs < 0)
		return err_set(e, errno, "create 'tmp/%s/refs'", t->name);
	*ret = take_ptr(&t);
	return 0;
}

static void unlink_partial(struct store *s, const char *digest)
{
	auto_free char *path = xasprintf("tmp/blobs/%s", digest_hex(digest));

	unlinkat(s->fd, path, 0);
}

static void drop_blob(struct store_txn *t, struct staged_blob *b, bool keep_partial)
{
	if (b->fd >= 0 && !keep_partial)
		unlink_partial(t->s, b->digest);
	fd_closep(&b->fd);
	free(b->digest);
	free(b->own);
}

void store_txn_free(struct store_txn *t)
{
	struct err why;

	if (!t)
		return;
	for (size_t i = 0; i < t->n_blobs; i++)
		drop_blob(t, &t->blobs[i], false);
	for (size_t i = 0; i < t->n_slots; i++)
		free(t->slots[i].diff_id);
	for (size_t i = 0; i < t->n_tags; i++)
		free(t->replaced[i]);
	free(t->blobs);
	free(t->slots);
	free(t->replaced);
	image_recs_free(t->tags, t->n_tags);
	if (t->fd >= 0 && work_remove(t->s, "tmp", t->name, &why) < 0)
		log_warn("ignored, going on: clean up the store: %s", why.msg);
	fd_closep(&t->refs);
	fd_closep(&t->fd);
	fd_closep(&t->lock);
	free(t);
}

void store_txn_freep(struct store_txn **t)
{
	store_txn_free(*t);
	*t = NULL;
}

int store_txn_dir(const struct store_txn *t)
{
	return t->fd;
}

static int refer(struct store_txn *t, const char *kind, const char *digest, struct err *e)
{
	char line[128];
	int r;

	if (!digest || !digest_is_sha256(digest))
		return err_say(e, EINVAL, "'%s' is not a sha256 digest", digest ? digest : "");
	snprintf(line, sizeof(line), "%s %s\n", kind, digest);
	r = fd_write_full(t->refs, line, strlen(line));
	return r < 0 ? err_set(e, r, "write 'tmp/%s/refs'", t->name) : 0;
}

static struct staged_blob *find_blob(struct store_txn *t, const char *digest)
{
	for (size_t i = 0; i < t->n_blobs; i++)
		if (str_is_eq(t->blobs[i].digest, digest))
			return &t->blobs[i];
	return NULL;
}

int store_txn_need_blob(struct store_txn *t, const char *digest, struct err *e)
{
	const struct staged_blob *b;
	int r = refer(t, "blob", digest, e);

	if (r < 0)
		return r;
	b = find_blob(t, digest);
	return (b && (b->state == BLOB_KEPT || b->state == BLOB_OWN)) || blob_is_there(t->s, digest);
}

int store_txn_need_layer(struct store_txn *t, const char *diff_id, struct err *e)
{
	char *ids[2] = { NULL, NULL };
	int r = refer(t, "layer", diff_id, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n_slots; i++)
		if (str_is_eq(t->slots[i].diff_id, diff_id))
			return 1;
	ids[0] = xstrdup(diff_id);
	r = store_layers_check(t->s, ids, NULL);
	free(ids[0]);
	return r == 0;
}

static struct staged_blob *add_blob(struct store_txn *t, const char *digest, int fd, enum blob_state state)
{
	struct staged_blob *b;

	t->blobs = xrealloc(t->blobs, (t->n_blobs + 1) * sizeof(*t->blobs));
	b = &t->blobs[t->n_blobs++];
	*b = (struct staged_blob) { .digest = xstrdup(digest), .fd = fd, .state = state };
	return b;
}

/* Open tmp/blobs/HEX and lock it; somebody who finished may have unlinked or renamed it between the two. */
static int claim_partial(struct store *s, const char *digest, int *ret_fd, struct err *e)
{
	auto_free char *path = xasprintf("tmp/blobs/%s", digest_hex(digest));

	for (int tries = 0; tries < 100; tries++) {
		auto_close int fd = openat(s->fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat a, b;
		int r;

		if (fd < 0)
			return err_set(e, errno, "create '%s'", path);
		r = fd_lock(fd, false);
		if (r == -EAGAIN)
			return err_say(e, EAGAIN, "blob %s is being written by another process", digest);
		if (r < 0)
			return err_set(e, r, "lock '%s'", path);
		if (fstat(fd, &a) == 0 && fstatat(s->fd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
		    a.st_dev == b.st_dev) {
			*ret_fd = take_fd(&fd);
			return 0;
		}
	}
	return err_say(e, EAGAIN, "blob %s is being written by other processes", digest);
}

int store_txn_blob_open(struct store_txn *t, const char *digest, int *ret_fd, uint64_t *ret_have, struct err *e)
{
	auto_close int fd = -EBADF, out = -EBADF;
	struct stat st;
	int r = refer(t, "blob", digest, e);

	if (r == 0)
		r = claim_partial(t->s, digest, &fd, e);
	if (r < 0)
		return r;
	if (blob_is_there(t->s, digest)) {
		unlink_partial(t->s, digest);
		return 1;
	}
	out = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (out < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "stat blob %s", digest);
	add_blob(t, digest, take_fd(&fd), BLOB_CLAIMED);
	*ret_fd = take_fd(&out);
	*ret_have = (uint64_t)st.st_size;
	return 0;
}

int store_txn_blob_done(struct store_txn *t, const char *digest, bool keep, struct err *e)
{
	struct staged_blob *b = find_blob(t, digest);

	if (!b || b->state == BLOB_OWN)
		return err_say(e, EINVAL, "blob %s was not staged", digest);
	b->state = keep ? BLOB_KEPT : BLOB_SCRATCH;
	return 0;
}

void store_txn_blob_drop(struct store_txn *t, const char *digest, bool keep)
{
	struct staged_blob *b = find_blob(t, digest);

	if (!b)
		return;
	drop_blob(t, b, keep);
	*b = t->blobs[--t->n_blobs];
}

int store_txn_blob_write(struct store_txn *t, const char *digest, const void *data, size_t len, struct err *e)
{
	auto_free char *name = NULL;
	int r;

	if (!digest || !digest_is_sha256(digest))
		return err_say(e, EINVAL, "'%s' is not a sha256 digest", digest ? digest : "");
	name = xasprintf("blob-%s", digest_hex(digest));
	r = fs_write_file(t->fd, name, data, len, 0600, e);
	return r < 0 ? r : store_txn_blob_adopt(t, name, digest, e);
}

int store_txn_blob_adopt(struct store_txn *t, const char *name, const char *digest, struct err *e)
{
	int r = refer(t, "blob", digest, e);

	if (r < 0)
		return r;
	if (!find_blob(t, digest))
		add_blob(t, digest, -EBADF, BLOB_OWN)->own = xstrdup(name);
	return 0;
}

/* CPU time of making a file: in a block group full of freed inodes it shows what thousands more will cost. */
static int64_t cost_of_file(int dirfd)
{
	struct timespec a, b;
	int fd;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	fd = openat(dirfd, "probe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	if (fd >= 0)
		unlinkat(dirfd, "probe", 0);
	fd_closep(&fd);
	return (b.tv_sec - a.tv_sec) * NSEC_PER_SEC + b.tv_nsec - a.tv_nsec;
}

static int make_slot(struct store_txn *t, struct slot *ret, int *ret_fd, struct err *e)
{
	char path[40];
	int r = rand_hex(ret->name, 16, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "layers/%s", ret->name);
	r = store_make_dir(t->s, t->fd, path, e);
	return r < 0 ? r : fs_open_dir(t->fd, path, ret_fd, e);
}

int store_txn_layer_open(struct store_txn *t, unsigned *ret_slot, int *ret_fd, struct err *e)
{
	auto_close int fd = -EBADF;
	struct slot slot = { 0 };
	int r = make_slot(t, &slot, &fd, e);

	/* A name that leads to a crowded group (see spread_folders()) is given up; its folder goes with tmp/ID. */
	for (int tries = 1; r == 0 && tries < PLACES_MAX && cost_of_file(fd) > FILE_COST_MAX; tries++) {
		fd_closep(&fd);
		r = make_slot(t, &slot, &fd, e);
	}
	if (r < 0)
		return r;
	*ret_fd = take_fd(&fd);
	t->slots = xrealloc(t->slots, (t->n_slots + 1) * sizeof(*t->slots));
	t->slots[t->n_slots] = slot;
	*ret_slot = (unsigned)t->n_slots++;
	return 0;
}

int store_txn_layer_done(struct store_txn *t, unsigned slot, const char *diff_id, const char *meta_json, struct err *e)
{
	char name[48];
	int r = refer(t, "layer", diff_id, e);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "layers/%s/meta.json", t->slots[slot].name);
	r = fs_write_file(t->fd, name, meta_json, strlen(meta_json), 0600, e);
	if (r < 0)
		return r;
	t->slots[slot].diff_id = xstrdup(diff_id);
	t->slots[slot].has_implied = strstr(meta_json, "\"impliedFolders\"");
	return 0;
}

int store_txn_tag(struct store_txn *t, const struct image_rec *rec, struct err *e)
{
	int r = refer(t, "blob", rec->manifest_digest, e);

	if (r == 0)
		r = refer(t, "blob", rec->config_digest, e);
	if (r < 0)
		return r;
	t->tags = xrealloc(t->tags, (t->n_tags + 1) * sizeof(*t->tags));
	t->replaced = xrealloc(t->replaced, (t->n_tags + 1) * sizeof(*t->replaced));
	image_rec_copy(rec, &t->tags[t->n_tags]);
	t->replaced[t->n_tags++] = NULL;
	return 0;
}

const char *store_txn_replaced(const struct store_txn *t, const char *name)
{
	for (size_t i = 0; i < t->n_tags; i++)
		if (str_is_eq(t->tags[i].name, name))
			return t->replaced[i];
	return NULL;
}

static int place_layers(struct store_txn *t, struct err *e)
{
	auto_close int dir = -EBADF;
	bool any = false;
	int r = fs_open_dir(t->s->fd, "layers", &dir, e);

	for (size_t i = 0; i < t->n_slots && r == 0; i++) {
		char from[40];

		if (!t->slots[i].diff_id)
			continue;
		snprintf(from, sizeof(from), "layers/%s", t->slots[i].name);
		/* Onto a layer that another writer has placed meanwhile it fails, and ours is removed with tmp/ID. */
		if (renameat(t->fd, from, dir, digest_hex(t->slots[i].diff_id)) < 0 && errno != EEXIST &&
		    errno != ENOTEMPTY)
			return err_set(e, errno, "move layer %s into place", t->slots[i].diff_id);
		any = true;
	}
	return r == 0 && any ? fs_sync_dir(dir, e) : r;
}

static int place_blobs(struct store_txn *t, struct err *e)
{
	auto_close int dir = -EBADF;
	bool any = false;
	int r = fs_open_dir(t->s->fd, "oci/blobs/sha256", &dir, e);

	for (size_t i = 0; i < t->n_blobs && r == 0; i++) {
		struct staged_blob *b = &t->blobs[i];
		auto_free char *from = NULL;

		if (b->state != BLOB_KEPT && b->state != BLOB_OWN)
			continue;
		from = b->own ? xstrdup(b->own) : xasprintf("../blobs/%s", digest_hex(b->digest));
		if (renameat(t->fd, from, dir, digest_hex(b->digest)) < 0)
			return err_set(e, errno, "move blob %s into place", b->digest);
		fd_closep(&b->fd);
		any = true;
	}
	return r == 0 && any ? fs_sync_dir(dir, e) : r;
}

/**
 * image_rec_fill() - Find out size and time of an image
 * @s:		The store
 * @rec:	Record with a config digest; gets the bytes of all layers, and the time of the config
 * @e:		Failure
 *
 * Return: 0, -ENOENT when something is missing
 */
int image_rec_fill(struct store *s, struct image_rec *rec, struct err *e)
{
	auto_oci_image_config struct oci_image_config *config = NULL;
	int r = store_image_config(s, rec->config_digest, &config, e);

	if (r == 0)
		r = store_layers_check(s, config->diff_ids, e);
	if (r < 0)
		return r;
	rec->size = 0;
	for (char **d = config->diff_ids; d && *d; d++) {
		int64_t size = 0;

		r = store_layer_size(s, *d, &size, e);
		if (r < 0)
			return r;
		rec->size += size;
	}
	rec->created_ns = 0;
	if (config->created && time_parse_rfc3339(config->created, &rec->created_ns) < 0)
		rec->created_ns = 0;
	return 0;
}

static int write_tags(struct store_txn *t, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < t->n_tags && r == 0; i++) {
		r = image_rec_fill(t->s, &t->tags[i], e);
		if (r == 0)
			r = tag_move(t->s, &t->tags[i], &t->replaced[i], e);
	}
	return r == 0 && t->n_tags ? index_rewrite(t->s, e) : r;
}

/* The config of an image that is about to be named: staged, or in the store already. */
static int read_config(struct store_txn *t, const char *digest, struct oci_image_config **ret, struct err *e)
{
	const struct staged_blob *b = find_blob(t, digest);
	auto_free char *text = NULL;
	size_t len;
	int r;

	if (!b || !b->own)
		return store_image_config(t->s, digest, ret, e);
	r = fs_read_file(t->fd, b->own, OCI_MAX_CONFIG, &text, &len, e);
	return r < 0 ? r : oci_image_config_parse(text, len, ret, e);
}

static const struct slot *find_slot(const struct store_txn *t, const char *diff_id)
{
	for (size_t i = 0; i < t->n_slots; i++)
		if (str_is_eq(t->slots[i].diff_id, diff_id))
			return &t->slots[i];
	return NULL;
}

static int open_layer_folder(struct store_txn *t, const char *diff_id, const struct slot *slot, int *ret_fd,
			     struct err *e)
{
	auto_free char *path = NULL;

	if (!digest_is_sha256(diff_id))
		return err_say(e, EINVAL, "'%s' is not a diff id", diff_id);
	if (!slot)
		return store_layer_open(t->s, diff_id, ret_fd, e);
	path = xasprintf("layers/%s", slot->name);
	return fs_open_dir(t->fd, path, ret_fd, e);
}

static int fix_image(struct store_txn *t, const struct oci_image_config *config, struct err *e)
{
	size_t n = strv_len(config->diff_ids), opened = 0;
	int *fds = xcalloc(n + 1, sizeof(*fds));
	bool *staged = xcalloc(n + 1, sizeof(*staged));
	int r = 0;

	for (; opened < n && r == 0; opened++) {
		const struct slot *slot = find_slot(t, config->diff_ids[opened]);

		staged[opened] = slot && slot->has_implied;
		fds[opened] = -EBADF;
		r = open_layer_folder(t, config->diff_ids[opened], slot, &fds[opened], e);
	}
	if (r == 0)
		r = implied_fix(fds, staged, n, e);
	for (size_t i = 0; i < opened; i++)
		fd_closep(&fds[i]);
	free(fds);
	free(staged);
	return r;
}

static int fix_implied(struct store_txn *t, struct err *e)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < t->n_slots; i++)
		any |= t->slots[i].diff_id && t->slots[i].has_implied;
	for (size_t i = 0; any && i < t->n_tags && r == 0; i++) {
		auto_oci_image_config struct oci_image_config *config = NULL;

		r = read_config(t, t->tags[i].config_digest, &config, e);
		if (r == 0)
			r = fix_image(t, config, e);
	}
	return r;
}

static void remove_scratch(struct store_txn *t)
{
	for (size_t i = 0; i < t->n_blobs; i++) {
		struct staged_blob *b = &t->blobs[i];

		if (b->state != BLOB_SCRATCH)
			continue;
		unlink_partial(t->s, b->digest);
		fd_closep(&b->fd);
	}
}

int store_txn_commit(struct store_txn *t, struct err *e)
{
	bool has_data = t->n_slots > 0;
	int r = fix_implied(t, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n_blobs; i++) {
		struct staged_blob *b = &t->blobs[i];

		if (b->state != BLOB_SCRATCH)
			has_data = true;
		else if (ftruncate(b->fd, 0) < 0)
			return err_set(e, errno, "empty 'tmp/blobs/%s'", digest_hex(b->digest));
	}
	if (has_data && syncfs(t->s->fd) < 0)
		return err_set(e, errno, "sync the store '%s'", t->s->root);
	r = place_layers(t, e);
	if (r == 0)
		r = place_blobs(t, e);
	if (r < 0)
		return r;
	remove_scratch(t);
	return write_tags(t, e);
}
