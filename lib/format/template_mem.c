/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/format/template_int.h"

/**
 * arena_alloc() - Zeroed memory that lives as long as a template or a run
 * @a:		Arena
 * @size:	Bytes
 *
 * Return: the memory
 */
void *arena_alloc(struct arena *a, size_t size)
{
	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 16;
		a->v = xrealloc(a->v, a->cap * sizeof(*a->v));
	}
	a->total += size;
	return a->v[a->n++] = xcalloc(1, size);
}

/**
 * arena_strndup() - Copy bytes into an arena
 * @a:		Arena
 * @s:		Bytes
 * @len:	How many
 *
 * Return: the copy, NUL-terminated
 */
char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, s, len);
	return copy;
}

/**
 * arena_done() - Release all of an arena
 * @a:	Arena
 */
void arena_done(struct arena *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	*a = (struct arena) { 0 };
}
