/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/caps.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

#define BIT(n) (1ULL << (n))

static const char *const names[] = {
	[CAP_CHOWN] = "CAP_CHOWN",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_FOWNER] = "CAP_FOWNER",
	[CAP_FSETID] = "CAP_FSETID",
	[CAP_KILL] = "CAP_KILL",
	[CAP_SETGID] = "CAP_SETGID",
	[CAP_SETUID] = "CAP_SETUID",
	[CAP_SETPCAP] = "CAP_SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_NET_RAW] = "CAP_NET_RAW",
	[CAP_IPC_LOCK] = "CAP_IPC_LOCK",
	[CAP_IPC_OWNER] = "CAP_IPC_OWNER",
	[CAP_SYS_MODULE] = "CAP_SYS_MODULE",
	[CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
	[CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
	[CAP_SYS_PACCT] = "CAP_SYS_PACCT",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_BOOT] = "CAP_SYS_BOOT",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
	[CAP_SYS_TIME] = "CAP_SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
	[CAP_MKNOD] = "CAP_MKNOD",
	[CAP_LEASE] = "CAP_LEASE",
	[CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
	[CAP_SETFCAP] = "CAP_SETFCAP",
	[CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
	[CAP_SYSLOG] = "CAP_SYSLOG",
	[CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "CAP_AUDIT_READ",
	[CAP_PERFMON] = "CAP_PERFMON",
	[CAP_BPF] = "CAP_BPF",
	[CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};
_Static_assert(sizeof(names) / sizeof(*names) == CAPS_MAX, "a name for each capability");

/**
 * cap_from_name() - Number of a capability
 * @name:	Its name, with or without "CAP_", any case
 *
 * Return: the number, or -EINVAL
 */
int cap_from_name(const char *name)
{
	if (!strncasecmp(name, "CAP_", 4))
		name += 4;
	for (int i = 0; i < CAPS_MAX; i++)
		if (!strcasecmp(name, names[i] + 4))
			return i;
	return -EINVAL;
}

/**
 * cap_to_name() - Name of a capability
 * @cap:	Its number
 *
 * Return: "CAP_...", NULL for a number without a name
 */
const char *cap_to_name(unsigned cap)
{
	return cap < CAPS_MAX ? names[cap] : NULL;
}

/**
 * caps_default() - What a container has when nothing is said
 *
 * Docker's fourteen without MKNOD, NET_RAW and AUDIT_WRITE.
 *
 * Return: the mask
 */
uint64_t caps_default(void)
{
	return BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_KILL) |
	       BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SETFCAP) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_SETUID) |
	       BIT(CAP_SYS_CHROOT);
}

/**
 * caps_of_kernel() - All capabilities of the running kernel
 *
 * Asked by prctl, not from /proc/sys/kernel/cap_last_cap: /proc may be masked around us.
 *
 * Return: the mask
 */
uint64_t caps_of_kernel(void)
{
	unsigned last = CAPS_MAX - 1;

	while (last && prctl(PR_CAPBSET_READ, last, 0, 0, 0) < 0)
		last--;
	return BIT(last + 1) - 1;
}

/**
 * caps_to_names() - Names of a mask
 * @caps:	The mask; bits without a name are left out
 *
 * Return: owned string vector in the order of the numbers
 */
char **caps_to_names(uint64_t caps)
{
	char **v = NULL;

	for (unsigned i = 0; i < CAPS_MAX; i++)
		if (caps & BIT(i))
			strv_add(&v, names[i]);
	return v;
}

static int parse_one(const char *opt, const char *name, uint64_t kernel, uint64_t *mask, bool *all, struct err *e)
{
	auto_free char *full = NULL;
	int cap;

	if (!strcasecmp(name, "ALL")) {
		*all = true;
		return 0;
	}
	cap = cap_from_name(name);
	if (cap >= 0 && kernel & BIT(cap)) {
		*mask |= BIT(cap);
		return 0;
	}
	full = xasprintf("%s%s", strncasecmp(name, "CAP_", 4) ? "CAP_" : "", name);
	for (char *p = full; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (cap < 0)
		return err_say(e, EINVAL, "invalid %s: unknown capability: \"%s\"", opt, full);
	return err_say(e, EINVAL, "invalid %s: capability not supported by current kernel: \"%s\"", opt, full);
}

static int parse_list(const char *opt, char *const *list, uint64_t kernel, uint64_t *mask, bool *all, struct err *e)
{
	for (char *const *p = list; p && *p; p++) {
		auto_strv char **parts = strv_split(*p, ',');

		for (char **name = parts; *name; name++) {
			int r = parse_one(opt, str_trim(*name), kernel, mask, all, e);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/**
 * caps_resolve() - The bounding set that the options ask for, as docker computes it
 * @add:	Values of --cap-add (several names may be separated by commas); may be NULL
 * @drop:	Values of --cap-drop; may be NULL
 * @privileged:	--privileged: everything, whatever the lists say (they must be valid all the same)
 * @ret:	The mask
 * @e:		An unknown capability, or one that this kernel does not have
 *
 * Adding ALL starts from everything and takes @drop away; else dropping ALL starts from nothing and gives @add; else
 * the default loses @drop and then gains @add: what is both added and dropped is there. The order of options does not
 * matter.
 *
 * Return: 0 or -EINVAL
 */
int caps_resolve(char *const *add, char *const *drop, bool privileged, uint64_t *ret, struct err *e)
{
	uint64_t kernel = caps_of_kernel(), plus = 0, minus = 0;
	bool add_all = false, drop_all = false;
	int r = parse_list("CapAdd", add, kernel, &plus, &add_all, e);

	if (r == 0)
		r = parse_list("CapDrop", drop, kernel, &minus, &drop_all, e);
	if (r < 0)
		return r;
	if (privileged)
		*ret = kernel;
	else if (add_all)
		*ret = kernel & ~minus;
	else if (drop_all)
		*ret = plus;
	else
		*ret = (caps_default() & ~minus) | plus;
	return 0;
}
