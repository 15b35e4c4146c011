/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_SCALED_ROWS_H
#define NCR_RASTER_SCALED_ROWS_H

#include "raster/dataset.h"
#include "raster/resample.h"

/* The computing half of a read of another size: from the source pixels under a part of the output to that part. */
typedef struct ncr_scaled_job {
    const ncr_dataset *dataset; /* borrowed */
    int level;
    ncr_axis columns, rows; /* owned */
    ncr_read_request to;    /* where results go; to.mask: one plane that has no band */
    int left, top;          /* the output pixel that goes to to.buffer */
    int band_count;
    nacre_dtype dtype;   /* of pixels */
    bool nearest;        /* the axes have one pixel a run: values are copied */
    bool normalize_rows; /* kernels: each row is divided by its weights first, as GDAL does; averages are not */
    bool has_valid;
    /* The part. */
    struct {
        int x, y, width, height;
    } out;
    ncr_rect source; /* of the level */
    uint8_t *pixels; /* band by band, of `source` */
    uint8_t *valid;  /* of `source`, 0: not valid, 255: valid, in between for alpha; NULL: all are valid */
} ncr_scaled_job;

/* Makes the part, on the calling thread and idle workers. NACRE_ERROR_MEMORY, and what ncr_call_check() gives. */
nacre_status ncr_scaled_job_run(ncr_scaled_job *job, const ncr_call *call, nacre_error *err);
void ncr_scaled_job_clear(ncr_scaled_job *job); /* the axes */

#endif
