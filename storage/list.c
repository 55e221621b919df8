/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "storage/store_int.h"

/*
 * lists/NAME: manifest lists that `skiff manifest` is putting together, one file each, named as in tags/. What is in
 * them is the business of cmd/image/manifest.c, but for "sources": its objects with a "config" keep the image alive
 * whose manifest is their key.
 */

#define LIST_MAX (8U << 20)

static char *list_path(const char *name)
{
	char file[256];

	tag_encode(name, file);
	return xasprintf("lists/%s", file);
}

int store_list_read(struct store *s, const char *name, struct json **ret, struct err *e)
{
	auto_free char *path = list_path(name);
	auto_json struct json *doc = NULL;
	int r = json_parse_file(s->fd, path, LIST_MAX, &doc, e);

	if (r == -ENOENT || (r == 0 && !str_is_eq(json_get_str(doc, "name"), name)))
		return err_say(e, ENOENT, "No such manifest: %s", name);
	if (r == 0)
		*ret = take_ptr(&doc);
	return r;
}

int store_list_lock(struct store *s, int *ret_fd, struct err *e)
{
	auto_close int fd = -EBADF;
	int r = store_make_dir(s, s->fd, "lists", e);

	if (r == 0)
		r = fs_open_dir(s->fd, "lists", &fd, e);
	if (r < 0)
		return r;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "lock 'lists'");
	*ret_fd = take_fd(&fd);
	return 0;
}

int store_list_write(struct store *s, const char *name, const struct json *doc, struct err *e)
{
	auto_free char *path = list_path(name), *text = json_compact(doc);
	int r = store_make_dir(s, s->fd, "lists", e);

	return r < 0 ? r : fs_replace_file(s->fd, path, text, strlen(text), 0600, FS_SYNC, e);
}

int store_list_remove(struct store *s, const char *name, struct err *e)
{
	auto_free char *path = list_path(name);
	auto_json struct json *doc = NULL;
	int r = store_list_read(s, name, &doc, e);

	if (r == 0 && unlinkat(s->fd, path, 0) < 0)
		return err_set(e, errno, "remove '%s'", path);
	return r;
}

/**
 * refs_add_lists() - Add the images that manifest lists are made of
 * @s:	The store
 * @r:	Where to
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int refs_add_lists(struct store *s, struct refs *r, struct err *e)
{
	auto_strv char **files = NULL;
	int err = fs_has(s->fd, "lists") ? fs_list_dir(s->fd, "lists", &files, e) : 0;

	for (char **f = files; err == 0 && f && *f; f++) {
		auto_free char *path = xasprintf("lists/%s", *f);
		auto_json struct json *doc = NULL;

		if (strstr(*f, ".tmp-"))
			continue;
		err = json_parse_file(s->fd, path, LIST_MAX, &doc, e);
		if (err == -ENOENT) {
			err = 0;
			continue;
		}
		for (struct json_iter it = json_iter(json_get_object(doc, "sources")); err == 0 && json_next(&it);) {
			auto_image_rec struct image_rec rec = { 0 };

			if (!json_get_str(it.value, "config"))
				continue;
			rec.manifest_digest = xstrdup(it.key);
			rec.config_digest = xstrdup(json_get_str(it.value, "config"));
			err = refs_add_image(s, r, &rec, e);
		}
	}
	return err;
}
