/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: a manifest list is a file of the store until it is pushed: {"name", "index", "sources"}. "index"
 * is what a registry gets, as it is. "sources" says for each digest in it what the user called the image ("ref"), and
 * where it is: "from" a repository, or the store ("config", which keeps the image from being removed). A push brings
 * the images first, as a copy does, then the index.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/image/client.h"
#include "cmd/image/copy.h"
#include "cmd/image/copy_end.h"
#include "cmd/image/stop.h"
#include "cmd/image/trust.h"
#include "cmd/image/verbs.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/http/registry.h"
#include "lib/oci/digest.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "storage/store.h"

/**
 * struct work - one command on one list
 * @name:	full reference of the list
 * @doc:	its file
 * @lock:	held from reading it until it is written
 */
struct work {
	struct client c;
	const struct manifest_opts *o;
	char *name;
	struct json *doc;
	int lock;
};

static int full_name(const char *text, char **ret, struct err *e)
{
	auto_ref struct ref ref = { 0 };
	int r = ref_parse(text, &ref, e);

	if (r == 0 && (ref.digest || ref_is_embedded(&ref)))
		r = err_say(e, EINVAL, "'%s' cannot be the name of a manifest list", text);
	if (r < 0)
		return r;
	ref_add_default_tag(&ref);
	*ret = ref_full(&ref);
	return 0;
}

static int work_open(struct work *w, struct ctx *ctx, const void *opts, const char *name, struct err *e)
{
	int r;

	*w = (struct work) { .o = opts, .lock = -EBADF };
	r = full_name(name, &w->name, e);
	if (r == 0)
		r = client_open(&w->c, ctx, &w->o->reg, NULL, e);
	if (r < 0) {
		free(w->name);
		return r;
	}
	if (w->o->insecure)
		w->c.remote.verify = REGISTRY_VERIFY_NEVER;
	return 0;
}

static int work_close(struct work *w, int r)
{
	if (r == -EINTR && stop_signal(w->c.stop))
		r = 128 + stop_signal(w->c.stop);
	fd_closep(&w->lock);
	json_free(w->doc);
	free(w->name);
	client_close(&w->c);
	return r;
}

/* For what brings images in, or passes them on. */
static int work_open_checked(struct work *w, struct ctx *ctx, const void *opts, const char *name, struct err *e)
{
	int r = work_open(w, ctx, opts, name, e);

	if (r < 0)
		return r;
	r = client_load_policy(&w->c, NULL, e);
	return r < 0 ? work_close(w, r) : 0;
}

/* What came, when a digest was asked for. */
static int check_digest(const struct ref *ref, const char *text, size_t len, char ret[SHA256_DIGEST_SIZE],
			struct err *e)
{
	sha256_of(text, len, ret);
	if (!ref->digest || !strcmp(ref->digest, ret))
		return 0;
	return err_say(e, EBADMSG, "%s: wrong digest: the bytes that came have %s", ref->digest, ret);
}

/* Members of a document that is ours to change; made where they are missing. */
static struct json *own_object(struct json *doc, const char *key)
{
	struct json *copy = json_get_object(doc, key) ? json_dup(json_get_object(doc, key)) : json_new_object();

	json_set(doc, key, copy);
	return copy;
}

/* ---- entries ---- */

/**
 * struct entry - an image that is being added
 * @digest:	of its manifest
 * @type:	its media type
 * @config:	for an image of the store: its config
 * @from:	for one of a registry: the repository
 */
struct entry {
	const char *digest;
	int64_t size;
	const char *type;
	const char *ref;
	const char *config;
	const char *from;
	struct json *platform;
};

static void set_platform(struct json *p, const struct manifest_opts *o)
{
	if (o->arch)
		json_set_str(p, "architecture", o->arch);
	if (o->os)
		json_set_str(p, "os", o->os);
	if (o->variant)
		json_set_str(p, "variant", o->variant);
	if (o->os_version)
		json_set_str(p, "os.version", o->os_version);
	if (o->os_features)
		json_set_strv(p, "os.features", o->os_features);
}

static void set_annotations(struct json *item, const struct manifest_opts *o)
{
	char **kv = json_get_map(item, "annotations");

	for (char **a = o->annotations; a && *a; a++)
		kv_set_text(&kv, *a);
	if (kv)
		json_set_map(item, "annotations", kv);
	strv_free(kv);
}

/* The index with @skip left out and @add, if any, behind the others. */
static void rewrite(struct work *w, const char *skip, struct json *add)
{
	struct json *index = own_object(w->doc, "index"), *list = json_new_array();
	const struct json *old = json_get_array(index, "manifests");
	bool docker = true;

	for (size_t i = 0; i < json_len(old); i++)
		if (!str_is_eq(json_get_str(json_item(old, i), "digest"), skip))
			json_add(list, json_dup(json_item(old, i)));
	if (add)
		json_add(list, add);
	for (size_t i = 0; i < json_len(list); i++)
		docker &= str_is_eq(json_get_str(json_item(list, i), "mediaType"), DOCKER_MT_MANIFEST);
	json_set_i64(index, "schemaVersion", 2);
	json_set_str(index, "mediaType", docker && json_len(list) ? DOCKER_MT_LIST : OCI_MT_INDEX);
	json_set(index, "manifests", list);
}

static void add_entry(struct work *w, const struct entry *en)
{
	struct json *item = json_new_object(), *source = json_new_object(), *sources = own_object(w->doc, "sources");

	json_set_str(item, "mediaType", en->type);
	json_set_i64(item, "size", en->size);
	json_set_str(item, "digest", en->digest);
	set_platform(en->platform, w->o);
	json_set(item, "platform", en->platform);
	set_annotations(item, w->o);
	rewrite(w, en->digest, item);
	json_set_str(source, "ref", en->ref);
	if (en->config)
		json_set_str(source, "config", en->config);
	if (en->from)
		json_set_str(source, "from", en->from);
	json_set(sources, en->digest, source);
}

static struct json *platform_json(const struct oci_platform *p, const char *os_version)
{
	struct json *j = json_new_object();

	json_set_str(j, "architecture", p->arch ? p->arch : "");
	json_set_str(j, "os", p->os ? p->os : "");
	if (p->variant)
		json_set_str(j, "variant", p->variant);
	if (os_version)
		json_set_str(j, "os.version", os_version);
	return j;
}

static int add_local(struct work *w, const char *text, const struct image_rec *rec, struct err *e)
{
	auto_oci_image_config struct oci_image_config *config = NULL;
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_free char *manifest = NULL;
	struct entry en = { .digest = rec->manifest_digest, .ref = text, .config = rec->config_digest };
	size_t len;
	int r = store_blob_read(w->c.store, rec->manifest_digest, &manifest, &len, e);

	if (r == 0)
		r = oci_manifest_parse(manifest, len, NULL, &m, e);
	if (r == 0)
		r = store_image_config(w->c.store, rec->config_digest, &config, e);
	if (r < 0)
		return r;
	en.size = (int64_t)len;
	en.type = m.media_type;
	en.platform = platform_json(&config->platform, config->os_version);
	add_entry(w, &en);
	return 0;
}

static void ignore(void *arg, const struct remote_image *i)
{
	(void)arg;
	(void)i;
}

/* One image of a registry; of an index the one for our platform. */
static int add_remote(struct work *w, const char *text, struct err *e)
{
	auto_remote_image struct remote_image i = { 0 };
	auto_free char *from = NULL;
	struct entry en = { .ref = text };
	int r = remote_find(&w->c.remote, text, ignore, NULL, &i, e);

	if (r < 0)
		return r;
	from = ref_name(&i.ref);
	en.digest = i.manifest_digest;
	en.size = (int64_t)i.manifest_len;
	en.type = i.manifest.media_type;
	en.from = from;
	en.platform = platform_json(&i.config->platform, i.config->os_version);
	add_entry(w, &en);
	return 0;
}

/* --all: every entry of the index, as it describes itself. */
static int add_index(struct work *w, const char *text, struct err *e)
{
	auto_registry struct registry *g = NULL;
	auto_oci_doc struct oci_doc doc = { 0 };
	auto_ref struct ref ref = { 0 };
	auto_free char *body = NULL, *type = NULL, *from = NULL;
	size_t len;
	char digest[SHA256_DIGEST_SIZE];
	const char *digests[] = { digest, NULL };
	int r = ref_parse(text, &ref, e);

	ref_add_default_tag(&ref);
	ref_prefer_digest(&ref);
	if (r == 0)
		r = trust_check_name(w->c.policy, &ref, e);
	if (r == 0)
		r = remote_open(&w->c.remote, &ref, &g, e);
	if (r == 0)
		r = registry_manifest(g, ref.digest ? ref.digest : ref.tag, &body, &len, &type, e);
	if (r == 0)
		r = oci_doc_parse(body, len, type, &doc, e);
	if (r < 0)
		return r;
	if (doc.kind != OCI_DOC_INDEX)
		return add_remote(w, text, e);
	r = check_digest(&ref, body, len, digest, e);
	if (r == 0)
		r = trust_check_image(w->c.policy, g, &ref, digests, e);
	if (r < 0)
		return r;
	from = ref_name(&ref);
	for (size_t i = 0; i < doc.index.n_manifests; i++) {
		const struct oci_descriptor *d = &doc.index.manifests[i];
		const struct entry en = {
			.digest = d->digest,
			.size = d->size,
			.type = d->media_type,
			.ref = text,
			.from = from,
			.platform = platform_json(&d->platform, NULL),
		};

		add_entry(w, &en);
	}
	return 0;
}

static int add_image(struct work *w, const char *text, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	const char *remote = str_after(text, "docker://");

	if (!remote && !w->o->all && store_image_find(w->c.store, text, &rec, NULL) == 0)
		return add_local(w, text, &rec, e);
	return w->o->all ? add_index(w, remote ? remote : text, e) : add_remote(w, remote ? remote : text, e);
}

/* What the user means by @text: a digest in the list, or how it was added. */
static int find_digest(const struct work *w, const char *text, char **ret, struct err *e)
{
	const struct json *list = json_get_array(json_get_object(w->doc, "index"), "manifests");
	const struct json *sources = json_get_object(w->doc, "sources");
	const char *at = strchr(text, '@'), *plain = str_after(text, "docker://");

	for (size_t i = 0; i < json_len(list); i++) {
		const char *digest = json_get_str(json_item(list, i), "digest");
		const char *ref = json_get_str(json_get(sources, digest), "ref");

		if (str_is_eq(digest, at ? at + 1 : text) || str_is_eq(ref, text) || str_is_eq(ref, plain)) {
			*ret = xstrdup(digest);
			return 0;
		}
	}
	return err_say(e, ENOENT, "manifest for image %s does not exist in %s", text, w->name);
}

static int read_list(struct work *w, struct err *e)
{
	return store_list_read(w->c.store, w->name, &w->doc, e);
}

static int read_to_change(struct work *w, struct err *e)
{
	int r = store_list_lock(w->c.store, &w->lock, e);

	return r < 0 ? r : read_list(w, e);
}

static void new_list(struct work *w)
{
	json_free(w->doc);
	w->doc = json_new_object();
	json_set_str(w->doc, "name", w->name);
	rewrite(w, NULL, NULL);
}

static int refuse_to_amend(struct err *e)
{
	return err_say(e, EEXIST, "refusing to amend an existing manifest list with no --amend flag");
}

/*
 * Ask for the images, which may take long, and only then lock the list: as it is by now, with what others have added
 * meanwhile, it gets them.
 */
static int add_images(struct work *w, char **texts, bool make, struct err *e)
{
	auto_json struct json *mine = NULL;
	const struct json *list;
	int r = 0;

	new_list(w);
	for (; r == 0 && *texts; texts++)
		r = add_image(w, *texts, e);
	if (r < 0)
		return r;
	mine = take_ptr(&w->doc);
	r = read_to_change(w, e);
	if (r == 0 && make && !w->o->amend)
		return refuse_to_amend(e);
	if (r == -ENOENT && make) {
		new_list(w);
		r = 0;
	}
	list = json_get_array(json_get_object(mine, "index"), "manifests");
	for (size_t i = 0; r == 0 && i < json_len(list); i++) {
		const char *digest = json_get_str(json_item(list, i), "digest");

		rewrite(w, digest, json_dup(json_item(list, i)));
		json_set(own_object(w->doc, "sources"), digest,
			 json_dup(json_get(json_get_object(mine, "sources"), digest)));
	}
	return r < 0 ? r : store_list_write(w->c.store, w->name, w->doc, e);
}

/**
 * manifest_create_run() - skiff manifest create
 * @ctx:	Global options
 * @opts:	struct manifest_opts
 * @argc:	Operands
 * @argv:	List, images
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int manifest_create_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct work w;
	int r = work_open_checked(&w, ctx, opts, argv[0], e);

	(void)argc;
	if (r < 0)
		return r;
	r = read_list(&w, e);
	if (r == 0 && !w.o->amend)
		r = refuse_to_amend(e);
	if (r == 0 || r == -ENOENT)
		r = add_images(&w, argv + 1, true, e);
	if (r == 0)
		printf("Created manifest list %s\n", w.name);
	return work_close(&w, r);
}

/**
 * manifest_add_run() - skiff manifest add
 * @ctx:	Global options
 * @opts:	struct manifest_opts
 * @argc:	Operands
 * @argv:	List, images
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int manifest_add_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct work w;
	int r = work_open_checked(&w, ctx, opts, argv[0], e);

	(void)argc;
	if (r < 0)
		return r;
	r = read_list(&w, e);
	if (r == 0)
		r = add_images(&w, argv + 1, false, e);
	if (r == 0)
		printf("%s\n", w.name);
	return work_close(&w, r);
}

static int annotate(struct work *w, const char *text, struct err *e)
{
	auto_free char *digest = NULL;
	const struct json *list = json_get_array(json_get_object(w->doc, "index"), "manifests");
	struct json *item = NULL;
	int r = find_digest(w, text, &digest, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < json_len(list); i++)
		if (str_is_eq(json_get_str(json_item(list, i), "digest"), digest))
			item = json_dup(json_item(list, i));
	set_platform(own_object(item, "platform"), w->o);
	set_annotations(item, w->o);
	rewrite(w, digest, item);
	return 0;
}

/**
 * manifest_annotate_run() - skiff manifest annotate
 * @ctx:	Global options
 * @opts:	struct manifest_opts
 * @argc:	2
 * @argv:	List, image
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int manifest_annotate_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct work w;
	int r = work_open(&w, ctx, opts, argv[0], e);

	(void)argc;
	if (r < 0)
		return r;
	r = read_to_change(&w, e);
	if (r == 0)
		r = annotate(&w, argv[1], e);
	if (r == 0)
		r = store_list_write(w.c.store, w.name, w.doc, e);
	return work_close(&w, r);
}

static void print(const struct json *j)
{
	auto_free char *text = json_pretty(j);

	printf("%s\n", text);
}

static int inspect_remote(struct work *w, const char *text, struct err *e)
{
	auto_registry struct registry *g = NULL;
	auto_json struct json *doc = NULL, *shown = NULL;
	auto_ref struct ref ref = { 0 };
	auto_free char *body = NULL, *type = NULL;
	char digest[SHA256_DIGEST_SIZE];
	const char *plain = str_after(text, "docker://");
	size_t len;
	int r = ref_parse(plain ? plain : text, &ref, e);

	if (r == 0)
		r = remote_open(&w->c.remote, &ref, &g, e);
	ref_add_default_tag(&ref);
	if (r == 0)
		r = registry_manifest(g, ref.digest ? ref.digest : ref.tag, &body, &len, &type, e);
	if (r == 0)
		r = check_digest(&ref, body, len, digest, e);
	if (r == 0)
		r = json_parse(body, len, &doc, e);
	if (r < 0)
		return r;
	if (!w->o->verbose) {
		print(doc);
		return 0;
	}
	shown = json_new_object();
	auto_free char *full = ref_full(&ref);
	struct json *d = json_set_object(shown, "Descriptor");

	json_set_str(shown, "Ref", full);
	json_set_str(d, "mediaType", type);
	json_set_str(d, "digest", digest);
	json_set_i64(d, "size", (int64_t)len);
	json_set(shown, "Manifest", json_share(doc));
	print(shown);
	return 0;
}

/**
 * manifest_inspect_run() - skiff manifest inspect
 * @ctx:	Global options
 * @opts:	struct manifest_opts
 * @argc:	1 or 2
 * @argv:	[List,] image
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int manifest_inspect_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	auto_free char *digest = NULL, *one = NULL;
	auto_ref struct ref ref = { 0 };
	struct work w;
	int r;

	if (argc == 1 && (strchr(argv[0], '@') || str_has_prefix(argv[0], "docker://"))) {
		r = work_open(&w, ctx, opts, "none", e);
		return r < 0 ? r : work_close(&w, inspect_remote(&w, argv[0], e));
	}
	r = work_open(&w, ctx, opts, argv[0], e);
	if (r < 0)
		return r;
	r = read_list(&w, argc == 1 ? NULL : e);
	if (r == 0 && argc == 1) {
		print(json_get_object(w.doc, "index"));
	} else if (r == 0) { /* one entry's own manifest */
		const char *from;

		r = find_digest(&w, argv[1], &digest, e);
		from = r == 0 ? json_get_str(json_get(json_get_object(w.doc, "sources"), digest), "from") : NULL;
		if (r == 0 && from) {
			one = xasprintf("%s@%s", from, digest);
			r = inspect_remote(&w, one, e);
		} else if (r == 0) {
			auto_free char *text = NULL;
			auto_json struct json *doc = NULL;
			size_t len;

			r = store_blob_read(w.c.store, digest, &text, &len, e);
			if (r == 0)
				r = json_parse(text, len, &doc, e);
			if (r == 0)
				print(doc);
		}
	} else if (argc == 1) {
		r = inspect_remote(&w, argv[0], e);
	}
	return work_close(&w, r);
}

/*
 * Where one image of the list is. Its content was checked when it was added, by the digest; here it is the name's turn
 * again. --creds are for where the push goes, @to.
 */
static int open_source(struct work *w, const char *digest, const struct ref *to, struct copy_end *ret, struct err *e)
{
	struct remote remote = w->c.remote;
	const struct json *source = json_get(json_get_object(w->doc, "sources"), digest);
	const char *from = json_get_str(source, "from");
	int r;

	if (!from) {
		ret->kind = END_STORE;
		ret->store = w->c.store;
		return 0;
	}
	ret->kind = END_DOCKER;
	r = ref_parse(from, &ret->ref, e);
	if (r == 0)
		r = trust_check_name(remote.policy, &ret->ref, e);
	if (r < 0)
		return r;
	if (strcmp(ret->ref.domain, to->domain) != 0)
		remote.auth.given = NULL;
	return remote_open(&remote, &ret->ref, &ret->registry, e);
}

static int push_images(struct work *w, const struct ref *to, struct err *e)
{
	const struct json *list = json_get_array(json_get_object(w->doc, "index"), "manifests");
	int r = json_len(list) ? 0 : err_say(e, EINVAL, "%s is empty", w->name);

	for (size_t i = 0; r == 0 && i < json_len(list); i++) {
		const char *digest = json_get_str(json_item(list, i), "digest");
		struct copy_end from = COPY_END_NONE;

		r = open_source(w, digest, to, &from, e);
		/* The same repository has it already. */
		if (r == 0 &&
		    (from.kind != END_DOCKER || strcmp(from.ref.domain, to->domain) || strcmp(from.ref.path, to->path)))
			r = copy_into_repository(&w->c, &from, to, digest, true, w->o->quiet, e);
		if (r == -ENOENT && from.kind == END_STORE)
			err_hint(e, r,
				 "the image must be in the store with its compressed layers: push it by itself first, "
				 "and add it as docker://NAME");
		copy_end_done(&from);
	}
	return r;
}

static int push(struct work *w, const char *dest, struct err *e)
{
	auto_registry struct registry *g = NULL;
	auto_ref struct ref to = { 0 };
	auto_free char *text = NULL;
	const char *plain = str_after(dest, "docker://");
	const struct json *index;
	char digest[SHA256_DIGEST_SIZE];
	int r = ref_parse(plain ? plain : dest, &to, e);

	if (r == 0 && to.digest)
		r = err_say(e, EINVAL, "cannot push to a digest: '%s'", dest);
	if (r < 0)
		return r;
	ref_add_default_tag(&to);
	r = push_images(w, &to, e);
	if (r == 0)
		r = remote_open(&w->c.remote, &to, &g, e);
	if (r < 0)
		return r;
	index = json_get_object(w->doc, "index");
	text = json_compact(index);
	r = registry_manifest_put(g, to.tag, json_get_str(index, "mediaType"), text, strlen(text), e);
	if (r < 0)
		return r;
	sha256_of(text, strlen(text), digest);
	printf("%s\n", digest);
	return 0;
}

/**
 * manifest_push_run() - skiff manifest push
 * @ctx:	Global options
 * @opts:	struct manifest_opts
 * @argc:	1 or 2
 * @argv:	List, destination
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int manifest_push_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct work w;
	int r = work_open_checked(&w, ctx, opts, argv[0], e);

	if (r < 0)
		return r;
	r = read_list(&w, e);
	if (r == 0)
		r = push(&w, argc > 1 ? argv[1] : w.name, e);
	if (r == 0 && w.o->purge)
		r = store_list_remove(w.c.store, w.name, e);
	return work_close(&w, r);
}

/**
 * manifest_rm_run() - skiff manifest rm
 * @ctx:	Global options
 * @opts:	struct manifest_opts
 * @argc:	Operands
 * @argv:	Lists
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int manifest_rm_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct work w;
	int failed = 0, r = work_open(&w, ctx, opts, argv[0], e);

	if (r < 0)
		return r;
	for (int i = 0; i < argc; i++) {
		auto_free char *name = NULL;

		r = full_name(argv[i], &name, e);
		if (r == 0)
			r = store_list_remove(w.c.store, name, e);
		if (r == 0)
			printf("Untagged: %s\n", name);
		else if (argc > 1)
			cmd_print_error(e);
		failed = r < 0 ? r : failed;
	}
	return work_close(&w, failed < 0 && argc > 1 ? 1 : failed);
}

/**
 * manifest_remove_run() - skiff manifest remove
 * @ctx:	Global options
 * @opts:	struct manifest_opts
 * @argc:	2
 * @argv:	List, image
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int manifest_remove_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	auto_free char *digest = NULL;
	struct work w;
	int r = work_open(&w, ctx, opts, argv[0], e);

	(void)argc;
	if (r < 0)
		return r;
	r = read_to_change(&w, e);
	if (r == 0)
		r = find_digest(&w, argv[1], &digest, e);
	if (r == 0) {
		rewrite(&w, digest, NULL);
		json_del(own_object(w.doc, "sources"), digest);
		r = store_list_write(w.c.store, w.name, w.doc, e);
	}
	if (r == 0)
		printf("%s\n", digest);
	return work_close(&w, r);
}

/**
 * manifest_exists_run() - skiff manifest exists
 * @ctx:	Global options
 * @opts:	struct manifest_opts
 * @argc:	1
 * @argv:	List
 * @e:		Failure
 *
 * Return: 0, 1 when there is none, negative errno
 */
int manifest_exists_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct work w;
	int r = work_open(&w, ctx, opts, argv[0], e);

	(void)argc;
	if (r < 0)
		return r;
	r = read_list(&w, e);
	return work_close(&w, r == -ENOENT ? 1 : r);
}
