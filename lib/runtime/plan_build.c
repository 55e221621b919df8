/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/plan_build.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"

/**
 * plan_begin() - Start a plan with nothing in it
 * @b:		Builder; released with plan_done()
 * @role:	What it is for
 */
void plan_begin(struct plan_builder *b, enum plan_role role)
{
	*b = (struct plan_builder) { .head = { .magic = PLAN_MAGIC,
					       .role = role,
					       .root_fd = -1,
					       .trace_fd = -1,
					       .join_pidfd = -1,
					       .stdio = { -1, -1, -1 },
					       .tty_gid = UINT32_MAX,
					       .umask = 022 } };
	sbuf_add(&b->blob, &b->head, sizeof(b->head));
}

/**
 * plan_done() - Release a builder
 * @b:	The builder
 */
void plan_done(struct plan_builder *b)
{
	sbuf_done(&b->blob);
}

/**
 * plan_add_str() - Put a string into the block
 * @b:	The builder
 * @s:	String; NULL gives offset 0
 *
 * Return: its offset
 */
pstr plan_add_str(struct plan_builder *b, const char *s)
{
	pstr off = (pstr)b->blob.len;

	if (!s)
		return 0;
	sbuf_add(&b->blob, s, strlen(s) + 1);
	return off;
}

/**
 * plan_add_array() - Put an array into the block, aligned to 8
 * @b:		The builder
 * @data:	Elements
 * @n:		How many
 * @size:	Size of one
 *
 * Return: where it is
 */
struct plan_array plan_add_array(struct plan_builder *b, const void *data, size_t n, size_t size)
{
	struct plan_array a;

	while (b->blob.len % 8)
		sbuf_addc(&b->blob, '\0');
	a = (struct plan_array) { (uint32_t)b->blob.len, (uint32_t)n };
	sbuf_add(&b->blob, data, n * size);
	return a;
}

/**
 * plan_add_strv() - Put a string vector into the block
 * @b:	The builder
 * @v:	Vector or NULL
 *
 * Return: an array of offsets
 */
struct plan_array plan_add_strv(struct plan_builder *b, char *const *v)
{
	size_t n = strv_len(v);
	auto_free pstr *off = xcalloc(n, sizeof(*off));

	for (size_t i = 0; i < n; i++)
		off[i] = plan_add_str(b, v[i]);
	return plan_add_array(b, off, n, sizeof(*off));
}

/**
 * plan_finish() - Close the plan and seal it
 * @b:		The builder; stays to be released
 * @ret_fd:	Sealed memory file
 * @e:		Failure
 *
 * Return: 0, -E2BIG, or another negative errno
 */
int plan_finish(struct plan_builder *b, int *ret_fd, struct err *e)
{
	sbuf_addc(&b->blob, '\0');
	if (b->blob.len > PLAN_MAX_SIZE)
		return err_say(e, E2BIG, "the container's arguments, environment and mounts exceed %u MiB",
			       PLAN_MAX_SIZE >> 20);
	b->head.size = (uint32_t)b->blob.len;
	memcpy(b->blob.p, &b->head, sizeof(b->head));
	return fd_memfd_sealed("skiff-plan", b->blob.p, b->blob.len, false, ret_fd, e);
}
