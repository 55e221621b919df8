/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Blobs to a registry, several at once: asked for, mounted from another repository, or uploaded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "storage/unpack/pack.h"

struct http;
struct idmap;
struct progress;
struct registry;
struct store;

/**
 * struct send_form - a blob that the registry may have already
 * @digest:	its digest
 * @size:	its bytes
 * @repos:	repositories of the same registry that have it; or NULL
 */
struct send_form {
	char *digest;
	int64_t size;
	char **repos;
};

/**
 * struct send_item - one blob
 * @label:	its row in the progress; NULL: not shown
 * @forms:	what it may be there, best first; the first that the registry has, or can mount, is taken
 * @n_forms:	how many
 * @fd:		file with the bytes of forms[0], or negative
 * @from:	with @fd negative: registry with the bytes of forms[0], or NULL
 * @diff_id:	with neither, or @repack: layer of the store that is compressed anew
 * @repack:	what @fd has may not be sent as it is
 * @digest:	of what is there now
 * @size:	of it
 */
struct send_item {
	const char *label;
	struct send_form *forms;
	size_t n_forms;
	int fd;
	struct registry *from;
	const char *diff_id;
	bool repack;
	char digest[SHA256_DIGEST_SIZE];
	int64_t size;
};

/**
 * struct send_spec - where to and how
 * @http:	the loop that @registry runs in
 * @registry:	where to; it has answered something before
 * @store:	for layers that are compressed anew
 * @scratch_fd:	folder for compressed layers; negative: none are
 * @map:	user namespace A
 * @progress:	gets a row for each item with a label
 * @parallel:	items at once
 * @stop:	readable when the command is to end
 * @format:	compression of layers that are made anew
 * @level:	and its level
 */
struct send_spec {
	struct http *http;
	struct registry *registry;
	struct store *store;
	int scratch_fd;
	const struct idmap *map;
	struct progress *progress;
	unsigned parallel;
	int stop;
	enum pack_format format;
	int level;
};

/* Return: 0 when all items are there, negative errno. */
int send_run(const struct send_spec *s, struct send_item *items, size_t n, struct err *e);
/* Release what @forms owns. */
void send_item_done(struct send_item *i);
