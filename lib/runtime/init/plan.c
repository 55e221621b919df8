/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/plan.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>

#include "lib/runtime/init/init_int.h"

static int check_str(const struct plan *p, pstr off)
{
	return off < p->size ? 0 : -EINVAL; /* the block ends with a NUL: checked once */
}

static int check_array(const struct plan *p, struct plan_array a, size_t size, size_t align)
{
	if (a.n == 0)
		return 0;
	if (a.off < sizeof(*p) || a.off % align || a.off > p->size || a.n > (p->size - a.off) / size)
		return -EINVAL;
	return 0;
}

static int check_strs(const struct plan *p, struct plan_array a)
{
	const pstr *v = plan_get_array(p, a);

	if (check_array(p, a, sizeof(pstr), sizeof(pstr)) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < a.n; i++)
		if (check_str(p, v[i]) < 0)
			return -EINVAL;
	return 0;
}

static int check_mounts(const struct plan *p)
{
	const struct plan_mount *m = plan_get_array(p, p->mounts);
	const struct plan_device *d = plan_get_array(p, p->devices);
	const struct plan_pair *y = plan_get_array(p, p->sysctls);

	if (check_array(p, p->mounts, sizeof(*m), 8) < 0 || check_array(p, p->devices, sizeof(*d), 8) < 0 ||
	    check_array(p, p->sysctls, sizeof(*y), 4) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < p->mounts.n; i++)
		if (m[i].kind >= PLAN_MOUNT__N || check_str(p, m[i].target) < 0 || check_str(p, m[i].data) < 0)
			return -EINVAL;
	for (uint32_t i = 0; i < p->devices.n; i++)
		if (check_str(p, d[i].target) < 0)
			return -EINVAL;
	for (uint32_t i = 0; i < p->sysctls.n; i++)
		if (check_str(p, y[i].key) < 0 || check_str(p, y[i].value) < 0)
			return -EINVAL;
	return 0;
}

/**
 * plan_check() - Is every offset of a plan inside it?
 * @block:	The plan
 * @size:	Its size
 * @e:		Failure
 *
 * Return: 0, -EINVAL
 */
int plan_check(const void *block, size_t size, struct err *e)
{
	const struct plan *p = block;

	if (size < sizeof(*p) || p->magic != PLAN_MAGIC)
		return err_say(e, EINVAL, "skiff-init and skiff are of different versions: install both again");
	if (p->size != size || ((const char *)block)[size - 1] != '\0' || p->role >= PLAN_ROLE__N || p->argv.n == 0 ||
	    check_strs(p, p->argv) < 0 || check_strs(p, p->env) < 0 || check_strs(p, p->masked) < 0 ||
	    check_strs(p, p->readonly) < 0 || check_mounts(p) < 0 || check_str(p, p->cwd) < 0 ||
	    check_str(p, p->hostname) < 0 || check_str(p, p->domainname) < 0 || check_str(p, p->exec_path) < 0 ||
	    check_array(p, p->rlimits, sizeof(struct plan_rlimit), 8) < 0 || check_array(p, p->groups, 4, 4) < 0 ||
	    check_array(p, p->seccomp, sizeof(struct sock_filter), 8) < 0 || p->seccomp.n > UINT16_MAX)
		return err_say(e, EINVAL, "damaged container plan");
	return 0;
}

/**
 * plan_get_str() - A string of a checked plan
 * @p:		The plan
 * @off:	Its offset
 *
 * Return: the string, NULL for offset 0
 */
const char *plan_get_str(const struct plan *p, pstr off)
{
	return off ? (const char *)p + off : NULL;
}

/**
 * plan_get_array() - An array of a checked plan
 * @p:	The plan
 * @a:	The array
 *
 * Return: its first element
 */
const void *plan_get_array(const struct plan *p, struct plan_array a)
{
	return (const char *)p + a.off;
}
