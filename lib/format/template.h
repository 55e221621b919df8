/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Go's text/template over JSON, for --format. Everything that people write there works: pipelines, if, with, range with
 * break and continue, variables, parentheses with fields after them, trim markers, define, template and block, Go's
 * functions and docker's. Steps, memory, output and the width of numbers are bounded: a template may come from a
 * stranger's script.
 */

#include <stdbool.h>

#include "lib/base/err.h"

struct json;
struct sbuf;
struct template;

/**
 * struct template_opts - how to run
 * @missing_is_error:	a member that is not there is an error; else it prints "<no value>"
 * @is_heading:		the data are headings: functions that change a value leave it as it is
 * @method:		what .Name "argument" gives (docker's {{.Label "key"}}): the text, owned, or NULL when there is
 *			no such method
 * @data:		for @method
 */
struct template_opts {
	bool missing_is_error;
	bool is_heading;
	char *(*method)(void *data, const char *name, const char *argument);
	void *data;
};

/* Return: 0, -EINVAL: "template: :1: unclosed action" */
int template_parse(const char *text, struct template **ret, struct err *e);
/*
 * Return: 0, -EINVAL: "template: :1:2: executing "" at <.X>: ...", -E2BIG when a bound is reached; @out has what came
 * before
 */
int template_exec(const struct template *t, const struct json *data, const struct template_opts *opts, struct sbuf *out,
		  struct err *e);
/* Does it mention .Name anywhere, or use "." as a whole? */
bool template_uses(const struct template *t, const char *name);
void template_free(struct template *t);
void template_freep(struct template **t);
#define auto_template __attribute__((cleanup(template_freep)))
