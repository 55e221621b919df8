/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/dump.h"

#include <assert.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"

static const char *const kind_names[] = { "", "bool", "string", "list", "int", "uint", "bytes", "duration", "string" };
static_assert(sizeof(kind_names) / sizeof(*kind_names) == OPT_KIND__N, "a name for every kind");

static void add_options(struct json *list, const struct opt *table)
{
	for (const struct opt *o = table; o && o->kind != OPT_KIND_END; o++) {
		struct json *j = json_add_object(list);

		json_set_str(j, "name", o->name);
		if (o->letter)
			json_set_str(j, "letter", (const char[]) { o->letter, '\0' });
		json_set_str(j, "kind", kind_names[o->kind]);
		if (o->kind != OPT_KIND_BOOL)
			json_set_str(j, "arg", opt_arg_word(o));
		json_set_str(j, "help", o->help);
		if (o->dflt)
			json_set_str(j, "default", o->dflt);
		if (o->implied)
			json_set_str(j, "implied", o->implied);
		if (o->flags & OPT_HIDDEN)
			json_set_bool(j, "hidden", true);
		if (o->flags & OPT_REFUSED)
			json_set_str(j, "refused", o->reason);
		if (o->flags & OPT_IGNORED)
			json_set_str(j, "ignored", o->reason);
	}
}

static void add_command(struct json *list, const struct cmd *cmd)
{
	struct json *j = json_add_object(list);
	auto_strv char **aliases = cmd->alias ? strv_split(cmd->alias, ',') : NULL;
	char name[CMD_NAME_MAX];

	json_set_str(j, "path", cmd->path);
	json_set_str(j, "name", cmd_short_name(cmd, name));
	json_set_strv(j, "aliases", aliases);
	json_set_str(j, "args", cmd->args ? cmd->args : "");
	json_set_str(j, "help", cmd->help);
	if (cmd->flags & CMD_HIDDEN)
		json_set_bool(j, "hidden", true);
	json_set_bool(j, "stops_at_operand", cmd->flags & CMD_STOP_AT_OPERAND);
	json_set_i64(j, "min_args", cmd->min_args);
	if (cmd->max_args != CMD_ANY)
		json_set_i64(j, "max_args", cmd->max_args);
	add_options(json_set_array(j, "options"), cmd->opts);
}

/**
 * dump_cli() - Print all commands and options as JSON
 * @app:	Program
 * @f:		Where to
 */
void dump_cli(const struct app *app, FILE *f)
{
	auto_json struct json *root = json_new_object();
	auto_free char *text = NULL;
	struct json *list;

	json_set_str(root, "program", "skiff");
	json_set_str(root, "version", SKIFF_VERSION);
	add_options(json_set_array(root, "options"), app_global_opts());
	list = json_set_array(root, "topics");
	for (const struct cmd_topic *t = app->topics; t && t->name; t++) {
		struct json *j = json_add_object(list);

		json_set_str(j, "name", t->name);
		json_set_str(j, "help", t->help);
	}
	list = json_set_array(root, "commands");
	for (const struct cmd *const *c = app->cmds; *c; c++)
		add_command(list, *c);
	text = json_pretty(root);
	fprintf(f, "%s\n", text);
}
