/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_EDIT_H
#define NACRE_EDIT_H

#include "view.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Datasets that are made or changed in place (modes w, w+ and r+ of other libraries). Such a dataset is described and
 * read as any other, with what was written, and becomes a file at nacre_dataset_commit(): whole and at once, or not at
 * all. One that is closed before leaves nothing behind. Memory is bounded whatever its size: pixels are put aside in
 * $TMPDIR where they are many.
 *
 * Threads: single-thread, also for reads; what a getter gave lives until the next function that changes something. */

/* Initialise with NACRE_CREATE_OPTIONS_INIT. */
typedef struct nacre_create_options {
    size_t size;                 /* sizeof(nacre_create_options) */
    const char *format;          /* "GTiff", "COG", "PNG"; NULL: as nacre_dataset_save() finds it */
    const char *const *creation; /* "KEY=VALUE" under GDAL's names, NULL-terminated; NULL: none */
    bool overwrite;              /* else an existing destination is NACRE_ERROR_EXISTS, without a race */
} nacre_create_options;

#define NACRE_CREATE_OPTIONS_INIT                       \
    {                                                   \
        sizeof(nacre_create_options), NULL, NULL, false \
    }

/* Whether a format has a creation option of this name, in any case; false too where the format cannot be written. */
NACRE_API bool nacre_creation_option_exists(const char *format, const char *name);

/* Begins a dataset of bands of one type. What is not written will be nodata, or 0. *out is the caller's until
 * nacre_dataset_close(). NACRE_ERROR_INVALID: a size, an unknown creation option or a value of one (named);
 * NACRE_ERROR_UNSUPPORTED: no such format, or it does not hold such bands; NACRE_ERROR_EXISTS. */
NACRE_API nacre_status nacre_dataset_create(const char *path, int width, int height, int band_count, nacre_dtype dtype,
                                            const nacre_create_options *create_options, const nacre_io_options *options,
                                            nacre_dataset **out, nacre_error *err);

/* Opens a GeoTIFF or COG that exists, to change it. The commit replaces the version that was opened, and no other
 * (NACRE_ERROR_CHANGED); blocks that were not written are copied as they are, and a COG stays one. Overviews are not
 * made anew unless nacre_dataset_build_overviews() says so, as in other libraries. Errors as of nacre_dataset_open();
 * NACRE_ERROR_UNSUPPORTED: a format or a form that cannot be written. */
NACRE_API nacre_status nacre_dataset_update(const char *path, const nacre_open_options *open_options,
                                            const nacre_io_options *options, nacre_dataset **out, nacre_error *err);

/* A dataset over pixels in memory, which are the caller's and must stay until it is closed; it cannot be changed but
 * by its describing functions. Strides are bytes between values; all 0: band, row, pixel without gaps.
 * NACRE_ERROR_INVALID: a size or type that cannot be. */
NACRE_API nacre_status nacre_dataset_from_memory(int width, int height, int band_count, nacre_dtype dtype,
                                                 const void *pixels, ptrdiff_t pixel_stride, ptrdiff_t row_stride,
                                                 ptrdiff_t band_stride, nacre_dataset **out, nacre_error *err);

/* What to write. Initialise with NACRE_DATASET_WRITE_OPTIONS_INIT. */
typedef struct nacre_dataset_write_options {
    size_t size;         /* sizeof(nacre_dataset_write_options) */
    nacre_window window; /* of whole pixels, inside the raster; all zero: the whole raster */
    const int *bands;    /* from 1, in any order; NULL: all */
    int band_count;      /* 0: all */
    nacre_dtype dtype;   /* of the values; NACRE_DTYPE_UNKNOWN: the bands' own. Others are clamped and rounded */
    bool dataset_mask;   /* the mask of the dataset instead of bands: 0 invalid, else valid; the first write makes it.
                            dtype must be unknown or uint8 */
    ptrdiff_t pixel_stride, row_stride, band_stride; /* bytes between values in the buffer; all 0: band, row, pixel
                                                        without gaps */
} nacre_dataset_write_options;

#define NACRE_DATASET_WRITE_OPTIONS_INIT                                                                \
    {                                                                                                   \
        sizeof(nacre_dataset_write_options), {0, 0, 0, 0}, NULL, 0, NACRE_DTYPE_UNKNOWN, false, 0, 0, 0 \
    }

/* Writes a window, in any order, as often as wanted. NACRE_ERROR_INVALID: not a dataset that is being made or changed,
 * or one that was committed; a window outside it or with fractions, no such band, a buffer too small. */
NACRE_API nacre_status nacre_dataset_write(nacre_dataset *dataset, const nacre_dataset_write_options *write_options,
                                           const nacre_io_options *options, const void *buffer, size_t buffer_size,
                                           nacre_error *err);

/* --- Describing it. NACRE_ERROR_INVALID: not a dataset that is being made or changed, no such band. --- */

/* NULL: none. The CRS is referenced. */
NACRE_API nacre_status nacre_dataset_set_crs(nacre_dataset *dataset, nacre_crs *crs, nacre_error *err);
NACRE_API nacre_status nacre_dataset_set_transform(nacre_dataset *dataset, const nacre_transform *transform,
                                                   nacre_error *err);
/* Ground control points and their CRS (may be NULL), which are copied; a file has either these or a transform. */
NACRE_API nacre_status nacre_dataset_set_gcps(nacre_dataset *dataset, const nacre_gcp *gcps, int count, nacre_crs *crs,
                                              nacre_error *err);
/* Sets an item of the dataset (band 0) or a band; value NULL removes it. domain NULL: "". */
NACRE_API nacre_status nacre_dataset_set_metadata(nacre_dataset *dataset, int band, const char *domain, const char *key,
                                                  const char *value, nacre_error *err);

/* What of a band is set; a set of bits. */
enum {
    NACRE_BAND_NODATA = 1,      /* of all bands, since TIFF has one; is_set false: none */
    NACRE_BAND_SCALE = 2,       /* scale and offset */
    NACRE_BAND_UNIT = 4,        /* NULL: none */
    NACRE_BAND_DESCRIPTION = 8, /* NULL: none */
    NACRE_BAND_COLOR = 16,
    NACRE_BAND_COLORS = 32 /* colors and color_count, the colour table; 0: none */
};

/* Sets what `which` names from the fields of values. */
NACRE_API nacre_status nacre_dataset_set_band(nacre_dataset *dataset, int band, unsigned which,
                                              const nacre_band_info *values, nacre_error *err);

/* Warps source onto a dataset that is being made or changed, over what it holds, which stays where the source has no
 * valid pixels. Where these cover in part (by alpha, a cutline, an edge) they are mixed with what is there. Bands go
 * onto the destination's in their order, leaving out bands of alpha; those that follow stay. Grid, CRS and type are the
 * destination's; of the options width, height, transform, res_x, res_y, bounds, align, crop_to_cutline, add_alpha,
 * no_alpha, another dtype or dst_crs and INIT_DEST are NACRE_ERROR_INVALID. dst_alpha is the destination's band of
 * alpha (0: its own, if it has one), dst_nodata what counts there as nothing (NULL: its own); its mask is set where
 * pixels come. Memory is bounded; windows without new pixels are not touched. progress may be NULL. After failure
 * pixels may have been warped, and the commit should not follow. Errors as of nacre_view_warp() and
 * nacre_dataset_write(); NACRE_ERROR_INVALID also: it has fewer bands. */
NACRE_API nacre_status nacre_warp_onto(nacre_dataset *destination, nacre_dataset *source,
                                       const nacre_warp_options *warp_options, nacre_progress_function progress,
                                       void *user, const nacre_io_options *options, nacre_error *err);

/* Makes overviews at the commit, reduced by these factors (from 2), beside those there are; of factors that there are
 * already, anew. NACRE_ERROR_INVALID: a factor or a resampling that cannot be. */
NACRE_API nacre_status nacre_dataset_build_overviews(nacre_dataset *dataset, const int *factors, int count,
                                                     nacre_resampling resampling, nacre_error *err);

/* Writes overviews of any dataset, reduced by these factors, as a TIFF of their own: a `.ovr`, which is found beside
 * the dataset's file, in place of overviews inside it, at the next open. save_options: creation options are those of
 * GTiff, and tiles are the default; format is not looked at. Errors as of nacre_dataset_save() and
 * nacre_dataset_build_overviews(); NACRE_ERROR_UNSUPPORTED: the dataset has a mask, which readers do not look for
 * there. */
NACRE_API nacre_status nacre_dataset_save_overviews(nacre_dataset *dataset, const char *path, const int *factors,
                                                    int count, nacre_resampling resampling,
                                                    const nacre_save_options *save_options,
                                                    const nacre_io_options *options, nacre_error *err);

/* Writes the file; visible when this returns NACRE_OK, and not before. A dataset of nacre_dataset_update() that was not
 * changed writes nothing. After success it can be read, and not written any more; after NACRE_ERROR_UNAVAILABLE the
 * commit may be tried again. progress may be NULL.
 * NACRE_ERROR_EXISTS, NACRE_ERROR_CHANGED: another was there first; NACRE_ERROR_IO: no space left. */
NACRE_API nacre_status nacre_dataset_commit(nacre_dataset *dataset, nacre_progress_function progress, void *user,
                                            const nacre_io_options *options, nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
