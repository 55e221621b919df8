/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What run and create share: from the command line to a container in the store. */

#include "cmd/cmd.h"
#include "cmd/run_opts.h"
#include "lib/engine/ctr.h"
#include "lib/oci/conf.h"

/*
 * @argv: IMAGE [COMMAND] [ARG...]. Pulls the image when it is missing. *ret_keys (may be NULL): detach keys, owned.
 * Return: 0 or negative errno; nothing is left then.
 */
int new_container(struct ctx *ctx, struct store *store, const struct run_opts *o, int argc, char **argv,
		  struct ctr *ret, char **ret_keys, struct err *e);
/* Run skiff-image with @args (verb first) and the global options of @ctx. Return: exit status or negative errno. */
int run_image_program(const struct ctx *ctx, const char *const *args, int stdout_fd, struct err *e);
