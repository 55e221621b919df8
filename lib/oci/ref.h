/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Image references: [domain/]path[:tag][@digest], by the grammar of distribution/reference, with docker's defaults.
 * "embedded/" is a domain of its own: images that come with the program, never pulled and never pushed.
 */

#include <stdbool.h>

#include "lib/base/err.h"

/**
 * struct ref - a normalised image reference
 * @domain:	"docker.io", "localhost", "host:port", "embedded"
 * @path:	"library/busybox"
 * @tag:	NULL when the text had none
 * @digest:	"sha256:..."; NULL when the text had none
 */
struct ref {
	char *domain;
	char *path;
	char *tag;
	char *digest;
};

int ref_parse(const char *text, struct ref *ret, struct err *e);
void ref_done(struct ref *r);
#define auto_ref __attribute__((cleanup(ref_done)))

/* Give a reference without tag and digest the tag "latest". Return: whether it was added. */
bool ref_add_default_tag(struct ref *r);
/* Forgets the tag where there is a digest, which decides. */
void ref_prefer_digest(struct ref *r);

/* All strings are owned by the caller. */
char *ref_full(const struct ref *r);	      /* docker.io/library/busybox:latest[@sha256:...] */
char *ref_familiar(const struct ref *r);      /* busybox:latest, busybox@sha256:... */
char *ref_name(const struct ref *r);	      /* docker.io/library/busybox */
char *ref_familiar_name(const struct ref *r); /* busybox */

/* Take what ref_full() wrote back to what users see; unparsable text comes back as it is. */
char *ref_shorten(const char *full);

bool ref_is_embedded(const struct ref *r);
/* Does the text name its registry ("quay.io/x", "localhost/x", "embedded/x")? Else short-name settings apply. */
bool ref_has_domain(const char *text);
