/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "cmd/completion.h"
#include "lib/base/str.h"

static const char *const kinds[COMPLETE__N] = { "none", "path", "container", "running", "image", "any", "words" };

static const char head[] =
	"# SPDX-License-Identifier: Apache-2.0\n"
	"# bash completion of skiff; made by `skiff completion bash`, do not edit.\n"
	"# shellcheck disable=SC2207 # names have no blanks\n"
	"\n"
	"_skiff_names() { # KIND: what there is to name\n"
	"\tcase $1 in\n"
	"\tcontainer | any) skiff ps -a --format '{{.Names}}' 2>/dev/null ;;\n"
	"\trunning) skiff ps --format '{{.Names}}' 2>/dev/null ;;\n"
	"\tesac\n"
	"\tcase $1 in\n"
	"\timage | any) skiff images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>' ;;\n"
	"\tesac\n"
	"}\n"
	"\n";

static const char tail[] =
	"_skiff() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} words cur prev i word name='' verb='' operands=0 kind\n"
	"\tlocal subs first='' rest='' stop='' options='' valued='' value=''\n"
	"\tread -ra words <<<\"$line\"\n"
	"\t[[ $line != *[[:space:]] ]] || words+=('')\n"
	"\tcur=${words[${#words[@]} - 1]}\n"
	"\tprev=${words[${#words[@]} - 2]}\n"
	"\t_skiff_verb ''\n"
	"\tfor ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
	"\t\tword=${words[i]}\n"
	"\t\tif [[ $word == -* && ! ($stop && $operands -gt 0) ]]; then\n"
	"\t\t\t[[ \" $valued \" != *\" $word \"* ]] || ((i++))\n"
	"\t\telif [[ ! $verb ]] && _skiff_verb \"${name:+$name }$word\"; then\n"
	"\t\t\tname=\"${name:+$name }$word\"\n"
	"\t\t\t[[ $subs ]] || verb=1\n"
	"\t\telse\n"
	"\t\t\t((operands++))\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $stop && $operands -gt 0 ]]; then\n"
	"\t\tkind=$rest\n"
	"\telif [[ $cur == --*=* ]]; then\n"
	"\t\tprev=${cur%%=*} cur=${cur#*=}\n"
	"\t\t_skiff_value \"$prev\"\n"
	"\telif [[ \" $valued \" == *\" $prev \"* ]]; then\n"
	"\t\t_skiff_value \"$prev\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tkind=words value=$options\n"
	"\telif [[ ! $verb ]]; then\n"
	"\t\tkind=words value=$subs\n"
	"\telif ((operands == 0)); then\n"
	"\t\tkind=$first\n"
	"\telse\n"
	"\t\tkind=$rest\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\tpath) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
	"\twords) COMPREPLY=($(compgen -W \"$value\" -- \"$cur\")) ;;\n"
	"\tcontainer | running | image | any) COMPREPLY=($(compgen -W \"$(_skiff_names \"$kind\")\" -- \"$cur\")) ;;\n"
	"\tesac\n"
	"\t# bash replaces only what stands behind the last word break.\n"
	"\tif [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"${cur%\"${cur##*:}\"}\"}\")\n"
	"\tfi\n"
	"}\n"
	"complete -F _skiff skiff\n";

/* "run" | "container run" */
static void put_names(const struct cmd *cmd, FILE *f)
{
	auto_strv char **names = cmd->alias ? strv_split(cmd->alias, ',') : NULL;

	fprintf(f, "\t'%s'", cmd->path);
	for (size_t i = 0; names && names[i]; i++)
		fprintf(f, " | '%s'", names[i]);
	fputs(")\n", f);
}

static void put_options(const struct opt *table, bool only_valued, bool behind_verb, FILE *f)
{
	for (const struct opt *o = table; o && o->kind != OPT_KIND_END; o++) {
		if (only_valued ? !complete_takes_value(o) : !complete_is_shown(o))
			continue;
		if (behind_verb && (o->flags & OPT_BEFORE))
			continue;
		fprintf(f, " --%s", o->name);
		if (o->letter)
			fprintf(f, " -%c", o->letter);
	}
}

static void put_verb(const struct cmd *cmd, FILE *f)
{
	put_names(cmd, f);
	fprintf(f, "\t\tsubs='' first=%s rest=%s stop=%s\n", kinds[complete_first(cmd)], kinds[complete_rest(cmd)],
		cmd->flags & CMD_STOP_AT_OPERAND ? "1" : "''");
	fputs("\t\toptions='", f);
	put_options(cmd->opts, false, false, f);
	put_options(app_global_opts(), false, true, f);
	fputs("'\n\t\tvalued='", f);
	put_options(cmd->opts, true, false, f);
	put_options(app_global_opts(), true, true, f);
	fputs("'\n\t\t;;\n", f);
}

/* The words that may follow @topic (NULL: the top, with the topics); of "trust set" and "trust show" the first, once.
 */
static void put_subs(const struct app *app, const char *topic, FILE *f)
{
	auto_strv char **done = NULL;
	char buf[CMD_NAME_MAX];

	fputs("subs='", f);
	for (const struct cmd *const *c = app->cmds; *c; c++) {
		const char *name = cmd_name_below(*c, topic, buf);
		auto_free char *word = name ? xstrndup(name, strcspn(name, " ")) : NULL;

		if (!name || ((*c)->flags & CMD_HIDDEN) || strv_has(done, word))
			continue;
		fprintf(f, " %s", word);
		strv_add(&done, word);
	}
	for (const struct cmd_topic *t = app->topics; !topic && t->name; t++)
		fprintf(f, " %s", t->name);
	fputs(topic ? "'" : " help'", f);
}

/* "image trust": what follows the first words of longer verbs. */
static void put_inner(const struct app *app, const char *topic, FILE *f)
{
	auto_strv char **done = NULL;
	char buf[CMD_NAME_MAX];

	for (const struct cmd *const *c = app->cmds; *c; c++) {
		const char *name = cmd_name_below(*c, topic, buf);
		auto_free char *inner = NULL;

		if (!name || ((*c)->flags & CMD_HIDDEN) || !strchr(name, ' '))
			continue;
		inner = xasprintf("%s %.*s", topic, (int)strcspn(name, " "), name);
		if (strv_has(done, inner))
			continue;
		strv_add(&done, inner);
		fprintf(f, "\t'%s') ", inner);
		put_subs(app, inner, f);
		fputs(" ;;\n", f);
	}
}

static void put_values(const struct app *app, FILE *f)
{
	auto_strv char **done = NULL;
	const struct opt *tables[2] = { app_global_opts(), NULL };

	fputs("_skiff_value() { # OPTION: sets kind and value\n\tkind=none value=''\n\tcase $1 in\n", f);
	for (const struct cmd *const *c = app->cmds; *c; c++) {
		tables[1] = (*c)->opts;
		for (size_t i = 0; i < 2; i++)
			for (const struct opt *o = tables[i]; o && o->kind != OPT_KIND_END; o++) {
				if (!complete_is_shown(o) || o->kind == OPT_KIND_BOOL || strv_has(done, o->name) ||
				    complete_value(o) == COMPLETE_NONE)
					continue;
				strv_add(&done, o->name);
				fprintf(f, "\t--%s", o->name);
				if (o->letter)
					fprintf(f, " | -%c", o->letter);
				if (complete_words(o))
					fprintf(f, ") kind=words value='%s' ;;\n", complete_words(o));
				else
					fputs(") kind=path ;;\n", f);
			}
	}
	fputs("\tesac\n}\n\n", f);
}

/**
 * complete_bash() - Write the script for bash
 * @app:	Program
 * @f:		Where to
 */
void complete_bash(const struct app *app, FILE *f)
{
	fputs(head, f);
	put_values(app, f);
	fputs("_skiff_verb() { # NAME: sets what may follow; fails when there is no such verb\n\tcase $1 "
	      "in\n\t'')\n\t\t",
	      f);
	put_subs(app, NULL, f);
	fputs("\n\t\toptions='", f);
	put_options(app_global_opts(), false, false, f);
	fputs("'\n\t\tvalued='", f);
	put_options(app_global_opts(), true, false, f);
	fputs("'\n\t\t;;\n", f);
	for (const struct cmd_topic *t = app->topics; t->name; t++) {
		fprintf(f, "\t'%s') ", t->name);
		put_subs(app, t->name, f);
		fputs(" ;;\n", f);
		put_inner(app, t->name, f);
	}
	for (const struct cmd *const *c = app->cmds; *c; c++) {
		if ((*c)->flags & CMD_HIDDEN)
			continue;
		put_verb(*c, f);
	}
	fputs("\t*) return 1 ;;\n\tesac\n}\n\n", f);
	fputs(tail, f);
}
