/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What -v, --mount and --tmpfs mean. Pure: nothing is looked up on the host, relative sources are the caller's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum mountspec_type { MOUNTSPEC_BIND, MOUNTSPEC_VOLUME, MOUNTSPEC_TMPFS, MOUNTSPEC_IMAGE, MOUNTSPEC_TYPE__N };

enum propagation {
	PROPAGATION_DEFAULT, /* rprivate */
	PROPAGATION_PRIVATE,
	PROPAGATION_RPRIVATE,
	PROPAGATION_SLAVE,
	PROPAGATION_RSLAVE,
	PROPAGATION_SHARED,
	PROPAGATION_RSHARED,
	PROPAGATION__N
};

/* bind-recursive */
enum mount_recursive {
	MOUNT_RECURSIVE_ENABLED,  /* submounts too; read-only ones where the kernel can */
	MOUNT_RECURSIVE_DISABLED, /* the mount alone */
	MOUNT_RECURSIVE_WRITABLE, /* submounts stay writable */
	MOUNT_RECURSIVE_READONLY, /* submounts read-only, or fail */
	MOUNT_RECURSIVE__N
};

/* A flag that options may set either way. */
enum tristate { TRI_NO = -1, TRI_UNSET = 0, TRI_YES = 1 };

/**
 * struct mountspec - one mount
 * @type:		kind of mount
 * @source:		host path (bind; absolute, or starting with "." when @source_is_relative), volume's name (NULL:
 *			anonymous), image; NULL for tmpfs
 * @target:		cleaned absolute path in the container, never "/"
 * @source_is_relative:	the caller puts its working directory before @source
 * @make_source:	-v: a missing source is made as a folder; --mount: it is an error
 * @read_only:		no writing
 * @exec, @suid, @dev:	exec/noexec, suid/nosuid, dev/nodev; TRI_UNSET: the default of the mount type
 * @propagation:	of a bind
 * @recursive:		of a bind
 * @relabel:		'z', 'Z' or 0 (accepted; no SELinux rootless)
 * @nocopy:		volume-nocopy: do not fill an empty volume from the image
 * @chown:		podman's U: give the source to the container's user
 * @overlay:		podman's O: changes go to a temporary layer
 * @idmap:		podman's idmap
 * @subpath:		volume-subpath, image-subpath
 * @volume_driver:	NULL: local
 * @volume_opts:	string map
 * @volume_labels:	string map
 * @size:		tmpfs: bytes; 0: no limit of ours
 * @size_percent:	tmpfs: of the memory of the machine, instead of @size
 * @mode:		tmpfs: mode, 01777 unless given
 * @inodes:		tmpfs: nr_inodes; 0: default
 * @uid, @gid:		tmpfs: owner inside the container; -1: default
 */
struct mountspec {
	enum mountspec_type type;
	char *source;
	char *target;
	bool source_is_relative;
	bool make_source;
	bool read_only;
	enum tristate exec, suid, dev;
	enum propagation propagation;
	enum mount_recursive recursive;
	char relabel;
	bool nocopy, chown, overlay, idmap;
	char *subpath;
	char *volume_driver;
	char **volume_opts;
	char **volume_labels;
	uint64_t size;
	unsigned size_percent;
	unsigned mode;
	uint64_t inodes;
	int64_t uid, gid;
};

int mountspec_parse_volume(const char *text, struct mountspec *ret, struct err *e); /* -v */
int mountspec_parse_mount(const char *text, struct mountspec *ret, struct err *e);  /* --mount */
int mountspec_parse_tmpfs(const char *text, struct mountspec *ret, struct err *e);  /* --tmpfs */
void mountspec_done(struct mountspec *m);
#define auto_mountspec __attribute__((cleanup(mountspec_done)))

const char *propagation_name(enum propagation p);
const char *mountspec_type_name(enum mountspec_type t);

/* A path without //, /./ and /../, owned; -EINVAL when it is relative, empty or has control characters. */
int mountspec_clean_path(const char *path, char **ret, struct err *e);

/* A name that volumes and containers may have: [a-zA-Z0-9][a-zA-Z0-9_.-]{0,252} (CVE: path traversal by id). */
bool name_is_valid(const char *s);
