/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/completion.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/str.h"

/* Values that are known beforehand; options of other verbs with the same name have the same values. */
static const struct {
	const char *option, *words;
} known_values[] = {
	{ "cgroupns", "host private" },
	{ "format", "json table" },
	{ "ipc", "host private none shareable" },
	{ "log-driver", "json-file none" },
	{ "log-level", "debug info warn error" },
	{ "network", "none host slirp4netns" },
	{ "pid", "host private" },
	{ "platform", "linux/amd64 linux/arm64" },
	{ "pull", "missing always never newer" },
	{ "restart", "no" },
	{ "security-opt", "no-new-privileges seccomp=unconfined systempaths=unconfined" },
	{ "signal", "SIGTERM SIGKILL SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGSTOP SIGCONT" },
	{ "stop-signal", "SIGTERM SIGKILL SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2" },
	{ "storage-driver", "overlay fuse-overlayfs vfs" },
	{ "type", "container image" },
	{ "userns", "keep-id host nomap" },
	{ "uts", "host private" },
};

static const char *const file_options[] = { "cidfile", "config", "device",  "env-file", "input", "label-file",
					    "output",  "root",	 "runroot", "trace",	"volume" };

/* Verbs that only running containers make sense for. */
static const char *const running_only[] = { "container attach", "container exec", "container kill", "container stop" };

static bool is_among(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(s, list[i]))
			return true;
	return false;
}

/**
 * complete_first() - What the first operand of a verb is
 * @cmd:	Verb
 *
 * Return: the kind, from its synopsis
 */
enum complete_kind complete_first(const struct cmd *cmd)
{
	const char *args = cmd->args ? cmd->args : "";

	if (is_among(cmd->path, running_only, sizeof(running_only) / sizeof(*running_only)))
		return COMPLETE_RUNNING;
	if (str_has_prefix(args, "CONTAINER"))
		return COMPLETE_CONTAINER;
	if (str_has_prefix(args, "IMAGE") || str_has_prefix(args, "SOURCE_IMAGE") ||
	    str_has_prefix(args, "[REPOSITORY"))
		return COMPLETE_IMAGE;
	if (str_has_prefix(args, "NAME|ID"))
		return COMPLETE_ANY;
	if (str_has_prefix(args, "[COMMAND") || str_has_prefix(args, "FILE"))
		return COMPLETE_FILE;
	return COMPLETE_NONE;
}

/**
 * complete_rest() - What the further operands of a verb are
 * @cmd:	Verb
 *
 * Return: the kind
 */
enum complete_kind complete_rest(const struct cmd *cmd)
{
	if (cmd->flags & CMD_STOP_AT_OPERAND)
		return COMPLETE_FILE;
	return cmd->max_args > 1 ? complete_first(cmd) : COMPLETE_NONE;
}

/**
 * complete_words() - The values that an option may have
 * @o:	Option
 *
 * Return: separated by blanks, or NULL
 */
const char *complete_words(const struct opt *o)
{
	for (size_t i = 0; i < sizeof(known_values) / sizeof(*known_values); i++)
		if (!strcmp(o->name, known_values[i].option))
			return known_values[i].words;
	return NULL;
}

/**
 * complete_value() - What an option's value is
 * @o:	Option
 *
 * Return: the kind
 */
enum complete_kind complete_value(const struct opt *o)
{
	if (complete_words(o))
		return COMPLETE_WORDS;
	return is_among(o->name, file_options, sizeof(file_options) / sizeof(*file_options)) ? COMPLETE_FILE
											     : COMPLETE_NONE;
}

/**
 * complete_is_shown() - Is an option offered?
 * @o:	Option
 *
 * Return: whether it is: what is hidden or does not work is not
 */
bool complete_is_shown(const struct opt *o)
{
	return !(o->flags & (OPT_HIDDEN | OPT_REFUSED | OPT_IGNORED));
}

/**
 * complete_takes_value() - Is the word behind an option its value?
 * @o:	Option
 *
 * Return: whether it is
 */
bool complete_takes_value(const struct opt *o)
{
	return o->kind != OPT_KIND_BOOL && !o->implied;
}

static int completion_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	static const struct {
		const char *shell;
		void (*write)(const struct app *app, FILE *f);
	} shells[] = { { "bash", complete_bash }, { "zsh", complete_zsh }, { "fish", complete_fish } };

	(void)opts;
	(void)argc;
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (!strcmp(argv[0], shells[i].shell)) {
			shells[i].write(ctx->app, stdout);
			return 0;
		}
	return err_say(e, EINVAL, "unknown shell \"%s\": there are bash, zsh and fish", argv[0]);
}

const struct cmd cmd_completion = {
	.path = "completion",
	.args = "SHELL",
	.help = "Generate the completion script for the specified shell (bash|zsh|fish)",
	.more = "bash:  source <(skiff completion bash)\n"
		"zsh:   skiff completion zsh >\"${fpath[1]}/_skiff\"\n"
		"fish:  skiff completion fish >~/.config/fish/completions/skiff.fish",
	.min_args = 1,
	.max_args = 1,
	.run = completion_run,
};
