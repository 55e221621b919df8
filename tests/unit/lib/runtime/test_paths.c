/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/runtime/paths.h"
#include "tests/unit/tap.h"

static int cpus = -EBADF;

static bool has(char *const *v, const char *s)
{
	return v && strv_has(v, s);
}

static void check(const char *what, const struct paths_spec *s, size_t n_masked, size_t n_readonly)
{
	auto_strv char **m = NULL, **ro = NULL;
	struct err e;

	is_int(paths_resolve(s, cpus, &m, &ro, &e), 0, "%s", what);
	is_int(strv_len(m), n_masked, "%s: masked", what);
	is_int(strv_len(ro), n_readonly, "%s: read-only", what);
}

static void test_defaults(void)
{
	static const char *const must[] = { /* docker's and podman's */
					    "/proc/acpi",
					    "/proc/asound",
					    "/proc/interrupts",
					    "/proc/kcore",
					    "/proc/keys",
					    "/proc/latency_stats",
					    "/proc/sched_debug",
					    "/proc/scsi",
					    "/proc/timer_list",
					    "/proc/timer_stats",
					    "/sys/devices/virtual/powercap",
					    "/sys/firmware",
					    "/sys/fs/selinux",
					    "/proc/key-users",
					    "/sys/kernel/debug",
					    "/sys/kernel/tracing",
					    "/sys/kernel/security",
					    "/sys/dev/block",
					    "/sys/devices/system/cpu/cpu0/thermal_throttle",
					    "/sys/devices/system/cpu/cpu11/thermal_throttle",
					    NULL
	};
	auto_strv char **m = NULL, **ro = NULL;
	struct paths_spec s = { 0 };

	is_int(paths_resolve(&s, cpus, &m, &ro, NULL), 0, "defaults");
	for (const char *const *p = must; *p; p++)
		ok(has(m, *p), "masked: %s", *p);
	ok(!has(m, "/sys/devices/system/cpu/cpu1/thermal_throttle"), "only where the kernel has the counters");
	ok(!has(m, "/sys/devices/system/cpu/cpufreq/thermal_throttle"), "only real CPUs");
	ok(has(ro, "/proc/sys") && has(ro, "/proc/sysrq-trigger") && has(ro, "/proc/bus"), "read-only");
}

static void test_options(void)
{
	char *all[] = { (char[]) { "all" }, NULL };
	char *two[] = { (char[]) { "/proc/acpi:/proc/sys" }, (char[]) { "/nothing" }, NULL };
	char *glob[] = { (char[]) { "/proc/*" }, NULL };
	char *mine[] = { (char[]) { "/etc/shadow:/proc/acpi" }, NULL };
	char *bad[] = { (char[]) { "etc/shadow" }, NULL };
	auto_strv char **m = NULL, **ro = NULL;
	struct err e;

	check("default", &(struct paths_spec) { 0 }, 20, 5);
	check("unmask=all", &(struct paths_spec) { .unmask = all }, 0, 0);
	check("unmask of two", &(struct paths_spec) { .unmask = two }, 19, 4);
	check("unmask=/proc/*", &(struct paths_spec) { .unmask = glob }, 9, 0);
	check("mask of two, one of them there already", &(struct paths_spec) { .mask = mine }, 21, 5);
	check("unconfined", &(struct paths_spec) { .unconfined = true }, 0, 0);
	check("unconfined and mask", &(struct paths_spec) { .unconfined = true, .mask = mine }, 2, 0);
	is_int(paths_resolve(&(struct paths_spec) { .mask = bad }, cpus, &m, &ro, &e), -EINVAL, "relative path");
	is_str(e.msg, "invalid --security-opt mask=etc/shadow: 'etc/shadow' is not an absolute path", "which says so");
}

int main(void)
{
	char dir[] = "/tmp/skiff-paths-XXXXXX";
	auto_strv char **m = NULL, **ro = NULL;

	if (!mkdtemp(dir) || (cpus = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return 1;
	if (fs_make_dirs(cpus, "cpu0/thermal_throttle", 0700, NULL) < 0 ||
	    fs_make_dirs(cpus, "cpu11/thermal_throttle", 0700, NULL) < 0 ||
	    fs_make_dirs(cpus, "cpu1", 0700, NULL) < 0 ||
	    fs_make_dirs(cpus, "cpufreq/thermal_throttle", 0700, NULL) < 0)
		return 1;
	test_defaults();
	test_options();
	is_int(paths_resolve(&(struct paths_spec) { 0 }, -EBADF, &m, &ro, NULL), 0, "this machine's CPUs");
	fs_remove_tree(AT_FDCWD, dir, NULL);
	return done();
}
