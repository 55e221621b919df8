/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An archive of images (docker-archive, OCI layout in a tar; plain, gzip or zstd), taken apart into numbered files.
 * What it calls its members never becomes a name in the file system (CP-05).
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/sha256.h"

/**
 * struct member - one member of an archive
 * @name:	normalised, without a leading slash and ".."
 * @target:	a hard or symbolic link's target, as another member's normalised name; NULL for a file
 * @file:	number of the file in the folder (not of a link)
 * @size:	bytes
 * @digest:	of the content
 */
struct member {
	char *name;
	char *target;
	unsigned file;
	uint64_t size;
	char digest[SHA256_DIGEST_SIZE];
};

/**
 * struct members - an archive
 * @packed:	its bytes, as they were read
 */
struct members {
	struct member *v;
	size_t n;
	uint64_t packed;
};

/*
 * Read the archive from @input (a file or a pipe) and write its members to files 0, 1, ... in @dirfd, in a caged child.
 * @stop: descriptor that becomes readable when the command is to end, or negative. Only from a process with one thread.
 * Return: 0, -EINTR, -EBADMSG, ...
 */
int members_stage(int input, int dirfd, int stop, struct members *ret, struct err *e);
void members_done(struct members *m);
#define auto_members __attribute__((cleanup(members_done)))
/* By name; links are followed by name only. NULL when there is none. */
const struct member *members_find(const struct members *m, const char *name);
/* Content of a member of at most @max bytes. */
int members_read(const struct members *m, int dirfd, const char *name, size_t max, char **ret, size_t *ret_len,
		 struct err *e);
