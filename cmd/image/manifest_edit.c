/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/manifest_edit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"

static const char *const layer_types[2][OCI_COMPRESSION__N] = {
	{ [OCI_TAR] = OCI_MT_LAYER, [OCI_TAR_GZIP] = OCI_MT_LAYER_GZIP, [OCI_TAR_ZSTD] = OCI_MT_LAYER_ZSTD },
	{ [OCI_TAR] = DOCKER_MT_LAYER, [OCI_TAR_GZIP] = DOCKER_MT_LAYER_GZIP, [OCI_TAR_ZSTD] = NULL },
};

static bool has_changes(const struct oci_manifest *m, const struct manifest_edit *edit)
{
	bool is_docker = !strcmp(m->media_type, DOCKER_MT_MANIFEST);

	if (edit->docker >= 0 && (bool)edit->docker != is_docker)
		return true;
	for (size_t i = 0; i < m->n_layers; i++)
		if (edit->layers[i].digest)
			return true;
	return false;
}

static int edit_layer(struct json *to, const struct oci_descriptor *d, const struct manifest_layer *l, bool docker,
		      struct err *e)
{
	enum oci_compression c;
	int r = oci_layer_compression(d->media_type, &c, e);

	if (r < 0)
		return r;
	if (l->digest)
		c = l->compression;
	if (!layer_types[docker][c])
		return err_say(e, ENOTSUP,
			       "a v2s2 manifest cannot name zstd layers: use --format oci, or "
			       "--compression-format gzip");
	json_set_str(to, "mediaType", layer_types[docker][c]);
	if (l->digest) {
		json_set_str(to, "digest", l->digest);
		json_set_i64(to, "size", l->size);
	}
	return 0;
}

/* The parts that change are copied, the others shared. */
static int edit_member(struct json *to, const char *key, const struct json *value, const struct oci_manifest *m,
		       const struct manifest_edit *edit, bool docker, struct err *e)
{
	struct json *copy;
	int r = 0;

	if (!strcmp(key, "mediaType"))
		return 0;
	if (!strcmp(key, "config")) {
		copy = json_dup(value);
		json_set_str(copy, "mediaType", docker ? DOCKER_MT_CONFIG : OCI_MT_CONFIG);
		json_set(to, key, copy);
		return 0;
	}
	if (strcmp(key, "layers")) {
		json_set(to, key, json_share(value));
		return 0;
	}
	copy = json_set_array(to, key);
	for (size_t i = 0; i < json_len(value) && i < m->n_layers && r == 0; i++) {
		struct json *layer = json_dup(json_item(value, i));

		json_add(copy, layer);
		r = edit_layer(layer, &m->layers[i], &edit->layers[i], docker, e);
	}
	return r;
}

/**
 * manifest_edit() - Change what a manifest says about its layers and types
 * @text:	The manifest
 * @len:	Its length
 * @m:		The same, parsed
 * @edit:	What is to be changed
 * @ret:	New text, owned
 * @e:		Failure
 *
 * Return: 1, 0 when nothing changes, -ENOTSUP, -EINVAL
 */
int manifest_edit(const char *text, size_t len, const struct oci_manifest *m, const struct manifest_edit *edit,
		  char **ret, struct err *e)
{
	auto_json struct json *doc = NULL, *to = NULL;
	bool docker = edit->docker < 0 ? !strcmp(m->media_type, DOCKER_MT_MANIFEST) : edit->docker;
	int r;

	if (!has_changes(m, edit))
		return 0;
	r = json_parse(text, len, &doc, e);
	if (r < 0)
		return r;
	to = json_new_object();
	json_set_i64(to, "schemaVersion", 2);
	json_set_str(to, "mediaType", docker ? DOCKER_MT_MANIFEST : OCI_MT_MANIFEST);
	for (struct json_iter it = json_iter(doc); r == 0 && json_next(&it);)
		r = edit_member(to, it.key, it.value, m, edit, docker, e);
	if (r < 0)
		return r;
	*ret = json_compact(to);
	return 1;
}
