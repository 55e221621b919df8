/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/oci/mountspec.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/csv.h"
#include "lib/oci/kv.h"
#include "lib/oci/passwd.h"

static const char *const propagation_names[] = { "rprivate", "private", "rprivate", "slave",
						 "rslave",   "shared",	"rshared" };
static_assert(sizeof(propagation_names) / sizeof(*propagation_names) == PROPAGATION__N, "one name for each");

static const char *const type_names[] = { "bind", "volume", "tmpfs", "image" };
static_assert(sizeof(type_names) / sizeof(*type_names) == MOUNTSPEC_TYPE__N, "one name for each");

static const char *const recursive_names[] = { "enabled", "disabled", "writable", "readonly" };
static_assert(sizeof(recursive_names) / sizeof(*recursive_names) == MOUNT_RECURSIVE__N, "one name for each");

/**
 * propagation_name() - The word for a propagation
 * @p:	Propagation
 *
 * Return: static text; the default's is rprivate
 */
const char *propagation_name(enum propagation p)
{
	return propagation_names[p];
}

/**
 * mountspec_type_name() - The word for a kind of mount
 * @t:	Kind
 *
 * Return: static text
 */
const char *mountspec_type_name(enum mountspec_type t)
{
	return type_names[t];
}

/**
 * mountspec_done() - Release a mount
 * @m:	Mount; empty afterwards
 */
void mountspec_done(struct mountspec *m)
{
	free(m->source);
	free(m->target);
	free(m->subpath);
	free(m->volume_driver);
	strv_free(m->volume_opts);
	strv_free(m->volume_labels);
	*m = (struct mountspec) { 0 };
}

/**
 * name_is_valid() - May a volume or container have this name?
 * @s:	Name
 *
 * Return: whether it matches [a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}; such a name is one component of a path and no option
 */
bool name_is_valid(const char *s)
{
	size_t n;

	for (n = 0; s[n]; n++)
		if ((unsigned char)s[n] >= 0x80 || (!isalnum((unsigned char)s[n]) && (n == 0 || !strchr("_.-", s[n]))))
			return false;
	return n > 0 && n <= 253;
}

/**
 * mountspec_clean_path() - Normalise an absolute path, without looking at any file
 * @path:	Path
 * @ret:	The path without //, . and .., owned; never above "/"
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -ENAMETOOLONG
 */
int mountspec_clean_path(const char *path, char **ret, struct err *e)
{
	auto_sbuf struct sbuf b = { 0 };

	if (str_has_control(path))
		return err_say(e, EINVAL, "invalid mount path: control characters are not allowed");
	if (*path != '/')
		return err_say(e, EINVAL, "invalid mount path: '%.200s' mount path must be absolute", path);
	if (strlen(path) >= PATH_MAX)
		return err_say(e, ENAMETOOLONG, "invalid mount path: it is longer than %d bytes", PATH_MAX);
	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (b.len && b.p[--b.len] != '/')
				;
		} else if (n && !(n == 1 && *path == '.')) {
			sbuf_addc(&b, '/');
			sbuf_add(&b, path, n);
		}
		path += n;
	}
	if (!b.len)
		sbuf_addc(&b, '/');
	b.p[b.len] = '\0';
	*ret = sbuf_take(&b);
	return 0;
}

static int set_target(struct mountspec *m, const char *path, struct err *e)
{
	int r;

	free(m->target);
	m->target = NULL;
	r = mountspec_clean_path(path, &m->target, e);
	if (r < 0)
		return r;
	if (!strcmp(m->target, "/"))
		return err_say(e, EINVAL, "invalid specification: destination can't be '/'");
	return 0;
}

static bool is_relative_path(const char *s)
{
	return !strcmp(s, ".") || !strcmp(s, "..") || str_has_prefix(s, "./") || str_has_prefix(s, "../");
}

static int set_volume_name(struct mountspec *m, const char *name, struct err *e)
{
	if (!name_is_valid(name))
		return err_say(
			e, EINVAL,
			"\"%.100s\" includes invalid characters for a local volume name, only "
			"\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use "
			"absolute path",
			name);
	m->source = xstrdup(name);
	return 0;
}

static bool find_propagation(const char *word, enum propagation *ret)
{
	for (unsigned i = PROPAGATION_PRIVATE; i < PROPAGATION__N; i++) {
		if (strcmp(propagation_names[i], word) != 0)
			continue;
		*ret = (enum propagation)i;
		return true;
	}
	return false;
}

/* exec, noexec, suid, ...: words that -v, --mount and --tmpfs share. Return: whether it was one. */
static bool set_flag(struct mountspec *m, const char *word)
{
	const struct {
		const char *word;
		enum tristate *flag;
		enum tristate value;
	} flags[] = {
		{ "exec", &m->exec, TRI_YES },	{ "noexec", &m->exec, TRI_NO }, { "suid", &m->suid, TRI_YES },
		{ "nosuid", &m->suid, TRI_NO }, { "dev", &m->dev, TRI_YES },	{ "nodev", &m->dev, TRI_NO },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (strcmp(flags[i].word, word) != 0)
			continue;
		*flags[i].flag = flags[i].value;
		return true;
	}
	return false;
}

/* The groups of -v's options of which only one may be given. */
enum mode_group { MODE_ACCESS, MODE_LABEL, MODE_PROPAGATION, MODE_COPY, MODE_CONSISTENCY, MODE_OTHER, MODE__N };

/* Return: the group of the option @word that has been applied, or MODE__N for an unknown word. */
static enum mode_group set_mode_word(struct mountspec *m, const char *word)
{
	if (!strcmp(word, "ro") || !strcmp(word, "rw")) {
		m->read_only = word[1] == 'o';
		return MODE_ACCESS;
	}
	if (!strcmp(word, "z") || !strcmp(word, "Z")) {
		m->relabel = *word;
		return MODE_LABEL;
	}
	if (find_propagation(word, &m->propagation))
		return MODE_PROPAGATION;
	if (!strcmp(word, "nocopy")) {
		m->nocopy = true;
		return MODE_COPY;
	}
	if (!strcmp(word, "consistent") || !strcmp(word, "cached") || !strcmp(word, "delegated"))
		return MODE_CONSISTENCY;
	if (!strcmp(word, "U"))
		m->chown = true;
	else if (!strcmp(word, "O"))
		m->overlay = true;
	else if (!strcmp(word, "idmap"))
		m->idmap = true;
	else if (!strcmp(word, "bind"))
		m->recursive = MOUNT_RECURSIVE_DISABLED;
	else if (strcmp(word, "rbind") != 0 && !set_flag(m, word))
		return MODE__N;
	return MODE_OTHER;
}

static bool set_mode(struct mountspec *m, const char *mode)
{
	auto_strv char **words = strv_split(mode, ',');
	unsigned seen[MODE__N] = { 0 };

	for (char **w = words; *w; w++) {
		enum mode_group g = set_mode_word(m, *w);

		if (g == MODE__N || (seen[g]++ && g != MODE_OTHER))
			return false;
	}
	return true;
}

static bool is_mode(const char *word)
{
	struct mountspec scratch = { 0 };

	return set_mode(&scratch, word);
}

static int set_volume_source(struct mountspec *m, const char *source, struct err *e)
{
	if (*source == '/' || *source == '.') {
		m->type = MOUNTSPEC_BIND;
		m->source = xstrdup(source);
		m->source_is_relative = *source == '.';
		m->make_source = true;
		return 0;
	}
	m->type = MOUNTSPEC_VOLUME;
	return set_volume_name(m, source, e);
}

static int parse_volume(const char *text, struct mountspec *m, struct err *e)
{
	auto_strv char **part = strv_split(text, ':');
	size_t n = strv_len(part);
	int r;

	if (str_has_control(text))
		return err_say(e, EINVAL, "invalid volume specification: control characters are not allowed");
	if (n > 3 || !*part[0] || (n > 1 && !*part[1]) || (n == 2 && is_mode(part[1])))
		return err_say(e, EINVAL, "invalid volume specification: '%.200s'", text);
	m->type = MOUNTSPEC_VOLUME;
	r = set_target(m, part[n > 1], e);
	if (r == 0 && n > 1)
		r = set_volume_source(m, part[0], e);
	if (r < 0)
		return r;
	if (n == 3 && !set_mode(m, part[2]))
		return err_say(e, EINVAL, "invalid mode: %.100s", part[2]);
	if (m->type != MOUNTSPEC_BIND && m->propagation != PROPAGATION_DEFAULT)
		return err_say(e, EINVAL, "invalid mode: %.100s", part[2]);
	return 0;
}

/* m->type is required, unless the type says otherwise. */
static int need_source(const struct mountspec *m, struct err *e)
{
	if (!str_is_empty(m->source))
		return 0;
	return err_say(e, EINVAL, "invalid mount config for type \"%s\": field Source must not be empty",
		       type_names[m->type]);
}

static int invalid_value(const char *key, const char *value, struct err *e)
{
	return err_say(e, EINVAL, "invalid value for %s: %.100s", key, value);
}

static int set_bool(const char *key, const char *value, bool *ret, struct err *e)
{
	if (!value) {
		*ret = true;
		return 0;
	}
	return str_to_bool(value, ret) < 0 ? invalid_value(key, value, e) : 0;
}

static int set_size(const char *key, const char *value, struct mountspec *m, struct err *e)
{
	auto_free char *number = xstrdup(value);
	size_t n = strlen(number);
	uint64_t percent;

	if (n && number[n - 1] == '%') {
		number[n - 1] = '\0';
		if (str_to_u64(number, 100, &percent) < 0 || !percent)
			return invalid_value(key, value, e);
		m->size_percent = (unsigned)percent;
		return 0;
	}
	return str_to_size(value, &m->size) < 0 ? invalid_value(key, value, e) : 0;
}

static int set_tmpfs_mode(const char *key, const char *value, struct mountspec *m, struct err *e)
{
	return str_to_mode(value, &m->mode) < 0 ? invalid_value(key, value, e) : 0;
}

static int set_mount_type(const char *value, struct mountspec *m, struct err *e)
{
	for (unsigned i = 0; i < MOUNTSPEC_TYPE__N; i++) {
		if (strcasecmp(type_names[i], value) != 0)
			continue;
		m->type = (enum mountspec_type)i;
		return 0;
	}
	return err_say(e, EINVAL, "invalid mount config for type \"%.40s\": mount type unknown", value);
}

static int set_recursive(const char *key, const char *value, struct mountspec *m, struct err *e)
{
	for (unsigned i = 0; i < MOUNT_RECURSIVE__N; i++) {
		if (strcmp(recursive_names[i], value) != 0)
			continue;
		m->recursive = (enum mount_recursive)i;
		return 0;
	}
	return err_say(e, EINVAL,
		       "invalid value for %s: %.40s (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")",
		       key, value);
}

static int set_propagation(const char *key, const char *value, struct mountspec *m, struct err *e)
{
	auto_free char *lower = xstrndup(value, 32);

	for (char *s = lower; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	return find_propagation(lower, &m->propagation) ? 0 : invalid_value(key, value, e);
}

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

/* What docker allows without a value is a flag. */
static bool is_flag_key(const char *key)
{
	static const char *const flags[] = { "readonly", "ro",	   "rw",    "volume-nocopy", "bind-nonrecursive",
					     "u",	 "chown",  "idmap", "exec",	     "noexec",
					     "suid",	 "nosuid", "dev",   "nodev" };

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!strcmp(flags[i], key))
			return true;
	return false;
}

/* Keys of all types of mounts. Return: 1 done, 0 another key, -EINVAL. @value is NULL for a flag. */
static int set_common_key(struct mountspec *m, const char *key, const char *value, struct err *e)
{
	const char *text = value ? value : "";
	bool on;
	int r = 0;

	if (!strcmp(key, "type"))
		r = set_mount_type(text, m, e);
	else if (!strcmp(key, "source") || !strcmp(key, "src"))
		set_text(&m->source, text);
	else if (!strcmp(key, "target") || !strcmp(key, "dst") || !strcmp(key, "destination"))
		r = set_target(m, text, e);
	else if (!strcmp(key, "readonly") || !strcmp(key, "ro"))
		r = set_bool(key, value, &m->read_only, e);
	else if (!strcmp(key, "rw")) {
		r = set_bool(key, value, &on, e);
		m->read_only = r == 0 && !on;
	} else if (!strcmp(key, "u") || !strcmp(key, "chown"))
		r = set_bool(key, value, &m->chown, e);
	else if (!strcmp(key, "idmap"))
		r = set_bool(key, value, &m->idmap, e);
	else if (!strcmp(key, "relabel") && (!strcmp(text, "shared") || !strcmp(text, "private")))
		m->relabel = *text == 's' ? 'z' : 'Z';
	else if (!strcmp(key, "consistency"))
		; /* of use to other systems only, as docker says */
	else if (value || !set_flag(m, key))
		return 0;
	return r < 0 ? r : 1;
}

/* Keys of one type. Return as set_common_key(); *@of is the type that the key is for. */
static int set_type_key(struct mountspec *m, const char *key, const char *value, enum mountspec_type *of, struct err *e)
{
	const char *text = value ? value : "";
	int r = 0;

	*of = str_has_prefix(key, "bind-")    ? MOUNTSPEC_BIND
	      : str_has_prefix(key, "tmpfs-") ? MOUNTSPEC_TMPFS
	      : str_has_prefix(key, "image-") ? MOUNTSPEC_IMAGE
					      : MOUNTSPEC_VOLUME;
	if (!strcmp(key, "bind-propagation"))
		r = set_propagation(key, text, m, e);
	else if (!strcmp(key, "bind-recursive"))
		r = set_recursive(key, text, m, e);
	else if (!strcmp(key, "bind-nonrecursive")) {
		bool on = false;

		r = set_bool(key, value, &on, e);
		m->recursive = on ? MOUNT_RECURSIVE_DISABLED : MOUNT_RECURSIVE_ENABLED;
	} else if (!strcmp(key, "tmpfs-size"))
		r = set_size(key, text, m, e);
	else if (!strcmp(key, "tmpfs-mode"))
		r = set_tmpfs_mode(key, text, m, e);
	else if (!strcmp(key, "volume-nocopy"))
		r = set_bool(key, value, &m->nocopy, e);
	else if (!strcmp(key, "volume-driver"))
		set_text(&m->volume_driver, text);
	else if (!strcmp(key, "volume-opt"))
		kv_set_text(&m->volume_opts, text);
	else if (!strcmp(key, "volume-label"))
		kv_set_text(&m->volume_labels, text);
	else if (!strcmp(key, "volume-subpath") || !strcmp(key, "image-subpath"))
		set_text(&m->subpath, text);
	else
		return 0;
	return r < 0 ? r : 1;
}

/* One field of --mount. @used collects the types whose own keys were given. */
static int set_field(struct mountspec *m, char *field, unsigned *used, struct err *e)
{
	auto_free char *whole = xstrdup(field);
	char *eq = strchr(field, '='), *value = eq ? eq + 1 : NULL;
	enum mountspec_type of;
	int r;

	if (eq)
		*eq = '\0';
	for (char *s = field; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	if (!value && !is_flag_key(field))
		return err_say(e, EINVAL, "invalid field '%.100s' must be a key=value pair", whole);
	r = set_common_key(m, field, value, e);
	if (r == 0) {
		r = set_type_key(m, field, value, &of, e);
		if (r > 0)
			*used |= 1U << of;
	}
	if (r == 0)
		return err_say(e, EINVAL, "unexpected key '%.60s' in '%.100s'", field, whole);
	return r < 0 ? r : 0;
}

static int check_recursive(const struct mountspec *m, struct err *e)
{
	bool needs_ro = m->recursive == MOUNT_RECURSIVE_WRITABLE || m->recursive == MOUNT_RECURSIVE_READONLY;

	if (needs_ro && !m->read_only)
		return err_say(e, EINVAL,
			       "option 'bind-recursive=%s' requires 'readonly' to be specified in conjunction",
			       recursive_names[m->recursive]);
	if (m->recursive == MOUNT_RECURSIVE_READONLY && m->propagation != PROPAGATION_RPRIVATE)
		return err_say(
			e, EINVAL,
			"option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in "
			"conjunction");
	return 0;
}

static int check_source(struct mountspec *m, struct err *e)
{
	auto_free char *name = NULL;

	switch (m->type) {
	case MOUNTSPEC_TMPFS:
		if (m->source)
			return err_say(e, EINVAL,
				       "invalid mount config for type \"tmpfs\": field Source must not be specified");
		return 0;
	case MOUNTSPEC_VOLUME:
		if (str_is_empty(m->source)) {
			set_text(&m->source, NULL);
			return 0;
		}
		name = take_ptr(&m->source);
		return set_volume_name(m, name, e);
	case MOUNTSPEC_BIND:
		if (need_source(m, e) < 0)
			return -EINVAL;
		m->source_is_relative = is_relative_path(m->source);
		if (!m->source_is_relative && *m->source != '/')
			return err_say(e, EINVAL, "invalid mount path: '%.200s' mount path must be absolute",
				       m->source);
		return check_recursive(m, e);
	case MOUNTSPEC_IMAGE:
		return need_source(m, e);
	case MOUNTSPEC_TYPE__N:
		break;
	}
	return 0;
}

static int parse_mount(const char *text, struct mountspec *m, struct err *e)
{
	auto_strv char **fields = NULL;
	unsigned used = 0;
	int r = csv_split(text, &fields, e);

	m->type = MOUNTSPEC_VOLUME;
	for (char **f = fields; r == 0 && *f; f++)
		r = set_field(m, *f, &used, e);
	if (r < 0)
		return r;
	if (!m->target)
		return err_say(e, EINVAL, "target is required");
	for (unsigned i = 0; i < MOUNTSPEC_TYPE__N; i++)
		if ((used & (1U << i)) && i != m->type)
			return err_say(e, EINVAL, "cannot mix '%s-*' options with mount type '%s'", type_names[i],
				       type_names[m->type]);
	return check_source(m, e);
}

static int set_id(const char *key, const char *value, int64_t *ret, struct err *e)
{
	uint64_t id;

	if (str_to_u64(value, PASSWD_ID_MAX, &id) < 0)
		return invalid_value(key, value, e);
	*ret = (int64_t)id;
	return 0;
}

/* One option of --tmpfs. */
static int set_tmpfs_word(struct mountspec *m, char *word, struct err *e)
{
	static const char *const ignored[] = { "",	   "rw",	 "defaults", "async",
					       "relatime", "nodiratime", "noatime",  "notmpcopyup" };
	char *eq = strchr(word, '='), *value = eq ? eq + 1 : NULL;

	if (eq)
		*eq = '\0';
	if (value) {
		if (!strcmp(word, "size"))
			return set_size(word, value, m, e);
		if (!strcmp(word, "mode"))
			return set_tmpfs_mode(word, value, m, e);
		if (!strcmp(word, "uid"))
			return set_id(word, value, &m->uid, e);
		if (!strcmp(word, "gid"))
			return set_id(word, value, &m->gid, e);
		if (!strcmp(word, "nr_inodes"))
			return str_to_size(value, &m->inodes) < 0 ? invalid_value(word, value, e) : 0;
		return err_say(e, EINVAL, "invalid tmpfs option \"%.60s\"", word);
	}
	if (!strcmp(word, "ro")) {
		m->read_only = true;
		return 0;
	}
	if (set_flag(m, word))
		return 0;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		if (!strcmp(ignored[i], word))
			return 0;
	return err_say(e, EINVAL, "invalid tmpfs option \"%.60s\"", word);
}

static int parse_tmpfs(const char *text, struct mountspec *m, struct err *e)
{
	auto_free char *path = xstrdup(text);
	auto_strv char **words = NULL;
	char *colon = strchr(path, ':');
	int r;

	if (colon) {
		*colon++ = '\0';
		words = strv_split(colon, ',');
	}
	m->type = MOUNTSPEC_TMPFS;
	r = set_target(m, path, e);
	if (r == 0 && str_has_control(text))
		r = err_say(e, EINVAL, "invalid tmpfs option: control characters are not allowed");
	for (char **w = words; r == 0 && w && *w; w++)
		r = set_tmpfs_word(m, *w, e);
	return r;
}

static int parse(const char *text, int (*how)(const char *, struct mountspec *, struct err *), struct mountspec *ret,
		 struct err *e)
{
	auto_mountspec struct mountspec m = { .mode = 01777, .uid = -1, .gid = -1 };
	int r = how(text, &m, e);

	if (r < 0)
		return r;
	*ret = m;
	m = (struct mountspec) { 0 };
	return 0;
}

/**
 * mountspec_parse_volume() - Read the value of -v
 * @text:	[source:]target[:options]
 * @ret:	The mount
 * @e:		Failure, in docker's words
 *
 * Return: 0, -EINVAL, -ENAMETOOLONG
 */
int mountspec_parse_volume(const char *text, struct mountspec *ret, struct err *e)
{
	return parse(text, parse_volume, ret, e);
}

/**
 * mountspec_parse_mount() - Read the value of --mount
 * @text:	key=value,... (fields in double quotes may hold commas)
 * @ret:	The mount
 * @e:		Failure, in docker's words
 *
 * Return: 0, -EINVAL, -ENAMETOOLONG
 */
int mountspec_parse_mount(const char *text, struct mountspec *ret, struct err *e)
{
	return parse(text, parse_mount, ret, e);
}

/**
 * mountspec_parse_tmpfs() - Read the value of --tmpfs
 * @text:	target[:options]
 * @ret:	The mount
 * @e:		Failure
 *
 * Return: 0, -EINVAL, -ENAMETOOLONG
 */
int mountspec_parse_tmpfs(const char *text, struct mountspec *ret, struct err *e)
{
	return parse(text, parse_tmpfs, ret, e);
}
