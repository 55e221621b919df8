/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker. Every step is counted and the output is measured after each, so the worst template ends within a second.
 * Recursion follows the nesting of the text, which the parser has bounded.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/format/template_int.h"
#include "lib/oci/json.h"

/* How a list of nodes ended; errors are negative. */
enum { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

#define MAX_ARGS 64

static int eval_pipe(struct run *r, const struct value *dot, const struct pipe *pipe, struct value *ret);
static int walk(struct run *r, const struct value *dot, const struct node *n);

int run_error(struct run *r, int code, const char *fmt, ...)
{
	auto_sbuf struct sbuf where = { 0 };
	size_t len = r->at.end > r->at.start ? r->at.end - r->at.start : 0;
	char msg[240];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	template_where(r->t->text, r->at.pos, true, &where);
	return err_say(r->e, code, "%s: executing \"\" at <%.*s%s>: %s", where.p, (int)(len > 20 ? 20 : len),
		       r->t->text + r->at.start, len > 20 ? "..." : "", msg);
}

int run_fail(struct run *r, const char *fmt, ...)
{
	char msg[240];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_say(&r->why, EINVAL, "%s", msg);
}

int run_step(struct run *r)
{
	if (++r->steps > TEMPLATE_MAX_STEPS)
		return run_error(r, E2BIG, "too many steps");
	if (r->out->len > TEMPLATE_MAX_OUTPUT)
		return run_error(r, E2BIG, "too much output");
	return 0;
}

char *run_alloc(struct run *r, size_t len)
{
	if (len >= TEMPLATE_MAX_MEMORY || r->arena.total + len > TEMPLATE_MAX_MEMORY) {
		err_say(&r->why, E2BIG, "too much memory");
		return NULL;
	}
	return arena_alloc(&r->arena, len + 1);
}

int run_take(struct run *r, const struct sbuf *b, struct value *ret)
{
	char *s = run_alloc(r, b->len);

	if (!s)
		return -E2BIG;
	memcpy(s, sbuf_str(b), b->len);
	*ret = value_str(s, b->len);
	return 0;
}

const struct json *run_own(struct run *r, struct json *j)
{
	r->docs = xrealloc(r->docs, (r->n_docs + 1) * sizeof(*r->docs));
	return r->docs[r->n_docs++] = j;
}

static void push_var(struct run *r, const char *name, struct value v)
{
	if (r->n_vars == r->cap_vars) {
		r->cap_vars = r->cap_vars ? r->cap_vars * 2 : 8;
		r->vars = xrealloc(r->vars, r->cap_vars * sizeof(*r->vars));
	}
	r->vars[r->n_vars++] = (struct var) { name, v };
}

static struct value *find_var(struct run *r, const char *name)
{
	for (size_t i = r->n_vars; i > r->frame; i--)
		if (!strcmp(r->vars[i - 1].name, name))
			return &r->vars[i - 1].value;
	return &r->root; /* the parser knows them all */
}

/* .Name "argument" */
static int call_method(struct run *r, const struct value *v, const char *name, const struct value *args, size_t n,
		       struct value *ret)
{
	auto_free char *text = NULL, *result = NULL;
	auto_sbuf struct sbuf b = { 0 };

	(void)v;
	if (n == 1 && args[0].kind == VALUE_STR && r->opts->method) {
		text = xstrndup(args[0].s, args[0].len);
		result = r->opts->method(r->opts->data, name, text);
	}
	if (!result)
		return run_error(r, EINVAL, "%s is not a method but has arguments", name);
	sbuf_adds(&b, result);
	return run_take(r, &b, ret);
}

static int get_field(struct run *r, const struct value *v, const char *name, struct value *ret)
{
	*ret = (struct value) { .kind = VALUE_NONE };
	if (v->kind == VALUE_NONE && r->opts->missing_is_error)
		return run_error(r, EINVAL, "nil data; no entry for key \"%s\"", name);
	if (v->kind == VALUE_NONE)
		return 0;
	if (v->kind == VALUE_NIL)
		return run_error(r, EINVAL, "nil pointer evaluating interface {}.%s", name);
	if (v->kind != VALUE_JSON || json_kind(v->j) != JSON_OBJECT)
		return run_error(r, EINVAL, "can't evaluate field %s in type %s", name, value_type(v));
	if (!value_member(v->j, name, strlen(name), ret) && r->opts->missing_is_error && !v->hint)
		return run_error(r, EINVAL, "map has no entry for key \"%s\"", name);
	return 0;
}

static int get_fields(struct run *r, struct value v, char *const *fields, const struct value *args, size_t n,
		      struct value *ret)
{
	int e = 0;

	for (; e == 0 && fields && *fields; fields++) {
		struct value next = { 0 };

		e = run_step(r);
		if (e == 0 && n && !fields[1])
			e = call_method(r, &v, *fields, args, n, &next);
		else if (e == 0)
			e = get_field(r, &v, *fields, &next);
		if (e == 0)
			v = next;
	}
	*ret = v;
	return e;
}

static int call_function(struct run *r, const struct function *f, struct span at, const struct value *args, size_t n,
			 struct value *ret)
{
	int want = n < (size_t)f->min_args ? f->min_args : f->max_args, e;

	r->at = at;
	if (n < (size_t)f->min_args || (f->max_args >= 0 && n > (size_t)f->max_args))
		return run_error(r, EINVAL, "wrong number of args for %s: want %s%d got %zu", f->name,
				 f->max_args < 0 ? "at least " : "", want, n);
	if (f->keeps_heading && r->opts->is_heading && n) {
		*ret = args[0];
		return 0;
	}
	e = f->call(r, args, n, ret);
	return e < 0 ? run_error(r, e, "error calling %s: %s", f->name, r->why.msg) : 0;
}

static int eval_term(struct run *r, const struct value *dot, const struct term *t, struct value *ret);

/* and, or: the first argument that decides; those behind it are not looked at. */
static int eval_logic(struct run *r, const struct value *dot, const struct command *c, const struct value *final,
		      struct value *ret)
{
	bool is_or = !strcmp(c->terms->s, "or");
	const struct term *t = c->terms->next;
	int e = 0;

	if (!t && !final) {
		r->at = c->at;
		return run_error(r, EINVAL, "wrong number of args for %s: want at least 1 got 0", c->terms->s);
	}
	for (; e == 0 && t; t = t->next) {
		e = eval_term(r, dot, t, ret);
		if (e == 0 && value_is_true(ret) == is_or)
			return 0;
	}
	if (e == 0 && final)
		*ret = *final;
	return e;
}

static int eval_args(struct run *r, const struct value *dot, const struct term *t, const struct value *final,
		     struct value args[MAX_ARGS], size_t *ret_n)
{
	size_t n = 0;
	int e = 0;

	for (; e == 0 && t; t = t->next) {
		if (n + 1 >= MAX_ARGS)
			return run_error(r, E2BIG, "too many arguments");
		e = eval_term(r, dot, t, &args[n++]);
	}
	if (final)
		args[n++] = *final;
	*ret_n = n;
	return e;
}

/* A term that stands alone, or is an argument. */
static int eval_term(struct run *r, const struct value *dot, const struct term *t, struct value *ret)
{
	int e = run_step(r);

	r->at = t->at;
	if (e < 0)
		return e;
	switch (t->kind) {
	case TERM_DOT:
		*ret = *dot;
		return 0;
	case TERM_NIL:
		*ret = (struct value) { .kind = VALUE_NIL };
		return 0;
	case TERM_BOOL:
		*ret = value_bool(t->b);
		return 0;
	case TERM_INT:
		*ret = value_int(t->i);
		return 0;
	case TERM_FLOAT:
		*ret = (struct value) { .kind = VALUE_FLOAT, .f = t->f };
		return 0;
	case TERM_STR:
		*ret = value_str(t->s, t->len);
		return 0;
	case TERM_FIELD:
		return get_fields(r, *dot, t->fields, NULL, 0, ret);
	case TERM_VARIABLE:
		return get_fields(r, *find_var(r, t->s), t->fields, NULL, 0, ret);
	case TERM_FUNC:
		return call_function(r, t->func, t->at, NULL, 0, ret);
	case TERM_PIPE:
		return eval_pipe(r, dot, t->pipe, ret);
	case TERM_CHAIN:
		if (t->pipe)
			e = eval_pipe(r, dot, t->pipe, ret);
		else
			e = call_function(r, t->func, t->at, NULL, 0, ret);
		r->at = t->at;
		return e < 0 ? e : get_fields(r, *ret, t->fields, NULL, 0, ret);
	}
	return 0;
}

/* A field or variable with arguments: a method. */
static int eval_method(struct run *r, const struct value *dot, const struct command *c, const struct value *final,
		       struct value *ret)
{
	const struct term *t = c->terms;
	struct value args[MAX_ARGS], base = *dot;
	size_t n = 0;
	int e = eval_args(r, dot, t->next, final, args, &n);

	r->at = t->at;
	if (e == 0 && t->kind == TERM_CHAIN) {
		struct term head = {
			.kind = t->pipe ? TERM_PIPE : TERM_FUNC, .at = t->at, .pipe = t->pipe, .func = t->func
		};

		e = eval_term(r, dot, &head, &base);
	}
	if (t->kind == TERM_VARIABLE)
		base = *find_var(r, t->s);
	if (e == 0 && !t->fields)
		return run_error(r, EINVAL, "can't give argument to non-function %.*s", (int)(t->at.end - t->at.start),
				 r->t->text + t->at.start);
	return e < 0 ? e : get_fields(r, base, t->fields, args, n, ret);
}

static int eval_command(struct run *r, const struct value *dot, const struct command *c, const struct value *final,
			struct value *ret)
{
	const struct term *t = c->terms;
	struct value args[MAX_ARGS];
	size_t n = 0;
	int e;

	if (t->kind == TERM_FUNC) {
		if (!t->func->call)
			return eval_logic(r, dot, c, final, ret);
		e = eval_args(r, dot, t->next, final, args, &n);
		return e < 0 ? e : call_function(r, t->func, c->at, args, n, ret);
	}
	if (t->kind == TERM_NIL) {
		r->at = t->at;
		return run_error(r, EINVAL, "nil is not a command");
	}
	if (!t->next && !final)
		return eval_term(r, dot, t, ret);
	if (t->kind == TERM_FIELD || t->kind == TERM_VARIABLE || t->kind == TERM_CHAIN)
		return eval_method(r, dot, c, final, ret);
	r->at = t->at;
	return run_error(r, EINVAL, "can't give argument to non-function %.*s", (int)(t->at.end - t->at.start),
			 r->t->text + t->at.start);
}

/* Without the declarations. */
static int eval_commands(struct run *r, const struct value *dot, const struct pipe *pipe, struct value *ret)
{
	struct value v = { 0 }, next = { 0 };
	int e = 0;

	for (const struct command *c = pipe->commands; e == 0 && c; c = c->next) {
		e = eval_command(r, dot, c, c == pipe->commands ? NULL : &v, &next);
		v = next;
	}
	*ret = v;
	return e;
}

static int eval_pipe(struct run *r, const struct value *dot, const struct pipe *pipe, struct value *ret)
{
	int e = eval_commands(r, dot, pipe, ret);

	for (int i = 0; e == 0 && i < pipe->n_decl; i++) {
		if (pipe->assign)
			*find_var(r, pipe->decl[i]) = *ret;
		else
			push_var(r, pipe->decl[i], *ret);
	}
	return e;
}

static int walk_if(struct run *r, const struct value *dot, const struct node *n)
{
	size_t mark = r->n_vars;
	struct value v = { 0 };
	int e = eval_pipe(r, dot, n->pipe, &v);

	if (e == 0 && value_is_true(&v))
		e = walk(r, n->kind == NODE_WITH ? &v : dot, n->list);
	else if (e == 0)
		e = walk(r, dot, n->other);
	r->n_vars = mark;
	return e;
}

/* One turn. Return: FLOW_BREAK ends the loop. */
static int turn(struct run *r, const struct node *n, struct value key, struct value item)
{
	const struct pipe *p = n->pipe;
	const struct value *values[2] = { &key, &item };
	size_t mark = r->n_vars;
	int e = run_step(r);

	for (int i = 0; e == 0 && i < p->n_decl && i < 2; i++) {
		const struct value *v = values[p->n_decl == 1 ? 1 : i];

		if (p->assign)
			*find_var(r, p->decl[i]) = *v;
		else
			push_var(r, p->decl[i], *v);
	}
	if (e == 0)
		e = walk(r, &item, n->list);
	r->n_vars = mark;
	return e == FLOW_CONTINUE ? FLOW_ON : e;
}

static int range_object(struct run *r, const struct node *n, const struct json *obj)
{
	size_t count = 0;
	auto_free const char **keys = value_sorted_keys(obj, &count);
	int e = FLOW_ON;

	for (size_t i = 0; e == FLOW_ON && i < count; i++)
		e = turn(r, n, value_str(keys[i], strlen(keys[i])), value_of_json(json_get(obj, keys[i]), keys[i]));
	return e;
}

static int range_array(struct run *r, const struct node *n, const struct json *arr)
{
	int e = FLOW_ON;

	for (size_t i = 0; e == FLOW_ON && i < json_len(arr); i++)
		e = turn(r, n, value_int((int64_t)i), value_of_json(json_item(arr, i), NULL));
	return e;
}

static int walk_range(struct run *r, const struct value *dot, const struct node *n)
{
	struct value v = { 0 };
	int e = eval_commands(r, dot, n->pipe, &v);

	if (e < 0)
		return e;
	if (v.kind != VALUE_JSON && v.kind != VALUE_INT && v.kind != VALUE_NONE && v.kind != VALUE_NIL) {
		auto_sbuf struct sbuf b = { 0 };

		value_print(&b, &v);
		r->at = n->pipe->at;
		return run_error(r, EINVAL, "range can't iterate over %.100s", sbuf_str(&b));
	}
	if (!value_is_true(&v) || (v.kind == VALUE_INT && v.i < 0))
		return walk(r, dot, n->other);
	if (v.kind == VALUE_INT) {
		for (int64_t i = 0; e == FLOW_ON && i < v.i; i++)
			e = turn(r, n, value_int(i), value_int(i));
	} else {
		e = json_kind(v.j) == JSON_OBJECT ? range_object(r, n, v.j) : range_array(r, n, v.j);
	}
	return e == FLOW_BREAK ? FLOW_ON : e;
}

/* Its own "$" and no other variables. */
static int walk_template(struct run *r, const struct value *dot, const struct node *n)
{
	const struct definition *d = definition_find(r->t, n->text);
	struct value v = { .kind = VALUE_NIL };
	size_t frame = r->frame, mark;
	int e = n->pipe ? eval_pipe(r, dot, n->pipe, &v) : 0;

	if (e < 0)
		return e;
	r->at = n->at;
	if (!d)
		return run_error(r, EINVAL, "template \"%.100s\" not defined", n->text);
	if (++r->calls > TEMPLATE_MAX_CALLS)
		return run_error(r, E2BIG, "exceeded maximum template depth (%d)", TEMPLATE_MAX_CALLS);
	mark = r->frame = r->n_vars;
	push_var(r, "$", v);
	e = walk(r, &v, d->list);
	r->n_vars = mark;
	r->frame = frame;
	r->calls--;
	return e;
}

static int walk_one(struct run *r, const struct value *dot, const struct node *n)
{
	struct value v = { 0 };
	int e;

	switch (n->kind) {
	case NODE_TEXT:
		sbuf_add(r->out, n->text, n->len);
		return FLOW_ON;
	case NODE_ACTION:
		e = eval_pipe(r, dot, n->pipe, &v);
		if (e == 0 && !n->pipe->n_decl)
			value_print(r->out, &v);
		return e;
	case NODE_IF:
	case NODE_WITH:
		return walk_if(r, dot, n);
	case NODE_RANGE:
		return walk_range(r, dot, n);
	case NODE_BREAK:
		return FLOW_BREAK;
	case NODE_CONTINUE:
		return FLOW_CONTINUE;
	case NODE_TEMPLATE:
		return walk_template(r, dot, n);
	}
	return FLOW_ON;
}

static int walk(struct run *r, const struct value *dot, const struct node *n)
{
	int e = FLOW_ON;

	for (; e == FLOW_ON && n; n = n->next) {
		e = run_step(r);
		if (e == 0)
			e = walk_one(r, dot, n);
	}
	return e;
}

/**
 * template_exec() - Run a template
 * @t:		Template
 * @data:	What "." is
 * @opts:	How, or NULL
 * @out:	Output is appended here
 * @e:		Failure, in Go's words
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int template_exec(const struct template *t, const struct json *data, const struct template_opts *opts, struct sbuf *out,
		  struct err *e)
{
	static const struct template_opts none;
	struct run r = { .t = t, .opts = opts ? opts : &none, .out = out, .e = e };
	int result;

	r.root = value_of_json(data, NULL);
	push_var(&r, "$", r.root);
	result = walk(&r, &r.root, t->list);
	for (size_t i = 0; i < r.n_docs; i++)
		json_free(r.docs[i]);
	free(r.docs);
	free(r.vars);
	arena_done(&r.arena);
	return result < 0 ? result : 0;
}
