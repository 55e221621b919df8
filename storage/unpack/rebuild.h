/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The other direction: a layer's folder becomes the tar that it was unpacked from, byte for byte (frame.c says how). */

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/crypto/sha256.h"

struct idmap;

/* Gets the tar piece by piece. Return: 0 or negative errno, which ends the rebuilding. */
typedef int (*rebuild_fn)(void *arg, const void *data, size_t len, struct err *e);

/*
 * @layer_fd: layers/HEX, open in a process that may read files of all the layer's owners (id 0 of user namespace A).
 * Return: 0, -EBADMSG when a file is missing or has another size, ...
 */
int layer_rebuild(int layer_fd, rebuild_fn out, void *arg, struct err *e);
/* The tar inside a kept blob (of a layer that has no frame): gzip, zstd or plain. */
int layer_inflate(int blob_fd, rebuild_fn out, void *arg, struct err *e);
/* Rebuild in a child in user namespace A and hash: what diff id does the folder have? */
int layer_hash(int layer_fd, const struct idmap *map, char ret[SHA256_DIGEST_SIZE], struct err *e);
