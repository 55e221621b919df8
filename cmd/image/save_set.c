/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/save_set.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/crypto/sha256.h"
#include "lib/oci/digest.h"
#include "lib/oci/json.h"
#include "lib/oci/ref.h"
#include "storage/store.h"
#include "storage/unpack/pack.h"

/*
 * Theory of operation
 *
 * docker's archive holds plain tars: written again from the layers' folders, the same bytes at every time and on every
 * machine. An OCI layout holds what a registry holds: where the store kept the compressed blobs these go out as they
 * are, under the manifest that the image was pulled with. Where it did not, the layer is a plain tar, or compressed
 * anew when that is asked for, and the manifest is made anew; the config, and with it the image's id, is the same in
 * any case.
 */

#define META_MAX (1U << 24)

static const char *const format_names[] = {
	[SAVE_DOCKER_ARCHIVE] = "docker-archive",
	[SAVE_OCI_ARCHIVE] = "oci-archive",
	[SAVE_OCI_DIR] = "oci-dir",
	[SAVE_DOCKER_DIR] = "docker-dir",
};
_Static_assert(sizeof(format_names) / sizeof(*format_names) == SAVE_FORMAT__N, "a name for each format");

int save_format_parse(const char *text, enum save_format *ret, struct err *e)
{
	for (unsigned i = 0; i < SAVE_FORMAT__N; i++)
		if (str_is_eq(text, format_names[i])) {
			*ret = (enum save_format)i;
			return 0;
		}
	return err_say(e, EINVAL, "unknown format '%s': it is docker-archive, oci-archive, oci-dir or docker-dir",
		       text);
}

/* ---- images ---- */

static void image_done(struct save_image *i)
{
	strv_free(i->names);
	free(i->manifest_digest);
	free(i->manifest_text);
	free(i->config_text);
	for (size_t k = 0; i->layers && k < i->manifest.n_layers; k++)
		fd_closep(&i->layers[k].packed);
	oci_manifest_done(&i->manifest);
	oci_image_config_free(i->config);
	free(i->layers);
}

void save_set_done(struct save_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		image_done(&set->v[i]);
	free(set->v);
	*set = (struct save_set) { 0 };
}

static int read_layer(struct store *s, struct store_txn *t, const struct oci_descriptor *d, const char *diff_id,
		      struct save_layer *ret, struct err *e)
{
	auto_json struct json *meta = NULL;
	auto_close int fd = -EBADF;
	int blob, r = store_txn_need_layer(t, diff_id, e);

	if (r == 0)
		return err_say(e, ENOENT, "layer %s is not in the store (skiff system check)", diff_id);
	if (r < 0)
		return r;
	blob = store_txn_need_blob(t, d->digest, e);
	if (blob < 0)
		return blob;
	r = store_layer_open(s, diff_id, &fd, e);
	if (r == 0)
		r = json_parse_file(fd, "meta.json", META_MAX, &meta, e);
	if (r < 0)
		return r;
	*ret = (struct save_layer) {
		.diff_id = diff_id,
		.tar_size = (uint64_t)json_get_i64(meta, "tarSize", -1),
		.has_frame = json_get_bool(meta, "frame", false),
		.has_blob = blob > 0,
		.packed = -EBADF,
	};
	if (ret->tar_size > INT64_MAX)
		return err_say(e, EBADMSG, "layer %s: the store does not tell its size (skiff system check)", diff_id);
	if (!ret->has_frame && !ret->has_blob)
		return err_say(e, ENOENT, "blob %s is not in the store (skiff system check)", d->digest);
	return 0;
}

static int read_documents(struct store *s, struct store_txn *t, const struct image_rec *rec, struct save_image *i,
			  struct err *e)
{
	int r = store_txn_need_blob(t, rec->manifest_digest, e);

	if (r >= 0)
		r = store_txn_need_blob(t, rec->config_digest, e);
	if (r >= 0)
		r = store_blob_read(s, rec->manifest_digest, &i->manifest_text, &i->manifest_len, e);
	if (r == 0)
		r = oci_manifest_parse(i->manifest_text, i->manifest_len, NULL, &i->manifest, e);
	if (r == 0)
		r = store_blob_read(s, i->manifest.config.digest, &i->config_text, &i->config_len, e);
	if (r == 0)
		r = oci_image_config_parse(i->config_text, i->config_len, &i->config, e);
	if (r == 0 && i->manifest.n_layers != strv_len(i->config->diff_ids))
		r = err_say(e, EBADMSG, "image %s: manifest and config have different numbers of layers",
			    rec->config_digest);
	if (r < 0)
		return r;
	i->manifest_digest = xstrdup(rec->manifest_digest);
	i->layers = xcalloc(i->manifest.n_layers + 1, sizeof(*i->layers));
	for (size_t k = 0; k < i->manifest.n_layers; k++)
		i->layers[k].packed = -EBADF;
	for (size_t k = 0; r == 0 && k < i->manifest.n_layers; k++)
		r = read_layer(s, t, &i->manifest.layers[k], i->config->diff_ids[k], &i->layers[k], e);
	return r;
}

static struct save_image *find_image(struct save_set *set, const char *manifest_digest)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_is_eq(set->v[i].manifest_digest, manifest_digest))
			return &set->v[i];
	return NULL;
}

/* A name that others can load: not a digest, and not one of ours. */
static bool is_portable(const char *name)
{
	return name && !strchr(name, '@') && !store_image_is_embedded(name);
}

static int check_platform(const struct save_image *i, const char *text, const struct oci_platform *want, struct err *e)
{
	auto_free char *have = NULL, *wanted = NULL;

	if (!want || oci_platform_is_match(&i->config->platform, want))
		return 0;
	have = oci_platform_text(&i->config->platform);
	wanted = oci_platform_text(want);
	return err_say(e, ENOENT, "image %s was found but is for the platform %s, not %s", text, have, wanted);
}

static int add_image(struct save_set *set, struct store *s, struct store_txn *t, const struct image_rec *rec,
		     bool named, const char *text, const struct oci_platform *platform, struct err *e)
{
	struct save_image *i = find_image(set, rec->manifest_digest), fresh = { 0 };
	int r = i ? 0 : read_documents(s, t, rec, &fresh, e);

	if (r == 0 && !i)
		r = check_platform(&fresh, text, platform, e);
	if (r < 0) {
		image_done(&fresh);
		return r;
	}
	if (!i) {
		set->v = xrealloc(set->v, (set->n + 1) * sizeof(*set->v));
		set->v[set->n] = fresh;
		i = &set->v[set->n++];
	}
	if (named && is_portable(rec->name) && !strv_has(i->names, rec->name))
		strv_add(&i->names, rec->name);
	return 0;
}

/* All tags of a repository. Return: how many, or negative errno. */
static int add_repository(struct save_set *set, struct store *s, struct store_txn *t, const char *text,
			  const struct oci_platform *platform, struct err *e)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *repo = NULL;
	struct image_rec *recs;
	size_t n;
	int found = 0, r;

	if (ref_parse(text, &ref, NULL) < 0 || ref.tag || ref.digest)
		return 0;
	repo = ref_name(&ref);
	r = store_image_list(s, &recs, &n, e);
	if (r < 0)
		return r;
	for (size_t i = n; r == 0 && i-- > 0;) { /* oldest first: what was saved stays in its place */
		const char *rest = recs[i].name ? str_after(recs[i].name, repo) : NULL;

		if (!rest || *rest != ':')
			continue;
		r = add_image(set, s, t, &recs[i], true, text, platform, e);
		found++;
	}
	image_recs_free(recs, n);
	return r < 0 ? r : found;
}

int save_set_add(struct save_set *set, struct store *s, struct store_txn *t, const char *text,
		 const struct oci_platform *platform, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	auto_ref struct ref ref = { 0 };
	auto_free char *full = NULL;
	int r = add_repository(set, s, t, text, platform, e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = store_image_find(s, text, &rec, e);
	if (r < 0)
		return r;
	/* Chosen by id or digest it has no name in the archive, as with docker. */
	if (ref_parse(text, &ref, NULL) == 0 && ref.tag && !ref.digest)
		full = ref_full(&ref);
	return add_image(set, s, t, &rec, str_is_eq(full, rec.name), text, platform, e);
}

/* ---- compression ---- */

/* Another image's, or another place in this one. */
static const struct save_layer *find_packed(const struct save_set *set, const char *diff_id)
{
	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; k < set->v[i].manifest.n_layers; k++)
			if (set->v[i].layers[k].packed >= 0 && str_is_eq(set->v[i].layers[k].diff_id, diff_id))
				return &set->v[i].layers[k];
	return NULL;
}

static int wait_pack(struct pack *p, int stop, struct err *e)
{
	struct pollfd fds[2] = { { .fd = pack_fd(p), .events = POLLIN }, { .fd = stop, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "wait for the compression");
	return fds[1].revents ? err_say(e, EINTR, "interrupted") : 0;
}

static int pack_layer(struct save_layer *y, struct store *s, struct store_txn *t, const struct idmap *map, int stop,
		      struct err *e)
{
	auto_free char *name = xasprintf("packed-%.16s", digest_hex(y->diff_id));
	auto_close int layer = -EBADF, out = -EBADF;
	struct pack_spec spec = { .map = map, .diff_id = y->diff_id, .format = PACK_GZIP, .blob_fd = -EBADF };
	struct pack *p = NULL;
	int r = store_layer_open(s, y->diff_id, &layer, e);

	if (r < 0)
		return r;
	out = openat(store_txn_dir(t), name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return err_set(e, errno, "create a scratch file in the store");
	spec.layer_fd = layer;
	spec.out_fd = out;
	r = pack_start(&spec, &p, e);
	if (r == 0)
		r = wait_pack(p, stop, e);
	if (r < 0) {
		pack_abort(p);
		return r;
	}
	r = pack_finish(p, y->packed_digest, &y->packed_size, e);
	if (r == 0 && lseek(out, 0, SEEK_SET) < 0)
		r = err_set(e, errno, "read a scratch file of the store");
	if (r == 0)
		y->packed = take_fd(&out);
	return r;
}

int save_set_compress(struct save_set *set, struct store *s, struct store_txn *t, const struct idmap *map, int stop,
		      struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; r == 0 && k < set->v[i].manifest.n_layers; k++) {
			struct save_layer *y = &set->v[i].layers[k];
			const struct save_layer *same = y->has_blob ? NULL : find_packed(set, y->diff_id);

			if (y->has_blob)
				continue;
			if (!same) {
				r = pack_layer(y, s, t, map, stop, e);
				continue;
			}
			y->packed = fcntl(same->packed, F_DUPFD_CLOEXEC, 3);
			if (y->packed < 0)
				r = err_set(e, errno, "duplicate descriptor");
			y->packed_size = same->packed_size;
			memcpy(y->packed_digest, same->packed_digest, sizeof(y->packed_digest));
		}
	return r;
}

/* ---- members ---- */

static void add_plain_layer(struct out_list *l, const struct save_image *i, size_t k, const char *name)
{
	const struct save_layer *y = &i->layers[k];

	if (y->has_frame)
		out_add(l, OUT_LAYER, name, y->diff_id, NULL, y->tar_size);
	else
		out_add(l, OUT_PLAIN, name, y->diff_id, i->manifest.layers[k].digest, y->tar_size);
}

/* Text of a document, with a newline as editors want it. */
static void add_document(struct out_list *l, const char *name, const struct json *doc)
{
	auto_free char *text = json_compact(doc), *line = xasprintf("%s\n", text);

	out_add_text(l, name, line, strlen(line));
}

static void docker_archive(const struct save_set *set, struct out_list *l)
{
	auto_json struct json *doc = json_new_array();
	struct out_list rest = { 0 };

	for (size_t i = 0; i < set->n; i++) {
		const struct save_image *img = &set->v[i];
		auto_free char *config = xasprintf("%s.json", digest_hex(img->manifest.config.digest));
		struct json *item = json_add_object(doc), *layers;

		json_set_str(item, "Config", config);
		json_set_strv_or_null(item, "RepoTags", img->names);
		layers = json_set_array(item, "Layers");
		out_add_text(&rest, config, img->config_text, img->config_len);
		for (size_t k = 0; k < img->manifest.n_layers; k++) {
			auto_free char *name = xasprintf("%s.tar", digest_hex(img->layers[k].diff_id));

			json_add_str(layers, name);
			add_plain_layer(&rest, img, k, name);
		}
	}
	/* The table of contents comes first: a reader of a stream knows at once what it gets. */
	add_document(l, "manifest.json", doc);
	l->v = xrealloc(l->v, (1 + rest.n) * sizeof(*l->v));
	if (rest.n)
		memcpy(l->v + 1, rest.v, rest.n * sizeof(*l->v));
	l->n += rest.n;
	free(rest.v);
}

static char *member_name(const char *digest, bool in_layout)
{
	return xasprintf("%s%s", in_layout ? "blobs/sha256/" : "", digest_hex(digest));
}

/* The blob where there is one, else the tar, compressed or not: then @d is changed to tell so. */
static bool add_layer(struct out_list *l, const struct save_image *i, size_t k, bool docker, struct oci_descriptor *d)
{
	const struct save_layer *y = &i->layers[k];
	auto_free char *name = NULL;

	if (y->has_blob) {
		name = member_name(d->digest, !docker);
		out_add(l, OUT_BLOB, name, d->digest, NULL, (uint64_t)d->size);
		return false;
	}
	free(d->media_type);
	free(d->digest);
	if (y->packed >= 0) {
		name = member_name(y->packed_digest, !docker);
		out_add_file(l, name, y->packed_digest, y->packed, y->packed_size);
		d->media_type = xstrdup(docker ? DOCKER_MT_LAYER_GZIP : OCI_MT_LAYER_GZIP);
		d->digest = xstrdup(y->packed_digest);
		d->size = (int64_t)y->packed_size;
		return true;
	}
	name = member_name(y->diff_id, !docker);
	add_plain_layer(l, i, k, name);
	d->media_type = xstrdup(docker ? DOCKER_MT_LAYER : OCI_MT_LAYER);
	d->digest = xstrdup(y->diff_id);
	d->size = (int64_t)y->tar_size;
	return true;
}

/* docker's names for what an OCI manifest says. */
static int to_docker_types(struct oci_manifest *m, struct err *e)
{
	free(m->media_type);
	free(m->config.media_type);
	m->media_type = xstrdup(DOCKER_MT_MANIFEST);
	m->config.media_type = xstrdup(DOCKER_MT_CONFIG);
	for (size_t k = 0; k < m->n_layers; k++) {
		enum oci_compression c;
		int r = oci_layer_compression(m->layers[k].media_type, &c, e);

		if (r < 0)
			return r;
		if (c == OCI_TAR_ZSTD)
			return err_say(
				e, ENOTSUP,
				"layer %s is compressed with zstd, for which docker's manifests have no word: use "
				"--format oci-dir",
				m->layers[k].digest);
		free(m->layers[k].media_type);
		m->layers[k].media_type = xstrdup(c == OCI_TAR ? DOCKER_MT_LAYER : DOCKER_MT_LAYER_GZIP);
	}
	return 0;
}

/**
 * add_image_blobs() - Add an image's layers, config and manifest
 * @l:		Members
 * @i:		The image
 * @docker:	docker's types, and names without folders (a "dir:")
 * @ret:	Describes the manifest that was added
 * @ret_text:	Its text, owned
 * @ret_changed: Set when it is not the one the image was pulled with
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
static int add_image_blobs(struct out_list *l, const struct save_image *i, bool docker, struct oci_descriptor *ret,
			   char **ret_text, bool *ret_changed, struct err *e)
{
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_free char *config = NULL;
	char digest[SHA256_DIGEST_SIZE];
	bool plain = false;
	int r = oci_manifest_parse(i->manifest_text, i->manifest_len, NULL, &m, e);

	if (r < 0)
		return r;
	for (size_t k = 0; k < m.n_layers; k++)
		plain |= add_layer(l, i, k, docker, &m.layers[k]);
	config = member_name(m.config.digest, !docker);
	out_add_text(l, config, i->config_text, i->config_len);
	if (docker && strcmp(m.media_type, DOCKER_MT_MANIFEST) != 0) {
		r = to_docker_types(&m, e);
		if (r < 0)
			return r;
		*ret_text = oci_manifest_text(&m);
	} else {
		*ret_text = plain ? oci_manifest_text(&m) : xstrdup(i->manifest_text);
	}
	*ret_changed |= plain;
	sha256_of(*ret_text, strlen(*ret_text), digest);
	*ret = (struct oci_descriptor) {
		.media_type = xstrdup(m.media_type),
		.digest = xstrdup(digest),
		.size = (int64_t)strlen(*ret_text),
	};
	return 0;
}

static void describe(struct json *list, const struct oci_descriptor *d, const struct save_image *i, const char *name)
{
	struct json *item = json_add_object(list), *p, *a;

	json_set_str(item, "mediaType", d->media_type);
	json_set_str(item, "digest", d->digest);
	json_set_i64(item, "size", d->size);
	p = json_set_object(item, "platform");
	json_set_str(p, "architecture", i->config->platform.arch ? i->config->platform.arch : "unknown");
	json_set_str(p, "os", i->config->platform.os ? i->config->platform.os : "unknown");
	if (i->config->platform.variant)
		json_set_str(p, "variant", i->config->platform.variant);
	if (!name)
		return;
	/* The first one for containerd and docker, the second one for podman and skopeo. */
	a = json_set_object(item, "annotations");
	json_set_str(a, "io.containerd.image.name", name);
	json_set_str(a, "org.opencontainers.image.ref.name", name);
}

static int oci_layout(const struct save_set *set, struct out_list *l, bool *ret_changed, struct err *e)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";
	auto_json struct json *doc = json_new_object();
	struct json *list;
	int r = 0;

	json_set_i64(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", OCI_MT_INDEX);
	list = json_set_array(doc, "manifests");
	out_add_text(l, "oci-layout", version, sizeof(version) - 1);
	out_add_folder(l, "blobs/");
	out_add_folder(l, "blobs/sha256/");
	for (size_t i = 0; r == 0 && i < set->n; i++) {
		const struct save_image *img = &set->v[i];
		struct oci_descriptor d = { 0 };
		auto_free char *text = NULL, *name = NULL;

		r = add_image_blobs(l, img, false, &d, &text, ret_changed, e);
		if (r == 0) {
			name = member_name(d.digest, true);
			out_add_text(l, name, text, strlen(text));
		}
		for (char **n = img->names; r == 0 && n && *n; n++)
			describe(list, &d, img, *n);
		if (r == 0 && !img->names)
			describe(list, &d, img, NULL);
		oci_descriptor_done(&d);
	}
	if (r == 0)
		add_document(l, "index.json", doc);
	return r;
}

static int docker_dir(const struct save_set *set, struct out_list *l, bool *ret_changed, struct err *e)
{
	static const char version[] = "Directory Transport Version: 1.1\n";
	struct oci_descriptor d = { 0 };
	auto_free char *text = NULL;
	int r;

	if (set->n != 1)
		return err_say(e, EINVAL, "a docker-dir holds one image, these are %zu: use --format oci-dir", set->n);
	out_add_text(l, "version", version, sizeof(version) - 1);
	r = add_image_blobs(l, &set->v[0], true, &d, &text, ret_changed, e);
	if (r == 0)
		out_add_text(l, "manifest.json", text, strlen(text));
	oci_descriptor_done(&d);
	return r;
}

int save_members(const struct save_set *set, enum save_format format, struct out_list *ret, bool *ret_changed,
		 struct err *e)
{
	*ret_changed = false;
	switch (format) {
	case SAVE_OCI_ARCHIVE:
	case SAVE_OCI_DIR:
		return oci_layout(set, ret, ret_changed, e);
	case SAVE_DOCKER_DIR:
		return docker_dir(set, ret, ret_changed, e);
	default:
		docker_archive(set, ret);
		return 0;
	}
}
