/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: rows are drawn as one block, the cursor behind it; a redraw moves up by the height of the block
 * that was drawn, clears to the end of the screen and writes the block again, all in one write(2). The terminal's size
 * is asked for at each redraw, so a resize shows at the next one; rows are cut to its width, because a wrapped row
 * would break the count, and where the screen is lower than the block only its last rows are drawn.
 */
#include "lib/format/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/time.h"

#define REDRAW_NS     (100 * NSEC_PER_MSEC)
#define BAR_WIDTH     50
#define BAR_WIDTH_MIN 8
#define BAR_FRAME     4 /* its brackets and the blanks behind it */
#define GREEN	      "\033[32m"
#define PLAIN	      "\033[0m"

struct row {
	char *id;
	char *status;
	uint64_t done;
	uint64_t total;
};

/**
 * struct progress - rows on a terminal or lines in a log
 * @drawn:	rows of the block that is on the screen
 * @dirty:	something changed since it was drawn
 * @last:	when that was
 */
struct progress {
	int fd;
	enum progress_mode mode;
	bool color;
	struct row *rows;
	size_t n;
	size_t drawn;
	bool dirty;
	int64_t last;
};

/**
 * progress_mode_for() - How to show progress on a descriptor
 * @fd:	Where it is to be shown
 *
 * Return: PROGRESS_BARS for a terminal (TERM=dumb aside), else PROGRESS_PLAIN
 */
enum progress_mode progress_mode_for(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && strcmp(term, "dumb") ? PROGRESS_BARS : PROGRESS_PLAIN;
}

/**
 * progress_new() - Start to show progress
 * @fd:		Where; stays the caller's
 * @mode:	How
 *
 * Return: owned; release with progress_free()
 */
struct progress *progress_new(int fd, enum progress_mode mode)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	const char *no_color = getenv("NO_COLOR");

	p->fd = fd;
	p->mode = mode;
	p->color = !no_color || !*no_color;
	return p;
}

/* 12.3MB as docker writes: four significant digits at most, base 1000. */
static void put_size(struct sbuf *b, uint64_t n)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double v = (double)n;
	size_t u = 0;

	while (v >= 1000 && u + 1 < sizeof(units) / sizeof(*units)) {
		v /= 1000;
		u++;
	}
	sbuf_printf(b, "%.4g%s", v, units[u]);
}

static void put_bar(struct sbuf *b, uint64_t done, uint64_t total, size_t width)
{
	size_t full = total ? (size_t)((double)done / (double)total * (double)width) : 0;

	if (full > width)
		full = width;
	sbuf_addc(b, '[');
	for (size_t i = 0; i < width; i++)
		sbuf_addc(b, i < full ? '=' : i == full ? '>' : ' ');
	sbuf_adds(b, "]  ");
}

/**
 * progress_row_text() - One row as it is drawn
 * @b:		Where to append it
 * @id:		What the row is about
 * @status:	What happens to it
 * @done:	How far
 * @total:	Of how much; 0: no bar
 * @width:	Columns of the terminal; longer text is cut, a bar that does not fit is left out
 * @color:	May escape sequences be used for colours?
 */
void progress_row_text(struct sbuf *b, const char *id, const char *status, uint64_t done, uint64_t total, size_t width,
		       bool color)
{
	auto_sbuf struct sbuf line = { 0 }, size = { 0 };
	bool green = color && !total && str_has_suffix(status, "complete");
	size_t used;

	sbuf_printf(&line, "%s: %s ", id, status);
	if (total) {
		put_size(&size, done > total ? total : done);
		sbuf_addc(&size, '/');
		put_size(&size, total);
		used = line.len + BAR_FRAME + size.len;
		if (used + BAR_WIDTH_MIN <= width)
			put_bar(&line, done, total, width - used < BAR_WIDTH ? width - used : BAR_WIDTH);
		sbuf_adds(&line, sbuf_str(&size));
	}
	if (line.len > width)
		line.len = width;
	sbuf_adds(b, green ? GREEN : "");
	sbuf_add(b, sbuf_str(&line), line.len);
	sbuf_adds(b, green ? PLAIN : "");
}

static void screen(int fd, size_t *rows, size_t *columns)
{
	struct winsize w;

	*rows = 24;
	*columns = 80;
	if (ioctl(fd, TIOCGWINSZ, &w) < 0)
		return;
	if (w.ws_row)
		*rows = w.ws_row;
	if (w.ws_col)
		*columns = w.ws_col;
}

/* Back to the first row of the block that is on the screen, and clear from there. */
static void put_erase(struct progress *p, struct sbuf *b)
{
	if (p->drawn)
		sbuf_printf(b, "\r\033[%zuA\033[J", p->drawn);
	p->drawn = 0;
}

static void put_rows(struct progress *p, struct sbuf *b, bool all)
{
	size_t height, width, first;

	screen(p->fd, &height, &width);
	first = !all && p->n >= height ? p->n - height + 1 : 0;
	for (size_t i = first; i < p->n; i++) {
		const struct row *r = &p->rows[i];

		/* The last column stays free: some terminals wrap as soon as it is filled. */
		progress_row_text(b, r->id, r->status ? r->status : "", r->done, r->total, width - 1, p->color);
		sbuf_addc(b, '\n');
	}
	p->drawn = p->n - first;
	p->dirty = false;
	p->last = time_mono();
}

static void put(struct progress *p, const struct sbuf *b)
{
	/* A terminal that went away must not end a pull. */
	(void)fd_write_full(p->fd, sbuf_str(b), b->len);
}

/**
 * progress_message() - A line above the rows
 * @p:		Progress
 * @text:	The line
 */
void progress_message(struct progress *p, const char *text)
{
	auto_sbuf struct sbuf b = { 0 };

	if (p->mode == PROGRESS_QUIET)
		return;
	put_erase(p, &b);
	sbuf_printf(&b, "%s\n", text);
	if (p->mode == PROGRESS_BARS && p->n)
		put_rows(p, &b, false);
	put(p, &b);
}

/**
 * progress_add() - Add a row
 * @p:	Progress
 * @id:	What it is about
 *
 * Return: its number
 */
size_t progress_add(struct progress *p, const char *id)
{
	p->rows = xrealloc(p->rows, (p->n + 1) * sizeof(*p->rows));
	p->rows[p->n] = (struct row) { .id = xstrdup(id) };
	p->dirty = true;
	return p->n++;
}

/**
 * progress_status() - Another step of a row begins
 * @p:		Progress
 * @row:	Which
 * @status:	The step
 */
void progress_status(struct progress *p, size_t row, const char *status)
{
	struct row *r = &p->rows[row];

	if (str_is_eq(r->status, status) && !r->total)
		return;
	free(r->status);
	r->status = xstrdup(status);
	r->done = r->total = 0;
	p->dirty = true;
	if (p->mode == PROGRESS_PLAIN) {
		auto_sbuf struct sbuf b = { 0 };

		sbuf_printf(&b, "%s: %s\n", r->id, status);
		put(p, &b);
	}
}

/**
 * progress_count() - A row has come further
 * @p:		Progress
 * @row:	Which
 * @status:	"Downloading", ...
 * @done:	How far
 * @total:	Of how much, 0: not known
 */
void progress_count(struct progress *p, size_t row, const char *status, uint64_t done, uint64_t total)
{
	struct row *r = &p->rows[row];

	if (p->mode != PROGRESS_BARS)
		return;
	if (!str_is_eq(r->status, status)) {
		free(r->status);
		r->status = xstrdup(status);
	}
	r->done = done;
	r->total = total;
	p->dirty = true;
}

/**
 * progress_tick() - Redraw where it is time
 * @p:	Progress
 *
 * Return: nanoseconds until it will be time again; negative when nothing needs to be drawn
 */
int64_t progress_tick(struct progress *p)
{
	auto_sbuf struct sbuf b = { 0 };
	int64_t now;

	if (p->mode != PROGRESS_BARS || !p->dirty)
		return -1;
	now = time_mono();
	if (now - p->last < REDRAW_NS)
		return p->last + REDRAW_NS - now;
	put_erase(p, &b);
	put_rows(p, &b, false);
	put(p, &b);
	return -1;
}

/**
 * progress_free() - Draw the last state, all rows of it, and release
 * @p:	Progress or NULL
 */
void progress_free(struct progress *p)
{
	auto_sbuf struct sbuf b = { 0 };

	if (!p)
		return;
	if (p->mode == PROGRESS_BARS && p->n && (p->dirty || p->drawn < p->n)) {
		put_erase(p, &b);
		put_rows(p, &b, true);
		put(p, &b);
	}
	for (size_t i = 0; i < p->n; i++) {
		free(p->rows[i].id);
		free(p->rows[i].status);
	}
	free(p->rows);
	free(p);
}

/**
 * progress_freep() - progress_free() for auto_progress; disarms
 * @p:	Address of the pointer
 */
void progress_freep(struct progress **p)
{
	progress_free(*p);
	*p = NULL;
}
