/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Blobs into a folder, named by their digits: downloaded several at once, or copied; verified on the way. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/oci/image.h"

struct copy_end;
struct http;
struct progress;

/* What is there already is left alone; the others appear whole or not at all. Return: 0, -EBADMSG, -EINTR, ... */
int gather_blobs(struct copy_end *from, struct http *http, const struct oci_descriptor *const *blobs, size_t n,
		 int dirfd, struct progress *out, int stop, struct err *e);
