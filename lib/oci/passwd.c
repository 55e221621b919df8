/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/passwd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

#define MAX_FIELDS	 7
#define MAX_SUBID_RANGES 340 /* what the kernel takes in one id map */

/* The lines of a file, one at a time, each cut into its fields in a buffer of our own. */
struct reader {
	const char *p, *end;
	size_t number;
	char buf[PASSWD_LINE_MAX + 1];
	char *field[MAX_FIELDS];
	size_t n_fields;
};

static void reader_init(struct reader *r, const char *p, size_t len)
{
	r->p = p;
	r->end = p ? p + (len < PASSWD_MAX ? len : PASSWD_MAX) : NULL;
	r->number = 0;
}

static void split(struct reader *r)
{
	char *s = r->buf;

	r->n_fields = 0;
	while (s && r->n_fields < MAX_FIELDS) {
		char *colon = strchr(s, ':');

		r->field[r->n_fields++] = s;
		if (colon)
			*colon++ = '\0';
		s = colon;
	}
}

/* Return: false behind the last line. Lines that are too long, empty or comments are passed over. */
static bool reader_next(struct reader *r)
{
	while (r->p < r->end) {
		const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p)), *line = r->p;
		size_t len = (size_t)((nl ? nl : r->end) - line);

		r->p = nl ? nl + 1 : r->end;
		r->number++;
		if (len > PASSWD_LINE_MAX || len == 0 || *line == '#' || memchr(line, '\0', len))
			continue;
		memcpy(r->buf, line, len);
		r->buf[len] = '\0';
		split(r);
		return true;
	}
	return false;
}

static bool is_digits(const char *s)
{
	return *s && !s[strspn(s, "0123456789")];
}

static bool to_id(const char *s, uint32_t *ret)
{
	return str_to_u32(s, ret) == 0 && *ret <= PASSWD_ID_MAX;
}

/* name:password:uid:gid:gecos:home:shell */
static bool is_passwd_line(const struct reader *r, uint32_t *uid, uint32_t *gid)
{
	return r->n_fields >= 4 && *r->field[0] && to_id(r->field[2], uid) && to_id(r->field[3], gid);
}

/* name:password:gid:members */
static bool is_group_line(const struct reader *r, uint32_t *gid)
{
	return r->n_fields >= 3 && *r->field[0] && to_id(r->field[2], gid);
}

static int find_passwd(struct passwd_file passwd, const char *name, uint32_t uid, struct run_user *ret)
{
	struct reader r;
	uint32_t u, g;

	reader_init(&r, passwd.p, passwd.len);
	while (reader_next(&r)) {
		if (!is_passwd_line(&r, &u, &g) || (name ? strcmp(r.field[0], name) != 0 : u != uid))
			continue;
		ret->uid = u;
		ret->gid = g;
		ret->name = xstrdup(r.field[0]);
		ret->home = xstrdup(r.n_fields > 5 && *r.field[5] ? r.field[5] : NULL);
		return 0;
	}
	return -ENOENT;
}

/**
 * passwd_find_uid() - The first entry of a user id
 * @passwd:	Bytes of /etc/passwd
 * @uid:	Id
 * @ret:	Name, ids and home, owned; no groups
 *
 * Return: 0 or -ENOENT
 */
int passwd_find_uid(struct passwd_file passwd, uint32_t uid, struct run_user *ret)
{
	*ret = (struct run_user) { 0 };
	return find_passwd(passwd, NULL, uid, ret);
}

/**
 * passwd_find_name() - The first entry of a user name
 * @passwd:	Bytes of /etc/passwd
 * @name:	Name
 * @ret:	Name, ids and home, owned; no groups
 *
 * Return: 0 or -ENOENT
 */
int passwd_find_name(struct passwd_file passwd, const char *name, struct run_user *ret)
{
	*ret = (struct run_user) { 0 };
	return find_passwd(passwd, name, 0, ret);
}

/**
 * group_find_gid() - The name of a group id
 * @group:	Bytes of /etc/group
 * @gid:	Id
 * @ret_name:	Name, owned
 *
 * Return: 0 or -ENOENT
 */
int group_find_gid(struct passwd_file group, uint32_t gid, char **ret_name)
{
	struct reader r;
	uint32_t g;

	reader_init(&r, group.p, group.len);
	while (reader_next(&r)) {
		if (!is_group_line(&r, &g) || g != gid)
			continue;
		*ret_name = xstrdup(r.field[0]);
		return 0;
	}
	return -ENOENT;
}

/**
 * group_find_name() - The id of a group name
 * @group:	Bytes of /etc/group
 * @name:	Name
 * @ret_gid:	Id
 *
 * Return: 0 or -ENOENT
 */
int group_find_name(struct passwd_file group, const char *name, uint32_t *ret_gid)
{
	struct reader r;
	uint32_t g;

	reader_init(&r, group.p, group.len);
	while (reader_next(&r)) {
		if (!is_group_line(&r, &g) || strcmp(r.field[0], name) != 0)
			continue;
		*ret_gid = g;
		return 0;
	}
	return -ENOENT;
}

/**
 * user_done() - Release a user
 * @u:	User; empty afterwards
 */
void user_done(struct run_user *u)
{
	free(u->name);
	free(u->home);
	free(u->groups);
	*u = (struct run_user) { 0 };
}

/* More of them than the kernel takes are counted but not kept; finish_groups() refuses. */
static void add_group(struct run_user *u, uint32_t gid)
{
	if (u->n_groups < PASSWD_MAX_GROUPS * 2UL) {
		if ((u->n_groups & (u->n_groups - 1)) == 0)
			u->groups = xrealloc(u->groups, (u->n_groups ? 2 * u->n_groups : 1) * sizeof(*u->groups));
		u->groups[u->n_groups++] = gid;
	}
}

static bool is_member(char *members, const char *name)
{
	char *m;

	while ((m = strsep(&members, ",")))
		if (!strcmp(m, name))
			return true;
	return false;
}

static void add_memberships(struct run_user *u, struct passwd_file group)
{
	struct reader r;
	uint32_t g;

	reader_init(&r, group.p, group.len);
	while (reader_next(&r))
		if (is_group_line(&r, &g) && r.n_fields >= 4 && is_member(r.field[3], u->name))
			add_group(u, g);
}

/* Digits are an id and never a name, whatever the image's files say (CVE-2016-3697). */
static int resolve_group(const char *text, struct passwd_file group, uint32_t *ret, struct err *e)
{
	if (is_digits(text)) {
		if (!to_id(text, ret))
			return err_say(e, ERANGE, "group id %.40s is out of range (0-%u)", text, PASSWD_ID_MAX);
		return 0;
	}
	if (group_find_name(group, text, ret) < 0)
		return err_say(e, ENOENT, "unable to find group %.100s: no matching entries in group file",
			       str_has_control(text) ? "?" : text);
	return 0;
}

static int resolve_user(const char *text, struct passwd_file passwd, struct run_user *u, struct err *e)
{
	uint32_t uid = 0;

	if (*text && !is_digits(text)) {
		if (find_passwd(passwd, text, 0, u) < 0)
			return err_say(e, ENOENT, "unable to find user %.100s: no matching entries in passwd file",
				       str_has_control(text) ? "?" : text);
		return 0;
	}
	if (*text && !to_id(text, &uid))
		return err_say(e, ERANGE, "user id %.40s is out of range (0-%u)", text, PASSWD_ID_MAX);
	/* An id without an entry has group 0, as with docker. */
	if (find_passwd(passwd, NULL, uid, u) < 0)
		u->uid = uid;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Sort, drop what is there twice, and put the primary group first. */
static int finish_groups(struct run_user *u, struct err *e)
{
	size_t n = 0;

	add_group(u, u->gid);
	qsort(u->groups, u->n_groups, sizeof(*u->groups), compare_ids);
	for (size_t i = 0; i < u->n_groups; i++)
		if (i == 0 || u->groups[i] != u->groups[i - 1])
			u->groups[n++] = u->groups[i];
	if (n > PASSWD_MAX_GROUPS)
		return err_say(e, E2BIG, "more than %d supplementary groups", PASSWD_MAX_GROUPS);
	u->n_groups = n;
	for (size_t i = 0; i < n; i++) {
		if (u->groups[i] != u->gid)
			continue;
		memmove(u->groups + 1, u->groups, i * sizeof(*u->groups));
		u->groups[0] = u->gid;
		break;
	}
	return 0;
}

/**
 * user_resolve() - Who the container's process is
 * @spec:	"user", "uid", "user:group", ...; "" or NULL: uid 0
 * @passwd:	Bytes of the image's /etc/passwd
 * @group:	Bytes of the image's /etc/group
 * @extra:	More groups, names or ids; NULL for none
 * @ret:	The user. With a group in @spec there are no memberships from @group, as with docker.
 * @e:		Failure
 *
 * Return: 0, -ENOENT, -ERANGE, -E2BIG
 */
int user_resolve(const char *spec, struct passwd_file passwd, struct passwd_file group, char *const *extra,
		 struct run_user *ret, struct err *e)
{
	auto_user struct run_user u = { 0 };
	auto_free char *user = NULL;
	const char *colon;
	uint32_t gid;
	int r;

	spec = spec ? spec : "";
	colon = strchrnul(spec, ':');
	user = xstrndup(spec, (size_t)(colon - spec));
	r = resolve_user(user, passwd, &u, e);
	if (r == 0 && *colon && colon[1])
		r = resolve_group(colon + 1, group, &u.gid, e);
	else if (r == 0 && u.name)
		add_memberships(&u, group);
	for (; r == 0 && extra && *extra; extra++) {
		r = resolve_group(*extra, group, &gid, e);
		if (r == 0)
			add_group(&u, gid);
	}
	if (r == 0)
		r = finish_groups(&u, e);
	if (r < 0)
		return r;
	*ret = u;
	u = (struct run_user) { 0 };
	return 0;
}

static int check_range(const struct reader *r, const char *file, uint32_t own, struct subid_range *ret, struct err *e)
{
	uint32_t start, count;

	if (r->n_fields != 3 || str_to_u32(r->field[1], &start) < 0 || str_to_u32(r->field[2], &count) < 0)
		return err_say(e, EINVAL, "%s: line %zu: not name:start:count", file, r->number);
	if (count == 0)
		return err_say(e, EINVAL, "%s: line %zu: the range is empty", file, r->number);
	if (start > PASSWD_ID_MAX || count - 1 > PASSWD_ID_MAX - start)
		return err_say(e, EINVAL, "%s: line %zu: the range goes beyond %u", file, r->number, PASSWD_ID_MAX);
	if (start == 0)
		return err_say(e, EINVAL, "%s: line %zu: the range holds id 0", file, r->number);
	if (own >= start && own - start < count)
		return err_say(e, EINVAL, "%s: line %zu: the range holds your own id %u", file, r->number, own);
	*ret = (struct subid_range) { .start = start, .count = count };
	return 0;
}

/* Return: 1 when the range is new, 0 when it was there already (by name and by id), -EINVAL for an overlap. */
static int check_overlap(const struct subid_range *v, size_t n, const struct subid_range *range, const char *file,
			 size_t line, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].start == range->start && v[i].count == range->count)
			return 0;
		if (v[i].start - range->start < range->count || range->start - v[i].start < v[i].count)
			return err_say(e, EINVAL, "%s: line %zu: the range overlaps another one of yours", file, line);
	}
	return 1;
}

/**
 * subid_parse() - The subordinate ids of a user
 * @buf:	Bytes of /etc/subuid or /etc/subgid
 * @len:	How many
 * @file:	The file's name, for messages
 * @name:	The user's name; NULL when unknown
 * @uid:	The user's id, which a line may have instead of the name (also in /etc/subgid)
 * @own:	The user's own id in the space of the file (uid or gid)
 * @ret:	The ranges in the order of the file, owned; NULL for none
 * @ret_n:	How many
 * @e:		Failure
 *
 * Return: 0, -EINVAL for a line of this user that is wrong, -E2BIG
 */
int subid_parse(const char *buf, size_t len, const char *file, const char *name, uint32_t uid, uint32_t own,
		struct subid_range **ret, size_t *ret_n, struct err *e)
{
	auto_free struct subid_range *v = NULL;
	struct subid_range range;
	struct reader r;
	size_t n = 0;
	uint32_t id;
	int added;

	reader_init(&r, buf, len);
	while (reader_next(&r)) {
		bool is_ours = (name && !strcmp(r.field[0], name)) || (str_to_u32(r.field[0], &id) == 0 && id == uid);

		if (!is_ours)
			continue;
		added = check_range(&r, file, own, &range, e);
		if (added == 0)
			added = check_overlap(v, n, &range, file, r.number, e);
		if (added < 0)
			return added;
		if (!added)
			continue;
		if (n == MAX_SUBID_RANGES)
			return err_say(e, E2BIG, "%s: more than %d ranges", file, MAX_SUBID_RANGES);
		if (!v)
			v = xcalloc(MAX_SUBID_RANGES, sizeof(*v));
		v[n++] = range;
	}
	*ret = take_ptr(&v);
	*ret_n = n;
	return 0;
}
