/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/points.h"

#include <math.h>

#include "raster/crs.h"

/* PROJ's operation between two systems with axes in GIS order; the caller's to destroy. NULL after failure. */
static PJ *new_operation(nacre_crs *src, nacre_crs *dst, PJ_CONTEXT *context, nacre_error *err)
{
    PJ *from = ncr_crs_new_pj(src, context, err), *to = from ? ncr_crs_new_pj(dst, context, err) : NULL;
    PJ *raw = to ? proj_create_crs_to_crs_from_pj(context, from, to, NULL, NULL) : NULL;
    PJ *operation = raw ? proj_normalize_for_visualization(context, raw) : NULL;
    if (to && !operation)
        ncr_error_set(err, NACRE_ERROR_INVALID, "CRS: there is no operation from %.60s to %.60s", ncr_crs_name(src),
                      ncr_crs_name(dst));
    proj_destroy(raw);
    proj_destroy(from);
    proj_destroy(to);
    return operation;
}

nacre_status ncr_points_reproject(nacre_crs *src, nacre_crs *dst, size_t count, double *x, double *y, double *z,
                                  nacre_error *err)
{
    nacre_error cause = {0};
    PJ *operation = new_operation(src, dst, ncr_proj_context(), &cause);
    if (!operation)
        return ncr_error_set(err, cause.status, "%s", cause.message);
    proj_trans_generic(operation, PJ_FWD, x, sizeof *x, count, y, sizeof *y, count, z, z ? sizeof *z : 0, z ? count : 0,
                       NULL, 0, 0);
    for (size_t i = 0; i < count; i++) {
        bool is_point = isfinite(x[i]) && isfinite(y[i]);
        x[i] = is_point ? x[i] : HUGE_VAL;
        y[i] = is_point ? y[i] : HUGE_VAL;
    }
    proj_destroy(operation);
    return NACRE_OK;
}

nacre_status ncr_bounds_reproject(nacre_crs *src, nacre_crs *dst, const double bounds[4], int densify, double out[4],
                                  nacre_error *err)
{
    PJ_CONTEXT *context = ncr_proj_context();
    nacre_error cause = {0};
    PJ *operation = new_operation(src, dst, context, &cause);
    if (!operation)
        return ncr_error_set(err, cause.status, "%s", cause.message);
    bool is_done = proj_trans_bounds(context, operation, PJ_FWD, bounds[0], bounds[1], bounds[2], bounds[3], &out[0],
                                     &out[1], &out[2], &out[3], densify);
    proj_destroy(operation);
    for (int i = 0; i < 4; i++)
        is_done = is_done && isfinite(out[i]);
    if (!is_done)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "CRS: the bounds %g, %g, %g, %g cannot be brought to %.60s",
                             bounds[0], bounds[1], bounds[2], bounds[3], ncr_crs_name(dst));
    return NACRE_OK;
}
