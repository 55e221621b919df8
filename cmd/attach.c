/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/attach.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/engine/life.h"
#include "lib/engine/proto.h"
#include "storage/store.h"

struct attach_cmd_opts {
	bool no_stdin, sig_proxy;
	const char *detach_keys;
};

static int attach_cmd_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct attach_cmd_opts *o = opts;
	struct attach_opts a = { .sig_proxy = o->sig_proxy };
	auto_store struct store *store = NULL;
	auto_ctr struct ctr c = { 0 };
	auto_close int sock = -EBADF;
	auto_free char *keys = NULL;
	int code = 1, r = store_open(ctx->root, ctx->runroot, &store, e);

	(void)argc;
	if (r == 0)
		r = cmd_detach_keys(ctx, o->detach_keys, &keys, e);
	if (r == 0)
		r = ctr_find(store, argv[0], &c, e);
	if (r < 0)
		return r;
	if (!ctr_is_running(&c))
		return err_say(e, ESRCH, "You cannot attach to a stopped container, start it first");
	r = ctr_connect(&c, &sock, e);
	if (r < 0)
		return r;
	a.keys = keys;
	a.tty = c.config.tty;
	a.stdin_on = !o->no_stdin && c.config.open_stdin;
	if (a.tty && a.stdin_on && !isatty(STDIN_FILENO))
		return err_say(e, ENOTTY, "the input device is not a TTY");
	attach_block_signals(&a);
	r = proto_send(sock, PROTO_ATTACH, PROTO_A_STDOUT | PROTO_A_STDERR | (a.stdin_on ? PROTO_A_STDIN : 0), NULL, 0,
		       NULL, 0);
	if (r < 0)
		return err_set(e, r, "attach to the container");
	if (a.tty)
		attach_redraw(sock);
	r = attach_run(sock, &a, &code, e);
	if (r == ATTACH_DETACHED)
		return 0;
	if (r < 0) {
		ctr_settle_killed(&c);
		cmd_print_error(e);
	}
	return code;
}

static const struct opt opts[] = {
	OPT_STR(0, "detach-keys", struct attach_cmd_opts, detach_keys,
		"Override the key sequence for detaching a container"),
	OPT_BOOL(0, "no-stdin", struct attach_cmd_opts, no_stdin, "Do not attach STDIN"),
	OPT_BOOL(0, "sig-proxy", struct attach_cmd_opts, sig_proxy, "Proxy all received signals to the process",
		 .dflt = "true"),
	OPT_END,
};

const struct cmd cmd_attach = {
	.path = "container attach",
	.alias = "attach",
	.args = "CONTAINER",
	.help = "Attach local standard input, output, and error streams to a running container",
	.opts = opts,
	.opts_size = sizeof(struct attach_cmd_opts),
	.min_args = 1,
	.max_args = 1,
	.run = attach_cmd_run,
};
