/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Options as data: a verb lists what it takes, one parser fills the verb's struct. Help, completions, the check of the
 * man pages and --dump-cli read the same list: an option that exists is documented, one that is documented works.
 *
 *	struct rm_opts { bool force; const char *time; char **filter; };
 *	static const struct opt opts[] = {
 *		OPT_BOOL('f', "force", struct rm_opts, force, "Force the removal of a running container"),
 *		OPT_STR('t', "time", struct rm_opts, time, "Seconds to wait before killing", .dflt = "10"),
 *		OPT_STRV(0, "filter", struct rm_opts, filter, "Choose by condition"),
 *		OPT_END,
 *	};
 *
 * What follows the help text is optional: .arg (the word that help shows for the value), .dflt (set before parsing, and
 * shown), .implied (the value of "--opt" without "=value"), .flags, .reason. Syntax is docker's: --opt=value,
 * --opt value, -o value, -ovalue, -o=value, letters joined (-itp8080:80), --flag=false, and "--" ends the options.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum opt_kind {
	OPT_KIND_END,
	OPT_KIND_BOOL,	   /* bool */
	OPT_KIND_STR,	   /* const char *, borrowed from argv; the last one given wins */
	OPT_KIND_STRV,	   /* char **, owned (opt_done() frees it); every one given, in order */
	OPT_KIND_I64,	   /* int64_t */
	OPT_KIND_U64,	   /* uint64_t */
	OPT_KIND_SIZE,	   /* uint64_t bytes: 64m, 1.5g, 512 */
	OPT_KIND_DURATION, /* int64_t ns: 10s, 1m30s, 250ms; a bare number is seconds */
	OPT_KIND_CALL,	   /* anything: .call stores it */
	OPT_KIND__N
};

enum {
	OPT_HIDDEN = 1,	 /* an old or second name: works, shown nowhere */
	OPT_REFUSED = 2, /* known from docker or podman, not here: an error with .reason ("--flag=false" passes) */
	OPT_IGNORED = 4, /* accepted; a warning with .reason says that it does nothing */
	OPT_BEFORE = 8,	 /* global option that is only taken before the verb, because verbs use its letter */
};

/**
 * struct opt - one option
 * @kind:	what it takes and where that goes
 * @letter:	short name or 0
 * @name:	long name without the dashes
 * @help:	one line without a full stop
 * @offset:	of the field in the options struct
 * @arg:	word for the value in help; NULL: docker's word for the kind
 * @dflt:	text parsed into the field beforehand, or NULL
 * @implied:	value when none is attached with "="; NULL: the next argument is the value
 * @flags:	OPT_HIDDEN, ...
 * @reason:	for OPT_REFUSED and OPT_IGNORED: the rest of the sentence after "--name "
 * @call:	for OPT_KIND_CALL: store @value; @field is the field at @offset
 */
struct opt {
	enum opt_kind kind;
	char letter;
	const char *name;
	const char *help;
	size_t offset;
	const char *arg;
	const char *dflt;
	const char *implied;
	unsigned flags;
	const char *reason;
	int (*call)(void *field, const char *value, struct err *e);
};

/* offsetof() that does not compile when the field has another type than the kind wants. */
#define OPT_FIELD(type, field, want)                                                                                   \
	(offsetof(type, field) + 0 * sizeof(char[_Generic(&((type *)0)->field, want * : 1, default : -1)]))
#define OPT_OF(kind_, letter_, name_, offset_, ...)                                                                    \
	{                                                                                                              \
		.kind = (kind_), .letter = (letter_), .name = (name_), .offset = (offset_), .help = __VA_ARGS__        \
	}

#define OPT_BOOL(letter, name, type, field, ...)                                                                       \
	OPT_OF(OPT_KIND_BOOL, letter, name, OPT_FIELD(type, field, bool), __VA_ARGS__)
#define OPT_STR(letter, name, type, field, ...)                                                                        \
	OPT_OF(OPT_KIND_STR, letter, name, OPT_FIELD(type, field, const char *), __VA_ARGS__)
#define OPT_STRV(letter, name, type, field, ...)                                                                       \
	OPT_OF(OPT_KIND_STRV, letter, name, OPT_FIELD(type, field, char **), __VA_ARGS__)
#define OPT_I64(letter, name, type, field, ...)                                                                        \
	OPT_OF(OPT_KIND_I64, letter, name, OPT_FIELD(type, field, int64_t), __VA_ARGS__)
#define OPT_U64(letter, name, type, field, ...)                                                                        \
	OPT_OF(OPT_KIND_U64, letter, name, OPT_FIELD(type, field, uint64_t), __VA_ARGS__)
#define OPT_SIZE(letter, name, type, field, ...)                                                                       \
	OPT_OF(OPT_KIND_SIZE, letter, name, OPT_FIELD(type, field, uint64_t), __VA_ARGS__)
#define OPT_DURATION(letter, name, type, field, ...)                                                                   \
	OPT_OF(OPT_KIND_DURATION, letter, name, OPT_FIELD(type, field, int64_t), __VA_ARGS__)
#define OPT_CALL(letter, name, type, field, call_, ...)                                                                \
	OPT_OF(OPT_KIND_CALL, letter, name, offsetof(type, field), __VA_ARGS__, .call = (call_))
/* Refused and ignored ones store nothing; @kind_ says only whether they take a value. */
#define OPT_REFUSE(kind_, letter, name, help_, reason_)                                                                \
	OPT_OF(kind_, letter, name, 0, help_, .flags = OPT_REFUSED, .reason = (reason_))
#define OPT_IGNORE(kind_, letter, name, help_, reason_)                                                                \
	OPT_OF(kind_, letter, name, 0, help_, .flags = OPT_IGNORED, .reason = (reason_))
#define OPT_END                                                                                                        \
	{                                                                                                              \
		.kind = OPT_KIND_END                                                                                   \
	}

/**
 * struct opt_set - a table with the struct it fills
 * @table:	the options, ended by OPT_END
 * @base:	the zeroed struct
 * @given:	one per option, set when it was on the command line; NULL when nobody asks
 * @is_global:	these are the global options, and the verb is known: OPT_BEFORE ones are not recognised any more
 */
struct opt_set {
	const struct opt *table;
	void *base;
	bool *given;
	bool is_global;
};

size_t opt_count(const struct opt *table);
const char *opt_arg_word(const struct opt *o);
int opt_defaults(const struct opt_set *set, struct err *e);
int opt_parse(const struct opt_set *sets, size_t n_sets, bool stop_at_operand, char **argv, char **ret_operands,
	      struct err *e);
void opt_done(const struct opt_set *set);
bool opt_is_given(const struct opt_set *set, const char *name);
