# SPDX-License-Identifier: Apache-2.0
# Probes: static programs that tests run inside containers, to see what is really possible there.

PROBES := $(patsubst tests/cli/%.c,$(O)/tests/tools/%,$(wildcard tests/cli/probe*.c))
$(PROBES): $(O)/tests/tools/%: tests/cli/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=gnu17 -O2 -g -fno-pie $(WARN) -MMD -MP -MF $@.d -static -no-pie -o $@ $< -lpthread
test-tools: $(PROBES)
