/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_json.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/oci/ref.h"
#include "storage/store.h"

/* Every name of the image: with its tag, and by the digest under which its registry knows it. */
static int names(struct store *s, const struct image_rec *rec, struct json *j, struct err *e)
{
	struct json *tags = json_set_array(j, "RepoTags"), *digests = json_set_array(j, "RepoDigests");
	struct image_rec *all = NULL;
	size_t n = 0;
	int r = store_image_list(s, &all, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		auto_ref struct ref ref = { 0 };
		auto_free char *shown = NULL, *base = NULL;

		if (strcmp(all[i].config_digest, rec->config_digest) || !all[i].name ||
		    ref_parse(all[i].name, &ref, NULL) < 0)
			continue;
		shown = ref_familiar(&ref);
		base = ref_familiar_name(&ref);
		if (ref.tag)
			json_add_str(tags, shown);
		if (all[i].repo_digest) {
			auto_free char *by_digest = xasprintf("%s@%s", base, all[i].repo_digest);

			json_add_str(digests, by_digest);
		}
	}
	image_recs_free(all, n);
	return r;
}

static void config_object(struct json *j, const struct oci_image_config *c)
{
	struct json *o = json_set_object(j, "Config");

	json_set_str(o, "User", c->user ? c->user : "");
	json_set_strv(o, "Env", c->env);
	json_set_strv_or_null(o, "Cmd", c->cmd);
	json_set_str(o, "WorkingDir", c->working_dir ? c->working_dir : "");
	json_set_strv_or_null(o, "Entrypoint", c->entrypoint);
	json_set_map(o, "Labels", c->labels);
	if (c->stop_signal)
		json_set_str(o, "StopSignal", c->stop_signal);
	if (c->exposed_ports) {
		struct json *p = json_set_object(o, "ExposedPorts");

		for (char **v = c->exposed_ports; *v; v++)
			json_set_object(p, *v);
	}
	if (c->volumes) {
		struct json *p = json_set_object(o, "Volumes");

		for (char **v = c->volumes; *v; v++)
			json_set_object(p, *v);
	}
}

int image_json(struct store *s, const char *text, struct json **ret, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_json struct json *j = NULL;
	struct json *fs;
	int r = store_image_find(s, text, &rec, e);

	if (r == 0)
		r = store_image_config(s, rec.config_digest, &c, e);
	if (r < 0)
		return r;
	j = json_new_object();
	json_set_str(j, "Id", rec.config_digest);
	r = names(s, &rec, j, e);
	if (r < 0)
		return r;
	json_set_str(j, "Parent", "");
	json_set_str(j, "Comment",
		     c->n_history && c->history[c->n_history - 1].comment ? c->history[c->n_history - 1].comment : "");
	json_set_str(j, "Created", c->created ? c->created : "");
	json_set_str(j, "Author", c->author ? c->author : "");
	config_object(j, c);
	json_set_str(j, "Architecture", c->platform.arch ? c->platform.arch : "");
	if (c->platform.variant)
		json_set_str(j, "Variant", c->platform.variant);
	json_set_str(j, "Os", c->platform.os ? c->platform.os : "");
	json_set_i64(j, "Size", rec.size);
	fs = json_set_object(j, "RootFS");
	json_set_str(fs, "Type", "layers");
	json_set_strv(fs, "Layers", c->diff_ids);
	*ret = take_ptr(&j);
	return 0;
}
