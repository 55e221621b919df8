/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/cleanup.h"

#include <errno.h>
#include <string.h>

/**
 * cleanup_free() - free() for auto_free
 * @pp:	Address of the pointer; the pointer may be NULL
 */
void cleanup_free(void *pp)
{
	int saved = errno;
	void *p;

	memcpy(&p, pp, sizeof(p));
	free(p);
	errno = saved;
}

/**
 * fd_closep() - Close a file descriptor once, disarm it, keep errno
 * @fd:	Address of the descriptor; negative means none
 *
 * close(2) is never retried: on Linux the descriptor is gone even when it says EINTR.
 */
void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -EBADF;
	errno = saved;
}

/**
 * cleanup_close() - fd_closep() for auto_close
 * @fd:	Address of the descriptor
 */
void cleanup_close(int *fd)
{
	fd_closep(fd);
}

/**
 * cleanup_closedir() - closedir() for auto_closedir
 * @d:	Address of the stream; may hold NULL
 */
void cleanup_closedir(DIR **d)
{
	int saved = errno;

	if (*d)
		closedir(*d);
	*d = NULL;
	errno = saved;
}

/**
 * cleanup_fclose() - fclose() for auto_fclose
 * @f:	Address of the stream; may hold NULL
 */
void cleanup_fclose(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	*f = NULL;
	errno = saved;
}

/**
 * take_fd() - Give a descriptor away
 * @fd:	Address of the owning variable, which is disarmed
 *
 * Return: the descriptor
 */
int take_fd(int *fd)
{
	int r = *fd;

	*fd = -EBADF;
	return r;
}
