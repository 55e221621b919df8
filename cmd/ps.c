/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/ctr_filter.h"
#include "cmd/ctr_row.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/engine/ctr.h"
#include "lib/engine/size.h"
#include "lib/format/list.h"
#include "lib/oci/json.h"
#include "storage/store.h"

struct ps_opts {
	bool all, quiet, no_trunc, latest, size, noheading;
	int64_t last;
	const char *format, *sort;
	char **filter;
};

/* podman's are there beside docker's. */
static const struct format_column columns[] = {
	{ "ID", "CONTAINER ID" },
	{ "Image", "IMAGE" },
	{ "Command", "COMMAND" },
	{ "RunningFor", "CREATED" },
	{ "CreatedAt", "CREATED AT" },
	{ "Status", "STATUS" },
	{ "State", "STATE" },
	{ "Ports", "PORTS" },
	{ "Names", "NAMES" },
	{ "Labels", "LABELS" },
	{ "Mounts", "MOUNTS" },
	{ "LocalVolumes", "LOCAL VOLUMES" },
	{ "Networks", "NETWORKS" },
	{ "Platform", "PLATFORM" },
	{ "Size", "SIZE" },
	{ "Pid", "PID" },
	{ "Created", "CREATED" },
	{ "CreatedHuman", "CREATED" },
	{ "ExitCode", "EXIT CODE" },
	{ "Exited", "EXITED" },
	{ "ExitedAt", "EXITED AT" },
	{ "StartedAt", "STARTED AT" },
	{ "ImageID", "IMAGE ID" },
	{ "AutoRemove", "AUTO REMOVE" },
	{ "CIDFile", "CID FILE" },
	{ NULL, NULL },
};

/**
 * struct item - a container that is listed
 */
struct item {
	struct ctr *c;
	struct ctr_state state;
	struct ctr_size size;
};

/* ---- order ---- */

static int by_created(const struct item *a, const struct item *b)
{
	return (b->c->config.created_ns > a->c->config.created_ns) -
	       (b->c->config.created_ns < a->c->config.created_ns);
}

static int by_id(const struct item *a, const struct item *b)
{
	return strcmp(a->c->config.id, b->c->config.id);
}

static int by_image(const struct item *a, const struct item *b)
{
	return strcmp(a->c->config.image ? a->c->config.image : "", b->c->config.image ? b->c->config.image : "");
}

static int by_names(const struct item *a, const struct item *b)
{
	return strcmp(a->c->config.name, b->c->config.name);
}

static int by_command(const struct item *a, const struct item *b)
{
	auto_free char *x = ctr_command_text(a->c), *y = ctr_command_text(b->c);

	return strcmp(x, y);
}

static int by_size(const struct item *a, const struct item *b)
{
	return (a->size.rw > b->size.rw) - (a->size.rw < b->size.rw);
}

static int by_status(const struct item *a, const struct item *b)
{
	return strcmp(ctr_status_name((enum ctr_status)a->state.status),
		      ctr_status_name((enum ctr_status)b->state.status));
}

static const struct order {
	const char *name;
	int (*compare)(const struct item *a, const struct item *b);
} orders[] = {
	{ "command", by_command }, { "created", by_created },	 { "id", by_id },     { "image", by_image },
	{ "names", by_names },	   { "runningfor", by_created }, { "size", by_size }, { "status", by_status },
};

static int compare_items(const void *a, const void *b, void *order)
{
	int d = ((const struct order *)order)->compare(a, b);

	return d ? d : by_created(a, b);
}

static int find_order(const char *name, const struct order **ret, struct err *e)
{
	*ret = NULL;
	if (!name)
		return 0;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		if (!strcmp(orders[i].name, name))
			*ret = &orders[i];
	return *ret ? 0
		    : err_say(e, EINVAL,
			      "--sort %s: it is command, created, id, image, names, runningfor, size or status", name);
}

/* ---- rows ---- */

static int new_list(const struct ctx *ctx, const struct ps_opts *o, struct format_list **ret, struct err *e)
{
	auto_free char *format = NULL;
	auto_free char *table = xasprintf("{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t"
					  "{{.Ports}}\t{{.Names}}%s",
					  o->size ? "\t{{.Size}}" : "");
	int r;

	if (o->quiet)
		return format_list_new_quiet(o->format, "ID", columns, ret, e);
	r = cmd_list_format(ctx, o->format, CMD_LIST_PS, &format, e);
	if (r == 0)
		r = format_list_new(format, table, columns, ret, e);
	if (r == 0 && o->noheading)
		format_list_no_heading(*ret);
	return r;
}

/* docker: without -s, the word "json" does not ask for sizes, a template with .Size does. */
static bool wants_size(const struct ps_opts *o, const struct format_list *l)
{
	bool is_json = o->format && !strcmp(o->format, "json");

	return o->size || (o->sort && !strcmp(o->sort, "size")) || (!is_json && format_list_uses(l, "Size"));
}

/* Its monitor was killed: what is left of a --rm container goes now. Return: whether it is there. */
static bool read_state(struct ctr *c, struct ctr_state *s)
{
	bool gone;

	ctr_read_state(c, s);
	if (!s->monitor_died)
		return true;
	gone = ctr_settle(c);
	ctr_state_done(s);
	if (!gone)
		ctr_read_state(c, s);
	return !gone;
}

/* Those that match, with their states; the first @limit of them. */
static size_t select_items(const struct ps_opts *o, const struct ctr_filter *f, struct ctr *v, size_t n,
			   struct item *items)
{
	bool all = o->all || o->latest || o->last > 0 || ctr_filter_wants_stopped(o->filter);
	int64_t limit = o->latest ? 1 : o->last > 0 ? o->last : INT64_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < n && (int64_t)kept < limit; i++) {
		struct item *x = &items[kept];

		x->c = &v[i];
		if (!read_state(&v[i], &x->state))
			continue;
		if ((all || x->state.status == CTR_RUNNING || x->state.status == CTR_PAUSED) &&
		    ctr_filter_matches(f, &v[i], &x->state))
			kept++;
		else
			ctr_state_done(&x->state);
	}
	return kept;
}

static int measure(struct store *s, struct item *items, size_t n, struct err *e)
{
	struct ctr *v = xcalloc(n + 1, sizeof(*v));
	struct ctr_size *sizes = xcalloc(n + 1, sizeof(*sizes));
	int r;

	for (size_t i = 0; i < n; i++)
		v[i] = *items[i].c; /* borrowed */
	r = ctr_sizes(s, v, n, sizes, e);
	for (size_t i = 0; i < n; i++)
		items[i].size = sizes[i];
	free(v);
	free(sizes);
	return r;
}

static int print_items(struct format_list *l, const struct ps_opts *o, const struct item *items, size_t n, bool sized,
		       struct err *e)
{
	struct ctr_row_opts how = { .full = o->no_trunc,
				    .mounts = format_list_uses(l, "Mounts") || format_list_uses(l, "LocalVolumes") };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		auto_json struct json *labels = NULL;
		auto_json struct json *j =
			ctr_row(items[i].c, &items[i].state, sized ? &items[i].size : NULL, &how, &labels);

		r = format_list_add(l, j, labels, e);
	}
	return r < 0 ? r : format_list_print(l, stdout, e);
}

static int list(struct store *s, const struct ps_opts *o, struct format_list *l, const struct ctr_filter *f,
		const struct order *order, struct err *e)
{
	bool sized = wants_size(o, l);
	struct item *items = NULL;
	struct ctr *v = NULL;
	size_t n = 0, kept = 0;
	int r = ctr_list(s, &v, &n, e);

	if (r == 0) {
		items = xcalloc(n + 1, sizeof(*items));
		kept = select_items(o, f, v, n, items);
	}
	if (r == 0 && sized)
		r = measure(s, items, kept, e);
	if (r == 0 && order)
		qsort_r(items, kept, sizeof(*items), compare_items, (void *)(uintptr_t)order);
	if (r == 0)
		r = print_items(l, o, items, kept, sized, e);
	for (size_t i = 0; i < kept; i++)
		ctr_state_done(&items[i].state);
	free(items);
	ctr_list_free(v, n);
	return r;
}

static int ps_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct ps_opts *o = opts;
	auto_format_list struct format_list *l = NULL;
	auto_store struct store *store = NULL;
	const struct order *order;
	struct ctr_filter f;
	int r = find_order(o->sort, &order, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = new_list(ctx, o, &l, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = ctr_filter_init(&f, store, o->filter, e);
	return r < 0 ? r : list(store, o, l, &f, order, e);
}

static const struct opt opts[] = {
	OPT_BOOL('a', "all", struct ps_opts, all, "Show all containers (default shows just running)"),
	OPT_STRV('f', "filter", struct ps_opts, filter, "Filter output based on conditions provided"),
	OPT_STR(0, "format", struct ps_opts, format, "Format output using a custom template"),
	OPT_I64('n', "last", struct ps_opts, last, "Show n last created containers (includes all states)",
		.dflt = "-1"),
	OPT_BOOL('l', "latest", struct ps_opts, latest, "Show the latest created container (includes all states)"),
	OPT_BOOL(0, "no-trunc", struct ps_opts, no_trunc, "Don't truncate output"),
	OPT_BOOL(0, "noheading", struct ps_opts, noheading, "Do not print column headings"),
	OPT_BOOL('q', "quiet", struct ps_opts, quiet, "Only display container IDs"),
	OPT_BOOL('s', "size", struct ps_opts, size, "Display total file sizes"),
	OPT_STR(0, "sort", struct ps_opts, sort,
		"Sort by command, created, id, image, names, runningfor, size or status (default created)"),
	OPT_END,
};

const struct cmd cmd_ps = {
	.path = "container ls",
	.alias = "ps,container ps,container list",
	.help = "List containers",
	.more = "Filters: id, name, label, label!, status, exited, ancestor, before, since, until, volume, network,\n"
		"publish, command, health, is-task.",
	.opts = opts,
	.opts_size = sizeof(struct ps_opts),
	.group = CMD_GROUP_COMMON,
	.run = ps_run,
};
