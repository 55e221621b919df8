/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/ref.h"
#include "storage/check.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * Nothing is deleted, because what is damaged may be all that somebody has: it is renamed into damaged/, where he finds
 * it. By kind of damage:
 *
 *	layer, blob	moved. A layer whose compressed blob is there is unpacked again (by skiff-image); else its
 *			images cannot be used until they are pulled or loaded again, which fetches exactly what is
 *			missing (`run` does that by itself for an image that came from a registry)
 *	tag		moved; the image that it named is looked for among the manifests that no name leads to. It gets
 *			its name back when the damaged file still has its digest, else it is listed without a name.
 *	index.json	written again: it is derived from the tags
 *	container	moved, with its files; its name becomes free
 *	name		of no container: removed, there is nothing behind it
 */

#define MANIFEST_MAX OCI_MAX_MANIFEST

struct repair {
	struct store *s;
	char ***done;
	char **damaged_tags; /* file, text, file, text, ... */
};

static void say(struct repair *r, char *line)
{
	strv_add_take(r->done, line);
}

/* Into damaged/, under a name that is free. */
static int move_away(struct repair *r, const char *path, const char *prefix, const char *name, struct err *e)
{
	int root = r->s->fd, err = store_make_dir(r->s, root, "damaged", e);

	for (int i = 0; err == 0 && i < 1000; i++) {
		auto_free char *to =
			i ? xasprintf("damaged/%s%s-%d", prefix, name, i) : xasprintf("damaged/%s%s", prefix, name);

		if (fs_has(root, to))
			continue;
		if (renameat(root, path, root, to) == 0) {
			say(r, xasprintf("moved '%s' to '%s/%s'", path, r->s->root, to));
			return 0;
		}
		if (errno == ENOENT) /* it went meanwhile */
			return 0;
		return err_set(e, errno, "move '%s' to '%s'", path, to);
	}
	return err < 0 ? err : err_say(e, EEXIST, "'damaged' has too many of '%s'", name);
}

static int move_tag(struct repair *r, const char *file, struct err *e)
{
	auto_free char *path = xasprintf("tags/%s", file), *text = NULL;

	if (fs_read_file(r->s->fd, path, TAG_FILE_MAX, &text, NULL, NULL) < 0)
		text = xstrdup("");
	strv_add(&r->damaged_tags, file);
	strv_add(&r->damaged_tags, text);
	return move_away(r, path, "tag-", file, e);
}

/* The container, and the names that lead to it. */
static int move_container(struct repair *r, const char *id, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s", id);
	auto_strv char **names = NULL;
	int err = move_away(r, path, "container-", id, e);

	if (err == 0)
		err = fs_list_dir(r->s->fd, "names", &names, e);
	for (char **n = names; err == 0 && n && *n; n++) {
		auto_free char *link = xasprintf("names/%s", *n), *to = NULL;

		if (fs_readlink(r->s->fd, link, &to, NULL) == 0 && !strcmp(to, id))
			unlinkat(r->s->fd, link, 0);
	}
	return err;
}

static int repair_one(struct repair *r, const struct finding *f, struct err *e)
{
	auto_free char *path = NULL;

	switch (f->kind) {
	case FINDING_TAG:
		return move_tag(r, f->object, e);
	case FINDING_BLOB:
		path = xasprintf("oci/blobs/sha256/%s", digest_hex(f->object));
		return move_away(r, path, "blob-", digest_hex(f->object), e);
	case FINDING_LAYER:
		path = xasprintf("layers/%s", digest_hex(f->object));
		return move_away(r, path, "layer-", digest_hex(f->object), e);
	case FINDING_CONTAINER:
		return move_container(r, f->object, e);
	case FINDING_NAME:
		path = xasprintf("names/%s", f->object);
		if (unlinkat(r->s->fd, path, 0) < 0 && errno != ENOENT)
			return err_set(e, errno, "remove '%s'", path);
		say(r, xasprintf("removed the name '%s'", f->object));
		return 0;
	case FINDING_INDEX: /* as the last step, whatever was found */
		say(r, xstrdup("wrote oci/index.json again"));
		return 0;
	case FINDING_IMAGE:
	default:
		return 0;
	}
}

/* ---- images without a name ---- */

/* Its file's name and its text. */
static char *const *damaged_tag_of(const struct repair *r, const struct image_rec *rec)
{
	for (char **t = r->damaged_tags; t && t[0] && t[1]; t += 2)
		if (strstr(t[1], digest_hex(rec->manifest_digest)) || strstr(t[1], digest_hex(rec->config_digest)))
			return t;
	return NULL;
}

/* The registry's digest, where that line is sound. */
static char *repo_of_text(const char *text)
{
	auto_strv char **lines = strv_split(text, '\n');

	for (char **l = lines; l && *l; l++) {
		const char *digest = str_after(*l, "repo ");

		if (digest && digest_is_sha256(digest))
			return xstrdup(digest);
	}
	return NULL;
}

static bool is_named(const struct image_rec *recs, size_t n, const struct image_rec *rec)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(recs[i].config_digest, rec->config_digest))
			return true;
	return false;
}

/* Is this blob the manifest of an image that is whole? */
static bool read_image(struct store *s, const char *digest, struct image_rec *ret)
{
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_free char *text = NULL;
	char path[BLOB_PATH_SIZE];
	struct stat st;
	size_t len;

	if (blob_path(digest, path, NULL) < 0 || fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_size > MANIFEST_MAX || store_blob_read(s, digest, &text, &len, NULL) < 0 || *text != '{' ||
	    oci_manifest_parse(text, len, NULL, &m, NULL) < 0)
		return false;
	ret->manifest_digest = xstrdup(digest);
	ret->config_digest = xstrdup(m.config.digest);
	return image_rec_fill(s, ret, NULL) == 0;
}

/* The name in the file's name, when it is one. */
static char *name_of_file(const char *file)
{
	auto_free char *name = tag_decode(file), *full = NULL;
	auto_ref struct ref ref = { 0 };

	if (!name || ref_parse(name, &ref, NULL) < 0)
		return NULL;
	full = ref_full(&ref);
	return !strcmp(full, name) ? take_ptr(&full) : NULL;
}

static int recover(struct repair *r, struct image_rec *rec, struct err *e)
{
	char *const *tag = damaged_tag_of(r, rec);
	int err;

	rec->name = tag ? name_of_file(tag[0]) : NULL;
	rec->repo_digest = rec->name ? repo_of_text(tag[1]) : NULL;
	err = tag_write(r->s, rec, e);
	if (err < 0)
		return err;
	if (rec->name)
		say(r, xasprintf("image %s has its name again", rec->name));
	else
		say(r, xasprintf("image %s was found without a name: it is listed as <none>", rec->config_digest));
	return 0;
}

/* Every manifest that no sound tag leads to: also what killed commands left, which rmi or prune remove again. */
static int recover_images(struct repair *r, struct err *e)
{
	auto_strv char **blobs = NULL;
	struct image_rec *recs = NULL;
	size_t n = 0;
	int err = fs_list_dir(r->s->fd, "oci/blobs/sha256", &blobs, e);

	if (err == 0)
		err = tag_read_all(r->s, &recs, &n, e);
	strv_sort(blobs);
	for (char **b = blobs; err == 0 && b && *b; b++) {
		auto_free char *digest = xasprintf("sha256:%s", *b);
		auto_image_rec struct image_rec rec = { 0 };

		if (digest_is_sha256(digest) && read_image(r->s, digest, &rec) && !is_named(recs, n, &rec))
			err = recover(r, &rec, e);
	}
	image_recs_free(recs, n);
	return err;
}

/* ---- what cannot be used now ---- */

static bool is_whole(struct store *s, const struct image_rec *rec)
{
	struct image_rec copy = *rec;

	return blob_is_there(s, rec->manifest_digest) && image_rec_fill(s, &copy, NULL) == 0;
}

int store_tell_unusable(struct store *s, char ***ret_done, struct err *e)
{
	struct repair r = { .s = s, .done = ret_done };
	struct image_rec *recs = NULL;
	size_t n = 0;
	int err = store_image_list(s, &recs, &n, e), any = 0;

	for (size_t i = 0; err == 0 && i < n; i++) {
		auto_free char *shown = recs[i].name ? ref_shorten(recs[i].name) : xstrdup(recs[i].config_digest);

		if (is_whole(s, &recs[i]))
			continue;
		any = 1;
		if (recs[i].repo_digest && recs[i].name)
			say(&r, xasprintf("image %s cannot be used: pull it again (skiff pull %s)", shown, shown));
		else
			say(&r, xasprintf("image %s cannot be used: load or build it again, or remove it", shown));
	}
	image_recs_free(recs, n);
	return err < 0 ? err : any;
}

int store_repair(struct store *s, const struct findings *f, char ***ret_done, struct err *e)
{
	struct repair r = { .s = s, .done = ret_done };
	int err = store_reclaim(s, e);

	for (size_t i = 0; err == 0 && i < f->n; i++)
		err = repair_one(&r, &f->v[i], e);
	if (err == 0 && r.damaged_tags)
		err = recover_images(&r, e);
	if (err == 0 && f->n)
		err = index_rewrite(s, e);
	if (err == 0 && f->n && syncfs(s->fd) < 0)
		err = err_set(e, errno, "sync the store '%s'", s->root);
	strv_freep(&r.damaged_tags);
	return err;
}
