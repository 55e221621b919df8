/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "lib/base/err.h"

int rand_bytes(void *buf, size_t len, struct err *e);
int rand_hex(char *buf, size_t digits, struct err *e);
