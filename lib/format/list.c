/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/table.h"
#include "lib/format/template.h"
#include "lib/format/text.h"
#include "lib/oci/json.h"

/**
 * struct format_list - one listing
 * @template:	what makes a line of a row; NULL: the whole row as JSON
 * @is_table:	lines are rows of a table, under headings
 * @no_heading:	without those
 * @columns:	borrowed
 * @out:	lines so far, as the template gives them
 */
struct format_list {
	struct template *template;
	bool is_table, no_heading;
	const struct format_column *columns;
	struct sbuf out;
};

/* The end of a string in an action, or where the text ends. */
static const char *end_of_string(const char *s)
{
	char quote = *s++;

	for (; *s && *s != quote; s++)
		if (*s == '\\' && quote != '`' && s[1])
			s++;
	return s;
}

/* Behind the "}}" of an action. */
static const char *end_of_action(const char *s)
{
	for (; *s; s++) {
		if (s[0] == '}' && s[1] == '}')
			return s + 2;
		if (strchr("\"'`", *s))
			s = end_of_string(s);
		if (!*s)
			break;
	}
	return s;
}

/* What the user writes as \t and \n; the shell leaves them alone. In actions they are the template's affair. */
static char *unescape(const char *s)
{
	struct sbuf b = { 0 };

	for (; *s; s++) {
		const char *end = s[0] == '{' && s[1] == '{' ? end_of_action(s + 2) : s;

		sbuf_add(&b, s, (size_t)(end - s));
		s = end;
		if (!*s)
			break;
		if (s[0] == '{' && s[1] == '{') { /* the next action follows at once */
			s--;
			continue;
		}
		if (s[0] == '\\' && (s[1] == 't' || s[1] == 'n')) {
			sbuf_addc(&b, s[1] == 't' ? '\t' : '\n');
			s++;
		} else {
			sbuf_addc(&b, *s);
		}
	}
	return b.p ? sbuf_take(&b) : xstrdup("");
}

static int parse(const char *text, struct template **ret, struct err *e)
{
	auto_free char *plain = unescape(text);
	int r = template_parse(plain, ret, e);

	return r < 0 ? err_wrap(e, r, "template parsing error") : 0;
}

/**
 * format_list_new() - Start a listing
 * @format:	--format, or NULL
 * @dflt:	Template of the default table
 * @columns:	All placeholders with their headings, ended by a NULL name
 * @ret:	Listing
 * @e:		Failure
 *
 * Return: 0, -EINVAL
 */
int format_list_new(const char *format, const char *dflt, const struct format_column *columns, struct format_list **ret,
		    struct err *e)
{
	auto_format_list struct format_list *l = xcalloc(1, sizeof(*l));
	const char *text = str_is_empty(format) ? "table" : format, *rest;
	int r = 0;

	l->columns = columns;
	rest = str_after(text, "table");
	if (rest && (!*rest || *rest == ' ' || *rest == '\t')) {
		while (*rest == ' ' || *rest == '\t')
			rest++;
		l->is_table = true;
		r = parse(*rest ? rest : dflt, &l->template, e);
	} else if (strcmp(text, "json")) {
		r = parse(text, &l->template, e);
	}
	if (r < 0)
		return r;
	*ret = take_ptr(&l);
	return 0;
}

/**
 * format_list_new_quiet() - Start a listing of one placeholder (-q)
 * @format:		--format, or NULL
 * @placeholder:	"ID"
 * @columns:		All placeholders
 * @ret:		Listing
 * @e:			Failure
 *
 * Return: 0, -EINVAL
 */
int format_list_new_quiet(const char *format, const char *placeholder, const struct format_column *columns,
			  struct format_list **ret, struct err *e)
{
	auto_free char *text = xasprintf("{{.%s}}", placeholder);

	/* As docker: "table" and "json" give way to -q, a template of the user's own does not. */
	if (str_is_empty(format) || !strcmp(format, "json") || str_has_prefix(format, "table"))
		format = text;
	return format_list_new(format, text, columns, ret, e);
}

/**
 * format_list_uses() - Is a placeholder printed?
 * @l:			Listing
 * @placeholder:	Its name
 *
 * Return: whether it is
 */
bool format_list_uses(const struct format_list *l, const char *placeholder)
{
	return !l->template || template_uses(l->template, placeholder);
}

/**
 * format_list_no_heading() - Leave the headings out
 * @l:	Listing
 */
void format_list_no_heading(struct format_list *l)
{
	l->no_heading = true;
}

static char *label_of_row(void *data, const char *name, const char *argument)
{
	const struct json *labels = data ? *(const struct json *const *)data : NULL;
	const char *value = labels ? json_get_str(labels, argument) : NULL;

	return strcmp(name, "Label") ? NULL : xstrdup(value ? value : "");
}

/* {{.Label "com.example.some-name"}} stands under "some name". */
static char *label_of_heading(void *data, const char *name, const char *argument)
{
	const char *dot = strrchr(argument, '.');
	char *text;

	(void)data;
	if (strcmp(name, "Label"))
		return NULL;
	text = xstrdup(dot ? dot + 1 : argument);
	for (char *p = text; *p; p++)
		if (*p == '-' || *p == '_')
			*p = ' ';
	return text;
}

/* The members sorted, as Go prints a map. */
static void add_json(struct sbuf *out, const struct json *row)
{
	auto_strv char **keys = NULL;
	struct json_iter it;

	for (it = json_iter(row); json_next(&it);)
		strv_add(&keys, it.key);
	strv_sort(keys);
	sbuf_addc(out, '{');
	for (size_t i = 0; keys && keys[i]; i++) {
		sbuf_adds(out, i ? "," : "");
		json_quote(out, keys[i], strlen(keys[i]));
		sbuf_addc(out, ':');
		json_write(out, json_get(row, keys[i]), false);
	}
	sbuf_adds(out, "}\n");
}

/* A value with a newline must not look like two rows of a table. */
static struct json *without_control(const struct json *row)
{
	struct json *copy = NULL;
	struct json_iter it;

	for (it = json_iter(row); json_next(&it);) {
		auto_sbuf struct sbuf plain = { 0 };
		const char *s = json_as_str(it.value);

		if (!s || !str_has_control(s))
			continue;
		if (!copy)
			copy = json_dup(row);
		format_plain(&plain, s, strlen(s), false);
		json_set_str(copy, it.key, sbuf_str(&plain));
	}
	return copy;
}

/**
 * format_list_add() - Add a row
 * @l:		Listing
 * @row:	Object with all placeholders
 * @labels:	Object, or NULL
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int format_list_add(struct format_list *l, const struct json *row, const struct json *labels, struct err *e)
{
	struct template_opts opts = { .missing_is_error = true, .method = label_of_row, .data = &labels };
	auto_json struct json *plain = l->is_table ? without_control(row) : NULL;
	int r;

	if (!l->template) {
		add_json(&l->out, row);
		return 0;
	}
	r = template_exec(l->template, plain ? plain : row, &opts, &l->out, e);
	sbuf_addc(&l->out, '\n');
	return r;
}

static int print_table(struct format_list *l, FILE *f, struct err *e)
{
	struct template_opts opts = { .is_heading = true, .method = label_of_heading };
	auto_json struct json *names = json_new_object();
	auto_sbuf struct sbuf text = { 0 };
	int r = 0;

	for (const struct format_column *c = l->columns; c->name; c++)
		json_set_str(names, c->name, c->heading);
	if (!l->no_heading) {
		r = template_exec(l->template, names, &opts, &text, e);
		sbuf_addc(&text, '\n');
	}
	sbuf_add(&text, sbuf_str(&l->out), l->out.len);
	if (r == 0)
		table_print(sbuf_str(&text), text.len, f);
	return r;
}

/* Names and labels come from strangers: what goes to a terminal is made harmless. */
static void print_text(const char *text, size_t len, FILE *f)
{
	auto_sbuf struct sbuf plain = { 0 };

	if (!isatty(fileno(f))) {
		fwrite(text, 1, len, f);
		return;
	}
	format_plain(&plain, text, len, true);
	fwrite(sbuf_str(&plain), 1, plain.len, f);
}

/**
 * format_list_print() - Print the listing
 * @l:	Listing
 * @f:	Where to
 * @e:	Failure
 *
 * Return: 0, -EINVAL
 */
int format_list_print(struct format_list *l, FILE *f, struct err *e)
{
	if (l->is_table)
		return print_table(l, f, e);
	print_text(sbuf_str(&l->out), l->out.len, f);
	return 0;
}

/**
 * format_list_free() - Release a listing
 * @l:	Listing or NULL
 */
void format_list_free(struct format_list *l)
{
	if (!l)
		return;
	template_free(l->template);
	sbuf_done(&l->out);
	free(l);
}

/**
 * format_list_freep() - Release a listing and forget it
 * @l:	Pointer to it
 */
void format_list_freep(struct format_list **l)
{
	format_list_free(*l);
	*l = NULL;
}

static int print_templated(const char *format, const struct json *const *items, size_t n, FILE *f, struct err *e)
{
	struct template_opts opts = { .missing_is_error = true };
	auto_template struct template *t = NULL;
	auto_sbuf struct sbuf out = { 0 };
	int r = parse(format, &t, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = template_exec(t, items[i], &opts, &out, e);
		if (r < 0)
			err_wrap(e, r, "template parsing error");
		sbuf_addc(&out, '\n');
	}
	if (r == 0)
		print_text(sbuf_str(&out), out.len, f);
	return r;
}

static void print_document(const struct json *j, bool pretty, FILE *f)
{
	auto_free char *text = pretty ? json_pretty(j) : json_compact(j);

	fprintf(f, "%s\n", text);
}

/**
 * format_inspect() - Print what inspect found
 * @format:	--format, or NULL
 * @items:	Array
 * @f:		Where to
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int format_inspect(const char *format, const struct json *items, FILE *f, struct err *e)
{
	auto_free const struct json **v = NULL;
	size_t n = json_len(items);

	if (str_is_empty(format) || !strcmp(format, "json")) {
		print_document(items, str_is_empty(format), f);
		return 0;
	}
	v = xcalloc(n, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = json_item(items, i);
	return print_templated(format, v, n, f, e);
}

/**
 * format_object() - Print one object
 * @format:	--format; NULL and "json": as JSON in one line
 * @object:	Object
 * @f:		Where to
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int format_object(const char *format, const struct json *object, FILE *f, struct err *e)
{
	if (str_is_empty(format) || !strcmp(format, "json")) {
		print_document(object, false, f);
		return 0;
	}
	return print_templated(format, &object, 1, f, e);
}
