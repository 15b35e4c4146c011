/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_RPC_H
#define NCR_WARP_RPC_H

#include "warp/dem.h"
#include "warp/georef.h"

/* Rational polynomial coefficients: from longitude, latitude and height to pixels by a quotient of polynomials, and
 * back by iteration. Everything is as GDAL's RPC transformer does it, so that its grids are ours too. */

enum { NCR_RPC_TERMS = 20 };

/* Numbers and lists under GDAL's names, in its order. */
typedef enum ncr_rpc_number {
    NCR_RPC_ERR_BIAS,
    NCR_RPC_ERR_RAND,
    NCR_RPC_LINE_OFF,
    NCR_RPC_SAMP_OFF,
    NCR_RPC_LAT_OFF,
    NCR_RPC_LONG_OFF,
    NCR_RPC_HEIGHT_OFF,
    NCR_RPC_LINE_SCALE,
    NCR_RPC_SAMP_SCALE,
    NCR_RPC_LAT_SCALE,
    NCR_RPC_LONG_SCALE,
    NCR_RPC_HEIGHT_SCALE,
    NCR_RPC_MIN_LONG,
    NCR_RPC_MIN_LAT,
    NCR_RPC_MAX_LONG,
    NCR_RPC_MAX_LAT,
    NCR_RPC_NUMBERS
} ncr_rpc_number;

typedef enum ncr_rpc_list { NCR_RPC_LINE_NUM, NCR_RPC_LINE_DEN, NCR_RPC_SAMP_NUM, NCR_RPC_SAMP_DEN } ncr_rpc_list;
enum { NCR_RPC_LISTS = 4 };

extern const char *const ncr_rpc_number_names[NCR_RPC_NUMBERS];
extern const char *const ncr_rpc_list_names[NCR_RPC_LISTS];

/* What a transformer is made from. */
typedef struct ncr_rpc_spec {
    double numbers[NCR_RPC_NUMBERS]; /* NaN: an error that is not given */
    double lists[NCR_RPC_LISTS][NCR_RPC_TERMS];
    double height, height_scale; /* heights are height + the model's * height_scale */
    ncr_dem_spec dem;
    double threshold; /* of the iteration, in pixels */
    int iterations;   /* at most; 0: 10, or 20 with a model */
} ncr_rpc_spec;

/* GDAL's defaults. */
ncr_rpc_spec ncr_rpc_spec_default(void);
void ncr_rpc_spec_clear(ncr_rpc_spec *spec);

/* Fills numbers and lists from texts by name (NULL: there is none). name is the raster's, for messages.
 * NACRE_ERROR_INVALID: one is missing or no number, or a scale is 0. */
nacre_status ncr_rpc_read(const char *name, const char *(*text_of)(void *user, const char *key), void *user,
                          ncr_rpc_spec *spec, nacre_error *err);

/* Takes what spec holds, also after failure. NACRE_ERROR_INVALID: the polynomials cannot be turned round. */
nacre_status ncr_georef_rpc(const char *name, ncr_rpc_spec *spec, ncr_georef **out, nacre_error *err);

/* ncr_georef_run() for points that are z metres above where they would be else; z NULL, or of another kind: that. */
nacre_status ncr_georef_rpc_run(const ncr_georef *georef, bool to_source, size_t count, double *x, double *y,
                                const double *z, nacre_error *err);

/* What it was made from; NULL: it is of another kind. */
const ncr_rpc_spec *ncr_georef_rpc_spec(const ncr_georef *georef);

#endif
