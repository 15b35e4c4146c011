/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_LIMITS_H
#define NCR_CACHE_LIMITS_H

/* The numbers on which byte and request counts rest; tests of counts follow from them. */
enum {
    NCR_FIRST_READ = 32 * 1024,         /* bytes read by the request that opens an object */
    NCR_FIRST_READ_OF_MANY = 12 * 1024, /* the same where a call opens very many: a COG's directories as a rule */
    NCR_MERGE_GAP = 32 * 1024,          /* ranges merge when the gap between them is at most this */
    NCR_GET_MAX = 8 * 1024 * 1024,      /* a longer range is cut into requests that run beside one another */
    NCR_PUT_FILLS_CACHE = 1024 * 1024,  /* a completed put of at most this many bytes fills the cache */
};

#endif
