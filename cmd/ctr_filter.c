/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ctr_filter.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ctr_row.h"
#include "cmd/filter.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/engine/ctr.h"
#include "lib/engine/spec.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/kv.h"
#include "lib/oci/ref.h"
#include "lib/oci/runspec.h"
#include "storage/store.h"

static const char *const keys[] = { "id",	"name",	   "label",  "label!",	"status", "exited",
				    "ancestor", "before",  "since",  "until",	"volume", "network",
				    "publish",	"command", "health", "is-task", NULL };

/* What can be asked for, and how it is called here; docker's "removing" and "restarting" never last. */
static const struct {
	const char *asked, *is;
} states[] = {
	{ "created", "created" }, { "restarting", "restarting" }, { "running", "running" }, { "removing", "removing" },
	{ "paused", "paused" },	  { "exited", "exited" },	  { "dead", "dead" },	    { "stopped", "exited" },
};

static const char *const healths[] = { "starting", "healthy", "unhealthy", "none", NULL };

/**
 * struct candidate - the container that is looked at
 */
struct candidate {
	struct store *store;
	const struct ctr *c;
	const struct ctr_state *s;
};

static bool is_id(const void *data, const char *want)
{
	return str_has_prefix(((const struct candidate *)data)->c->config.id, want);
}

/* A regular expression, as docker's; what is none is a part of the text. */
static bool text_matches(const char *text, const char *want)
{
	regex_t re;
	bool found;

	if (regcomp(&re, want, REG_EXTENDED | REG_NOSUB))
		return strstr(text, want) != NULL;
	found = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return found;
}

static bool is_name(const void *data, const char *want)
{
	const char *name = ((const struct candidate *)data)->c->config.name;
	auto_free char *with_slash = xasprintf("/%s", name);

	return text_matches(name, want) || text_matches(with_slash, want);
}

static bool is_command(const void *data, const char *want)
{
	auto_free char *line = ctr_command_text(((const struct candidate *)data)->c);

	return text_matches(line, want);
}

static bool is_status(const void *data, const char *want)
{
	const char *have = ctr_status_name((enum ctr_status)((const struct candidate *)data)->s->status);

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (!strcmp(states[i].asked, want))
			return !strcmp(states[i].is, have);
	return false;
}

static bool has_exited(const void *data, const char *want)
{
	const struct ctr_state *s = ((const struct candidate *)data)->s;
	int64_t code;

	return s->status == CTR_EXITED && str_to_i64(want, &code) == 0 && code == s->exit_code;
}

/* The image itself, by name or id, or one that stands on it. */
static bool is_ancestor(const void *data, const char *want)
{
	const struct candidate *x = data;
	const struct ctr_config *f = &x->c->config;
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_image_rec struct image_rec rec = { 0 };
	size_t i = 0;

	if (str_is_eq(f->image, want))
		return true;
	if (store_image_find(x->store, want, &rec, NULL) < 0)
		return f->image_config && str_has_prefix(digest_hex(f->image_config), want);
	if (str_is_eq(rec.config_digest, f->image_config))
		return true;
	if (store_image_config(x->store, rec.config_digest, &c, NULL) < 0 || !c->diff_ids)
		return false;
	while (c->diff_ids[i] && f->layers && f->layers[i] && !strcmp(c->diff_ids[i], f->layers[i]))
		i++;
	return !c->diff_ids[i] && f->layers && f->layers[i];
}

static bool is_network(const void *data, const char *want)
{
	return str_is_eq(((const struct candidate *)data)->c->config.network, want);
}

/* A volume's name, or where something is mounted. */
static bool has_volume(const void *data, const char *want)
{
	auto_spec struct spec s = { 0 };

	if (spec_parse(&((const struct candidate *)data)->c->config, &s, NULL) < 0)
		return false;
	for (size_t i = 0; i < s.n_mounts; i++)
		if (str_is_eq(s.mounts[i].source, want) || str_is_eq(s.mounts[i].target, want))
			return true;
	return false;
}

/* 80, 80/udp, 8000-8010/tcp: a published host port, or the container's behind one. */
static bool has_port(const void *data, const char *want)
{
	const struct candidate *x = data;
	char *const *ports = x->s->ports ? x->s->ports : x->c->config.ports;
	struct portspec *asked = NULL, *have = NULL;
	size_t n_asked = 0, n = 0;
	bool found = false;

	if (portspec_parse_expose(want, &asked, &n_asked, NULL) < 0)
		return false;
	for (; ports && *ports && !found; ports++) {
		if (portspec_parse(*ports, &have, &n, NULL) < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n_asked; k++)
				found |= have[i].proto == asked[k].proto &&
					 (have[i].host_first == asked[k].port || have[i].port == asked[k].port);
		portspec_free(have, n);
	}
	portspec_free(asked, n_asked);
	return found;
}

/* There are no health checks yet. */
static bool is_health(const void *data, const char *want)
{
	(void)data;
	return !strcmp(want, "none");
}

/* Nor tasks of a swarm. */
static bool is_task(const void *data, const char *want)
{
	bool asked;

	(void)data;
	return str_to_bool(want, &asked) == 0 && !asked;
}

bool ctr_filter_matches(const struct ctr_filter *f, const struct ctr *c, const struct ctr_state *s)
{
	static const struct {
		const char *key;
		bool (*is_match)(const void *data, const char *want);
	} conditions[] = {
		{ "id", is_id },	  { "name", is_name },	     { "status", is_status },
		{ "exited", has_exited }, { "network", is_network }, { "ancestor", is_ancestor },
		{ "volume", has_volume }, { "publish", has_port },   { "command", is_command },
		{ "health", is_health },  { "is-task", is_task },
	};
	struct candidate x = { f->s, c, s };

	if ((f->before && c->config.created_ns >= f->before) || (f->since && c->config.created_ns <= f->since) ||
	    (f->until && c->config.created_ns > f->until) || !filter_labels(f->filters, c->config.labels))
		return false;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		if (!filter_any(f->filters, conditions[i].key, conditions[i].is_match, &x))
			return false;
	return true;
}

static bool is_known_state(const char *text)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (!strcmp(states[i].asked, text))
			return true;
	return false;
}

static bool is_known_health(const char *text)
{
	for (const char *const *h = healths; *h; h++)
		if (!strcmp(*h, text))
			return true;
	return false;
}

static int check_value(const char *filter, struct err *e)
{
	const char *status = filter_value(filter, "status"), *exited = filter_value(filter, "exited");
	const char *publish = filter_value(filter, "publish"), *task = filter_value(filter, "is-task");
	const char *health = filter_value(filter, "health");
	struct portspec *ports = NULL;
	size_t n = 0;
	int64_t number;
	bool truth;

	if (publish && portspec_parse_expose(publish, &ports, &n, NULL) < 0)
		return err_say(e, EINVAL, "invalid filter '%s'", filter);
	portspec_free(ports, n);
	if ((status && !is_known_state(status)) || (exited && str_to_i64(exited, &number) < 0) ||
	    (task && str_to_bool(task, &truth) < 0) || (health && !is_known_health(health)))
		return err_say(e, EINVAL, "invalid filter '%s'", filter);
	return 0;
}

int ctr_filter_init(struct ctr_filter *f, struct store *s, char *const *filters, struct err *e)
{
	int r = filter_check(filters, keys, e);

	*f = (struct ctr_filter) { .s = s, .filters = filters };
	for (char *const *p = filters; r == 0 && p && *p; p++) {
		const char *before = filter_value(*p, "before"), *since = filter_value(*p, "since");
		auto_ctr struct ctr c = { 0 };

		r = check_value(*p, e);
		if (r == 0 && (before || since))
			r = ctr_find(s, before ? before : since, &c, e);
		if (r == 0 && (before || since))
			*(before ? &f->before : &f->since) = c.config.created_ns;
	}
	return r < 0 ? r : filter_time(filters, "until", &f->until, e);
}

bool ctr_filter_wants_stopped(char *const *filters)
{
	return filter_has(filters, "status") || filter_has(filters, "exited");
}
