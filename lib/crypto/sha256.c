/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL 3 looks a digest up by name on every EVP_DigestInit_ex(EVP_sha256()): a lock, a hash table and a few
 * microseconds. The digest is fetched once per process here, and a context is used again by sha256_reset().
 */
#include "lib/crypto/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* Lives as long as the process. */
static const EVP_MD *fetched(void)
{
	static EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	return md;
}

/* After a successful fetch the calls below fail only when memory is gone. */
static void must(int ok)
{
	static const char msg[] = "skiff: SHA-256 failed\n";

	if (ok == 1)
		return;
	fd_write_full(2, msg, sizeof(msg) - 1);
	_exit(125);
}

/**
 * sha256_new() - Start a hash
 * @ret:	The hash; release with sha256_free()
 * @e:		Failure: this OpenSSL has no SHA-256 (a broken configuration file), or memory is gone
 *
 * Return: 0 or negative errno
 */
int sha256_new(struct sha256 **ret, struct err *e)
{
	struct sha256 *h;

	if (!fetched())
		return err_say(e, ENOSYS, "SHA-256 is not available from OpenSSL on this machine");
	h = xcalloc(1, sizeof(*h));
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx) {
		free(h);
		return err_set(e, ENOMEM, "start a hash");
	}
	sha256_reset(h);
	*ret = h;
	return 0;
}

/**
 * sha256_free() - Release a hash
 * @h:	Hash or NULL
 */
void sha256_free(struct sha256 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

/**
 * sha256_freep() - sha256_free() for auto_sha256; disarms
 * @h:	Address of the pointer
 */
void sha256_freep(struct sha256 **h)
{
	int saved = errno;

	sha256_free(*h);
	*h = NULL;
	errno = saved;
}

/**
 * sha256_reset() - Start over with an empty stream
 * @h:	The hash
 */
void sha256_reset(struct sha256 *h)
{
	must(EVP_DigestInit_ex(h->ctx, fetched(), NULL));
}

/**
 * sha256_update() - Append bytes to the stream
 * @h:		The hash
 * @data:	Bytes
 * @len:	How many
 */
void sha256_update(struct sha256 *h, const void *data, size_t len)
{
	must(EVP_DigestUpdate(h->ctx, data, len));
}

/**
 * sha256_final() - End the stream; sha256_reset() starts the next
 * @h:		The hash
 * @ret:	The 32 bytes
 */
void sha256_final(struct sha256 *h, uint8_t ret[SHA256_LEN])
{
	must(EVP_DigestFinal_ex(h->ctx, ret, NULL));
}

/**
 * sha256_final_digest() - End the stream; sha256_reset() starts the next
 * @h:		The hash
 * @ret:	"sha256:" and 64 lower-case digits
 */
void sha256_final_digest(struct sha256 *h, char ret[SHA256_DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[SHA256_LEN];
	char *p = ret + 7;

	sha256_final(h, raw);
	memcpy(ret, "sha256:", 7); /* NOLINT(bugprone-not-null-terminated-result): ends below */
	for (size_t i = 0; i < SHA256_LEN; i++) {
		*p++ = digits[raw[i] >> 4];
		*p++ = digits[raw[i] & 15];
	}
	*p = '\0';
}

/**
 * sha256_fd() - Hash a file from its current offset to its end
 * @fd:		Open for reading
 * @ret:	"sha256:" and 64 lower-case digits
 * @ret_size:	Bytes hashed; may be NULL
 * @e:		Failure to read
 *
 * Return: 0 or negative errno
 */
int sha256_fd(int fd, char ret[SHA256_DIGEST_SIZE], uint64_t *ret_size, struct err *e)
{
	auto_sha256 struct sha256 *h = NULL;
	static char buf[256 * 1024];
	uint64_t total = 0;
	int r = sha256_new(&h, e);

	if (r < 0)
		return r;
	for (;;) {
		ssize_t n = fd_read(fd, buf, sizeof(buf));

		if (n < 0)
			return err_set(e, (int)n, "read to hash");
		if (n == 0)
			break;
		sha256_update(h, buf, (size_t)n);
		total += (uint64_t)n;
	}
	sha256_final_digest(h, ret);
	if (ret_size)
		*ret_size = total;
	return 0;
}

/**
 * sha256_of() - Hash bytes in memory
 * @data:	Bytes
 * @len:	How many
 * @ret:	"sha256:" and 64 lower-case digits
 */
void sha256_of(const void *data, size_t len, char ret[SHA256_DIGEST_SIZE])
{
	auto_sha256 struct sha256 *h = NULL;

	must(sha256_new(&h, NULL) == 0);
	sha256_update(h, data, len);
	sha256_final_digest(h, ret);
}
