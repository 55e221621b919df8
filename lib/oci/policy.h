/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * containers-policy.json(5): which images may come in. --signature-policy, ~/.config/containers/policy.json,
 * /etc/containers/policy.json: the first that is there. Without one everything may.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define POLICY_MAX (1U << 20)

struct json;
struct policy;
struct ref;

enum policy_kind { POLICY_ACCEPT, POLICY_REJECT, POLICY_SIGSTORE };

/* How the name that was signed must fit the name that is pulled. */
enum policy_identity {
	POLICY_MATCH_EXACT,
	POLICY_MATCH_REPO_DIGEST_OR_EXACT,
	POLICY_MATCH_REPOSITORY,
	POLICY_EXACT_REFERENCE,
	POLICY_EXACT_REPOSITORY,
	POLICY_REMAP,
};

/**
 * struct policy_rule - one requirement; all of a scope's must be met
 * @kind:	which one
 * @keys:	public keys in PEM, one of which must have signed
 * @identity:	for POLICY_SIGSTORE
 * @name:	for POLICY_EXACT_*: the reference; for POLICY_REMAP: what replaces @prefix
 * @prefix:	for POLICY_REMAP
 */
struct policy_rule {
	enum policy_kind kind;
	char **keys;
	enum policy_identity identity;
	char *name;
	char *prefix;
};

struct policy_rules {
	struct policy_rule *v;
	size_t n;
};

/* @file: --signature-policy or NULL. *ret is NULL when there is no policy. Return: 0, -ENOENT for @file, -EINVAL, ...
 */
int policy_load(const char *file, struct policy **ret, struct err *e);
int policy_parse(const char *buf, size_t len, const char *file, struct policy **ret, struct err *e);
void policy_free(struct policy *p);
void policy_freep(struct policy **p);
#define auto_policy __attribute__((cleanup(policy_freep)))
/* The file it came from. */
const char *policy_file(const struct policy *p);
const struct json *policy_json(const struct policy *p);

/*
 * The rules for an image from a registry (transport "docker", @ref), or from elsewhere ("docker-archive", NULL).
 * *ret_scope: which part of the file applies, for messages; owned.
 */
int policy_find(const struct policy *p, const char *transport, const struct ref *ref, struct policy_rules *ret,
		char **ret_scope, struct err *e);
void policy_rules_done(struct policy_rules *r);
/* May the signature for the name @have be taken for @want? */
bool policy_identity_fits(const struct policy_rule *rule, const struct ref *want, const char *have);

/* Where the user's own file is; owned, NULL when there is no home. Root's is the machine's. */
char *policy_own_path(void);
/* Change or add the rules of a scope ("default": of everything else). @rules: a list. Return: 0 or negative errno */
int policy_set(const char *file, const char *scope, struct json *rules, struct err *e);
