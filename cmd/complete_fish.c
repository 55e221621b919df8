/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/completion.h"
#include "lib/base/str.h"

static const char *const kinds[COMPLETE__N] = {
	"", "", "(__skiff_containers)", "(__skiff_running)", "(__skiff_images)", "(__skiff_containers; __skiff_images)",
	""
};

static const char head[] =
	"# SPDX-License-Identifier: Apache-2.0\n"
	"# fish completion of skiff; made by `skiff completion fish`, do not edit.\n"
	"\n"
	"function __skiff_containers\n"
	"\tskiff ps -a --format '{{.Names}}\\t{{.Image}}' 2>/dev/null\n"
	"end\n"
	"\n"
	"function __skiff_running\n"
	"\tskiff ps --format '{{.Names}}\\t{{.Image}}' 2>/dev/null\n"
	"end\n"
	"\n"
	"function __skiff_images\n"
	"\tskiff images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | string match -v '*<none>*'\n"
	"end\n"
	"\n";

static const char functions[] =
	"# The words of the command line that are no options and no values of global options.\n"
	"function __skiff_words\n"
	"\tset -l skip 0\n"
	"\tfor w in (commandline -opc)[2..]\n"
	"\t\tif test $skip = 1\n"
	"\t\t\tset skip 0\n"
	"\t\telse if contains -- $w $__skiff_valued\n"
	"\t\t\tset skip 1\n"
	"\t\telse if not string match -q -- '-*' $w\n"
	"\t\t\techo $w\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"\n"
	"# Is the verb one of the names that are given?\n"
	"function __skiff_in\n"
	"\tset -l words (__skiff_words)\n"
	"\tfor name in $argv\n"
	"\t\tset -l n (count (string split ' ' -- $name))\n"
	"\t\tif test (count $words) -ge $n; and test \"$words[1..$n]\" = \"$name\"\n"
	"\t\t\treturn 0\n"
	"\t\tend\n"
	"\tend\n"
	"\treturn 1\n"
	"end\n"
	"\n"
	"# Are there exactly these words so far?\n"
	"function __skiff_at\n"
	"\ttest \"$(__skiff_words | string join ' ')\" = \"$argv\"\n"
	"end\n"
	"\n"
	"complete -c skiff -f\n";

/* Text inside single quotes. */
static void put_text(const char *s, FILE *f)
{
	for (; *s; s++)
		fprintf(f, "%s%c", *s == '\'' || *s == '\\' ? "\\" : "", *s);
}

static void put_names(const struct cmd *cmd, FILE *f)
{
	auto_strv char **names = cmd->alias ? strv_split(cmd->alias, ',') : NULL;

	fprintf(f, "\"%s\"", cmd->path);
	for (size_t i = 0; names && names[i]; i++)
		fprintf(f, " \"%s\"", names[i]);
}

static void put_option(const struct opt *o, FILE *f)
{
	if (o->letter)
		fprintf(f, " -s %c", o->letter);
	fprintf(f, " -l %s", o->name);
	if (complete_takes_value(o))
		fputs(complete_value(o) == COMPLETE_FILE ? " -rF" : " -x", f);
	if (complete_words(o) && complete_takes_value(o))
		fprintf(f, " -a '%s'", complete_words(o));
	fputs(" -d '", f);
	put_text(o->help, f);
	fputs("'\n", f);
}

static void put_sub(const char *at, const char *name, const char *help, FILE *f)
{
	fprintf(f, "complete -c skiff -n '__skiff_at %s' -a %s -d '", at, name);
	put_text(help, f);
	fputs("'\n", f);
}

static void put_subs(const struct app *app, const char *topic, FILE *f)
{
	char buf[CMD_NAME_MAX];

	for (const struct cmd *const *c = app->cmds; *c; c++) {
		const char *name = cmd_name_below(*c, topic, buf);

		if (name && !((*c)->flags & CMD_HIDDEN))
			put_sub(topic ? topic : "", name, (*c)->help, f);
	}
	for (const struct cmd_topic *t = app->topics; !topic && t->name; t++)
		put_sub("", t->name, t->help, f);
}

static void put_verb(const struct cmd *cmd, FILE *f)
{
	enum complete_kind first = complete_first(cmd);

	for (const struct opt *o = cmd->opts; o && o->kind != OPT_KIND_END; o++) {
		if (!complete_is_shown(o))
			continue;
		fputs("complete -c skiff -n '__skiff_in ", f);
		put_names(cmd, f);
		fputc('\'', f);
		put_option(o, f);
	}
	if (first == COMPLETE_NONE && complete_rest(cmd) == COMPLETE_NONE)
		return;
	fputs("complete -c skiff -n '__skiff_in ", f);
	put_names(cmd, f);
	fputs(first == COMPLETE_FILE || (cmd->flags & CMD_STOP_AT_OPERAND) ? "' -F" : "'", f);
	if (*kinds[first])
		fprintf(f, " -a '%s'", kinds[first]);
	fputc('\n', f);
}

/**
 * complete_fish() - Write the script for fish
 * @app:	Program
 * @f:		Where to
 */
void complete_fish(const struct app *app, FILE *f)
{
	fputs(head, f);
	fputs("set -g __skiff_valued", f);
	for (const struct opt *o = app_global_opts(); o->kind != OPT_KIND_END; o++) {
		if (!complete_takes_value(o))
			continue;
		fprintf(f, " --%s", o->name);
		if (o->letter)
			fprintf(f, " -%c", o->letter);
	}
	fputs("\n\n", f);
	fputs(functions, f);
	for (const struct opt *o = app_global_opts(); o->kind != OPT_KIND_END; o++)
		if (complete_is_shown(o)) {
			fputs(o->flags & OPT_BEFORE ? "complete -c skiff -n '__skiff_at'" : "complete -c skiff", f);
			put_option(o, f);
		}
	put_subs(app, NULL, f);
	for (const struct cmd_topic *t = app->topics; t->name; t++)
		put_subs(app, t->name, f);
	for (const struct cmd *const *c = app->cmds; *c; c++)
		if (!((*c)->flags & CMD_HIDDEN))
			put_verb(*c, f);
}
