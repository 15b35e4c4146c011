/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_SPOOL_H
#define NCR_GDAL_SPOOL_H

#include <nacre/error.h>
#include <stddef.h>
#include <stdint.h>

/* A temporary file without a name: what is being written, which GDAL reads back and changes anywhere before it closes
 * it. Single-thread. */
typedef struct ncr_gdal_spool {
    int fd; /* -1: none */
    char *folder;
    uint64_t size;
} ncr_gdal_spool;

/* In folder, or where NULL in that of the variables TMPDIR, TMP, TEMP, or /tmp. To be cleared also after failure. */
nacre_status ncr_gdal_spool_init(ncr_gdal_spool *spool, const char *folder, nacre_error *err);
void ncr_gdal_spool_clear(ncr_gdal_spool *spool);

/* Writes all of it; what lies between the end and the offset becomes zeros. */
nacre_status ncr_gdal_spool_write(ncr_gdal_spool *spool, uint64_t offset, const void *data, size_t size,
                                  nacre_error *err);
/* *got is less than size at the end. */
nacre_status ncr_gdal_spool_read(const ncr_gdal_spool *spool, uint64_t offset, void *buffer, size_t size, size_t *got,
                                 nacre_error *err);
nacre_status ncr_gdal_spool_truncate(ncr_gdal_spool *spool, uint64_t size, nacre_error *err);

#endif
