/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the starting command (monitor_start.c) and the monitor that it forks (monitor_run.c). */

#include <stddef.h>

#include "lib/engine/monitor_int.h"

/**
 * struct mon_start - everything the monitor inherits; borrowed from the command's memory, of which it has a copy
 * @sock:	its end of the socket pair to the command
 * @go:		pipe on which the command writes a byte when the maps are there
 * @init_file:	skiff-init
 * @rootfs:	the folder of --rootfs where only the host's root can prepare it, or negative
 */
struct mon_start {
	struct ctr *ctr;
	const struct monitor_opts *opts;
	const struct driver *driver;
	const struct spec *spec;
	const struct idmap *outer, *inner;
	const struct seccomp_prog *seccomp;
	int sock, go;
	int init_file;
	int rootfs;
	char socket_path[108], api_path[108];
};

int monitor_run(const struct mon_start *s);
