/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/image/stop.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/runtime/userns.h"
#include "storage/check.h"
#include "storage/store.h"
#include "storage/unpack/rebuild.h"
#include "storage/unpack/unpack.h"

/* The tar is written again, into a hash: content, sizes and names of all files are what was pulled. */
static void check_layer(struct store *s, const struct idmap *map, const char *diff_id, struct findings *findings)
{
	char have[SHA256_DIGEST_SIZE];
	auto_json struct json *meta = NULL;
	auto_close int fd = -EBADF;
	struct err e;
	int r;

	if (store_layer_open(s, diff_id, &fd, &e) < 0 || json_parse_file(fd, "meta.json", 1U << 24, &meta, &e) < 0)
		return; /* told already */
	if (!json_get_bool(meta, "frame", false))
		return; /* its blob is kept, and was hashed */
	r = layer_hash(fd, map, have, &e);
	if (r < 0)
		findings_add(findings, FINDING_LAYER, diff_id, xasprintf("layer %s: %s", diff_id, e.msg));
	else if (strcmp(have, diff_id))
		findings_add(findings, FINDING_LAYER, diff_id,
			     xasprintf("layer %s: its content has diff id %s", diff_id, have));
}

static int check_layers(struct store *s, struct findings *findings, struct err *e)
{
	auto_strv char **layers = NULL;
	struct idmap map;
	int r = idmap_for_caller(&map, e);

	if (r == 0)
		r = store_check_layers(s, &layers, e);
	for (char **d = layers; r == 0 && d && *d; d++)
		check_layer(s, &map, *d, findings);
	return r;
}

/* ---- layers that are missing, out of their compressed blobs ---- */

/**
 * struct again - one layer that is unpacked again
 * @stop:	readable when the command is to end
 */
struct again {
	struct store_txn *txn;
	const struct idmap *map;
	int stop;
	int blob_fd;
	int layer_fd;
	unsigned slot;
};

static int wait_unpacked(const struct again *a, const struct unpack *u, struct err *e)
{
	struct pollfd fds[] = { { .fd = unpack_fd(u), .events = POLLIN }, { .fd = a->stop, .events = POLLIN } };

	while (!fds[0].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_set(e, errno, "wait for the unpacker");
		if (stop_signal(a->stop))
			return err_say(e, EINTR, "interrupted");
	}
	return 0;
}

/* The diff id that comes out says whether the blob is sound: it stands for every byte. */
static int unpack_again(struct again *a, const struct oci_descriptor *blob, const char *diff_id, struct err *e)
{
	const struct unpack_spec spec = {
		.blob_fd = a->blob_fd, .layer_fd = a->layer_fd, .map = a->map, .name = blob->digest
	};
	struct unpack_result res = { 0 };
	struct unpack *u = NULL;
	auto_free char *meta = NULL;
	int r = unpack_start(&spec, &u, e);

	if (r == 0)
		r = unpack_progress(u, (uint64_t)blob->size, true, e);
	if (r == 0 || r == -EPIPE) /* the unpacker knows why it has ended */
		r = wait_unpacked(a, u, e);
	if (r < 0) {
		unpack_abort(u);
		return r;
	}
	r = unpack_finish(u, &res, e);
	meta = res.meta_json;
	if (r == 0 && strcmp(res.diff_id, diff_id))
		r = err_say(e, EBADMSG, "layer %s: wrong diff id: unpacked it is %s", blob->digest, res.diff_id);
	return r < 0 ? r : store_txn_layer_done(a->txn, a->slot, diff_id, meta, e);
}

/* Return: 1 it is there again, 0 it was there or cannot be made here, negative errno. */
static int restore_layer(struct store *s, const struct idmap *map, int stop, const struct oci_descriptor *blob,
			 const char *diff_id, struct err *e)
{
	auto_store_txn struct store_txn *txn = NULL;
	auto_close int blob_fd = -EBADF, layer_fd = -EBADF;
	struct again a = { .map = map, .stop = stop };
	int r;

	if (store_blob_open(s, blob->digest, &blob_fd, NULL) < 0)
		return 0;
	r = store_txn_begin(s, &txn, e);
	if (r == 0)
		r = store_txn_need_layer(txn, diff_id, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = store_txn_layer_open(txn, &a.slot, &layer_fd, e);
	if (r < 0)
		return r;
	a.txn = txn;
	a.blob_fd = blob_fd;
	a.layer_fd = layer_fd;
	r = unpack_again(&a, blob, diff_id, e);
	if (r == 0)
		r = store_txn_commit(txn, e);
	return r < 0 ? r : 1;
}

static int restore_image(struct store *s, const struct idmap *map, int stop, const struct image_rec *rec,
			 char ***done, struct err *e)
{
	auto_oci_image_config struct oci_image_config *config = NULL;
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_free char *text = NULL;
	size_t len;

	/* Without these nobody knows which blob is which layer: told as an image that cannot be used. */
	if (rec->read_only || store_image_config(s, rec->config_digest, &config, NULL) < 0 ||
	    store_blob_read(s, rec->manifest_digest, &text, &len, NULL) < 0 ||
	    oci_manifest_parse(text, len, NULL, &m, NULL) < 0 || strv_len(config->diff_ids) != m.n_layers)
		return 0;
	for (size_t i = 0; i < m.n_layers; i++) {
		int r = restore_layer(s, map, stop, &m.layers[i], config->diff_ids[i], e);

		if (r == -EINTR)
			return r;
		if (r < 0)
			log_warn("layer %s stays missing: %s", config->diff_ids[i], e->msg);
		else if (r)
			strv_add_take(done, xasprintf("unpacked layer %s again from its blob %s", config->diff_ids[i],
						      m.layers[i].digest));
	}
	return 0;
}

static int restore_layers(struct store *s, char ***done, struct err *e)
{
	struct image_rec *recs = NULL;
	auto_close int stop = -EBADF;
	struct idmap map;
	size_t n = 0;
	int r = idmap_for_caller(&map, e);

	if (r == 0)
		r = stop_open(&stop, e);
	if (r == 0)
		r = store_image_list(s, &recs, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = restore_image(s, &map, stop, &recs[i], done, e);
	image_recs_free(recs, n);
	return r;
}

static int repair(struct store *s, const struct findings *f, char ***done, struct err *e)
{
	int r = store_repair(s, f, done, e);

	if (r == 0)
		r = restore_layers(s, done, e);
	return r < 0 ? r : store_tell_unusable(s, done, e);
}

/**
 * system_check_run() - skiff system check
 * @ctx:	Global options
 * @opts:	struct check_opts
 * @argc:	0
 * @argv:	Empty
 * @e:		Failure
 *
 * Return: 0, 1 when there are findings (with --repair: when images stay unusable), negative errno
 */
int system_check_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct check_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_findings struct findings findings = { 0 };
	auto_strv char **done = NULL;
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = store_check(store, o->quick ? CHECK_QUICK : 0, &findings, e);
	if (r == 0 && !o->quick)
		r = check_layers(store, &findings, e);
	for (size_t i = 0; i < findings.n; i++)
		puts(findings.v[i].text);
	if (r < 0 || !o->repair)
		return r < 0 ? r : findings.n > 0;
	r = repair(store, &findings, &done, e);
	for (char **d = done; d && *d; d++)
		puts(*d);
	return r;
}
