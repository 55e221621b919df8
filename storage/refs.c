/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * Four kinds of owners refer to blobs and layers: names of images (tags/), containers (config.json: "ImageConfig" and
 * "Layers"), writers that are at work (tmp/ID/refs) and mounts of images (mounted.c). All of them write the reference
 * first and look for the thing afterwards; garbage collection moves the thing aside first and looks for references
 * afterwards. Whatever the order of the four steps, one of the two sees the other.
 */

#define CONFIG_JSON_MAX (16U << 20)
#define REFS_FILE_MAX	(1U << 20)

/**
 * refs_add_image() - Add what an image consists of
 * @s:		The store
 * @r:		Where to
 * @rec:	The image
 * @e:		Failure
 *
 * An image whose config is damaged refers to nothing more: it cannot be used, only removed.
 *
 * Return: 0 or negative errno
 */
int refs_add_image(struct store *s, struct refs *r, const struct image_rec *rec, struct err *e)
{
	auto_oci_image_config struct oci_image_config *config = NULL;
	auto_oci_manifest struct oci_manifest manifest = { 0 };
	auto_free char *text = NULL;
	size_t len;
	int err;

	strv_add(&r->blobs, rec->manifest_digest);
	strv_add(&r->blobs, rec->config_digest);
	err = store_image_config(s, rec->config_digest, &config, e);
	if (err < 0 && err != -ENOENT && err != -EINVAL && err != -EPROTO && err != -E2BIG)
		return err;
	for (char **d = config ? config->diff_ids : NULL; d && *d; d++)
		strv_add(&r->layers, *d);
	/* Compressed layers, where they are kept. */
	if (store_blob_read(s, rec->manifest_digest, &text, &len, NULL) == 0 &&
	    oci_manifest_parse(text, len, NULL, &manifest, NULL) == 0)
		for (size_t i = 0; i < manifest.n_layers; i++)
			strv_add(&r->blobs, manifest.layers[i].digest);
	return 0;
}

static int add_images(struct store *s, struct refs *r, struct err *e)
{
	struct image_rec *recs;
	size_t n;
	/* A name that cannot be read may be all that stands for an image. */
	int err = tag_read_folder(s->fd, true, &recs, &n, e);

	if (err < 0)
		return err;
	for (size_t i = 0; i < n && err == 0; i++)
		err = refs_add_image(s, r, &recs[i], e);
	image_recs_free(recs, n);
	return err;
}

int store_container_config(struct store *s, const char *id, struct json **ret, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s/config.json", id), *text = NULL;
	size_t len;
	int r = fs_read_file(s->fd, path, CONFIG_JSON_MAX, &text, &len, e);

	if (r < 0)
		return r;
	if (!len)
		return err_say(e, ENOENT, "'%s' is empty: a power cut took the container", path);
	r = json_parse(text, len, ret, e);
	return r < 0 ? err_wrap(e, r, "'%s'", path) : 0;
}

static int add_containers(struct store *s, struct refs *r, struct err *e)
{
	auto_strv char **ids = NULL;
	int err = fs_list_dir(s->fd, "containers", &ids, e);

	for (char **id = ids; err == 0 && id && *id; id++) {
		auto_json struct json *doc = NULL;
		auto_strv char **layers = NULL;
		const char *config;

		err = store_container_config(s, *id, &doc, e);
		if (err == -ENOENT || err == -ENOTDIR) { /* being made (no reference yet) or being removed */
			err = 0;
			continue;
		}
		if (err < 0)
			return err_wrap(e, err, "container %.12s", *id);
		config = json_get_str(doc, "ImageConfig");
		if (config)
			strv_add(&r->blobs, config);
		layers = json_get_strv(doc, "Layers");
		for (char **l = layers; l && *l; l++)
			strv_add(&r->layers, *l);
	}
	return err;
}

static int add_writers(struct store *s, struct refs *r, struct err *e)
{
	auto_strv char **ids = NULL;
	int err = fs_list_dir(s->fd, "tmp", &ids, e);

	for (char **id = ids; err == 0 && id && *id; id++) {
		auto_free char *path = xasprintf("tmp/%s/refs", *id), *text = NULL;
		auto_strv char **lines = NULL;

		if (fs_read_file(s->fd, path, REFS_FILE_MAX, &text, NULL, NULL) < 0)
			continue; /* no writer's folder, or it is just beginning or ending */
		lines = strv_split(text, '\n');
		for (char **l = lines; *l; l++) {
			const char *blob = str_after(*l, "blob "), *layer = str_after(*l, "layer ");

			if (blob)
				strv_add(&r->blobs, blob);
			if (layer)
				strv_add(&r->layers, layer);
		}
	}
	return err;
}

/* Mounted images: also one that has lost its name since. */
static int add_mounts(struct store *s, struct refs *r, struct err *e)
{
	auto_strv char **ids = NULL;
	int err = store_images_mounted(s, &ids, e);

	for (char **id = ids; err == 0 && id && *id; id++) {
		auto_oci_image_config struct oci_image_config *config = NULL;

		strv_add(&r->blobs, *id);
		if (store_image_config(s, *id, &config, NULL) < 0)
			continue;
		for (char **d = config->diff_ids; d && *d; d++)
			strv_add(&r->layers, *d);
	}
	return err;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has(char **sorted, const char *s)
{
	return sorted && bsearch(&s, sorted, strv_len(sorted), sizeof(*sorted), compare);
}

bool refs_has_blob(const struct refs *r, const char *digest)
{
	return has(r->blobs, digest);
}

bool refs_has_layer(const struct refs *r, const char *diff_id)
{
	return has(r->layers, diff_id);
}

void refs_done(struct refs *r)
{
	strv_freep(&r->blobs);
	strv_freep(&r->layers);
}

/**
 * refs_collect_owners() - What containers and writers refer to by themselves
 * @s:		The store
 * @ret:	The references, in no order; refs_done()
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int refs_collect_owners(struct store *s, struct refs *ret, struct err *e)
{
	int err = add_writers(s, ret, e);

	return err < 0 ? err : add_containers(s, ret, e);
}

/**
 * refs_collect() - Everything that is referred to now
 * @s:		The store
 * @ret:	The references; refs_done()
 * @e:		Failure: then nothing may be deleted
 *
 * Return: 0 or negative errno
 */
int refs_collect(struct store *s, struct refs *ret, struct err *e)
{
	auto_refs struct refs r = { 0 };
	/* Writers first: a writer's reference goes away after its names have appeared. */
	int err = add_writers(s, &r, e);

	if (err == 0)
		err = add_images(s, &r, e);
	if (err == 0)
		err = refs_add_lists(s, &r, e);
	if (err == 0)
		err = add_containers(s, &r, e);
	if (err == 0)
		err = add_mounts(s, &r, e);
	if (err < 0)
		return err;
	if (r.blobs)
		qsort(r.blobs, strv_len(r.blobs), sizeof(*r.blobs), compare);
	if (r.layers)
		qsort(r.layers, strv_len(r.layers), sizeof(*r.layers), compare);
	*ret = r;
	r = (struct refs) { 0 };
	return 0;
}

static bool container_is_running(struct store *s, const char *id)
{
	auto_free char *path = xasprintf("containers/%s/lock", id);
	auto_close int fd = openat(s->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && fd_lock_is_held(fd) == 1;
}

/**
 * refs_find_user() - A container that uses an image
 * @s:			The store
 * @config_digest:	The image
 * @ret:		The container: a running one if there is one
 * @e:			Failure
 *
 * Return: 1, 0 when no container uses it, negative errno
 */
int refs_find_user(struct store *s, const char *config_digest, struct image_user *ret, struct err *e)
{
	auto_strv char **ids = NULL;
	int err = fs_list_dir(s->fd, "containers", &ids, e);
	int found = 0;

	if (err < 0)
		return err;
	for (char **id = ids; id && *id; id++) {
		auto_json struct json *doc = NULL;

		if (strlen(*id) >= sizeof(ret->id) || store_container_config(s, *id, &doc, NULL) < 0 ||
		    !str_is_eq(json_get_str(doc, "ImageConfig"), config_digest))
			continue;
		found = 1;
		snprintf(ret->id, sizeof(ret->id), "%s", *id);
		ret->is_running = container_is_running(s, *id);
		if (ret->is_running)
			break;
	}
	return found;
}

int store_image_users(struct store *s, char ***ret, struct err *e)
{
	auto_strv char **ids = NULL;
	int r = fs_list_dir(s->fd, "containers", &ids, e);

	for (char **id = ids; r == 0 && id && *id; id++) {
		auto_json struct json *doc = NULL;
		const char *config;

		if (store_container_config(s, *id, &doc, NULL) < 0)
			continue;
		config = json_get_str(doc, "ImageConfig");
		if (config)
			strv_add(ret, config);
	}
	return r;
}
