/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every verb opens that talks to registries: signals, configuration, the store, the network. */

#include "cmd/image/remote.h"
#include "cmd/spec.h"
#include "lib/oci/auth.h"
#include "lib/oci/conf.h"

struct http;
struct policy;
struct registries;
struct store;

/**
 * struct client - one command's surroundings
 * @remote:	for cmd/image/remote.h; what it points to is in here
 * @given:	--creds
 */
struct client {
	struct remote remote;
	struct conf conf;
	struct registries *registries;
	struct store *store;
	struct http *http;
	struct auth given;
	struct policy *policy;
	struct oci_platform platform;
	int stop;
};

/* @platform: --platform or NULL. On failure there is nothing to be released. */
int client_open(struct client *c, const struct ctx *ctx, const struct registry_opts *o, const char *platform,
		struct err *e);
void client_close(struct client *c);
/* For verbs that bring images in. @file: --signature-policy or NULL */
int client_load_policy(struct client *c, const char *file, struct err *e);
/* "user:password" of --creds; the argument is overwritten. Nothing is given for NULL. */
void client_take_creds(const char *arg, struct auth *ret);
/* What --tls-verify says. */
enum registry_verify client_verify(const struct ctx *ctx, const char *option, bool value);
