/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/oci/kv.h"
#include "tests/unit/tap.h"

static struct json *parse(const char *s)
{
	struct json *j = NULL;
	struct err e = { 0 };

	if (json_parse(s, strlen(s), &j, &e) < 0)
		printf("# %s\n", e.msg);
	return j;
}

static void test_refused(void)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[1,]",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"{'a':1}",
		"[1 2]",
		"\"a",
		"\"\n\"",
		"/* c */ 1",
		"// c\n1",
		"{\"a\":1}x",
		"{\"a\":1} {}",
		"nul",
		"NULL",
		"True",
		"NaN",
		"[NaN]",
		"Infinity",
		"-Infinity",
		"-",
		"01",
		"1.",
		".5",
		"+1",
		"0x1",
		"1e",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u0000\"",
		"{\"a\\u0000b\":1}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1},\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"[{\"x\":{\"y\":1,\"y\":1}}]",
		"\"\xff\"",
		"\"\xc0\xaf\"",
		"{\"\xff\":1}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		auto_json struct json *j = NULL;
		struct err e = { 0 };
		int r = json_parse(bad[i], strlen(bad[i]), &j, &e);

		ok(r == -EINVAL && e.msg[0] && !j, "refuse %s", str_has_control(bad[i]) ? "(control)" : bad[i]);
	}
}

static void test_limits(void)
{
	auto_json struct json *j = NULL, *deep = NULL, *nul = NULL;
	char text[2 * 80 + 1];

	memset(text, '[', 80);
	memset(text + 80, ']', 80);
	is_int(json_parse(text, 160, &j, NULL), -EINVAL, "RG-07: 80 levels are too many");
	is_int(json_parse(text + 20, 120, &deep, NULL), 0, "60 levels are fine");
	is_int(json_parse("[1]\0", 4, &nul, NULL), -EINVAL, "a NUL behind the value");
	is_int(json_parse("[1] \n\t\r", 7, &nul, NULL), 0, "white space behind the value");
	ok(json_len(nul) == 1, "is no part of it");
}

static void test_values(void)
{
	auto_json struct json *j =
		parse("{\"s\":\"t\\u00e9\\n\",\"i\":-5,\"b\":true,\"d\":1.5,\"n\":null,\"a\":[\"x\",\"y\"],"
		      "\"o\":{\"k\":\"v\",\"l\":\"w\"},\"big\":9223372036854775808,\"huge\":"
		      "99999999999999999999999,\"mix\":[\"x\",1],\"e\":[]}");
	auto_free char *s = NULL;
	auto_strv char **v = NULL, **kv = NULL, **none = NULL;
	struct err e = { 0 };
	int64_t i = 7;
	bool b = false;
	size_t n = 0;

	is_str(json_get_str(j, "s"), "t\xc3\xa9\n", "string");
	is_int(json_get_i64(j, "i", 0), -5, "number");
	is_int(json_get_i64(j, "s", 3), 3, "number of another type is the default");
	ok(json_get_bool(j, "b", false), "boolean");
	ok(json_as_double(json_get(j, "d"), 0) == 1.5, "double");
	ok(!json_get(j, "n") && !json_get(j, "missing"), "null counts as not there");
	ok(!json_get(json_get(json_get(j, "missing"), "x"), "y"), "look-ups chain");
	ok(!json_get(json_get(j, "s"), "x") && !json_item(json_get(j, "o"), 0), "look-ups in the wrong type");
	is_int(json_len(j), 11, "members");
	is_str(json_as_str(json_item(json_get(j, "a"), 1)), "y", "item");
	ok(!json_item(json_get(j, "a"), 2), "item behind the end");

	is_int(json_read_str(j, "s", &s, &e), 0, "read a string");
	is_int(json_read_str(j, "missing", &s, &e), 0, "read a missing string");
	is_str(s, "t\xc3\xa9\n", "which leaves the old one");
	is_int(json_read_str(j, "i", &s, &e), -EINVAL, "read a number as a string");
	is_str(e.msg, "'i' is not a string", "says so");
	is_int(json_read_i64(j, "i", &i, &e), 0, "read a number");
	is_int(i, -5, "is it");
	is_int(json_read_i64(j, "big", &i, &e), -EINVAL, "2^63 does not fit");
	is_int(json_read_i64(j, "huge", &i, &e), -EINVAL, "nor do 23 digits");
	is_int(json_read_i64(j, "d", &i, &e), -EINVAL, "nor does 1.5");
	is_int(json_read_bool(j, "b", &b, &e) + !b, 0, "read a boolean");
	is_int(json_read_bool(j, "i", &b, &e), -EINVAL, "a number is none");
	is_int(json_read_strv(j, "a", &v, &e), 0, "read strings");
	ok(strv_len(v) == 2 && str_is_eq(v[1], "y"), "are they");
	is_int(json_read_strv(j, "mix", &v, &e), -EINVAL, "a number among strings");
	ok(strv_len(v) == 2, "leaves the old ones");
	is_int(json_read_strv(j, "e", &none, &e), 0, "an empty array");
	ok(!none, "is the empty vector");
	is_int(json_read_map(j, "o", &kv, &e), 0, "read a map");
	is_str(kv_get(kv, "l"), "w", "look up in it");
	is_int(json_read_map(j, "a", &kv, &e), -EINVAL, "an array is none");
	for (struct json_iter it = json_iter(json_get(j, "o")); json_next(&it); n++)
		is_str(it.key, n ? "l" : "k", "walk member %zu", n);
	is_int(n, 2, "walk both");
}

static void test_scalars(void)
{
	static const char *const texts[] = {
		"12", " 12 ", "-1", "true", "null", "\"a\"", "1.5", "[]", "{}", "0", "1e3"
	};
	static const enum json_kind kinds[] = { JSON_INT,    JSON_INT,	  JSON_INT,    JSON_BOOL,
						JSON_NULL,   JSON_STRING, JSON_DOUBLE, JSON_ARRAY,
						JSON_OBJECT, JSON_INT,	  JSON_DOUBLE };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		auto_json struct json *j = NULL;
		struct err e = { 0 };

		is_int(json_parse(texts[i], strlen(texts[i]), &j, &e), 0, "parse %s %s", texts[i], e.msg);
		is_int(json_kind(j), kinds[i], "its kind");
	}
}

static void test_writing(void)
{
	auto_json struct json *j = json_new_object(), *copy = NULL;
	auto_strv char **v = NULL, **kv = NULL;
	auto_free char *flat = NULL, *text = NULL, *again = NULL;
	struct json *o;

	strv_add(&v, "a/b");
	strv_add(&v, "<&>");
	kv_set(&kv, "z", "1");
	kv_set(&kv, "a", "2");
	kv_set(&kv, "z", "3");
	kv_set_text(&kv, "m=x=y");
	kv_set_text(&kv, "alone");
	json_set_str(j, "s", "q\"\\\b\f\n\r\t\x01\xe2\x80\xa8\xff\xc3\xa9\x7f");
	json_set_i64(j, "i", INT64_MIN);
	json_set_bool(j, "b", true);
	json_set_null(j, "n");
	json_set_strv(j, "v", v);
	json_set_strv(j, "empty", NULL);
	json_set_strv_or_null(j, "none", NULL);
	json_set_map(j, "kv", kv);
	json_set_map(j, "nokv", NULL);
	json_set_double(j, "d", 1.5);
	json_set_double(j, "whole", 1000);
	json_set_i64(j, "gone", 1);
	json_del(j, "gone");
	o = json_add_object(json_set_array(j, "list"));
	json_set_str(o, "x", NULL);
	json_set(j, "shared", json_share(o));
	flat = json_compact(j);
	is_str(flat,
	       "{\"s\":\"q\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u2028\\ufffd\xc3\xa9\x7f\",\"i\":-9223372036854775808,\"b\":"
	       "true,"
	       "\"n\":null,\"v\":[\"a/"
	       "b\",\"<&>\"],\"empty\":[],\"none\":null,\"kv\":{\"a\":\"2\",\"alone\":\"\",\"m\":\"x=y\","
	       "\"z\":\"3\"},\"nokv\":{},\"d\":1.5,\"whole\":1000,\"list\":[{\"x\":null}],\"shared\":{\"x\":null}}",
	       "compact");
	copy = json_dup(j);
	json_set_i64(copy, "i", 1);
	is_int(json_get_i64(j, "i", 0), INT64_MIN, "a copy is a copy");
	json_del(j, "s");
	json_del(j, "kv");
	json_del(j, "shared");
	text = json_pretty(j);
	is_str(text,
	       "{\n    \"i\": -9223372036854775808,\n    \"b\": true,\n    \"n\": null,\n    \"v\": [\n        "
	       "\"a/b\",\n"
	       "        \"<&>\"\n    ],\n    \"empty\": [],\n    \"none\": null,\n    \"nokv\": {},\n    \"d\": 1.5,\n"
	       "    \"whole\": 1000,\n    \"list\": [\n        {\n            \"x\": null\n        }\n    ]\n}",
	       "pretty, as docker inspect prints");
	again = json_compact(NULL);
	is_str(again, "null", "nothing is null");
}

int main(void)
{
	test_refused();
	test_limits();
	test_values();
	test_scalars();
	test_writing();
	return done();
}
