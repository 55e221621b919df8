/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * What takes room is what lies in layers/ and oci/blobs/: each of these objects is counted once, whoever has it. The
 * images then say which of them are theirs; an object that two images have is shared, one that an image with a
 * container has, or a container or a writer refers to by itself, is not reclaimable. So the sums agree: what all images
 * have of their own, what they share, and what nobody has, make up the whole.
 */

/**
 * struct object - a layer or a blob
 * @hex:	of its digest
 * @size:	bytes
 * @images:	how many images have it
 * @last:	the last image that was counted, from 1 (0: what counts for no image)
 * @is_used:	it cannot be reclaimed
 */
struct object {
	const char *hex;
	uint64_t size;
	size_t images, last;
	bool is_used;
};

struct objects {
	char **names;
	struct object *v;
	size_t n;
};

static void objects_done(struct objects *o)
{
	strv_freep(&o->names);
	free(o->v);
}

static uint64_t blob_size(struct store *s, const char *digest)
{
	char path[BLOB_PATH_SIZE];
	struct stat st;

	return blob_path(digest, path, NULL) == 0 && fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0
		       ? (uint64_t)st.st_size
		       : 0;
}

static uint64_t layer_size(struct store *s, const char *diff_id)
{
	int64_t size = 0;

	return store_layer_size(s, diff_id, &size, NULL) == 0 && size > 0 ? (uint64_t)size : 0;
}

static int load_objects(struct store *s, const char *folder, uint64_t (*size_of)(struct store *s, const char *digest),
			struct objects *ret, struct err *e)
{
	char **names = NULL;
	int r = fs_list_dir(s->fd, folder, &names, e);

	if (r < 0)
		return r;
	strv_sort(names);
	ret->names = names;
	ret->v = xcalloc(strv_len(names) + 1, sizeof(*ret->v));
	for (char **n = names; n && *n; n++) {
		auto_free char *digest = xasprintf("sha256:%s", *n);

		if (digest_is_sha256(digest))
			ret->v[ret->n++] = (struct object) { .hex = *n, .size = size_of(s, digest) };
	}
	return 0;
}

static int compare(const void *key, const void *object)
{
	return strcmp(key, ((const struct object *)object)->hex);
}

static struct object *find(const struct objects *o, const char *digest)
{
	return digest_is_sha256(digest) ? bsearch(digest_hex(digest), o->v, o->n, sizeof(*o->v), compare) : NULL;
}

/* All objects of one image, each counted once for it. */
static void count(const struct objects *o, char *const *digests, size_t image, bool is_used)
{
	for (char *const *d = digests; d && *d; d++) {
		struct object *x = find(o, *d);

		if (!x)
			continue;
		x->is_used |= is_used;
		if (x->last == image)
			continue;
		x->last = image;
		x->images++;
	}
}

static void add_up(const struct objects *o, char *const *digests, size_t mark, struct image_usage *u, bool is_blob)
{
	for (char *const *d = digests; d && *d; d++) {
		struct object *x = find(o, *d);

		if (!x || x->last == mark)
			continue;
		x->last = mark;
		u->size += x->size;
		u->content += is_blob ? x->size : 0;
		u->shared += x->images > 1 ? x->size : 0;
	}
}

/* Every image once, with all that its names (and their manifests) lead to. */
static int load_images(struct store *s, struct store_usage *u, struct refs **ret_refs, struct err *e)
{
	struct image_rec *recs = NULL;
	size_t n = 0, k;
	int r = tag_read_all(s, &recs, &n, e);

	if (r < 0)
		return r;
	u->images = xcalloc(n + 1, sizeof(*u->images));
	*ret_refs = xcalloc(n + 1, sizeof(**ret_refs));
	for (size_t i = 0; i < n && r == 0; i++) {
		for (k = 0; k < u->n && strcmp(u->images[k].config_digest, recs[i].config_digest); k++)
			;
		if (k == u->n)
			u->images[u->n++].config_digest = xstrdup(recs[i].config_digest);
		r = refs_add_image(s, &(*ret_refs)[k], &recs[i], e);
	}
	image_recs_free(recs, n);
	return r;
}

static uint64_t sum(const struct objects *o, uint64_t *reclaimable)
{
	uint64_t total = 0;

	for (size_t i = 0; i < o->n; i++) {
		total += o->v[i].size;
		*reclaimable += o->v[i].is_used ? 0 : o->v[i].size;
	}
	return total;
}

static int count_containers(struct store *s, struct store_usage *u, struct err *e)
{
	auto_strv char **users = NULL;
	int r = store_image_users(s, &users, e);

	for (char **c = users; r == 0 && c && *c; c++)
		for (size_t i = 0; i < u->n; i++)
			u->images[i].containers += !strcmp(u->images[i].config_digest, *c);
	return r;
}

int store_usage(struct store *s, struct store_usage *ret, struct err *e)
{
	__attribute__((cleanup(objects_done))) struct objects layers = { 0 }, blobs = { 0 };
	auto_store_usage struct store_usage u = { 0 };
	auto_refs struct refs others = { 0 };
	struct refs *refs = NULL;
	int r = load_objects(s, "layers", layer_size, &layers, e);

	if (r == 0)
		r = load_objects(s, "oci/blobs/sha256", blob_size, &blobs, e);
	if (r == 0)
		r = load_images(s, &u, &refs, e);
	if (r == 0)
		r = count_containers(s, &u, e);
	if (r == 0)
		r = refs_collect_owners(s, &others, e);
	count(&layers, others.layers, 0, true);
	count(&blobs, others.blobs, 0, true);
	for (size_t i = 0; i < u.n; i++) {
		count(&layers, refs[i].layers, i + 1, u.images[i].containers > 0);
		count(&blobs, refs[i].blobs, i + 1, u.images[i].containers > 0);
	}
	for (size_t i = 0; i < u.n; i++) {
		add_up(&layers, refs[i].layers, u.n + i + 1, &u.images[i], false);
		add_up(&blobs, refs[i].blobs, u.n + i + 1, &u.images[i], true);
		refs_done(&refs[i]);
	}
	free(refs);
	if (r < 0)
		return r;
	u.layers = layers.n;
	u.blobs = blobs.n;
	u.layers_size = sum(&layers, &u.reclaimable);
	u.blobs_size = sum(&blobs, &u.reclaimable);
	*ret = u;
	u = (struct store_usage) { 0 };
	return 0;
}

void store_usage_done(struct store_usage *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->images[i].config_digest);
	free(u->images);
	*u = (struct store_usage) { 0 };
}

const struct image_usage *store_usage_of(const struct store_usage *u, const char *config_digest)
{
	for (size_t i = 0; i < u->n; i++)
		if (!strcmp(u->images[i].config_digest, config_digest))
			return &u->images[i];
	return NULL;
}
