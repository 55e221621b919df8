/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/runtime/userns.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * Some builders write usr/local/bin/x without entries for usr, usr/local and usr/local/bin. A layer is unpacked without
 * its parents, so the applier makes such folders as root's, 0755, and lists them in meta.json. In a mount they would
 * hide the attributes that the same folders have in lower layers (/tmp without its sticky bit, a home that is not its
 * user's any more). So before a commit they get the attributes of the uppermost lower layer that has them.
 */

#define META_MAX (16U << 20)

static int open_diff(int layer_fd)
{
	return openat(layer_fd, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Return: 1 found, 0 no lower layer has it, negative errno */
static int find_lower(const int *diffs, size_t n, const char *path, struct stat *st)
{
	for (size_t i = n; i-- > 0;) {
		auto_close int fd = fs_open_in_root(diffs[i], path, O_PATH | O_NOFOLLOW, 0);

		if (fd < 0)
			continue;
		if (fstat(fd, st) < 0)
			return -errno;
		return S_ISDIR(st->st_mode); /* a file or whiteout: the folder is new */
	}
	return 0;
}

static int fix_one(const int *diffs, size_t layer, const char *path, struct err *e)
{
	auto_close int fd = fs_open_in_root(diffs[layer], path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	struct timespec ts[2];
	struct stat st;
	int r;

	if (fd < 0)
		return 0; /* replaced by a later entry */
	r = find_lower(diffs, layer, path, &st);
	if (r <= 0)
		return r < 0 ? err_set(e, r, "look for '%s' in lower layers", path) : 0;
	ts[0] = ts[1] = st.st_mtim;
	if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0 || futimens(fd, ts) < 0)
		return err_set(e, errno, "give '%s' the attributes of lower layers", path);
	return 0;
}

static int fix_layer(const int *layers, const int *diffs, size_t layer, struct err *e)
{
	auto_json struct json *meta = NULL;
	const struct json *paths;
	int r = json_parse_file(layers[layer], "meta.json", META_MAX, &meta, e);

	paths = r == 0 ? json_get_array(meta, "impliedFolders") : NULL;
	for (size_t i = 0; r == 0 && i < json_len(paths); i++) {
		const char *path = json_as_str(json_item(paths, i));

		if (path)
			r = fix_one(diffs, layer, path, e);
	}
	return r;
}

/* The arguments of implied_fix(). */
struct job {
	const int *layers;
	const bool *staged;
	size_t n;
};

static int fix_all(void *arg, struct err *e)
{
	const struct job *j = arg;
	int *diffs = xcalloc(j->n, sizeof(*diffs));
	int r = 0;

	for (size_t i = 0; i < j->n; i++) {
		diffs[i] = open_diff(j->layers[i]);
		if (diffs[i] < 0 && r == 0)
			r = err_set(e, errno, "open a layer");
	}
	for (size_t i = 1; i < j->n && r == 0; i++)
		if (j->staged[i])
			r = fix_layer(j->layers, diffs, i, e);
	for (size_t i = 0; i < j->n; i++)
		fd_closep(&diffs[i]);
	free(diffs);
	return r;
}

/**
 * implied_fix() - Give folders without entries the attributes that lower layers have for them
 * @layers:	Folders of an image's layers (with diff/ and meta.json), base first
 * @staged:	Which of them are being staged, and may be changed
 * @n:		How many
 * @e:		Failure
 *
 * Works in user namespace A; only from a process with one thread.
 *
 * Return: 0 or negative errno
 */
int implied_fix(const int *layers, const bool *staged, size_t n, struct err *e)
{
	struct job j = { layers, staged, n };

	return userns_call(&(struct userns_call) { .run = fix_all, .arg = &j }, e);
}
