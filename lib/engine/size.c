/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/size.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/runtime/userns.h"
#include "storage/store.h"

/* Of folders in each other; a container can nest more than our stack holds. What is deeper is not counted. */
#define DEPTH_MAX 1024

/**
 * struct walk - the sum so far
 * @bytes:	of regular files, as their size says: what docker counts
 * @links:	files with several names, a search tree of struct seen: each counts once
 * @denied:	a folder could not be read
 */
struct walk {
	int64_t bytes;
	void *links;
	bool denied;
};

struct seen {
	dev_t dev;
	ino_t ino;
};

static int compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static bool is_new(struct walk *w, const struct stat *st)
{
	struct seen *s, **found;

	if (st->st_nlink < 2)
		return true;
	s = xcalloc(1, sizeof(*s));
	*s = (struct seen) { st->st_dev, st->st_ino };
	found = tsearch(s, &w->links, compare_seen);
	if (found && *found == s)
		return true;
	free(s);
	return false;
}

/* What vanishes under our eyes is not counted. */
static void add_folder(struct walk *w, int dirfd, const char *name, int depth)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_strv char **names = NULL;
	int r = fd < 0 ? -errno : fs_list_dir(fd, ".", &names, NULL);

	if (r < 0) {
		w->denied |= r == -EACCES || r == -EPERM;
		return;
	}
	for (char **n = names; n && *n; n++) {
		struct stat st;

		if (fstatat(fd, *n, &st, AT_SYMLINK_NOFOLLOW) < 0)
			w->denied |= errno == EACCES;
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			add_folder(w, fd, *n, depth + 1);
		else if (S_ISREG(st.st_mode) && is_new(w, &st) &&
			 __builtin_add_overflow(w->bytes, st.st_size, &w->bytes))
			w->bytes = INT64_MAX;
	}
}

/* Return: whether everything could be read. */
static bool measure(const struct ctr *c, size_t n, struct ctr_size *ret)
{
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		struct walk w = { 0 };

		add_folder(&w, c[i].dirfd, "upper", 0);
		tdestroy(w.links, free);
		ret[i].rw = w.bytes;
		all = all && !w.denied;
	}
	return all;
}

struct job {
	const struct ctr *c;
	size_t n;
	struct ctr_size *ret;
};

static int measure_job(void *arg, struct err *e)
{
	const struct job *j = arg;

	(void)e;
	measure(j->c, j->n, j->ret);
	return 0;
}

static int measure_in_userns(const struct ctr *c, size_t n, struct ctr_size *ret, struct err *e)
{
	struct job j = { c, n, ret };
	struct userns_call call = { .run = measure_job, .arg = &j, .result = ret, .result_len = n * sizeof(*ret) };

	return userns_call(&call, e);
}

static int64_t layers_size(struct store *s, const struct ctr *c)
{
	int64_t total = 0;

	for (char **l = c->config.layers; l && *l; l++) {
		int64_t size = 0;

		if (store_layer_size(s, *l, &size, NULL) == 0)
			total += size;
	}
	return total;
}

int ctr_sizes(struct store *s, const struct ctr *c, size_t n, struct ctr_size *ret, struct err *e)
{
	int r;

	memset(ret, 0, n * sizeof(*ret));
	r = n == 0 || measure(c, n, ret) ? 0 : measure_in_userns(c, n, ret, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		ret[i].layers = layers_size(s, &c[i]);
		/* vfs: its folder is a copy of the image, so that only the difference is its own. */
		if (str_is_eq(c[i].config.storage_driver, "vfs"))
			ret[i].rw = ret[i].rw > ret[i].layers ? ret[i].rw - ret[i].layers : 0;
	}
	return r;
}
