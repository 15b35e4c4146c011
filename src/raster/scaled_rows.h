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
    ncr_axis columns, rows;           /* owned */
    ncr_axis near_columns, near_rows; /* owned; for bands that take the nearest among others; empty: there are none */
    ncr_read_request to;              /* where results go; to.mask: one plane that has no band */
    int left, top;                    /* the output pixel that goes to to.buffer */
    int band_count;
    nacre_dtype dtype;           /* of pixels */
    nacre_resampling resampling; /* that of the axes */
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

/* Whether a band takes the nearest pixel where the resampling would mix what cannot be mixed: as GDAL, indices into a
 * colour table with kernels, and complex values with the Gaussian. */
bool ncr_scaled_takes_nearest(const ncr_band *band, nacre_resampling resampling);

/* --- What the ways to make rows share --- */

/* One task: some output rows of one band. */
typedef struct ncr_scaled_task {
    const ncr_scaled_job *job;
    const ncr_band *band; /* NULL: a mask is resampled */
    int band_index;
    int from, to; /* output rows */
} ncr_scaled_task;

/* The first value of an output row, and of a source row, of a band. */
uint8_t *ncr_scaled_out_row(const ncr_scaled_job *job, int band_index, int y);
const uint8_t *ncr_scaled_source_row(const ncr_scaled_job *job, int band_index, int64_t y);

/* Marks which pixels of a source row count, into `valid` or elsewhere; NULL: all of them do. */
const uint8_t *ncr_scaled_validity(const ncr_scaled_task *task, const uint8_t *pixels, int64_t y, uint8_t *valid);

/* The most frequent value of each run; of several, the one that was so first. false: out of memory. */
bool ncr_scaled_count_rows(const ncr_scaled_task *task);

/* Mixes the colours that indices stand for, and takes the index of the colour that is nearest to that, for average,
 * rms and the Gaussian. Entries that are transparent, or of the nodata value, are left out. false: out of memory. */
bool ncr_scaled_mix_colors(const ncr_scaled_task *task);

#endif
