/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/engine/ctr.h"

struct json;

/* A container as `docker inspect` shows it; owned. */
struct json *ctr_inspect(const struct ctr *c);
