/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_json.h"

#include <assert.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/oci/ref.h"
#include "storage/driver.h"
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

/* A set of names is an object with empty members there; none is null. */
static void set_of_names(struct json *o, const char *key, char *const *names)
{
	struct json *p;

	if (!names) {
		json_set_null(o, key);
		return;
	}
	p = json_set_object(o, key);
	for (; *names; names++)
		json_set_object(p, *names);
}

static void map_or_null(struct json *o, const char *key, char *const *kv)
{
	if (kv)
		json_set_map(o, key, kv);
	else
		json_set_null(o, key);
}

static void healthcheck(struct json *o, const struct oci_healthcheck *h)
{
	struct json *j;

	if (!h->test) {
		json_set_null(o, "Healthcheck");
		return;
	}
	j = json_set_object(o, "Healthcheck");
	json_set_strv(j, "Test", h->test);
	json_set_i64(j, "Interval", h->interval_ns);
	json_set_i64(j, "Timeout", h->timeout_ns);
	json_set_i64(j, "StartPeriod", h->start_period_ns);
	json_set_i64(j, "StartInterval", h->start_interval_ns);
	json_set_i64(j, "Retries", h->retries);
}

static void config_object(struct json *j, const struct oci_image_config *c)
{
	struct json *o = json_set_object(j, "Config");

	json_set_str(o, "User", c->user ? c->user : "");
	set_of_names(o, "ExposedPorts", c->exposed_ports);
	json_set_strv(o, "Env", c->env);
	json_set_strv_or_null(o, "Cmd", c->cmd);
	healthcheck(o, &c->healthcheck);
	json_set_bool(o, "ArgsEscaped", c->args_escaped);
	set_of_names(o, "Volumes", c->volumes);
	json_set_str(o, "WorkingDir", c->working_dir ? c->working_dir : "");
	json_set_strv_or_null(o, "Entrypoint", c->entrypoint);
	json_set_strv_or_null(o, "OnBuild", c->on_build);
	map_or_null(o, "Labels", c->labels);
	json_set_str(o, "StopSignal", c->stop_signal ? c->stop_signal : "");
	json_set_strv_or_null(o, "Shell", c->shell);
}

/* Where the files are: what overlay is given, topmost first. */
static void graph_driver(struct store *s, struct json *j, const struct oci_image_config *c)
{
	struct json *o = json_set_object(j, "GraphDriver"), *data = json_set_object(o, "Data");
	auto_sbuf struct sbuf lower = { 0 };

	for (size_t i = strv_len(c->diff_ids); i-- > 0;) {
		auto_free char *path = store_layer_where(s, c->diff_ids[i]);

		if (!path)
			continue;
		if (!c->diff_ids[i + 1])
			json_set_str(data, "UpperDir", path);
		else
			sbuf_printf(&lower, "%s%s", lower.len ? ":" : "", path);
	}
	if (lower.len)
		json_set_str(data, "LowerDir", sbuf_str(&lower));
	json_set_str(o, "Name", driver_cached_name(s));
}

static void history(struct json *j, const struct oci_image_config *c)
{
	struct json *a = json_set_array(j, "History");

	for (size_t i = 0; i < c->n_history; i++) {
		const struct oci_history *h = &c->history[i];
		struct json *o = json_add_object(a);

		json_set_str(o, "created", h->created ? h->created : "");
		json_set_str(o, "created_by", h->created_by ? h->created_by : "");
		if (h->author)
			json_set_str(o, "author", h->author);
		if (h->comment)
			json_set_str(o, "comment", h->comment);
		if (h->empty_layer)
			json_set_bool(o, "empty_layer", true);
	}
}

/* What podman has besides. */
static void podman_members(struct store *s, const struct image_rec *rec, struct json *j,
			   const struct oci_image_config *c)
{
	auto_oci_manifest struct oci_manifest m = { 0 };
	auto_free char *text = NULL;
	size_t len;

	if (store_blob_read(s, rec->manifest_digest, &text, &len, NULL) == 0)
		(void)!oci_manifest_parse(text, len, NULL, &m, NULL);
	json_set_str(j, "Digest", rec->repo_digest ? rec->repo_digest : rec->manifest_digest);
	json_set_i64(j, "VirtualSize", rec->size);
	map_or_null(j, "Labels", c->labels);
	map_or_null(j, "Annotations", m.annotations);
	json_set_str(j, "ManifestType", m.media_type ? m.media_type : "");
	json_set_str(j, "User", c->user ? c->user : "");
	history(j, c);
	json_set_bool(j, "ReadOnly", rec->read_only != NULL);
}

int image_json(struct store *s, const char *text, struct json **ret, struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_json struct json *j = NULL;
	const char *comment;
	char tagged[TIME_RFC3339_LEN];
	struct json *o;
	int r = store_image_find(s, text, &rec, e);

	if (r == 0)
		r = store_image_config(s, rec.config_digest, &c, e);
	if (r < 0)
		return r;
	assert(c);
	j = json_new_object();
	json_set_str(j, "Id", rec.config_digest);
	r = names(s, &rec, j, e);
	if (r < 0)
		return r;
	comment = c->n_history ? c->history[c->n_history - 1].comment : NULL;
	json_set_str(j, "Parent", "");
	json_set_str(j, "Comment", comment ? comment : "");
	json_set_str(j, "Created", c->created ? c->created : "");
	json_set_str(j, "DockerVersion", "");
	json_set_str(j, "Author", c->author ? c->author : "");
	config_object(j, c);
	json_set_str(j, "Architecture", c->platform.arch ? c->platform.arch : "");
	json_set_str(j, "Variant", c->platform.variant ? c->platform.variant : "");
	json_set_str(j, "Os", c->platform.os ? c->platform.os : "");
	json_set_str(j, "OsVersion", c->os_version ? c->os_version : "");
	json_set_i64(j, "Size", rec.size);
	graph_driver(s, j, c);
	o = json_set_object(j, "RootFS");
	json_set_str(o, "Type", "layers");
	json_set_strv(o, "Layers", c->diff_ids);
	time_format_rfc3339(store_image_tagged_ns(s, &rec), tagged);
	json_set_str(json_set_object(j, "Metadata"), "LastTagTime", tagged);
	podman_members(s, &rec, j, c);
	*ret = take_ptr(&j);
	return 0;
}
