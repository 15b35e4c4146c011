/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_DATASET_H
#define NACRE_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "crs.h"
#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A raster that was opened: a snapshot of each object behind it. Getters never do I/O. Immutable and
 * reference-counted: any number of threads may read one dataset. */
typedef struct nacre_dataset nacre_dataset;

typedef struct nacre_open_options {
    size_t size;                /* sizeof(nacre_open_options) */
    const char *const *drivers; /* names that may open it, NULL-terminated ("GTiff", "VRT"); NULL: all */
} nacre_open_options;

#define NACRE_OPEN_OPTIONS_INIT          \
    {                                    \
        sizeof(nacre_open_options), NULL \
    }

/* Opens a GeoTIFF, COG or VRT; path may be the text of a VRT itself (beginning with "<VRTDataset").
 * *out is the caller's until nacre_dataset_close(); NULL after failure. */
NACRE_API nacre_status nacre_dataset_open(const char *path, const nacre_open_options *open_options,
                                          const nacre_io_options *options, nacre_dataset **out, nacre_error *err);

/* Shares a dataset; pair with nacre_dataset_close(). */
NACRE_API nacre_dataset *nacre_dataset_ref(nacre_dataset *dataset);

/* Gives up a reference; accepts NULL. Never fails: datasets hold nothing unwritten. */
NACRE_API void nacre_dataset_close(nacre_dataset *dataset);

/* Asks, in one round, whether every object behind a dataset that has been opened for it (its own, sidecars, the sources
 * of a VRT that were read) is still the same, whatever the cache policy would believe; with cache=offline nothing is
 * asked and nothing changes. Where one is another version now, or is gone, *out is a new dataset of what there is now,
 * the caller's; NULL: nothing has changed, and after failure. The old one stays as it is: who reads it meanwhile goes
 * on with the old versions, or gets NACRE_ERROR_CHANGED. open_options as they were for the open; errors as of an
 * open. NACRE_ERROR_UNSUPPORTED: a view that was not opened by a path is made anew, of refreshed
 * datasets, which costs no request. */
NACRE_API nacre_status nacre_dataset_refresh(nacre_dataset *dataset, const nacre_open_options *open_options,
                                             const nacre_io_options *options, nacre_dataset **out, nacre_error *err);

/* Whether a dataset can go on in place of another: NACRE_ERROR_CHANGED, saying what differs, where size, number of
 * bands, data types, CRS or transform do. */
NACRE_API nacre_status nacre_dataset_check_alike(const nacre_dataset *was, const nacre_dataset *now, nacre_error *err);

/* What the dataset is. Texts, CRS and arrays live as long as the dataset. */
typedef struct nacre_dataset_info {
    const char *path;   /* as given to open; "" for a view that was made and not saved */
    const char *driver; /* "GTiff", "VRT" */
    int width, height;  /* pixels */
    int band_count;
    bool has_transform;
    nacre_transform transform;
    nacre_crs *crs; /* NULL: none; owned by the dataset */
    int gcp_count;
    const nacre_gcp *gcps;
    nacre_crs *gcp_crs;      /* NULL: none; owned by the dataset */
    const char *compression; /* "deflate", "lzw"...; "" none or unknown */
    const char *interleave;  /* "pixel" or "band"; "" unknown (a VRT that does not say) */
    bool is_tiled;
    bool is_cog; /* the header carries the COG layout marker */
    int overview_count;
    const int (*overviews)[2]; /* width, height of each, from the largest */
} nacre_dataset_info;

/* Fills *out. Cannot fail. */
NACRE_API void nacre_dataset_info_get(const nacre_dataset *dataset, nacre_dataset_info *out);

/* A nodata value: exact for 64-bit integers too. */
typedef struct nacre_nodata {
    bool is_set;
    double value;          /* rounded where the band is of 64-bit integers */
    int64_t int64_value;   /* exact for NACRE_DTYPE_INT64 */
    uint64_t uint64_value; /* exact for NACRE_DTYPE_UINT64 */
} nacre_nodata;

/* What a band is. Texts and arrays live as long as the dataset. */
typedef struct nacre_band_info {
    nacre_dtype dtype;
    int bits; /* bits of a value as stored: 8 * size, or NBITS */
    int block_width, block_height;
    nacre_nodata nodata;
    double scale, offset; /* 1 and 0 where none are stored; reads do not apply them */
    const char *unit, *description;
    nacre_color color;
    unsigned mask_flags; /* NACRE_MASK_ bits */
    int color_count;
    const nacre_color_entry *colors; /* the colour table */
} nacre_band_info;

/* Fills *out for band 1 to band_count. NACRE_ERROR_INVALID: no such band. */
NACRE_API nacre_status nacre_dataset_band_get(const nacre_dataset *dataset, int band, nacre_band_info *out,
                                              nacre_error *err);

/* Metadata items of the dataset (band 0) or a band, in the order of the file: false when index is past the last.
 * The default domain is "". A domain that holds a document ("xml:XMP") has one item with key "". */
NACRE_API bool nacre_dataset_metadata(const nacre_dataset *dataset, int band, size_t index, const char **domain,
                                      const char **key, const char **value);

/* An object behind the dataset. */
typedef struct nacre_source_info {
    const char *path;
    const char *version;  /* "" while it has not been opened */
    const char *snapshot; /* "proven", "unproven", or "" while it has not been opened */
} nacre_source_info;

/* Every object behind the dataset, its own first: false when index is past the last. Index 0 looks at them all, and
 * the indexes that follow in turn tell what it saw; secrets of URLs are left out of the paths. The texts live until
 * the same thread calls this with another dataset, an index out of turn or one past the last. */
NACRE_API bool nacre_dataset_source(nacre_dataset *dataset, size_t index, nacre_source_info *out);

/* What to read. Initialise with NACRE_READ_OPTIONS_INIT. */
typedef struct nacre_read_options {
    size_t size;               /* sizeof(nacre_read_options) */
    nacre_window window;       /* inside the raster, but see boundless; all zero: all of it. Fractions are resampled */
    int out_width, out_height; /* 0: the window's, rounded up */
    const int *bands;          /* from 1, in any order, repeats allowed; NULL: all */
    int band_count;            /* 0: all */
    nacre_dtype dtype;         /* NACRE_DTYPE_UNKNOWN: that of the first band. Values are clamped and rounded */
    nacre_resampling resampling; /* where the output has another size: overviews are used as GDAL's RasterIO does */
    bool masks; /* instead of values, the bands' masks: uint8, 0 invalid, 255 valid; dtype must be unknown or uint8 */
    bool dataset_mask;                               /* like masks, but one band: that of the whole dataset */
    ptrdiff_t pixel_stride, row_stride, band_stride; /* bytes between values in the buffer; all 0: band, row, pixel
                                                        without gaps */
    bool boundless;                                  /* the window may reach beyond the raster, or lie beside it */
    bool has_fill; /* what lies beyond is `fill`, rounded to the band's type; else each band's nodata value, or 0 */
    double fill;   /* masks are 0 there always */
} nacre_read_options;

#define NACRE_READ_OPTIONS_INIT                                                                                        \
    {                                                                                                                  \
        sizeof(nacre_read_options), {0, 0, 0, 0}, 0, 0, NULL, 0, NACRE_DTYPE_UNKNOWN, NACRE_RESAMPLING_NEAREST, false, \
            false, 0, 0, 0, false, false, 0                                                                            \
    }

/* Reads pixels into buffer, of buffer_size bytes, the caller's. All byte ranges go out together; memory beyond the
 * buffer is bounded by the key `memory.limit`. After failure the buffer's content is unspecified.
 * NACRE_ERROR_INVALID: window outside the raster, no such band, buffer too small; NACRE_ERROR_CHANGED: an object
 * behind it is another version now; NACRE_ERROR_CORRUPT: a block is damaged (blocks beside it can still be read). */
NACRE_API nacre_status nacre_dataset_read(nacre_dataset *dataset, const nacre_read_options *read_options,
                                          const nacre_io_options *options, void *buffer, size_t buffer_size,
                                          nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
