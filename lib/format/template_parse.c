/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/format/template_int.h"

/**
 * struct parser - one parse
 * @t:		template that is made
 * @tokens:	its tokens
 * @i:		the next one
 * @vars:	names of the variables in scope, innermost last
 * @ranges:	how many {{range}} are open
 * @depth:	how deep the recursion is
 */
struct parser {
	struct template *t;
	const struct tokens *tokens;
	size_t i;
	const char **vars;
	size_t n_vars, cap_vars;
	unsigned ranges, depth;
	struct err *e;
};

static int parse_pipeline(struct parser *p, const char *context, enum token_kind end, struct pipe **ret);
static int parse_list(struct parser *p, struct node **ret, struct token *ret_end);

/**
 * template_where() - "template: :1:5", as Go names a place
 * @text:	The template
 * @pos:	Place
 * @column:	With the column
 * @out:	Where to
 */
void template_where(const char *text, size_t pos, bool column, struct sbuf *out)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i < pos && text[i]; i++)
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	sbuf_printf(out, "template: :%zu", line);
	if (column)
		sbuf_printf(out, ":%zu", pos - start);
}

static const struct token *next(struct parser *p)
{
	const struct token *t = &p->tokens->v[p->i];

	if (p->i + 1 < p->tokens->n)
		p->i++;
	return t;
}

static const struct token *peek(struct parser *p)
{
	return &p->tokens->v[p->i];
}

static const struct token *peek_solid(struct parser *p)
{
	while (peek(p)->kind == TOKEN_SPACE)
		next(p);
	return peek(p);
}

static const struct token *next_solid(struct parser *p)
{
	peek_solid(p);
	return next(p);
}

static int PRINTF(2, 3) error(struct parser *p, const char *fmt, ...)
{
	auto_sbuf struct sbuf where = { 0 };
	char msg[240];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	/* The token that was read last. */
	template_where(p->t->text, p->tokens->v[p->i ? p->i - 1 : 0].pos, false, &where);
	return err_say(p->e, EINVAL, "%s: %s", where.p, msg);
}

static int unexpected(struct parser *p, const struct token *t, const char *context)
{
	int len = t->len > 10 ? 10 : (int)t->len;

	if (t->kind == TOKEN_ERROR)
		return error(p, "%s", t->text);
	if (t->kind == TOKEN_EOF)
		return error(p, "unexpected EOF");
	if (t->kind == TOKEN_RIGHT || t->kind == TOKEN_LEFT)
		return error(p, "unexpected \"%.*s\" in %s", len, t->text, context);
	if (t->kind > TOKEN__KEYWORDS)
		return error(p, "unexpected <%.*s> in %s", (int)t->len, t->text, context);
	return error(p, "unexpected \"%.*s\"%s in %s", len, t->text, t->len > 10 ? "..." : "", context);
}

static int deeper(struct parser *p)
{
	if (++p->depth > TEMPLATE_MAX_DEPTH)
		return error(p, "nested too deeply");
	return 0;
}

static void push_var(struct parser *p, const char *name)
{
	if (p->n_vars == p->cap_vars) {
		p->cap_vars = p->cap_vars ? p->cap_vars * 2 : 8;
		p->vars = xrealloc(p->vars, p->cap_vars * sizeof(*p->vars));
	}
	p->vars[p->n_vars++] = name;
}

static char *token_text(struct parser *p, const struct token *t)
{
	return arena_strndup(&p->t->arena, t->text, t->len);
}

static int parse_string(struct parser *p, const struct token *t, struct term *term)
{
	auto_sbuf struct sbuf b = { 0 };

	if (!literal_unquote(t, &b))
		return error(p, "invalid syntax");
	term->kind = TERM_STR;
	term->s = arena_strndup(&p->t->arena, sbuf_str(&b), b.len);
	term->len = b.len;
	return 0;
}

static int parse_char(struct parser *p, const struct token *t, struct term *term)
{
	term->kind = TERM_INT;
	if (!literal_char(t, &term->i))
		return error(p, "malformed character constant: %.*s", (int)t->len, t->text);
	return 0;
}

static int parse_number(struct parser *p, const struct token *t, struct term *term)
{
	char *s = token_text(p, t);

	term->kind = TERM_INT;
	if (literal_int(s, &term->i))
		return 0;
	term->kind = TERM_FLOAT;
	return literal_float(s, &term->f) ? 0 : error(p, "bad number syntax: \"%s\"", s);
}

static int use_variable(struct parser *p, struct term *term)
{
	for (size_t i = p->n_vars; i > 0; i--)
		if (!strcmp(p->vars[i - 1], term->s))
			return 0;
	return error(p, "undefined variable \"%s\"", term->s);
}

static int parse_paren(struct parser *p, struct term *term)
{
	int r = deeper(p);

	term->kind = TERM_PIPE;
	if (r == 0)
		r = parse_pipeline(p, "parenthesized pipeline", TOKEN_RPAREN, &term->pipe);
	p->depth--;
	return r;
}

/* The rest of a term that starts with @t. */
static int parse_term_from(struct parser *p, const struct token *t, struct term *term)
{
	switch (t->kind) {
	case TOKEN_IDENT:
		term->kind = TERM_FUNC;
		term->s = token_text(p, t);
		term->func = function_find(t->text, t->len);
		return term->func ? 0 : error(p, "function \"%s\" not defined", term->s);
	case TOKEN_DOT:
		term->kind = TERM_DOT;
		return 0;
	case TOKEN_NIL:
		term->kind = TERM_NIL;
		return 0;
	case TOKEN_VARIABLE:
		term->kind = TERM_VARIABLE;
		term->s = token_text(p, t);
		return use_variable(p, term);
	case TOKEN_FIELD:
		term->kind = TERM_FIELD;
		strv_add_take(&term->fields, xstrndup(t->text + 1, t->len - 1));
		return 0;
	case TOKEN_BOOL:
		term->kind = TERM_BOOL;
		term->b = t->text[0] == 't';
		return 0;
	case TOKEN_CHAR_CONST:
		return parse_char(p, t, term);
	case TOKEN_NUMBER:
		return parse_number(p, t, term);
	case TOKEN_STRING:
	case TOKEN_RAW:
		return parse_string(p, t, term);
	default:
		return parse_paren(p, term);
	}
}

static bool starts_term(enum token_kind k)
{
	return k == TOKEN_IDENT || k == TOKEN_DOT || k == TOKEN_NIL || k == TOKEN_VARIABLE || k == TOKEN_FIELD ||
	       k == TOKEN_BOOL || k == TOKEN_CHAR_CONST || k == TOKEN_NUMBER || k == TOKEN_STRING || k == TOKEN_RAW ||
	       k == TOKEN_LPAREN;
}

static size_t end_of_last(const struct parser *p)
{
	const struct token *t = &p->tokens->v[p->i ? p->i - 1 : 0];

	return t->pos + t->len;
}

/* Vectors of names are freed with the arena: move them there. */
static void settle_fields(struct parser *p, struct term *term)
{
	auto_strv char **names = take_ptr(&term->fields);
	size_t n = strv_len(names);

	if (!n)
		return;
	term->fields = arena_alloc(&p->t->arena, (n + 1) * sizeof(*term->fields));
	for (size_t i = 0; i < n; i++)
		term->fields[i] = arena_strndup(&p->t->arena, names[i], strlen(names[i]));
}

/* A term with the fields behind it. *@ret is NULL when none starts here. */
static int parse_operand(struct parser *p, struct term **ret)
{
	const struct token *t = peek_solid(p);
	struct term *term;
	int r;

	*ret = NULL;
	if (!starts_term(t->kind))
		return 0;
	next(p);
	term = arena_alloc(&p->t->arena, sizeof(*term));
	term->at = (struct span) { .start = t->pos, .pos = t->pos };
	r = parse_term_from(p, t, term);
	if (r == 0 && peek(p)->kind == TOKEN_FIELD) {
		/* Go reports such a chain at its second part. */
		term->at.pos = peek(p)->pos;
		if (term->kind == TERM_PIPE || term->kind == TERM_FUNC)
			term->kind = TERM_CHAIN;
		else if (term->kind != TERM_FIELD && term->kind != TERM_VARIABLE)
			r = error(p, "unexpected . after term \"%.*s\"", (int)(end_of_last(p) - term->at.start),
				  p->t->text + term->at.start);
		while (r == 0 && peek(p)->kind == TOKEN_FIELD) {
			const struct token *f = next(p);

			strv_add_take(&term->fields, xstrndup(f->text + 1, f->len - 1));
		}
	}
	settle_fields(p, term);
	term->at.end = end_of_last(p);
	*ret = term;
	return r;
}

static int parse_command(struct parser *p, struct command **ret)
{
	struct command *c = arena_alloc(&p->t->arena, sizeof(*c));
	struct term **tail = &c->terms;
	const struct token *t;
	int r;

	c->at.start = c->at.pos = peek_solid(p)->pos;
	while (true) {
		r = parse_operand(p, tail);
		if (r < 0)
			return r;
		if (*tail) {
			tail = &(*tail)->next;
			c->at.end = end_of_last(p);
		}
		t = peek(p);
		if (t->kind == TOKEN_RIGHT || t->kind == TOKEN_RPAREN)
			break;
		next(p);
		if (t->kind == TOKEN_PIPE)
			break;
		if (t->kind != TOKEN_SPACE)
			return unexpected(p, t, "operand");
	}
	if (!c->terms)
		return error(p, "empty command");
	*ret = c;
	return 0;
}

/* "$x :=", "$x =", "$i, $e :=". The position is left alone when there is none. */
static int parse_declarations(struct parser *p, const char *context, struct pipe *pipe)
{
	size_t saved = p->i;
	const struct token *t = peek_solid(p), *after;

	if (t->kind != TOKEN_VARIABLE) {
		p->i = saved;
		return 0;
	}
	next(p);
	after = peek_solid(p);
	if (after->kind == TOKEN_DECLARE || after->kind == TOKEN_ASSIGN) {
		next(p);
		pipe->assign = after->kind == TOKEN_ASSIGN;
		pipe->decl[pipe->n_decl++] = token_text(p, t);
		return 0;
	}
	if (after->kind != TOKEN_COMMA) {
		p->i = saved;
		return 0;
	}
	next(p);
	pipe->decl[pipe->n_decl++] = token_text(p, t);
	if (strcmp(context, "range") || pipe->n_decl > 1)
		return error(p, "too many declarations in %s", context);
	if (peek_solid(p)->kind != TOKEN_VARIABLE)
		return error(p, "range can only initialize variables");
	return parse_declarations(p, context, pipe);
}

static int check_pipeline(struct parser *p, const struct pipe *pipe, const char *context)
{
	const struct command *c = pipe->commands;

	if (!c)
		return error(p, "missing value for %s", context);
	for (int stage = 2; (c = c->next); stage++)
		switch (c->terms->kind) {
		case TERM_BOOL:
		case TERM_DOT:
		case TERM_NIL:
		case TERM_INT:
		case TERM_FLOAT:
		case TERM_STR:
			return error(p, "non executable command in pipeline stage %d", stage);
		default:
			break;
		}
	return 0;
}

static int parse_pipeline(struct parser *p, const char *context, enum token_kind end, struct pipe **ret)
{
	struct pipe *pipe = arena_alloc(&p->t->arena, sizeof(*pipe));
	struct command **tail = &pipe->commands;
	const struct token *t;
	int r;

	pipe->at.start = pipe->at.pos = peek_solid(p)->pos;
	r = parse_declarations(p, context, pipe);
	if (r < 0)
		return r;
	while ((t = peek_solid(p))->kind != end) {
		if (!starts_term(t->kind)) {
			next(p);
			return unexpected(p, t, context);
		}
		r = parse_command(p, tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		if (p->tokens->v[p->i ? p->i - 1 : 0].kind == TOKEN_PIPE && peek_solid(p)->kind == end)
			return error(p, "missing value for %s", context);
	}
	pipe->at.end = t->pos;
	next(p);
	r = check_pipeline(p, pipe, context);
	if (r < 0)
		return r;
	for (int i = 0; i < pipe->n_decl; i++) {
		struct term probe = { .s = pipe->decl[i] };

		if (pipe->assign) {
			r = use_variable(p, &probe);
			if (r < 0)
				return r;
		} else {
			push_var(p, pipe->decl[i]);
		}
	}
	*ret = pipe;
	return 0;
}

static int parse_control(struct parser *p, struct node *n, const char *name);

/* Behind {{else}}: "if" and "with" go on as a nested node that shares our {{end}}. */
static int parse_else(struct parser *p, struct node *n)
{
	const struct token *t = peek_solid(p);
	struct token end = { 0 };
	int r;

	if ((t->kind == TOKEN_IF && n->kind == NODE_IF) || (t->kind == TOKEN_WITH && n->kind == NODE_WITH)) {
		next(p);
		n->other = arena_alloc(&p->t->arena, sizeof(*n->other));
		n->other->kind = n->kind;
		return parse_control(p, n->other, t->kind == TOKEN_IF ? "if" : "with");
	}
	if (t->kind != TOKEN_RIGHT) {
		next(p);
		return unexpected(p, t, "else");
	}
	next(p);
	r = parse_list(p, &n->other, &end);
	if (r == 0 && end.kind != TOKEN_END)
		r = error(p, "expected end; found {{else}}");
	return r;
}

static int parse_control(struct parser *p, struct node *n, const char *name)
{
	size_t vars = p->n_vars;
	struct token end = { 0 };
	int r = deeper(p);

	if (r == 0)
		r = parse_pipeline(p, name, TOKEN_RIGHT, &n->pipe);
	p->ranges += n->kind == NODE_RANGE;
	if (r == 0)
		r = parse_list(p, &n->list, &end);
	p->ranges -= n->kind == NODE_RANGE;
	if (r == 0 && end.kind == TOKEN_ELSE)
		r = parse_else(p, n);
	else if (r == 0 && end.kind != TOKEN_END)
		r = error(p, "unexpected EOF");
	p->n_vars = vars;
	p->depth--;
	return r;
}

static int parse_jump(struct parser *p, const struct token *t, struct node *n)
{
	const struct token *after = next_solid(p);

	n->kind = t->kind == TOKEN_BREAK ? NODE_BREAK : NODE_CONTINUE;
	if (after->kind != TOKEN_RIGHT)
		return unexpected(p, after, t->kind == TOKEN_BREAK ? "{{break}}" : "{{continue}}");
	if (!p->ranges)
		return error(p, "{{%.*s}} outside {{range}}", (int)t->len, t->text);
	return 0;
}

/* The name of a template, as a string. */
static int parse_name(struct parser *p, const char *context, const char **ret)
{
	const struct token *t = next_solid(p);
	auto_sbuf struct sbuf name = { 0 };

	if (t->kind != TOKEN_STRING && t->kind != TOKEN_RAW)
		return unexpected(p, t, context);
	if (!literal_unquote(t, &name) || strlen(sbuf_str(&name)) != name.len)
		return error(p, "bad name in %s", context);
	*ret = arena_strndup(&p->t->arena, sbuf_str(&name), name.len);
	return 0;
}

/* Up to {{end}}, with variables and loops of its own. */
static int parse_definition(struct parser *p, const char *name)
{
	struct definition *d = arena_alloc(&p->t->arena, sizeof(*d));
	const char **vars = p->vars;
	size_t n_vars = p->n_vars, cap_vars = p->cap_vars;
	unsigned ranges = p->ranges;
	struct token end = { 0 };
	int r = deeper(p);

	if (r < 0)
		return r;
	p->vars = NULL;
	p->n_vars = p->cap_vars = 0;
	p->ranges = 0;
	push_var(p, "$");
	d->name = name;
	r = parse_list(p, &d->list, &end);
	if (r == 0 && end.kind != TOKEN_END)
		r = error(p, end.kind == TOKEN_EOF ? "unexpected EOF" : "unexpected {{else}} in define clause");
	free(p->vars);
	p->vars = vars;
	p->n_vars = n_vars;
	p->cap_vars = cap_vars;
	p->ranges = ranges;
	p->depth--;
	if (r == 0 && definition_find(p->t, name))
		r = error(p, "multiple definition of template \"%.100s\"", name);
	d->next = p->t->definitions;
	p->t->definitions = d;
	return r;
}

/* {{template "name"}}, {{template "name" pipeline}} and the head of a block */
static int parse_call(struct parser *p, struct node *n, const char *context)
{
	int r = parse_name(p, context, &n->text);

	n->kind = NODE_TEMPLATE;
	if (r == 0 && peek_solid(p)->kind == TOKEN_RIGHT && strcmp(context, "block clause"))
		next(p);
	else if (r == 0)
		r = parse_pipeline(p, context, TOKEN_RIGHT, &n->pipe);
	return r;
}

static int parse_define(struct parser *p, struct node *n)
{
	const struct token *t;
	const char *name = NULL;
	int r = parse_name(p, "define clause", &name);

	n->kind = NODE_TEXT; /* nothing stands here */
	n->text = "";
	if (p->depth)
		return error(p, "unexpected <define> in input");
	if (r == 0 && (t = next_solid(p))->kind != TOKEN_RIGHT)
		r = unexpected(p, t, "define clause");
	return r < 0 ? r : parse_definition(p, name);
}

/* Behind "{{", the action is no else and no end. */
static int parse_action(struct parser *p, struct node *n)
{
	const struct token *t = peek_solid(p);

	n->at = (struct span) { .start = t->pos, .pos = t->pos };
	switch (t->kind) {
	case TOKEN_IF:
		next(p);
		n->kind = NODE_IF;
		return parse_control(p, n, "if");
	case TOKEN_WITH:
		next(p);
		n->kind = NODE_WITH;
		return parse_control(p, n, "with");
	case TOKEN_RANGE:
		next(p);
		n->kind = NODE_RANGE;
		return parse_control(p, n, "range");
	case TOKEN_BREAK:
	case TOKEN_CONTINUE:
		next(p);
		return parse_jump(p, t, n);
	case TOKEN_DEFINE:
		next(p);
		return parse_define(p, n);
	case TOKEN_TEMPLATE:
		next(p);
		return parse_call(p, n, "template clause");
	case TOKEN_BLOCK: {
		int r;

		next(p);
		r = parse_call(p, n, "block clause");
		return r < 0 ? r : parse_definition(p, n->text);
	}
	default:
		n->kind = NODE_ACTION;
		return parse_pipeline(p, "command", TOKEN_RIGHT, &n->pipe);
	}
}

/*
 * Nodes up to {{else}}, {{end}} or the end of the text, which goes to *@ret_end; behind {{else}} the position is in
 * front of "}}".
 */
static int parse_list(struct parser *p, struct node **ret, struct token *ret_end)
{
	const struct token *t;
	int r = 0;

	while (r == 0) {
		struct node *n;

		t = next(p);
		if (t->kind == TOKEN_EOF) {
			*ret_end = *t;
			return 0;
		}
		if (t->kind == TOKEN_LEFT && (peek_solid(p)->kind == TOKEN_ELSE || peek(p)->kind == TOKEN_END)) {
			*ret_end = *next(p);
			if (ret_end->kind == TOKEN_END && (t = next_solid(p))->kind != TOKEN_RIGHT)
				return unexpected(p, t, "end");
			return 0;
		}
		if (t->kind != TOKEN_TEXT && t->kind != TOKEN_LEFT)
			return unexpected(p, t, "input");
		n = *ret = arena_alloc(&p->t->arena, sizeof(*n));
		ret = &n->next;
		if (t->kind == TOKEN_TEXT) {
			n->kind = NODE_TEXT;
			n->text = t->text;
			n->len = t->len;
		} else {
			r = parse_action(p, n);
		}
	}
	return r;
}

/**
 * definition_find() - Look a defined template up
 * @t:		Template
 * @name:	Its name
 *
 * Return: the definition, or NULL
 */
const struct definition *definition_find(const struct template *t, const char *name)
{
	for (const struct definition *d = t->definitions; d; d = d->next)
		if (!strcmp(d->name, name))
			return d;
	return NULL;
}

/**
 * template_parse() - Read a template
 * @text:	The text
 * @ret:	The template
 * @e:		Failure, in Go's words
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int template_parse(const char *text, struct template **ret, struct err *e)
{
	auto_template struct template *t = NULL;
	struct tokens tokens = { 0 };
	struct parser p = { .tokens = &tokens, .e = e };
	struct token end = { 0 };
	int r;

	if (strlen(text) > TEMPLATE_MAX_TEXT)
		return err_say(e, E2BIG, "template: longer than %u bytes", TEMPLATE_MAX_TEXT);
	t = p.t = xcalloc(1, sizeof(*t));
	t->text = xstrdup(text);
	template_lex(t->text, &tokens);
	push_var(&p, "$");
	r = parse_list(&p, &t->list, &end);
	if (r == 0 && end.kind != TOKEN_EOF)
		r = error(&p, "unexpected {{%.*s}}", (int)end.len, end.text);
	free(p.vars);
	free(tokens.v);
	if (r == 0)
		*ret = take_ptr(&t);
	return r;
}

/**
 * template_free() - Release a template
 * @t:	Template or NULL
 */
void template_free(struct template *t)
{
	if (!t)
		return;
	arena_done(&t->arena);
	free(t->text);
	free(t);
}

/**
 * template_freep() - Release a template and forget it
 * @t:	Pointer to it
 */
void template_freep(struct template **t)
{
	template_free(*t);
	*t = NULL;
}

static bool pipe_uses(const struct pipe *pipe, const char *name)
{
	for (const struct command *c = pipe ? pipe->commands : NULL; c; c = c->next)
		for (const struct term *t = c->terms; t; t = t->next) {
			if (t->kind == TERM_DOT || (t->fields && !strcmp(t->fields[0], name)) ||
			    pipe_uses(t->pipe, name))
				return true;
			if (t->kind == TERM_VARIABLE && !strcmp(t->s, "$") && !t->fields)
				return true;
		}
	return false;
}

static bool list_uses(const struct node *n, const char *name)
{
	for (; n; n = n->next)
		if (pipe_uses(n->pipe, name) || list_uses(n->list, name) || list_uses(n->other, name))
			return true;
	return false;
}

/**
 * template_uses() - Does a template read a member?
 * @t:		Template
 * @name:	Member
 *
 * Return: whether it does, or takes the whole object
 */
bool template_uses(const struct template *t, const char *name)
{
	for (const struct definition *d = t->definitions; d; d = d->next)
		if (list_uses(d->list, name))
			return true;
	return list_uses(t->list, name);
}
