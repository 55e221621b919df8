/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/runtime/userns.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * Two stacks of layers are compared without mounting them. A folder of a stack is the list of the layers' folders that
 * make it up, topmost first, down to the first one that hides what is below it (an opaque one, a file, a whiteout).
 * Where both stacks have the same common layers at the bottom of a folder, only the names in the other layers can
 * differ, so that an image against the one it stands on costs as much as its own layers.
 *
 * It runs in user namespace A, which may read every file, and sends its lines through a pipe.
 */

#define LINES_MAX (256U << 20)

/**
 * struct part - one layer's folder of a view
 * @fd:		it
 * @layer:	number of the layer, 0 is the lowest
 */
struct part {
	int fd;
	size_t layer;
};

/**
 * struct view - a folder, or what has one name, in a stack of layers
 * @is_there:	something has this name
 * @st:		of the topmost one
 * @top:	folder that has it, borrowed
 * @v:		a folder's parts, topmost first; empty for what is none
 * @n:		how many
 */
struct view {
	bool is_there;
	struct stat st;
	int top;
	struct part *v;
	size_t n;
};

struct diff {
	size_t common; /* so many layers at the bottom are the same */
	struct strvec lines;
	struct err *e;
};

static void view_done(struct view *w)
{
	for (size_t i = 0; i < w->n; i++)
		fd_closep(&w->v[i].fd);
	free(w->v);
	*w = (struct view) { 0 };
}
#define auto_view __attribute__((cleanup(view_done)))

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static bool is_opaque(int fd)
{
	char value;

	return fgetxattr(fd, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static int add_part(struct view *w, int dirfd, const char *name, size_t layer, struct err *e)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open folder '%s' of a layer", name);
	w->v = xrealloc(w->v, (w->n + 1) * sizeof(*w->v));
	w->v[w->n++] = (struct part) { fd, layer };
	return 0;
}

/* What has the name @name in the folder @dir. */
static int look_up(const struct view *dir, const char *name, struct view *ret, struct err *e)
{
	*ret = (struct view) { 0 };
	for (size_t i = 0; i < dir->n; i++) {
		struct stat st;
		int r;

		if (fstatat(dir->v[i].fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return err_set(e, errno, "stat '%s' in a layer", name);
		}
		if (is_whiteout(&st))
			return 0;
		if (!ret->is_there) {
			ret->is_there = true;
			ret->st = st;
			ret->top = dir->v[i].fd;
		} else if (!S_ISDIR(st.st_mode)) {
			return 0;
		}
		if (!S_ISDIR(st.st_mode))
			return 0;
		r = add_part(ret, dir->v[i].fd, name, dir->v[i].layer, e);
		if (r < 0)
			return r;
		if (is_opaque(ret->v[ret->n - 1].fd))
			return 0;
	}
	return 0;
}

/* The parts of the common layers: are they the same on both sides? */
static bool same_bottom(const struct diff *d, const struct view *a, const struct view *b)
{
	size_t i = 0, k = 0;

	while (i < a->n && a->v[i].layer >= d->common)
		i++;
	while (k < b->n && b->v[k].layer >= d->common)
		k++;
	if (a->n - i != b->n - k)
		return false;
	for (; i < a->n; i++, k++)
		if (a->v[i].layer != b->v[k].layer)
			return false;
	return true;
}

static int add_names(const struct diff *d, const struct view *w, bool all, struct strvec *names, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		auto_strv char **here = NULL;

		if (!all && w->v[i].layer < d->common)
			continue;
		r = fs_list_dir(w->v[i].fd, ".", &here, e);
		for (char **n = here; r == 0 && n && *n; n++)
			strvec_add_take(names, xstrdup(*n));
	}
	return r;
}

static bool same_link(const struct view *a, const struct view *b, const char *name)
{
	auto_free char *x = NULL, *y = NULL;

	return fs_readlink(a->top, name, &x, NULL) == 0 && fs_readlink(b->top, name, &y, NULL) == 0 && !strcmp(x, y);
}

static bool is_changed(const struct view *a, const struct view *b, const char *name)
{
	const struct stat *x = &a->st, *y = &b->st;

	if (x->st_dev == y->st_dev && x->st_ino == y->st_ino)
		return false;
	if (x->st_mode != y->st_mode || x->st_uid != y->st_uid || x->st_gid != y->st_gid ||
	    x->st_mtim.tv_sec != y->st_mtim.tv_sec || x->st_mtim.tv_nsec != y->st_mtim.tv_nsec)
		return true;
	if (S_ISREG(x->st_mode))
		return x->st_size != y->st_size;
	if (S_ISLNK(x->st_mode))
		return !same_link(a, b, name);
	return (S_ISCHR(x->st_mode) || S_ISBLK(x->st_mode)) && x->st_rdev != y->st_rdev;
}

static void say(struct diff *d, char what, const char *path)
{
	strvec_add_take(&d->lines, xasprintf("%c %s", what, path));
}

static int compare_folders(struct diff *d, const struct view *a, const struct view *b, const char *path);

static int compare_one(struct diff *d, const struct view *a, const struct view *b, const char *path, const char *name)
{
	auto_view struct view x = { 0 }, y = { 0 };
	auto_free char *full = xasprintf("%s/%s", path, name);
	bool folders;
	size_t before;
	int r = look_up(a, name, &x, d->e);

	if (r == 0)
		r = look_up(b, name, &y, d->e);
	if (r < 0 || (!x.is_there && !y.is_there))
		return r;
	if (!x.is_there) {
		say(d, 'D', full);
		return 0;
	}
	if (!y.is_there)
		say(d, 'A', full);
	folders = S_ISDIR(x.st.st_mode) && (!y.is_there || S_ISDIR(y.st.st_mode));
	before = d->lines.n;
	if (folders)
		r = compare_folders(d, &x, &y, full);
	/* What is in a changed folder follows it once the lines are sorted. */
	if (r == 0 && y.is_there && (is_changed(&x, &y, name) || (folders && d->lines.n != before)))
		say(d, 'C', full);
	return r;
}

static int compare_folders(struct diff *d, const struct view *a, const struct view *b, const char *path)
{
	struct strvec names = { NULL, 0 };
	bool all = !same_bottom(d, a, b);
	int r = add_names(d, a, all, &names, d->e);

	if (r == 0)
		r = add_names(d, b, all, &names, d->e);
	strv_sort(names.v);
	for (char **n = names.v; r == 0 && n && *n; n++)
		if (n == names.v || strcmp(n[-1], *n))
			r = compare_one(d, a, b, path, *n);
	strv_free(names.v);
	return r;
}

static int open_stack(struct store *s, char *const *layers, struct view *ret, struct err *e)
{
	int r = 0;

	for (size_t i = layers ? strv_len(layers) : 0; r == 0 && i-- > 0;) {
		auto_close int fd = -EBADF;

		r = store_layer_open(s, layers[i], &fd, e);
		if (r == 0)
			r = add_part(ret, fd, "diff", i, e);
		if (r == 0 && ret->v && is_opaque(ret->v[ret->n - 1].fd))
			break;
	}
	return r;
}

static int compare_stacks(struct store *s, char *const *a, char *const *b, struct diff *d)
{
	auto_view struct view x = { 0 }, y = { 0 };
	struct rlimit l;
	int r;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) { /* every layer costs a descriptor at each depth */
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
	while (a && b && a[d->common] && b[d->common] && !strcmp(a[d->common], b[d->common]))
		d->common++;
	r = open_stack(s, a, &x, d->e);
	if (r == 0)
		r = open_stack(s, b, &y, d->e);
	return r < 0 ? r : compare_folders(d, &x, &y, "");
}

/* In the child: 'E' and the error, or the lines, each with its NUL. */
static _Noreturn void compare_in_child(struct store *s, char *const *a, char *const *b, int wr)
{
	struct err why = { 0 };
	struct diff d = { .e = &why };
	int r = compare_stacks(s, a, b, &d);

	if (r < 0) {
		fd_write_full(wr, "E", 1);
		fd_write_full(wr, &why, sizeof(why));
	}
	for (char **l = d.lines.v; r == 0 && l && *l; l++)
		r = fd_write_full(wr, *l, strlen(*l) + 1);
	_exit(r < 0);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a + 2, *(char *const *)b + 2);
}

static int read_lines(int rd, char ***ret, struct err *e)
{
	auto_free char *text = NULL;
	struct strvec lines = { NULL, 0 };
	struct err why;
	size_t len = 0;
	int r = fs_read_fd(rd, LINES_MAX, &text, &len, e);

	if (r < 0)
		return r;
	if (len == 1 + sizeof(why) && *text == 'E') {
		memcpy(&why, text + 1, sizeof(why));
		return err_say(e, why.code, "%.*s", (int)sizeof(why.msg) - 1, why.msg);
	}
	for (size_t i = 0; i < len; i += strlen(text + i) + 1)
		strvec_add_take(&lines, xstrdup(text + i));
	if (lines.v)
		qsort(lines.v, lines.n, sizeof(*lines.v), by_path);
	*ret = lines.v;
	return 0;
}

int store_layers_diff(struct store *s, char *const *a, char *const *b, char ***ret, struct err *e)
{
	auto_close int rd = -EBADF, wr = -EBADF;
	struct idmap map;
	int p[2] = { -EBADF, -EBADF }, status;
	pid_t pid;
	int r = idmap_for_caller(&map, e);

	if (r == 0)
		r = fd_pipe(p, e);
	if (r < 0)
		return r;
	rd = p[0];
	wr = p[1];
	pid = userns_fork(&map, 0, NULL, e);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		compare_in_child(s, a, b, wr);
	fd_closep(&wr);
	r = read_lines(rd, ret, e);
	fd_closep(&rd); /* it may still be writing, where that was too much */
	status = proc_wait(pid);
	if (r == 0 && status)
		r = err_say(e, EIO, "the process in the user namespace ended with status %d", status);
	return r;
}
