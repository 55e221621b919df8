/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: a layer goes out as the blob that its manifest names, where that blob is in the store, in the
 * destination, or can be mounted there; so the manifest keeps its bytes and its digest. Otherwise its tar is written
 * again from its folder and compressed, and the manifest is changed in just those places that name the blob.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/image/client.h"
#include "cmd/image/manifest_edit.h"
#include "cmd/image/remote.h"
#include "cmd/image/send.h"
#include "cmd/image/stop.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/format/progress.h"
#include "lib/http/registry.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/runtime/userns.h"
#include "storage/store.h"
#include "storage/unpack/pack.h"

/* docker's. */
#define PARALLEL 5

/**
 * struct push - one `skiff push`
 * @level:	compression level, or PACK_LEVEL_DEFAULT
 * @format:	compression of layers that are made anew
 * @wants_format: --compression-format was given: layers of another one are made anew
 * @docker:	--format: 1 v2s2, 0 oci, -1 as it is
 */
struct push {
	const struct push_opts *o;
	struct remote remote;
	struct store *store;
	struct store_txn *txn;
	struct idmap map;
	bool map_known;
	unsigned parallel;
	int level;
	enum pack_format format;
	bool wants_format;
	int docker;
};

/**
 * struct pushed - one image on its way
 * @ref:	where to
 * @rec:	what
 * @text:	its manifest
 * @config:	its config: the layers' diff ids
 * @items:	a blob for each layer, the config behind them
 */
struct pushed {
	struct ref ref;
	const struct image_rec *rec;
	struct registry *registry;
	char *text;
	size_t len;
	struct oci_manifest manifest;
	struct oci_image_config *config;
	struct send_item *items;
	char **labels;
	size_t n;
};

static void pushed_done(struct pushed *i)
{
	for (size_t k = 0; k < i->n; k++) {
		send_item_done(&i->items[k]);
		fd_closep(&i->items[k].fd);
	}
	free(i->items);
	strv_free(i->labels);
	registry_free(i->registry);
	oci_manifest_done(&i->manifest);
	oci_image_config_free(i->config);
	free(i->text);
	ref_done(&i->ref);
	*i = (struct pushed) { 0 };
}
#define auto_pushed __attribute__((cleanup(pushed_done)))

static int read_image(struct push *p, struct pushed *i, struct err *e)
{
	int r = store_blob_read(p->store, i->rec->manifest_digest, &i->text, &i->len, e);

	if (r == 0)
		r = oci_manifest_parse(i->text, i->len, NULL, &i->manifest, e);
	if (r == 0)
		r = store_image_config(p->store, i->manifest.config.digest, &i->config, e);
	if (r == 0 && strv_len(i->config->diff_ids) != i->manifest.n_layers)
		r = err_say(e, EINVAL, "manifest and config have different numbers of layers");
	return r;
}

/* The name of how we make blobs, in the store's list of origins. */
static char *made_name(const struct push *p)
{
	return xasprintf("made:%s:%d", p->format == PACK_ZSTD ? "zstd" : "gzip", p->level);
}

static struct send_form *add_form(struct send_item *it, const char *digest, int64_t size)
{
	struct send_form *f;

	for (size_t k = 0; k < it->n_forms; k++)
		if (str_is_eq(it->forms[k].digest, digest))
			return &it->forms[k];
	it->forms = xrealloc(it->forms, (it->n_forms + 1) * sizeof(*it->forms));
	f = &it->forms[it->n_forms++];
	*f = (struct send_form) { .digest = xstrdup(digest), .size = size };
	return f;
}

/* Other repositories of the registry that have the form. */
static void add_repos(struct send_form *f, const struct ref *to, const struct store_origin *o, size_t n)
{
	auto_free char *prefix = xasprintf("%s/", to->domain);

	for (size_t k = 0; k < n; k++) {
		const char *path = str_after(o[k].from, prefix);

		if (path && strcmp(o[k].digest, f->digest) == 0 && strcmp(path, to->path) != 0 &&
		    strv_len(f->repos) < 3)
			strv_add(&f->repos, path);
	}
}

/* How must the layer go out? */
static int plan_layer(struct push *p, struct pushed *i, size_t k, struct err *e)
{
	const struct oci_descriptor *d = &i->manifest.layers[k];
	struct send_item *it = &i->items[k];
	auto_free char *made = made_name(p);
	struct store_origin *origins;
	enum oci_compression is;
	size_t n;
	int r = oci_layer_compression(d->media_type, &is, e);

	if (r < 0)
		return r;
	it->diff_id = i->config->diff_ids[k];
	it->repack = is == OCI_TAR || p->o->force_compression ||
		     (p->wants_format && is != (p->format == PACK_ZSTD ? OCI_TAR_ZSTD : OCI_TAR_GZIP));
	store_blob_open(p->store, d->digest, &it->fd, NULL);
	if (!it->repack)
		add_form(it, d->digest, d->size);
	n = store_origins(p->store, it->diff_id, &origins);
	for (size_t o = 0; o < n; o++)
		if (str_is_eq(origins[o].from, made))
			add_form(it, origins[o].digest, origins[o].size);
	for (size_t f = 0; f < it->n_forms; f++)
		add_repos(&it->forms[f], &i->ref, origins, n);
	store_origins_free(origins, n);
	return 0;
}

static int plan(struct push *p, struct pushed *i, struct err *e)
{
	struct send_item *config;
	int r = 0;

	i->n = i->manifest.n_layers + 1;
	i->items = xcalloc(i->n, sizeof(*i->items));
	for (size_t k = 0; k < i->n; k++)
		i->items[k].fd = -EBADF;
	for (size_t k = 0; k < i->manifest.n_layers && r == 0; k++) {
		char id[DIGEST_SHORT + 1];

		digest_short(i->config->diff_ids[k], id);
		strv_add(&i->labels, id);
		i->items[k].label = i->labels[k];
		r = plan_layer(p, i, k, e);
	}
	config = &i->items[i->n - 1];
	add_form(config, i->manifest.config.digest, i->manifest.config.size);
	return r < 0 ? r : store_blob_open(p->store, i->manifest.config.digest, &config->fd, e);
}

/* Layers may have to be made: these need a scratch folder, protection from removal, and the map of their owners. */
static int prepare_packing(struct push *p, const struct pushed *i, struct err *e)
{
	bool needed = false;
	int r = 0;

	for (size_t k = 0; k < i->manifest.n_layers; k++)
		needed |= i->items[k].repack || i->items[k].fd < 0;
	if (needed && !p->txn)
		r = store_txn_begin(p->store, &p->txn, e);
	for (size_t k = 0; k < i->manifest.n_layers && needed && r >= 0; k++)
		r = store_txn_need_layer(p->txn, i->config->diff_ids[k], e);
	if (r >= 0 && needed && !p->map_known) {
		r = idmap_for_caller(&p->map, e);
		p->map_known = r == 0;
	}
	return r < 0 ? r : 0;
}

static int send_blobs(struct push *p, struct pushed *i, struct progress *out, struct err *e)
{
	const struct send_spec spec = {
		.http = p->remote.http,
		.registry = i->registry,
		.store = p->store,
		.scratch_fd = p->txn ? store_txn_dir(p->txn) : -EBADF,
		.map = &p->map,
		.progress = out,
		.parallel = p->parallel,
		.stop = p->remote.stop,
		.format = p->format,
		.level = p->level,
	};

	return send_run(&spec, i->items, i->n, e);
}

/* What is there now, for the next push. */
static void record(struct push *p, const struct pushed *i)
{
	auto_free char *repo = ref_name(&i->ref), *made = made_name(p);

	for (size_t k = 0; k < i->manifest.n_layers; k++) {
		const struct send_item *it = &i->items[k];
		char digest[SHA256_DIGEST_SIZE];
		struct store_origin o = { .digest = digest, .size = it->size, .from = repo };

		memcpy(digest, it->digest, sizeof(digest));
		store_origin_add(p->store, it->diff_id, &o);
		o.from = made;
		if (strcmp(digest, i->manifest.layers[k].digest))
			store_origin_add(p->store, it->diff_id, &o);
	}
}

/* The manifest as it is now: the same bytes, or with other layers or types. */
static int edit_manifest(struct push *p, struct pushed *i, struct err *e)
{
	struct manifest_edit edit = { .docker = p->docker };
	const char *old = i->rec->manifest_digest;
	char *text = NULL, now[SHA256_DIGEST_SIZE];
	size_t made = 0;
	int r;

	edit.layers = xcalloc(i->manifest.n_layers + 1, sizeof(*edit.layers));
	for (size_t k = 0; k < i->manifest.n_layers; k++) {
		const struct send_item *it = &i->items[k];

		if (!strcmp(it->digest, i->manifest.layers[k].digest))
			continue;
		edit.layers[k] = (struct manifest_layer) {
			.digest = it->digest,
			.size = it->size,
			.compression = p->format == PACK_ZSTD ? OCI_TAR_ZSTD : OCI_TAR_GZIP,
		};
		made += !it->repack;
	}
	r = manifest_edit(i->text, i->len, &i->manifest, &edit, &text, e);
	free(edit.layers);
	if (r <= 0)
		return r;
	free(i->text);
	i->text = text;
	i->len = strlen(text);
	sha256_of(text, i->len, now);
	if (made)
		log_warn("%zu compressed layers were not in the store and have been compressed anew: "
			 "the digest changes from %s to %s",
			 made, old, now);
	oci_manifest_done(&i->manifest);
	return oci_manifest_parse(i->text, i->len, NULL, &i->manifest, e);
}

static int write_digestfile(const struct push *p, const char *digest, struct err *e)
{
	const char *file = p->o->digestfile;

	return file ? fs_write_file(AT_FDCWD, file, digest, strlen(digest), 0644, e) : 0;
}

static void say_target(const struct push *p, const struct pushed *i, struct progress *out)
{
	auto_free char *name = ref_name(&i->ref);
	auto_free char *text = xasprintf("The push refers to repository [%s]", name);

	if (!p->o->quiet)
		progress_message(out, text);
}

static int push_blobs(struct push *p, struct pushed *i, struct err *e)
{
	auto_progress struct progress *out =
		progress_new(STDERR_FILENO, p->o->quiet ? PROGRESS_QUIET : progress_mode_for(STDERR_FILENO));
	auto_free char *there = NULL;
	int r;

	say_target(p, i, out);
	/* Settles the scheme of an insecure registry; what it says about the tag does not matter. */
	r = registry_manifest_head(i->registry, i->ref.tag, &there, e);
	if (r == 0 || r == -ENOENT)
		r = plan(p, i, e);
	if (r == 0)
		r = prepare_packing(p, i, e);
	return r < 0 ? r : send_blobs(p, i, out, e);
}

static int push_image(struct push *p, const struct image_rec *rec, const char *dest, struct err *e)
{
	auto_pushed struct pushed i = { .rec = rec };
	char digest[SHA256_DIGEST_SIZE];
	int r = ref_parse(dest, &i.ref, e);

	if (r == 0 && i.ref.digest)
		r = err_say(e, EINVAL, "cannot push to a digest: '%s'", dest);
	if (r < 0)
		return r;
	ref_add_default_tag(&i.ref);
	r = read_image(p, &i, e);
	if (r == 0)
		r = remote_open(&p->remote, &i.ref, &i.registry, e);
	if (r == 0)
		r = push_blobs(p, &i, e);
	if (r < 0)
		return r;
	record(p, &i);
	r = edit_manifest(p, &i, e);
	if (r == 0)
		r = registry_manifest_put(i.registry, i.ref.tag, i.manifest.media_type, i.text, i.len, e);
	if (r < 0)
		return r;
	sha256_of(i.text, i.len, digest);
	if (p->o->quiet) {
		auto_free char *full = ref_full(&i.ref);

		printf("%s\n", full);
	} else {
		printf("%s: digest: %s size: %zu\n", i.ref.tag, digest, i.len);
	}
	fflush(stdout);
	return write_digestfile(p, digest, e);
}

/* Every tag that the store has of the repository. */
static int push_all_tags(struct push *p, const char *text, struct err *e)
{
	auto_ref struct ref want = { 0 };
	auto_free char *name = NULL;
	struct image_rec *recs = NULL;
	size_t n = 0, found = 0;
	int r = ref_parse(text, &want, e);

	if (r == 0 && (want.tag || want.digest))
		r = err_say(e, EINVAL, "tag can't be used with --all-tags/-a");
	if (r == 0)
		r = store_image_list(p->store, &recs, &n, e);
	if (r < 0)
		return r;
	name = ref_name(&want);
	for (size_t k = 0; k < n && r == 0; k++) {
		auto_ref struct ref ref = { 0 };
		auto_free char *have = NULL;

		if (!recs[k].name || ref_parse(recs[k].name, &ref, NULL) < 0 || !ref.tag)
			continue;
		have = ref_name(&ref);
		if (strcmp(have, name))
			continue;
		found++;
		r = push_image(p, &recs[k], recs[k].name, e);
	}
	image_recs_free(recs, n);
	if (r == 0 && !found)
		r = err_say(e, ENOENT, "An image does not exist locally with the tag: %s", text);
	return r;
}

static int push_one(struct push *p, const char *text, const char *dest, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	const char *plain = dest ? str_after(dest, "docker://") : NULL;
	int r;

	if (store_image_is_embedded(text) && !dest)
		return err_say(e, EINVAL, "'%s': embedded/ images come with the program, they are not pushed", text);
	r = store_image_find(p->store, text, &rec, e);
	if (r == -ENOENT)
		return err_say(e, ENOENT, "An image does not exist locally with the tag: %s", text);
	return r < 0 ? r : push_image(p, &rec, plain ? plain : dest ? dest : text, e);
}

static int read_options(struct push *p, const struct ctx *ctx, struct err *e)
{
	const struct push_opts *o = p->o;
	int r = 0;

	p->docker = -1;
	p->format = PACK_GZIP;
	p->wants_format = o->compression != NULL;
	if (o->compression)
		r = pack_format_parse(o->compression, &p->format, e);
	if (r == 0 && ctx_is_given(ctx, "compression-level")) {
		r = pack_level_check(p->format, o->level, e);
		p->level = (int)o->level;
	}
	if (r < 0)
		return r;
	if (str_is_eq(o->format, "oci"))
		p->docker = 0;
	else if (str_is_eq(o->format, "v2s2") || str_is_eq(o->format, "docker"))
		p->docker = 1;
	else if (o->format)
		return err_say(e, EINVAL, "manifest type '%.40s' is not supported: oci and v2s2 are", o->format);
	if (p->format == PACK_ZSTD && p->docker == 1)
		return err_say(e, EINVAL, "a v2s2 manifest cannot name zstd layers: use --format oci");
	if (p->format == PACK_ZSTD)
		p->docker = 0;
	return 0;
}

/**
 * push_run() - skiff push
 * @ctx:	Global options
 * @opts:	struct push_opts
 * @argc:	1 or 2
 * @argv:	Image, destination
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int push_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct push p = { .o = opts };
	struct client c;
	int r = read_options(&p, ctx, e);

	if (r == 0 && p.o->all_tags && argc > 1)
		r = err_say(e, EINVAL, "--all-tags takes no destination");
	if (r == 0)
		r = client_open(&c, ctx, &p.o->reg, NULL, e);
	if (r < 0)
		return r;
	p.store = c.store;
	p.remote = c.remote;
	p.parallel = c.conf.max_uploads > 0 ? (unsigned)c.conf.max_uploads : PARALLEL;
	r = p.o->all_tags ? push_all_tags(&p, argv[0], e) : push_one(&p, argv[0], argv[1], e);
	store_txn_free(p.txn);
	if (r == -EINTR && stop_signal(c.stop))
		r = 128 + stop_signal(c.stop);
	client_close(&c);
	return r;
}
