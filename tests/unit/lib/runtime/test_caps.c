/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/capability.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"
#include "lib/base/str.h"
#include "lib/runtime/caps.h"
#include "tests/unit/tap.h"

#define B(n)	(1ULL << CAP_##n)
#define DEFAULT 0x800405fbULL /* what podman 4.3 shows as CapBnd */

static void test_names(void)
{
	static const struct {
		const char *name;
		int cap;
	} rows[] = {
		{ "CAP_CHOWN", 0 },	      { "chown", 0 },	     { "Cap_Sys_Admin", 21 }, { "SYS_ADMIN", 21 },
		{ "checkpoint_restore", 40 }, { "ALL", -EINVAL },    { "", -EINVAL },	      { "CAP_", -EINVAL },
		{ "CAP_CAP_CHOWN", -EINVAL }, { "CHOWN ", -EINVAL }, { "0", -EINVAL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		is_int(cap_from_name(rows[i].name), rows[i].cap, "number of '%s'", rows[i].name);
	for (unsigned i = 0; i < CAPS_MAX; i++)
		is_int(cap_from_name(cap_to_name(i)), i, "%s there and back", cap_to_name(i));
	ok(!cap_to_name(CAPS_MAX), "no name above the last");
}

static void test_kernel(void)
{
	auto_free char *text = NULL;
	uint64_t last;

	if (fs_read_file(-1, "/proc/sys/kernel/cap_last_cap", 16, &text, NULL, NULL) < 0 ||
	    str_to_u64(str_trim(text), 63, &last) < 0)
		return;
	if (last >= CAPS_MAX)
		last = CAPS_MAX - 1;
	ok(caps_of_kernel() == (1ULL << (last + 1)) - 1, "the kernel's own count");
}

static void test_resolve(void)
{
	uint64_t all = caps_of_kernel();
	const struct {
		const char *add, *drop;
		bool priv;
		uint64_t want;
	} rows[] = {
		{ NULL, NULL, false, DEFAULT },
		{ "NET_ADMIN", NULL, false, DEFAULT | B(NET_ADMIN) },
		{ NULL, "chown", false, DEFAULT & ~B(CHOWN) },
		{ "CHOWN", "CHOWN", false, DEFAULT },
		{ "SYS_ADMIN", "SYS_ADMIN", false, DEFAULT | B(SYS_ADMIN) },
		{ NULL, "ALL", false, 0 },
		{ NULL, "all CHOWN", false, 0 },
		{ "CAP_KILL net_raw", "ALL", false, B(KILL) | B(NET_RAW) },
		{ "ALL", NULL, false, all },
		{ "ALL", "SYS_ADMIN cap_bpf", false, all & ~B(SYS_ADMIN) & ~B(BPF) },
		{ "ALL", "ALL", false, all },
		{ "net_admin,net_raw", NULL, false, DEFAULT | B(NET_ADMIN) | B(NET_RAW) },
		{ NULL, "ALL", true, all },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_strv char **add = rows[i].add ? strv_split(rows[i].add, ' ') : NULL;
		auto_strv char **drop = rows[i].drop ? strv_split(rows[i].drop, ' ') : NULL;
		uint64_t got = 1ULL << 63;
		struct err e;
		int r = caps_resolve(add, drop, rows[i].priv, &got, &e);

		ok(r == 0 && got == rows[i].want, "add '%s' drop '%s'%s: %llx, want %llx",
		   rows[i].add ? rows[i].add : "", rows[i].drop ? rows[i].drop : "", rows[i].priv ? " privileged" : "",
		   (unsigned long long)got, (unsigned long long)rows[i].want);
	}
}

static void test_errors(void)
{
	char *bad[] = { (char[]) { "cap_foo" }, NULL }, *plain[] = { (char[]) { "foo" }, NULL };
	uint64_t got;
	struct err e;

	is_int(caps_resolve(bad, NULL, false, &got, &e), -EINVAL, "unknown capability");
	is_str(e.msg, "invalid CapAdd: unknown capability: \"CAP_FOO\"", "docker's words");
	is_int(caps_resolve(NULL, plain, true, &got, &e), -EINVAL, "also when privileged");
	is_str(e.msg, "invalid CapDrop: unknown capability: \"CAP_FOO\"", "docker's words");
}

int main(void)
{
	auto_strv char **names = caps_to_names(B(KILL) | B(CHOWN));
	auto_free char *joined = strv_join(names, " ");

	test_names();
	test_kernel();
	test_resolve();
	test_errors();
	is_str(joined, "CAP_CHOWN CAP_KILL", "names of a mask");
	return done();
}
