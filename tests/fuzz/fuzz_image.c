/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "lib/oci/envfile.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"

static void check_descriptor(const struct oci_descriptor *d)
{
	if (!digest_is_valid(d->digest) || d->size < 0 || str_is_empty(d->media_type))
		abort();
}

static void check_manifest(const struct oci_manifest *m)
{
	auto_oci_manifest struct oci_manifest again = { 0 };
	auto_free char *text = oci_manifest_text(m);
	enum oci_compression c;

	check_descriptor(&m->config);
	for (size_t i = 0; i < m->n_layers; i++) {
		check_descriptor(&m->layers[i]);
		if (oci_layer_compression(m->layers[i].media_type, &c, NULL) < 0)
			abort();
	}
	if (m->n_layers > OCI_MAX_LAYERS || oci_manifest_parse(text, strlen(text), m->media_type, &again, NULL) < 0)
		abort();
}

static void check_doc(const char *p, size_t len)
{
	auto_oci_doc struct oci_doc d = { 0 }, other = { 0 };
	auto_oci_platform struct oci_platform host = { 0 };
	const struct oci_descriptor *chosen;

	if (oci_doc_parse(p, len, NULL, &d, NULL) < 0)
		return;
	/* The same bytes must never be read as the other kind. */
	if (oci_doc_parse(p, len, d.kind == OCI_DOC_INDEX ? OCI_MT_MANIFEST : OCI_MT_INDEX, &other, NULL) == 0)
		abort();
	if (d.kind == OCI_DOC_MANIFEST)
		check_manifest(&d.manifest);
	for (size_t i = 0; i < d.index.n_manifests; i++)
		check_descriptor(&d.index.manifests[i]);
	if (d.kind == OCI_DOC_INDEX && oci_platform_host(&host, NULL) == 0)
		oci_index_select(&d.index, &host, &chosen, NULL);
}

static void check_config(const char *p, size_t len)
{
	auto_oci_image_config struct oci_image_config *c = NULL;

	if (oci_image_config_parse(p, len, &c, NULL) < 0)
		return;
	for (char **v = c->env; v && *v; v++)
		if (!env_is_entry(*v))
			abort();
	for (char **v = c->diff_ids; v && *v; v++)
		if (!digest_is_valid(*v))
			abort();
}

/* What we write of an accepted text is accepted again, and then stays as it is. */
static void check_json(const char *p, size_t len)
{
	auto_json struct json *j = NULL, *again = NULL;
	auto_free char *text = NULL, *pretty = NULL, *second = NULL;

	if (json_parse(p, len, &j, NULL) < 0)
		return;
	text = json_compact(j);
	pretty = json_pretty(j);
	if (json_parse(pretty, strlen(pretty), &again, NULL) < 0)
		abort();
	second = json_compact(again);
	if (strcmp(text, second) != 0)
		abort();
}

/* One input for all documents of an image: they share a corpus, and each must survive the others. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;

	check_json(p, size);
	check_doc(p, size);
	check_config(p, size);
	return 0;
}
