/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_RAM_H
#define NCR_CACHE_RAM_H

#include <stddef.h>

/* Memory of this machine, or of the cgroup where that is less, in bytes. */
size_t ncr_ram_bytes(void);

/* The cache's budget where none is configured: an eighth of that, at least 64 MiB. */
size_t ncr_ram_default_cache(void);

#endif
