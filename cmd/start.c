/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/engine/attach.h"
#include "lib/engine/life.h"
#include "lib/engine/monitor.h"
#include "lib/engine/proto.h"
#include "storage/store.h"

struct start_opts {
	bool attach, interactive, sig_proxy;
	const char *detach_keys;
};

static int start_attached(struct ctx *ctx, struct ctr *c, const struct start_opts *o, struct err *e)
{
	struct attach_opts a = { .stdin_on = o->interactive && c->config.open_stdin,
				 .tty = c->config.tty,
				 .sig_proxy = o->sig_proxy };
	struct monitor_opts m = { .attach = PROTO_A_STDOUT | PROTO_A_STDERR | (a.stdin_on ? PROTO_A_STDIN : 0),
				  .storage_driver = ctx->storage_driver };
	auto_close int sock = -EBADF;
	auto_free char *keys = NULL;
	unsigned char parsed[16];
	int code = 125, r = cmd_detach_keys(ctx, o->detach_keys, &keys, e);

	if (r == 0)
		r = attach_parse_keys(keys, parsed, e);
	if (r < 0)
		return r;
	a.keys = keys;
	attach_window_size(&m.rows, &m.cols);
	attach_block_signals(&a);
	r = monitor_start(c, &m, &sock, &code, e);
	if (r < 0) {
		cmd_print_error(e);
		return code;
	}
	r = attach_run(sock, &a, &code, e);
	if (r == ATTACH_DETACHED)
		return 0;
	if (r < 0) {
		ctr_settle_killed(c);
		cmd_print_error(e);
	}
	return code;
}

static int start_one(struct ctx *ctx, struct store *store, const char *name, const struct start_opts *o, int *ret_code,
		     struct err *e)
{
	struct monitor_opts m = { .storage_driver = ctx->storage_driver };
	auto_ctr struct ctr c = { 0 };
	auto_close int sock = -EBADF;
	int r = ctr_find(store, name, &c, e);

	*ret_code = 1;
	if (r < 0)
		return r;
	if (ctr_is_running_settled(&c) && !(o->attach || o->interactive)) {
		printf("%s\n", name); /* docker: nothing to do, and no error */
		return 0;
	}
	if (o->attach || o->interactive) {
		*ret_code = start_attached(ctx, &c, o, e);
		return *ret_code < 0 ? *ret_code : 0;
	}
	r = monitor_start(&c, &m, &sock, ret_code, e);
	if (r == 0)
		printf("%s\n", name);
	return r;
}

static int start_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct start_opts *o = opts;
	auto_store struct store *store = NULL;
	int status = 0, r = store_open(ctx->root, ctx->runroot, &store, e);

	if (r < 0)
		return r;
	if (argc > 1 && (o->attach || o->interactive))
		return err_say(e, EINVAL, "you cannot start and attach multiple containers at once");
	for (int i = 0; i < argc; i++) {
		int code = 0;

		if (start_one(ctx, store, argv[i], o, &code, e) < 0) {
			cmd_print_error(e);
			status = code > 0 ? code : 1;
			if (argc > 1)
				status = 1;
		} else if (o->attach || o->interactive) {
			status = code;
		}
	}
	return status;
}

static const struct opt opts[] = {
	OPT_BOOL('a', "attach", struct start_opts, attach, "Attach STDOUT/STDERR and forward signals"),
	OPT_BOOL('i', "interactive", struct start_opts, interactive, "Attach container's STDIN"),
	OPT_STR(0, "detach-keys", struct start_opts, detach_keys,
		"Override the key sequence for detaching a container"),
	OPT_BOOL(0, "sig-proxy", struct start_opts, sig_proxy, "Proxy received signals to the process", .dflt = "true"),
	OPT_END,
};

const struct cmd cmd_start = {
	.path = "container start",
	.alias = "start",
	.args = "CONTAINER [CONTAINER...]",
	.help = "Start one or more stopped containers",
	.opts = opts,
	.opts_size = sizeof(struct start_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = start_run,
};
