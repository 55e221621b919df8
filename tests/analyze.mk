# SPDX-License-Identifier: Apache-2.0
# Static analysis: `make analyze`, or one of analyze-gcc, analyze-tidy, analyze-cppcheck. Each file is looked at again only
# when it or a header has changed. What a checker may not say is in .clang-tidy, below, or beside the line, with a reason.

ANALYZE_SRC := $(sort $(foreach t,$(TIERS),$(call srcs,$(t))) $(wildcard cmd/*.c cmd/image/*.c) $(INIT_SRC))
ANALYZE_HDR := $(wildcard cmd/*.h cmd/image/*.h $(addsuffix /*.h,$(TIERS)) lib/runtime/init/*.h) tests/lint/analyze.h
# err.c defines what the header wraps.
ANALYZE_FLAGS = $(CPPFLAGS) -std=gnu17 $(if $(filter lib/base/err.c,$<),,-include tests/lint/analyze.h)
# Without -Wanalyzer-malloc-leak: gcc 12 does not know __attribute__((cleanup)) on early returns of inlined code.
# Without -Wanalyzer-use-of-uninitialized-value, -Wanalyzer-null-*: clang-tidy tells these apart better across calls.
ANALYZE_GCC ?= gcc
GCC_NOT := -Wno-analyzer-malloc-leak -Wno-analyzer-use-of-uninitialized-value \
	-Wno-analyzer-null-dereference -Wno-analyzer-null-argument

$(O)/analyze/gcc/%.ok: %.c $(ANALYZE_HDR)
	@mkdir -p $(@D)
	$(call say,GCC,$<)$(ANALYZE_GCC) -fanalyzer -O1 -Werror $(GCC_NOT) $(ANALYZE_FLAGS) -S -o /dev/null $<
	@touch $@
$(O)/analyze/tidy/%.ok: %.c $(ANALYZE_HDR) .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)clang-tidy --quiet $< -- $(ANALYZE_FLAGS) 2>$@.err >$@.out || { cat $@.out $@.err; exit 1; }
	@touch $@
# One architecture: sandbox.c and others refuse to compile for none.
$(O)/analyze/cppcheck.ok: $(ANALYZE_SRC) $(ANALYZE_HDR)
	@mkdir -p $(@D)
	$(call say,CHECK,$(words $(ANALYZE_SRC)) files)cppcheck --enable=warning,performance,portability --inline-suppr --quiet \
		--std=c17 --error-exitcode=1 --template=gcc --suppress=missingIncludeSystem -D_GNU_SOURCE -D__x86_64__ -U__aarch64__ \
		-I. --include=lib/base/banned.h $(ANALYZE_SRC)
	@touch $@

.PHONY: analyze analyze-gcc analyze-tidy analyze-cppcheck
analyze: analyze-cppcheck analyze-gcc analyze-tidy
analyze-gcc: $(ANALYZE_SRC:%.c=$(O)/analyze/gcc/%.ok)
analyze-tidy: $(ANALYZE_SRC:%.c=$(O)/analyze/tidy/%.ok)
analyze-cppcheck: $(O)/analyze/cppcheck.ok
