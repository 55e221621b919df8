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

struct auth_source;

/**
 * struct token_spec - whose authorisation
 * @http:	client; outlives it
 * @domain:	registry under whose name credentials are kept
 * @path:	repository; NULL: the registry as a whole
 * @auth:	where credentials come from; borrowed
 * @cert_dir:	--cert-dir or NULL; borrowed
 * @insecure:	a token server without https is accepted
 */
struct token_spec {
	struct http *http;
	const char *domain;
	const char *path;
	const struct auth_source *auth;
	const char *cert_dir;
	bool insecure;
};

void token_new(const struct token_spec *spec, struct token **ret);
void token_free(struct token *t);
const struct http_auth *token_auth(const struct token *t);
/* A token server's answer. Return: 0, -EINVAL. */
int token_parse(const char *buf, size_t len, char **ret_token, struct err *e);
