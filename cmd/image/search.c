/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/image/client.h"
#include "cmd/image/remote.h"
#include "cmd/image/stop.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/list.h"
#include "lib/format/text.h"
#include "lib/http/registry.h"
#include "lib/oci/json.h"
#include "lib/oci/ref.h"

/* Where docker.io's search is; its images are elsewhere. */
#define HUB_INDEX	  "index.docker.io"
#define LIMIT		  25
#define LIMIT_MAX	  100
#define DESCRIPTION_WIDTH 45

static const struct format_column columns[] = {
	{ "Name", "NAME" },	      { "Description", "DESCRIPTION" }, { "StarCount", "STARS" },
	{ "IsOfficial", "OFFICIAL" }, { "IsAutomated", "AUTOMATED" },	{ NULL, NULL },
};

static const struct format_column tag_columns[] = {
	{ "Name", "NAME" },
	{ "Tag", "TAG" },
	{ NULL, NULL },
};

/**
 * struct wanted - --filter
 * @stars:	at least
 * @official:	-1: no matter, else 0 or 1
 * @automated:	same
 */
struct wanted {
	uint64_t stars;
	int official;
	int automated;
};

static int read_bool(const char *value, int *ret, const char *filter, struct err *e)
{
	bool b = true;

	if (*value && str_to_bool(value, &b) < 0)
		return err_say(e, EINVAL, "invalid filter '%s'", filter);
	*ret = b;
	return 0;
}

static int read_filters(char *const *filters, struct wanted *w, struct err *e)
{
	int r = 0;

	*w = (struct wanted) { .official = -1, .automated = -1 };
	for (char *const *f = filters; r == 0 && f && *f; f++) {
		size_t n = strcspn(*f, "=");
		auto_free char *key = xstrndup(*f, n);
		const char *value = (*f)[n] ? *f + n + 1 : "";

		if (!strcmp(key, "stars"))
			r = str_to_u64(value, INT32_MAX, &w->stars) < 0 ? err_say(e, EINVAL, "invalid filter '%s'", *f)
									: 0;
		else if (!strcmp(key, "is-official"))
			r = read_bool(value, &w->official, *f, e);
		else if (!strcmp(key, "is-automated"))
			r = read_bool(value, &w->automated, *f, e);
		else
			r = err_say(e, EINVAL, "invalid filter '%s': it is stars, is-official or is-automated", key);
	}
	return r;
}

static bool is_wanted(const struct json *j, const struct wanted *w)
{
	return json_get_i64(j, "star_count", 0) >= (int64_t)w->stars &&
	       (w->official < 0 || json_get_bool(j, "is_official", false) == w->official) &&
	       (w->automated < 0 || json_get_bool(j, "is_automated", false) == w->automated);
}

/* One line, whatever somebody has written there. */
static char *description(const char *text, bool whole)
{
	auto_sbuf struct sbuf b = { 0 };
	auto_free char *line = xstrdup(text ? text : "");

	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (whole)
		return take_ptr(&line);
	format_truncate(&b, line, DESCRIPTION_WIDTH);
	return xstrdup(sbuf_str(&b));
}

static int add_row(struct format_list *l, const struct json *j, const struct search_opts *o, struct err *e)
{
	auto_json struct json *row = json_new_object();
	auto_free char *about = description(json_get_str(j, "description"), o->no_trunc);
	auto_free char *stars = xasprintf("%lld", (long long)json_get_i64(j, "star_count", 0));

	json_set_str(row, "Name", json_get_str(j, "name"));
	json_set_str(row, "Description", about);
	json_set_str(row, "StarCount", stars);
	json_set_str(row, "IsOfficial", json_get_bool(j, "is_official", false) ? "[OK]" : "");
	json_set_str(row, "IsAutomated", json_get_bool(j, "is_automated", false) ? "[OK]" : "");
	return format_list_add(l, row, NULL, e);
}

static int print_results(const char *text, size_t len, const struct search_opts *o, const struct wanted *w,
			 uint64_t limit, struct err *e)
{
	auto_json struct json *doc = NULL;
	auto_format_list struct format_list *l = NULL;
	const struct json *results;
	uint64_t shown = 0;
	int r = json_parse(text, len, &doc, e);

	results = json_get_array(doc, "results");
	if (r == 0 && !results)
		r = err_say(e, EINVAL, "it has no results in it");
	if (r < 0)
		return err_wrap(e, r, "answer of the search");
	r = format_list_new(o->format, "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}", columns, &l, e);
	for (size_t i = 0; r == 0 && i < json_len(results) && shown < limit; i++) {
		const struct json *j = json_item(results, i);

		if (!json_get_str(j, "name") || !is_wanted(j, w))
			continue;
		r = add_row(l, j, o, e);
		shown++;
	}
	return r < 0 ? r : format_list_print(l, stdout, e);
}

/* "[HOST/]TERM" */
static void split_term(const char *text, struct ref *ret, const char **ret_term)
{
	size_t n = strcspn(text, "/");
	auto_free char *host = xstrndup(text, n);

	*ret_term = text;
	if (text[n] && (strpbrk(host, ".:") || !strcmp(host, "localhost"))) {
		ret->domain = xstrdup(!strcmp(host, "docker.io") ? HUB_INDEX : host);
		*ret_term = text + n + 1;
	} else {
		ret->domain = xstrdup(HUB_INDEX);
	}
	ret->path = xstrdup("search");
}

static int search(struct client *c, const struct search_opts *o, const char *text, uint64_t limit, struct err *e)
{
	auto_registry struct registry *registry = NULL;
	auto_ref struct ref ref = { 0 };
	auto_free char *answer = NULL;
	const char *term;
	struct wanted w;
	size_t len;
	int r = read_filters(o->filter, &w, e);

	split_term(text, &ref, &term);
	if (r == 0 && (str_is_empty(term) || str_has_control(text)))
		r = err_say(e, EINVAL, "'%s' has no word to search for", text);
	if (r == 0)
		r = remote_open(&c->remote, &ref, &registry, e);
	if (r == 0)
		r = registry_search(registry, term, (unsigned)limit, &answer, &len, e);
	if (r == -ENOENT)
		return err_say(e, ENOTSUP, "the registry %s has no search (--list-tags lists the tags of a repository)",
			       ref.domain);
	return r < 0 ? r : print_results(answer, len, o, &w, limit, e);
}

static int list_tags(struct client *c, const struct search_opts *o, const char *text, uint64_t limit, struct err *e)
{
	auto_registry struct registry *registry = NULL;
	auto_format_list struct format_list *l = NULL;
	auto_ref struct ref ref = { 0 };
	auto_strv char **tags = NULL;
	auto_free char *name = NULL;
	int r = ref_parse(text, &ref, e);

	if (r == 0 && (ref.tag || ref.digest))
		r = err_say(e, EINVAL, "'%s': --list-tags takes a repository without a tag", text);
	if (r == 0 && o->filter)
		r = err_say(e, EINVAL, "--filter does not go with --list-tags");
	if (r == 0)
		r = remote_open(&c->remote, &ref, &registry, e);
	if (r == 0)
		r = registry_tags(registry, &tags, e);
	if (r == 0)
		r = format_list_new(o->format, "{{.Name}}\t{{.Tag}}", tag_columns, &l, e);
	if (r < 0)
		return r;
	name = ref_name(&ref);
	for (uint64_t i = 0; r == 0 && tags && tags[i] && i < limit; i++) {
		auto_json struct json *row = json_new_object();

		json_set_str(row, "Name", name);
		json_set_str(row, "Tag", tags[i]);
		r = format_list_add(l, row, NULL, e);
	}
	return r < 0 ? r : format_list_print(l, stdout, e);
}

/**
 * search_run() - skiff search
 * @ctx:	Global options
 * @opts:	struct search_opts
 * @argc:	1
 * @argv:	What to look for
 * @e:		Failure
 *
 * Return: 0, 128 + signal, or negative errno
 */
int search_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct search_opts *o = opts;
	bool given = ctx_is_given(ctx, "limit");
	uint64_t limit = given ? (uint64_t)o->limit : o->list_tags ? UINT64_MAX : LIMIT;
	struct client c;
	int r;

	(void)argc;
	if (given && (o->limit < 1 || (o->limit > LIMIT_MAX && !o->list_tags)))
		return err_say(e, EINVAL, "Limit %lld is outside the range of [1, %d]", (long long)o->limit, LIMIT_MAX);
	r = client_open(&c, ctx, &o->reg, NULL, e);
	if (r < 0)
		return r;
	r = o->list_tags ? list_tags(&c, o, argv[0], limit, e) : search(&c, o, argv[0], limit, e);
	if (r == -EINTR && stop_signal(c.stop))
		r = 128 + stop_signal(c.stop);
	client_close(&c);
	return r;
}
