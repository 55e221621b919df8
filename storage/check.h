/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Is everything that the store says there, and what it says it is? Looking changes nothing; repairing moves what is
 * damaged to damaged/ and deletes nothing. (Uses lib/crypto: for skiff-image.)
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct store;

enum {
	CHECK_QUICK = 1, /* do not read contents: presence and structure only */
};

enum finding_kind {
	FINDING_TAG,	   /* object: file below tags/ */
	FINDING_BLOB,	   /* digest: its content is another one's */
	FINDING_LAYER,	   /* diff id: its files or its description are damaged */
	FINDING_INDEX,	   /* oci/index.json */
	FINDING_CONTAINER, /* id: its config cannot be read */
	FINDING_NAME,	   /* file below names/: it leads nowhere */
	FINDING_IMAGE,	   /* name or config digest: something that it needs is not there */
};

/**
 * struct finding - one thing that is wrong
 * @kind:	what
 * @object:	see the kinds
 * @text:	one line for people
 */
struct finding {
	enum finding_kind kind;
	char *object;
	char *text;
};

struct findings {
	struct finding *v;
	size_t n;
};

/* @text is owned afterwards. */
void findings_add(struct findings *f, enum finding_kind kind, const char *object, char *text);
void findings_done(struct findings *f);
#define auto_findings __attribute__((cleanup(findings_done)))

/* Return: 0, negative errno when it cannot look. */
int store_check(struct store *s, int flags, struct findings *ret, struct err *e);
/* All layers that images and containers refer to; a string vector of diff ids. */
int store_check_layers(struct store *s, char ***ret, struct err *e);
/*
 * Move what is damaged aside, keep what is sound findable. @ret_done: what was done, one line each.
 * Return: 0 or negative errno.
 */
int store_repair(struct store *s, const struct findings *f, char ***ret_done, struct err *e);
/*
 * What is left to do then. @ret_done: one line for each image that cannot be used. Return: 0; 1 when there are such,
 * until they are pulled or loaded again; negative errno.
 */
int store_tell_unusable(struct store *s, char ***ret_done, struct err *e);
