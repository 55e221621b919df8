/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Environments are string vectors of NAME=value. --env-file and --label-file have docker's grammar: a line is
 * NAME=value or NAME (taken from our own environment when it is set there), # starts a comment line, no quotes, no
 * escapes.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define ENVFILE_MAX (8U << 20)

/* Add or replace: @entry is NAME=value. */
void env_set(char ***env, const char *entry);
/* The value of a name, borrowed; NULL when it is not there. */
const char *env_get(char *const *env, const char *name);
void env_unset(char **env, const char *name);
/* Is it NAME=value with a name that the image may set: ^[A-Za-z_][^=]*= ? */
bool env_is_entry(const char *entry);

/* -e: NAME=value, NAME (from @host; removed from @env when it is not there). */
int env_set_option(char ***env, const char *text, char *const *host, struct err *e);
/* @name is the file's name for messages, @host our own environment. */
int envfile_parse(const char *buf, size_t len, const char *name, char *const *host, char ***env, struct err *e);
int envfile_load(const char *path, char *const *host, char ***env, struct err *e);
/* Into a string map (kv.h); a name alone is a label with an empty value. */
int labelfile_parse(const char *buf, size_t len, const char *name, char ***labels, struct err *e);
int labelfile_load(const char *path, char ***labels, struct err *e);
