/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What policy.json says about an image that is to come in (lib/oci/policy.h), enforced. */

#include "lib/base/err.h"

struct policy;
struct ref;
struct registry;

/* Refused whatever it is? Nothing is sent. @p may be NULL. Return: 0 or -EACCES, -EINVAL, ... */
int trust_check_name(const struct policy *p, const struct ref *ref, struct err *e);
/* The same for an archive: nothing in it can be signed. @transport: "docker-archive", ... */
int trust_check_archive(const struct policy *p, const char *transport, struct err *e);
/*
 * Are the signatures there that the policy wants? @digests: under which the image is known and verified, of the index
 * and of the manifest, ended by NULL; a signature of either will do. Return: 0 or -EACCES, ...
 */
int trust_check_image(const struct policy *p, struct registry *g, const struct ref *ref, const char *const *digests,
		      struct err *e);
