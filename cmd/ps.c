/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/engine/ctr.h"
#include "lib/format/list.h"
#include "lib/format/text.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/oci/runspec.h"
#include "storage/store.h"

struct ps_opts {
	bool all, quiet, no_trunc, latest;
	int64_t last;
	const char *format;
	char **filter;
};

static const struct format_column columns[] = {
	{ "ID", "CONTAINER ID" },      { "Image", "IMAGE" },   { "Command", "COMMAND" }, { "RunningFor", "CREATED" },
	{ "CreatedAt", "CREATED AT" }, { "Status", "STATUS" }, { "State", "STATE" },	 { "Ports", "PORTS" },
	{ "Names", "NAMES" },	       { "Labels", "LABELS" }, { "Mounts", "MOUNTS" },	 { "Networks", "NETWORKS" },
	{ "Platform", "PLATFORM" },    { NULL, NULL },
};

/* As Go's strconv.Quote: the command stays on its line. */
static void add_quoted(struct sbuf *b, const char *text)
{
	sbuf_addc(b, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			sbuf_printf(b, "\\%c", *text);
		else if (*text == '\n' || *text == '\t' || *text == '\r')
			sbuf_printf(b, "\\%c", *text == '\n' ? 'n' : *text == '\t' ? 't' : 'r');
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			sbuf_printf(b, "\\x%02x", (unsigned char)*text);
		else
			sbuf_addc(b, *text);
	}
	sbuf_addc(b, '"');
}

static void command_text(const struct ctr_config *c, bool full, struct sbuf *b)
{
	auto_strv char **all = strv_dup(c->entrypoint);
	auto_sbuf struct sbuf line = { 0 }, shown = { 0 };

	for (char **a = c->cmd; a && *a; a++)
		strv_add(&all, *a);
	for (char **a = all; a && *a; a++) {
		const char *quote = a > all && strchr(*a, ' ') ? "'" : "";

		sbuf_printf(&line, "%s%s%s%s", a > all ? " " : "", quote, *a, quote);
	}
	if (full)
		sbuf_adds(&shown, sbuf_str(&line));
	else
		format_truncate(&shown, sbuf_str(&line), 20);
	add_quoted(b, sbuf_str(&shown));
}

static void ports_text(const struct ctr_state *s, struct sbuf *b)
{
	for (char **t = s->status == CTR_RUNNING ? s->ports : NULL; t && *t; t++) {
		struct portspec *p = NULL;
		size_t n = 0;

		if (portspec_parse(*t, &p, &n, NULL) < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			sbuf_printf(b, "%s%s:%u->%u/%s", b->len ? ", " : "", p[i].ip ? p[i].ip : "0.0.0.0",
				    p[i].host_first, p[i].port, port_proto_name(p[i].proto));
		portspec_free(p, n);
	}
}

static void status_text(const struct ctr_state *s, struct sbuf *b)
{
	char ago[FORMAT_LEN];

	switch ((enum ctr_status)s->status) {
	case CTR_RUNNING:
		sbuf_printf(b, "Up %s", format_duration(time_now() - s->started_ns, ago));
		break;
	case CTR_EXITED:
		sbuf_printf(b, "Exited (%lld) %s", (long long)s->exit_code, format_ago(s->finished_ns, ago));
		break;
	default:
		sbuf_adds(b, s->status == CTR_CREATED ? "Created" : "Dead");
		break;
	}
}

static struct json *row(const struct ctr *c, const struct ctr_state *s, const struct ps_opts *o,
			struct json **ret_labels)
{
	const struct ctr_config *f = &c->config;
	auto_sbuf struct sbuf command = { 0 }, status = { 0 }, ports = { 0 }, labels = { 0 }, mounts = { 0 };
	struct json *j = json_new_object();
	char text[FORMAT_LEN];

	command_text(f, o->no_trunc, &command);
	status_text(s, &status);
	ports_text(s, &ports);
	*ret_labels = json_new_object();
	for
		KV_EACH(f->labels, i)
		{
			sbuf_printf(&labels, "%s%s=%s", i ? "," : "", f->labels[i], f->labels[i + 1]);
			json_set_str(*ret_labels, f->labels[i], f->labels[i + 1]);
		}
	for (char **v = f->volumes; v && *v; v++)
		sbuf_printf(&mounts, "%s%.*s", mounts.len ? "," : "", (int)strcspn(*v, ":"), *v);
	json_set_str(j, "ID", o->no_trunc ? f->id : format_short_id(f->id, text));
	json_set_str(j, "Image", f->image);
	json_set_str(j, "Command", sbuf_str(&command));
	json_set_str(j, "RunningFor", format_ago(f->created_ns, text));
	json_set_str(j, "CreatedAt", format_time_local(f->created_ns, text));
	json_set_str(j, "Status", sbuf_str(&status));
	json_set_str(j, "State", ctr_status_name((enum ctr_status)s->status));
	json_set_str(j, "Ports", sbuf_str(&ports));
	json_set_str(j, "Names", f->name);
	json_set_str(j, "Labels", sbuf_str(&labels));
	json_set_str(j, "Mounts", sbuf_str(&mounts));
	json_set_str(j, "Networks", f->network ? f->network : "");
	json_set_str(j, "Platform", f->platform ? f->platform : "");
	return j;
}

static bool label_matches(char *const *labels, const char *want)
{
	size_t n = strcspn(want, "=");
	auto_free char *key = xstrndup(want, n);
	const char *value = kv_get(labels, key);

	return value && (!want[n] || !strcmp(value, want + n + 1));
}

static const char *const filter_keys[] = { "id", "name", "label", "status", "exited", "ancestor", "network" };

static bool one_matches(const struct ctr *c, const struct ctr_state *s, const char *key, const char *want)
{
	auto_free char *code = xasprintf("%lld", (long long)s->exit_code);

	if (!strcmp(key, "id"))
		return str_has_prefix(c->config.id, want);
	if (!strcmp(key, "name"))
		return strstr(c->config.name, *want == '/' ? want + 1 : want) != NULL;
	if (!strcmp(key, "label"))
		return label_matches(c->config.labels, want);
	if (!strcmp(key, "status"))
		return !strcmp(ctr_status_name((enum ctr_status)s->status), want);
	if (!strcmp(key, "exited"))
		return s->status == CTR_EXITED && !strcmp(code, want);
	if (!strcmp(key, "network"))
		return str_is_eq(c->config.network, want);
	return str_is_eq(c->config.image, want) || (c->config.image_config && strstr(c->config.image_config, want));
}

/* Different keys must all hold; of one key, one value (labels: all), as docker does it. */
static bool matches(const struct ctr *c, const struct ctr_state *s, char *const *filters)
{
	for (size_t k = 0; k < sizeof(filter_keys) / sizeof(*filter_keys); k++) {
		bool asked = false, any = false, all = true;

		for (char *const *f = filters; f && *f; f++) {
			const char *eq = strchr(*f, '=');
			size_t n = strlen(filter_keys[k]);

			if ((size_t)(eq - *f) != n || strncmp(*f, filter_keys[k], n))
				continue;
			asked = true;
			if (one_matches(c, s, filter_keys[k], eq + 1))
				any = true;
			else
				all = false;
		}
		if (asked && !(strcmp(filter_keys[k], "label") ? any : all))
			return false;
	}
	return true;
}

static int check_filters(char *const *filters, struct err *e)
{
	for (; filters && *filters; filters++) {
		size_t n = strcspn(*filters, "="), k = 0;

		if (!(*filters)[n])
			return err_say(e, EINVAL, "invalid filter '%s': it needs key=value", *filters);
		while (k < sizeof(filter_keys) / sizeof(*filter_keys) &&
		       (strlen(filter_keys[k]) != n || strncmp(filter_keys[k], *filters, n)))
			k++;
		if (k == sizeof(filter_keys) / sizeof(*filter_keys))
			return err_say(e, EINVAL, "invalid filter '%.*s'", (int)n, *filters);
	}
	return 0;
}

static bool wants_stopped(char *const *filters)
{
	for (; filters && *filters; filters++)
		if (str_has_prefix(*filters, "status=") || str_has_prefix(*filters, "exited="))
			return true;
	return false;
}

static int ps_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct ps_opts *o = opts;
	auto_format_list struct format_list *l = NULL;
	auto_store struct store *store = NULL;
	auto_free char *format = NULL;
	bool all = o->all || o->latest || o->last > 0 || wants_stopped(o->filter);
	int64_t left = o->latest ? 1 : o->last > 0 ? o->last : INT64_MAX;
	struct ctr *v = NULL;
	size_t n = 0;
	int r = check_filters(o->filter, e);

	(void)argc;
	(void)argv;
	if (r == 0 && !(o->quiet && !o->format))
		r = cmd_list_format(ctx, o->format, CMD_LIST_PS, &format, e);
	if (r == 0 && o->quiet && !o->format)
		r = format_list_new_quiet(NULL, "ID", columns, &l, e);
	else if (r == 0)
		r = format_list_new(
			format,
			"{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
			columns, &l, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = ctr_list(store, &v, &n, e);
	for (size_t i = 0; r == 0 && i < n && left > 0; i++) {
		auto_json struct json *j = NULL, *labels = NULL;
		struct ctr_state s;

		ctr_read_state(&v[i], &s);
		if (s.monitor_died) {
			bool gone = ctr_settle(&v[i]);

			ctr_state_done(&s);
			if (gone)
				continue;
			ctr_read_state(&v[i], &s);
		}
		if ((all || s.status == CTR_RUNNING) && matches(&v[i], &s, o->filter)) {
			j = row(&v[i], &s, o, &labels);
			r = format_list_add(l, j, labels, e);
			left--;
		}
		ctr_state_done(&s);
	}
	ctr_list_free(v, n);
	return r < 0 ? r : format_list_print(l, stdout, e);
}

static const struct opt opts[] = {
	OPT_BOOL('a', "all", struct ps_opts, all, "Show all containers (default shows just running)"),
	OPT_STRV('f', "filter", struct ps_opts, filter, "Filter output based on conditions provided"),
	OPT_STR(0, "format", struct ps_opts, format, "Format output using a custom template"),
	OPT_I64('n', "last", struct ps_opts, last, "Show n last created containers (includes all states)",
		.dflt = "-1"),
	OPT_BOOL('l', "latest", struct ps_opts, latest, "Show the latest created container (includes all states)"),
	OPT_BOOL(0, "no-trunc", struct ps_opts, no_trunc, "Don't truncate output"),
	OPT_BOOL('q', "quiet", struct ps_opts, quiet, "Only display container IDs"),
	OPT_END,
};

const struct cmd cmd_ps = {
	.path = "container ls",
	.alias = "ps,container ps,container list",
	.help = "List containers",
	.opts = opts,
	.opts_size = sizeof(struct ps_opts),
	.group = CMD_GROUP_COMMON,
	.run = ps_run,
};
