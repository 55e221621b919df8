/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * containers/registries.conf version 2: short names, mirrors, insecure and blocked registries. Files:
 * $CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else /etc/containers/registries.conf; then
 * registries.conf.d/ *.conf of /etc and of the user. Only pull reads them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define REGISTRIES_MAX (1U << 20)

struct conf;
struct ref;
struct registries;

/**
 * struct registry_endpoint - where to try to get a repository
 * @host:	"host[:port]" to connect to ("registry-1.docker.io" for docker.io)
 * @path:	repository there
 * @insecure:	plain HTTP and unverified TLS are allowed
 * @is_http:	the configuration named http:// itself
 * @is_mirror:	a failure here goes on to the next endpoint
 * @digest_only: the mirror serves pulls by digest only
 * @tag_only:	the mirror serves pulls by tag only
 */
struct registry_endpoint {
	char *host;
	char *path;
	bool insecure;
	bool is_http;
	bool is_mirror;
	bool digest_only, tag_only;
};

int registries_load(struct registries **ret, struct err *e);
int registries_new(struct registries **ret);
/* One document over what @r holds, as a file of registries.conf.d does; @file is for messages. */
int registries_parse(struct registries *r, const char *buf, size_t len, const char *file, struct err *e);
void registries_free(struct registries *r);
void registries_freep(struct registries **r);
#define auto_registries __attribute__((cleanup(registries_freep)))

/*
 * Which full references a name without a registry may mean, in order, as texts for ref_parse(): the alias, else one per
 * unqualified-search registry, else docker.io's. A text with a registry comes back alone. Owned vector, never empty.
 */
char **registries_candidates(const struct registries *r, const char *text);

/* Mirrors first, the registry itself last. Return: 0, -EPERM when it is blocked. */
int registries_endpoints(const struct registries *r, const struct conf *c, const struct ref *ref,
			 struct registry_endpoint **ret, size_t *ret_n, struct err *e);
void registry_endpoints_free(struct registry_endpoint *v, size_t n);
