# SPDX-License-Identifier: Apache-2.0
# What is made from the option tables and kept in the tree: completions/, checked by tests/lint/completions. The pages of
# man/ are written by hand; tests/lint/man checks them against the tables.

.PHONY: completions
completions: $(O)/skiff
	mkdir -p completions
	$< completion bash >completions/skiff.bash
	$< completion zsh >completions/_skiff
	$< completion fish >completions/skiff.fish
