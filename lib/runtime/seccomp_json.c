/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/runtime/seccomp_int.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/runtime/caps.h"

/*
 * Theory of operation
 *
 * Profiles in docker's format mean here what they mean to docker, runc and libseccomp together:
 * - includes and excludes are tested once, against the machine (not the binary), the final bounding set and the kernel.
 * - The first rule without arguments decides a call; rules with arguments count only for calls that have no such rule.
 * - Among rules with arguments docker's result depends on the order of libseccomp's tree; here the strictest one that
 *   matches wins, as among filters in the kernel.
 * - Two conditions on one argument are alternatives, on different arguments both must hold (runc).
 * - Names and architectures that nobody knows are left out: profiles are shared between versions and machines.
 */

static const struct {
	const char *name;
	uint32_t action;
	unsigned rank;	/* strictest first */
	int dflt_errno; /* data when errnoRet is not given; negative: takes none */
} actions[] = {
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, 0, -1 },
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, 1, -1 },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, 1, -1 },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP, 2, -1 },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, 3, EPERM },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE, 4, EPERM },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG, 5, -1 },
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, 6, -1 },
};

static const char *const ops[SC_OP__N] = {
	[SC_EQ] = "SCMP_CMP_EQ",
	[SC_NE] = "SCMP_CMP_NE",
	[SC_LT] = "SCMP_CMP_LT",
	[SC_LE] = "SCMP_CMP_LE",
	[SC_GT] = "SCMP_CMP_GT",
	[SC_GE] = "SCMP_CMP_GE",
	[SC_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

static unsigned rank_of(uint32_t action)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (actions[i].action == (action & SECCOMP_RET_ACTION_FULL))
			return actions[i].rank;
	return 0;
}

static int read_action(const struct json *obj, const char *key, const char *errno_key, uint32_t *ret, struct err *e)
{
	auto_free char *name = NULL;
	int64_t data = -1;
	int r = json_read_str(obj, key, &name, e);

	if (r == 0)
		r = json_read_i64(obj, errno_key, &data, e);
	if (r < 0)
		return r;
	if (!name || !*name)
		return err_say(e, EINVAL, "'%s' is missing", key);
	if (!strcmp(name, "SCMP_ACT_NOTIFY"))
		return err_say(e, EINVAL, "action SCMP_ACT_NOTIFY needs a seccomp agent, which is not supported");
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (strcmp(actions[i].name, name))
			continue;
		if (data > SECCOMP_RET_DATA || data < -1)
			return err_say(e, EINVAL, "'%s' %lld is out of range", errno_key, (long long)data);
		if (data < 0)
			data = actions[i].dflt_errno;
		*ret = actions[i].action | (actions[i].dflt_errno < 0 || data < 0 ? 0 : (uint32_t)data);
		return 0;
	}
	return err_say(e, EINVAL, "string %s is not a valid action for seccomp", name);
}

static int read_op(const struct json *arg, struct sc_cond *c, struct err *e)
{
	auto_free char *name = NULL;
	int r = json_read_str(arg, "op", &name, e);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < SC_OP__N; i++) {
		if (str_is_eq(ops[i], name)) {
			c->op = (uint8_t)i;
			return 0;
		}
	}
	return err_say(e, EINVAL, "string %s is not a valid operator for seccomp", name ? name : "");
}

static int read_cond(const struct json *arg, struct sc_cond *c, struct err *e)
{
	uint64_t value = 0, two = 0;
	int64_t index = -1;
	int r = json_read_i64(arg, "index", &index, e);

	if (r == 0)
		r = json_read_u64(arg, "value", &value, e);
	if (r == 0)
		r = json_read_u64(arg, "valueTwo", &two, e);
	if (r == 0)
		r = read_op(arg, c, e);
	if (r < 0)
		return r;
	if (index < 0 || index > 5)
		return err_say(e, EINVAL, "argument index %lld is not 0 to 5", (long long)index);
	c->arg = (uint8_t)index;
	c->value = value;
	if (c->op == SC_MASKED_EQ) { /* "value" is the mask there */
		c->mask = value;
		c->value = two;
	}
	return 0;
}

static int read_conds(const struct json *call, struct sc_rule *rule, bool *ret_alternatives, struct err *e)
{
	const struct json *args = NULL;
	unsigned seen = 0;
	int r = json_read_array(call, "args", &args, e);

	if (r < 0)
		return r;
	*ret_alternatives = false;
	if (json_len(args) > SC_MAX_CONDS)
		return err_say(e, EINVAL, "more than %d argument conditions in one rule", SC_MAX_CONDS);
	for (size_t i = 0; i < json_len(args); i++) {
		struct sc_cond *c = &rule->conds[rule->n_conds++];

		r = read_cond(json_item(args, i), c, e);
		if (r < 0)
			return r;
		*ret_alternatives |= seen >> c->arg & 1;
		seen |= 1U << c->arg;
	}
	return 0;
}

/* Return: 1 when the kernel is at least @text ("4.8"), 0 when not, -EINVAL */
static int is_kernel_at_least(const struct sc_env *env, const char *text, struct err *e)
{
	auto_strv char **v = strv_split(text, '.');
	uint32_t major, minor;

	if (strv_len(v) != 2 || str_to_u32(v[0], &major) < 0 || str_to_u32(v[1], &minor) < 0)
		return err_say(e, EINVAL, "invalid minKernel '%s'", text);
	return env->major != major ? env->major > major : env->minor >= minor;
}

/* How many of the capabilities in @names are in the bounding set; unknown names are not. */
static size_t count_caps(const struct sc_env *env, char *const *names)
{
	size_t n = 0;

	for (char *const *p = names; p && *p; p++) {
		int cap = cap_from_name(*p);

		n += cap >= 0 && env->caps >> cap & 1;
	}
	return n;
}

/**
 * struct cond - an includes or excludes object
 */
struct cond {
	char **caps;
	char **arches;
	char *min_kernel;
};

static void cond_done(struct cond *c)
{
	strv_free(c->caps);
	strv_free(c->arches);
	free(c->min_kernel);
}

static int read_filter(const struct json *call, const char *key, struct cond *c, struct err *e)
{
	const struct json *obj = NULL;
	int r = json_read_object(call, key, &obj, e);

	if (r == 0)
		r = json_read_strv(obj, "caps", &c->caps, e);
	if (r == 0)
		r = json_read_strv(obj, "arches", &c->arches, e);
	if (r == 0)
		r = json_read_str(obj, "minKernel", &c->min_kernel, e);
	return r;
}

/* Return: 1 when the rule counts here, 0, or -EINVAL */
static int is_applicable(const struct json *call, const struct sc_env *env, struct err *e)
{
	__attribute__((cleanup(cond_done))) struct cond in = { 0 }, ex = { 0 };
	const char *arch = sc_arch_name(env->native);
	int r = read_filter(call, "includes", &in, e), in_kernel = 1, ex_kernel = 0;

	if (r == 0)
		r = read_filter(call, "excludes", &ex, e);
	if (r < 0)
		return r;
	if (in.min_kernel && *in.min_kernel)
		in_kernel = is_kernel_at_least(env, in.min_kernel, e);
	if (ex.min_kernel && *ex.min_kernel)
		ex_kernel = is_kernel_at_least(env, ex.min_kernel, e);
	if (in_kernel < 0 || ex_kernel < 0)
		return -EINVAL;
	if (ex_kernel || count_caps(env, ex.caps) || (ex.arches && strv_has(ex.arches, arch)))
		return 0;
	if (!in_kernel || count_caps(env, in.caps) != strv_len(in.caps))
		return 0;
	return !strv_len(in.arches) || strv_has(in.arches, arch);
}

static int add_name(struct sc_filter *f, const char *name, const struct sc_rule *rule, bool alternatives, struct err *e)
{
	struct sc_rule one = *rule;

	if (f->n_rules + SC_MAX_CONDS > SC_MAX_RULES)
		return err_say(e, E2BIG, "more than %d rules", SC_MAX_RULES);
	one.name = name;
	if (!alternatives) {
		sc_add_rule(f, &one);
		return 0;
	}
	one.n_conds = 1;
	for (unsigned i = 0; i < rule->n_conds; i++) {
		one.conds[0] = rule->conds[i];
		sc_add_rule(f, &one);
	}
	return 0;
}

static int add_names(struct sc_filter *f, const struct json *call, const struct sc_rule *rule, bool alternatives,
		     struct err *e)
{
	const char *single = json_get_str(call, "name");
	const struct json *names = json_get(call, "names");

	if (single && *single && json_len(names))
		return err_say(e, EINVAL,
			       "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or "
			       "'names'");
	if (single && *single)
		return add_name(f, single, rule, alternatives, e);
	for (size_t i = 0; i < json_len(names); i++) {
		const char *name = json_as_str(json_item(names, i));
		int r = name ? add_name(f, name, rule, alternatives, e)
			     : err_say(e, EINVAL, "'names' holds what is no string");

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_call(const struct json *call, const struct sc_env *env, struct sc_filter *f, struct err *e)
{
	const struct json *names = NULL;
	struct sc_rule rule = { 0 };
	bool alternatives = false;
	int r = read_action(call, "action", "errnoRet", &rule.action, e);

	if (r == 0)
		r = read_conds(call, &rule, &alternatives, e);
	if (r == 0)
		r = json_read_array(call, "names", &names, e);
	if (r == 0)
		r = is_applicable(call, env, e);
	return r <= 0 ? r : add_names(f, call, &rule, alternatives, e);
}

static void add_arch(struct sc_filter *f, const char *name)
{
	const char *short_name = str_after(name, "SCMP_ARCH_");
	char lower[32] = "";
	uint32_t token;

	for (size_t i = 0; short_name && short_name[i] && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(short_name[i] | (short_name[i] >= 'A' && short_name[i] <= 'Z' ? 0x20 : 0));
	token = seccomp_arch_resolve_name(lower);
	if (!token || f->n_archs == SC_MAX_ARCHS) {
		log_debug("seccomp profile: architecture '%s' is not known here", name);
		return;
	}
	for (unsigned i = 0; i < f->n_archs; i++)
		if (f->archs[i] == token)
			return;
	f->archs[f->n_archs++] = token;
}

/* The native architecture is always among them: else not even the container's start would be possible. */
static int read_archs(const struct json *doc, const struct sc_env *env, struct sc_filter *f, struct err *e)
{
	const struct json *map = NULL;
	auto_strv char **list = NULL;
	int r = json_read_strv(doc, "architectures", &list, e);

	if (r == 0)
		r = json_read_array(doc, "archMap", &map, e);
	if (r < 0)
		return r;
	if (strv_len(list) && json_len(map))
		return err_say(e, EINVAL,
			       "both 'architectures' and 'archMap' are specified in the seccomp profile, use either "
			       "'architectures' or 'archMap'");
	f->archs[f->n_archs++] = env->native;
	for (char **a = list; a && *a; a++)
		add_arch(f, *a);
	for (size_t i = 0; i < json_len(map); i++) {
		const struct json *m = json_item(map, i), *sub = NULL;
		struct sc_filter one = { 0 };
		auto_free char *name = NULL;

		r = json_read_str(m, "architecture", &name, e);
		if (r == 0)
			r = json_read_array(m, "subArchitectures", &sub, e);
		if (r < 0)
			return r;
		add_arch(&one, name ? name : "");
		if (one.n_archs != 1 || one.archs[0] != env->native)
			continue;
		for (size_t j = 0; j < json_len(sub); j++)
			if (json_as_str(json_item(sub, j)))
				add_arch(f, json_as_str(json_item(sub, j)));
		return 0;
	}
	return 0;
}

static int by_order(const struct sc_rule *x, const struct sc_rule *y)
{
	return x->order < y->order ? -1 : x->order > y->order;
}

static int by_strictness(const void *a, const void *b)
{
	const struct sc_rule *x = a, *y = b;
	unsigned rx = rank_of(x->action), ry = rank_of(y->action);

	return rx != ry ? (rx < ry ? -1 : 1) : by_order(x, y);
}

static int by_name(const void *a, const void *b)
{
	const struct sc_rule *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c)
		return c;
	return !x->n_conds != !y->n_conds ? (x->n_conds ? 1 : -1) : by_order(x, y);
}

/*
 * The code generator tries rules with conditions in their order, then the first one without. Here a rule without
 * conditions beats all others, so those are dropped; of the rest the strictest comes first.
 */
static void settle(struct sc_filter *f)
{
	size_t n = 0, run;

	for (size_t i = 0; i < f->n_rules; i++) /* qsort is not stable: the document's order breaks ties */
		f->rules[i].order = (uint32_t)i;
	if (f->n_rules)
		qsort(f->rules, f->n_rules, sizeof(*f->rules), by_name);
	for (size_t i = 0; i < f->n_rules; i += run) {
		for (run = 1; i + run < f->n_rules && !strcmp(f->rules[i].name, f->rules[i + run].name);)
			run++;
		if (!f->rules[i].n_conds) {
			f->rules[n++] = f->rules[i];
			continue;
		}
		qsort(&f->rules[i], run, sizeof(*f->rules), by_strictness);
		memmove(&f->rules[n], &f->rules[i], run * sizeof(*f->rules));
		n += run;
	}
	f->n_rules = n;
}

static int read_profile(const struct json *doc, const struct sc_env *env, struct sc_filter *f, struct err *e)
{
	const struct json *calls = NULL;
	int r;

	if (json_kind(doc) != JSON_OBJECT)
		return err_say(e, EINVAL, "not a JSON object");
	r = read_action(doc, "defaultAction", "defaultErrnoRet", &f->dflt, e);
	if (r == 0)
		r = read_archs(doc, env, f, e);
	if (r == 0)
		r = json_read_array(doc, "syscalls", &calls, e);
	for (size_t i = 0; r == 0 && i < json_len(calls); i++) {
		r = read_call(json_item(calls, i), env, f, e);
		if (r < 0)
			return err_wrap(e, r, "rule %zu", i + 1);
	}
	if (r < 0)
		return r;
	if (json_len(json_get(doc, "flags")))
		log_warn("seccomp profile: ignored, continuing: 'flags'");
	settle(f);
	/* runc's rule for calls newer than the profile: not where they are allowed anyway */
	f->enosys = rank_of(f->dflt) <= rank_of(SECCOMP_RET_ERRNO);
	return 0;
}

/**
 * sc_from_json() - A profile in docker's format
 * @text:	The file
 * @len:	Its length
 * @env:	Capabilities, machine and kernel
 * @f:		The rules; keeps the document
 * @e:		What is wrong, where
 *
 * Return: 0, -EINVAL, -E2BIG
 */
int sc_from_json(const char *text, size_t len, const struct sc_env *env, struct sc_filter *f, struct err *e)
{
	int r;

	if (len > SECCOMP_JSON_MAX)
		return err_say(e, E2BIG, "decoding seccomp profile failed: larger than %u bytes", SECCOMP_JSON_MAX);
	r = json_parse(text, len, &f->doc, e);
	if (r == 0)
		r = read_profile(f->doc, env, f, e);
	return r < 0 ? err_wrap(e, r, "decoding seccomp profile failed") : 0;
}
