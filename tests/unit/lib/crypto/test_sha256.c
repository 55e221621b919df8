/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/crypto/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "tests/unit/tap.h"

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

int main(void)
{
	struct err e = { 0 };
	struct sha256 *h = NULL;
	char d[SHA256_DIGEST_SIZE];
	uint64_t size = 7;
	int fd = -1;

	sha256_of("", 0, d);
	is_str(d, EMPTY, "empty input");
	sha256_of("abc", 3, d);
	is_str(d, ABC, "abc");

	is_int(sha256_new(&h, &e), 0, "new");
	sha256_update(h, "a", 1);
	sha256_update(h, "bc", 2);
	sha256_final_digest(h, d);
	is_str(d, ABC, "in two pieces");
	sha256_reset(h);
	sha256_final_digest(h, d);
	is_str(d, EMPTY, "reset starts over");
	sha256_freep(&h);
	ok(!h, "freed and disarmed");

	is_int(fd_memfd_sealed("t", "xabc", 4, false, &fd, &e), 0, "memory file");
	lseek(fd, 1, SEEK_SET);
	is_int(sha256_fd(fd, d, &size, &e), 0, "hash a file");
	is_str(d, ABC, "from the current offset");
	is_int(size, 3, "its size");
	is_int(sha256_fd(-1, d, NULL, &e), -EBADF, "a bad descriptor");
	return done();
}
