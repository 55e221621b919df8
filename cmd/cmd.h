/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a verb is. Each verb is one file (or one group of small verbs) that ends with its record:
 *
 *	static int rm_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
 *	const struct cmd cmd_rm = {
 *		.path = "container rm", .alias = "rm,container remove", .args = "CONTAINER [CONTAINER...]",
 *		.help = "Remove one or more containers", .opts = opts, .opts_size = sizeof(struct rm_opts),
 *		.min_args = 1, .max_args = CMD_ANY, .run = rm_run,
 *	};
 *
 * To add a verb: write cmd/NAME.c, add the record to cmd/table.c, write man/skiff-NAME.1, run `make completions`.
 *
 * Verbs that need the heavy libraries run in skiff-image. Their records (options, help, synopsis) must be known to
 * skiff as well, which must not link those libraries; so such a record lives in cmd/spec_NAME.c (linked into both
 * programs; its options struct is in cmd/spec.h) with CMD_IMAGE in .flags and no .run. skiff parses the command line,
 * so that mistakes and --help are answered at once, and then becomes skiff-image with the same argv; cmd/image/main.c
 * gives app_main() a list of struct cmd_impl, which says what runs there for which record.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd/opt.h"
#include "lib/base/err.h"

struct app;
struct cmd;

#define CMD_ANY UINT_MAX

enum {
	CMD_STOP_AT_OPERAND = 1, /* what follows the first operand is not ours (run IMAGE, exec CONTAINER) */
	CMD_HIDDEN = 2,		 /* not in help */
	CMD_IMAGE = 4,		 /* skiff-image does it */
	CMD_RAW = 8,		 /* no options are parsed: every argument is an operand */
};

/* Under which heading `skiff --help` lists it. */
enum cmd_group { CMD_GROUP_OTHER, CMD_GROUP_COMMON, CMD_GROUP_SWARM, CMD_GROUP__N };

/**
 * struct ctx - what every verb knows
 * @root:		--root, SKIFF_ROOT, or NULL for the default
 * @runroot:		--runroot or NULL
 * @storage_driver:	--storage-driver, SKIFF_STORAGE_DRIVER, or NULL
 * @config_dir:		docker's client configuration: --config, DOCKER_CONFIG, or NULL for ~/.docker
 * @log_level:		--log-level or NULL
 * @trace:		--trace: a file, "-" for stderr, or NULL
 * @debug:		-D
 * @app:		the program: its verbs
 * @cmd:		the verb that runs
 * @opts:		its options: for ctx_is_given()
 * @argv:		the whole command line: for cmd_exec_image()
 * @fail_status:	exit status when run() returns a negative errno; preset from the record
 *
 * Borrowed strings live as long as the process.
 */
struct ctx {
	const char *root;
	const char *runroot;
	const char *storage_driver;
	const char *config_dir;
	const char *log_level;
	const char *trace;
	bool debug;
	bool version;
	bool help;
	bool dump_cli;
	const struct app *app;
	const struct cmd *cmd;
	const struct opt_set *opts;
	char **argv;
	int fail_status;
};

/**
 * struct cmd - one verb
 * @path:		full name: "container rm", "pull"
 * @alias:		other full names, separated by commas: "rm,container remove"; or NULL
 * @args:		operands in the synopsis, or NULL
 * @help:		one line, as docker has it, no full stop
 * @more:		further sentences for --help, or NULL
 * @opts:		options, ended by OPT_END, or NULL
 * @opts_size:		size of the struct they fill
 * @min_args:		operands at least
 * @max_args:		operands at most; CMD_ANY
 * @flags:		CMD_STOP_AT_OPERAND, ...
 * @group:		heading in `skiff --help`
 * @fail_status:	exit status on failure: 125 for run, create, exec, start; 0 means 1, as docker has
 * @run:		do it: exit status ≥ 0, or negative errno with @e, which main prints as "Error: ..."
 */
struct cmd {
	const char *path;
	const char *alias;
	const char *args;
	const char *help;
	const char *more;
	const struct opt *opts;
	size_t opts_size;
	unsigned min_args;
	unsigned max_args;
	unsigned flags;
	enum cmd_group group;
	int fail_status;
	int (*run)(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
};

/* A word that groups verbs: "container". */
struct cmd_topic {
	const char *name;
	const char *help;
};

/* What runs for a CMD_IMAGE record in skiff-image. */
struct cmd_impl {
	const struct cmd *cmd;
	int (*run)(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e);
};

/**
 * struct app - one program
 * @cmds:	its verbs, ended by NULL
 * @topics:	words that group verbs, ended by a NULL name
 * @impls:	what runs for records without .run, ended by a NULL cmd; NULL: skiff-image is executed
 */
struct app {
	const struct cmd *const *cmds;
	const struct cmd_topic *topics;
	const struct cmd_impl *impls;
};

extern const struct cmd *const cmd_table[];
extern const struct cmd_topic cmd_topics[];

/* app.c */
int app_main(const struct app *app, int argc, char **argv);
const struct cmd *app_find(const struct app *app, char *const *words, size_t *ret_used);
const struct opt *app_global_opts(void);
bool ctx_is_given(const struct ctx *ctx, const char *option);

/* exec_image.c: become skiff-image with these arguments (argv[0] is replaced); returns only on failure. */
int cmd_exec_image(char *const *argv, struct err *e);

/* Say "Error: ..." for one operand of several and go on. */
void cmd_print_error(const struct err *e);

/* names.c: the shortest name ("rm"), and the last word of the name that stands below a topic, or NULL. */
#define CMD_NAME_MAX 64
const char *cmd_short_name(const struct cmd *cmd, char buf[CMD_NAME_MAX]);
const char *cmd_name_below(const struct cmd *cmd, const char *topic, char buf[CMD_NAME_MAX]);

/* help.c */
void help_program(const struct app *app, FILE *f);
bool help_topic(const struct app *app, const char *topic, FILE *f);
void help_command(const struct cmd *cmd, FILE *f);
void help_usage(const struct cmd *cmd, FILE *f);
/* settings.c: the detach keys: @option (--detach-keys), else detachKeys of the configuration, else ctrl-p,ctrl-q.
 * Owned. */
int cmd_detach_keys(const struct ctx *ctx, const char *option, char **ret, struct err *e);
/* settings.c: --format of a list: @option, else psFormat or imagesFormat of the configuration, else NULL. Owned. */
enum cmd_list { CMD_LIST_PS, CMD_LIST_IMAGES };
int cmd_list_format(const struct ctx *ctx, const char *option, enum cmd_list list, char **ret, struct err *e);
/* suggest.c: "Did you mean this?" with the nearest names, if any is near. */
void suggest_commands(const struct app *app, const char *word, FILE *f);
