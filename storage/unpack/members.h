/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An archive of images (docker-archive, OCI layout in a tar; plain, gzip or zstd), taken apart into numbered files.
 * What it calls its members never becomes a name in the file system (CP-05).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/sha256.h"

/**
 * struct member - one member of an archive
 * @name:	normalised, without a leading slash and ".."
 * @target:	a hard or symbolic link's target, as another member's normalised name; NULL for a file
 * @file:	number of the file in the folder (not of a link, and not of one that is @in_place)
 * @in_place:	it was left where it is in the archive, at @offset
 * @offset:	see @in_place
 * @size:	bytes
 * @digest:	of the content
 */
struct member {
	char *name;
	char *target;
	unsigned file;
	bool in_place;
	uint64_t offset;
	uint64_t size;
	char digest[SHA256_DIGEST_SIZE];
};

/**
 * struct members - an archive
 * @packed:	its bytes, as they were read
 * @input:	its file, for members that are @in_place
 */
struct members {
	struct member *v;
	size_t n;
	int input;
	uint64_t packed;
};

/*
 * Read the archive from @input (a file or a pipe) and write its members to files 0, 1, ... in @dirfd, in a caged child.
 * Large members of a plain tar in a regular file stay where they are: @input must be open as long as @ret is used.
 * @stop: descriptor that becomes readable when the command is to end, or negative. Only from a process with one thread.
 * Return: 0, -EINTR, -EBADMSG, ...
 */
int members_stage(int input, int dirfd, int stop, struct members *ret, struct err *e);
/* The same from a folder (an OCI layout, skopeo's dir:): files, no links. Nothing in it is decoded. */
int members_stage_dir(int input, int dirfd, struct members *ret, struct err *e);
void members_done(struct members *m);
#define auto_members __attribute__((cleanup(members_done)))
/* By name; links are followed by name only. NULL when there is none. */
const struct member *members_find(const struct members *m, const char *name);
/* The file that has a member's content, from *ret_offset on. */
int members_open(const struct members *m, int dirfd, const struct member *mb, int *ret_fd, uint64_t *ret_offset,
		 struct err *e);
/* Make a member that is @in_place, or is a file, the file @name in the folder @to. */
int members_take(const struct members *m, int dirfd, const struct member *mb, int to, const char *name, struct err *e);
/* Content of a member of at most @max bytes. */
int members_read(const struct members *m, int dirfd, const char *name, size_t max, char **ret, size_t *ret_len,
		 struct err *e);
