/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/json.h"
#include "lib/runtime/walls.h"
#include "storage/driver.h"
#include "storage/store.h"

struct doctor_opts {
	bool quiet;
	const char *format;
};

static const struct opt opts[] = {
	OPT_STR('f', "format", struct doctor_opts, format, "Format the output (\"json\")"),
	OPT_BOOL('q', "quiet", struct doctor_opts, quiet, "Only show what stands in the way"),
	OPT_END,
};

/* What the storage says by itself, as two more findings of the same shape. */
struct storage_findings {
	struct walls_finding store;
	struct walls_finding driver;
};

static const char *level_word(enum walls_level level)
{
	static const char *const words[] = { "ok", "limited", "blocked" };

	_Static_assert(sizeof(words) / sizeof(words[0]) == WALLS_LEVEL__N, "one word for each level");
	return words[level];
}

static void look_driver(struct store *s, const char *forced, struct walls_finding *f)
{
	const struct driver *d = NULL;
	auto_free char *reason = NULL;
	struct err e = { 0 };

	if (driver_choose(s, forced, &d, &e) < 0) {
		f->level = WALLS_BLOCKED;
		snprintf(f->state, sizeof(f->state), "%s", e.msg);
		snprintf(f->mend, sizeof(f->mend),
			 "mend what is named above; --storage-driver vfs needs no overlay at all");
		return;
	}
	if (driver_reason(s, d, &reason, NULL) < 0)
		reason = NULL;
	snprintf(f->state, sizeof(f->state), "%s%s%s", driver_name(d), reason ? ": " : "", reason ? reason : "");
}

static void look_storage(const struct ctx *ctx, struct walls_probe *p, struct storage_findings *ret)
{
	auto_store struct store *s = NULL;
	struct err e = { 0 };

	if (store_open(ctx->root, ctx->runroot, &s, &e) < 0) {
		walls_look(NULL, WALLS_TRY, p);
		ret->store.level = WALLS_BLOCKED;
		snprintf(ret->store.state, sizeof(ret->store.state), "%s", e.msg);
		snprintf(ret->store.mend, sizeof(ret->store.mend),
			 "choose another folder with --root DIR or SKIFF_ROOT=DIR");
		return;
	}
	walls_look(store_root(s), WALLS_TRY, p);
	if (!p->userns_errno && !p->map_errno && !p->mount_errno)
		look_driver(s, ctx->storage_driver, &ret->driver);
}

static void print_finding(const char *name, const struct walls_finding *f, bool quiet)
{
	if (quiet && f->level == WALLS_OK)
		return;
	printf("%-8s %-24s %s\n", level_word(f->level), name, f->state);
	if (f->level != WALLS_OK)
		printf("%-8s %-24s -> %s\n", "", "", f->mend);
}

static void add_finding(struct json *arr, const char *name, const struct walls_finding *f)
{
	struct json *o = json_add_object(arr);

	json_set_str(o, "Name", name);
	json_set_str(o, "Level", level_word(f->level));
	json_set_str(o, "State", f->state);
	json_set_str(o, "Mend", f->mend);
}

static void print_verdict(const unsigned n[WALLS_LEVEL__N])
{
	if (n[WALLS_BLOCKED])
		printf("skiff cannot run containers here: %u %s in the way.\n", n[WALLS_BLOCKED],
		       n[WALLS_BLOCKED] == 1 ? "wall stands" : "walls stand");
	else if (n[WALLS_LIMITED])
		printf("skiff can run containers here, with %u limit%s.\n", n[WALLS_LIMITED],
		       n[WALLS_LIMITED] == 1 ? "" : "s");
	else
		printf("skiff can run containers here.\n");
}

static int doctor_run(struct ctx *ctx, void *o, int argc, char **argv, struct err *e)
{
	const struct doctor_opts *opt = o;
	struct storage_findings storage = { 0 };
	struct walls_finding found[WALL__N];
	unsigned n[WALLS_LEVEL__N] = { 0 };
	auto_json struct json *arr = NULL;
	struct walls_probe p;

	(void)argc;
	(void)argv;
	if (opt->format && strcmp(opt->format, "json") != 0)
		return err_say(e, EINVAL, "--format %s: doctor knows only \"json\"", opt->format);
	look_storage(ctx, &p, &storage);
	walls_check(&p, found);
	if (storage.store.level != WALLS_OK)
		found[WALL_STORE] = storage.store;
	arr = json_new_array();
	for (int i = 0; i <= WALL__N; i++) {
		const struct walls_finding *f = i < WALL__N ? &found[i] : &storage.driver;
		const char *name = i < WALL__N ? walls_name((enum walls_id)i) : "storage driver";

		if (!*f->state)
			continue;
		n[f->level]++;
		if (opt->format)
			add_finding(arr, name, f);
		else
			print_finding(name, f, opt->quiet);
	}
	if (opt->format) {
		auto_free char *text = json_pretty(arr);

		puts(text);
	} else if (!opt->quiet || n[WALLS_BLOCKED]) {
		print_verdict(n);
	}
	return n[WALLS_BLOCKED] ? 1 : 0;
}

const struct cmd cmd_doctor = {
	.path = "system doctor",
	.alias = "doctor",
	.help = "Check what this host allows, and say how to mend what it does not",
	.more = "Each line is one thing that can stand between an ordinary user and a container: \"ok\", \"limited\" "
		"(containers "
		"run, something is out of reach) or \"blocked\". The exit status is 1 when something is blocked.",
	.opts = opts,
	.opts_size = sizeof(struct doctor_opts),
	.run = doctor_run,
};
