/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/copy_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/image/gather.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/runtime/userns.h"
#include "storage/store.h"
#include "storage/unpack/unpack.h"

#define BLOBS_DIR "blobs"

/**
 * struct staging - one copy into the store
 * @store:	the store
 * @t:		the transaction
 * @dirfd:	folder of the gathered blobs, below its own
 * @config:	the image's config
 */
struct staging {
	const struct copy_store *c;
	struct store *store;
	struct store_txn *t;
	int dirfd;
	struct oci_image_config *config;
	struct idmap map;
};

static int adopt(struct staging *s, const char *digest, struct err *e)
{
	auto_free char *name = xasprintf(BLOBS_DIR "/%s", digest_hex(digest));

	return store_txn_blob_adopt(s->t, name, digest, e);
}

static int unpack_layer(struct staging *s, const struct oci_descriptor *d, const char *diff_id, struct err *e)
{
	struct unpack_spec spec = { .map = &s->map, .name = d->digest };
	struct unpack_result res = { 0 };
	auto_close int fd = -EBADF, layer_fd = -EBADF;
	auto_free char *meta = NULL;
	struct unpack *u;
	unsigned slot;
	int r = store_txn_layer_open(s->t, &slot, &layer_fd, e);

	if (r < 0)
		return r;
	fd = openat(s->dirfd, digest_hex(d->digest), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(e, errno, "open blob %s", d->digest);
	spec.blob_fd = fd;
	spec.layer_fd = layer_fd;
	r = unpack_start(&spec, &u, e);
	if (r < 0)
		return r;
	r = unpack_progress(u, (uint64_t)d->size, true, NULL);
	if (r < 0 && r != -EPIPE) {
		unpack_abort(u);
		return err_set(e, r, "unpack layer %s", d->digest);
	}
	r = unpack_finish(u, &res, e);
	meta = res.meta_json;
	if (r < 0)
		return r;
	if (strcmp(res.diff_id, diff_id))
		return err_say(e, EBADMSG, "layer %s: wrong diff id: unpacked it is %s, the config says %s", d->digest,
			       res.diff_id, diff_id);
	r = store_txn_layer_done(s->t, slot, diff_id, meta, e);
	return r == 0 && (s->c->keep_blobs || res.needs_blob) && strcmp(d->digest, diff_id) ? adopt(s, d->digest, e)
											    : r;
}

static int read_config(struct staging *s, struct err *e)
{
	const struct oci_descriptor *const only = &s->c->m->config;
	auto_free char *text = NULL;
	size_t len;
	int r = gather_blobs(s->c->from, s->c->http, &only, 1, s->dirfd, s->c->out, s->c->stop, e);

	if (r == 0)
		r = fs_read_file(s->dirfd, digest_hex(only->digest), OCI_MAX_CONFIG, &text, &len, e);
	if (r == 0)
		r = oci_image_config_parse(text, len, &s->config, e);
	if (r == 0 && strv_len(s->config->diff_ids) != s->c->m->n_layers)
		r = err_say(e, EINVAL, "manifest and config have different numbers of layers");
	if (r == 0 && store_txn_need_blob(s->t, only->digest, NULL) == 0)
		r = adopt(s, only->digest, e);
	return r;
}

/* Only the layers that the store does not have. */
static int stage_layers(struct staging *s, struct err *e)
{
	const struct oci_manifest *m = s->c->m;
	const struct oci_descriptor **missing = xcalloc(m->n_layers + 1, sizeof(*missing));
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < m->n_layers && r >= 0; i++) {
		r = store_txn_need_layer(s->t, s->config->diff_ids[i], e);
		if (r == 0)
			missing[n++] = &m->layers[i];
	}
	if (r >= 0)
		r = gather_blobs(s->c->from, s->c->http, missing, n, s->dirfd, s->c->out, s->c->stop, e);
	free(missing);
	for (size_t i = 0; i < m->n_layers && r >= 0; i++) {
		r = store_txn_need_layer(s->t, s->config->diff_ids[i], e);
		if (r == 0)
			r = unpack_layer(s, &m->layers[i], s->config->diff_ids[i], e);
	}
	return r < 0 ? r : 0;
}

static int stage(struct staging *s, struct err *e)
{
	struct image_rec rec = { 0 };
	auto_free char *name = xstrdup(s->c->name), *digest = xstrdup(s->c->digest);
	int r = store_make_dir(s->store, store_txn_dir(s->t), BLOBS_DIR, e);

	if (r == 0)
		r = fs_open_dir(store_txn_dir(s->t), BLOBS_DIR, &s->dirfd, e);
	if (r == 0)
		r = read_config(s, e);
	if (r == 0)
		r = stage_layers(s, e);
	if (r == 0)
		r = store_txn_need_blob(s->t, digest, e);
	if (r == 0)
		r = store_txn_blob_write(s->t, digest, s->c->text, s->c->len, e);
	if (r < 0)
		return r;
	rec.name = name;
	rec.manifest_digest = digest;
	rec.config_digest = s->c->m->config.digest;
	r = store_txn_tag(s->t, &rec, e);
	return r < 0 ? r : store_txn_commit(s->t, e);
}

/**
 * copy_to_store() - Make an image of the store
 * @s:	The store
 * @c:	What
 * @e:	Failure
 *
 * Return: 0 or negative errno
 */
int copy_to_store(struct store *s, const struct copy_store *c, struct err *e)
{
	struct staging g = { .c = c, .store = s, .dirfd = -EBADF };
	int r = idmap_for_caller(&g.map, e);

	if (r == 0)
		r = store_txn_begin(s, &g.t, e);
	if (r == 0)
		r = stage(&g, e);
	oci_image_config_free(g.config);
	fd_closep(&g.dirfd);
	store_txn_free(g.t);
	return r;
}
