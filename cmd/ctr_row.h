/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A container as a row of a listing: docker's placeholders, and podman's. */

#include <stdbool.h>

struct ctr;
struct ctr_size;
struct ctr_state;
struct json;

/**
 * struct ctr_row_opts - what the row is for
 * @full:	nothing is shortened
 * @size_alone:	.Size without "(virtual ...)"
 * @mounts:	.Mounts and .LocalVolumes are wanted: they cost a look at all options
 */
struct ctr_row_opts {
	bool full, size_alone, mounts;
};

/* @size may be NULL. @ret_labels (may be NULL): an object for {{.Label "key"}}. Both results are owned. */
struct json *ctr_row(const struct ctr *c, const struct ctr_state *s, const struct ctr_size *size,
		     const struct ctr_row_opts *o, struct json **ret_labels);
/* "Up 3 minutes", "Exited (0) 2 hours ago"; owned. */
char *ctr_status_text(const struct ctr_state *s);
/* Entrypoint and command, as one line; owned. */
char *ctr_command_text(const struct ctr *c);
