/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/image/archive_out.h"
#include "cmd/image/output.h"
#include "cmd/image/save_set.h"
#include "cmd/image/stop.h"
#include "cmd/image/verbs.h"
#include "cmd/spec.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/runtime/userns.h"
#include "storage/store.h"

static int write_archive(struct store *s, const struct idmap *map, struct out_list *l, enum save_format format,
			 const char *output, int stop, struct err *e)
{
	bool is_dir = format == SAVE_OCI_DIR || format == SAVE_DOCKER_DIR;
	auto_output struct output out = OUTPUT_NONE;
	int r = is_dir ? output_open_dir(output, &out, e) : output_open_file(output, &out, e);

	if (r < 0)
		return r;
	if (is_dir)
		r = out_write_dir(s, map, l, out.fd, stop, e);
	else
		r = out_write_tar(s, map, l, out.fd, stop, e);
	return r < 0 ? r : output_commit(&out, e);
}

static int choose_images(struct save_set *set, struct store *s, struct store_txn *t, const struct save_opts *o,
			 int argc, char **argv, struct err *e)
{
	auto_oci_platform struct oci_platform platform = { 0 };
	int r = o->platform ? oci_platform_parse(o->platform, &platform, e) : 0;

	if (!o->multi && argc > 1)
		return err_say(e, EINVAL, "--multi-image-archive=false takes one image");
	for (int k = 0; r == 0 && k < argc; k++)
		r = save_set_add(set, s, t, argv[k], o->platform ? &platform : NULL, e);
	return r;
}

/**
 * save_run() - skiff save
 * @ctx:	Global options
 * @opts:	struct save_opts
 * @argc:	Number of images
 * @argv:	Images
 * @e:		Failure
 *
 * Return: 0, 128 + signal, or negative errno
 */
int save_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct save_opts *o = opts;
	const char *output = str_is_eq(o->output, "-") ? NULL : o->output;
	auto_store struct store *store = NULL;
	auto_store_txn struct store_txn *t = NULL;
	auto_save_set struct save_set set = { 0 };
	auto_out_list struct out_list members = { 0 };
	auto_close int stop = -EBADF;
	enum save_format format;
	struct idmap map;
	bool changed = false;
	int r = save_format_parse(o->format, &format, e);

	if (r == 0 && o->compress && format == SAVE_DOCKER_ARCHIVE)
		r = err_say(e, EINVAL,
			    "--compress: a docker-archive has plain layers (compress all of it: skiff save | "
			    "gzip)");

	if (r == 0 && !output && (format == SAVE_OCI_DIR || format == SAVE_DOCKER_DIR))
		r = err_say(e, EINVAL, "--format %s writes a folder: name it with --output", o->format);
	if (r == 0 && !output && isatty(STDOUT_FILENO))
		r = err_say(e, EINVAL, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
	if (r == 0)
		r = stop_open(&stop, e);
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = store_txn_begin(store, &t, e); /* what is being read must not be removed meanwhile */
	if (r == 0)
		r = choose_images(&set, store, t, o, argc, argv, e);
	if (r == 0)
		r = idmap_for_caller(&map, e);
	if (r == 0 && o->compress)
		r = save_set_compress(&set, store, t, &map, stop, e);
	if (r == 0)
		r = save_members(&set, format, &members, &changed, e);
	if (r == -EINTR && stop_signal(stop))
		return 128 + stop_signal(stop);
	if (r < 0)
		return r;
	trace_mark("members are chosen");
	if (changed && !o->quiet)
		log_warn("the compressed layers are not in the store: they are %s, and the manifest's digest changes",
			 o->compress ? "compressed anew" : "saved as plain tars");
	r = write_archive(store, &map, &members, format, output, stop, e);
	trace_mark("the archive is written");
	if (r == -EINTR && stop_signal(stop))
		return 128 + stop_signal(stop);
	return r < 0 && output ? err_wrap(e, r, "save '%s'", output) : r;
}
