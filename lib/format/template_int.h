/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the template engine: template_lex.c makes tokens of the whole text, template_parse.c a tree of them,
 * template_exec.c walks it; template_value.c knows what values are, template_func.c and template_printf.c what
 * functions do.
 *
 * Trees live in the template; strings and documents that are made on the way live in the run and go with it. Values are
 * small structs, passed by value, that borrow from both.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/format/template.h"

/* A template may come from anywhere: each of these ends it with an error. */
#define TEMPLATE_MAX_TEXT   (64U << 10)
#define TEMPLATE_MAX_DEPTH  100
#define TEMPLATE_MAX_STEPS  1000000U
#define TEMPLATE_MAX_OUTPUT (32U << 20)
#define TEMPLATE_MAX_MEMORY (32U << 20)
#define TEMPLATE_MAX_WIDTH  10000
#define TEMPLATE_MAX_CALLS  100

enum token_kind {
	TOKEN_ERROR, /* text: the message */
	TOKEN_EOF,
	TOKEN_TEXT,
	TOKEN_LEFT,  /* {{ */
	TOKEN_RIGHT, /* }} */
	TOKEN_SPACE,
	TOKEN_IDENT,
	TOKEN_FIELD,	/* .Name, the dot included */
	TOKEN_VARIABLE, /* $name; text with the $ */
	TOKEN_STRING,	/* quotes included */
	TOKEN_RAW,	/* back quotes included */
	TOKEN_CHAR_CONST,
	TOKEN_NUMBER,
	TOKEN_BOOL,
	TOKEN_PIPE,
	TOKEN_COMMA,
	TOKEN_DECLARE,
	TOKEN_ASSIGN,
	TOKEN_LPAREN,
	TOKEN_RPAREN,
	TOKEN__KEYWORDS, /* what follows is a keyword */
	TOKEN_DOT,
	TOKEN_NIL,
	TOKEN_IF,
	TOKEN_ELSE,
	TOKEN_END,
	TOKEN_RANGE,
	TOKEN_WITH,
	TOKEN_BREAK,
	TOKEN_CONTINUE,
	TOKEN_DEFINE,
	TOKEN_TEMPLATE,
	TOKEN_BLOCK,
	TOKEN__N
};

/**
 * struct token - one token
 * @kind:	what
 * @pos:	offset in the text
 * @text:	its characters, borrowed from the text (TOKEN_ERROR: from struct tokens)
 * @len:	how many
 */
struct token {
	enum token_kind kind;
	size_t pos;
	const char *text;
	size_t len;
};

/**
 * struct tokens - all of them; the last one is TOKEN_EOF or TOKEN_ERROR
 */
struct tokens {
	struct token *v;
	size_t n;
	char error[160];
};
void template_lex(const char *text, struct tokens *ret);

/* Where a part stands in the text; @pos is what Go reports as its position. */
struct span {
	size_t start, end, pos;
};

enum term_kind {
	TERM_DOT,
	TERM_NIL,
	TERM_BOOL,
	TERM_INT,
	TERM_FLOAT,
	TERM_STR,
	TERM_FIELD,    /* .A.B */
	TERM_VARIABLE, /* $x.A.B */
	TERM_FUNC,
	TERM_PIPE, /* ( ... ) */
	TERM_CHAIN /* ( ... ).A.B */
};

struct pipe;
struct function;

struct term {
	struct term *next;
	enum term_kind kind;
	struct span at;
	bool b;
	int64_t i;
	double f;
	char *s; /* string's value, variable's or function's name */
	size_t len;
	char **fields;
	const struct function *func;
	struct pipe *pipe;
};

struct command {
	struct command *next;
	struct span at;
	struct term *terms;
};

struct pipe {
	struct span at;
	char *decl[2];
	int n_decl;
	bool assign;
	struct command *commands;
};

enum node_kind { NODE_TEXT, NODE_ACTION, NODE_IF, NODE_WITH, NODE_RANGE, NODE_BREAK, NODE_CONTINUE, NODE_TEMPLATE };

struct node {
	struct node *next;
	enum node_kind kind;
	struct span at;
	const char *text; /* NODE_TEMPLATE: its name */
	size_t len;
	struct pipe *pipe;
	struct node *list, *other;
};

/* {{define "name"}} or {{block "name" ...}} */
struct definition {
	struct definition *next;
	const char *name;
	struct node *list;
};

/* Memory of one template or one run. */
struct arena {
	void **v;
	size_t n, cap, total;
};
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t len);
void arena_done(struct arena *a);

struct template
{
	char *text;
	struct arena arena;
	struct node *list;
	struct definition *definitions;
};

/* template_literal.c */
void put_utf8(struct sbuf *b, uint32_t c);
bool literal_unquote(const struct token *t, struct sbuf *out);
bool literal_char(const struct token *t, int64_t *ret);
bool literal_int(const char *s, int64_t *ret);
bool literal_float(const char *s, double *ret);

/* "template: :LINE[:COLUMN]" */
void template_where(const char *text, size_t pos, bool column, struct sbuf *out);

enum value_kind { VALUE_NONE /* "<no value>" */, VALUE_NIL, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_STR, VALUE_JSON };

/**
 * struct value - what an expression gives
 * @kind:	what
 * @b, @i, @f:	the plain ones
 * @s, @len:	string; it may contain NUL
 * @j:		array or object
 * @hint:	VALUE_NIL: what Go prints for the nil of docker's type ("[]", "map[]"), or NULL for "<nil>"; VALUE_JSON:
 *		"map[]" for one that is a map there: a key that it does not have is no mistake
 */
struct value {
	enum value_kind kind;
	bool b;
	int64_t i;
	double f;
	const char *s;
	size_t len;
	const struct json *j;
	const char *hint;
};

/**
 * struct run - one execution
 */
struct run {
	const struct template *t;
	const struct template_opts *opts;
	struct value root;
	struct sbuf *out;
	struct err *e;
	struct arena arena;
	struct json **docs; /* owned documents made by functions */
	size_t n_docs;
	unsigned steps;
	struct var {
		const char *name;
		struct value value;
	} * vars;
	size_t n_vars, cap_vars;
	size_t frame;	/* the first variable of the template that runs */
	unsigned calls; /* how many {{template}} are open */
	struct span at; /* what errors point at */
	struct err why; /* of the function that failed */
};

/* An error of the walker, at r->at. */
int run_error(struct run *r, int code, const char *fmt, ...) PRINTF(3, 4);
/* An error of a function, which the walker wraps ("error calling index: ..."). */
int run_fail(struct run *r, const char *fmt, ...) PRINTF(2, 3);
int run_step(struct run *r);
/* Room for a string of @len bytes that lives as long as the run; NULL when there is too much: run_fail() was called. */
char *run_alloc(struct run *r, size_t len);
/* Keep a document as long as the run. */
const struct json *run_own(struct run *r, struct json *j);
/* The text in @b as a value. */
int run_take(struct run *r, const struct sbuf *b, struct value *ret);

/* template_value.c */
struct value value_of_json(const struct json *j, const char *key);
struct value value_str(const char *s, size_t len);
struct value value_int(int64_t i);
struct value value_bool(bool b);
bool value_is_true(const struct value *v);
const char *value_type(const struct value *v); /* Go's name */
void value_print(struct sbuf *out, const struct value *v);
bool value_member(const struct json *obj, const char *key, size_t len, struct value *ret);
void value_print_float(struct sbuf *out, double f, char verb, int precision);
/* Keys of an object in Go's order (sorted), owned array of borrowed strings. */
const char **value_sorted_keys(const struct json *obj, size_t *ret_n);

/* template_printf.c */
int value_printf(struct run *r, const struct value *format, const struct value *args, size_t n, struct sbuf *out);
const struct definition *definition_find(const struct template *t, const char *name);
void value_quote(struct sbuf *out, const char *s, size_t len);

/* template_func.c */
struct function {
	const char *name;
	int min_args;
	int max_args;	    /* -1: any */
	bool keeps_heading; /* in headings: gives its first argument */
	int (*call)(struct run *r, const struct value *args, size_t n, struct value *ret);
};
/* and, or: found as well, but the walker evaluates them, because they may leave arguments alone. */
const struct function *function_find(const char *name, size_t len);
