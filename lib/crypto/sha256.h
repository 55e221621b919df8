/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SHA-256 of a stream. lib/crypto is the only user of OpenSSL. */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define SHA256_LEN     32
#define SHA256_HEX_LEN 64
/* "sha256:" + digits + NUL */
#define SHA256_DIGEST_SIZE (7 + SHA256_HEX_LEN + 1)

struct sha256;

int sha256_new(struct sha256 **ret, struct err *e);
void sha256_free(struct sha256 *h);
void sha256_freep(struct sha256 **h);
#define auto_sha256 __attribute__((cleanup(sha256_freep)))

void sha256_reset(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *data, size_t len);
void sha256_final(struct sha256 *h, uint8_t ret[SHA256_LEN]);
void sha256_final_digest(struct sha256 *h, char ret[SHA256_DIGEST_SIZE]);

int sha256_fd(int fd, char ret[SHA256_DIGEST_SIZE], uint64_t *ret_size, struct err *e);
void sha256_of(const void *data, size_t len, char ret[SHA256_DIGEST_SIZE]);
