/* SPDX-License-Identifier: Apache-2.0 */
/* main() for a fuzz target without libFuzzer: every file of every folder given goes through the target once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_dir(const char *path, int *count)
{
	auto_closedir DIR *d = opendir(path);
	struct dirent *de;

	if (!d) {
		fprintf(stderr, "%s: %s\n", path, strerrordesc_np(errno));
		return errno == ENOENT ? 0 : 1;
	}
	while ((de = readdir(d))) {
		auto_free char *text = NULL;
		struct err e;
		size_t len;

		if (de->d_name[0] == '.')
			continue;
		if (fs_read_file(dirfd(d), de->d_name, 64 << 20, &text, &len, &e) < 0) {
			fprintf(stderr, "%s\n", e.msg);
			return 1;
		}
		/* The name of the input that crashes must be on the screen already. */
		printf("# %s/%s\n", path, de->d_name);
		fflush(stdout);
		LLVMFuzzerTestOneInput((const uint8_t *)text, len);
		printf("ok %d - %s\n", ++*count, de->d_name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		if (replay_dir(argv[i], &count))
			return 1;
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("ok %d - empty input\n1..%d\n", count + 1, count + 1);
	return 0;
}
