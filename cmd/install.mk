# SPDX-License-Identifier: Apache-2.0
# The embedded image, installing, and the two commands of README.md's first screen.

BUSYBOX ?= $(firstword $(wildcard /bin/busybox.static /bin/busybox /usr/bin/busybox /usr/sbin/busybox))
EMBEDDED := $(O)/libexec/skiff/embedded/busybox.tar
all: $(EMBEDDED)
$(EMBEDDED): cmd/embedded/busybox.sh $(BUSYBOX)
	@[ -n "$(BUSYBOX)" ] || { echo "there is no busybox here to make the embedded image from: run make deps" >&2; exit 1; }
	$(call say,IMAGE,$@)sh $< $(BUSYBOX) $@

bindir := $(DESTDIR)$(PREFIX)/bin
libexecdir := $(DESTDIR)$(PREFIX)/libexec/skiff
datadir := $(DESTDIR)$(PREFIX)/share
LIBEXEC := $(filter $(O)/libexec/skiff/%,$(BINS))
MAN := $(wildcard man/*.[1-8])

.PHONY: deps install uninstall quickstart
deps:
	@sh cmd/install/deps.sh

install: all
	install -d $(bindir) $(libexecdir)/embedded $(datadir)/man/man1 $(datadir)/bash-completion/completions \
		$(datadir)/zsh/site-functions $(datadir)/fish/vendor_completions.d
	install -m 755 $(O)/skiff $(bindir)/skiff
	install -m 755 $(LIBEXEC) $(libexecdir)
	install -m 644 $(EMBEDDED) $(libexecdir)/embedded/busybox.tar
	$(if $(MAN),install -m 644 $(MAN) $(datadir)/man/man1)
	$(if $(wildcard completions/skiff.bash),install -m 644 completions/skiff.bash $(datadir)/bash-completion/completions/skiff)
	$(if $(wildcard completions/_skiff),install -m 644 completions/_skiff $(datadir)/zsh/site-functions/_skiff)
	$(if $(wildcard completions/skiff.fish),install -m 644 completions/skiff.fish $(datadir)/fish/vendor_completions.d/skiff.fish)

uninstall:
	rm -f $(bindir)/skiff $(addprefix $(datadir)/man/man1/,$(notdir $(MAN))) \
		$(datadir)/bash-completion/completions/skiff $(datadir)/zsh/site-functions/_skiff \
		$(datadir)/fish/vendor_completions.d/skiff.fish
	rm -rf $(libexecdir)

quickstart:
	@MAKE="$(MAKE)" O="$(O)" sh cmd/install/quickstart.sh
