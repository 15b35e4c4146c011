/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/points.h>

#include "raster/dataset.h"
#include "warp/georef_options.h"
#include "warp/points.h"
#include "warp/rpc.h"

nacre_status nacre_points_reproject(nacre_crs *src, nacre_crs *dst, size_t count, double *x, double *y, double *z,
                                    nacre_error *err)
{
    return ncr_points_reproject(src, dst, count, x, y, z, err);
}

nacre_status nacre_bounds_reproject(nacre_crs *src, nacre_crs *dst, const double bounds[4], int densify, double out[4],
                                    nacre_error *err)
{
    enum { MOST = 10000 };
    if (densify < 0 || densify > MOST)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "bounds: densify must be 0 to %d, not %d", MOST, densify);
    return ncr_bounds_reproject(src, dst, bounds, densify, out, err);
}

/* A placement is a georef under its public name. */
static ncr_georef *georef_of(const nacre_placement *placement)
{
    return (ncr_georef *)(void *)placement;
}

nacre_status nacre_placement_from_gcps(const nacre_gcp *gcps, int count, int order, bool spline, nacre_placement **out,
                                       nacre_error *err)
{
    static const char name[] = "ground control points";
    ncr_georef *georef = NULL;
    nacre_status status = spline ? ncr_georef_spline(name, gcps, count, &georef, err)
                                 : ncr_georef_polynomial(name, gcps, count, order, &georef, err);
    *out = (nacre_placement *)georef;
    return status;
}

nacre_status nacre_placement_of(nacre_dataset *dataset, const nacre_warp_options *warp_options, nacre_placement **out,
                                nacre_error *err)
{
    static const nacre_warp_options defaults = NACRE_WARP_OPTIONS_INIT;
    ncr_placing placing;
    *out = NULL;
    nacre_status status = ncr_placing_find(dataset, warp_options ? warp_options : &defaults, &placing, err);
    if (!status && !placing.georef)
        status =
            ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it is placed by a geotransform", ncr_dataset_name(dataset));
    if (!status)
        status = ncr_georef_load(placing.georef, err);
    if (!status)
        *out = (nacre_placement *)ncr_georef_ref(placing.georef);
    ncr_placing_clear(&placing);
    return status;
}

void nacre_placement_unref(nacre_placement *placement)
{
    ncr_georef_unref(georef_of(placement));
}

nacre_status nacre_placement_run(const nacre_placement *placement, bool to_pixels, size_t count, double *x, double *y,
                                 const double *z, nacre_error *err)
{
    return ncr_georef_rpc_run(georef_of(placement), to_pixels, count, x, y, z, err);
}
