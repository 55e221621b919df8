/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/fakeids_int.h"

#include <errno.h>
#include <string.h>

/* The kernel's rules (kernel/sys.c), for user ids and group ids alike. */

#define KEEP UINT32_MAX

static bool is_one_of(uint32_t v, uint32_t a, uint32_t b, uint32_t c)
{
	return v == a || v == b || v == c;
}

/**
 * cred_set() - setuid(2), setgid(2)
 * @id:		Changed
 * @to:		New id
 * @privileged:	Real and saved ids follow, and any id will do
 *
 * Return: 0, -EPERM, -EINVAL
 */
int cred_set(uint32_t id[ID__N], uint32_t to, bool privileged)
{
	if (to == KEEP)
		return -EINVAL;
	if (privileged)
		id[ID_REAL] = id[ID_SAVED] = to;
	else if (to != id[ID_REAL] && to != id[ID_SAVED])
		return -EPERM;
	id[ID_EFFECTIVE] = id[ID_FS] = to;
	return 0;
}

/**
 * cred_setre() - setreuid(2), setregid(2)
 * @id:		Changed
 * @real:	New real id, or -1
 * @effective:	New effective id, or -1
 * @privileged:	Any id will do
 *
 * Return: 0, -EPERM
 */
int cred_setre(uint32_t id[ID__N], uint32_t real, uint32_t effective, bool privileged)
{
	uint32_t old_real = id[ID_REAL], r = id[ID_REAL], e = id[ID_EFFECTIVE];

	if (real != KEEP) {
		if (!privileged && real != id[ID_REAL] && real != id[ID_EFFECTIVE])
			return -EPERM;
		r = real;
	}
	if (effective != KEEP) {
		if (!privileged && !is_one_of(effective, id[ID_REAL], id[ID_EFFECTIVE], id[ID_SAVED]))
			return -EPERM;
		e = effective;
	}
	if (real != KEEP || (effective != KEEP && effective != old_real))
		id[ID_SAVED] = e;
	id[ID_REAL] = r;
	id[ID_EFFECTIVE] = id[ID_FS] = e;
	return 0;
}

/**
 * cred_setres() - setresuid(2), setresgid(2)
 * @id:		Changed
 * @real:	New real id, or -1
 * @effective:	New effective id, or -1
 * @saved:	New saved id, or -1
 * @privileged:	Any id will do
 *
 * Return: 0, -EPERM
 */
int cred_setres(uint32_t id[ID__N], uint32_t real, uint32_t effective, uint32_t saved, bool privileged)
{
	const uint32_t want[3] = { real, effective, saved };

	for (int i = 0; i < 3; i++)
		if (want[i] != KEEP && !privileged && !is_one_of(want[i], id[ID_REAL], id[ID_EFFECTIVE], id[ID_SAVED]))
			return -EPERM;
	for (int i = 0; i < 3; i++)
		if (want[i] != KEEP)
			id[i] = want[i];
	id[ID_FS] = id[ID_EFFECTIVE];
	return 0;
}

/**
 * cred_setfs() - setfsuid(2), setfsgid(2)
 * @id:		Changed
 * @to:		New file system id
 * @privileged:	Any id will do
 *
 * Return: the one before, whether it was changed or not
 */
uint32_t cred_setfs(uint32_t id[ID__N], uint32_t to, bool privileged)
{
	uint32_t old = id[ID_FS];

	if (to != KEEP && (privileged || to == old || is_one_of(to, id[ID_REAL], id[ID_EFFECTIVE], id[ID_SAVED])))
		id[ID_FS] = to;
	return old;
}

/**
 * cred_exec() - What execve(2) does to ids
 * @c:	Changed
 */
void cred_exec(struct cred *c)
{
	c->uid[ID_SAVED] = c->uid[ID_FS] = c->uid[ID_EFFECTIVE];
	c->gid[ID_SAVED] = c->gid[ID_FS] = c->gid[ID_EFFECTIVE];
}

/**
 * cred_is_changed_by_exec() - Would execve(2) change anything?
 * @c:	Credentials
 *
 * Return: whether it would
 */
bool cred_is_changed_by_exec(const struct cred *c)
{
	struct cred after = *c;

	cred_exec(&after);
	return memcmp(after.uid, c->uid, sizeof(c->uid)) || memcmp(after.gid, c->gid, sizeof(c->gid));
}
