/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/oci/digest.h"
#include "storage/store_int.h"

/*
 * Theory of operation
 *
 * `image mount` puts images on cache/mounts/HEX in the mount namespace of a `skiff unshare`. The kernel's list of
 * mounts is the reference to them: it cannot grow stale when the namespace ends, however it ends. So every process
 * that we may look at is asked for its mounts, one of each mount namespace. That costs a millisecond or two, and only
 * stores in which an image was ever mounted, which the folder tells. The processes of somebody else's user namespace
 * do not answer: the rmi of one `skiff unshare` does not see what another one has mounted.
 */

#define MOUNTINFO_MAX (16U << 20)
#define MOUNTS	      "cache/mounts"

/* Blanks and backslashes are written as \ooo. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The images below @prefix in a mountinfo: its fifth field is the place. */
static void add_from(char *text, const char *prefix, char ***ret)
{
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		char *place = NULL, *word, digest[80];
		const char *hex;

		for (int i = 0; i < 5 && (word = strsep(&line, " ")); i++)
			place = i == 4 ? word : NULL;
		if (!place)
			continue;
		unescape(place);
		hex = str_after(place, prefix);
		if (!hex || strlen(hex) != 64)
			continue;
		snprintf(digest, sizeof(digest), "sha256:%.64s", hex);
		if (digest_is_sha256(digest) && !strv_has(*ret, digest))
			strv_add(ret, digest);
	}
}

/* A process that is not ours to look at, or has just ended, tells nothing. */
static void ask_process(const char *pid, const char *prefix, char ***seen, char ***ret)
{
	auto_free char *ns_path = xasprintf("/proc/%s/ns/mnt", pid), *ns = NULL;
	auto_free char *path = xasprintf("/proc/%s/mountinfo", pid), *text = NULL;

	if (fs_readlink(AT_FDCWD, ns_path, &ns, NULL) < 0 || strv_has(*seen, ns) ||
	    fs_read_file(AT_FDCWD, path, MOUNTINFO_MAX, &text, NULL, NULL) < 0)
		return;
	strv_add_take(seen, take_ptr(&ns));
	add_from(text, prefix, ret);
}

/**
 * store_images_mounted() - Images that are mounted somewhere (image mount)
 * @s:		The store
 * @ret:	Their config digests are added
 * @e:		Failure
 *
 * Return: 0 or negative errno
 */
int store_images_mounted(struct store *s, char ***ret, struct err *e)
{
	auto_strv char **pids = NULL, **seen = NULL;
	auto_free char *self = NULL, *root = NULL, *prefix = NULL;
	int r;

	if (!fs_has(s->fd, MOUNTS))
		return 0;
	self = xasprintf("/proc/self/fd/%d", s->fd);
	r = fs_readlink(AT_FDCWD, self, &root, e);
	if (r == 0)
		r = fs_list_dir(AT_FDCWD, "/proc", &pids, e);
	if (r < 0)
		return r;
	prefix = xasprintf("%s/" MOUNTS "/", root);
	for (char **p = pids; p && *p; p++)
		if (**p >= '1' && **p <= '9')
			ask_process(*p, prefix, &seen, ret);
	return 0;
}
