/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/engine/attach.h"
#include "lib/engine/life.h"
#include "lib/oci/envfile.h"
#include "storage/store.h"

struct exec_opts {
	bool detach, interactive, tty, privileged;
	const char *user, *workdir, *detach_keys;
	char **env, **env_file;
};

static int exec_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct exec_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_ctr struct ctr c = { 0 };
	auto_close int sock = -EBADF;
	auto_strv char **env = NULL;
	auto_free char *keys = NULL;
	struct exec_request q = { .user = o->user,
				  .cwd = o->workdir,
				  .argv = argv + 1,
				  .tty = o->tty,
				  .interactive = o->interactive,
				  .privileged = o->privileged,
				  .detach = o->detach };
	int code = 1, r = 0;

	(void)argc;
	if (o->workdir && o->workdir[0] != '/')
		return err_say(e, EINVAL, "the working directory '%s' is invalid, it needs to be an absolute path",
			       o->workdir);
	if (o->tty && o->interactive && !o->detach && !isatty(STDIN_FILENO))
		return err_say(e, ENOTTY, "the input device is not a TTY");
	for (char **f = o->env_file; r == 0 && f && *f; f++)
		r = envfile_load(*f, environ, &env, e);
	for (char **v = o->env; r == 0 && v && *v; v++)
		r = env_set_option(&env, *v, environ, e);
	if (r == 0)
		r = cmd_detach_keys(ctx, o->detach_keys, &keys, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = ctr_find(store, argv[0], &c, e);
	if (r == 0)
		r = ctr_connect(&c, &sock, e);
	if (r < 0)
		return r;
	q.env = env;
	q.keys = keys;
	r = attach_exec(sock, &q, &code, e);
	if (r == ATTACH_DETACHED)
		return 0;
	if (r >= 0)
		return code;
	cmd_print_error(e);
	return code == 125 ? 1 : code; /* docker: 126 and 127 are the command's, what else fails is 1 */
}

static const struct opt opts[] = {
	OPT_BOOL('d', "detach", struct exec_opts, detach, "Detached mode: run command in the background"),
	OPT_STR(0, "detach-keys", struct exec_opts, detach_keys, "Override the key sequence for detaching a container"),
	OPT_STRV('e', "env", struct exec_opts, env, "Set environment variables"),
	OPT_STRV(0, "env-file", struct exec_opts, env_file, "Read in a file of environment variables"),
	OPT_BOOL('i', "interactive", struct exec_opts, interactive, "Keep STDIN open even if not attached"),
	OPT_BOOL(0, "privileged", struct exec_opts, privileged, "Give extended privileges to the command"),
	OPT_BOOL('t', "tty", struct exec_opts, tty, "Allocate a pseudo-TTY"),
	OPT_STR('u', "user", struct exec_opts, user, "Username or UID (format: \"<name|uid>[:<group|gid>]\")"),
	OPT_STR('w', "workdir", struct exec_opts, workdir, "Working directory inside the container"),
	OPT_END,
};

const struct cmd cmd_exec = {
	.path = "container exec",
	.alias = "exec",
	.args = "CONTAINER COMMAND [ARG...]",
	.help = "Execute a command in a running container",
	.opts = opts,
	.opts_size = sizeof(struct exec_opts),
	.min_args = 2,
	.max_args = CMD_ANY,
	.flags = CMD_STOP_AT_OPERAND,
	.group = CMD_GROUP_COMMON,
	.run = exec_run,
};
