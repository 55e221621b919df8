/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How one repository is authorised: anonymously, by Basic, or by a Bearer token that a token server hands out for the
 * scope that the registry names. Credentials are looked up when the registry first asks for them.
 */

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/http/http.h"

struct token;

/* @domain, @path: for lib/oci/auth.h. @insecure: a token server without https is accepted. */
void token_new(struct http *h, const char *domain, const char *path, const char *config_dir, struct token **ret);
void token_free(struct token *t);
void token_set_insecure(struct token *t, bool insecure);
const struct http_auth *token_auth(const struct token *t);
/* A token server's answer. Return: 0, -EINVAL. */
int token_parse(const char *buf, size_t len, char **ret_token, struct err *e);
