/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image mount, image unmount. A mount belongs to the mount namespace of the `skiff unshare` that these run in, and ends
 * with it. They lie in a tmpfs on the folder cache/mounts of the store, so that no mount point is left either. Not in
 * the run folder: where the caller is root, that is host root's, who is nobody inside.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/base/sys.h"
#include "lib/format/list.h"
#include "lib/oci/digest.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"
#include "lib/oci/ref.h"
#include "storage/driver.h"
#include "storage/store.h"

struct image_mount_opts {
	bool all, force;
	const char *format;
};

/* The initial user namespace maps everything; mounts made there by root would stay for ever. */
static bool is_in_userns(void)
{
	auto_free char *map = NULL;
	char *last;

	if (geteuid() != 0 || fs_read_file(AT_FDCWD, "/proc/self/uid_map", 65536, &map, NULL, NULL) < 0)
		return false;
	last = strrchr(str_trim(map), ' ');
	return last && strcmp(last + 1, "4294967295");
}

static int check_place(const struct ctx *ctx, struct err *e)
{
	char name[CMD_NAME_MAX];

	return is_in_userns() ? 0
			      : err_hint(e, err_say(e, EPERM, "images can be mounted only inside the user namespace"),
					 "skiff unshare, and there skiff %s", cmd_short_name(ctx->cmd, name));
}

static bool is_mount(const char *path)
{
	auto_free char *parent = xasprintf("%s/..", path);
	struct stat st, up;

	assert(path);
	return stat(path, &st) == 0 && stat(parent, &up) == 0 && st.st_dev != up.st_dev;
}

/* cache/mounts, with our tmpfs on it when @make. */
static int mounts_dir(struct store *s, bool make, char **ret, struct err *e)
{
	auto_free char *path = xasprintf("%s/cache/mounts", store_root(s));

	if (make && !is_mount(path)) {
		int r = store_make_dir(s, store_fd(s), "cache/mounts", e);

		if (r < 0)
			return r;
		if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=1m") < 0)
			return err_set(e, errno, "mount a tmpfs on '%s'", path);
	}
	*ret = take_ptr(&path);
	return 0;
}

/* Native overlay where it works, as everywhere; the answer is not looked up: it is another user's inside here. */
static int mount_layers(const struct ctx *ctx, struct store *s, char *const *layers, int *ret_fd, struct err *e)
{
	static const char *const usual[] = { "overlay", "fuse-overlayfs" };
	const char *const forced[] = { ctx->storage_driver };
	const char *const *names = ctx->storage_driver ? forced : usual;
	struct driver_mount_spec spec = { .layers = layers, .dirfd = -EBADF, .read_only = true };
	struct driver_mount m = { .fd = -EBADF };
	int r = -ENOTSUP;

	for (size_t i = 0; r < 0 && i < (ctx->storage_driver ? 1 : 2); i++) {
		const struct driver *d = NULL;

		r = driver_choose(s, names[i], &d, e);
		if (r == 0)
			r = driver_mount(d, s, &spec, &m, e);
	}
	if (r == 0)
		*ret_fd = m.fd;
	return r;
}

static int mount_one(const struct ctx *ctx, struct store *s, const char *text, const char *dir, struct err *e)
{
	auto_oci_image_config struct oci_image_config *c = NULL;
	auto_image_rec struct image_rec rec = { 0 };
	auto_free char *path = NULL;
	auto_close int fd = -EBADF;
	int r = store_image_find(s, text, &rec, e);

	if (r == 0)
		r = store_image_config(s, rec.config_digest, &c, e);
	if (r == 0)
		r = store_layers_check(s, c->diff_ids, e);
	if (r < 0)
		return r;
	assert(c);
	path = xasprintf("%s/%s", dir, digest_hex(rec.config_digest));
	if (!is_mount(path)) {
		r = fs_make_dirs(AT_FDCWD, path, 0700, e);
		if (r == 0)
			r = mount_layers(ctx, s, c->diff_ids, &fd, e);
		if (r == 0) {
			r = sys_move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
			if (r < 0)
				err_set(e, r, "mount image %s on '%s'", text, path);
		}
		/* From now on the mount is seen by who removes images; was it before? */
		if (r == 0) {
			r = store_layers_check(s, c->diff_ids, e);
			if (r < 0)
				umount2(path, MNT_DETACH);
		}
		if (r < 0) {
			rmdir(path);
			return r;
		}
	}
	puts(path);
	return 0;
}

/* Every image once, by its id. */
static int all_images(struct store *s, char ***ret, struct err *e)
{
	struct image_rec *recs = NULL;
	size_t n = 0;
	int r = store_image_list(s, &recs, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!strv_has(*ret, recs[i].config_digest))
			strv_add(ret, recs[i].config_digest);
	image_recs_free(recs, n);
	return r;
}

static const struct format_column columns[] = {
	{ "ID", "IMAGE ID" },
	{ "Repository", "REPOSITORY" },
	{ "MountPoint", "MOUNT POINT" },
	{ NULL, NULL },
};

static int list_mounts(struct store *s, const char *format, const char *dir, struct err *e)
{
	auto_format_list struct format_list *l = NULL;
	auto_strv char **names = NULL;
	int r = format_list_new(format ? format : "{{.Repository}} {{.MountPoint}}", "{{.Repository}}\t{{.MountPoint}}",
				columns, &l, e);

	if (r == 0 && is_mount(dir))
		r = fs_list_dir(AT_FDCWD, dir, &names, e);
	strv_sort(names);
	for (char **n = names; r == 0 && n && *n; n++) {
		auto_image_rec struct image_rec rec = { 0 };
		auto_json struct json *j = json_new_object();
		auto_free char *path = xasprintf("%s/%s", dir, *n), *shown = NULL;

		if (!is_mount(path))
			continue;
		if (store_image_find(s, *n, &rec, NULL) == 0 && rec.name)
			shown = ref_shorten(rec.name);
		json_set_str(j, "ID", *n);
		json_set_str(j, "Repository", shown ? shown : *n);
		json_set_str(j, "MountPoint", path);
		r = format_list_add(l, j, NULL, e);
	}
	return r < 0 ? r : format_list_print(l, stdout, e);
}

static int image_mount_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct image_mount_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_strv char **ids = NULL;
	auto_free char *dir = NULL;
	int status = 0, r = check_place(ctx, e);

	if (r == 0 && o->all && argc)
		r = err_say(e, EINVAL, "--all takes no images");
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = mounts_dir(store, o->all || argc, &dir, e);
	if (r == 0 && o->all)
		r = all_images(store, &ids, e);
	if (r < 0)
		return r;
	if (!o->all && argc == 0)
		return list_mounts(store, o->format, dir, e);
	for (char **i = o->all ? ids : argv; i && *i; i++)
		if (mount_one(ctx, store, *i, dir, e) < 0) {
			cmd_print_error(e);
			status = 1;
		}
	return status;
}

static int unmount_path(const char *path, bool force, struct err *e)
{
	if (!is_mount(path))
		return err_say(e, EINVAL, "it is not mounted here");
	if (umount2(path, force ? MNT_DETACH : 0) < 0)
		return err_set(e, errno, "unmount '%s'", path);
	rmdir(path);
	return 0;
}

static int unmount_one(struct store *s, const char *text, const char *dir, const struct image_mount_opts *o,
		       struct err *e)
{
	auto_image_rec struct image_rec rec = { 0 };
	auto_free char *path = NULL;
	int r = store_image_find(s, text, &rec, e);

	if (r < 0)
		return r;
	path = xasprintf("%s/%s", dir, digest_hex(rec.config_digest));
	r = unmount_path(path, o->force, e);
	if (r < 0)
		return err_wrap(e, r, "image %s", text);
	puts(digest_hex(rec.config_digest));
	return 0;
}

/* Also those of images that are gone. */
static int unmount_all(const char *dir, const struct image_mount_opts *o, struct err *e)
{
	auto_strv char **names = NULL;
	int status = 0, r = is_mount(dir) ? fs_list_dir(AT_FDCWD, dir, &names, e) : 0;

	for (char **n = names; r == 0 && n && *n; n++) {
		auto_free char *path = xasprintf("%s/%s", dir, *n);

		if (unmount_path(path, o->force, e) == 0) {
			puts(*n);
		} else {
			cmd_print_error(e);
			status = 1;
		}
	}
	return r < 0 ? r : status;
}

static int image_unmount_run(struct ctx *ctx, void *opts, int argc, char **argv, struct err *e)
{
	const struct image_mount_opts *o = opts;
	auto_store struct store *store = NULL;
	auto_free char *dir = NULL;
	int status = 0, r = check_place(ctx, e);

	if (r == 0 && !o->all == !argc)
		r = err_say(e, EINVAL, argc ? "--all takes no images" : "name an image, or use --all");
	if (r == 0)
		r = store_open(ctx->root, ctx->runroot, &store, e);
	if (r == 0)
		r = mounts_dir(store, false, &dir, e);
	if (r < 0)
		return r;
	if (o->all)
		return unmount_all(dir, o, e);
	for (int i = 0; i < argc; i++)
		if (unmount_one(store, argv[i], dir, o, e) < 0) {
			cmd_print_error(e);
			status = 1;
		}
	return status;
}

static const struct opt mount_options[] = {
	OPT_BOOL('a', "all", struct image_mount_opts, all, "Mount all images"),
	OPT_STR(0, "format", struct image_mount_opts, format, "Format the list of mounts using a custom template"),
	OPT_END,
};

static const struct opt unmount_options[] = {
	OPT_BOOL('a', "all", struct image_mount_opts, all, "Unmount all images"),
	OPT_BOOL('f', "force", struct image_mount_opts, force, "Unmount also what is in use"),
	OPT_END,
};

const struct cmd cmd_image_mount = {
	.path = "image mount",
	.args = "[IMAGE...]",
	.help = "Mount images read-only, or list what is mounted",
	.more = "Works inside `skiff unshare`, and the mounts end with it. The path of each is printed.",
	.opts = mount_options,
	.opts_size = sizeof(struct image_mount_opts),
	.max_args = CMD_ANY,
	.run = image_mount_run,
};

const struct cmd cmd_image_unmount = {
	.path = "image unmount",
	.alias = "image umount",
	.args = "[IMAGE...]",
	.help = "Unmount images",
	.opts = unmount_options,
	.opts_size = sizeof(struct image_mount_opts),
	.max_args = CMD_ANY,
	.run = image_unmount_run,
};
