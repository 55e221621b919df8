/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/template_int.h"

struct lexer {
	const char *text;
	size_t pos, len;
	int parens;
	struct tokens *out;
	size_t cap;
};

static const struct {
	const char *word;
	enum token_kind kind;
} keywords[] = {
	{ "if", TOKEN_IF },
	{ "else", TOKEN_ELSE },
	{ "end", TOKEN_END },
	{ "range", TOKEN_RANGE },
	{ "with", TOKEN_WITH },
	{ "break", TOKEN_BREAK },
	{ "continue", TOKEN_CONTINUE },
	{ "define", TOKEN_DEFINE },
	{ "block", TOKEN_BLOCK },
	{ "nil", TOKEN_NIL },
	{ "true", TOKEN_BOOL },
	{ "false", TOKEN_BOOL },
	{ "template", TOKEN_TEMPLATE },
};

static void emit(struct lexer *l, enum token_kind kind, size_t start, size_t len)
{
	struct tokens *o = l->out;

	if (o->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		o->v = xrealloc(o->v, l->cap * sizeof(*o->v));
	}
	o->v[o->n++] = (struct token) { .kind = kind, .pos = start, .text = l->text + start, .len = len };
}

static bool fail(struct lexer *l, const char *message)
{
	snprintf(l->out->error, sizeof(l->out->error), "%s", message);
	emit(l, TOKEN_ERROR, l->pos, 0);
	l->out->v[l->out->n - 1].text = l->out->error;
	return false;
}

/* Go names the character: U+007D '}'. */
static bool fail_char(struct lexer *l, const char *message)
{
	unsigned char c = (unsigned char)l->text[l->pos];
	char buf[100];

	if (l->pos >= l->len)
		snprintf(buf, sizeof(buf), "%s U+FFFFFFFFFFFFFFFF", message);
	else if (c < 0x20 || c >= 0x7f)
		snprintf(buf, sizeof(buf), "%s U+%04X", message, c);
	else
		snprintf(buf, sizeof(buf), "%s U+%04X '%c'", message, c, c);
	return fail(l, buf);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters beyond ASCII count as letters, as in Go. */
static bool is_word(char c)
{
	return c == '_' || isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool at(const struct lexer *l, const char *s)
{
	return l->len - l->pos >= strlen(s) && !memcmp(l->text + l->pos, s, strlen(s));
}

/* Is this the end of an action: "}}" or " -}}"? */
static bool at_right(const struct lexer *l, bool *ret_trim)
{
	*ret_trim = l->len - l->pos >= 4 && is_space(l->text[l->pos]) && !memcmp(l->text + l->pos + 1, "-}}", 3);
	return *ret_trim || at(l, "}}");
}

static bool at_terminator(const struct lexer *l)
{
	return l->pos >= l->len || is_space(l->text[l->pos]) || strchr(".,|:()", l->text[l->pos]) || at(l, "}}") ||
	       at(l, "{{");
}

/* A name after "." or "$" (already passed); alone, these mean the dot and the root. */
static bool lex_field(struct lexer *l, enum token_kind kind, size_t start)
{
	size_t name = l->pos;

	while (l->pos < l->len && is_word(l->text[l->pos]))
		l->pos++;
	if (!at_terminator(l))
		return fail_char(l, "bad character");
	emit(l, kind == TOKEN_FIELD && l->pos == name ? TOKEN_DOT : kind, start, l->pos - start);
	return true;
}

static bool lex_word(struct lexer *l)
{
	size_t start = l->pos, len;
	enum token_kind kind = TOKEN_IDENT;

	while (l->pos < l->len && is_word(l->text[l->pos]))
		l->pos++;
	if (!at_terminator(l))
		return fail_char(l, "bad character");
	len = l->pos - start;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (strlen(keywords[i].word) == len && !memcmp(l->text + start, keywords[i].word, len))
			kind = keywords[i].kind;
	emit(l, kind, start, len);
	return true;
}

static bool lex_quoted(struct lexer *l, char quote, enum token_kind kind, const char *unterminated)
{
	size_t start = l->pos++;

	for (; l->pos < l->len && l->text[l->pos] != quote; l->pos++) {
		if (quote == '`')
			continue;
		if (l->text[l->pos] == '\n')
			break;
		if (l->text[l->pos] == '\\' && l->pos + 1 < l->len && l->text[l->pos + 1] != '\n')
			l->pos++;
	}
	if (l->pos >= l->len || l->text[l->pos] != quote)
		return fail(l, unterminated);
	l->pos++;
	emit(l, kind, start, l->pos - start);
	return true;
}

/* What a number may consist of; the parser says whether it is one. */
static bool lex_number(struct lexer *l)
{
	size_t start = l->pos;
	char buf[120];

	if (l->text[l->pos] == '+' || l->text[l->pos] == '-')
		l->pos++;
	while (l->pos < l->len) {
		char c = l->text[l->pos], before = l->text[l->pos - (l->pos > start)];

		if (!is_word(c) && c != '.' && !((c == '+' || c == '-') && (before == 'e' || before == 'E')))
			break;
		l->pos++;
	}
	for (size_t i = start; i < l->pos; i++)
		if ((unsigned char)l->text[i] >= 0x80 || l->pos - start > 60) {
			snprintf(buf, sizeof(buf), "bad number syntax: \"%.*s\"",
				 (int)(l->pos - start > 20 ? 20 : l->pos - start), l->text + start);
			return fail(l, buf);
		}
	emit(l, TOKEN_NUMBER, start, l->pos - start);
	return true;
}

static bool lex_punctuation(struct lexer *l)
{
	char c = l->text[l->pos];

	if (at(l, ":=")) {
		emit(l, TOKEN_DECLARE, l->pos, 2);
		l->pos += 2;
		return true;
	}
	if (c == '(')
		l->parens++;
	if (c == ')' && --l->parens < 0)
		return fail_char(l, "unexpected right paren");
	switch (c) {
	case '=':
	case '|':
	case ',':
	case '(':
	case ')':
		emit(l,
		     c == '='	? TOKEN_ASSIGN
		     : c == '|' ? TOKEN_PIPE
		     : c == ',' ? TOKEN_COMMA
		     : c == '(' ? TOKEN_LPAREN
				: TOKEN_RPAREN,
		     l->pos++, 1);
		return true;
	case ':':
		return fail(l, "expected :=");
	default:
		return fail_char(l, "unrecognized character in action:");
	}
}

static bool lex_item(struct lexer *l)
{
	char c = l->text[l->pos];
	size_t start = l->pos;

	if (c == '"')
		return lex_quoted(l, '"', TOKEN_STRING, "unterminated quoted string");
	if (c == '`')
		return lex_quoted(l, '`', TOKEN_RAW, "unterminated raw quoted string");
	if (c == '\'')
		return lex_quoted(l, '\'', TOKEN_CHAR_CONST, "unterminated character constant");
	if (c == '$') {
		l->pos++;
		return lex_field(l, TOKEN_VARIABLE, start);
	}
	if (c == '.' && !(l->pos + 1 < l->len && isdigit((unsigned char)l->text[l->pos + 1]))) {
		l->pos++;
		return lex_field(l, TOKEN_FIELD, start);
	}
	if (c == '.' || c == '+' || c == '-' || isdigit((unsigned char)c))
		return lex_number(l);
	if (is_word(c))
		return lex_word(l);
	return lex_punctuation(l);
}

/* From behind "{{" to behind "}}". */
static bool lex_action(struct lexer *l, bool *ret_trim)
{
	l->parens = 0;
	while (true) {
		size_t start = l->pos;

		if (at_right(l, ret_trim)) {
			if (l->parens > 0)
				return fail(l, "unclosed left paren");
			l->pos += *ret_trim ? 2 : 0;
			emit(l, TOKEN_RIGHT, l->pos, 2);
			l->pos += 2;
			return true;
		}
		if (l->pos >= l->len)
			return fail(l, "unclosed action");
		/* The last space before "-}}" belongs to the mark. */
		while (l->pos < l->len && is_space(l->text[l->pos]) && !at_right(l, ret_trim))
			l->pos++;
		if (l->pos > start)
			emit(l, TOKEN_SPACE, start, l->pos - start);
		else if (!lex_item(l))
			return false;
	}
}

/* From "/" + "*" to behind "}}". */
static bool lex_comment(struct lexer *l, bool *ret_trim)
{
	const char *end = memmem(l->text + l->pos + 2, l->len - l->pos - 2, "*/", 2);

	if (!end)
		return fail(l, "unclosed comment");
	l->pos = (size_t)(end - l->text) + 2;
	if (!at_right(l, ret_trim))
		return fail(l, "comment ends before closing delimiter");
	l->pos += *ret_trim ? 4 : 2;
	return true;
}

/* Text up to the next action, without the blanks that trim marks take away. */
static void lex_text(struct lexer *l, bool trim_left)
{
	const char *open = memmem(l->text + l->pos, l->len - l->pos, "{{", 2);
	size_t start = l->pos, end = open ? (size_t)(open - l->text) : l->len;

	l->pos = end;
	while (trim_left && start < end && is_space(l->text[start]))
		start++;
	if (open && l->len - end >= 4 && open[2] == '-' && is_space(open[3]))
		while (end > start && is_space(l->text[end - 1]))
			end--;
	if (end > start)
		emit(l, TOKEN_TEXT, start, end - start);
}

/**
 * template_lex() - Cut a template into tokens
 * @text:	Template
 * @ret:	Tokens; the caller frees @ret->v. They borrow from @text and @ret.
 */
void template_lex(const char *text, struct tokens *ret)
{
	struct lexer l = { .text = text, .len = strlen(text), .out = ret };
	bool trim = false, fine = true;

	while (fine && l.pos < l.len) {
		lex_text(&l, trim);
		trim = false;
		if (l.pos >= l.len)
			break;
		if (l.len - l.pos >= 4 && l.text[l.pos + 2] == '-' && is_space(l.text[l.pos + 3])) {
			size_t after = l.pos + 3;

			while (after < l.len && is_space(l.text[after]))
				after++;
			if (l.len - after >= 2 && !memcmp(l.text + after, "/*", 2))
				l.pos = after - 2; /* as if it were "{{" */
			else
				emit(&l, TOKEN_LEFT, l.pos++, 2);
		} else if (!(l.len - l.pos >= 4 && !memcmp(l.text + l.pos + 2, "/*", 2))) {
			emit(&l, TOKEN_LEFT, l.pos, 2);
		}
		l.pos += 2;
		if (l.len - l.pos >= 2 && !memcmp(l.text + l.pos, "/*", 2))
			fine = lex_comment(&l, &trim);
		else
			fine = lex_action(&l, &trim);
	}
	if (fine)
		emit(&l, TOKEN_EOF, l.pos, 0);
}
