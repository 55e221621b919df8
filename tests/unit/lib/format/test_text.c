/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format/text.h"

#include <stdlib.h>

#include "lib/base/str.h"
#include "lib/base/time.h"
#include "lib/format/names.h"
#include "tests/unit/tap.h"

#define SECOND NSEC_PER_SEC
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void test_durations(void)
{
	static const struct {
		int64_t ns;
		const char *want;
	} t[] = {
		{ -5, "Less than a second" }, { SECOND - 1, "Less than a second" },
		{ SECOND, "1 second" },	      { 59 * SECOND, "59 seconds" },
		{ MINUTE, "About a minute" }, { 119 * SECOND, "About a minute" },
		{ 2 * MINUTE, "2 minutes" },  { 59 * MINUTE, "59 minutes" },
		{ HOUR, "About an hour" },    { 89 * MINUTE, "About an hour" },
		{ 90 * MINUTE, "2 hours" },   { 47 * HOUR, "47 hours" },
		{ 48 * HOUR, "2 days" },      { 13 * DAY, "13 days" },
		{ 14 * DAY, "2 weeks" },      { 59 * DAY, "8 weeks" },
		{ 60 * DAY, "2 months" },     { 729 * DAY, "24 months" },
		{ 2 * 365 * DAY, "2 years" },
	};
	char buf[FORMAT_LEN];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		is_str(format_duration(t[i].ns, buf), t[i].want, "%lld ns", (long long)t[i].ns);
	is_str(format_ago(time_now() - 3 * HOUR, buf), "3 hours ago", "ago");
	is_str(format_ago(0, buf), "", "never");
}

static void test_sizes(void)
{
	char buf[FORMAT_LEN];

	is_str(format_size(0, 3, buf), "0B", "nothing");
	is_str(format_size(999, 4, buf), "999B", "bytes");
	is_str(format_size(1000, 4, buf), "1kB", "a kilobyte");
	is_str(format_size(1239000, 3, buf), "1.24MB", "three digits");
	is_str(format_size(1239000, 4, buf), "1.239MB", "four digits");
	is_str(format_size(116900000, 3, buf), "117MB", "rounded");
	is_str(format_size(UINT64_MAX, 4, buf), "18.45EB", "the largest");
	is_str(format_size_binary(64 << 20, buf), "64MiB", "binary");
	is_str(format_size_binary(1500, buf), "1.465KiB", "binary with a fraction");
	is_str(format_short_id("sha256:0123456789abcdef", buf), "0123456789ab", "digest");
	is_str(format_short_id("0123456789abcdef", buf), "0123456789ab", "id");
	is_str(format_short_id(NULL, buf), "", "no id");
	setenv("TZ", "UTC", 1);
	is_str(format_time_local(1706695200LL * SECOND, buf), "2024-01-31 10:00:00 +0000 UTC", "time");
}

static void test_plain(void)
{
	static const struct {
		const char *text, *want;
		bool lines;
	} t[] = {
		{ "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3", "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3",
		  false },
		{ "a\033[2Jb\033]52;c;eA==\a", "a?[2Jb?]52;c;eA==?", false },
		{ "a\nb\tc\r", "a\nb\tc?", true },
		{ "a\nb\tc\r", "a?b?c?", false },
		{ "\xc2\x9b"
		  "31m",
		  "?31m", true },		       /* CSI as one C1 character */
		{ "\x9b\xff\xc0\x80", "????", false }, /* no UTF-8 */
		{ "\xed\xa0\x80", "???", false },      /* a surrogate */
		{ "\xe2\x80\xaetxt", "?txt", false },  /* right-to-left override */
		{ "\x7f", "?", false },
		{ "\xe2\x82", "??", false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		auto_sbuf struct sbuf b = { 0 };

		format_plain(&b, t[i].text, strlen(t[i].text), t[i].lines);
		is_str(sbuf_str(&b), t[i].want, "plain %zu", i);
	}
	is_int(format_width("a\xc3\xa9\xf0\x9f\x90\xb3\xff", 8), 4, "characters");
}

static void test_truncate(void)
{
	static const struct {
		const char *text;
		size_t max;
		const char *want;
	} t[] = { { "short", 5, "short" },
		  { "longer", 5, "long\xe2\x80\xa6" },
		  { "\xc3\xa9\xc3\xa9\xc3\xa9", 2, "\xc3\xa9\xe2\x80\xa6" },
		  { "abc", 1, "\xe2\x80\xa6" },
		  { "abc", 0, "" } };

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		auto_sbuf struct sbuf b = { 0 };

		format_truncate(&b, t[i].text, t[i].max);
		is_str(sbuf_str(&b), t[i].want, "truncate %zu", i);
	}
}

static void test_names(void)
{
	char a[NAMES_MAX];
	bool fine = true;

	for (int i = 0; i < 1000; i++) {
		const char *bar;

		names_random(a);
		bar = strchr(a, '_');
		fine = fine && bar && bar > a && bar[1] && strspn(a, "abcdefghijklmnopqrstuvwxyz_") == strlen(a);
	}
	ok(fine, "names are two words");
}

int main(void)
{
	test_durations();
	test_sizes();
	test_plain();
	test_truncate();
	test_names();
	return done();
}
