/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "lib/base/fs.h"
#include "lib/runtime/userns.h"
#include "storage/store_int.h"

struct job {
	int dirfd;
	const char *name;
};

static int remove_tree(void *arg, struct err *e)
{
	const struct job *j = arg;

	return fs_remove_tree(j->dirfd, j->name, e);
}

int store_remove_tree(struct store *s, int dirfd, const char *name, struct err *e)
{
	struct job j = { dirfd, name };
	int r = remove_tree(&j, e);

	(void)s;
	if ((r != -EACCES && r != -EPERM) || geteuid() == 0)
		return r;
	return userns_call(&(struct userns_call) { .run = remove_tree, .arg = &j }, e);
}
