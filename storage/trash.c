/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/oci/digest.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * Deleting a layer or blob: it is renamed to trash/ID/layer-HEX or blob-HEX, then all references are collected again
 * (refs.c); what is referred to after all is renamed back, the rest is deleted. A process that dies in between leaves
 * the folder with a free lock, and the next one that needs a missing layer, or writes, finishes the same way.
 */

/* Partial downloads of killed processes are kept so long. */
#define PARTIAL_MAX_AGE (24L * 3600)
/* Processes that remove layers side by side, and how many entries a pipe of one page holds as numbers. */
#define REMOVERS  4
#define QUEUE_MAX 2048

struct item {
	const char *prefix, *home;
	bool (*is_referred)(const struct refs *r, const char *digest);
};

static const struct item kinds[] = {
	{ "layer-", "layers", refs_has_layer },
	{ "blob-", "oci/blobs/sha256", refs_has_blob },
};

static int put_back(struct store *s, int fd, const char *name, const struct item *kind, const char *hex)
{
	auto_free char *home = xasprintf("%s/%s", kind->home, hex);
	int r = sys_renameat2(fd, name, s->fd, home, RENAME_NOREPLACE);

	if (r == -EINVAL) /* a file system without the flag */
		r = renameat(fd, name, s->fd, home) < 0 ? -errno : 0;
	return r;
}

/* Return: whether it is referred to, and back where it was */
static bool is_put_back(struct store *s, int fd, const char *name, const struct refs *refs)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *hex = str_after(name, kinds[i].prefix);
		char digest[80];

		if (!hex || strlen(hex) != 64)
			continue;
		snprintf(digest, sizeof(digest), "sha256:%s", hex);
		/* Fails when somebody has made it anew meanwhile; then this one is rubbish. */
		if (kinds[i].is_referred(refs, digest) && put_back(s, fd, name, &kinds[i], hex) == 0)
			return true;
	}
	return false;
}

/* Take entries from the queue until it is empty. What fails is tried again by the caller, who can say why. */
static void remove_queued(struct store *s, int fd, char *const *names, int queue)
{
	uint16_t i;

	while (read(queue, &i, sizeof(i)) == sizeof(i))
		store_remove_tree(s, fd, names[i], NULL);
}

/*
 * An image's layers are removed side by side: file systems do that in half the time, where rm(1) takes one file after
 * the other. A pipe is the queue; its numbers are read whole, since each is written by one write(2).
 */
static void remove_beside(struct store *s, int fd, char *const *names, size_t n)
{
	const pid_t parent = getpid();
	auto_close int in = -EBADF, out = -EBADF;
	pid_t pids[REMOVERS - 1];
	size_t started = 0;
	int queue[2];

	if (n < 2 || n > QUEUE_MAX || fd_pipe(queue, NULL) < 0)
		return;
	out = queue[0];
	in = queue[1];
	for (uint16_t i = 0; i < n; i++)
		if (write(in, &i, sizeof(i)) != sizeof(i))
			return;
	fd_closep(&in);
	for (; started < sizeof(pids) / sizeof(*pids) && started + 1 < n; started++) {
		pids[started] = fork();
		if (pids[started] < 0)
			break;
		if (pids[started] == 0) {
			if (proc_die_with(parent, NULL) == 0)
				remove_queued(s, fd, names, out);
			_exit(0);
		}
	}
	remove_queued(s, fd, names, out);
	while (started > 0)
		proc_wait(pids[--started]);
}

/* Put back or delete everything in trash/@name, whose lock we hold, and the folder itself. */
static int settle(struct store *s, const char *name, struct err *e)
{
	auto_strv char **items = NULL, **rubbish = NULL;
	auto_refs struct refs refs = { 0 };
	auto_free char *path = xasprintf("trash/%s", name);
	auto_close int fd = -EBADF;
	int r = fs_open_dir(s->fd, path, &fd, e);

	if (r == 0)
		r = fs_list_dir(fd, ".", &items, e);
	if (r == 0)
		r = refs_collect(s, &refs, e);
	for (char **i = items; r == 0 && i && *i; i++)
		if (!str_is_eq(*i, "lock") && !is_put_back(s, fd, *i, &refs))
			strv_add(&rubbish, *i);
	if (r == 0)
		remove_beside(s, fd, rubbish, strv_len(rubbish));
	for (char **i = rubbish; r == 0 && i && *i; i++)
		r = store_remove_tree(s, fd, *i, e);
	return r < 0 ? r : work_remove(s, "trash", name, e);
}

/**
 * store_trash_remove() - Remove a folder of the trash whose lock we hold
 * @s:		The store
 * @name:	Its 16 digits
 * @e:		Failure
 *
 * The lock goes last: without it the folder looks like one whose owner died before he had it, and somebody who cleans
 * up would make it anew while we remove the folder.
 *
 * Return: 0 or negative errno
 */
int store_trash_remove(struct store *s, const char *name, struct err *e)
{
	return work_remove(s, "trash", name, e);
}

static int move_aside(struct store *s, int fd, const struct item *kind, const char *digest, struct err *e)
{
	auto_free char *from = NULL, *to = NULL;

	if (!digest_is_sha256(digest))
		return 0;
	from = xasprintf("%s/%s", kind->home, digest_hex(digest));
	to = xasprintf("%s%s", kind->prefix, digest_hex(digest));
	if (renameat(s->fd, from, fd, to) < 0 && errno != ENOENT)
		return err_set(e, errno, "move '%s' to the trash", from);
	return 0;
}

/**
 * trash_layers_and_blobs() - Delete what nobody refers to
 * @s:		The store
 * @layers:	Candidates (diff ids)
 * @blobs:	Candidates (digests)
 * @e:		Failure
 *
 * Return: 0 or negative errno; candidates that are referred to are still there
 */
int trash_layers_and_blobs(struct store *s, char *const *layers, char *const *blobs, struct err *e)
{
	auto_close int fd = -EBADF, lock = -EBADF;
	char name[17];
	int r = work_open(s, "trash", name, &fd, &lock, e);

	for (char *const *l = layers; r == 0 && l && *l; l++)
		r = move_aside(s, fd, &kinds[0], *l, e);
	for (char *const *b = blobs; r == 0 && b && *b; b++)
		r = move_aside(s, fd, &kinds[1], *b, e);
	return r < 0 ? r : settle(s, name, e);
}

int store_reclaim_trash(struct store *s, struct err *e)
{
	auto_strv char **names = NULL;
	size_t pos = 0;
	int r = fs_list_dir(s->fd, "trash", &names, e);

	while (r >= 0) {
		auto_close int lock = -EBADF;

		r = work_next_dead(s, "trash", names, &pos, &lock, e);
		if (r == 0)
			break;
		if (r > 0)
			r = settle(s, names[pos - 1], e);
	}
	return r;
}

static int reclaim_tmp(struct store *s, struct err *e)
{
	auto_strv char **names = NULL;
	size_t pos = 0;
	int r = fs_list_dir(s->fd, "tmp", &names, e);

	while (r >= 0) {
		auto_close int lock = -EBADF;

		r = work_next_dead(s, "tmp", names, &pos, &lock, e);
		if (r == 0)
			break;
		if (r > 0)
			r = work_remove(s, "tmp", names[pos - 1], e);
	}
	return r;
}

static void reclaim_partials(struct store *s)
{
	auto_strv char **names = NULL;
	auto_close int dir = -EBADF;

	if (fs_open_dir(s->fd, "tmp/blobs", &dir, NULL) < 0 || fs_list_dir(dir, ".", &names, NULL) < 0)
		return;
	for (char **n = names; n && *n; n++) {
		auto_close int fd = openat(dir, *n, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || (st.st_size > 0 && time(NULL) - st.st_mtime < PARTIAL_MAX_AGE))
			continue;
		if (fd_lock(fd, false) == 0)
			unlinkat(dir, *n, 0);
	}
}

/* Names and derived files that were half written when their writer died. */
static void reclaim_temps(struct store *s)
{
	static const char *const folders[] = { ".", "tags", "lists", "oci", "cache" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		fs_remove_temps(s->fd, folders[i]);
}

int store_reclaim(struct store *s, struct err *e)
{
	int r = reclaim_tmp(s, e);

	if (r == 0)
		r = store_reclaim_trash(s, e);
	reclaim_partials(s);
	reclaim_temps(s);
	return r;
}

/**
 * trash_may_return() - Something is missing: may somebody be about to put it back?
 * @s:		The store
 * @tries:	Counter of the caller, 0 at first
 *
 * Moved aside for a moment by somebody who is about to find our reference to it, or by one who died there. Waits a
 * little.
 *
 * Return: whether to look again
 */
bool trash_may_return(struct store *s, int *tries)
{
	auto_strv char **trash = NULL;

	if ((*tries)++ >= 50 || fs_list_dir(s->fd, "trash", &trash, NULL) < 0)
		return false;
	if (strv_len(trash) < 2) { /* only the guard: if it was on its way back it has arrived, so one more look */
		*tries = 50;
		return true;
	}
	if (store_reclaim_trash(s, NULL) == 0)
		nanosleep(&(struct timespec) { .tv_nsec = 10L * 1000 * 1000 }, NULL);
	return true;
}

int store_layers_check(struct store *s, char *const *diff_ids, struct err *e)
{
	for (char *const *d = diff_ids; d && *d; d++)
		for (int tries = 0; !layer_is_there(s, *d);)
			if (!trash_may_return(s, &tries))
				return err_say(e, ENOENT, "layer %s is missing from the store", *d);
	return 0;
}
