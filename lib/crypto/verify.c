/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/crypto/verify.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define P256_BITS 256

static int read_key(const char *pem, EVP_PKEY **ret, struct err *e)
{
	char group[32] = "";
	BIO *b = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = b ? PEM_read_bio_PUBKEY(b, NULL, NULL, NULL) : NULL;

	BIO_free(b);
	ERR_clear_error();
	if (!key)
		return err_say(e, EINVAL, "the public key is not in PEM (-----BEGIN PUBLIC KEY-----)");
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_bits(key) != P256_BITS ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 || strcmp(group, "prime256v1") != 0) {
		EVP_PKEY_free(key);
		ERR_clear_error();
		return err_say(e, EINVAL, "the public key is not an ECDSA key on P-256");
	}
	*ret = key;
	return 0;
}

int verify_ecdsa(const char *pem, const void *data, size_t len, const void *sig, size_t sig_len, struct err *e)
{
	EVP_MD_CTX *c = NULL;
	EVP_PKEY *key = NULL;
	int ok, r = read_key(pem, &key, e);

	if (r < 0)
		return r;
	c = EVP_MD_CTX_new();
	ok = c && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestVerify(c, sig, sig_len, data, len) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok ? 0 : err_say(e, EBADMSG, "the signature does not fit the key");
}
