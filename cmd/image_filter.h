/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which images are meant: --filter of `images` and `image prune`. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct image_rec;
struct store;

/**
 * struct image_filter - conditions, with what they refer to looked up once
 * @s:			the store
 * @filters:		"key=value", borrowed
 * @before:		created earlier than this; 0: whenever
 * @since:		created later than this
 * @until:		created not later than this
 * @in_use:		config digests that containers are made from; only when a condition asks
 * @intermediate:	config digests of images without a name that others are built on; likewise
 */
struct image_filter {
	struct store *s;
	char *const *filters;
	int64_t before, since, until;
	char **in_use;
	char **intermediate;
};

extern const char *const image_filter_keys[], *const image_prune_keys[];

/* @keys: those of the verb. Return: 0, -EINVAL, -ENOENT for before=IMAGE that is not there. */
int image_filter_init(struct image_filter *f, struct store *s, char *const *filters, const char *const *keys,
		      struct err *e);
void image_filter_done(struct image_filter *f);
#define auto_image_filter __attribute__((cleanup(image_filter_done)))
bool image_filter_matches(const struct image_filter *f, const struct image_rec *rec);

/* Does the name match REPOSITORY[:TAG], where * stops at "/"? */
bool image_name_matches(const struct image_rec *rec, const char *pattern);
/*
 * Images without a name whose layers are the beginning of another image's: docker hides them without --all. *ret: their
 * config digests. Costs nothing where every image has a name.
 */
void image_find_intermediate(struct store *s, const struct image_rec *recs, size_t n, char ***ret);
