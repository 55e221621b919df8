/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/csv.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

/* The quoted field whose quote is at *@p; "" in it is one quote. Leaves *@p behind the closing quote. */
static int take_quoted(const char **p, struct sbuf *b, const char *text, struct err *e)
{
	const char *s = *p + 1;

	for (;; s++) {
		if (!*s)
			return err_say(e, EINVAL, "parse error in '%s': a quote is not closed", text);
		if (*s == '"' && *++s != '"')
			break;
		sbuf_addc(b, *s);
	}
	if (*s && *s != ',')
		return err_say(e, EINVAL, "parse error in '%s': text behind a quoted field", text);
	*p = s;
	return 0;
}

/**
 * csv_split() - Split one line of comma-separated values
 * @text:	The line
 * @ret:	The fields, owned; at least one
 * @e:		Failure
 *
 * Return: 0 or -EINVAL for wrong quotes and control characters
 */
int csv_split(const char *text, char ***ret, struct err *e)
{
	auto_strv char **v = NULL;
	const char *p = text;

	if (str_has_control(text))
		return err_say(e, EINVAL, "control characters are not allowed in options");
	for (;;) {
		auto_sbuf struct sbuf b = { 0 };

		if (*p == '"') {
			int r = take_quoted(&p, &b, text, e);

			if (r < 0)
				return r;
		} else {
			size_t n = strcspn(p, ",\"");

			if (p[n] == '"')
				return err_say(e, EINVAL, "parse error in '%s': bare \" in non-quoted field", text);
			sbuf_add(&b, p, n);
			p += n;
		}
		strv_add_take(&v, sbuf_take(&b));
		if (!*p)
			break;
		p++;
	}
	*ret = take_ptr(&v);
	return 0;
}
