/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/envfile.h"
#include "lib/oci/kv.h"
#include "tests/unit/tap.h"

static char *host_vars[] = { (char[]) { "HOME=/root" }, (char[]) { "EMPTY=" }, (char[]) { "A B=no" }, NULL };

/* What the file's lines make, joined by |; or its message. */
static char *parse(const char *text, size_t len)
{
	auto_strv char **env = NULL;
	struct err e = { 0 };

	if (envfile_parse(text, len, "f", host_vars, &env, &e) < 0)
		return xstrdup(e.msg);
	return strv_join(env, "|");
}

static void test_files(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "A=1\nB=2\n", "A=1|B=2" },
		{ "A=1\r\nB=2", "A=1|B=2" },
		{ "\xef\xbb\xbf"
		  "A=1\n",
		  "A=1" },
		{ "# comment\n\n  \t\n  # another\nA=1\n", "A=1" },
		{ "A=x # no comment \n", "A=x # no comment " },
		{ "   A= b = c \n", "A= b = c " },
		{ "A=\"quoted\"\nB='q'\n", "A=\"quoted\"|B='q'" },
		{ "A=$HOME\\n\n", "A=$HOME\\n" },
		{ "A=\n", "A=" },
		{ "HOME\nMISSING\nEMPTY\n", "HOME=/root|EMPTY=" },
		{ "A=1\nA=2\nB=3\n", "A=2|B=3" },
		{ "a.b-c=1\n1=x\n", "a.b-c=1|1=x" },
		{ "A=\xc3\xa9\n", "A=\xc3\xa9" },
		{ "=x\n", "f: line 1: no variable name on line '=x'" },
		{ "A=1\nB C=2\n", "f: line 2: variable 'B C' contains whitespaces" },
		{ "export A=1\n", "f: line 1: variable 'export A' contains whitespaces" },
		{ "HOME \n", "f: line 1: variable 'HOME ' contains whitespaces" },
		{ "A\tB\n", "f: line 1: variable 'A\tB' contains whitespaces" },
		{ "A=1\nB=\xff\n", "f: line 2 contains invalid utf8 bytes" },
		{ "A=1\n\xef\xbb\xbf"
		  "B=2",
		  "A=1|\xef\xbb\xbf"
		  "B=2" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_free char *got = parse(cases[i].text, strlen(cases[i].text));

		is_str(got, cases[i].want, "env file %zu", i);
	}
}

static void test_limits(void)
{
	size_t len = 200000;
	auto_free char *big = xmalloc(len), *got = NULL, *nul = parse("A=1\nB=\0x\n", 9);
	auto_strv char **env = NULL;
	struct err e = { 0 };

	memset(big, 'x', len);
	big[1] = '=';
	got = parse(big, len);
	is_str(got, "f: line 1 is longer than 131072 bytes", "a line that is too long");
	is_str(nul, "f: line 2 contains a NUL character", "a NUL");
	is_int(envfile_load("/nonexistent/file", NULL, &env, &e), -ENOENT, "a file that is not there");
	is_str(e.msg, "open /nonexistent/file: No such file or directory", "names it");
}

static void test_options(void)
{
	auto_strv char **env = NULL, **labels = NULL;
	struct err e = { 0 };

	env_set(&env, "PATH=/bin");
	env_set(&env, "LANG=C");
	ok(env_set_option(&env, "A=b=c", host_vars, &e) == 0 && str_is_eq(env_get(env, "A"), "b=c"), "-e A=b=c");
	ok(env_set_option(&env, "PATH=/sbin", host_vars, &e) == 0 && str_is_eq(env[0], "PATH=/sbin"),
	   "-e replaces in place");
	ok(env_set_option(&env, "HOME", host_vars, &e) == 0 && str_is_eq(env_get(env, "HOME"), "/root"),
	   "-e HOME inherits");
	ok(env_set_option(&env, "LANG", host_vars, &e) == 0 && !env_get(env, "LANG"), "-e of an unset name removes");
	is_int(strv_len(env), 3, "three are left");
	is_int(env_set_option(&env, "=x", host_vars, &e), -EINVAL, "-e =x");
	is_str(e.msg, "invalid environment variable: =x", "in docker's words");
	is_int(env_set_option(&env, "", host_vars, &e), -EINVAL, "-e ''");
	ok(!env_get(env, "PAT") && !env_get(env, "PATHX") && !env_get(NULL, "A"), "names match whole");
	ok(env_is_entry("A=") && env_is_entry("_x=1") && env_is_entry("a b=1"),
	   "RT-18: entries that an image may have");
	ok(!env_is_entry("PATH") && !env_is_entry("*") && !env_is_entry("=x") && !env_is_entry("1A=x") &&
		   !env_is_entry(""),
	   "RT-18: entries that it may not");
	is_int(labelfile_parse("a=b\nc\n#d\n", 9, "l", &labels, &e), 0, "labels");
	ok(kv_len(labels) == 2 && str_is_eq(kv_get(labels, "a"), "b") && str_is_eq(kv_get(labels, "c"), ""), "are two");
}

int main(void)
{
	test_files();
	test_limits();
	test_options();
	return done();
}
