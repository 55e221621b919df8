/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ctr_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/engine/ctr.h"
#include "lib/engine/size.h"
#include "lib/engine/spec.h"
#include "lib/format/text.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "lib/oci/runspec.h"

#define COMMAND_MAX 20
#define MOUNT_MAX   15

char *ctr_command_text(const struct ctr *c)
{
	auto_strv char **all = strv_dup(c->config.entrypoint);
	struct sbuf line = { 0 };

	for (char **a = c->config.cmd; a && *a; a++)
		strv_add(&all, *a);
	for (char **a = all; a && *a; a++) {
		const char *quote = a > all && strchr(*a, ' ') ? "'" : "";

		sbuf_printf(&line, "%s%s%s%s", a > all ? " " : "", quote, *a, quote);
	}
	return line.p ? sbuf_take(&line) : xstrdup("");
}

char *ctr_status_text(const struct ctr_state *s)
{
	char ago[FORMAT_LEN];

	switch ((enum ctr_status)s->status) {
	case CTR_RUNNING:
		return xasprintf("Up %s", format_duration(time_now() - s->started_ns, ago));
	case CTR_EXITED:
		return xasprintf("Exited (%lld) %s", (long long)s->exit_code, format_ago(s->finished_ns, ago));
	default:
		return xstrdup(s->status == CTR_CREATED ? "Created" : "Dead");
	}
}

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

static void set_command(struct json *j, const struct ctr *c, bool full)
{
	auto_free char *line = ctr_command_text(c);
	auto_sbuf struct sbuf shown = { 0 }, quoted = { 0 };

	if (full)
		sbuf_adds(&shown, line);
	else
		format_truncate(&shown, line, COMMAND_MAX);
	add_quoted(&quoted, sbuf_str(&shown));
	json_set_str(j, "Command", sbuf_str(&quoted));
}

static void set_ports(struct json *j, const struct ctr_state *s)
{
	auto_sbuf struct sbuf b = { 0 };

	for (char **t = s->status == CTR_RUNNING ? s->ports : NULL; t && *t; t++) {
		struct portspec *p = NULL;
		size_t n = 0;

		if (portspec_parse(*t, &p, &n, NULL) < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			sbuf_printf(&b, "%s%s:%u->%u/%s", b.len ? ", " : "", p[i].ip ? p[i].ip : "0.0.0.0",
				    p[i].host_first, p[i].port, port_proto_name(p[i].proto));
		portspec_free(p, n);
	}
	json_set_str(j, "Ports", sbuf_str(&b));
}

static void set_labels(struct json *j, char *const *kv, struct json **ret)
{
	auto_sbuf struct sbuf text = { 0 };
	struct json *labels = ret ? json_new_object() : NULL;

	KV_EACH(kv, i)
		{
			sbuf_printf(&text, "%s%s=%s", i ? "," : "", kv[i], kv[i + 1]);
			if (labels)
				json_set_str(labels, kv[i], kv[i + 1]);
		}
	json_set_str(j, "Labels", sbuf_str(&text));
	if (ret)
		*ret = labels;
}

static void set_mounts(struct json *j, const struct ctr *c, const struct ctr_row_opts *o)
{
	auto_sbuf struct sbuf text = { 0 };
	auto_spec struct spec s = { 0 };
	auto_free char *count = NULL;
	size_t volumes = 0;

	if (o->mounts && spec_parse(&c->config, &s, NULL) == 0)
		for (size_t i = 0; i < s.n_mounts; i++) {
			const struct mountspec *m = &s.mounts[i];

			volumes += m->type == MOUNTSPEC_VOLUME;
			if (!m->source)
				continue;
			sbuf_adds(&text, text.len ? "," : "");
			if (o->full)
				sbuf_adds(&text, m->source);
			else
				format_truncate(&text, m->source, MOUNT_MAX);
		}
	count = xasprintf("%zu", volumes);
	json_set_str(j, "Mounts", sbuf_str(&text));
	json_set_str(j, "LocalVolumes", count);
}

static void set_size(struct json *j, const struct ctr_size *size, bool alone)
{
	char rw[FORMAT_LEN] = "0B", virtual_size[FORMAT_LEN];
	auto_free char *both = NULL;

	if (size)
		format_size((uint64_t)size->rw, 3, rw);
	if (size && !alone)
		both = xasprintf("%s (virtual %s)", rw,
				 format_size((uint64_t)(size->rw + size->layers), 3, virtual_size));
	json_set_str(j, "Size", both ? both : rw);
}

static void set_number(struct json *j, const char *key, int64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, v);
	json_set_str(j, key, text);
}

static void set_time(struct json *j, const char *key, int64_t ns)
{
	char text[FORMAT_LEN];

	json_set_str(j, key, ns ? format_time_local(ns, text) : "");
}

/* What podman has besides. */
static void set_more(struct json *j, const struct ctr_config *f, const struct ctr_state *s)
{
	bool ended = s->status == CTR_EXITED || s->status == CTR_DEAD;
	char text[FORMAT_LEN];

	set_number(j, "Pid", s->status == CTR_RUNNING ? s->pid : 0);
	set_number(j, "Created", f->created_ns / NSEC_PER_SEC);
	json_set_str(j, "CreatedHuman", format_ago(f->created_ns, text));
	set_number(j, "ExitCode", s->exit_code);
	json_set_str(j, "Exited", ended ? "true" : "false");
	set_time(j, "ExitedAt", ended ? s->finished_ns : 0);
	set_time(j, "StartedAt", s->started_ns);
	json_set_str(j, "ImageID", f->image_config ? f->image_config : "");
	json_set_str(j, "AutoRemove", f->auto_remove ? "true" : "false");
	json_set_str(j, "CIDFile", f->cidfile ? f->cidfile : "");
}

struct json *ctr_row(const struct ctr *c, const struct ctr_state *s, const struct ctr_size *size,
		     const struct ctr_row_opts *o, struct json **ret_labels)
{
	const struct ctr_config *f = &c->config;
	auto_free char *status = ctr_status_text(s);
	struct json *j = json_new_object();
	char text[FORMAT_LEN];

	json_set_str(j, "ID", o->full ? f->id : format_short_id(f->id, text));
	json_set_str(j, "Image", f->image);
	set_command(j, c, o->full);
	json_set_str(j, "RunningFor", format_ago(f->created_ns, text));
	set_time(j, "CreatedAt", f->created_ns);
	json_set_str(j, "Status", status);
	json_set_str(j, "State", ctr_status_name((enum ctr_status)s->status));
	set_ports(j, s);
	json_set_str(j, "Names", f->name);
	set_labels(j, f->labels, ret_labels);
	set_mounts(j, c, o);
	json_set_str(j, "Networks", f->network ? f->network : "");
	json_set_str(j, "Platform", f->platform ? f->platform : "");
	set_size(j, size, o->size_alone);
	set_more(j, f, s);
	return j;
}
