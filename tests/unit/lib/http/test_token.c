/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/token.h"

#include <errno.h>
#include <string.h>

#include "lib/oci/auth.h"
#include "tests/unit/tap.h"

static void token(const char *text, const char *want)
{
	struct err e = { 0 };
	char *got = NULL;
	int r = token_parse(text, strlen(text), &got, &e);

	is_int(r, want ? 0 : -EINVAL, "%.60s", text);
	is_str(got, want, "the token");
	ok(want || e.msg[0], "a failure says why");
	secret_free(got);
}

int main(void)
{
	token("{\"token\":\"abc.def-_~+/=\",\"expires_in\":300}", "abc.def-_~+/=");
	token("{\"access_token\":\"x\"}", "x");
	token("{\"token\":\"\",\"access_token\":\"x\"}", "x");
	token("{\"token\":null,\"access_token\":\"x\"}", "x");
	token("{\"token\":\"a\",\"access_token\":\"b\"}", "a");
	token("{\"token\":\"a\\r\\nX-Evil: 1\"}", NULL);
	token("{\"token\":\"a b\"}", NULL);
	token("{\"token\":7}", NULL);
	token("{}", NULL);
	token("[]", NULL);
	token("", NULL);
	token("<html>", NULL);
	token("{\"token\":\"a\",\"token\":\"b\"}", NULL);
	return done();
}
