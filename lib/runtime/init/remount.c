/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: attributes of mounts without mount_setattr(2), which came with Linux 5.12.
 *
 * A detached mount cannot be changed there: it is attached first and remounted then, before anything of the container
 * runs. mount(2) changes one mount at a time and takes a path. So the mount table is read, and every mount below ours
 * is opened below the container's root and remounted by that descriptor's name in the host's /proc (which is still
 * there before pivot_root). What was opened must be the mount that the table spoke of: another container may rename
 * folders of a shared volume meanwhile. In doubt the start fails; nothing stays writable that was to be read-only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/runtime/init/init_int.h"

#define TABLE_MAX (16U << 20)

/**
 * struct below - a mount of our tree, as the mount table has it
 * @id:		its number
 * @path:	where, from our root; escapes undone
 */
struct below {
	int id;
	char *path;
};

struct tree {
	struct below *v;
	size_t n;
};

static void tree_done(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].path);
	free(t->v);
}

static bool tree_has(const struct tree *t, int id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].id == id)
			return true;
	return false;
}

/* Return: the number of the mount that @fd is on, or negative errno */
static int mount_id(int fd)
{
	auto_free char *text = NULL;
	char path[32], *at;
	int id, r;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	r = fs_read_file(AT_FDCWD, path, 4096, &text, NULL, NULL);
	if (r < 0)
		return r;
	at = strstr(text, "mnt_id:");
	return at && sscanf(at, "mnt_id: %d", &id) == 1 ? id : -EINVAL;
}

/* Undo the table's \040 in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* One pass over the table: add the mounts whose parent is known. Return: whether any was. */
static bool add_children(struct tree *t, const char *table)
{
	auto_free char *copy = xstrdup(table);
	bool any = false;

	for (char *line, *rest = copy; (line = strsep(&rest, "\n"));) {
		int id, parent, at = 0, end = 0;

		if (sscanf(line, "%d %d %*s %*s %n%*s%n", &id, &parent, &at, &end) != 2 || !end ||
		    !tree_has(t, parent) || tree_has(t, id))
			continue;
		t->v = xrealloc(t->v, (t->n + 1) * sizeof(*t->v));
		t->v[t->n].id = id;
		t->v[t->n].path = xstrndup(line + at, (size_t)(end - at));
		unescape(t->v[t->n++].path);
		any = true;
	}
	return any;
}

/* The tree of the mount that @fd is on; the first is that mount itself. */
static int read_tree(int fd, struct tree *t)
{
	auto_free char *table = NULL;
	int id = mount_id(fd), r = id;

	if (r >= 0)
		r = fs_read_file(AT_FDCWD, "/proc/self/mountinfo", TABLE_MAX, &table, NULL, NULL);
	if (r < 0)
		return r;
	t->v = xcalloc(1, sizeof(*t->v));
	t->v[t->n++].id = id;
	while (add_children(t, table))
		;
	return 0;
}

static int remount_below(int root, int top, uint64_t attrs, const char *target, struct err *e)
{
	struct tree t = { 0 };
	int r = read_tree(top, &t);

	if (r < 0)
		err_set(e, r, "find the mounts below '%s'", target);
	for (size_t i = 1; r == 0 && i < t.n; i++) {
		auto_close int fd = fs_open_in_root(root, t.v[i].path, O_PATH | O_NOFOLLOW, 0);
		int id = fd < 0 ? fd : mount_id(fd);

		if (id == t.v[i].id)
			r = fs_remount(fd, attrs);
		else if (!tree_has(&t, id)) /* else covered by another one of the tree: out of reach */
			r = id < 0 ? id : -EAGAIN;
		if (r < 0)
			err_set(e, r, "set the attributes of the mount on '%s', below '%s'", t.v[i].path, target);
	}
	tree_done(&t);
	return r;
}

/**
 * remount() - Attributes and propagation of an attached mount and of those below it, the old way
 * @s:		Stage, before pivot_root
 * @target:	Where it is attached, seen from the container
 * @l:		How it is to be
 * @e:		Failure
 *
 * Return: 0; -EAGAIN when somebody has moved mounts meanwhile, or another negative errno
 */
int remount(const struct stage *s, const char *target, const struct mount_look *l, struct err *e)
{
	auto_close int fd = fs_open_in_root(s->root, target, O_PATH, 0);
	char path[32];
	int r;

	if (fd < 0)
		return err_set(e, fd, "open '%s' in the container", target);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* path: the descriptor's own */
	if (l->propagation && mount(NULL, path, NULL, (unsigned long)l->propagation | MS_REC, NULL) < 0)
		return err_set(e, errno, "set the propagation of the mount on '%s'", target);
	r = l->all | l->top ? fs_remount(fd, l->all | l->top) : 0;
	if (r < 0)
		return err_set(e, r, "set the attributes of the mount on '%s'", target);
	return l->all ? remount_below(s->root, fd, l->all, target, e) : 0;
}
