/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files by descriptor and name. Nothing here follows a symlink in the last component unless it says so; everything
 * opened is close-on-exec.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Flags of fs_replace_file(). */
enum { FS_SYNC = 1 /* the new content survives a power cut when the call returns */ };

int fs_open_dir(int dirfd, const char *path, int *ret_fd, struct err *e);
int fs_make_dir(int dirfd, const char *name, mode_t mode, struct err *e);
int fs_make_dirs(int dirfd, const char *path, mode_t mode, struct err *e);
int fs_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct err *e);
/* What is open must be a regular file. Return: 0, -EINVAL when it is not, -E2BIG. */
int fs_read_regular(int fd, size_t max, char **ret, size_t *ret_len);
int fs_read_fd(int fd, size_t max, char **ret, size_t *ret_len, struct err *e);
int fs_write_file(int dirfd, const char *path, const void *data, size_t len, mode_t mode, struct err *e);
int fs_replace_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode, int flags, struct err *e);
void fs_remove_temps(int dirfd, const char *path);
int fs_sync_dir(int dirfd, struct err *e);
int fs_remove_tree(int dirfd, const char *name, struct err *e);
int fs_readlink(int dirfd, const char *path, char **ret, struct err *e);
int fs_list_dir(int dirfd, const char *path, char ***ret_names, struct err *e);
bool fs_has(int dirfd, const char *path);

/*
 * Inside somebody else's tree: every component is resolved below @rootfd as if it were "/", magic links refused
 * (openat2, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). Return: descriptor or negative errno.
 */
int fs_open_in_root(int rootfd, const char *path, int flags, mode_t mode);
int fs_remount(int fd, uint64_t attrs);
/* Make @path and its parents below @rootfd, each step below the descriptor of the one before (CVE-2024-45310). */
int fs_make_dirs_in_root(int rootfd, const char *path, mode_t mode, int *ret_fd, struct err *e);
