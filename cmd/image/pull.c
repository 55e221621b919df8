/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/image/client.h"
#include "cmd/image/fetch.h"
#include "cmd/image/remote.h"
#include "cmd/image/stop.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/format/progress.h"
#include "lib/http/http.h"
#include "lib/oci/policy.h"
#include "lib/oci/registries.h"
#include "lib/runtime/userns.h"
#include "storage/store.h"
#include "storage/unpack/unpack.h"

/* docker has 3; a fourth keeps two processors busy through the largest layer's end. */
#define PARALLEL 4

enum when { POLICY_ALWAYS, POLICY_MISSING, POLICY_NEVER, POLICY_NEWER, POLICY__N };

static const char *const policies[] = { "always", "missing", "never", "newer" };
static_assert(sizeof(policies) / sizeof(*policies) == POLICY__N, "a name for each policy");

/**
 * struct pull - one `skiff pull`
 * @out:	progress of the image that is being pulled
 * @limits:	for each layer
 * @quiet:	only the id is printed
 * @keep_blobs:	compressed layers stay in the store
 */
struct pull {
	struct remote remote;
	struct store *store;
	struct idmap map;
	struct progress *out;
	unsigned parallel;
	struct unpack_limits limits;
	bool quiet;
	bool keep_blobs;
	bool all_tags;
	enum when policy;
	bool map_known;
};

static void on_found(void *arg, const struct remote_image *i)
{
	struct pull *p = arg;
	auto_free char *text =
		xasprintf("%s: Pulling from %s", i->ref.digest ? i->ref.digest : i->ref.tag, i->ref.path);

	if (i->default_tag)
		progress_message(p->out, "Using default tag: latest");
	progress_message(p->out, text);
}

static int fill_rec(const struct remote_image *i, struct image_rec *rec, struct err *e)
{
	*rec = (struct image_rec) {
		.name = ref_full(&i->ref),
		.manifest_digest = xstrdup(i->manifest_digest),
		.config_digest = xstrdup(i->manifest.config.digest),
		.repo_digest = xstrdup(i->digest),
	};
	if (i->config->created && time_parse_rfc3339(i->config->created, &rec->created_ns) < 0)
		rec->created_ns = 0;
	return rec->name ? 0 : err_set(e, EINVAL, "image name");
}

/* Are manifest, config and layers there? `system check --repair` may have moved one of them away. */
static bool is_whole(struct store *s, const struct image_rec *rec, struct oci_image_config **ret)
{
	auto_oci_image_config struct oci_image_config *config = NULL;
	auto_free char *manifest = NULL;
	size_t len;

	if (store_blob_read(s, rec->manifest_digest, &manifest, &len, NULL) < 0 ||
	    store_image_config(s, rec->config_digest, &config, NULL) < 0 ||
	    store_layers_check(s, config->diff_ids, NULL) < 0)
		return false;
	if (ret)
		*ret = take_ptr(&config);
	return true;
}

/* Is the store's image of that name the one the registry has, and whole? */
static bool is_current(struct store *s, const struct image_rec *rec)
{
	auto_image_rec struct image_rec have = { 0 };

	return store_image_find(s, rec->name, &have, NULL) == 0 && str_is_eq(have.name, rec->name) &&
	       str_is_eq(have.manifest_digest, rec->manifest_digest) && str_is_eq(have.repo_digest, rec->repo_digest) &&
	       is_whole(s, &have, NULL);
}

/* For struct remote: what the store knows the name by. */
static char *local_digest(void *arg, const struct ref *ref)
{
	const struct pull *p = arg;
	auto_image_rec struct image_rec rec = { 0 };
	auto_oci_image_config struct oci_image_config *config = NULL;
	auto_free char *name = ref_full(ref);

	if (store_image_find(p->store, name, &rec, NULL) < 0 || !str_is_eq(rec.name, name) ||
	    !is_whole(p->store, &rec, &config) || !oci_platform_is_match(&config->platform, p->remote.platform))
		return NULL;
	return take_ptr(&rec.repo_digest);
}

static int learn_map(struct pull *p, struct err *e)
{
	int r;

	if (p->map_known)
		return 0;
	r = idmap_for_caller(&p->map, e);
	if (r < 0)
		return r;
	idmap_tell_single(&p->map);
	p->map_known = true;
	return 0;
}

static int stage_documents(struct store_txn *t, const struct remote_image *i, struct err *e)
{
	int r = store_txn_need_blob(t, i->manifest_digest, e);

	if (r == 0)
		r = store_txn_blob_write(t, i->manifest_digest, i->manifest_text, i->manifest_len, e);
	if (r >= 0)
		r = store_txn_need_blob(t, i->manifest.config.digest, e);
	if (r == 0)
		r = store_txn_blob_write(t, i->manifest.config.digest, i->config_text, i->config_len, e);
	return r < 0 ? r : 0;
}

/* One transaction. Return: 1 when another is needed (see fetch_run()). */
static int transact(struct pull *p, struct fetch *f, const struct remote_image *i, const struct image_rec *rec,
		    struct err *e)
{
	auto_store_txn struct store_txn *t = NULL;
	int more, r = store_txn_begin(p->store, &t, e);

	if (r < 0)
		return r;
	more = fetch_run(f, t, e);
	trace_mark("layers are unpacked");
	if (more < 0)
		return more;
	if (!more) {
		r = stage_documents(t, i, e);
		if (r == 0)
			r = store_txn_tag(t, rec, e);
	}
	if (r == 0)
		r = store_txn_commit(t, e);
	trace_mark("committed");
	return r < 0 ? r : more;
}

/* A push to another repository of the registry mounts the layers from here. */
static void record_origins(struct pull *p, const struct remote_image *i)
{
	auto_free char *repo = ref_name(&i->ref);

	for (size_t k = 0; k < i->manifest.n_layers; k++) {
		const struct oci_descriptor *d = &i->manifest.layers[k];
		const struct store_origin o = { .digest = d->digest, .size = d->size, .from = repo };

		store_origin_add(p->store, i->config->diff_ids[k], &o);
	}
}

static int fetch_image(struct pull *p, const struct remote_image *i, const struct image_rec *rec, struct err *e)
{
	const struct fetch_spec spec = {
		.http = p->remote.http,
		.registry = i->registry,
		.manifest = &i->manifest,
		.diff_ids = i->config->diff_ids,
		.map = &p->map,
		.progress = p->out,
		.parallel = p->parallel,
		.limits = p->limits,
		.stop = p->remote.stop,
		.store_fd = store_fd(p->store),
		.keep_blobs = p->keep_blobs,
	};
	auto_fetch struct fetch *f = NULL;
	int r = learn_map(p, e);

	if (r == 0)
		r = fetch_new(&spec, &f, e);
	if (r < 0)
		return r;
	do
		r = transact(p, f, i, rec, e);
	while (r > 0);
	if (r == 0)
		record_origins(p, i);
	return r;
}

/* What docker prints at the end, and scripts read. */
static void report(const struct pull *p, const struct remote_image *i, const struct image_rec *rec, bool changed)
{
	auto_free char *familiar = ref_familiar(&i->ref);

	if (p->quiet) {
		printf("%s\n", rec->config_digest);
	} else {
		printf("Digest: %s\n", i->digest);
		printf("Status: %s %s\n", changed ? "Downloaded newer image for" : "Image is up to date for", familiar);
		printf("%s\n", rec->name);
	}
	fflush(stdout);
}

static int pull_always(struct pull *p, const char *text, struct err *e)
{
	auto_remote_image struct remote_image i = { 0 };
	auto_image_rec struct image_rec rec = { 0 };
	auto_free char *name = NULL;
	bool changed;
	int r;

	p->out = progress_new(STDERR_FILENO, p->quiet ? PROGRESS_QUIET : progress_mode_for(STDERR_FILENO));
	r = remote_find(&p->remote, text, on_found, p, &i, e);
	trace_mark("manifest and config are known");
	if (r == 0 && i.unchanged)
		r = store_image_find(p->store, name = ref_full(&i.ref), &rec, e);
	else if (r == 0)
		r = fill_rec(&i, &rec, e);
	changed = r == 0 && !i.unchanged && !is_current(p->store, &rec);
	if (changed)
		r = fetch_image(p, &i, &rec, e);
	else if (r == 0) /* nothing to write; but the pull before may have been killed just behind its commit */
		(void)store_reclaim(p->store, NULL);
	progress_free(p->out);
	p->out = NULL;
	if (r == 0)
		report(p, &i, &rec, changed);
	return r;
}

/* The store's own copy, without asking anybody. */
static int use_local(const struct pull *p, const char *text, const struct image_rec *rec)
{
	auto_free char *shown = rec->name ? ref_shorten(rec->name) : xstrdup(text);

	if (p->quiet)
		printf("%s\n", rec->config_digest);
	else
		printf("Status: Image is present: %s\n", shown);
	fflush(stdout);
	return 0;
}

static int pull_one(struct pull *p, const char *text, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	bool here = p->policy != POLICY_ALWAYS && store_image_find(p->store, text, &rec, NULL) == 0;
	int r;

	if (here && (p->policy == POLICY_MISSING || p->policy == POLICY_NEVER))
		return use_local(p, text, &rec);
	if (p->policy == POLICY_NEVER)
		return err_say(e, ENOENT, "No such image: %s (--policy never does not ask a registry)", text);
	r = pull_always(p, text, e);
	if (r == 0 || r == -EINTR || !here)
		return r;
	log_warn("ignored, going on with the image that is there: %s", e->msg);
	return use_local(p, text, &rec);
}

/* Every tag that the registry has of the repository. */
static int pull_tags(struct pull *p, const char *text, struct err *e)
{
	auto_strv char **names = registries_candidates(p->remote.registries, text), **tags = NULL;
	auto_registry struct registry *g = NULL;
	auto_ref struct ref ref = { 0 };
	auto_free char *name = NULL;
	int r = ref_parse(names[0], &ref, e);

	if (r == 0 && (ref.tag || ref.digest))
		r = err_say(e, EINVAL, "tag can't be used with --all-tags/-a");
	if (r == 0)
		r = remote_open(&p->remote, &ref, &g, e);
	if (r == 0)
		r = registry_tags(g, &tags, e);
	if (r < 0)
		return r;
	name = ref_name(&ref);
	if (!tags)
		return err_say(e, ENOENT, "%s has no tags", name);
	for (char **t = tags; *t && r == 0; t++) {
		auto_free char *one = xasprintf("%s:%s", name, *t);

		r = pull_one(p, one, e);
	}
	return r;
}

/* Several images: what fails is told at once, the others are pulled all the same. */
static int pull_all(struct pull *p, int argc, char **argv, struct err *e)
{
	int failed = 0;

	for (int k = 0; k < argc; k++) {
		int r = p->all_tags ? pull_tags(p, argv[k], e) : pull_one(p, argv[k], e);

		if (r == -EINTR && stop_signal(p->remote.stop))
			return 128 + stop_signal(p->remote.stop);
		if (r < 0 && argc == 1)
			return r;
		if (r < 0) {
			cmd_print_error(e);
			failed = r;
		}
	}
	return failed ? 125 : 0;
}

static int read_policy(const char *text, enum when *ret, struct err *e)
{
	for (enum when k = POLICY_ALWAYS; k < POLICY__N; k++) {
		if (strcmp(policies[k], text))
			continue;
		*ret = k;
		return 0;
	}
	return err_say(e, EINVAL, "policy '%.40s' is not known: always, missing, never and newer are", text);
}

/**
 * pull_run() - skiff pull
 * @ctx:	Global options
 * @opts:	struct pull_opts
 * @argc:	Number of images
 * @argv:	Images
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int pull_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct pull_opts *o = opts;
	auto_policy struct policy *trust = NULL;
	struct pull p = { .quiet = o->quiet, .limits = { .size = o->max_size, .entries = o->max_entries } };
	struct client c = { 0 };
	int r = read_policy(o->policy, &p.policy, e);

	if (r == 0)
		r = policy_load(o->signature_policy, &trust, e);
	if (r == 0)
		r = client_open(&c, ctx, &o->reg, o->platform, e);
	if (r < 0)
		return r;
	p.store = c.store;
	p.remote = c.remote;
	p.remote.policy = trust;
	p.remote.local = local_digest;
	p.remote.local_arg = &p;
	p.all_tags = o->all_tags;
	p.keep_blobs = ctx_is_given(ctx, "keep-blobs") ? o->keep_blobs : !c.conf.drop_blobs;
	p.parallel = c.conf.max_downloads > 0 ? (unsigned)c.conf.max_downloads : PARALLEL;
	r = pull_all(&p, argc, argv, e);
	client_close(&c);
	return r;
}
