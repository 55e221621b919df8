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
	char ***findings;
	char **seen; /* digests and diff ids looked at */
};

static void add(struct check *c, const char *what, const char *why)
{
	strv_add_take(c->findings, xasprintf("%s: %s", what, why));
}

/* A finding for anything but success. */
static bool is_bad_blob(struct check *c, const char *digest, const char *what)
{
	char path[BLOB_PATH_SIZE], have[SHA256_DIGEST_SIZE];
	auto_close int fd = -EBADF;
	auto_free char *why = NULL;
	struct err e;

	if (blob_path(digest, path, &e) < 0) {
		add(c, what, e.msg);
		return true;
	}
	fd = openat(c->s->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		why = xasprintf("blob %s: %s", digest, strerrordesc_np(errno));
	} else if (!(c->flags & CHECK_QUICK)) {
		if (sha256_fd(fd, have, NULL, &e) < 0)
			why = xasprintf("blob %s: %s", digest, e.msg);
		else if (strcmp(have, digest))
			why = xasprintf("blob %s: its content has digest %s", digest, have);
	}
	if (why)
		add(c, what, why);
	return why != NULL;
}

static void check_layer(struct check *c, const char *diff_id, const char *what)
{
	auto_json struct json *meta = NULL;
	auto_free char *path = NULL, *frame = NULL;
	struct err e;

	if (strv_has(c->seen, diff_id))
		return;
	strv_add(&c->seen, diff_id);
	if (!layer_is_there(c->s, diff_id)) {
		auto_free char *why = xasprintf("layer %s is missing", diff_id);

		add(c, what, why);
		return;
	}
	path = xasprintf("layers/%s/meta.json", digest_hex(diff_id));
	if (json_parse_file(c->s->fd, path, 1U << 24, &meta, &e) < 0) {
		add(c, what, e.msg);
		return;
	}
	frame = xasprintf("layers/%s/frame", digest_hex(diff_id));
	if (!str_is_eq(json_get_str(meta, "diffID"), diff_id) ||
	    (json_get_bool(meta, "frame", false) && !fs_has(c->s->fd, frame)))
		add(c, path, "does not describe the layer");
}

/* A compressed layer need not be there, its folder is enough; but one that is there is pushed as it is. */
static void check_layer_blobs(struct check *c, const struct oci_manifest *m, const char *what)
{
	for (size_t i = 0; i < m->n_layers; i++) {
		const char *digest = m->layers[i].digest;

		if (strv_has(c->seen, digest))
			continue;
		strv_add(&c->seen, digest);
		if (blob_is_there(c->s, digest))
			is_bad_blob(c, digest, what);
	}
}

static void check_image(struct check *c, const struct image_rec *rec)
{
	auto_oci_image_config struct oci_image_config *config = NULL;
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_free char *what = xasprintf("image %s", rec->name ? rec->name : rec->config_digest), *text = NULL;
	struct err e;
	size_t len;

	if (is_bad_blob(c, rec->manifest_digest, what) || is_bad_blob(c, rec->config_digest, what))
		return;
	if (store_blob_read(c->s, rec->manifest_digest, &text, &len, &e) < 0 ||
	    oci_manifest_parse(text, len, NULL, &m, &e) < 0 ||
	    store_image_config(c->s, rec->config_digest, &config, &e) < 0) {
		add(c, what, e.msg);
		return;
	}
	if (!str_is_eq(m.config.digest, rec->config_digest))
		add(c, what, "the manifest names another config");
	if (m.n_layers != strv_len(config->diff_ids))
		add(c, what, "manifest and config have different numbers of layers");
	for (char **d = config->diff_ids; d && *d; d++)
		check_layer(c, *d, what);
	check_layer_blobs(c, &m, what);
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
			add(c, "tags", why.msg);
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
		add(c, "oci/index.json", e.msg);
}

int store_check(struct store *s, int flags, char ***ret_findings, struct err *e)
{
	char **findings = NULL;
	struct check c = { .s = s, .flags = flags, .findings = &findings };
	int r = check_tags(&c, e);

	check_index(&c);
	strv_freep(&c.seen);
	if (r < 0)
		strv_freep(&findings);
	else
		*ret_findings = findings;
	return r;
}
