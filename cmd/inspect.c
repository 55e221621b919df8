/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/image_json.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/engine/size.h"
#include "lib/format/list.h"
#include "lib/oci/json.h"
#include "storage/store.h"

struct inspect_opts {
	const char *format, *type;
	bool size;
};

static int add_size(struct ctr *c, struct json *j, struct err *e)
{
	struct ctr_size size;
	int r = ctr_sizes(c->store, c, 1, &size, e);

	if (r < 0)
		return r;
	json_set_i64(j, "SizeRw", size.rw);
	json_set_i64(j, "SizeRootFs", size.rw + size.layers);
	return 0;
}

/* Return: owned object, or -ENOENT. */
static int inspect_container(struct store *store, const char *name, bool with_size, struct json **ret, struct err *e)
{
	auto_json struct json *j = NULL;
	auto_ctr struct ctr c = { 0 };
	struct ctr_state s;
	bool gone;
	int r = ctr_find(store, name, &c, e);

	if (r < 0)
		return r;
	ctr_read_state(&c, &s);
	gone = s.monitor_died && ctr_settle(&c);
	ctr_state_done(&s);
	if (gone)
		return err_say(e, ENOENT, "No such container: %s", name);
	j = ctr_inspect(&c);
	if (with_size)
		r = add_size(&c, j, e);
	if (r == 0)
		*ret = take_ptr(&j);
	return r;
}

static int inspect_any(struct store *store, const char *name, const char *type, bool with_size, struct json **ret,
		       struct err *e)
{
	int r = -ENOENT;

	if (str_is_empty(type) || !strcmp(type, "container"))
		r = inspect_container(store, name, with_size, ret, e);
	if (r == -ENOENT && (str_is_empty(type) || !strcmp(type, "image")))
		r = image_json(store, name, ret, e);
	if (r == -ENOENT && str_is_empty(type))
		return err_say(e, ENOENT, "No such object: %s", name);
	return r;
}

static int inspect(struct ctx *ctx, const struct inspect_opts *o, const char *type, int argc, char **argv,
		   struct err *e)
{
	auto_store struct store *store = NULL;
	auto_json struct json *items = json_new_array();
	struct err fmt = { 0 };
	int status = 0, r = store_open(ctx->root, ctx->runroot, &store, e);

	if (r < 0)
		return r;
	for (int i = 0; i < argc; i++) {
		struct json *j = NULL;

		if (inspect_any(store, argv[i], type, o->size, &j, e) == 0) {
			json_add(items, j);
			continue;
		}
		cmd_print_error(e);
		status = 1;
	}
	r = format_inspect(o->format, items, stdout, &fmt);
	if (r < 0) {
		*e = fmt;
		return r;
	}
	return status;
}

static int inspect_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct inspect_opts *o = opts;

	if (o->type && strcmp(o->type, "container") && strcmp(o->type, "image"))
		return err_say(e, EINVAL, "\"%s\" is not a valid value for --type: container and image are", o->type);
	return inspect(ctx, o, o->type, argc, argv, e);
}

static int container_inspect_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	return inspect(ctx, opts, "container", argc, argv, e);
}

static const struct opt opts[] = {
	OPT_STR('f', "format", struct inspect_opts, format, "Format output using a custom template"),
	OPT_BOOL('s', "size", struct inspect_opts, size, "Display total file sizes if the type is container"),
	OPT_STR(0, "type", struct inspect_opts, type, "Only inspect objects of the given type"),
	OPT_END,
};

static const struct opt container_opts[] = {
	OPT_STR('f', "format", struct inspect_opts, format, "Format output using a custom template"),
	OPT_BOOL('s', "size", struct inspect_opts, size, "Display total file sizes"),
	OPT_END,
};

const struct cmd cmd_inspect = {
	.path = "inspect",
	.args = "NAME|ID [NAME|ID...]",
	.help = "Return low-level information on containers and images",
	.opts = opts,
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = inspect_run,
};

const struct cmd cmd_container_inspect = {
	.path = "container inspect",
	.args = "CONTAINER [CONTAINER...]",
	.help = "Display detailed information on one or more containers",
	.opts = container_opts,
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = container_inspect_run,
};
