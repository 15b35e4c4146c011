/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_CANVAS_H
#define NCR_RASTER_CANVAS_H

#include "base/scratch.h"
#include "raster/dataset.h"

/* A dataset that is being made, or changed: what was written lies in chunks in a scratch, what was not comes from the
 * dataset below it, or is nodata (0 without). It is read as any other dataset. Single-thread while it is written or
 * described; reads beside one another are allowed. */
typedef struct ncr_canvas {
    ncr_dataset base;
    ncr_dataset *below; /* NULL: a new one; referenced */
    bool has_mask;      /* its own, or that of the one below */
    int chunk_width, chunk_height, across, down;
    uint64_t **places; /* [bands + 1][across * down] place in the scratch + 1, 0: not written; last the mask; NULL:
                          nothing of that plane is */
    ncr_scratch scratch;
    bool is_changed;                 /* by anything */
    nacre_status stale;              /* why what lies below cannot be read any more; NACRE_OK: it can */
    void *owner;                     /* of who made it */
    void (*free_owner)(void *owner); /* NULL: there is nothing to release */
} ncr_canvas;

/* A new one: all its bands are of the type. Chunks are as large as blocks, where these are not huge. */
nacre_status ncr_canvas_new(const char *path, int width, int height, int band_count, nacre_dtype dtype, int block_width,
                            int block_height, ncr_canvas **out, nacre_error *err);
/* One over a dataset, which it describes and whose overviews it has. */
nacre_status ncr_canvas_over(ncr_dataset *below, ncr_canvas **out, nacre_error *err);
/* The canvas that a dataset is; NULL: it is none. */
ncr_canvas *ncr_canvas_of(ncr_dataset *dataset);

/* What to write: values of any type from the caller's buffer, converted as reads are. */
typedef struct ncr_write_request {
    ncr_rect window;  /* inside the raster */
    const int *bands; /* from 1 */
    int band_count;
    bool mask; /* the mask of the dataset instead: 0 invalid, else valid; makes one where there is none */
    nacre_dtype dtype;
    const uint8_t *buffer;
    ptrdiff_t pixel_stride, row_stride, band_stride;
} ncr_write_request;

/* Writes; blocks, where what lies below must be read. NACRE_ERROR_IO: no room for the scratch. After failure what was
 * in the window is unspecified. */
nacre_status ncr_canvas_write(ncr_canvas *canvas, const ncr_write_request *request, ncr_call *call, nacre_error *err);

/* Whether something was written in an area: of a plane (from 0; -1 the mask), or all planes (-2). */
bool ncr_canvas_is_touched(const ncr_canvas *canvas, const ncr_rect *area, int plane);

/* After what was written has become the file that `below` was opened from: that is read from now on.
 * NACRE_ERROR_MEMORY: nothing has changed. */
nacre_status ncr_canvas_settle(ncr_canvas *canvas, ncr_dataset *below, nacre_error *err);

/* --- Describing it; each is NACRE_ERROR_MEMORY only --- */
void ncr_canvas_set_crs(ncr_canvas *canvas, nacre_crs *crs);                         /* NULL: none */
void ncr_canvas_set_transform(ncr_canvas *canvas, const nacre_transform *transform); /* NULL: none */
nacre_status ncr_canvas_set_gcps(ncr_canvas *canvas, const nacre_gcp *gcps, int count, nacre_crs *crs,
                                 nacre_error *err);
/* value NULL: removes it. band 0: of the dataset. */
nacre_status ncr_canvas_set_metadata(ncr_canvas *canvas, int band, const char *domain, const char *key,
                                     const char *value, nacre_error *err);
/* Those of NACRE_BAND_ that `which` names; nodata is of all bands. */
nacre_status ncr_canvas_set_band(ncr_canvas *canvas, int band, unsigned which, const nacre_band_info *values,
                                 nacre_error *err);

#endif
