# SPDX-License-Identifier: Apache-2.0
# Building and running the tests.
#
#   make check-fast                     unit tests and lint
#   make check | check-full             tests/run says what each holds
#   make test T="FILE..." [MODE=user]   build everything, run some test files: tests/unit/..c, tests/cli/*.bats, tests/lint/*
#
# A unit test lives in tests/unit/TIER/test_*.c and links the archives of its own tier and those above it only, with the
# external libraries that these may use: a call down the tiers fails to link.

EXT_lib/oci := -ljson-c
EXT_lib/crypto := -lcrypto
EXT_lib/http := -lcurl
EXT_lib/runtime := -lseccomp -lcap
EXT_storage/unpack := -larchive -lisal -lzstd -lz

up = $(call upto,$(1),$(TIERS))
unit_srcs = $(wildcard tests/unit/$(1)/test_*.c)
unit_bins = $(patsubst %.c,$(O)/%,$(call unit_srcs,$(1)))

# $(1) tier, $(2) archives and objects, $(3) external libraries
define unit_rule
$(call unit_bins,$(1)): $(O)/%: $(O)/%.o $(2)
	$$(call say,LD,$$@)$$(CC) $$(LDFLAGS) -o $$@ $$< -Wl,--start-group $(2) -Wl,--end-group $(3) -lpthread
UNIT_BINS += $(call unit_bins,$(1))
endef
$(foreach t,$(TIERS),$(eval $(call unit_rule,$(t),$(foreach u,$(call rev,$(call up,$(t))),$(call lib,$(u))),$(foreach \
	u,$(call up,$(t)),$(EXT_$(u))))))
$(eval $(call unit_rule,cmd,$(filter-out %/main.o,$(call objs,cmd)) $(LIBS_ALL),$(LDLIBS_MAIN)))
$(eval $(call unit_rule,cmd/image,$(filter-out %/main.o,$(call objs,cmd/image)) $(CMD_SHARED) $(LIBS_ALL),$(LDLIBS_IMAGE)))

# A fuzz target has LLVMFuzzerTestOneInput() and links everything. Here it is linked with a main() that replays its corpus
# (tests/fuzz/corpus/NAME/); `make fuzz` links it with libFuzzer instead.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BINS := $(patsubst %.c,$(O)/%,$(FUZZ_SRC))
FUZZ_SECONDS ?= 60
ifdef FUZZ
FUZZ_MAIN :=
CFLAGS += -fsanitize=fuzzer-no-link
FUZZ_LD := -fsanitize=fuzzer
else
FUZZ_MAIN := $(O)/tests/fuzz/replay.o
endif
$(O)/tests/fuzz/fuzz_%.o: WARN += -Wno-missing-prototypes
$(FUZZ_BINS): $(O)/%: $(O)/%.o $(FUZZ_MAIN) $(LIBS_ALL)
	$(call say,LD,$@)$(CC) $(LDFLAGS) $(FUZZ_LD) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(LIBS_ALL) -Wl,--end-group $(LDLIBS_IMAGE)
# The tables of cmd/ are in no archive.
$(O)/tests/fuzz/fuzz_opt: $(O)/cmd/opt.o $(O)/cmd/run_opts.o
.PHONY: fuzz
fuzz:
	$(MAKE) O=$(O)-fuzz CC=clang SAN=1 FUZZ=1 fuzz-run
.PHONY: fuzz-run
fuzz-run: $(FUZZ_BINS)
	for f in $(FUZZ_BINS); do n=$$(basename $$f); c=tests/fuzz/corpus/$${n#fuzz_}; mkdir -p $(O)/corpus/$$n $$c; \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=5 -rss_limit_mb=1024 $(O)/corpus/$$n $$c || exit 1; done

# Small programs that tests need: one .c file each, linked with lib/base and what their name asks for.
TEST_TOOLS := $(patsubst %.c,$(O)/%,$(wildcard tests/reap.c tests/tools/*.c tests/fault/*.c tests/bench/*.c))
$(TEST_TOOLS): $(O)/%: $(O)/%.o $(call lib,lib/base)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< $(call lib,lib/base) -lseccomp

.PHONY: unit-bins fuzz-bins test-tools tests-build test check-fast check check-full
unit-bins: $(UNIT_BINS)
fuzz-bins: $(FUZZ_BINS)
test-tools: $(TEST_TOOLS)
tests-build: all unit-bins fuzz-bins test-tools

MODE ?= user
RUN = tests/run -O $(O)
export CC
# Only unit tests and lint asked for: only these are built.
test: $(if $(filter-out tests/unit/%.c tests/lint/%,$(T)),tests-build,test-tools $(patsubst %.c,$(O)/%,$(filter tests/unit/%,$(T))))
	$(RUN) -m $(MODE) $(T)
check-fast: all unit-bins test-tools
	$(RUN) fast
check check-full:
	tests/prepare
	+$(MAKE) tests-build
	+$(MAKE) SAN=1 O=$(O)-san tests-build
	$(if $(filter check-full,$@),+$(MAKE) fuzz)
	$(RUN) $@

# B=images: only that part of it.
.PHONY: bench
bench: all test-tools
	tests/bench/run $(O) $(B)
