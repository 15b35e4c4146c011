/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_READ_H
#define NCR_RASTER_READ_H

#include "raster/dataset.h"

/* A read as a user asks for it, checked: from nacre_read_options to a plan in bounded memory. Each refusal names the
 * dataset and the numbers. Single-thread; must outlive the plan that is made of it. */
typedef struct ncr_read {
    ncr_dataset *dataset; /* referenced */
    ncr_scaled_request request;
    int *bands; /* owned; of the request */
    bool masks; /* of the bands, or of the dataset where there are none */
    int plane_count;
    size_t size; /* bytes that the buffer must have */
    /* Of a window that reaches beyond the raster: what lies inside, and what is to be read for it. */
    bool is_framed;
    ncr_rect inside;           /* of the output; empty: nothing */
    nacre_window inside_shows; /* of the raster; its borders are those of `inside`, so it may reach a little beyond */
    bool has_fill;
    double fill;
} ncr_read;

/* Checks all but the buffer. options are not needed any longer after it. NACRE_ERROR_INVALID, NACRE_ERROR_MEMORY; then
 * *out is empty. */
nacre_status ncr_read_init(ncr_read *out, ncr_dataset *dataset, const nacre_read_options *options, nacre_error *err);
void ncr_read_clear(ncr_read *read); /* accepts a zeroed one */

/* Where the values go: borrowed until the plan is freed. NACRE_ERROR_INVALID: it is too small. */
nacre_status ncr_read_set_buffer(ncr_read *read, void *buffer, size_t buffer_size, nacre_error *err);

/* After ncr_read_set_buffer(). Fills what lies beyond the raster. */
nacre_status ncr_read_plan(const ncr_read *read, ncr_call *call, ncr_plan **out, nacre_error *err);

#endif
