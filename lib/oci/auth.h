/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Credentials of a registry: $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json,
 * ~/.config/containers/auth.json, docker's config.json; the first that knows the registry wins. Secrets are wiped when
 * they are released and never in messages.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define AUTH_MAX (1U << 20)

/**
 * struct auth - credentials
 * @username:		NULL: none were found (ask anonymously)
 * @password:		with @username
 * @identity_token:	OAuth2 refresh token, instead of a password
 * @registry_token:	bearer token to send as it is
 */
struct auth {
	char *username;
	char *password;
	char *identity_token;
	char *registry_token;
};

/**
 * struct auth_source - where a command has its credentials from; everything is borrowed
 * @config_dir:	--config or NULL
 * @file:	--authfile: this file and no other; or NULL
 * @given:	--creds: these and no file; or NULL
 */
struct auth_source {
	const char *config_dir;
	const char *file;
	const struct auth *given;
};

/* @path: repository (the longest entry wins) or NULL. Return: 0 also with none. */
int auth_find(const struct auth_source *src, const char *domain, const char *path, struct auth *ret, struct err *e);
bool auth_is_empty(const struct auth *a);
void auth_done(struct auth *a);
#define auto_auth __attribute__((cleanup(auth_done)))

/*
 * Writing. @key: "host[:port]", or with a repository or a part of one behind it (podman's way).
 *
 * @ret_where: the file or helper, for the user; owned. @ret_is_plain: it is a file that anybody with its owner's rights
 * can read. @file of the source, $REGISTRY_AUTH_FILE, --config, the file that has the key already, or docker's
 * config.json: the first of these that there is.
 */
int auth_store(const struct auth_source *src, const char *key, const struct auth *a, char **ret_where,
	       bool *ret_is_plain, struct err *e);
/* From every file that has it. Return: 1, 0 when there was none, negative errno. */
int auth_erase(const struct auth_source *src, const char *key, struct err *e);
/* Everything in every file. Return: how many, or negative errno. */
int auth_erase_all(const struct auth_source *src, struct err *e);
/* Also an address as docker writes it ("https://index.docker.io/v1/") becomes a key. Return: owned, or NULL. */
char *auth_key(const char *text);

/* One file's content. Return: 1 found, 0 not, negative errno. @ret_helper: a helper to ask (owned), else NULL. */
int auth_parse(const char *buf, size_t len, const char *file, const char *domain, const char *path, struct auth *ret,
	       char **ret_helper, struct err *e);
/* A helper's answer: {"ServerURL":..., "Username":..., "Secret":...}. Return: 1, 0 or negative errno. */
int auth_parse_helper(const char *buf, size_t len, struct auth *ret, struct err *e);
bool auth_helper_name_is_valid(const char *name);
/* Free a string after overwriting it. */
void secret_free(char *s);
