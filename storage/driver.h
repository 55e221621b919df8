/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Storage drivers: how the layers of an image and a container's own upper folder become one root file system.
 * All of them keep the same format on disk below layers/; overlay and fuse-overlayfs also share that of upper/.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"

struct driver;
struct idmap;
struct store;

/*
 * Choose a driver. @forced: name from --storage-driver or the configuration (overlay, overlay2, fuse-overlayfs, vfs),
 * NULL to probe (in a user namespace of its own; the answer is cached on disk). Only from a process with one thread.
 * Return: 0, -EINVAL for an unknown name, -ENOTSUP when nothing works.
 */
int driver_choose(struct store *s, const char *forced, const struct driver **ret, struct err *e);
const char *driver_name(const struct driver *d);
/* The driver that was found to work here; nothing is probed. "overlay" while nobody has looked. */
const char *driver_cached_name(struct store *s);
/* Why this driver: one sentence for `info` (kept in the cache beside the answer). *ret: the caller frees it. */
int driver_reason(struct store *s, const struct driver *d, char **ret, struct err *e);

/**
 * struct driver_mount_spec - one root file system
 * @layers:	diff ids, base first, as in the image's config; NULL or empty: none
 * @dirfd:	the container's folder, opened after store_reopen() in level A's mount namespace; negative: no upper
 *		folder (read-only)
 * @upper:	name of the upper folder in @dirfd ("upper"); made when missing
 * @work:	name of the work folder in @dirfd ("work"); made when missing. vfs copies into @upper and ignores it.
 * @is_volatile: --rm: never synced
 * @read_only:	the mount is read-only (upper may still be there)
 * @is_view:	only to look at: the upper folder, where there is one, is mounted as the topmost layer, read-only, also
 *		while a container uses it; nothing is written
 * @shift:	map of level B over A where they differ (keep-id, nomap, auto); NULL: same ids
 * @outer:	map of level A
 */
struct driver_mount_spec {
	char *const *layers;
	int dirfd;
	const char *upper;
	const char *work;
	bool is_volatile;
	bool read_only;
	bool is_view;
	const struct idmap *shift;
	const struct idmap *outer;
};

/**
 * struct driver_mount - the result
 * @fd:		detached mount; move_mount(2) it where it belongs, or hand it to skiff-init
 * @helper:	pid of fuse-overlayfs (a child of the caller), or 0; it ends when the mount is gone
 */
struct driver_mount {
	int fd;
	pid_t helper;
};

/*
 * Called as id 0 of level A, inside A's mount namespace, after store_reopen().
 * Return: 0 or negative errno.
 */
int driver_mount(const struct driver *d, struct store *s, const struct driver_mount_spec *spec,
		 struct driver_mount *ret, struct err *e);
/* Can @d show shifted ids? If not, driver_choose(s, "fuse-overlayfs", ...) for this container. */
bool driver_can_shift(const struct driver *d);
