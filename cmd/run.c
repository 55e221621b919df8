/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/new_container.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/engine/attach.h"
#include "lib/engine/life.h"
#include "lib/engine/monitor.h"
#include "lib/engine/proto.h"
#include "storage/store.h"

static int check(const struct run_opts *o, struct err *e)
{
	if (o->detach && o->tty && o->interactive)
		return 0;
	if (o->tty && o->interactive && !o->detach && !isatty(STDIN_FILENO))
		return err_say(e, ENOTTY, "the input device is not a TTY");
	return 0;
}

/* Start it, be its terminal, and go with its exit code. */
static int foreground(struct ctr *c, const struct run_opts *o, const char *keys, struct err *e)
{
	struct attach_opts a = { .stdin_on = o->interactive, .tty = o->tty, .sig_proxy = o->sig_proxy, .keys = keys };
	struct monitor_opts m = { .attach = PROTO_A_STDOUT | PROTO_A_STDERR | (o->interactive ? PROTO_A_STDIN : 0) };
	auto_close int sock = -EBADF;
	int code = 125, r;

	attach_window_size(&m.rows, &m.cols);
	attach_block_signals(&a);
	r = monitor_start(c, &m, &sock, &code, e);
	if (r < 0) {
		cmd_print_error(e);
		return code;
	}
	r = attach_run(sock, &a, &code, e);
	trace_mark("container ended");
	if (r == ATTACH_DETACHED)
		return 0;
	if (r < 0) {
		ctr_settle_killed(c);
		cmd_print_error(e);
	}
	return code;
}

static int background(struct ctr *c, const struct run_opts *o, struct err *e)
{
	struct monitor_opts m = { 0 };
	auto_close int sock = -EBADF;
	int code = 125, r;

	(void)o;
	attach_window_size(&m.rows, &m.cols);
	r = monitor_start(c, &m, &sock, &code, e);
	if (r < 0) {
		cmd_print_error(e);
		return code;
	}
	printf("%s\n", c->config.id);
	return 0;
}

static int run_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct run_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_ctr struct ctr c = { 0 };
	auto_free char *keys = NULL;
	int r = check(o, e);

	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	trace_mark("store");
	o->is_run = true;
	if (r == 0)
		r = new_container(ctx, store, o, argc, argv, &c, &keys, e);
	trace_mark("container made");
	if (r < 0)
		return r;
	return o->detach ? background(&c, o, e) : foreground(&c, o, keys, e);
}

const struct cmd cmd_run = {
	.path = "container run",
	.alias = "run",
	.args = "IMAGE [COMMAND] [ARG...]",
	.help = "Create and run a new container from an image",
	.opts = run_opts_table,
	.opts_size = sizeof(struct run_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.flags = CMD_STOP_AT_OPERAND,
	.group = CMD_GROUP_COMMON,
	.fail_status = 125,
	.run = run_run,
};

static int create_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	auto_store struct store *store = NULL;
	auto_ctr struct ctr c = { 0 };
	int r = store_open(ctx->root, ctx->runroot, &store, e);

	if (r == 0)
		r = new_container(ctx, store, opts, argc, argv, &c, NULL, e);
	if (r < 0)
		return r;
	printf("%s\n", c.config.id);
	return 0;
}

const struct cmd cmd_create = {
	.path = "container create",
	.alias = "create",
	.args = "IMAGE [COMMAND] [ARG...]",
	.help = "Create a new container",
	.opts = run_opts_table + RUN_ONLY,
	.opts_size = sizeof(struct run_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.flags = CMD_STOP_AT_OPERAND,
	.fail_status = 125,
	.run = create_run,
};
