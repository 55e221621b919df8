/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to the drivers. */

#include "storage/driver.h"

/**
 * struct driver - one way to put layers together
 * @name:	as --storage-driver has it
 * @can_shift:	shows shifted ids without changing files
 * @mount:	see driver_mount(); @lower: the layers' folders, base first, open in this mount namespace
 */
struct driver {
	const char *name;
	bool can_shift;
	int (*mount)(struct store *s, const struct driver_mount_spec *spec, const int *lower, size_t n_lower,
		     struct driver_mount *ret, struct err *e);
};

extern const struct driver driver_overlay, driver_fuse_overlayfs, driver_vfs;

/**
 * struct driver_upper - a container's own folders
 * @upper:	O_PATH descriptor of the upper folder, or negative
 * @work:	same of the work folder
 */
struct driver_upper {
	int upper;
	int work;
};

int driver_open_upper(const struct driver_mount_spec *spec, const int *lower, size_t n_lower, struct driver_upper *ret,
		      struct err *e);
void driver_upper_done(struct driver_upper *u);
#define auto_driver_upper __attribute__((cleanup(driver_upper_done)))
/* A detached bind mount of one folder. */
int driver_clone_folder(int fd, bool read_only, int *ret_fd, struct err *e);
