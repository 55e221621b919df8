/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: what is copied is a list of documents (manifests, and behind them the indexes that name them;
 * the last one is what the destination's name will mean) and the blobs that the manifests name. A registry gets blobs
 * from files or straight out of the other registry (send.c); folders get them as files (gather.c); an archive is a
 * folder in the store's scratch space that is written out as a tar; the store unpacks them (copy_store.c). Documents
 * come after their blobs, so a name never means something incomplete.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/image/archive_out.h"
#include "cmd/image/client.h"
#include "cmd/image/copy.h"
#include "cmd/image/copy_end.h"
#include "cmd/image/copy_store.h"
#include "cmd/image/gather.h"
#include "cmd/image/manifest_edit.h"
#include "cmd/image/output.h"
#include "cmd/image/save_set.h"
#include "cmd/image/send.h"
#include "cmd/image/stop.h"
#include "cmd/image/trust.h"
#include "cmd/image/verbs.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/format/progress.h"
#include "lib/http/registry.h"
#include "lib/oci/digest.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/runtime/userns.h"
#include "storage/store.h"

#define PARALLEL    5
#define INDEX_DEPTH 3
#define REF_NAME    "org.opencontainers.image.ref.name"

/**
 * struct copy_doc - one document
 * @digest:	of @text
 * @type:	media type
 * @is_index:	its blobs are other documents
 */
struct copy_doc {
	char digest[SHA256_DIGEST_SIZE];
	char *type;
	char *text;
	size_t len;
	bool is_index;
};

/**
 * struct copy - one `skiff copy`
 * @to_remote:	settings for the destination
 * @docs:	what is copied, the top one last
 * @blobs:	what it consists of
 * @docker:	--format: 1 v2s2, 0 oci, -1 as it is
 * @by_digest:	the destination gets no tag
 */
struct copy {
	const struct copy_opts *o;
	struct client c;
	struct remote to_remote;
	struct auth to_given;
	struct copy_end from, to;
	struct store_txn *txn;
	struct progress *out;
	struct copy_doc *docs;
	size_t n_docs;
	struct oci_descriptor *blobs;
	size_t n_blobs;
	int docker;
	bool by_digest;
};

static const struct copy_doc *top(const struct copy *c)
{
	return &c->docs[c->n_docs - 1];
}

static int add_blob(struct copy *c, const struct json *j, struct err *e)
{
	const char *digest = json_get_str(j, "digest"), *type = json_get_str(j, "mediaType");
	int64_t size = json_get_i64(j, "size", -1);
	int r = digest ? digest_check(digest, e) : err_say(e, EINVAL, "the manifest names a blob without a digest");

	if (r < 0)
		return r;
	if (size < 0)
		return err_say(e, EINVAL, "blob %s has no valid size", digest);
	if (type && (strstr(type, "foreign") || strstr(type, "nondistributable")))
		return 0; /* comes from elsewhere, by its own licence */
	for (size_t i = 0; i < c->n_blobs; i++)
		if (!strcmp(c->blobs[i].digest, digest))
			return 0;
	c->blobs = xrealloc(c->blobs, (c->n_blobs + 1) * sizeof(*c->blobs));
	c->blobs[c->n_blobs++] = (struct oci_descriptor) { .digest = xstrdup(digest), .size = size };
	return 0;
}

/* Layers first: the config is small, and what is first is begun first. Also of what is no container image. */
static int add_blobs(struct copy *c, const char *text, size_t len, struct err *e)
{
	auto_json struct json *doc = NULL;
	const struct json *layers = NULL;
	int r = json_parse(text, len, &doc, e);

	if (r == 0)
		r = json_read_array(doc, "layers", &layers, e);
	for (size_t i = 0; r == 0 && i < json_len(layers); i++)
		r = add_blob(c, json_item(layers, i), e);
	if (r == 0 && json_get(doc, "config"))
		r = add_blob(c, json_get(doc, "config"), e);
	return r;
}

static void add_doc(struct copy *c, char *text, size_t len, const char *type, bool is_index)
{
	struct copy_doc *d;

	c->docs = xrealloc(c->docs, (c->n_docs + 1) * sizeof(*c->docs));
	d = &c->docs[c->n_docs++];
	*d = (struct copy_doc) { .type = xstrdup(type), .text = text, .len = len, .is_index = is_index };
	sha256_of(text, len, d->digest);
}

static int add_tree(struct copy *c, char **text, size_t len, const char *type, int depth, struct err *e);

static int add_child(struct copy *c, const struct oci_descriptor *d, int depth, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r;

	if (depth >= INDEX_DEPTH)
		return err_say(e, EINVAL, "indexes are nested too deeply");
	r = copy_end_doc(&c->from, d->digest, &text, &len, e);
	return r < 0 ? r : add_tree(c, &text, len, d->media_type, depth + 1, e);
}

/* A document and everything below it; of an index without --all only what the platform needs, without the index. */
static int add_tree(struct copy *c, char **text, size_t len, const char *type, int depth, struct err *e)
{
	auto_json struct json *json = NULL;
	auto_oci_doc struct oci_doc doc = { 0 };
	const struct oci_descriptor *d;
	const char *own;
	int r = json_parse(*text, len, &json, e);

	if (r < 0)
		return r;
	own = json_get_str(json, "mediaType");
	if (!own)
		own = type ? type : json_get(json, "manifests") ? OCI_MT_INDEX : OCI_MT_MANIFEST;
	if (!oci_is_index_type(own)) {
		r = add_blobs(c, *text, len, e);
		if (r == 0)
			add_doc(c, take_ptr(text), len, own, false);
		return r;
	}
	r = oci_doc_parse(*text, len, type, &doc, e);
	if (r == 0 && !c->o->all) {
		r = oci_index_select(&doc.index, c->c.remote.platform, &d, e);
		return r < 0 ? r : add_child(c, d, depth, e);
	}
	for (size_t i = 0; r == 0 && i < doc.index.n_manifests; i++)
		r = add_child(c, &doc.index.manifests[i], depth, e);
	if (r == 0)
		add_doc(c, take_ptr(text), len, own, true);
	return r;
}

/* --format. */
static int convert(struct copy *c, struct err *e)
{
	struct manifest_edit edit = { .docker = c->docker };
	auto_oci_manifest struct oci_manifest m = { 0 };
	struct copy_doc *d = &c->docs[c->n_docs - 1];
	char *text = NULL;
	int r;

	if (c->docker < 0)
		return 0;
	if (d->is_index)
		return err_say(e, EINVAL,
			       "--format cannot be used with --all: it would change the digests in the index");
	r = oci_manifest_parse(d->text, d->len, d->type, &m, e);
	if (r < 0)
		return r;
	edit.layers = xcalloc(m.n_layers + 1, sizeof(*edit.layers));
	r = manifest_edit(d->text, d->len, &m, &edit, &text, e);
	free(edit.layers);
	if (r <= 0)
		return r;
	free(d->text);
	free(d->type);
	c->n_docs--;
	add_doc(c, text, strlen(text), c->docker ? DOCKER_MT_MANIFEST : OCI_MT_MANIFEST, false);
	return 0;
}

/* What comes from a registry may be signed as what it was named, or as what was chosen of that for our platform. */
static int check_source(const struct copy *c, const char *text, size_t len, struct err *e)
{
	char digest[SHA256_DIGEST_SIZE];
	const char *digests[] = { digest, c->o->all ? NULL : top(c)->digest, NULL };

	if (c->from.kind != END_DOCKER)
		return 0;
	sha256_of(text, len, digest);
	return trust_check_image(c->c.remote.policy, c->from.registry, &c->from.ref, digests, e);
}

static int read_source(struct copy *c, struct err *e)
{
	auto_free char *text = NULL, *type = NULL;
	auto_free char *named = NULL;
	size_t len = 0;
	int r = copy_end_top(&c->from, &text, &len, &type, e);

	if (r < 0)
		return r;
	named = xstrndup(text, len);
	r = add_tree(c, &text, len, type, 0, e);
	if (r == 0)
		r = check_source(c, named, len, e);
	return r < 0 ? r : convert(c, e);
}

/* A folder of our own, below the store's scratch space. */
static int make_scratch(struct copy *c, const char *name, int *ret_fd, struct err *e)
{
	int r = c->txn ? 0 : store_txn_begin(c->c.store, &c->txn, e);

	if (r == 0)
		r = store_make_dir(c->c.store, store_txn_dir(c->txn), name, e);
	return r < 0 ? r : fs_open_dir(store_txn_dir(c->txn), name, ret_fd, e);
}

/* ---- to a registry ---- */

static int plan_item(struct copy *c, const struct oci_descriptor *b, struct send_item *it, struct err *e)
{
	*it = (struct send_item) { .fd = -EBADF, .n_forms = 1, .forms = xcalloc(1, sizeof(*it->forms)) };
	it->forms[0] = (struct send_form) { .digest = xstrdup(b->digest), .size = b->size };
	if (c->from.kind != END_DOCKER)
		return copy_end_blob(&c->from, b->digest, &it->fd, e);
	it->from = c->from.registry;
	if (!strcmp(c->from.ref.domain, c->to.ref.domain) && strcmp(c->from.ref.path, c->to.ref.path))
		strv_add(&it->forms[0].repos, c->from.ref.path);
	return 0;
}

static int send_all(struct copy *c, struct err *e)
{
	const struct send_spec spec = {
		.http = c->c.http,
		.registry = c->to.registry,
		.scratch_fd = -EBADF,
		.progress = c->out,
		.parallel = c->c.conf.max_uploads > 0 ? (unsigned)c->c.conf.max_uploads : PARALLEL,
		.stop = c->c.stop,
	};
	struct send_item *items = xcalloc(c->n_blobs + 1, sizeof(*items));
	char(*labels)[DIGEST_SHORT + 1] = xcalloc(c->n_blobs + 1, sizeof(*labels));
	size_t n = 0;
	int r = 0;

	for (; n < c->n_blobs && r == 0; n++) {
		r = plan_item(c, &c->blobs[n], &items[n], e);
		digest_short(c->blobs[n].digest, labels[n]);
		items[n].label = labels[n];
	}
	if (r == 0)
		r = send_run(&spec, items, n, e);
	for (size_t i = 0; i < n; i++) {
		fd_closep(&items[i].fd);
		send_item_done(&items[i]);
	}
	free(items);
	free(labels);
	return r;
}

static int to_registry(struct copy *c, struct err *e)
{
	auto_free char *there = NULL;
	int r;

	if (c->to.ref.digest)
		return err_say(e, EINVAL, "cannot copy to a digest: name a tag");
	r = remote_open(&c->to_remote, &c->to.ref, &c->to.registry, e);
	if (r == 0)
		r = registry_manifest_head(c->to.registry, c->to.ref.tag, &there, e);
	if (r == 0 || r == -ENOENT)
		r = send_all(c, e);
	for (size_t i = 0; r == 0 && i < c->n_docs; i++) {
		const struct copy_doc *d = &c->docs[i];

		r = registry_manifest_put(c->to.registry, d == top(c) && !c->by_digest ? c->to.ref.tag : d->digest,
					  d->type, d->text, d->len, e);
	}
	return r;
}

/* ---- to folders ---- */

static int gather_all(struct copy *c, int dirfd, struct err *e)
{
	const struct oci_descriptor **list = xcalloc(c->n_blobs + 1, sizeof(*list));
	int r;

	for (size_t i = 0; i < c->n_blobs; i++)
		list[i] = &c->blobs[i];
	r = gather_blobs(&c->from, c->c.http, list, c->n_blobs, dirfd, c->out, c->c.stop, e);
	free(list);
	return r;
}

/* index.json with the image under its name; what was there under other names stays. */
static int edit_index(struct copy *c, int dirfd, char **ret, struct err *e)
{
	auto_json struct json *old = NULL, *doc = json_new_object();
	struct json *list, *item;
	int r = dirfd >= 0 ? json_parse_file(dirfd, "index.json", OCI_MAX_MANIFEST, &old, e) : -ENOENT;

	if (r < 0 && r != -ENOENT)
		return r;
	json_set_i64(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", OCI_MT_INDEX);
	list = json_set_array(doc, "manifests");
	for (size_t i = 0; i < json_len(json_get_array(old, "manifests")); i++) {
		const struct json *j = json_item(json_get_array(old, "manifests"), i);
		const char *name = json_get_str(json_get_object(j, "annotations"), REF_NAME);

		if (!str_is_eq(name, c->to.name))
			json_add(list, json_share(j));
	}
	item = json_add_object(list);
	json_set_str(item, "mediaType", top(c)->type);
	json_set_str(item, "digest", top(c)->digest);
	json_set_i64(item, "size", (int64_t)top(c)->len);
	if (c->to.name)
		json_set_str(json_set_object(item, "annotations"), REF_NAME, c->to.name);
	*ret = json_compact(doc);
	return 0;
}

static int put_docs(const struct copy *c, int dirfd, const char *format, bool with_top, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_docs - !with_top; i++) {
		auto_free char *name = xasprintf("%s%s", digest_hex(c->docs[i].digest), format);

		r = fs_replace_file(dirfd, name, c->docs[i].text, c->docs[i].len, 0644, 0, e);
	}
	return r;
}

static int to_oci(struct copy *c, struct err *e)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	auto_close int dirfd = -EBADF, blobs = -EBADF;
	auto_free char *index = NULL;
	int r = fs_make_dirs(AT_FDCWD, c->to.path, 0755, e);

	if (r == 0)
		r = fs_open_dir(AT_FDCWD, c->to.path, &dirfd, e);
	if (r == 0)
		r = fs_make_dirs(dirfd, "blobs/sha256", 0755, e);
	if (r == 0)
		r = fs_open_dir(dirfd, "blobs/sha256", &blobs, e);
	if (r == 0)
		r = edit_index(c, dirfd, &index, e);
	if (r == 0)
		r = gather_all(c, blobs, e);
	if (r == 0)
		r = put_docs(c, blobs, "", true, e);
	if (r == 0)
		r = fs_replace_file(dirfd, "oci-layout", version, sizeof(version) - 1, 0644, 0, e);
	if (r < 0)
		return r;
	assert(index);
	return fs_replace_file(dirfd, "index.json", index, strlen(index), 0644, 0, e);
}

static int to_dir(struct copy *c, struct err *e)
{
	static const char version[] = "Directory Transport Version: 1.1\n";
	auto_close int dirfd = -EBADF;
	int r = fs_make_dirs(AT_FDCWD, c->to.path, 0755, e);

	if (r == 0)
		r = fs_open_dir(AT_FDCWD, c->to.path, &dirfd, e);
	if (r == 0)
		r = gather_all(c, dirfd, e);
	if (r == 0)
		r = put_docs(c, dirfd, ".manifest.json", false, e);
	if (r == 0)
		r = fs_replace_file(dirfd, "version", version, sizeof(version) - 1, 0644, 0, e);
	return r < 0 ? r : fs_replace_file(dirfd, "manifest.json", top(c)->text, top(c)->len, 0644, 0, e);
}

/* ---- to the store, this one or another, and to archives through a store that lives only so long ---- */

static int into(struct copy *c, struct store *s, const char *name, struct err *e)
{
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_ref struct ref ref = { 0 };
	auto_free char *full = NULL;
	const struct copy_doc *d = top(c);
	struct copy_store spec = {
		.from = &c->from,
		.http = c->c.http,
		.out = c->out,
		.stop = c->c.stop,
		.text = d->text,
		.len = d->len,
		.m = &m,
		.digest = d->digest,
		.keep_blobs = !c->c.conf.drop_blobs,
	};
	int r = ref_parse(name, &ref, e);

	if (r == 0 && (ref.digest || ref_is_embedded(&ref)))
		r = err_say(e, EINVAL, "'%s': a name with a tag is needed, and not of embedded/", name);
	if (r == 0 && d->is_index)
		r = err_say(e, EINVAL, "the store takes the image of one platform: leave --all out");
	if (r == 0)
		r = oci_manifest_parse(d->text, d->len, d->type, &m, e);
	if (r < 0)
		return r;
	ref_add_default_tag(&ref);
	spec.name = full = ref_full(&ref);
	return copy_to_store(s, &spec, e);
}

static int to_store(struct copy *c, struct err *e)
{
	auto_store struct store *other = NULL;
	int r = c->to.path ? store_open(c->to.path, NULL, &other, e) : 0;

	return r < 0 ? r : into(c, other ? other : c->c.store, c->to.name, e);
}

static int write_tar(struct copy *c, struct store *s, struct out_list *l, struct err *e)
{
	auto_output struct output out = OUTPUT_NONE;
	struct idmap map;
	int r = idmap_for_caller(&map, e);

	if (r == 0)
		r = output_open_file(c->to.path, &out, e);
	if (r == 0)
		r = out_write_tar(s, &map, l, out.fd, c->c.stop, e);
	if (r == 0)
		r = output_commit(&out, e);
	return r < 0 ? err_wrap(e, r, "write '%s'", c->to.path) : 0;
}

static int scratch_store(struct copy *c, struct store **ret, struct err *e)
{
	auto_close int dirfd = -EBADF;
	auto_free char *path = NULL;
	int r = make_scratch(c, "store", &dirfd, e);

	if (r < 0)
		return r;
	path = xasprintf("/proc/self/fd/%d", dirfd);
	auto_free char *real = realpath(path, NULL);

	return real ? store_open(real, NULL, ret, e) : err_set(e, errno, "find the scratch folder");
}

static int to_docker_archive(struct copy *c, struct err *e)
{
	auto_store struct store *s = NULL;
	auto_store_txn struct store_txn *t = NULL;
	auto_save_set struct save_set set = { 0 };
	auto_out_list struct out_list list = { 0 };
	const char *name = c->to.name ? c->to.name : "localhost/image:latest";
	bool changed;
	int r = scratch_store(c, &s, e);

	if (r == 0)
		r = into(c, s, name, e);
	if (r == 0)
		r = store_txn_begin(s, &t, e);
	if (r == 0)
		r = save_set_add(&set, s, t, name, NULL, e);
	if (r == 0 && !c->to.name)
		strv_freep(&set.v[0].names);
	if (r == 0)
		r = save_members(&set, SAVE_DOCKER_ARCHIVE, &list, &changed, e);
	return r < 0 ? r : write_tar(c, s, &list, e);
}

static int to_oci_archive(struct copy *c, struct err *e)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	auto_store struct store *s = NULL;
	auto_out_list struct out_list list = { 0 };
	auto_close int blobs = -EBADF;
	auto_free char *index = NULL;
	int r = scratch_store(c, &s, e);

	if (r == 0)
		r = fs_open_dir(store_fd(s), "oci/blobs/sha256", &blobs, e);
	if (r == 0)
		r = gather_all(c, blobs, e);
	if (r == 0)
		r = edit_index(c, -EBADF, &index, e);
	if (r < 0)
		return r;
	out_add_text(&list, "oci-layout", version, sizeof(version) - 1);
	out_add_folder(&list, "blobs/");
	out_add_folder(&list, "blobs/sha256/");
	for (size_t i = 0; i < c->n_docs; i++) {
		auto_free char *name = xasprintf("blobs/sha256/%s", digest_hex(c->docs[i].digest));

		out_add_text(&list, name, c->docs[i].text, c->docs[i].len);
	}
	for (size_t i = 0; i < c->n_blobs; i++) {
		auto_free char *name = xasprintf("blobs/sha256/%s", digest_hex(c->blobs[i].digest));

		out_add(&list, OUT_BLOB, name, c->blobs[i].digest, NULL, (uint64_t)c->blobs[i].size);
	}
	assert(index);
	out_add_text(&list, "index.json", index, strlen(index));
	return write_tar(c, s, &list, e);
}

static int write_destination(struct copy *c, struct err *e)
{
	static int (*const ways[])(struct copy *, struct err *) = {
		[END_DOCKER] = to_registry,
		[END_OCI] = to_oci,
		[END_OCI_ARCHIVE] = to_oci_archive,
		[END_DOCKER_ARCHIVE] = to_docker_archive,
		[END_DIR] = to_dir,
		[END_STORE] = to_store,
	};

	return ways[c->to.kind](c, e);
}

static int copy(struct copy *c, struct err *e)
{
	auto_close int scratch = -EBADF;
	auto_free char *from = copy_end_text(&c->from), *to = copy_end_text(&c->to);
	int r = 0;

	if (c->from.kind == END_OCI_ARCHIVE || c->from.kind == END_DOCKER_ARCHIVE)
		r = make_scratch(c, "source", &scratch, e);
	if (r == 0)
		r = copy_end_check(&c->from, c->c.remote.policy, e);
	if (r == 0)
		r = copy_end_open(&c->from, &c->c.remote, scratch, e);
	if (r == 0)
		r = read_source(c, e);
	if (r < 0)
		return err_wrap(e, r, "%s", from);
	c->out = progress_new(STDERR_FILENO, c->o->quiet ? PROGRESS_QUIET : progress_mode_for(STDERR_FILENO));
	r = write_destination(c, e);
	progress_free(c->out);
	if (r == -ENOENT && c->from.kind == END_STORE)
		err_hint(e, r, "compressed layers that were dropped can be pushed or saved, not copied");
	return r < 0 ? err_wrap(e, r, "%s", to) : 0;
}

static int read_format(const char *text, int *ret, struct err *e)
{
	*ret = -1;
	if (str_is_eq(text, "oci"))
		*ret = 0;
	else if (str_is_eq(text, "v2s2") || str_is_eq(text, "docker"))
		*ret = 1;
	else if (text)
		return err_say(e, EINVAL, "manifest type '%.40s' is not supported: oci and v2s2 are", text);
	return 0;
}

static void copy_done(struct copy *c)
{
	copy_end_done(&c->from);
	copy_end_done(&c->to);
	store_txn_free(c->txn);
	auth_done(&c->to_given);
	for (size_t i = 0; i < c->n_docs; i++) {
		free(c->docs[i].text);
		free(c->docs[i].type);
	}
	for (size_t i = 0; i < c->n_blobs; i++)
		oci_descriptor_done(&c->blobs[i]);
	free(c->docs);
	free(c->blobs);
}

/**
 * copy_into_repository() - Copy one image, or index, to a registry, by its digest
 * @cl:		Surroundings
 * @from:	Where it is, open
 * @to:		Repository
 * @digest:	Which document
 * @all:	Of an index, everything
 * @quiet:	No progress
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int copy_into_repository(const struct client *cl, struct copy_end *from, const struct ref *to, const char *digest,
			 bool all, bool quiet, struct err *e)
{
	const struct copy_opts o = { .all = all, .quiet = quiet };
	struct copy c = { .o = &o,
			  .c = *cl,
			  .to_remote = cl->remote,
			  .from = *from,
			  .to = COPY_END_NONE,
			  .docker = -1,
			  .by_digest = true };
	auto_free char *text = NULL;
	size_t len;
	int r;

	c.to.ref = (struct ref) { xstrdup(to->domain), xstrdup(to->path), xstrdup(to->tag), NULL };
	r = copy_end_doc(&c.from, digest, &text, &len, e);
	if (r == 0)
		r = add_tree(&c, &text, len, NULL, 0, e);
	if (r == 0) {
		c.out = progress_new(STDERR_FILENO, quiet ? PROGRESS_QUIET : progress_mode_for(STDERR_FILENO));
		r = to_registry(&c, e);
		progress_free(c.out);
	}
	c.from = (struct copy_end)COPY_END_NONE; /* the caller's */
	copy_done(&c);
	return r;
}

/**
 * copy_run() - skiff copy
 * @ctx:	Global options
 * @opts:	struct copy_opts
 * @argc:	2
 * @argv:	Source, destination
 * @e:		Failure
 *
 * Return: exit status or negative errno
 */
int copy_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct copy_opts *o = opts;
	const struct registry_opts src = { .authfile = o->authfile,
					   .cert_dir = o->src_cert_dir,
					   .creds = o->src_creds };
	struct copy c = { .o = o, .from = COPY_END_NONE, .to = COPY_END_NONE };
	int r = read_format(o->format, &c.docker, e);

	(void)argc;
	if (r == 0)
		r = copy_end_parse(argv[0], &c.from, e);
	if (r == 0)
		r = copy_end_parse(argv[1], &c.to, e);
	if (r == 0)
		r = client_open(&c.c, ctx, &src, o->platform, e);
	if (r < 0) {
		copy_end_done(&c.from);
		copy_end_done(&c.to);
		return r;
	}
	r = client_load_policy(&c.c, NULL, e);
	c.c.remote.verify = client_verify(ctx, "src-tls-verify", o->src_tls_verify);
	c.to_remote = c.c.remote;
	client_take_creds(o->dest_creds, &c.to_given);
	c.to_remote.auth.given = o->dest_creds ? &c.to_given : NULL;
	c.to_remote.cert_dir = o->dest_cert_dir;
	c.to_remote.verify = client_verify(ctx, "dest-tls-verify", o->dest_tls_verify);
	if (r == 0)
		r = copy(&c, e);
	if (r == 0 && !o->quiet)
		printf("Digest: %s\n", top(&c)->digest);
	if (r == 0 && o->digestfile)
		r = fs_write_file(AT_FDCWD, o->digestfile, top(&c)->digest, strlen(top(&c)->digest), 0644, e);
	if (r == -EINTR && stop_signal(c.c.stop))
		r = 128 + stop_signal(c.c.stop);
	copy_done(&c);
	client_close(&c.c);
	return r;
}
