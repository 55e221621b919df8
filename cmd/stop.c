/* SPDX-License-Identifier: Apache-2.0 */
/* stop, kill, rm, wait: one container after the other, and an error for one does not keep the others from it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/engine/attach.h"
#include "lib/engine/life.h"
#include "lib/engine/proto.h"
#include "storage/store.h"

typedef int (*each_fn)(struct ctr *c, const char *name, const void *opts, struct err *e);

/**
 * struct each - what is done with each container
 * @one:		called for it
 * @opts:		handed to @one
 * @missing_is_fine:	that there is no such container is said, but is no failure
 * @finish:		called once after it succeeded for any that is not --rm, or NULL
 */
struct each {
	each_fn one;
	const void *opts;
	bool missing_is_fine;
	int (*finish)(struct store *s, struct err *e);
};

static int for_each(struct ctx *ctx, int argc, char **argv, const struct each *each, struct err *e)
{
	auto_store struct store *store = NULL;
	int status = 0, r = store_open(ctx->root, ctx->runroot, &store, e);
	bool any = false;

	if (r < 0)
		return r;
	for (int i = 0; i < argc; i++) {
		auto_ctr struct ctr c = { 0 };

		r = ctr_find(store, argv[i], &c, e);
		if (r == 0)
			r = each->one(&c, argv[i], each->opts, e);
		any |= r == 0 && !c.config.auto_remove;
		if (r < 0) {
			cmd_print_error(e);
			if (r != -ENOENT || !each->missing_is_fine)
				status = 1;
		}
	}
	r = each->finish && any ? each->finish(store, e) : 0;
	return r < 0 ? r : status;
}

struct stop_opts {
	const char *signal;
	int64_t timeout;
	bool has_timeout;
};

static int stop_one(struct ctr *c, const char *name, const void *opts, struct err *e)
{
	const struct stop_opts *o = opts;
	int r = ctr_stop(c, o->signal, o->has_timeout ? o->timeout : c->config.stop_timeout, e);

	if (r == 0)
		printf("%s\n", name);
	return r;
}

static int stop_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	struct stop_opts *o = opts;

	o->has_timeout = ctx_is_given(ctx, "timeout") || ctx_is_given(ctx, "time");
	return for_each(ctx, argc, argv, &(struct each) { stop_one, o, false, NULL }, e);
}

static const struct opt stop_options[] = {
	OPT_STR('s', "signal", struct stop_opts, signal, "Signal to send to the container"),
	OPT_I64('t', "timeout", struct stop_opts, timeout, "Seconds to wait before killing the container"),
	OPT_I64(0, "time", struct stop_opts, timeout, "Seconds to wait before killing the container",
		.flags = OPT_HIDDEN),
	OPT_END,
};

const struct cmd cmd_stop = {
	.path = "container stop",
	.alias = "stop",
	.args = "CONTAINER [CONTAINER...]",
	.help = "Stop one or more running containers",
	.opts = stop_options,
	.opts_size = sizeof(struct stop_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = stop_run,
};

struct kill_opts {
	const char *signal;
};

static int kill_one(struct ctr *c, const char *name, const void *opts, struct err *e)
{
	const struct kill_opts *o = opts;
	int sig = signal_parse(o->signal, e), r;

	if (sig < 0)
		return sig;
	if (!ctr_is_running(c))
		return err_say(e, ESRCH, "cannot kill container: %s: container %.12s is not running", name,
			       c->config.id);
	r = ctr_kill(c, sig, e);
	if (r == 0 && sig == SIGKILL)
		r = ctr_wait_ended(c, 10000, e); /* as docker: gone when the command returns */
	if (r == -ETIMEDOUT)
		r = ctr_kill_monitor(c, e);
	if (r == 0)
		printf("%s\n", name);
	return r;
}

static int kill_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	return for_each(ctx, argc, argv, &(struct each) { kill_one, opts, false, NULL }, e);
}

static const struct opt kill_options[] = {
	OPT_STR('s', "signal", struct kill_opts, signal, "Signal to send to the container", .dflt = "KILL"),
	OPT_END,
};

const struct cmd cmd_kill = {
	.path = "container kill",
	.alias = "kill",
	.args = "CONTAINER [CONTAINER...]",
	.help = "Kill one or more running containers",
	.opts = kill_options,
	.opts_size = sizeof(struct kill_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = kill_run,
};

struct rm_opts {
	bool force, volumes;
};

static int rm_one(struct ctr *c, const char *name, const void *opts, struct err *e)
{
	const struct rm_opts *o = opts;
	int r;

	if (o->force) {
		r = ctr_remove_forced(c, e);
	} else if (ctr_is_running_settled(c)) {
		return err_say(e, EBUSY,
			       "cannot remove container \"%s\": container is running: stop the container before "
			       "removing or force remove",
			       name);
	} else {
		r = ctr_remove(c, e);
	}
	if (r == 0)
		printf("%s\n", name);
	return r;
}

static int rm_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct rm_opts *o = opts;
	/* docker: -f says so, and is content */
	const struct each each = { rm_one, opts, .missing_is_fine = o->force, .finish = ctr_sync_all };

	return for_each(ctx, argc, argv, &each, e);
}

static const struct opt rm_options[] = {
	OPT_BOOL('f', "force", struct rm_opts, force, "Force the removal of a running container (uses SIGKILL)"),
	/* There are no anonymous volumes yet: nothing of that kind can be left behind. */
	OPT_BOOL('v', "volumes", struct rm_opts, volumes, "Remove anonymous volumes associated with the container"),
	OPT_END,
};

const struct cmd cmd_rm = {
	.path = "container rm",
	.alias = "rm,container remove",
	.args = "CONTAINER [CONTAINER...]",
	.help = "Remove one or more containers",
	.opts = rm_options,
	.opts_size = sizeof(struct rm_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = rm_run,
};

static int wait_one(struct ctr *c, const char *name, const void *opts, struct err *e)
{
	auto_close int sock = -EBADF;
	struct ctr_state s;
	int code = 0, r = ctr_connect(c, &sock, NULL);

	(void)name;
	(void)opts;
	if (r == 0)
		r = proto_send(sock, PROTO_WAIT, 0, NULL, 0, NULL, 0);
	if (r == 0)
		r = attach_wait(sock, &code, NULL);
	if (r < 0) { /* not running, or its monitor died meanwhile: the record says how it ended */
		r = ctr_wait_ended(c, -1, e);
		if (r < 0)
			return r;
		ctr_read_state(c, &s);
		code = (int)s.exit_code;
		ctr_state_done(&s);
	}
	printf("%d\n", code);
	return 0;
}

static int wait_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	return for_each(ctx, argc, argv, &(struct each) { wait_one, opts, false, NULL }, e);
}

const struct cmd cmd_wait = {
	.path = "container wait",
	.alias = "wait",
	.args = "CONTAINER [CONTAINER...]",
	.help = "Block until one or more containers stop, then print their exit codes",
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = wait_run,
};
