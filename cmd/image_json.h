/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An image as `docker image inspect` shows it; owned. Return: 0, -ENOENT "No such image: X". */

#include "lib/base/err.h"

struct json;
struct store;

int image_json(struct store *s, const char *text, struct json **ret, struct err *e);
