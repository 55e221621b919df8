/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Ownership: a local that owns something is declared with auto_*, initialised at its declaration (NULL or -EBADF), and
 * given away with take_ptr() or take_fd(). A borrowed pointer is `const T *` and never auto. Clean-ups keep errno.
 */

#define auto_free     __attribute__((cleanup(cleanup_free)))
#define auto_close    __attribute__((cleanup(cleanup_close)))
#define auto_closedir __attribute__((cleanup(cleanup_closedir)))
#define auto_fclose   __attribute__((cleanup(cleanup_fclose)))

void cleanup_free(void *pp);
void cleanup_close(int *fd);
void cleanup_closedir(DIR **d);
void cleanup_fclose(FILE **f);
void fd_closep(int *fd);

#define take_ptr(p)                                                                                                    \
	__extension__({                                                                                                \
		__typeof__(*(p)) t_ = *(p);                                                                            \
		*(p) = NULL;                                                                                           \
		t_;                                                                                                    \
	})

int take_fd(int *fd);
