/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_VIEW_H
#define NACRE_VIEW_H

#include "dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A full grid: what a warped view is drawn on. */
typedef struct nacre_grid {
    int width, height; /* pixels */
    nacre_transform transform;
} nacre_grid;

/* How a view is warped. Initialise with NACRE_WARP_OPTIONS_INIT. */
typedef struct nacre_warp_options {
    size_t size;                          /* sizeof(nacre_warp_options) */
    nacre_crs *src_crs;                   /* NULL: the dataset's */
    nacre_crs *dst_crs;                   /* NULL: the source's */
    const nacre_transform *src_transform; /* NULL: the dataset's */
    nacre_resampling resampling;
    int width, height;                /* of the output grid; 0: found from what else is given */
    const nacre_transform *transform; /* of the output grid; NULL: found. With it width and height are needed */
    double res_x, res_y;              /* pixel size in the units of dst_crs, both positive; 0: found */
    const double *bounds;             /* left, bottom, right, top in dst_crs; NULL: the source's, transformed */
    bool align;                       /* bounds to multiples of the resolution (needs res), as gdalwarp -tap */
    const double *src_nodata;         /* src_nodata_count values; NULL: the source's own */
    const double *dst_nodata;         /* NULL: the source's; pixels without a source get it, else 0 */
    bool ignore_src_nodata;           /* the source's nodata are values as others */
    bool add_alpha;                   /* adds a band of alpha; then no nodata is set in the output */
    nacre_dtype dtype;                /* of the output; NACRE_DTYPE_UNKNOWN: the source's */
    double tolerance;                 /* in source pixels, 0 exact; kept for GDAL: nacre is within 0.001 always */
    bool no_dst_nodata;               /* the output has no nodata value: pixels without a source are 0 */
    bool unified_nodata;              /* a pixel is without data where all its bands are; else all its bands are data
                                         (GDAL's UNIFIED_SRC_NODATA=YES). Without it each band is for itself */
    nacre_dtype working_dtype;        /* values are clamped to it before they are resampled; NACRE_DTYPE_UNKNOWN: one
                                         that holds the source's */
    int src_nodata_count;             /* values of src_nodata, one for each band that is not alpha; the last is also for
                                         those behind it. 0: one value */
    int dst_nodata_count;             /* of dst_nodata, likewise */
    int gcp_order;                  /* of the polynomials through the source's ground control points, 1 to 3; 0: found,
                                       and only used where there is no geotransform */
    bool gcp_spline;                /* thin plate splines through them instead, also in place of a geotransform */
    const char *const *transformer; /* "KEY=VALUE" under the names of GDAL's transformer options (gdalwarp -to): METHOD
                                       (GEOTRANSFORM, GCP_POLYNOMIAL, GCP_TPS, RPC, GEOLOC_ARRAY), MAX_GCP_ORDER,
                                       RPC_HEIGHT, RPC_HEIGHT_SCALE, RPC_DEMINTERPOLATION, RPC_DEM_MISSING_VALUE,
                                       RPC_DEM_SRS, RPC_DEM_APPLY_VDATUM_SHIFT, RPC_PIXEL_ERROR_THRESHOLD,
                                       RPC_MAX_ITERATIONS; NULL-terminated; NULL: none */
    nacre_dataset *rpc_dem;         /* an elevation model for rational polynomials (GDAL's RPC_DEM), of which the part
                                       under the source is read at once and kept; NULL: none */
    const char *const *rpcs;        /* "KEY=VALUE" as in the metadata domain RPC, in place of the source's rational
                                       polynomials and of its geotransform; NULL-terminated; NULL: its own, where it
                                       has neither geotransform nor ground control points */
    const char *cutline;            /* only what lies inside is warped: a polygon as WKT or GeoJSON; NULL: everything */
    nacre_crs *cutline_crs;         /* of the cutline; NULL: longitude and latitude for GeoJSON, src_crs for WKT */
    bool cutline_in_pixels;         /* the cutline counts pixels of the source, from its upper left corner */
    double cutline_blend;           /* source pixels on either side of the cutline over which it fades */
    bool crop_to_cutline;           /* bounds are those of the cutline, where none are given */
    const char *const *warp; /* "KEY=VALUE" under the names of GDAL's warp options (gdalwarp -wo), after all that is
                                said elsewhere: INIT_DEST (NO_DATA, or numbers for the bands),
                                UNIFIED_SRC_NODATA (YES, NO, PARTIAL), XSCALE, YSCALE (FROM_GRID_SAMPLING too),
                                SRC_ALPHA_MAX, DST_ALPHA_MAX; those that say how GDAL works are passed over;
                                NULL-terminated; NULL: none */
    int src_alpha; /* band of the source by which pixels count, which is warped as the others are; 0: its band of alpha,
                      which is not; -1: none, and its band of alpha is one as others */
    int dst_alpha; /* band of the output that tells how far pixels are data: the one behind the source's bands, or the
                      one that add_alpha or the source's band of alpha makes; 0: what these make */
    bool no_alpha; /* the output has no band of alpha, though the source has: what is covered in part is mixed with what
                      pixels without a source get */
    nacre_dataset *geoloc; /* geolocation arrays in place of the source's places: x in band 1, y in band 2; NULL: its
                              own. They are read at once, and kept */
    const char *const *geoloc_items; /* "KEY=VALUE" as in the metadata domain GEOLOCATION, for these; NULL-terminated */
    bool src_alpha_only; /* the band src_alpha is not warped as the others are, but as the source's own band of alpha
                            is: it is that of the output, unless no_alpha is set */
} nacre_warp_options;

#define NACRE_WARP_OPTIONS_INIT                                                                                      \
    {                                                                                                                \
        sizeof(nacre_warp_options), NULL, NULL, NULL, NACRE_RESAMPLING_NEAREST, 0, 0, NULL, 0, 0, NULL, false, NULL, \
            NULL, false, false, NACRE_DTYPE_UNKNOWN, 0.125, false, false, NACRE_DTYPE_UNKNOWN, 0, 0, 0, false, NULL, \
            NULL, NULL, NULL, NULL, false, 0, false, NULL, 0, 0, false, NULL, NULL, false                            \
    }

/* Makes a warped view: a dataset whose pixels are computed when read. References source and does no I/O of its own,
 * but for an elevation model and geolocation arrays, whose errors are then its own.
 * NACRE_ERROR_INVALID: no CRS, a singular transform, no operation between the CRSs; NACRE_ERROR_TOO_LARGE.
 * *out is the caller's until nacre_dataset_close(). */
NACRE_API nacre_status nacre_view_warp(nacre_dataset *source, const nacre_warp_options *warp_options,
                                       nacre_dataset **out, nacre_error *err);

/* The grid that nacre_view_warp() would take for source, as GDAL's GDALSuggestedWarpOutput2. */
NACRE_API nacre_status nacre_warp_grid(nacre_dataset *source, const nacre_warp_options *warp_options, nacre_grid *out,
                                       nacre_error *err);

/* As nacre_warp_grid() for a source that is only a grid in src_crs (both CRSs must be given). */
NACRE_API nacre_status nacre_warp_grid_of(const nacre_grid *source, const nacre_warp_options *warp_options,
                                          nacre_grid *out, nacre_error *err);

typedef struct nacre_mosaic_options {
    size_t size;              /* sizeof(nacre_mosaic_options) */
    double res_x, res_y;      /* in the units of the CRS; 0: the mean of the sources', as gdalbuildvrt */
    const double *bounds;     /* left, bottom, right, top; NULL: the union of the sources' */
    bool separate;            /* each source becomes a band of its own */
    const double *src_nodata; /* NULL: the sources' own */
    const double *dst_nodata; /* NULL: that of the first source */
} nacre_mosaic_options;

#define NACRE_MOSAIC_OPTIONS_INIT                                   \
    {                                                               \
        sizeof(nacre_mosaic_options), 0, 0, NULL, false, NULL, NULL \
    }

/* Makes a mosaic of datasets of one CRS and the same bands, later ones on top.
 * NACRE_ERROR_INVALID: CRSs or bands differ (the message names the source), a rotated source. */
NACRE_API nacre_status nacre_view_mosaic(nacre_dataset *const *sources, size_t count,
                                         const nacre_mosaic_options *mosaic_options, nacre_dataset **out,
                                         nacre_error *err);

typedef struct nacre_translate_options {
    size_t size;               /* sizeof(nacre_translate_options) */
    nacre_window window;       /* whole pixels; all zero: everything */
    const double *bounds;      /* left, bottom, right, top instead of window; NULL */
    int out_width, out_height; /* 0: the window's */
    nacre_resampling resampling;
    const int *bands; /* NULL: all */
    int band_count;
    nacre_dtype dtype;     /* NACRE_DTYPE_UNKNOWN: the source's */
    const double *scale;   /* src_min, src_max, dst_min, dst_max; NULL: none */
    const double *nodata;  /* sets the nodata value; NULL: the source's */
    nacre_crs *assign_crs; /* NULL: the source's */
    bool no_nodata;        /* the output has no nodata value */
} nacre_translate_options;

#define NACRE_TRANSLATE_OPTIONS_INIT                                                                  \
    {                                                                                                 \
        sizeof(nacre_translate_options), {0, 0, 0, 0}, NULL, 0, 0, NACRE_RESAMPLING_NEAREST, NULL, 0, \
            NACRE_DTYPE_UNKNOWN, NULL, NULL, NULL, false                                              \
    }

/* Makes a view of a part, some bands, another type, size or scale of source. */
NACRE_API nacre_status nacre_view_translate(nacre_dataset *source, const nacre_translate_options *translate_options,
                                            nacre_dataset **out, nacre_error *err);

/* Told of progress, from 0 to 1, on the calling thread; false cancels. */
typedef bool (*nacre_progress_function)(void *user, double fraction);

typedef struct nacre_save_options {
    size_t size;                      /* sizeof(nacre_save_options) */
    const char *format;               /* "COG", "GTiff", "VRT", "PNG"; NULL: by the path's ending (.tif: COG) */
    const char *const *creation;      /* "KEY=VALUE" under GDAL's names, NULL-terminated; NULL: none */
    bool overwrite;                   /* else an existing destination is NACRE_ERROR_EXISTS, without a race */
    nacre_progress_function progress; /* NULL: none */
    void *user;
} nacre_save_options;

#define NACRE_SAVE_OPTIONS_INIT                                   \
    {                                                             \
        sizeof(nacre_save_options), NULL, NULL, false, NULL, NULL \
    }

/* Writes a dataset or view at path; whole or not at all. A VRT is the view itself, its sources named relative to
 * path where that can be, else in GDAL's spelling; other formats hold the pixels.
 * NACRE_ERROR_UNSUPPORTED: the format cannot hold it; NACRE_ERROR_INVALID: an unknown creation option. */
NACRE_API nacre_status nacre_dataset_save(nacre_dataset *dataset, const char *path,
                                          const nacre_save_options *save_options, const nacre_io_options *options,
                                          nacre_error *err);

#ifdef __cplusplus
}
#endif

#endif
