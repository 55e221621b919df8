/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "storage/unpack/unpack.h"
#include "storage/unpack/unpack_int.h"

/**
 * path_shown() - A path for a message
 * @path:	From outside
 * @buf:	Copy without control characters, shortened at its beginning
 *
 * Return: @buf
 */
const char *path_shown(const char *path, char buf[160])
{
	size_t len = strlen(path);

	snprintf(buf, 160, "%s%s", len > 150 ? "..." : "", len > 150 ? path + len - 150 : path);
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < 32 || *p == 127)
			*p = '?';
	return buf;
}

/**
 * tar_path_parse() - Normalise an entry's name
 * @name:	From the archive
 * @ret:	Its parts
 * @e:		Failure
 *
 * A leading slash is dropped, "." and empty components too. ".." is refused: no honest builder writes it, and resolving
 * it by text is wrong where a symlink stands before it (TL-01, TL-02).
 *
 * Return: 0 or -EINVAL
 */
int tar_path_parse(const char *name, struct tar_path *ret, struct err *e)
{
	size_t n = 0, depth = 0;
	char shown[160];

	if (!*name)
		return err_say(e, EINVAL, "an entry has no name");
	ret->dir_len = 0;
	ret->base = ret->full;
	for (const char *p = name; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.')
			return err_say(e, EINVAL, "entry '%s': '..' in a name", path_shown(name, shown));
		if (len > 255 || n + 1 + len > TAR_PATH_MAX - 1 || (len && ++depth > TAR_DEPTH_MAX))
			return err_say(e, EINVAL, "entry '%s': the name is too long", path_shown(name, shown));
		if (len && !(len == 1 && *p == '.')) {
			ret->dir_len = n;
			if (n)
				ret->full[n++] = '/';
			ret->base = ret->full + n;
			memcpy(ret->full + n, p, len);
			n += len;
		}
		p += len;
		p += *p == '/';
	}
	ret->full[n] = '\0';
	return 0;
}

/**
 * whiteout_parse() - Does the last component of a name mean that something is gone?
 * @base:	The component
 * @ret:	What it means
 * @ret_name:	WHITEOUT_NAME: what is gone (points into @base)
 * @e:		Failure
 *
 * Return: 0, or -EINVAL for ".wh." before nothing, "." or ".."
 */
int whiteout_parse(const char *base, enum whiteout *ret, const char **ret_name, struct err *e)
{
	const char *name;

	*ret = WHITEOUT_NONE;
	if (strncmp(base, ".wh.", 4) != 0)
		return 0;
	name = base + 4;
	if (!strcmp(name, ".wh..opq"))
		*ret = WHITEOUT_OPAQUE;
	else if (!strncmp(name, ".wh.", 4))
		*ret = WHITEOUT_IGNORED; /* aufs's own: .wh..wh.aufs, .wh..wh.plnk, .wh..wh.orph */
	else
		*ret = WHITEOUT_NAME;
	if (*ret == WHITEOUT_NAME && (!*name || !strcmp(name, ".") || !strcmp(name, "..")))
		return err_say(e, EINVAL, "a whiteout that names nothing");
	*ret_name = name;
	return 0;
}

/**
 * xattr_is_kept() - May a layer bring this extended attribute?
 * @name:	Its name
 *
 * What overlay or fuse-overlayfs would obey must not come from an image (TL-07); labels of security modules are the
 * host's.
 *
 * Return: whether it is kept
 */
bool xattr_is_kept(const char *name)
{
	return !strcmp(name, "security.capability") || !strcmp(name, "system.posix_acl_access") ||
	       !strcmp(name, "system.posix_acl_default") ||
	       (str_has_prefix(name, "user.") && !str_has_prefix(name, "user.overlay.") &&
		!str_has_prefix(name, "user.fuseoverlayfs.") && !str_has_prefix(name, "user.containers."));
}
