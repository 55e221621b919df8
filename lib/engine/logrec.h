/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One record of a json-file log: {"log":"text\n","stream":"stdout","time":"..."}, as docker writes it. Read without a
 * JSON tree: logs are large, and their text may hold anything, escaped NULs too.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"
#include "lib/base/time.h"

/**
 * struct logrec - a record that was read
 * @text:	its bytes; kept for the next one, release with logrec_done()
 * @is_stderr:	which stream
 * @time:	RFC 3339
 */
struct logrec {
	struct sbuf text;
	bool is_stderr;
	char time[TIME_RFC3339_LEN];
};

void logrec_append(struct sbuf *b, const char *stream, const char *time, const char *data, size_t len);
/* Return: false for a damaged record. */
bool logrec_parse(const char *line, size_t len, struct logrec *ret);
void logrec_done(struct logrec *r);
#define auto_logrec __attribute__((cleanup(logrec_done)))
