/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/oci/passwd.h"
#include "tests/unit/tap.h"

static const char passwd_text[] = "root:x:0:0:root:/root:/bin/sh\n"
				  "# comment:x:5:5::/:\n"
				  "\n"
				  "daemon:x:1:1\n"
				  "user:x:1000:1001:A User:/home/user:/bin/bash\n"
				  "user:x:9:9::/second:\n"
				  "0:x:77:77::/zero:\n"
				  "1000:x:78:78::/thousand:\n"
				  "bad:x:4294967295:0::/:\n"
				  "bad:x:-1:0::/:\n"
				  "bad:x:1x:0::/:\n"
				  "bad:x::0::/:\n"
				  ":x:80:80::/:\n"
				  "max:x:4294967294:4294967294::/max:\n"
				  "last:x:6:6::/last:/bin/sh";
static const char group_text[] = "root:x:0:\n"
				 "users:x:1001:\n"
				 "adm:x:4:root,user\n"
				 "wheel:x:10:user,daemon\n"
				 "also:x:10:user\n"
				 "dup:x:1001:user\n"
				 "use:x:11:users,xuser,userx\n"
				 "bad:x:x:user\n"
				 "1001:x:99:user\n";

static const struct passwd_file passwd = { passwd_text, sizeof(passwd_text) - 1 };
static const struct passwd_file group = { group_text, sizeof(group_text) - 1 };
static const struct passwd_file no_file = { NULL, 0 };

/* "uid:gid home groups", or the message. */
static char *resolve(const char *spec, struct passwd_file p, struct passwd_file g, char *const *extra)
{
	auto_user struct run_user u = { 0 };
	auto_sbuf struct sbuf b = { 0 };
	struct err e = { 0 };

	if (user_resolve(spec, p, g, extra, &u, &e) < 0)
		return xstrdup(e.msg);
	sbuf_printf(&b, "%u:%u %s", u.uid, u.gid, u.home ? u.home : "-");
	for (size_t i = 0; i < u.n_groups; i++)
		sbuf_printf(&b, "%c%u", i ? ',' : ' ', u.groups[i]);
	return sbuf_take(&b);
}

static void test_resolve(void)
{
	static const struct {
		const char *spec, *want;
	} cases[] = {
		{ NULL, "0:0 /root 0,4" },
		{ "", "0:0 /root 0,4" },
		{ "root", "0:0 /root 0,4" },
		{ "user", "1000:1001 /home/user 1001,4,10,99" },
		{ "1000", "1000:1001 /home/user 1001,4,10,99" },
		{ "user:", "1000:1001 /home/user 1001,4,10,99" },
		{ "user:wheel", "1000:10 /home/user 10" },
		{ "user:5", "1000:5 /home/user 5" },
		{ "1000:1000", "1000:1000 /home/user 1000" },
		{ "1234", "1234:0 - 0" },
		{ "1234:adm", "1234:4 - 4" },
		{ ":wheel", "0:10 /root 10" },
		{ "daemon", "1:1 - 1,10" },
		{ "0", "0:0 /root 0,4" },
		{ "00", "0:0 /root 0,4" },
		{ "77", "77:77 /zero 77" },
		{ "last", "6:6 /last 6" },
		{ "4294967294", "4294967294:4294967294 /max 4294967294" },
		{ "user:1001", "1000:1001 /home/user 1001" },
		{ "4294967295", "user id 4294967295 is out of range (0-4294967294)" },
		{ "4294967296", "user id 4294967296 is out of range (0-4294967294)" },
		{ "18446744073709551616", "user id 18446744073709551616 is out of range (0-4294967294)" },
		{ "1000:4294967296", "group id 4294967296 is out of range (0-4294967294)" },
		{ "-1", "unable to find user -1: no matching entries in passwd file" },
		{ "+0", "unable to find user +0: no matching entries in passwd file" },
		{ "0x0", "unable to find user 0x0: no matching entries in passwd file" },
		{ "1000 ", "unable to find user 1000 : no matching entries in passwd file" },
		{ " 0", "unable to find user  0: no matching entries in passwd file" },
		{ "nobody", "unable to find user nobody: no matching entries in passwd file" },
		{ "bad", "unable to find user bad: no matching entries in passwd file" },
		{ "user:nogroup", "unable to find group nogroup: no matching entries in group file" },
		{ "user:bad", "unable to find group bad: no matching entries in group file" },
		{ "user:a:b", "unable to find group a:b: no matching entries in group file" },
		{ "a\nb", "unable to find user ?: no matching entries in passwd file" },
	};
	auto_free char *bare = resolve("", no_file, no_file, NULL),
		       *bare_name = resolve("user", no_file, no_file, NULL);
	char *extra[] = { (char[]) { "wheel" }, (char[]) { "4" }, (char[]) { "5" }, (char[]) { "5" }, NULL };
	char *wrong[] = { (char[]) { "none" }, NULL };
	auto_free char *more = resolve("user:5", passwd, group, extra), *none = resolve("user", passwd, group, wrong);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_free char *got = resolve(cases[i].spec, passwd, group, NULL);

		is_str(got, cases[i].want, "RT-11: -u '%s'",
		       cases[i].spec && !str_has_control(cases[i].spec) ? cases[i].spec : "?");
	}
	is_str(bare, "0:0 - 0", "no files: root");
	is_str(bare_name, "unable to find user user: no matching entries in passwd file", "no files: no names");
	is_str(more, "1000:5 /home/user 5,4,10", "RT-12: --group-add");
	is_str(none, "unable to find group none: no matching entries in group file",
	       "RT-12: --group-add of an unknown group");
}

static void test_find(void)
{
	auto_user struct run_user u = { 0 };
	auto_free char *name = NULL;
	uint32_t gid;

	ok(passwd_find_uid(passwd, 1000, &u) == 0 && str_is_eq(u.name, "user"), "by uid");
	ok(group_find_gid(group, 10, &name) == 0 && str_is_eq(name, "wheel"), "group by gid");
	ok(group_find_name(group, "users", &gid) == 0 && gid == 1001, "group by name");
	ok(group_find_name(group, "no", &gid) == -ENOENT && group_find_gid(group, 12345, NULL) == -ENOENT, "no group");
	user_done(&u);
	ok(passwd_find_name(passwd, "0", &u) == 0 && u.uid == 77, "by name");
	user_done(&u);
	is_int(passwd_find_uid(passwd, 5, &u), -ENOENT, "a comment is no entry");
}

/* RT-19: what an image may put there must cost neither time nor memory. */
static void test_hostile(void)
{
	auto_sbuf struct sbuf many = { 0 }, wide = { 0 };
	auto_free char *got = NULL, *wide_got = NULL;
	int64_t t;

	for (unsigned i = 0; i < 200000; i++)
		sbuf_printf(&many, "g:x:%u:user\n", i);
	t = time_mono();
	got = resolve("user", passwd, (struct passwd_file) { many.p, many.len }, NULL);
	t = time_mono() - t;
	ok(got && str_has_prefix(got, "more than") + str_has_prefix(got, "1000:1001"), "200000 groups: %.60s", got);
	ok(t < 2000000000, "in %lld us", (long long)t / 1000);
	sbuf_adds(&wide, "adm:x:4:a");
	for (int i = 0; i < 1000000; i++)
		sbuf_adds(&wide, ",b");
	sbuf_adds(&wide, ",user\nwheel:x:10:user\n");
	wide_got = resolve("user", passwd, (struct passwd_file) { wide.p, wide.len }, NULL);
	is_str(wide_got, "1000:1001 /home/user 1001",
	       "a line of 2 MB is passed over, and what is behind 1 MiB is not read");
}

/* "start+count ..." or the message. */
static char *subid(const char *text, const char *name, uint32_t uid)
{
	auto_free struct subid_range *v = NULL;
	auto_sbuf struct sbuf b = { 0 };
	struct err e = { 0 };
	size_t n = 0;

	if (subid_parse(text, strlen(text), "subuid", name, uid, 1000, &v, &n, &e) < 0)
		return xstrdup(e.msg);
	for (size_t i = 0; i < n; i++)
		sbuf_printf(&b, "%s%u+%u", i ? " " : "", v[i].start, v[i].count);
	return sbuf_take(&b);
}

static void test_subid(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "user:100000:65536\n", "100000+65536" },
		{ "1000:100000:65536", "100000+65536" },
		{ "user:100000:65536\n1000:300000:10\nother:1:1\n", "100000+65536 300000+10" },
		{ "user:100000:65536\n1000:100000:65536\n", "100000+65536" },
		{ "use:1:1\nuserx:1:1\n10000:1:1\n100:1:1\n*:1:1\n", "" },
		{ "other:0:4294967295\nother:x:y\nuser:100000:1\n", "100000+1" },
		{ "#user:1:1\n\nuser:100000:1\n", "100000+1" },
		{ "user:4294967290:5\n", "4294967290+5" },
		{ "user:4294967290:6\n", "subuid: line 1: the range goes beyond 4294967294" },
		{ "user:100000:4294967295\n", "subuid: line 1: the range goes beyond 4294967294" },
		{ "user:4294967295:1\n", "subuid: line 1: the range goes beyond 4294967294" },
		{ "user:0:10\n", "subuid: line 1: the range holds id 0" },
		{ "user:1000:1\n", "subuid: line 1: the range holds your own id 1000" },
		{ "a:1:1\nuser:1:1000\n", "subuid: line 2: the range holds your own id 1000" },
		{ "user:1001:10\n", "1001+10" },
		{ "user:1:999\n", "1+999" },
		{ "user:100000:0\n", "subuid: line 1: the range is empty" },
		{ "user:100000\n", "subuid: line 1: not name:start:count" },
		{ "user:100000:1:1\n", "subuid: line 1: not name:start:count" },
		{ "user:-1:1\n", "subuid: line 1: not name:start:count" },
		{ "user:100000:4294967296\n", "subuid: line 1: not name:start:count" },
		{ "user: 100000:1\n", "subuid: line 1: not name:start:count" },
		{ "user:100000:10\nuser:100009:10\n", "subuid: line 2: the range overlaps another one of yours" },
		{ "user:100009:10\nuser:100000:10\n", "subuid: line 2: the range overlaps another one of yours" },
		{ "user:100000:10\nuser:100010:10\n", "100000+10 100010+10" },
		{ "user:100000:100\nuser:100010:10\n", "subuid: line 2: the range overlaps another one of yours" },
	};
	auto_free char *by_id = subid("user:100000:10\n1000:200000:10\n", NULL, 1000);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_free char *got = subid(cases[i].text, "user", 1000);

		is_str(got, cases[i].want, "UN-02: subordinate ids %zu", i);
	}
	is_str(by_id, "200000+10", "UN-02: a user without a name");
}

int main(void)
{
	test_resolve();
	test_find();
	test_hostile();
	test_subid();
	return done();
}
