/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_DATASET_H
#define NCR_RASTER_DATASET_H

#include <nacre/dataset.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "raster/metadata.h"
#include "raster/pins.h"
#include "raster/plan.h"
#include "vfs/vfs.h"

/* The dataset model: what GDAL's data model says of a raster, and how a driver gives its pixels. */

typedef struct ncr_band {
    nacre_dtype dtype;
    int bits;
    int block_width, block_height;
    nacre_nodata nodata;
    double scale, offset;
    char *unit, *description; /* NULL: "" */
    nacre_color color;
    unsigned mask_flags; /* NACRE_MASK_ bits; alpha: the band alpha_band of the dataset; 0: a mask of its own */
    nacre_color_entry *colors;
    int color_count;
    ncr_metadata metadata;
} ncr_band;

/* A rectangle of whole pixels. */
typedef struct ncr_rect {
    int64_t x, y, width, height;
} ncr_rect;

/* Unresampled pixels of one level. */
typedef struct ncr_read_request {
    int level;        /* 0: full resolution; n: overview n of the dataset, from 1 */
    ncr_rect window;  /* of whole pixels, inside that level */
    const int *bands; /* from 1; borrowed until the plan is freed */
    int band_count;
    bool mask; /* the mask of the whole dataset (NACRE_MASK_PER_DATASET without alpha) instead of bands: one plane of
                  uint8, 0 or 255; bands are not looked at */
    bool own_mask;     /* with mask: bands[0]'s own one, of a dataset in which its mask_flags are 0 */
    nacre_dtype dtype; /* of the buffer: any type */
    uint8_t *buffer;   /* first value of the first band; filled in whole on success */
    ptrdiff_t pixel_stride, row_stride, band_stride;
    bool is_scan; /* a part of a read of more than memory.limit: what is given whole need not be cached */
} ncr_read_request;

/* A read with another size, from a window with fractions. */
typedef struct ncr_scaled_request {
    /* Of level 0. May reach beyond the raster (a mosaic's sources lie on fractions of pixels), as long as it touches
     * it: nearest then takes the nearest pixel inside, kernels leave out what is outside. */
    nacre_window window;
    int out_width, out_height;
    nacre_resampling resampling;
    ncr_read_request to; /* bands, mask, dtype, buffer and strides; level and window are not looked at */
    /* Of the output: the only pixels that are made, the same as without it; the first goes to to.buffer. width 0: all.
     * Only for what ncr_scaled_can_be_cut(): a driver's plan_scaled is never given one. */
    ncr_rect part;
} ncr_scaled_request;

typedef struct nacre_dataset ncr_dataset;

/* Pixels that lie in memory; strides in bytes. */
typedef struct ncr_pixels {
    const void *values; /* the first one of band 1 */
    nacre_dtype dtype;
    ptrdiff_t pixel_stride, row_stride, band_stride;
} ncr_pixels;

/* A driver's functions for one open dataset. Many threads may call them at once. */
typedef struct ncr_dataset_class {
    const char *driver; /* "GTiff" */
    /* A plan that fills the request's buffer. *out is the caller's. Asked for own_mask only where flags say so. */
    nacre_status (*plan_read)(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call, ncr_plan **out,
                              nacre_error *err);
    /* Like plan_read with another size, where a driver has a better way than overviews and resampling (a warped view);
     * keeps to the key memory.limit by itself. NULL: the raster layer's way. */
    nacre_status (*plan_scaled)(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call, ncr_plan **out,
                                nacre_error *err);
    /* Where the pixels of a level already lie in memory, all bands of one type, for as long as the dataset lives;
     * false: they do not. NULL: never. */
    bool (*direct)(ncr_dataset *dataset, int level, ncr_pixels *out);
    /* Every object behind it besides its own file: calls function for each. NULL: there is none. */
    void (*sources)(ncr_dataset *dataset,
                    void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                    void *user);
    void (*free)(ncr_dataset *dataset); /* releases what the driver's struct holds, not the common part */
} ncr_dataset_class;

/* The common part; a driver's own struct begins with this. Immutable once it is open (but for what drivers guard
 * themselves), reference-counted. */
struct nacre_dataset {
    _Atomic int references;
    uint64_t serial; /* no other dataset of the process has it, or had */
    const ncr_dataset_class *class;
    char *path;     /* as it was named; "" for a view that was not saved */
    ncr_file *file; /* the object it was opened from; NULL for a view; referenced */
    ncr_pins *pins; /* of the tree it was opened in; NULL: a view that was not opened; referenced */
    char *text;     /* what it was opened from, where that is the text of a VRT; else NULL */
    int width, height;
    int band_count;
    ncr_band *bands;
    int alpha_band; /* 0: none */
    bool has_transform;
    nacre_transform transform;
    nacre_crs *crs;  /* NULL: none; referenced */
    nacre_gcp *gcps; /* texts owned */
    int gcp_count;
    nacre_crs *gcp_crs;
    ncr_metadata metadata;
    char *compression;      /* NULL: "" */
    const char *interleave; /* a literal; "": not known */
    bool is_tiled, is_cog;
    int (*overviews)[2]; /* sizes, from the largest */
    int overview_count;
    bool looks_beside;          /* files beside it are looked for at its first read, not by its open: see beside.h */
    _Atomic unsigned beside;    /* which there are, once somebody has looked */
    _Atomic(ncr_call *) looker; /* the read that looks for them; compared only */
};

/* A zeroed dataset of `size` bytes with its bands (scale 1, all valid); path is copied, file (may be NULL)
 * referenced. NULL: out of memory. */
ncr_dataset *ncr_dataset_new(size_t size, const ncr_dataset_class *class, const char *path, ncr_file *file,
                             int band_count);
ncr_dataset *ncr_dataset_ref(ncr_dataset *dataset);
void ncr_dataset_unref(ncr_dataset *dataset); /* accepts NULL and half-built ones */

/* How messages name it: its path, or "view" where it has none. */
const char *ncr_dataset_name(const ncr_dataset *dataset);

/* Tells every object behind it, its own file first, then those of class->sources. */
void ncr_dataset_sources(ncr_dataset *dataset,
                         void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                         void *user);

/* Tells one object, as ncr_dataset_sources() does. */
void ncr_dataset_tell_file(ncr_file *file,
                           void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                           void *user);

/* Sets mask_flags of every band by GDAL's precedence: the mask of the dataset, nodata, alpha. Alpha counts where
 * alpha_band is the last of two or four bands and of 8 or 16 bits without sign. */
void ncr_dataset_set_mask_flags(ncr_dataset *dataset, bool has_mask);

/* Whether a band has a mask of its own, which is read and not written. */
bool ncr_dataset_has_own_masks(const ncr_dataset *dataset);

/* Copies what describes the pixels and not the grid (nodata, scale, colours, unit, metadata...) of a band. */
nacre_status ncr_band_copy(ncr_band *to, const ncr_band *from, nacre_error *err);

/* --- Plans over any dataset --- */

/* Unresampled pixels (checks the request, then class->plan_read). */
nacre_status ncr_dataset_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                   ncr_plan **out, nacre_error *err);

/* Pixels of any window in any size, as GDAL's RasterIO: picks the overview, then resamples. */
nacre_status ncr_dataset_plan_scaled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                     ncr_plan **out, nacre_error *err);
/* Like ncr_dataset_plan_scaled(), but always the raster layer's own way, never class->plan_scaled: for a driver that
 * has the better way only for some requests. */
nacre_status ncr_dataset_plan_resampled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                        ncr_plan **out, nacre_error *err);

/* The masks of request->to.bands, uint8, from nodata, alpha or the dataset's mask with GDAL's precedence;
 * band_count 0: the mask of the whole dataset (Rasterio's dataset_mask). */
nacre_status ncr_dataset_plan_masks(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                    ncr_plan **out, nacre_error *err);

/* --- Opening --- */

/* What a driver is given to open. */
typedef struct ncr_open_request {
    const char *path;           /* as it is named */
    const ncr_object *document; /* of the document that names it; NULL: the user */
    ncr_file *file;             /* open; its head has the first bytes. NULL: path is the text of a VRT itself */
    int depth;                  /* how many documents name it */
    const char *const *drivers; /* NULL: all */
    ncr_pins *pins;             /* of the tree it is part of; NULL: it is the root of one, and a driver gets its own */
    const char *pinned_version; /* the only one that may be read, else NACRE_ERROR_CHANGED; "" none; NULL: any */
} ncr_open_request;

/* A driver: what opens a kind of raster. Registered by api at start, asked in that order. */
typedef struct ncr_driver {
    const char *name;
    bool (*probe)(const ncr_open_request *request); /* by the first bytes; does no I/O */
    /* A plan after which *dataset_out holds the dataset, the caller's. The request lives until the plan is freed. */
    nacre_status (*plan_open)(const ncr_open_request *request, ncr_call *call, ncr_dataset **dataset_out,
                              ncr_plan **out, nacre_error *err);
} ncr_driver;
void ncr_driver_register(const ncr_driver *driver); /* at most 8, before the first open */

/* A plan that opens a raster by path: opens the file, asks the drivers. After it *dataset_out holds the dataset, the
 * caller's (also where the plan failed after), or NULL. request->file is not looked at; path and pinned_version are
 * copied, document and pins referenced, drivers borrowed until the plan is freed. NACRE_ERROR_UNSUPPORTED: no driver
 * knows it ("not a raster"); NACRE_ERROR_TOO_LARGE: deeper than the key limit.vrt_depth. */
nacre_status ncr_dataset_plan_open(const ncr_open_request *request, ncr_call *call, ncr_dataset **dataset_out,
                                   ncr_plan **out, nacre_error *err);

/* Opens and waits. */
nacre_status ncr_dataset_open(const char *path, const char *const *drivers, ncr_call *call, ncr_dataset **out,
                              nacre_error *err);

/* --- Transforms (pixel corners to coordinates, Affine order) --- */
void ncr_transform_apply(const nacre_transform *transform, double column, double row, double *x, double *y);

#endif
