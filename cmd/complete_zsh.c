/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/completion.h"
#include "lib/base/str.h"

static const char *const kinds[COMPLETE__N] = {
	"", "_files", "_skiff_containers", "_skiff_running", "_skiff_images", "_skiff_any", ""
};

static const char head[] =
	"#compdef skiff\n"
	"# SPDX-License-Identifier: Apache-2.0\n"
	"# zsh completion of skiff; made by `skiff completion zsh`, do not edit.\n"
	"\n"
	"_skiff_containers() { compadd -- ${(f)\"$(skiff ps -a --format '{{.Names}}' 2>/dev/null)\"} }\n"
	"_skiff_running() { compadd -- ${(f)\"$(skiff ps --format '{{.Names}}' 2>/dev/null)\"} }\n"
	"_skiff_images() {\n"
	"\tcompadd -- ${${(f)\"$(skiff images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)\"}:#*\\<none\\>*}\n"
	"}\n"
	"_skiff_any() { _skiff_containers; _skiff_images }\n"
	"\n";

/* Text inside single quotes and inside [...] of an option's specification. */
static void put_text(const char *s, FILE *f)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", f);
		else if (strchr("[]:\\", *s))
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
	}
}

static void put_value(const struct opt *o, FILE *f)
{
	enum complete_kind kind = complete_value(o);

	if (o->kind == OPT_KIND_BOOL)
		return;
	fprintf(f, ":%s:", o->name);
	if (kind == COMPLETE_WORDS)
		fprintf(f, "(%s)", complete_words(o));
	else
		fputs(kinds[kind], f);
}

/* '(-f --force)'{-f,--force}'[help]:value:...' */
static void put_option(const struct opt *o, FILE *f)
{
	const char *star = o->kind == OPT_KIND_STRV ? "*" : "";
	const char *eq = o->kind == OPT_KIND_BOOL ? "" : o->implied ? "=-" : "=";

	fputs(" \\\n\t\t\t", f);
	if (o->letter && *star)
		fprintf(f, "'*'{-%c+,--%s%s}'[", o->letter, o->name, eq);
	else if (o->letter)
		fprintf(f, "'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter, *eq ? "+" : "", o->name, eq);
	else
		fprintf(f, "'%s--%s%s[", star, o->name, eq);
	put_text(o->help, f);
	fputc(']', f);
	put_value(o, f);
	fputc('\'', f);
}

static void put_options(const struct opt *table, bool behind_verb, FILE *f)
{
	for (const struct opt *o = table; o && o->kind != OPT_KIND_END; o++)
		if (complete_is_shown(o) && !(behind_verb && (o->flags & OPT_BEFORE)))
			put_option(o, f);
}

static bool is_shadowed(const struct cmd *cmd, const struct opt *global)
{
	for (const struct opt *o = cmd->opts; o && o->kind != OPT_KIND_END; o++)
		if (o->letter && o->letter == global->letter)
			return true;
	return false;
}

static void put_globals(const struct cmd *cmd, FILE *f)
{
	for (const struct opt *o = app_global_opts(); o->kind != OPT_KIND_END; o++) {
		struct opt copy = *o;

		if (!complete_is_shown(o) || (o->flags & OPT_BEFORE))
			continue;
		if (is_shadowed(cmd, o))
			copy.letter = 0;
		put_option(&copy, f);
	}
}

static void put_verb(const struct cmd *cmd, FILE *f)
{
	auto_strv char **names = cmd->alias ? strv_split(cmd->alias, ',') : NULL;
	enum complete_kind first = complete_first(cmd), rest = complete_rest(cmd);

	fprintf(f, "\t('%s'", cmd->path);
	for (size_t i = 0; names && names[i]; i++)
		fprintf(f, "|'%s'", names[i]);
	fprintf(f, ")\n\t\t_arguments -s -S%s", cmd->flags & CMD_STOP_AT_OPERAND ? " -A '-*'" : "");
	put_options(cmd->opts, false, f);
	put_globals(cmd, f);
	if (cmd->max_args > 0)
		fprintf(f, " \\\n\t\t\t'1:%s:%s'", "operand", *kinds[first] ? kinds[first] : " ");
	if (cmd->max_args > 1 && (cmd->flags & CMD_STOP_AT_OPERAND))
		fputs(" \\\n\t\t\t'*::command: _normal'", f);
	else if (cmd->max_args > 1)
		fprintf(f, " \\\n\t\t\t'*:%s:%s'", "operand", *kinds[rest] ? kinds[rest] : " ");
	fputs("\n\t\t;;\n", f);
}

/* name:help pairs of the verbs below @topic (NULL: the top, with the topics), as a function. */
static void put_names(const struct app *app, const char *topic, FILE *f)
{
	char buf[CMD_NAME_MAX];

	fprintf(f, "_skiff_verbs_%s() {\n\tlocal -a verbs=(", topic ? topic : "");
	for (const struct cmd *const *c = app->cmds; *c; c++) {
		const char *name = cmd_name_below(*c, topic, buf);

		if (!name || ((*c)->flags & CMD_HIDDEN))
			continue;
		fprintf(f, "\n\t\t'%s:", name);
		put_text((*c)->help, f);
		fputc('\'', f);
	}
	for (const struct cmd_topic *t = app->topics; !topic && t->name; t++) {
		fprintf(f, "\n\t\t'%s:", t->name);
		put_text(t->help, f);
		fputc('\'', f);
	}
	fputs("\n\t)\n\t_describe -t commands command verbs\n}\n\n", f);
}

static void put_dispatch(const struct app *app, FILE *f)
{
	fputs("_skiff() {\n\tlocal curcontext=$curcontext state line\n\ttypeset -A opt_args\n\t_arguments -C -s -S -A "
	      "'-*'",
	      f);
	put_options(app_global_opts(), false, f);
	fputs(" \\\n\t\t\t'1: :_skiff_verbs_' \\\n\t\t\t'*:: :->verb' && return\n"
	      "\t[[ $state = verb ]] || return\n"
	      "\tlocal name=$words[1]\n"
	      "\tcase $name in\n",
	      f);
	for (const struct cmd_topic *t = app->topics; t->name; t++)
		fprintf(f,
			"\t(%s)\n\t\t_arguments -C -A '-*' '1: :_skiff_verbs_%s' '*:: :->sub' && return\n"
			"\t\t[[ $state = sub ]] || return\n\t\tname=\"%s $words[1]\" ;;\n",
			t->name, t->name, t->name);
	fputs("\tesac\n\t_skiff_verb $name\n}\n\n_skiff \"$@\"\n", f);
}

/**
 * complete_zsh() - Write the script for zsh
 * @app:	Program
 * @f:		Where to
 */
void complete_zsh(const struct app *app, FILE *f)
{
	fputs(head, f);
	put_names(app, NULL, f);
	for (const struct cmd_topic *t = app->topics; t->name; t++)
		put_names(app, t->name, f);
	fputs("_skiff_verb() {\n\tcase $1 in\n", f);
	for (const struct cmd *const *c = app->cmds; *c; c++)
		if (!((*c)->flags & CMD_HIDDEN))
			put_verb(*c, f);
	fputs("\tesac\n}\n\n", f);
	put_dispatch(app, f);
}
