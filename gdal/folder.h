/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_FOLDER_H
#define NCR_GDAL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much of an object its open reads. A mosaic opens the small files of a folder one after another and reads most of
 * each, which is two requests in two rounds for each. Once two objects of a folder were read so, the opens of those
 * that follow ask at once for as many bytes as GDAL wanted of them. The open stays what it was, one request that proves
 * the version when GDAL asks for the file; it is only longer.
 *
 * Bounds: NCR_GDAL_FOLDER_MOST bytes of an object; what was fetched in vain in a folder is never more than what GDAL
 * has read there. It lands in the cache. The folders used last are remembered, as hashes: a collision costs bytes,
 * never pixels. Synchronised, but for ncr_gdal_use. */

enum { NCR_GDAL_FOLDER_MOST = 2 * 1024 * 1024, NCR_GDAL_FOLDER_ENOUGH = 2, NCR_GDAL_FOLDERS = 16 };

/* What is read of one object while it is open. Single-thread. */
typedef struct ncr_gdal_use {
    uint64_t folder;
    uint64_t size;
    size_t first_read;   /* bytes that the open is to read; 0: the usual number */
    uint64_t end, bytes; /* of what was read behind the usual number */
    uint64_t unused;     /* bytes that the open read and nobody else has */
    bool is_counted;
} ncr_gdal_use;

/* Before an open for reading. */
void ncr_gdal_folder_ask(ncr_gdal_use *use, const char *name);
/* After it, with the object's size. */
void ncr_gdal_folder_opened(ncr_gdal_use *use, uint64_t size);
/* With each read. */
void ncr_gdal_folder_read(ncr_gdal_use *use, uint64_t offset, uint64_t length);

#endif
