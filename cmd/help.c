/* SPDX-License-Identifier: Apache-2.0 */
/* Help in docker's layout, all of it from the tables. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

static const char *const group_titles[] = { "Commands", "Common Commands", "Swarm Commands" };
static_assert(sizeof(group_titles) / sizeof(*group_titles) == CMD_GROUP__N, "a title for every group");

/* "  -f, --force string": the left column, returned as its width when @f is NULL. */
static int print_left(const struct opt *o, FILE *f)
{
	const char *word = opt_arg_word(o),
		   *before = !*word	  ? ""
			     : o->implied ? "[="
					  : " ",
		   *after = o->implied ? "]" : "";
	char buf[128];
	int n;

	if (o->letter)
		n = snprintf(buf, sizeof(buf), "  -%c, --%s%s%s%s", o->letter, o->name, before, word, after);
	else
		n = snprintf(buf, sizeof(buf), "      --%s%s%s%s", o->name, before, word, after);
	if (f)
		fputs(buf, f);
	return n;
}

static bool is_shown(const struct opt *o)
{
	return !(o->flags & (OPT_HIDDEN | OPT_REFUSED | OPT_IGNORED));
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct opt *const *)a)->name, (*(const struct opt *const *)b)->name);
}

static void print_default(const struct opt *o, FILE *f)
{
	if (o->dflt && (o->kind == OPT_KIND_STR || o->kind == OPT_KIND_CALL))
		fprintf(f, " (default \"%s\")", o->dflt);
	else if (o->dflt && strcmp(o->dflt, "0"))
		fprintf(f, " (default %s)", o->dflt);
}

static void print_options(const struct opt *table, const char *title, FILE *f)
{
	size_t n = opt_count(table), shown = 0;
	auto_free const struct opt **sorted = xcalloc(n, sizeof(*sorted));
	int width = 0;

	for (size_t i = 0; i < n; i++)
		if (is_shown(&table[i])) {
			int w = print_left(&table[i], NULL);

			sorted[shown++] = &table[i];
			width = w > width ? w : width;
		}
	if (!shown)
		return;
	qsort(sorted, shown, sizeof(*sorted), by_name);
	fprintf(f, "\n%s:\n", title);
	for (size_t i = 0; i < shown; i++) {
		int w = print_left(sorted[i], f);

		fprintf(f, "%*s%s", width - w + 3, "", sorted[i]->help);
		print_default(sorted[i], f);
		fputc('\n', f);
	}
}

/**
 * help_usage() - Print a verb's synopsis
 * @cmd:	Verb
 * @f:		Where to
 */
void help_usage(const struct cmd *cmd, FILE *f)
{
	char name[CMD_NAME_MAX];

	fprintf(f, "Usage:  skiff %s%s%s%s\n", cmd_short_name(cmd, name), opt_count(cmd->opts) ? " [OPTIONS]" : "",
		cmd->args ? " " : "", cmd->args ? cmd->args : "");
}

static void print_aliases(const struct cmd *cmd, FILE *f)
{
	auto_strv char **names = cmd->alias ? strv_split(cmd->alias, ',') : NULL;

	if (!names)
		return;
	fprintf(f, "\nAliases:\n  skiff %s", cmd->path);
	for (size_t i = 0; names[i]; i++)
		fprintf(f, ", skiff %s", names[i]);
	fputc('\n', f);
}

/**
 * help_command() - Print a verb's help
 * @cmd:	Verb
 * @f:		Where to
 */
void help_command(const struct cmd *cmd, FILE *f)
{
	help_usage(cmd, f);
	fprintf(f, "\n%s\n", cmd->help);
	if (cmd->more)
		fprintf(f, "\n%s\n", cmd->more);
	print_aliases(cmd, f);
	print_options(cmd->opts, "Options", f);
}

struct entry {
	const struct cmd *cmd;
	char name[CMD_NAME_MAX];
};

static int by_entry(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* The verbs below @topic (NULL: the top) under one heading; group < 0: all groups. */
static void print_commands(const struct app *app, const char *topic, int group, FILE *f)
{
	size_t n = 0, max = 0;
	auto_free struct entry *entries = NULL;

	for (const struct cmd *const *c = app->cmds; *c; c++)
		max++;
	entries = xcalloc(max, sizeof(*entries));
	for (const struct cmd *const *c = app->cmds; *c; c++) {
		struct entry *en = &entries[n];
		char buf[CMD_NAME_MAX];
		const char *name;

		if (((*c)->flags & CMD_HIDDEN) || (group >= 0 && (*c)->group != (enum cmd_group)group))
			continue;
		en->cmd = *c;
		name = cmd_name_below(*c, topic, buf);
		if (!name)
			continue;
		snprintf(en->name, sizeof(en->name), "%s", name); /* a copy: sorting moves the entries */
		n++;
	}
	if (!n)
		return;
	if (group != CMD_GROUP_COMMON)
		qsort(entries, n, sizeof(*entries), by_entry);
	fprintf(f, "\n%s:\n", group_titles[group < 0 ? 0 : group]);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "  %-12s%s\n", entries[i].name, entries[i].cmd->help);
}

/**
 * help_topic() - Print the verbs below a word
 * @app:	Program
 * @topic:	"container"
 * @f:		Where to
 *
 * Return: whether there is such a topic
 */
bool help_topic(const struct app *app, const char *topic, FILE *f)
{
	const struct cmd_topic *t = app->topics;

	while (t && t->name && strcmp(t->name, topic))
		t++;
	if (!t || !t->name)
		return false;
	fprintf(f, "Usage:  skiff %s COMMAND\n\n%s\n", t->name, t->help);
	print_commands(app, topic, -1, f);
	fprintf(f, "\nRun 'skiff %s COMMAND --help' for more information on a command.\n", t->name);
	return true;
}

/**
 * help_program() - Print the help of the whole program
 * @app:	Program
 * @f:		Where to
 */
void help_program(const struct app *app, FILE *f)
{
	fputs("Usage:  skiff [OPTIONS] COMMAND\n\nRun OCI containers without root and without a daemon\n", f);
	print_commands(app, NULL, CMD_GROUP_COMMON, f);
	fputs("\nManagement Commands:\n", f);
	for (const struct cmd_topic *t = app->topics; t && t->name; t++)
		fprintf(f, "  %-12s%s\n", t->name, t->help);
	print_commands(app, NULL, CMD_GROUP_SWARM, f);
	print_commands(app, NULL, CMD_GROUP_OTHER, f);
	print_options(app_global_opts(), "Global Options", f);
	fputs("\nRun 'skiff COMMAND --help' for more information on a command.\n", f);
}
