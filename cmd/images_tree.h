/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* images --tree: an image once, with all its names, and below it its platform and what that takes on disk. */

#include <stddef.h>

#include "lib/base/err.h"

struct image_rec;
struct store;

int images_tree(struct store *s, const struct image_rec *recs, size_t n, struct err *e);
