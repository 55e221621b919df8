/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a seccomp profile: refused with a sentence, or a program that the kernel would take. */

#include <linux/filter.h>
#include <seccomp.h>
#include <stdint.h>

#include "lib/runtime/seccomp_int.h"

static void check(const struct seccomp_prog *p)
{
	if (!p->n || p->insns[p->n - 1].code != (BPF_RET | BPF_K))
		abort();
	for (size_t pc = 0; pc < p->n; pc++) {
		const struct sock_filter *i = &p->insns[pc];

		if (BPF_CLASS(i->code) == BPF_LD && i->k > 60)
			abort();
		if (BPF_CLASS(i->code) != BPF_JMP)
			continue;
		if (BPF_OP(i->code) == BPF_JA ? pc + i->k + 1 >= p->n :
						pc + i->jt + 1 >= p->n || pc + i->jf + 1 >= p->n)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t natives[] = { SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64, SCMP_ARCH_S390X };
	struct sc_env env = { .caps = 0x800405fb, .major = 6, .minor = 1 };

	for (size_t i = 0; i < sizeof(natives) / sizeof(*natives); i++) {
		auto_seccomp_prog struct seccomp_prog p = { 0 };
		auto_sc_filter struct sc_filter f = { 0 };
		struct err e = { 0 };

		env.native = natives[i];
		if (sc_from_json((const char *)data, size, &env, &f, &e) < 0) {
			if (!*e.msg)
				abort();
			continue;
		}
		if (sc_generate(&f, &p, &e) == 0)
			check(&p);
	}
	return 0;
}
