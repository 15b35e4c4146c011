/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_PAGES_H
#define NCR_BASE_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* Memory for large blocks of bytes that live for a short while. To get it from the system page by page costs more
 * processor time than to read as many bytes from a network, so up to NCR_PAGES_SPARE bytes of what is freed are kept,
 * and the next blocks are cut from them; the rest goes back at once. New blocks are cut one after another from regions
 * for which huge pages are asked. A huge page of which only a part was freed is given back by the system when memory is
 * short: so this is not for blocks that stay, such as the cache's. Synchronised. */

enum { NCR_PAGES_LEAST = 256 << 10, NCR_PAGES_SPARE = 16 << 20 }; /* below the first, malloc() is as good */

/* size bytes, not initialised, at the beginning of a page; NULL: out of memory. */
uint8_t *ncr_pages_new(size_t size);

/* Frees what was got with that size, or the end of it from the beginning of a page on. NULL is accepted. */
void ncr_pages_free(uint8_t *data, size_t size);

/* What size bytes take: whole pages, at least one. */
size_t ncr_pages_size(size_t size);

/* Bytes that are in use, and those that are kept for the next blocks. */
void ncr_pages_count(size_t *in_use, size_t *spare);

#endif
