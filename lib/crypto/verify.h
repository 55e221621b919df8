/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Signatures of documents: ECDSA on P-256 with SHA-256, as cosign makes them. lib/crypto is the only user of OpenSSL.
 */

#include <stddef.h>

#include "lib/base/err.h"

/*
 * @pem: a public key. @sig: DER. Return: 0 it is right; -EBADMSG it is not; -EINVAL for what is no such key.
 */
int verify_ecdsa(const char *pem, const void *data, size_t len, const void *sig, size_t sig_len, struct err *e);
