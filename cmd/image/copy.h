/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What of `skiff copy` other verbs use. */

#include <stdbool.h>

#include "lib/base/err.h"

struct client;
struct copy_end;
struct ref;

int copy_into_repository(const struct client *cl, struct copy_end *from, const struct ref *to, const char *digest,
			 bool all, bool quiet, struct err *e);
