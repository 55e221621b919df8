/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "cmd/image/output.h"
#include "cmd/image/stop.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/engine/ctr.h"
#include "lib/engine/view.h"
#include "storage/pack/pack.h"
#include "storage/store.h"

static int write_piece(void *arg, const void *data, size_t len, struct err *e)
{
	const struct output *out = arg;
	int r = fd_write_full(out->fd, data, len);

	return r < 0 ? err_set(e, r, "write") : 0;
}

static int write_tar(void *arg, int rootfd, struct err *e)
{
	const struct pack_tree tree = { .root = rootfd };

	return pack_tree_write(&tree, write_piece, arg, e);
}

/**
 * export_run() - skiff export
 * @ctx:	Global options
 * @opts:	struct export_opts
 * @argc:	1
 * @argv:	The container
 * @e:		Failure
 *
 * Return: 0, 128 + signal, or negative errno
 */
int export_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct export_opts *o = opts;
	const char *path = str_is_eq(o->output, "-") ? NULL : o->output;
	auto_store struct store *store = NULL;
	auto_output struct output out = OUTPUT_NONE;
	auto_close int stop = -EBADF;
	struct ctr c = { .dirfd = -EBADF };
	int r = 0;

	(void)argc;
	if (!path && isatty(STDOUT_FILENO))
		r = err_say(e, EINVAL, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
	if (r == 0)
		r = stop_open(&stop, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = ctr_find(store, argv[0], &c, e);
	if (r < 0)
		return r;
	r = output_open_file(path, &out, e);
	if (r == 0)
		r = ctr_view(&c, ctx->storage_driver, stop, write_tar, &out, e);
	if (r == 0)
		r = output_commit(&out, e);
	ctr_close(&c);
	if (r == -EINTR && stop_signal(stop))
		return 128 + stop_signal(stop);
	return r < 0 && path ? err_wrap(e, r, "export '%s'", path) : r;
}
