/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

/* The next of the comma-separated names at *@p, in @buf; NULL after the last one. */
static const char *next_name(const char **p, char buf[CMD_NAME_MAX])
{
	size_t len;

	if (!*p || !**p)
		return NULL;
	len = strcspn(*p, ",");
	snprintf(buf, CMD_NAME_MAX, "%.*s", (int)len, *p);
	*p += len + ((*p)[len] == ',');
	return buf;
}

/**
 * cmd_short_name() - The name that users type
 * @cmd:	Verb
 * @buf:	Room for it
 *
 * Return: @buf: the first name of one word, else the path
 */
const char *cmd_short_name(const struct cmd *cmd, char buf[CMD_NAME_MAX])
{
	const char *lists[] = { cmd->path, cmd->alias };

	for (size_t i = 0; i < 2; i++)
		while (next_name(&lists[i], buf))
			if (!strchr(buf, ' '))
				return buf;
	lists[0] = cmd->path;
	return next_name(&lists[0], buf);
}

/**
 * cmd_name_below() - A verb's name below a topic
 * @cmd:	Verb
 * @topic:	"container"; NULL: the top, that is a name of one word
 * @buf:	Room for it
 *
 * Return: the name without the topic ("rm"), or NULL when the verb is not there
 */
const char *cmd_name_below(const struct cmd *cmd, const char *topic, char buf[CMD_NAME_MAX])
{
	const char *lists[] = { cmd->path, cmd->alias };
	size_t len = topic ? strlen(topic) : 0;

	for (size_t i = 0; i < 2; i++)
		while (next_name(&lists[i], buf)) {
			if (!topic && !strchr(buf, ' '))
				return buf;
			if (topic && !strncmp(buf, topic, len) && buf[len] == ' ')
				return buf + len + 1;
		}
	return NULL;
}
