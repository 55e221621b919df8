/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/format/text.h"

#define PADDING	  3
#define MIN_WIDTH 10

/**
 * struct line - one line
 * @cells:	its cells; the last one does not end with a tab, so no column comes of it
 * @widths:	of the columns that the cells stand in
 * @n:		how many cells
 */
struct line {
	char **cells;
	size_t *widths;
	size_t n;
};

static void add_line(struct line *l, const char *text, size_t len)
{
	auto_sbuf struct sbuf plain = { 0 };

	format_plain(&plain, text, len, true);
	l->cells = strv_split(sbuf_str(&plain), '\t');
	if (!l->cells)
		strv_add(&l->cells, "");
	l->n = strv_len(l->cells);
	l->widths = xcalloc(l->n, sizeof(*l->widths));
}

/* Column @c from line @i on, as far as it goes. Return: the line behind it. */
static size_t measure(struct line *lines, size_t n, size_t i, size_t c)
{
	size_t width = MIN_WIDTH, end = i;

	for (; end < n && lines[end].n > c + 1; end++) {
		const char *cell = lines[end].cells[c];
		size_t w = format_width(cell, strlen(cell)) + PADDING;

		width = w > width ? w : width;
	}
	for (size_t k = i; k < end; k++)
		lines[k].widths[c] = width;
	return end;
}

static void print_line(const struct line *l, FILE *f)
{
	for (size_t c = 0; c < l->n; c++) {
		size_t w = format_width(l->cells[c], strlen(l->cells[c]));

		fputs(l->cells[c], f);
		if (c + 1 < l->n)
			fprintf(f, "%*s", (int)(l->widths[c] - w), "");
	}
	fputc('\n', f);
}

/**
 * table_print() - Print aligned lines
 * @text:	Lines, each ended by a newline
 * @len:	Length
 * @f:		Where to
 */
void table_print(const char *text, size_t len, FILE *f)
{
	size_t n = 0, max = 0, columns = 0;
	struct line *lines;

	for (size_t i = 0; i < len; i++)
		max += text[i] == '\n';
	lines = xcalloc(max, sizeof(*lines));
	for (const char *p = text, *nl; n < max && (nl = memchr(p, '\n', len - (size_t)(p - text))); p = nl + 1) {
		add_line(&lines[n], p, (size_t)(nl - p));
		columns = lines[n].n > columns ? lines[n].n : columns;
		n++;
	}
	for (size_t c = 0; c + 1 < columns; c++)
		for (size_t i = 0; i < n;) {
			size_t end = measure(lines, n, i, c);

			i = end > i ? end : i + 1;
		}
	for (size_t i = 0; i < n; i++) {
		print_line(&lines[i], f);
		strv_free(lines[i].cells);
		free(lines[i].widths);
	}
	free(lines);
}
