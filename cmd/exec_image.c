/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"

/**
 * cmd_exec_image() - Become skiff-image
 * @argv:	Arguments of the command line; the first one is replaced
 * @e:		Failure
 *
 * Return: negative errno; on success it does not return
 */
int cmd_exec_image(char *const *argv, struct err *e)
{
	auto_free char *path = NULL, **copy = NULL;
	int r = proc_libexec("skiff-image", &path, e);

	if (r < 0)
		return r;
	copy = xcalloc(strv_len(argv) + 1, sizeof(*copy));
	for (size_t i = 0; argv[i]; i++)
		copy[i] = argv[i];
	copy[0] = path;
	fflush(NULL);
	execv(path, copy);
	return err_set(e, errno, "start '%s'", path);
}
