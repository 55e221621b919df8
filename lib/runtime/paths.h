/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which paths of /proc and /sys a container does not see, or not write. */

#include <stdbool.h>

#include "lib/base/err.h"

/**
 * struct paths_spec - what the user asked for
 * @mask:	values of --security-opt mask=: absolute paths, several with ":" between them
 * @unmask:	values of --security-opt unmask=: ALL, or paths and patterns (path.Match) with ":" between them
 * @unconfined:	--security-opt systempaths=unconfined, or --privileged: none of the default lists
 */
struct paths_spec {
	char *const *mask;
	char *const *unmask;
	bool unconfined;
};

/* Both results are owned string vectors. @cpu_dirfd: /sys/devices/system/cpu, or negative to open it here. */
int paths_resolve(const struct paths_spec *s, int cpu_dirfd, char ***ret_masked, char ***ret_readonly, struct err *e);
