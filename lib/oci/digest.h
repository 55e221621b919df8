/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Digests are "sha256:" and 64, or "sha512:" and 128, lower-case hexadecimal digits, and nothing else. They become
 * parts of paths and URLs, so every one that comes from outside passes digest_check() first (CVE-2024-3727).
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define DIGEST_SHA256_LEN (7 + 64)
#define DIGEST_MAX	  (7 + 128)
#define DIGEST_SHORT	  12

bool digest_is_valid(const char *s);
bool digest_is_sha256(const char *s);
int digest_check(const char *s, struct err *e);
/* The hexadecimal part (borrowed from @digest). */
const char *digest_hex(const char *digest);
/* The 12 digits that tables show. Takes a digest or bare digits. */
void digest_short(const char *digest, char buf[DIGEST_SHORT + 1]);
/* Only [0-9a-f], @len of them. */
bool digest_is_hex(const char *s, size_t len);
