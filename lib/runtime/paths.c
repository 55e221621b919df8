/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"

#define CPU_DIR "/sys/devices/system/cpu"

/* What tells about the host (timings that leak other tenants' keys, power, devices) or acts on it. */
static const char *const masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/key-users",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/dev/block",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/fs/selinux",
	"/sys/kernel/debug",
	"/sys/kernel/security",
	"/sys/kernel/tracing",
	NULL,
};

static const char *const readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

/* podman's rule: a pattern must match the whole default path; "/proc/" does not mean what is below it. */
static bool is_unmasked(char *const *unmask, const char *path)
{
	for (char *const *u = unmask; u && *u; u++) {
		auto_strv char **parts = strv_split(*u, ':');

		for (char **p = parts; *p; p++)
			if (!strcasecmp(*p, "ALL") || fnmatch(*p, path, FNM_PATHNAME) == 0)
				return true;
	}
	return false;
}

static void add_defaults(const char *const *list, char *const *unmask, char ***v)
{
	for (; *list; list++)
		if (!is_unmasked(unmask, *list))
			strv_add(v, *list);
}

/* thermal_throttle counters of each CPU tell what the machine's other users do (GHSA-6fw5-f8r9-fgfm). */
static int add_cpus(int dirfd, char *const *unmask, char ***v, struct err *e)
{
	auto_strv char **names = NULL;
	auto_close int own = -EBADF;
	int r;

	if (dirfd < 0) {
		own = open(CPU_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (own < 0)
			return errno == ENOENT ? 0 : err_set(e, errno, "open folder '%s'", CPU_DIR);
		dirfd = own;
	}
	r = fs_list_dir(dirfd, ".", &names, e);
	if (r < 0)
		return err_wrap(e, r, "%s", CPU_DIR);
	for (char **n = names; n && *n; n++) {
		auto_free char *rel = xasprintf("%s/thermal_throttle", *n);
		auto_free char *path = xasprintf("%s/%s", CPU_DIR, rel);

		if (fnmatch("cpu[0-9]*", *n, 0) == 0 && fs_has(dirfd, rel) && !is_unmasked(unmask, path))
			strv_add(v, path);
	}
	return 0;
}

static int add_users(char *const *mask, char ***v, struct err *e)
{
	for (char *const *m = mask; m && *m; m++) {
		auto_strv char **parts = strv_split(*m, ':');

		for (char **p = parts; *p; p++) {
			if (**p != '/')
				return err_say(e, EINVAL,
					       "invalid --security-opt mask=%s: '%s' is not an absolute path", *m, *p);
			if (!strv_has(*v, *p))
				strv_add(v, *p);
		}
	}
	return 0;
}

/**
 * paths_resolve() - The masked and the read-only paths of a container
 * @s:			What the user asked for
 * @cpu_dirfd:		Folder of the CPUs in sysfs; negative: the host's is opened
 * @ret_masked:		Paths to hide; some do not exist on every host
 * @ret_readonly:	Paths to make read-only
 * @e:			Failure
 *
 * Return: 0, -EINVAL for a path to mask that is not absolute, or another negative errno
 */
int paths_resolve(const struct paths_spec *s, int cpu_dirfd, char ***ret_masked, char ***ret_readonly, struct err *e)
{
	auto_strv char **m = NULL, **ro = NULL;
	int r = 0;

	if (!s->unconfined) {
		add_defaults(masked, s->unmask, &m);
		add_defaults(readonly, s->unmask, &ro);
		r = add_cpus(cpu_dirfd, s->unmask, &m, e);
	}
	if (r == 0)
		r = add_users(s->mask, &m, e);
	if (r < 0)
		return r;
	*ret_masked = take_ptr(&m);
	*ret_readonly = take_ptr(&ro);
	return 0;
}
