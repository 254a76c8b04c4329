// SPDX-License-Identifier: GPL-2.0
#include <linux/slab.h>

#include "../helpers.h"

struct kmem_cache *ipvs_helper_cache_create(const char *name, unsigned int size, unsigned int align)
{
	return kmem_cache_create(name, size, align, 0, NULL);
}

/* For packets: nothing sleeps, and a lack of memory is not logged. */
void *ipvs_helper_cache_alloc_atomic(struct kmem_cache *cache)
{
	return kmem_cache_alloc(cache, GFP_ATOMIC | __GFP_NOWARN);
}
