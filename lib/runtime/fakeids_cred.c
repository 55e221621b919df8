/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/fakeids_int.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

/* The kernel's rules (kernel/sys.c), for user ids and group ids alike. */

#define KEEP UINT32_MAX

static bool is_one_of(uint32_t v, uint32_t a, uint32_t b, uint32_t c)
{
	return v == a || v == b || v == c;
}

static bool is_kept(uint32_t want, uint32_t now)
{
	return want == KEEP || want == now;
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
	/* What changes nothing leaves the file system id as it is, too (newer kernels). */
	if (is_kept(real, id[ID_REAL]) && is_kept(saved, id[ID_SAVED]) &&
	    (effective == KEEP || (effective == id[ID_EFFECTIVE] && effective == id[ID_FS])))
		return 0;
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
 * cred_flags() - The flags of two capability sets
 * @effective:	Effective capabilities
 * @permitted:	Permitted capabilities
 *
 * Return: CRED_EFF_UID, ...
 */
unsigned cred_flags(uint64_t effective, uint64_t permitted)
{
	return (effective >> CAP_SETUID & 1 ? CRED_EFF_UID : 0) | (effective >> CAP_SETGID & 1 ? CRED_EFF_GID : 0) |
	       (permitted >> CAP_SETUID & 1 ? CRED_PERM_UID : 0) | (permitted >> CAP_SETGID & 1 ? CRED_PERM_GID : 0);
}

static unsigned effective_of_permitted(unsigned flags)
{
	return (flags & CRED_PERM_UID ? CRED_EFF_UID : 0) | (flags & CRED_PERM_GID ? CRED_EFF_GID : 0);
}

static bool has_root(const uint32_t id[ID__N])
{
	return is_one_of(0, id[ID_REAL], id[ID_EFFECTIVE], id[ID_SAVED]);
}

/**
 * cred_fix_caps() - Capabilities after a change of user ids (cap_emulate_setxuid() in the kernel)
 * @c:		Changed; its user ids are the new ones
 * @old:	User ids before
 */
void cred_fix_caps(struct cred *c, const uint32_t old[ID__N])
{
	if (has_root(old) && !has_root(c->uid) && !(c->flags & CRED_KEEP))
		c->flags &= ~(unsigned)(CRED_EFF | CRED_PERM);
	if (old[ID_EFFECTIVE] == 0 && c->uid[ID_EFFECTIVE] != 0)
		c->flags &= ~(unsigned)CRED_EFF;
	if (old[ID_EFFECTIVE] != 0 && c->uid[ID_EFFECTIVE] == 0)
		c->flags = (c->flags & ~(unsigned)CRED_EFF) | effective_of_permitted(c->flags);
}

/**
 * cred_capset() - capset(2)
 * @c:		Changed
 * @effective:	New effective set
 * @permitted:	New permitted set
 *
 * Return: 0, -EPERM
 */
int cred_capset(struct cred *c, uint64_t effective, uint64_t permitted)
{
	unsigned want = cred_flags(effective, permitted);

	if ((want & CRED_PERM & ~c->flags) || (want & CRED_EFF & ~effective_of_permitted(want)))
		return -EPERM;
	c->flags = (c->flags & CRED_KEEP) | want;
	return 0;
}

/**
 * cred_exec() - What execve(2) does to ids and capabilities
 * @c:		Changed
 * @bounding:	Capability bounding set
 */
void cred_exec(struct cred *c, uint64_t bounding)
{
	bool effective = c->uid[ID_EFFECTIVE] == 0, permitted = effective || c->uid[ID_REAL] == 0;

	c->uid[ID_SAVED] = c->uid[ID_FS] = c->uid[ID_EFFECTIVE];
	c->gid[ID_SAVED] = c->gid[ID_FS] = c->gid[ID_EFFECTIVE];
	c->flags = cred_flags(effective ? bounding : 0, permitted ? bounding : 0);
}

/**
 * cred_is_changed_by_exec() - Would execve(2) change anything?
 * @c:		Credentials
 * @bounding:	Capability bounding set
 *
 * Return: whether it would
 */
bool cred_is_changed_by_exec(const struct cred *c, uint64_t bounding)
{
	struct cred after = *c;

	cred_exec(&after, bounding);
	return memcmp(after.uid, c->uid, sizeof(c->uid)) || memcmp(after.gid, c->gid, sizeof(c->gid)) ||
	       after.flags != c->flags;
}
