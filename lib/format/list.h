/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What every verb that lists things prints with: a table, or what --format asks for ("json", "table", "table TEMPLATE",
 * TEMPLATE), as docker does. A row is a JSON object whose members are the placeholders (.ID, .Names, ...), all of them
 * strings ready to be read.
 *
 *	static const struct format_column columns[] = { { "ID", "CONTAINER ID" }, { "Names", "NAMES" }, { 0 } };
 *	auto_format_list struct format_list *l = NULL;
 *	format_list_new(opts->format, "{{.ID}}\t{{.Names}}", columns, &l, e);
 *	if (format_list_uses(l, "Size")) ...
 *	format_list_add(l, row, labels, e);
 *	format_list_print(l, stdout, e);
 */

#include <stdbool.h>
#include <stdio.h>

#include "lib/base/err.h"

struct json;
struct format_list;

/*
 * A placeholder and the heading of its column. All placeholders of the verb are listed, not only those of the default.
 */
struct format_column {
	const char *name;
	const char *heading;
};

/*
 * @format: --format or NULL; @dflt: the template of the default table. Return: 0 or negative errno ("template parsing
 * error: ...").
 */
int format_list_new(const char *format, const char *dflt, const struct format_column *columns, struct format_list **ret,
		    struct err *e);
/*
 * -q: only this placeholder, without headings. A --format that was given wins, as docker's (json excepted: none wins
 * there).
 */
int format_list_new_quiet(const char *format, const char *placeholder, const struct format_column *columns,
			  struct format_list **ret, struct err *e);
/* Is the placeholder printed? What is costly to find out need not be in the rows when it is not. */
bool format_list_uses(const struct format_list *l, const char *placeholder);
/* @row and @labels (an object for {{.Label "key"}}, or NULL) are borrowed for the call. */
int format_list_add(struct format_list *l, const struct json *row, const struct json *labels, struct err *e);
int format_list_print(struct format_list *l, FILE *f, struct err *e);
void format_list_free(struct format_list *l);
void format_list_freep(struct format_list **l);
#define auto_format_list __attribute__((cleanup(format_list_freep)))

/* No headings (podman's --noheading). */
void format_list_no_heading(struct format_list *l);

/*
 * inspect: @items is an array. Without @format, or with "json", it is printed as JSON (indented, or in one line); else
 * the template runs once for each item, one line each. A member that is not there is an error, in Go's words.
 */
int format_inspect(const char *format, const struct json *items, FILE *f, struct err *e);
/* info, version: one object. */
int format_object(const char *format, const struct json *object, FILE *f, struct err *e);
