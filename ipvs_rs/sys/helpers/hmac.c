// SPDX-License-Identifier: GPL-2.0
#include <crypto/sha2.h>
#include <linux/string.h>

#include "../helpers.h"

void ipvs_helper_hmac_sha256_init(struct hmac_sha256_ctx *context, const struct hmac_sha256_key *key)
{
	hmac_sha256_init(context, key);
}

void ipvs_helper_hmac_sha256_update(struct hmac_sha256_ctx *context, const void *data, size_t length)
{
	hmac_sha256_update(context, data, length);
}

/* Overwrites a secret with zeroes. The compiler does not leave that out, although nobody reads them. */
void ipvs_helper_forget(void *secret, size_t length)
{
	memzero_explicit(secret, length);
}
