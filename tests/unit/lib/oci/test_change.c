/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/change.h"
#include "lib/oci/json.h"
#include "tests/unit/tap.h"

/* What the lines make of an empty config, or the message of the first that is refused. */
static char *change(const char *lines)
{
	auto_json struct json *config = json_new_object();
	auto_free char *copy = xstrdup(lines);
	struct err e = { 0 };

	for (char *line, *rest = copy; (line = strsep(&rest, "\n"));)
		if (change_apply(config, line, &e) < 0)
			return xstrdup(e.msg);
	return json_compact(config);
}

static void test_instructions(void)
{
	static const struct {
		const char *lines, *want;
	} cases[] = {
		{ "CMD [\"a\",\"b c\"]", "{\"Cmd\":[\"a\",\"b c\"]}" },
		{ "CMD a b", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"a b\"]}" },
		{ "cmd=a", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"a\"]}" },
		{ "ENTRYPOINT [\"x\"]", "{\"Entrypoint\":[\"x\"]}" },
		{ "ENV A=1 B=\"2 3\"\nENV A=4", "{\"Env\":[\"B=2 3\",\"A=4\"]}" },
		{ "ENV A b c", "{\"Env\":[\"A=b c\"]}" },
		{ "EXPOSE 80 53/udp", "{\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}}}" },
		{ "LABEL a=b \"c d\"=e", "{\"Labels\":{\"a\":\"b\",\"c d\":\"e\"}}" },
		{ "USER 1:2", "{\"User\":\"1:2\"}" },
		{ "VOLUME /a [\"/b\"]", "{\"Volumes\":{\"/a\":{},\"[/b]\":{}}}" },
		{ "VOLUME [\"/a\",\"/b\"]", "{\"Volumes\":{\"/a\":{},\"/b\":{}}}" },
		{ "WORKDIR /a\nWORKDIR b", "{\"WorkingDir\":\"/a/b\"}" },
		{ "STOPSIGNAL SIGINT", "{\"StopSignal\":\"SIGINT\"}" },
		{ "ONBUILD RUN x", "{\"OnBuild\":[\"RUN x\"]}" },
		/* Lists that were read from JSON grow. */
		{ "ONBUILD a\nONBUILD b\nONBUILD c\nONBUILD d\nONBUILD e",
		  "{\"OnBuild\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}" },
		{ "HEALTHCHECK NONE", "{\"Healthcheck\":{\"Test\":[\"NONE\"]}}" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_free char *got = change(cases[i].lines);

		is_str(got, cases[i].want, "change %zu", i);
	}
}

static void test_refusals(void)
{
	static const char *const lines[] = {
		"",	  "RUN x",     "ENV",  "ENV =x",  "EXPOSE 70000",	"EXPOSE x",
		"LABEL",  "LABEL \"a", "USER", "WORKDIR", "STOPSIGNAL no such", "HEALTHCHECK --interval=x CMD y",
		"ONBUILD"
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		auto_free char *got = change(lines[i]);

		ok(*got != '{', "refused: '%s' (%s)", lines[i], got);
	}
}

int main(void)
{
	test_instructions();
	test_refusals();
	return done();
}
