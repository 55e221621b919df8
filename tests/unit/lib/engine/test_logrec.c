/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/engine/logrec.h"

#include "tests/unit/tap.h"

#define WHEN "2026-01-02T03:04:05.000000006Z"

static void check_round_trip(void)
{
	static const struct {
		const char *data;
		size_t len;
	} v[] = { { "plain\n", 6 },
		  { "", 0 },
		  { "a\0b\n", 4 },
		  { "\"\\/\b\f\n\r\t\x01\x1f\x7f", 11 },
		  { "\xe2\x82\xac\xf0\x9f\x98\x80", 7 } };

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		auto_logrec struct logrec r = { 0 };
		auto_sbuf struct sbuf b = { 0 };

		logrec_append(&b, i % 2 ? "stderr" : "stdout", WHEN, v[i].data, v[i].len);
		ok(b.p[b.len - 1] == '\n' && logrec_parse(b.p, b.len - 1, &r), "record %zu is read", i);
		ok(r.text.len == v[i].len && (!v[i].len || !memcmp(r.text.p, v[i].data, v[i].len)),
		   "record %zu: its bytes", i);
		ok(r.is_stderr == i % 2, "record %zu: its stream", i);
		is_str(r.time, WHEN, "record %zu: its time", i);
		for (size_t n = 0; n + 2 < b.len; n++)
			if (logrec_parse(b.p, n, &r))
				ok(false, "record %zu cut to %zu bytes is refused", i, n);
	}
}

static void check_others(void)
{
	static const char *const bad[] = {
		"",
		"{}",
		"nonsense",
		"{\"log\":1,\"stream\":\"stdout\",\"time\":\"x\"}",
		"{\"log\":\"\\x\",\"stream\":\"stdout\",\"time\":\"x\"}",
		"{\"log\":\"\\u12\",\"stream\":\"stdout\",\"time\":\"x\"}",
		"{\"log\":\"\\ud800\",\"stream\":\"stdout\",\"time\":\"x\"}",
		"{\"log\":\"\\udc00\",\"stream\":\"stdout\",\"time\":\"x\"}",
		"{\"log\":\"a\",\"stream\":\"stdin\",\"time\":\"x\"}",
		"{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"\"}",
		"{\"log\":\"a\",\"stream\":\"stdout\"}",
		"{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"\033[2J\"}",
	};
	static const char docker[] =
		"{\"log\":\"\\u003ca\\u003e \\ud83d\\ude00\\u00e4\\n\",\"stream\":\"stderr\",\"time\":\"" WHEN "\"}";
	auto_logrec struct logrec r = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!logrec_parse(bad[i], strlen(bad[i]), &r), "refused: %s", bad[i]);
	ok(logrec_parse(docker, sizeof(docker) - 1, &r), "what docker writes");
	is_str(sbuf_str(&r.text), "<a> \xf0\x9f\x98\x80\xc3\xa4\n", "its escapes");
	ok(r.is_stderr, "its stream");
}

int main(void)
{
	check_round_trip();
	check_others();
	return done();
}
