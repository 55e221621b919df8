/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/opt.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

static const char *const kind_words[] = { "", "", "string", "list", "int", "uint", "bytes", "duration", "string" };
static_assert(sizeof(kind_words) / sizeof(*kind_words) == OPT_KIND__N, "a word for every kind");

/**
 * opt_count() - How many options a table has
 * @table:	The table or NULL
 *
 * Return: the number, OPT_END not counted
 */
size_t opt_count(const struct opt *table)
{
	size_t n = 0;

	while (table && table[n].kind != OPT_KIND_END)
		n++;
	return n;
}

/**
 * opt_arg_word() - The word that help shows for an option's value
 * @o:	Option
 *
 * Return: the word; empty for a flag
 */
const char *opt_arg_word(const struct opt *o)
{
	return o->arg ? o->arg : kind_words[o->kind];
}

static void *field_of(const struct opt_set *set, const struct opt *o)
{
	return (char *)set->base + o->offset;
}

/* Store @value. Return: 0, or negative errno with only the reason in @e. */
static int store_value(const struct opt *o, void *field, const char *value, struct err *e)
{
	switch (o->kind) {
	case OPT_KIND_BOOL:
		if (str_to_bool(value, field) < 0)
			return err_say(e, EINVAL, "not true or false");
		return 0;
	case OPT_KIND_STR:
		*(const char **)field = value;
		return 0;
	case OPT_KIND_STRV:
		strv_add(field, value);
		return 0;
	case OPT_KIND_I64:
		if (str_to_i64(value, field) < 0)
			return err_say(e, EINVAL, "not a number");
		return 0;
	case OPT_KIND_U64:
		if (str_to_u64(value, UINT64_MAX, field) < 0)
			return err_say(e, EINVAL, "not a number of 0 or more");
		return 0;
	case OPT_KIND_SIZE:
		if (str_to_size(value, field) < 0)
			return err_say(e, EINVAL, "invalid size: '%s'", value);
		return 0;
	case OPT_KIND_DURATION:
		if (str_to_duration(value, field) < 0)
			return err_say(e, EINVAL, "invalid duration \"%s\"", value);
		return 0;
	case OPT_KIND_CALL:
		return o->call(field, value, e);
	case OPT_KIND_END:
	case OPT_KIND__N:
		break;
	}
	assert(!"an option of no kind");
	return -EINVAL;
}

static int give(const struct opt_set *set, const struct opt *o, const char *value, struct err *e)
{
	struct err why = { 0 };
	bool on = true;
	int r = 0;

	if (o->flags & (OPT_REFUSED | OPT_IGNORED)) {
		if (o->kind == OPT_KIND_BOOL)
			r = store_value(o, &on, value, &why);
		if (r == 0 && on && (o->flags & OPT_REFUSED))
			return err_say(e, ENOTSUP, "--%s %s", o->name, o->reason);
		if (r == 0 && on)
			log_warn("--%s %s", o->name, o->reason);
	} else {
		r = store_value(o, field_of(set, o), value, &why);
	}
	if (r < 0 && o->letter)
		return err_say(e, r, "invalid argument \"%s\" for \"-%c, --%s\" flag: %s", value, o->letter, o->name,
			       why.msg);
	if (r < 0)
		return err_say(e, r, "invalid argument \"%s\" for \"--%s\" flag: %s", value, o->name, why.msg);
	if (set->given)
		set->given[o - set->table] = true;
	return 0;
}

/**
 * opt_defaults() - Put the default texts of a table into its struct
 * @set:	Table and zeroed struct
 * @e:		Failure (a mistake in the table)
 *
 * Return: 0 or negative errno
 */
int opt_defaults(const struct opt_set *set, struct err *e)
{
	for (const struct opt *o = set->table; o && o->kind != OPT_KIND_END; o++) {
		if (!o->dflt || (o->flags & (OPT_REFUSED | OPT_IGNORED)))
			continue;
		if (store_value(o, field_of(set, o), o->dflt, e) < 0)
			return err_wrap(e, -EINVAL, "default of --%s", o->name);
	}
	return 0;
}

/* Find by long name (@len bytes of @name), or by letter when @name is NULL. */
static const struct opt *find(const struct opt_set *sets, size_t n_sets, const char *name, size_t len, char letter,
			      const struct opt_set **ret_set)
{
	for (size_t i = 0; i < n_sets; i++)
		for (const struct opt *o = sets[i].table; o && o->kind != OPT_KIND_END; o++) {
			if (sets[i].is_global && (o->flags & OPT_BEFORE))
				continue;
			if (name ? strlen(o->name) != len || memcmp(o->name, name, len) : o->letter != letter)
				continue;
			*ret_set = &sets[i];
			return o;
		}
	return NULL;
}

/* What an option without an attached value means, or NULL when the next argument is the value. */
static const char *value_alone(const struct opt *o)
{
	return o->kind == OPT_KIND_BOOL ? "true" : o->implied;
}

static int parse_long(const struct opt_set *sets, size_t n_sets, char ***argv, struct err *e)
{
	const char *name = **argv + 2, *eq = strchr(name, '='), *value;
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct opt_set *set = NULL;
	const struct opt *o;

	if (len == 0)
		return err_say(e, EINVAL, "bad flag syntax: %s", **argv);
	o = find(sets, n_sets, name, len, 0, &set);
	if (!o)
		return err_say(e, EINVAL, "unknown flag: --%.*s", (int)len, name);
	value = eq ? eq + 1 : value_alone(o);
	if (!value) {
		if (!(*argv)[1])
			return err_say(e, EINVAL, "flag needs an argument: --%s", o->name);
		value = *++*argv;
	}
	return give(set, o, value, e);
}

/* "-itp8080:80": letters of flags, the last one may take a value, attached, after "=", or as the next argument. */
static int parse_letters(const struct opt_set *sets, size_t n_sets, char ***argv, struct err *e)
{
	const char *all = **argv, *p = all + 1, *value;
	const struct opt_set *set = NULL;
	const struct opt *o;
	int r = 0;

	while (*p && r == 0) {
		o = find(sets, n_sets, NULL, 0, *p, &set);
		if (!o)
			return err_say(e, EINVAL, "unknown shorthand flag: '%c' in %s", *p, all);
		p++;
		if (*p == '=') {
			value = p + 1;
			p = "";
		} else if ((value = value_alone(o))) {
			/* more letters may follow */
		} else if (*p) {
			value = p;
			p = "";
		} else if ((*argv)[1]) {
			value = *++*argv;
		} else {
			return err_say(e, EINVAL, "flag needs an argument: '%c' in %s", o->letter, all);
		}
		r = give(set, o, value, e);
	}
	return r;
}

/**
 * opt_parse() - Parse arguments
 * @sets:		Tables with their structs; where two know a name, the first wins
 * @n_sets:		How many
 * @stop_at_operand:	The first operand ends the options
 * @argv:		Arguments, the program's or verb's name already taken off; NULL-terminated
 * @ret_operands:	Where the operands go: room for all of @argv and the NULL; may be @argv itself
 * @e:			Failure, in docker's words
 *
 * Return: number of operands or negative errno
 */
int opt_parse(const struct opt_set *sets, size_t n_sets, bool stop_at_operand, char **argv, char **ret_operands,
	      struct err *e)
{
	bool ended = false;
	int n = 0, r;

	for (; *argv; argv++) {
		const char *a = *argv;

		if (ended || a[0] != '-' || !a[1]) {
			ret_operands[n++] = *argv;
			ended = ended || stop_at_operand;
			continue;
		}
		if (!strcmp(a, "--")) {
			ended = true;
			continue;
		}
		r = a[1] == '-' ? parse_long(sets, n_sets, &argv, e) : parse_letters(sets, n_sets, &argv, e);
		if (r < 0)
			return r;
	}
	ret_operands[n] = NULL;
	return n;
}

/**
 * opt_done() - Free what the parser has stored
 * @set:	Table and struct
 */
void opt_done(const struct opt_set *set)
{
	for (const struct opt *o = set->table; o && o->kind != OPT_KIND_END; o++)
		if (o->kind == OPT_KIND_STRV && !(o->flags & (OPT_REFUSED | OPT_IGNORED)))
			strv_freep(field_of(set, o));
}

/**
 * opt_is_given() - Was an option on the command line?
 * @set:	Table, with @given
 * @name:	Long name; hidden names of the same field count as well
 *
 * Return: whether it was
 */
bool opt_is_given(const struct opt_set *set, const char *name)
{
	const struct opt *want = NULL;

	for (const struct opt *o = set->table; o && o->kind != OPT_KIND_END; o++)
		if (!strcmp(o->name, name))
			want = o;
	for (const struct opt *o = set->table; want && o->kind != OPT_KIND_END; o++)
		if (set->given[o - set->table] &&
		    (o == want || (!(o->flags & OPT_REFUSED) && o->offset == want->offset)))
			return true;
	return false;
}
