/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the command line is read in two passes over one parser. The first takes the global options in
 * front of the verb and stops at it; the verb (one to three words) is looked up; the second takes the verb's own
 * options and, where their names are free, the global ones again. Nothing else happens before the verb runs: `skiff
 * --version` must not cost more than the start of the process.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/dump.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define EXIT_OURS 125 /* bad flags, as docker and podman */
#define MAX_WORDS 3   /* words of a verb */

#define REMOTE(kind, letter, name, help)                                                                               \
	OPT_OF(kind, letter, name, 0, help, .flags = OPT_REFUSED | OPT_HIDDEN | OPT_BEFORE,                            \
	       .reason = "is not there: skiff has no daemon to talk to, each command works on this user's own store")

static const struct opt global_opts[] = {
	OPT_STR(0, "config", struct ctx, config_dir, "Location of client config files (default \"~/.docker\")"),
	OPT_BOOL('D', "debug", struct ctx, debug, "Enable debug messages"),
	OPT_STR('l', "log-level", struct ctx, log_level,
		"Set the logging level (\"debug\", \"info\", \"warn\", \"error\")", .flags = OPT_BEFORE),
	OPT_STR(0, "root", struct ctx, root, "Folder of all images and containers (default \"~/.local/share/skiff\")",
		.arg = "DIR"),
	OPT_STR(0, "runroot", struct ctx, runroot, "Folder of sockets and mounts (default \"$XDG_RUNTIME_DIR/skiff\")",
		.arg = "DIR"),
	OPT_STR(0, "storage-driver", struct ctx, storage_driver,
		"Storage driver (\"overlay\", \"fuse-overlayfs\", \"vfs\")"),
	OPT_STR(0, "trace", struct ctx, trace, "Write where the time goes, step by step, to stderr or a file",
		.arg = "FILE", .implied = "-"),
	OPT_BOOL('v', "version", struct ctx, version, "Print version information and quit", .flags = OPT_BEFORE),
	OPT_BOOL('h', "help", struct ctx, help, "Print usage"),
	OPT_BOOL(0, "dump-cli", struct ctx, dump_cli, "Print all commands and options as JSON",
		 .flags = OPT_HIDDEN | OPT_BEFORE),
	REMOTE(OPT_KIND_STR, 'H', "host", "Daemon socket to connect to"),
	REMOTE(OPT_KIND_STR, 'c', "context", "Name of the context to use"),
	REMOTE(OPT_KIND_BOOL, 0, "tls", "Use TLS"),
	REMOTE(OPT_KIND_BOOL, 0, "tlsverify", "Use TLS and verify the remote"),
	OPT_END,
};

/**
 * app_global_opts() - The options that every command takes
 *
 * Return: the table
 */
const struct opt *app_global_opts(void)
{
	return global_opts;
}

/* Is @words (its first @n) one of the comma-separated names @names? */
static bool is_named(const char *names, char *const *words, size_t n)
{
	while (names && *names) {
		size_t len = strcspn(names, ","), i = 0;
		const char *p = names, *end = names + len;

		for (; i < n && p < end; i++) {
			size_t w = strlen(words[i]);

			if ((size_t)(end - p) < w || memcmp(p, words[i], w) || (p + w < end && p[w] != ' '))
				break;
			p += w + (p + w < end);
		}
		if (i == n && p == end)
			return true;
		names = *end ? end + 1 : end;
	}
	return false;
}

/**
 * app_find() - Find a verb
 * @app:	Program
 * @words:	What the user wrote from the verb on, NULL-terminated
 * @ret_used:	How many words name the verb
 *
 * Return: the verb, or NULL
 */
const struct cmd *app_find(const struct app *app, char *const *words, size_t *ret_used)
{
	size_t n = 0;

	while (n < MAX_WORDS && words[n])
		n++;
	for (; n > 0; n--)
		for (const struct cmd *const *c = app->cmds; *c; c++)
			if (is_named((*c)->path, words, n) || is_named((*c)->alias, words, n)) {
				*ret_used = n;
				return *c;
			}
	return NULL;
}

/**
 * ctx_is_given() - Was an option of the running verb on its command line?
 * @ctx:	Context
 * @option:	Long name
 *
 * Return: whether it was
 */
bool ctx_is_given(const struct ctx *ctx, const char *option)
{
	return ctx->opts && opt_is_given(ctx->opts, option);
}

/**
 * cmd_print_error() - Print a failure that does not end the command
 * @e:	Failure
 */
void cmd_print_error(const struct err *e)
{
	fflush(stdout);
	if (*e->msg) /* else the program that we have started has said it */
		fprintf(stderr, "Error: %s\n", e->msg);
}

/* 0, 1 and 2 must be open, or the first files that we open would take their place. */
static void open_stdio(void)
{
	/* cloexec: what we start needs them as well */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0)
			abort();
}

/* What is empty counts as not given. */
static void from_env(const char **option, const char *name)
{
	if (!*option)
		*option = getenv(name);
	if (str_is_empty(*option))
		*option = NULL;
}

static int set_up(struct ctx *ctx, struct err *e)
{
	const char *level = ctx->log_level ? ctx->log_level : getenv("SKIFF_LOG");
	enum log_level parsed;

	if (ctx->debug)
		level = "debug";
	if (!str_is_empty(level)) {
		if (log_parse_level(level, &parsed) < 0)
			return err_say(e, EINVAL, "unable to parse logging level: %s", level);
		log_set_level(parsed);
	}
	from_env(&ctx->root, "SKIFF_ROOT");
	from_env(&ctx->storage_driver, "SKIFF_STORAGE_DRIVER");
	from_env(&ctx->config_dir, "DOCKER_CONFIG");
	return ctx->trace ? trace_open(ctx->trace, e) : 0;
}

static int bad_flags(const struct cmd *cmd, const struct err *e)
{
	char name[CMD_NAME_MAX];

	cmd_print_error(e);
	fprintf(stderr, "See 'skiff %s%s--help'.\n", cmd ? cmd_short_name(cmd, name) : "", cmd ? " " : "");
	return EXIT_OURS;
}

static int fail(const struct ctx *ctx, struct err *e)
{
	/* Where the kernel says it of a limit, the sentence is another. */
	if (e->code == ENOSPC && strstr(e->msg, strerrordesc_np(ENOSPC)))
		err_hint(e, 0,
			 "'skiff system df' shows what the store has, 'skiff system prune' removes what is not used");
	cmd_print_error(e);
	return ctx->fail_status;
}

/* Docker's sentences for a wrong number of operands. */
static int bad_arity(const struct cmd *cmd, unsigned n)
{
	const char *how = cmd->min_args == cmd->max_args ? "exactly" : n < cmd->min_args ? "at least" : "at most";
	unsigned want = n < cmd->min_args ? cmd->min_args : cmd->max_args;
	char buf[CMD_NAME_MAX];
	const char *name = cmd_short_name(cmd, buf);

	if (cmd->max_args == 0)
		fprintf(stderr, "Error: \"skiff %s\" accepts no arguments.\n", name);
	else
		fprintf(stderr, "Error: \"skiff %s\" requires %s %u argument%s.\n", name, how, want,
			want == 1 ? "" : "s");
	fprintf(stderr, "See 'skiff %s --help'.\n\n", name);
	help_usage(cmd, stderr);
	fprintf(stderr, "\n%s\n", cmd->help);
	return cmd->fail_status ? cmd->fail_status : 1;
}

static int (*what_runs(const struct app *app, const struct cmd *cmd))(struct ctx *, void *, int, char **, struct err *)
{
	for (const struct cmd_impl *i = app->impls; i && i->cmd; i++)
		if (i->cmd == cmd)
			return i->run;
	return cmd->run;
}

static int run_parsed(struct ctx *ctx, void *opts, int argc, char **argv)
{
	int (*run)(struct ctx *, void *, int, char **, struct err *) = what_runs(ctx->app, ctx->cmd);
	struct err e = { 0 };
	int r = set_up(ctx, &e);

	if (r < 0)
		return fail(ctx, &e);
	trace_mark("options");
	if (run)
		r = run(ctx, opts, argc, argv, &e);
	else if (!ctx->app->impls)
		r = cmd_exec_image(ctx->argv, &e);
	else /* never exec ourselves for ever */
		r = err_say(&e, ENOSYS, "\"%s\" is not in this program", ctx->cmd->path);
	if (r < 0)
		return fail(ctx, &e);
	return r;
}

static int run_command(struct ctx *ctx, char **argv)
{
	const struct cmd *cmd = ctx->cmd;
	auto_free void *opts = xcalloc(1, cmd->opts_size);
	auto_free bool *given = xcalloc(opt_count(cmd->opts), sizeof(*given));
	auto_free char **operands = xcalloc(strv_len(argv) + 1, sizeof(*operands));
	const struct opt_set sets[] = {
		{ .table = cmd->opts, .base = opts, .given = given },
		{ .table = global_opts, .base = ctx, .is_global = true },
	};
	struct err e = { 0 };
	int n, r;

	ctx->opts = &sets[0];
	ctx->fail_status = cmd->fail_status ? cmd->fail_status : 1;
	r = opt_defaults(&sets[0], &e);
	if (r < 0)
		return fail(ctx, &e);
	if (cmd->flags & CMD_RAW) {
		n = (int)strv_len(argv);
		memcpy(operands, argv, sizeof(*operands) * (size_t)n);
	} else {
		n = opt_parse(sets, 2, cmd->flags & CMD_STOP_AT_OPERAND, argv, operands, &e);
	}
	if (n < 0) {
		r = bad_flags(cmd, &e);
	} else if (ctx->help) {
		help_command(cmd, stdout);
		r = 0;
	} else if ((unsigned)n < cmd->min_args || (unsigned)n > cmd->max_args) {
		r = bad_arity(cmd, (unsigned)n);
	} else {
		r = run_parsed(ctx, opts, n, operands);
	}
	opt_done(&sets[0]);
	ctx->opts = NULL;
	return r;
}

static bool asks_for_help(char *const *argv)
{
	for (; *argv && strcmp(*argv, "--"); argv++)
		if (!strcmp(*argv, "--help") || !strcmp(*argv, "-h"))
			return true;
	return false;
}

static bool is_topic(const struct app *app, const char *word)
{
	for (const struct cmd_topic *t = app->topics; t && t->name; t++)
		if (!strcmp(t->name, word))
			return true;
	return false;
}

/* What docker and podman users will try: it is not a typing error. Looked at only when there is no such verb. */
static bool is_later(const char *word)
{
	static const char *const later[] = {
		"build", "builder", "buildx", "checkpoint", "commit",  "compose", "config",  "context", "cp",
		"diff",	 "events",  "kube",   "manifest",   "network", "node",	  "pause",   "plugin",	"pod",
		"port",	 "rename",  "search", "restart",    "restore", "secret",  "service", "stack",	"stats",
		"swarm", "top",	    "trust",  "unpause",    "update",  "volume",
	};

	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++)
		if (!strcmp(word, later[i]))
			return true;
	return false;
}

/* "image trust", which is the beginning of verbs; whatever follows it. */
static bool tell_the_rest(const struct app *app, const char *name, FILE *f)
{
	const char *before = NULL;

	for (const struct cmd *const *c = app->cmds; *c; c++) {
		const char *rest = str_after((*c)->path, name);

		if (!rest || *rest != ' ' || ((*c)->flags & CMD_HIDDEN))
			continue;
		if (!before)
			fprintf(f, "Error: 'skiff %s' needs one more word:", name);
		fprintf(f, "%s%s", before ? "," : "", rest);
		before = rest;
	}
	if (before)
		fputs("\n", f);
	return before;
}

static int unknown_command(const struct app *app, char *const *words)
{
	bool topic = is_topic(app, words[0]) && words[1];
	auto_free char *name = topic ? xasprintf("%s %s", words[0], words[1]) : xstrdup(words[0]);

	if (topic && tell_the_rest(app, name, stderr)) {
		fprintf(stderr, "See 'skiff %s --help'.\n", words[0]);
		return 1;
	}
	if (is_later(words[topic])) {
		fprintf(stderr, "Error: the command '%s' is not there yet (see 'skiff --help' for those that are)\n",
			name);
		return 1;
	}
	fprintf(stderr, "skiff: '%s' is not a skiff command.\nSee 'skiff %s%s--help'.\n", name, topic ? words[0] : "",
		topic ? " " : "");
	suggest_commands(app, name, stderr);
	return 1;
}

/* `skiff help VERB`, `skiff VERB` where VERB only groups others, and words that are no verb at all. */
static int run_other(const struct app *app, char **words)
{
	const struct cmd *cmd;
	size_t used;

	if (!strcmp(words[0], "help")) {
		words++;
		cmd = app_find(app, words, &used);
		if (cmd)
			help_command(cmd, stdout);
		else if (!*words || **words == '-')
			help_program(app, stdout);
		else if (!help_topic(app, *words, stdout))
			return unknown_command(app, words);
		return 0;
	}
	if (!is_topic(app, words[0]) || (words[1] && words[1][0] != '-'))
		return unknown_command(app, words);
	if (!words[1] || asks_for_help(words + 1)) {
		help_topic(app, words[0], stdout);
		return 0;
	}
	fprintf(stderr, "Error: unknown flag: %s\nSee 'skiff %s --help'.\n", words[1], words[0]);
	return EXIT_OURS;
}

static int dispatch(struct ctx *ctx, char **words)
{
	size_t used = 0;

	if (ctx->version) {
		puts("skiff version " SKIFF_VERSION);
		return 0;
	}
	if (ctx->dump_cli) {
		dump_cli(ctx->app, stdout);
		return 0;
	}
	if (!words[0]) {
		help_program(ctx->app, stdout);
		return 0;
	}
	ctx->cmd = app_find(ctx->app, words, &used);
	return ctx->cmd ? run_command(ctx, words + used) : run_other(ctx->app, words);
}

/**
 * app_main() - Everything that main() does
 * @app:	Program
 * @argc:	main()'s
 * @argv:	main()'s
 *
 * Return: exit status
 */
int app_main(const struct app *app, int argc, char **argv)
{
	struct ctx ctx = { .app = app, .argv = argv };
	const struct opt_set globals = { .table = global_opts, .base = &ctx };
	auto_free char **words = NULL;
	struct err e = { 0 };
	int status;

	open_stdio();
	words = xcalloc((size_t)argc + 1, sizeof(*words));
	if (argc > 0 && opt_parse(&globals, 1, true, argv + 1, words, &e) < 0)
		return bad_flags(NULL, &e);
	status = dispatch(&ctx, words);
	/* A full disk behind stdout must not look like success. */
	if (fflush(stdout) == EOF && status == 0 && errno != EPIPE) {
		err_set(&e, errno, "write to standard output");
		cmd_print_error(&e);
		return 1;
	}
	return status;
}
