/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "storage/store_int.h"

/*
 * Every tag leads to a manifest, the manifest to a config, the config to layers; each is there and is what its digest
 * says. What no tag leads to is no finding: a command that was killed leaves it, and the next one uses or removes it.
 */

struct check {
	struct store *s;
	int flags;
	struct findings *findings;
	char **seen; /* digests and diff ids looked at */
};

void findings_add(struct findings *f, enum finding_kind kind, const char *object, char *text)
{
	f->v = xrealloc(f->v, (f->n + 1) * sizeof(*f->v));
	f->v[f->n++] = (struct finding) { kind, xstrdup(object), text };
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].object);
		free(f->v[i].text);
	}
	free(f->v);
	*f = (struct findings) { 0 };
}

static void add(struct check *c, enum finding_kind kind, const char *object, const char *what, const char *why)
{
	findings_add(c->findings, kind, object, xasprintf("%s: %s", what, why));
}

static const char *key_of(const struct image_rec *rec)
{
	return rec->name ? rec->name : rec->config_digest;
}

/* A finding for anything but success. */
static bool is_bad_blob(struct check *c, const char *digest, const struct image_rec *rec, const char *what)
{
	char path[BLOB_PATH_SIZE], have[SHA256_DIGEST_SIZE];
	auto_close int fd = -EBADF;
	enum finding_kind kind = FINDING_IMAGE;
	auto_free char *why = NULL;
	struct err e;

	if (blob_path(digest, path, &e) < 0) {
		add(c, FINDING_IMAGE, key_of(rec), what, e.msg);
		return true;
	}
	fd = openat(store_home_of(c->s, path), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		why = xasprintf("blob %s: %s", digest, strerrordesc_np(errno));
	} else if (!(c->flags & CHECK_QUICK)) {
		if (sha256_fd(fd, have, NULL, &e) < 0)
			why = xasprintf("blob %s: %s", digest, e.msg);
		else if (strcmp(have, digest))
			why = xasprintf("blob %s: its content has digest %s", digest, have);
		kind = FINDING_BLOB;
	}
	if (why)
		add(c, kind, kind == FINDING_BLOB ? digest : key_of(rec), what, why);
	return why != NULL;
}

static void check_layer(struct check *c, const char *diff_id, const struct image_rec *rec, const char *what)
{
	auto_json struct json *meta = NULL;
	auto_close int fd = -EBADF;
	struct err e;

	if (strv_has(c->seen, diff_id))
		return;
	strv_add(&c->seen, diff_id);
	if (!layer_is_there(c->s, diff_id)) {
		auto_free char *why = xasprintf("layer %s is missing", diff_id);

		add(c, FINDING_IMAGE, key_of(rec), what, why);
		return;
	}
	if (store_layer_open(c->s, diff_id, &fd, &e) < 0 || json_parse_file(fd, "meta.json", 1U << 24, &meta, &e) < 0) {
		findings_add(c->findings, FINDING_LAYER, diff_id, xasprintf("%s: layer %s: %s", what, diff_id, e.msg));
		return;
	}
	if (!str_is_eq(json_get_str(meta, "diffID"), diff_id) ||
	    (json_get_bool(meta, "frame", false) && !fs_has(fd, "frame")))
		findings_add(c->findings, FINDING_LAYER, diff_id,
			     xasprintf("%s: layer %s: its meta.json does not describe it", what, diff_id));
}

/* A compressed layer need not be there, its folder is enough; but one that is there is pushed as it is. */
static void check_layer_blobs(struct check *c, const struct oci_manifest *m, const struct image_rec *rec,
			      const char *what)
{
	for (size_t i = 0; i < m->n_layers; i++) {
		const char *digest = m->layers[i].digest;

		if (strv_has(c->seen, digest))
			continue;
		strv_add(&c->seen, digest);
		if (blob_is_there(c->s, digest))
			is_bad_blob(c, digest, rec, what);
	}
}

static void check_image(struct check *c, const struct image_rec *rec)
{
	auto_oci_image_config struct oci_image_config *config = NULL;
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_free char *what = xasprintf("image %s", rec->name ? rec->name : rec->config_digest), *text = NULL;
	struct err e;
	size_t len;

	if (is_bad_blob(c, rec->manifest_digest, rec, what) || is_bad_blob(c, rec->config_digest, rec, what))
		return;
	if (store_blob_read(c->s, rec->manifest_digest, &text, &len, &e) < 0 ||
	    oci_manifest_parse(text, len, NULL, &m, &e) < 0 ||
	    store_image_config(c->s, rec->config_digest, &config, &e) < 0) {
		add(c, FINDING_IMAGE, key_of(rec), what, e.msg);
		return;
	}
	if (!str_is_eq(m.config.digest, rec->config_digest))
		add(c, FINDING_IMAGE, key_of(rec), what, "the manifest names another config");
	if (m.n_layers != strv_len(config->diff_ids))
		add(c, FINDING_IMAGE, key_of(rec), what, "manifest and config have different numbers of layers");
	for (char **d = config->diff_ids; d && *d; d++)
		check_layer(c, *d, rec, what);
	check_layer_blobs(c, &m, rec, what);
}

static int check_tags(struct check *c, struct err *e)
{
	auto_strv char **files = NULL;
	int r = fs_list_dir(c->s->fd, "tags", &files, e);

	for (char **f = files; r == 0 && f && *f; f++) {
		auto_image_rec struct image_rec rec = { 0 };
		struct err why;

		if (strstr(*f, ".tmp-"))
			continue;
		r = tag_read_file(c->s->fd, *f, &rec, &why);
		if (r == 0)
			check_image(c, &rec);
		else if (r != -ENOENT)
			findings_add(c->findings, FINDING_TAG, *f, xasprintf("tags: %s", why.msg));
		r = 0;
	}
	return r;
}

static void check_index(struct check *c)
{
	auto_json struct json *doc = NULL;
	struct err e;
	int r = json_parse_file(c->s->fd, "oci/index.json", 1U << 26, &doc, &e);

	if (r < 0 && r != -ENOENT)
		findings_add(c->findings, FINDING_INDEX, "oci/index.json", xstrdup(e.msg));
}

/* A container whose config cannot be read can be neither started nor removed. One that is being made has none yet. */
static int check_containers(struct check *c, struct err *e)
{
	auto_strv char **ids = NULL;
	int r = fs_list_dir(c->s->fd, "containers", &ids, e);

	for (char **id = ids; r == 0 && id && *id; id++) {
		auto_free char *what = xasprintf("container %.12s", *id);
		auto_json struct json *doc = NULL;
		auto_strv char **layers = NULL;
		struct err why;

		if (store_container_config(c->s, *id, &doc, &why) < 0) {
			if (why.code != ENOENT && why.code != ENOTDIR)
				add(c, FINDING_CONTAINER, *id, what, why.msg);
			continue;
		}
		layers = json_get_strv(doc, "Layers");
		for (char **l = layers; l && *l; l++)
			if (!strv_has(c->seen, *l) && !layer_is_there(c->s, *l))
				findings_add(c->findings, FINDING_IMAGE, json_get_str(doc, "Image"),
					     xasprintf("%s: layer %s is missing", what, *l));
	}
	return r;
}

static int check_names(struct check *c, struct err *e)
{
	auto_strv char **names = NULL;
	int r = fs_list_dir(c->s->fd, "names", &names, e);

	for (char **n = names; r == 0 && n && *n; n++) {
		auto_free char *link = xasprintf("names/%s", *n), *id = NULL, *path = NULL;

		if (fs_readlink(c->s->fd, link, &id, NULL) < 0)
			continue;
		path = xasprintf("containers/%s", id);
		if (!fs_has(c->s->fd, path) && fs_has(c->s->fd, link))
			findings_add(c->findings, FINDING_NAME, *n,
				     xasprintf("container name '%s': there is no container %.12s", *n, id));
	}
	return r;
}

int store_check(struct store *s, int flags, struct findings *ret, struct err *e)
{
	auto_findings struct findings findings = { 0 };
	struct check c = { .s = s, .flags = flags, .findings = &findings };
	int r = check_tags(&c, e);

	check_index(&c);
	if (r == 0)
		r = check_containers(&c, e);
	if (r == 0)
		r = check_names(&c, e);
	strv_freep(&c.seen);
	if (r < 0)
		return r;
	*ret = findings;
	findings = (struct findings) { 0 };
	return 0;
}

int store_check_layers(struct store *s, char ***ret, struct err *e)
{
	auto_refs struct refs owners = { 0 };
	auto_strv char **all = NULL;
	struct image_rec *recs = NULL;
	size_t n = 0;
	int r = store_image_list(s, &recs, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		auto_oci_image_config struct oci_image_config *c = NULL;

		if (store_image_config(s, recs[i].config_digest, &c, NULL) < 0)
			continue;
		for (char **d = c->diff_ids; d && *d; d++)
			strv_add(&all, *d);
	}
	image_recs_free(recs, n);
	if (refs_collect_owners(s, &owners, NULL) == 0)
		for (char **d = owners.layers; d && *d; d++)
			strv_add(&all, *d);
	if (r < 0)
		return r;
	strv_sort(all);
	for (char **d = all; d && *d; d++)
		if ((d == all || strcmp(d[-1], *d)) && layer_is_there(s, *d))
			strv_add(ret, *d);
	return 0;
}
