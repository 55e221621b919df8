/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format/list.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "tests/unit/tap.h"

#define DFLT "{{.ID}}\t{{.Image}}\t{{.Names}}"

static const struct format_column columns[] = {
	{ "ID", "CONTAINER ID" }, { "Image", "IMAGE" }, { "Names", "NAMES" }, { "Labels", "LABELS" }, { NULL, NULL },
};

static struct json *row(const char *id, const char *image, const char *name)
{
	struct json *j = json_new_object();

	json_set_str(j, "Names", name);
	json_set_str(j, "ID", id);
	json_set_str(j, "Image", image);
	json_set_str(j, "Labels", "");
	return j;
}

static char *list(const char *format, bool quiet, int rows, struct err *e)
{
	auto_format_list struct format_list *l = NULL;
	auto_json struct json *a = row("0123456789ab", "busybox", "web");
	auto_json struct json *b =
		row("ba9876543210", "registry.example/much/longer:tag", "d\xc3\xa9j\xc3\xa0\033[2J\nx");
	auto_json struct json *labels = json_new_object();
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int r;

	json_set_str(labels, "com.example.the-role", "db");
	r = quiet ? format_list_new_quiet(format, "ID", columns, &l, e) : format_list_new(format, DFLT, columns, &l, e);
	if (r == 0 && rows > 0)
		r = format_list_add(l, a, labels, e);
	if (r == 0 && rows > 1)
		r = format_list_add(l, b, NULL, e);
	f = open_memstream(&text, &len);
	if (r == 0)
		r = format_list_print(l, f, e);
	fclose(f);
	if (r < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void test_lists(void)
{
	static const struct {
		const char *format;
		bool quiet;
		int rows;
		const char *want;
	} t[] = {
		{ NULL, false, 0, "CONTAINER ID   IMAGE     NAMES\n" },
		{ NULL, false, 1, "CONTAINER ID   IMAGE     NAMES\n0123456789ab   busybox   web\n" },
		{ "table", false, 2,
		  "CONTAINER ID   IMAGE                              NAMES\n"
		  "0123456789ab   busybox                            web\n"
		  "ba9876543210   registry.example/much/longer:tag   d\xc3\xa9j\xc3\xa0?[2J?x\n" },
		{ "table {{.Names}}\\t{{.Label \"com.example.the-role\"}}", false, 1,
		  "NAMES     the role\nweb       db\n" },
		{ "table {{upper .Names}} {{.ID | json}}", false, 1, "NAMES CONTAINER ID\nWEB \"0123456789ab\"\n" },
		{ "{{.ID}}\\t{{.Names}}", false, 1, "0123456789ab\tweb\n" },
		{ "tables {{.ID}}", false, 1, "tables 0123456789ab\n" },
		{ "json", false, 1,
		  "{\"ID\":\"0123456789ab\",\"Image\":\"busybox\",\"Labels\":\"\",\"Names\":\"web\"}\n" },
		{ "{{json .}}", false, 0, "" },
		{ NULL, true, 2, "0123456789ab\nba9876543210\n" },
		{ "table", true, 1, "0123456789ab\n" },
		{ "{{.Names}}", true, 1, "web\n" },
	};
	auto_free char *heading = NULL;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		auto_free char *text = list(t[i].format, t[i].quiet, t[i].rows, &e);

		is_str(text, t[i].want, "list %zu %s", i, e.msg);
	}
	ok(!list("{{.Foo}}", false, 1, &e), "unknown placeholder");
	is_str(e.msg, "template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\"", "says");
	heading = list("table {{.Foo}}", false, 0, &e);
	is_str(heading, "<no value>\n", "heading of an unknown placeholder");
	ok(!list("{{.Foo", false, 1, &e), "broken template");
	is_str(e.msg, "template parsing error: template: :1: unclosed action", "says");
}

static char *inspect(const char *format, struct err *e)
{
	auto_json struct json *items = json_new_array();
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r;

	json_set_str(json_add_object(items), "Name", "a");
	json_set_str(json_add_object(items), "Name", "b");
	r = format_inspect(format, items, f, e);
	fclose(f);
	if (r < 0) {
		free(text);
		return NULL;
	}
	return text;
}

int main(void)
{
	auto_free char *one = NULL, *two = NULL, *three = NULL;
	auto_format_list struct format_list *l = NULL;
	struct err e = { 0 };

	test_lists();
	one = inspect("{{.Name}}", &e);
	is_str(one, "a\nb\n", "inspect with a template");
	two = inspect("json", &e);
	is_str(two, "[{\"Name\":\"a\"},{\"Name\":\"b\"}]\n", "inspect as JSON");
	three = inspect(NULL, &e);
	is_str(three, "[\n    {\n        \"Name\": \"a\"\n    },\n    {\n        \"Name\": \"b\"\n    }\n]\n",
	       "inspect");
	ok(!inspect("{{.Nope}}", &e), "inspect something that is not there");
	is_str(e.msg,
	       "template parsing error: template: :1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\"",
	       "says");
	is_int(format_list_new("table {{.ID}}", DFLT, columns, &l, &e), 0, "uses");
	ok(format_list_uses(l, "ID") && !format_list_uses(l, "Size"), "placeholders");
	return done();
}
