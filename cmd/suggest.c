/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

#define NEAR 2 /* typing errors that are still forgiven */

/* Levenshtein distance, two swapped letters counting as one error; names longer than the row are far away. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned rows[3][CMD_NAME_MAX + 1], *two = rows[0], *prev = rows[1], *row = rows[2], *spare;

	if (la > CMD_NAME_MAX || lb > CMD_NAME_MAX)
		return CMD_NAME_MAX;
	for (size_t j = 0; j <= lb; j++)
		prev[j] = (unsigned)j;
	memset(two, 0, sizeof(rows[0]));
	for (size_t i = 1; i <= la; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = prev[j - 1] + (a[i - 1] != b[j - 1]);

			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			row[j] = best;
		}
		spare = two;
		two = prev;
		prev = row;
		row = spare;
	}
	return prev[lb];
}

static void suggest(const char *word, const char *name, unsigned *shown, FILE *f)
{
	unsigned allowed = strlen(word) < 4 ? 1 : NEAR;

	if (distance(word, name) > allowed && strncmp(word, name, strlen(word)))
		return;
	if (!(*shown)++)
		fputs("\nDid you mean this?\n", f);
	fprintf(f, "\t%s\n", name);
}

/**
 * suggest_commands() - Print names that are near to what was written
 * @app:	Program
 * @word:	"pss", or "container pss"
 * @f:		Where to
 */
void suggest_commands(const struct app *app, const char *word, FILE *f)
{
	const char *space = strchr(word, ' ');
	char topic[CMD_NAME_MAX], buf[CMD_NAME_MAX];
	unsigned shown = 0;

	if (space)
		snprintf(topic, sizeof(topic), "%.*s", (int)(space - word), word);
	for (const struct cmd *const *c = app->cmds; *c; c++) {
		const char *name = cmd_name_below(*c, space ? topic : NULL, buf);

		if (name && !((*c)->flags & CMD_HIDDEN))
			suggest(space ? space + 1 : word, name, &shown, f);
	}
	for (const struct cmd_topic *t = app->topics; !space && t && t->name; t++)
		suggest(word, t->name, &shown, f);
}
