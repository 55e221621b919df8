# SPDX-License-Identifier: Apache-2.0
# One non-recursive Makefile. Each folder of the tree becomes one static archive; the list TIERS is their order: a folder may
# use only what stands before it (tests/lint/tiers checks the includes, the unit tests' link lines check the rest).
#
#   make                 build everything below $(O)          make deps        install what building needs (apt)
#   make quickstart      deps, build, install, prepare host   make check       the whole test run
#   make check-fast      unit tests and lint                  make bench       speed, beside podman; B=images: a part
#   make install         PREFIX= DESTDIR=                     make uninstall
#   make analyze         gcc -fanalyzer, clang-tidy, cppcheck
#   SAN=1                AddressSanitizer and UBSan           WERROR=1         warnings are errors (CI)

SAN	?=
O	?= build$(if $(SAN),-san)
# One name for one folder: dependency files hold it, and would not be found under the other.
override O := $(patsubst $(CURDIR)/%,%,$(O))
PREFIX	?= /usr/local
DESTDIR	?=
CC	?= cc
WERROR	?=
# V=1 shows whole command lines, else one word and the file.
V	?=
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2); )
VERSION	:= 0.1.0

TIERS := lib/base lib/oci lib/crypto lib/http lib/format lib/runtime storage storage/unpack storage/pack netns lib/engine lib/build swarm

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wformat=2 -Wundef -Wcast-qual -Wpointer-arith -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wredundant-decls -Wimplicit-fallthrough=5 -Wnull-dereference \
	-Wconversion -Wno-sign-conversion -Wno-format-truncation
GCC_WARN := -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init
ifeq ($(findstring clang,$(CC)),)
WARN += $(GCC_WARN)
else
WARN += -Wno-gnu-statement-expression -Wno-gnu-conditional-omitted-operand -Wno-gnu-zero-variadic-macro-arguments
endif
ifneq ($(WERROR),)
WARN += -Werror
endif
OPT  := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
ifneq ($(SAN),)
OPT  := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANLD := -fsanitize=address,undefined
endif
CPPFLAGS += -D_GNU_SOURCE -I. -I$(O)/gen -include lib/base/banned.h -DSKIFF_VERSION='"$(VERSION)"'
CFLAGS   += -std=gnu17 $(OPT) $(WARN) -fPIE -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANLD)

# Sources of each tier: every .c file of the folder itself. lib/runtime/init is a program of its own (skiff-init).
srcs = $(wildcard $(1)/*.c)
objs = $(patsubst %.c,$(O)/%.o,$(call srcs,$(1)))
lib  = $(O)/$(1)/lib.a
# The archives up to and including tier $(1), last first, as the linker wants them.
rev    = $(if $(1),$(call rev,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
upto   = $(if $(filter $(1),$(firstword $(2))),$(1),$(firstword $(2)) $(call upto,$(1),$(wordlist 2,$(words $(2)),$(2))))
LIBS_ALL  := $(foreach t,$(call rev,$(TIERS)),$(call lib,$(t)))

# External libraries. `skiff` itself gets only the first line (DESIGN: starting with more costs 12 ms).
LDLIBS_MAIN  := -ljson-c -lseccomp -lcap
LDLIBS_IMAGE := $(LDLIBS_MAIN) -lcurl -larchive -lcrypto -lisal -lzstd -lz -lpthread

BINS := $(O)/skiff $(O)/libexec/skiff/skiff-image $(O)/libexec/skiff/skiff-init
.PHONY: all
all: $(BINS)
# Further parts of the build, one file per concern (tests, install, embedded image, documents).
-include $(wildcard tests/*.mk cmd/*.mk)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

define tier_rule
$(call lib,$(1)): $(call objs,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR,$$@)ar rcs $$@ $$^
endef
$(foreach t,$(TIERS),$(eval $(call tier_rule,$(t))))

$(O)/skiff: $(call objs,cmd) $(LIBS_ALL)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(call objs,cmd) -Wl,--start-group $(LIBS_ALL) -Wl,--end-group $(LDLIBS_MAIN)

# What both programs have of cmd/: the parser, help, and the records of the verbs that skiff-image runs (cmd/cmd.h).
CMD_SHARED := $(patsubst %,$(O)/cmd/%.o,app opt names help suggest dump exec_image) \
	$(patsubst %.c,$(O)/%.o,$(wildcard cmd/spec_*.c))
$(O)/libexec/skiff/skiff-image: $(call objs,cmd/image) $(CMD_SHARED) $(LIBS_ALL)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(call objs,cmd/image) $(CMD_SHARED) -Wl,--start-group $(LIBS_ALL) -Wl,--end-group $(LDLIBS_IMAGE)

# skiff-init is static: it runs inside the container, where no library of ours is. Built without the sanitizers.
INIT_SRC := $(wildcard lib/runtime/init/*.c)
INIT_OBJ := $(patsubst %.c,$(O)/static/%.o,$(INIT_SRC) $(wildcard lib/base/*.c))
$(O)/static/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) -std=gnu17 -Os -g -fno-pie -ffunction-sections -fdata-sections $(WARN) -MMD -MP -c -o $@ $<
$(O)/libexec/skiff/skiff-init: $(INIT_OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -static -no-pie -s -Wl,--gc-sections -o $@ $^

-include $(shell find $(O) -name '*.d' 2>/dev/null)
.PHONY: clean
clean:
	rm -rf $(O)
