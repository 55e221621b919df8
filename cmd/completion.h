/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Completion scripts, made from the tables: completion.c knows what may stand where, complete_bash.c, complete_zsh.c
 * and complete_fish.c write it down for their shell. `make completions` puts them into completions/.
 */

#include <stdbool.h>
#include <stdio.h>

struct app;
struct cmd;
struct opt;

/* What an operand or a value may be. */
enum complete_kind {
	COMPLETE_NONE,
	COMPLETE_FILE,
	COMPLETE_CONTAINER,
	COMPLETE_RUNNING, /* container that runs */
	COMPLETE_IMAGE,
	COMPLETE_ANY,	/* container or image */
	COMPLETE_WORDS, /* of complete_words() */
	COMPLETE__N
};

/* The first operand, and those behind it. */
enum complete_kind complete_first(const struct cmd *cmd);
enum complete_kind complete_rest(const struct cmd *cmd);
enum complete_kind complete_value(const struct opt *o);
/* Possible values, separated by blanks, or NULL. */
const char *complete_words(const struct opt *o);
/* Is it offered? */
bool complete_is_shown(const struct opt *o);
bool complete_takes_value(const struct opt *o);

void complete_bash(const struct app *app, FILE *f);
void complete_zsh(const struct app *app, FILE *f);
void complete_fish(const struct app *app, FILE *f);
