/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_SUPPORT_MEMORY_RASTER_H
#define TEST_SUPPORT_MEMORY_RASTER_H

#include "raster/dataset.h"

/* A dataset over pixels in memory, for tests of what reads datasets: planes of width * height values, band after band.
 * Its reads are plans that need nothing from outside. */
typedef struct memory_raster {
    ncr_dataset base; /* first */
    uint8_t *values;  /* owned; malloc */
    uint8_t *mask;    /* owned; NULL: none. Bands' mask_flags must then say so */
    int reads;        /* how many plans were made */
    int64_t largest;  /* pixels of the largest window that was read */
} memory_raster;

/* Takes values (malloc) over. crs is a text, NULL: none. Fails the test when out of memory or the CRS is unknown. */
memory_raster *memory_raster_new(int width, int height, int band_count, nacre_dtype dtype, void *values,
                                 const nacre_transform *transform, const char *crs);

/* Adds an overview that is every `factor`th pixel of the full resolution. */
void memory_raster_add_overview(memory_raster *raster, int factor);

/* Reads a window of all bands of any dataset without gaps, in its first band's type; the caller frees it. Fails the
 * test where the read fails. */
void *memory_raster_read(ncr_dataset *dataset, ncr_rect window);

/* Runs a plan that needs nothing from outside, and frees it. */
nacre_status memory_plan_run(ncr_plan *plan, nacre_error *err);

#endif
