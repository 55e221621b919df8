/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "tests/unit/tap.h"

static void test_strv_new(void)
{
	for (size_t n = 0; n < 20; n++) {
		auto_strv char **v = strv_new(n);

		for (size_t i = 0; i < n; i++)
			v[i] = xstrdup("x");
		for (size_t i = 0; i < 20; i++)
			strv_add(&v, "y");
		is_int(strv_len(v), n + 20, "a vector of %zu by hand grows", n);
	}
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		int r;
		uint32_t v;
	} rows[] = {
		{ "0", 0, 0 },
		{ "4294967295", 0, 4294967295U },
		{ "4294967296", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t v = 0;

		is_int(str_to_u32(rows[i].text, &v), rows[i].r, "str_to_u32('%s') returns", rows[i].text);
		is_int(v, rows[i].v, "str_to_u32('%s') gives", rows[i].text);
	}
}

static void test_durations(void)
{
	int64_t ns = 0;

	is_int(str_to_duration("1m30s", &ns), 0, "1m30s is a duration");
	is_int(ns, 90000000000LL, "of 90 s");
	is_int(str_to_duration("10", &ns), 0, "plain seconds are one");
	is_int(ns, 10000000000LL, "of 10 s");
	ok(str_to_duration("ten", &ns) < 0, "words are none");
}

static void test_vectors(void)
{
	auto_strv char **v = strv_split("a::b", ':');
	auto_free char *joined = strv_join(v, ",");

	is_int(strv_len(v), 3, "empty parts count");
	is_str(joined, "a,,b", "and come back");
	ok(strv_has(v, "b") && !strv_has(v, "c"), "strv_has finds whole words");
}

int main(void)
{
	test_strv_new();
	test_numbers();
	test_durations();
	test_vectors();
	return done();
}
