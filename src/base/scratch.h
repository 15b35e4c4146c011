/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_SCRATCH_H
#define NCR_BASE_SCRATCH_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Bytes that a writer puts aside: in memory while they are few, then in a temporary file without a name, in $TMPDIR or
 * /tmp. What was never written reads as zeros up to the end. Single-thread, but for ncr_scratch_append(). */
typedef struct ncr_scratch {
    uint8_t *memory;
    size_t capacity;
    uint64_t size;             /* end of what was written */
    int file;                  /* -1: none yet */
    pthread_mutex_t appending; /* guards what is above while several threads append */
} ncr_scratch;

enum { NCR_SCRATCH_MEMORY = 16 * 1024 * 1024 };

void ncr_scratch_init(ncr_scratch *scratch);
void ncr_scratch_clear(ncr_scratch *scratch);

/* NACRE_ERROR_IO: the temporary directory is named in the message; NACRE_ERROR_MEMORY. */
nacre_status ncr_scratch_write(ncr_scratch *scratch, uint64_t offset, const void *data, size_t size, nacre_error *err);
/* Writes behind what was written and tells where. Any number of threads at once, beside no other function. Statuses as
 * above; after failure the bytes there are not determined. */
nacre_status ncr_scratch_append(ncr_scratch *scratch, const void *data, size_t size, uint64_t *offset,
                                nacre_error *err);
/* Reads bytes that were written. */
nacre_status ncr_scratch_read(ncr_scratch *scratch, uint64_t offset, void *data, size_t size, nacre_error *err);

#endif
