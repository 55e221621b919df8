/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/opt.h"

#include <errno.h>
#include <stdlib.h>

#include "cmd/run_opts.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "tests/unit/tap.h"

struct opts {
	bool force, tty, stdin, proxy;
	const char *name, *time, *trace;
	char **publish, **net;
	int64_t number, wait;
	uint64_t count, size;
	int called;
};

static int call(void *field, const char *value, struct err *e)
{
	if (!strcmp(value, "bad"))
		return err_say(e, EINVAL, "is bad");
	++*(int *)field;
	return 0;
}

static const struct opt table[] = {
	OPT_BOOL('f', "force", struct opts, force, "Force"),
	OPT_BOOL('t', "tty", struct opts, tty, "Tty"),
	OPT_BOOL('i', "stdin", struct opts, stdin, "Stdin"),
	OPT_BOOL(0, "proxy", struct opts, proxy, "Proxy", .dflt = "true"),
	OPT_STR('n', "name", struct opts, name, "Name"),
	OPT_STR(0, "time", struct opts, time, "Time", .dflt = "10"),
	OPT_STR(0, "trace", struct opts, trace, "Trace", .implied = "-"),
	OPT_STRV('p', "publish", struct opts, publish, "Publish"),
	OPT_STRV(0, "network", struct opts, net, "Network"),
	OPT_STRV(0, "net", struct opts, net, "Network", .flags = OPT_HIDDEN),
	OPT_I64(0, "number", struct opts, number, "Number"),
	OPT_U64(0, "count", struct opts, count, "Count"),
	OPT_SIZE(0, "size", struct opts, size, "Size"),
	OPT_DURATION(0, "wait", struct opts, wait, "Wait"),
	OPT_CALL('c', "call", struct opts, called, call, "Call"),
	OPT_REFUSE(OPT_KIND_STR, 'm', "memory", "Memory", "is not there yet"),
	OPT_REFUSE(OPT_KIND_BOOL, 0, "later", "Later", "is not there yet"),
	OPT_END,
};

static const struct opt globals[] = {
	OPT_STR(0, "root", struct opts, name, "Root"),
	OPT_BOOL('t', "top", struct opts, force, "Hidden behind -t of the verb"),
	OPT_BOOL('v', "version", struct opts, tty, "Only in front", .flags = OPT_BEFORE),
	OPT_END,
};

/**
 * struct outcome - one parse
 * @o:		the verb's options
 * @g:		the globals
 * @n:		operands or negative errno
 * @operands:	joined by blanks
 */
struct outcome {
	struct opts o, g;
	bool given[sizeof(table) / sizeof(*table)];
	struct opt_set set;
	int n;
	char *operands, *publish;
	struct err e;
};

static void parse(struct outcome *r, bool stop, const char *line)
{
	auto_strv char **argv = *line ? strv_split(line, ' ') : NULL;
	char *none[] = { NULL }, *operands[32];

	*r = (struct outcome) { 0 };
	r->set = (struct opt_set) { .table = table, .base = &r->o, .given = r->given };
	const struct opt_set sets[] = { r->set, { .table = globals, .base = &r->g, .is_global = true } };
	is_int(opt_defaults(&sets[0], &r->e), 0, "defaults for '%s'", line);
	r->n = opt_parse(sets, 2, stop, argv ? argv : none, operands, &r->e);
	r->operands = r->n >= 0 ? strv_join(operands, " ") : xstrdup("");
	r->publish = strv_join(r->o.publish, " ");
	/* Strings are borrowed from argv. */
	r->o.name = r->o.name ? xstrdup(r->o.name) : NULL;
	r->o.trace = r->o.trace ? xstrdup(r->o.trace) : NULL;
	r->g.name = r->g.name ? xstrdup(r->g.name) : NULL;
}

static void drop(struct outcome *r)
{
	opt_done(&r->set);
	free(r->operands);
	free(r->publish);
	free((char *)(uintptr_t)r->o.name);
	free((char *)(uintptr_t)r->o.trace);
	free((char *)(uintptr_t)r->g.name);
}

static void test_good(void)
{
	struct outcome r;

	parse(&r, false, "");
	ok(r.n == 0 && r.o.proxy && !r.o.force && !r.o.name && !strcmp(r.o.time, "10"), "nothing: the defaults");
	drop(&r);
	parse(&r, false, "a -f b --name=x --proxy=false c");
	ok(r.n == 3 && r.o.force && !r.o.proxy, "options between operands");
	is_str(r.operands, "a b c", "operands");
	is_str(r.o.name, "x", "value after =");
	ok(opt_is_given(&r.set, "force") && opt_is_given(&r.set, "name") && !opt_is_given(&r.set, "tty"), "given");
	drop(&r);
	parse(&r, false, "-itp8080:80 -p 81:81 -p=82:82 --publish 83 img");
	ok(r.o.stdin && r.o.tty, "joined letters");
	is_str(r.publish, "8080:80 81:81 82:82 83", "a value in all its places");
	drop(&r);
	parse(&r, false, "-it=false -ft");
	ok(r.o.stdin && r.o.tty && r.o.force, "a later flag wins");
	drop(&r);
	parse(&r, false, "-t=false -f=true --force=0");
	ok(!r.o.tty && !r.o.force, "flags with values");
	drop(&r);
	parse(&r, true, "-f img -t --name x");
	ok(r.n == 4 && r.o.force && !r.o.tty && !r.o.name, "the first operand ends the options");
	is_str(r.operands, "img -t --name x", "the rest");
	drop(&r);
	parse(&r, false, "-f -- -t --name");
	is_str(r.operands, "-t --name", "-- ends the options");
	drop(&r);
	parse(&r, true, "-- img -- x");
	is_str(r.operands, "img -- x", "only the first --");
	drop(&r);
	parse(&r, false, "- --name - -p -5");
	is_str(r.operands, "-", "a dash is an operand");
	is_str(r.o.name, "-", "and a value");
	is_str(r.publish, "-5", "a value may start with a dash");
	drop(&r);
	parse(&r, false, "--name --force");
	ok(!r.o.force, "a value that looks like an option");
	is_str(r.o.name, "--force", "is the value");
	drop(&r);
	parse(&r, false, "--name a --name b --name=");
	is_str(r.o.name, "", "the last one wins, empty is a value");
	drop(&r);
	parse(&r, false, "--trace x --net a --network=b");
	is_str(r.o.trace, "-", "an implied value");
	is_str(r.operands, "x", "takes nothing");
	is_int(strv_len(r.o.net), 2, "a hidden name stores in the same place");
	ok(opt_is_given(&r.set, "network") && opt_is_given(&r.set, "net"), "both are given");
	drop(&r);
	parse(&r, false, "--trace=file --number -3 --count 7 --size 1.5k --wait 1m30s -c 1 -c2");
	ok(r.o.number == -3 && r.o.count == 7 && r.o.size == 1536 && r.o.wait == 90000000000LL && r.o.called == 2,
	   "kinds");
	is_str(r.o.trace, "file", "an explicit value");
	drop(&r);
	parse(&r, false, "--root=/x -t --later=false");
	ok(r.o.tty && !r.g.force, "the verb's letter wins over the global one");
	is_str(r.g.name, "/x", "globals work behind the verb");
	drop(&r);
}

static void test_bad(void)
{
	static const struct {
		const char *line, *want;
	} t[] = {
		{ "--foo", "unknown flag: --foo" },
		{ "--foo=1", "unknown flag: --foo" },
		{ "--forc", "unknown flag: --forc" },
		{ "--forcex", "unknown flag: --forcex" },
		{ "-x", "unknown shorthand flag: 'x' in -x" },
		{ "-fx", "unknown shorthand flag: 'x' in -fx" },
		{ "-v", "unknown shorthand flag: 'v' in -v" },
		{ "--version", "unknown flag: --version" },
		{ "--name", "flag needs an argument: --name" },
		{ "-fn", "flag needs an argument: 'n' in -fn" },
		{ "--=x", "bad flag syntax: --=x" },
		{ "-f=maybe", "invalid argument \"maybe\" for \"-f, --force\" flag: not true or false" },
		{ "--number x", "invalid argument \"x\" for \"--number\" flag: not a number" },
		{ "--count -1", "invalid argument \"-1\" for \"--count\" flag: not a number of 0 or more" },
		{ "--size 1x", "invalid argument \"1x\" for \"--size\" flag: invalid size: '1x'" },
		{ "--wait soon", "invalid argument \"soon\" for \"--wait\" flag: invalid duration \"soon\"" },
		{ "-c bad", "invalid argument \"bad\" for \"-c, --call\" flag: is bad" },
		{ "-m 1g", "--memory is not there yet" },
		{ "--memory=1g", "--memory is not there yet" },
		{ "--later", "--later is not there yet" },
	};
	struct outcome r;

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		parse(&r, false, t[i].line);
		ok(r.n < 0, "fails: %s", t[i].line);
		is_str(r.e.msg, t[i].want, "says");
		drop(&r);
	}
}

/* What every table must keep. */
static void test_run_table(void)
{
	size_t n = opt_count(run_opts_table);
	bool unique = true, reasons = true, sentences = true;

	for (size_t i = 0; i < n; i++) {
		const struct opt *a = &run_opts_table[i];

		if ((a->flags & (OPT_REFUSED | OPT_IGNORED)) && !a->reason)
			reasons = false;
		if (!a->help || !*a->help || str_has_suffix(a->help, "."))
			sentences = false;
		for (size_t k = 0; k < i; k++) {
			const struct opt *b = &run_opts_table[k];

			if (!strcmp(a->name, b->name) || (a->letter && a->letter == b->letter)) {
				printf("# --%s and --%s\n", a->name, b->name);
				unique = false;
			}
		}
	}
	ok(n > 150, "run knows every flag of docker and podman");
	ok(unique, "names and letters are unique");
	ok(reasons, "what is refused has a reason");
	ok(sentences, "help texts have no full stop");
	ok(!strcmp(run_opts_table[0].name, "detach") && !strcmp(run_opts_table[RUN_ONLY].name, "interactive"),
	   "create's table starts behind what only run has");
}

static void test_run_values(void)
{
	struct run_opts o = { 0 };
	bool given[256] = { 0 };
	struct opt_set set = { .table = run_opts_table, .base = &o, .given = given };
	auto_strv char **argv = strv_split("--rm -it --pull=newer --restart no -eA=1 --env B busybox sh -c x", ' ');
	auto_strv char **bad = strv_split("--restart always busybox", ' ');
	char *out[16];
	struct err e = { 0 };

	is_int(opt_defaults(&set, &e), 0, "defaults");
	ok(o.sig_proxy && o.stop_timeout == 10 && o.pull == PULL_MISSING && o.tls_verify, "are docker's");
	is_int(opt_parse(&set, 1, true, argv, out, &e), 4, "run line");
	ok(o.rm && o.interactive && o.tty && o.pull == PULL_NEWER && strv_len(o.env) == 2, "is understood");
	ok(opt_parse(&set, 1, true, bad, out, &e) < 0, "a restart policy");
	is_str(e.msg, "invalid argument \"always\" for \"--restart\" flag: restart policies are not there yet",
	       "is refused");
	opt_done(&set);
}

int main(void)
{
	test_good();
	test_bad();
	test_run_table();
	test_run_values();
	return done();
}
