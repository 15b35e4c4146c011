/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_CRC32C_H
#define NCR_STORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC32C (Castagnoli), as Google keeps it of every object. Begins with crc 0; the result of one piece is given with
 * the next. */
uint32_t ncr_crc32c(uint32_t crc, const void *data, size_t size);

/* The ways to it: by tables on any processor, and by an instruction of this one (NULL: it has none). */
typedef uint32_t ncr_crc32c_function(uint32_t crc, const void *data, size_t size);
ncr_crc32c_function ncr_crc32c_by_tables;
ncr_crc32c_function *ncr_crc32c_machine(void);

/* As the store writes it: the four bytes, high byte first, in base64. */
enum { NCR_CRC32C_TEXT = 9 };
void ncr_crc32c_text(uint32_t crc, char out[NCR_CRC32C_TEXT]);

#endif
