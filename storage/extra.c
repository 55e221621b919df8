/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/conf.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * Additional stores (configuration key "additional-stores") are stores of skiff that somebody else fills: on a disk
 * that several machines share, or an administrator's. Their images are listed and run as if they were here: blobs
 * and layers that this store does not have are looked for there, in the order of the configuration. Nothing is copied,
 * and nothing is ever written: an image cannot be removed through another store than its own. A pull that needs a layer
 * which one of them has does not download it.
 *
 * Such a store knows nothing of the containers here. When its owner removes an image, they do not start any more.
 */

static void open_one(struct extra *x)
{
	struct err why = { 0 };
	char id[17];
	int r = fs_open_dir(AT_FDCWD, x->root, &x->fd, NULL);

	if (r < 0)
		err_set(&why, r, "open it");
	else
		r = store_read_version(x->fd, x->root, id, &why);
	if (r == 0)
		return;
	fd_closep(&x->fd);
	log_warn("ignored, going on: additional store '%s': %s", x->root, why.msg);
}

/**
 * extra_open() - Open the additional stores
 * @s:	The store
 *
 * One that cannot be opened is a warning: what does not need it must go on.
 */
void extra_open(struct store *s)
{
	auto_strv char **roots = NULL;
	struct err why;

	if (conf_load_additional_stores(&roots, &why) < 0) {
		log_warn("ignored, going on: additional stores: %s", why.msg);
		return;
	}
	s->extra = roots ? xcalloc(strv_len(roots), sizeof(*s->extra)) : NULL;
	for (char **r = roots; r && *r; r++) {
		struct extra *x = &s->extra[s->n_extra++];

		x->root = xstrdup(*r);
		x->fd = -EBADF;
		if (!str_is_eq(*r, s->root))
			open_one(x);
	}
}

/**
 * extra_reopen() - Open them again in this mount namespace
 * @s:	The store
 */
void extra_reopen(struct store *s)
{
	for (size_t i = 0; i < s->n_extra; i++) {
		if (s->extra[i].fd < 0)
			continue;
		fd_closep(&s->extra[i].fd);
		open_one(&s->extra[i]);
	}
}

/**
 * extra_close() - Close them
 * @s:	The store
 */
void extra_close(struct store *s)
{
	for (size_t i = 0; i < s->n_extra; i++) {
		fd_closep(&s->extra[i].fd);
		free(s->extra[i].root);
	}
	free(s->extra);
	s->extra = NULL;
	s->n_extra = 0;
}

/**
 * store_home_of() - Which store has this?
 * @s:		The store
 * @path:	Path of something below a store
 *
 * Return: the folder of this store or of the first additional one that has it; this one when none has
 */
int store_home_of(const struct store *s, const char *path)
{
	if (s->n_extra == 0 || fs_has(s->fd, path))
		return s->fd;
	for (size_t i = 0; i < s->n_extra; i++)
		if (s->extra[i].fd >= 0 && fs_has(s->extra[i].fd, path))
			return s->extra[i].fd;
	return s->fd;
}

/**
 * extra_find() - Look a name up in the additional stores
 * @s:		The store
 * @name:	Full name
 * @ret:	The record
 *
 * Return: 0, -ENOENT
 */
int extra_find(struct store *s, const char *name, struct image_rec *ret)
{
	char file[256];

	tag_encode(name, file);
	for (size_t i = 0; i < s->n_extra; i++) {
		auto_image_rec struct image_rec rec = { 0 };

		if (s->extra[i].fd < 0 || tag_read_file(s->extra[i].fd, file, &rec, NULL) < 0 ||
		    !str_is_eq(rec.name, name))
			continue;
		*ret = rec;
		ret->read_only = s->extra[i].root;
		rec = (struct image_rec) { 0 };
		return 0;
	}
	return -ENOENT;
}

static bool is_known(const struct image_rec *recs, size_t n, const struct image_rec *rec)
{
	for (size_t i = 0; i < n; i++)
		if (rec->name ? str_is_eq(recs[i].name, rec->name)
			      : str_is_eq(recs[i].config_digest, rec->config_digest))
			return true;
	return false;
}

/**
 * extra_read_tags() - Add the records of additional stores
 * @s:		The store
 * @recs:	Records so far; grows
 * @n:		How many
 * @e:		Failure
 *
 * A name that is here already, or in a store before, is that one's.
 *
 * Return: 0 or negative errno
 */
int extra_read_tags(struct store *s, struct image_rec **recs, size_t *n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_extra; i++) {
		struct image_rec *more = NULL;
		size_t n_more = 0, n_before = *n;

		if (s->extra[i].fd < 0)
			continue;
		r = tag_read_folder(s->extra[i].fd, false, &more, &n_more, e);
		*recs = xrealloc(*recs, (*n + n_more + 1) * sizeof(**recs));
		for (size_t k = 0; k < n_more; k++) {
			if (is_known(*recs, n_before, &more[k]))
				continue;
			more[k].read_only = s->extra[i].root;
			(*recs)[(*n)++] = more[k];
			more[k] = (struct image_rec) { 0 };
		}
		image_recs_free(more, n_more);
	}
	return r;
}

char **store_additional(const struct store *s)
{
	char **v = NULL;

	for (size_t i = 0; i < s->n_extra; i++)
		if (s->extra[i].fd >= 0)
			strv_add(&v, s->extra[i].root);
	return v;
}
