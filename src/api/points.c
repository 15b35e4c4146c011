/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/points.h>
#include <string.h>

#include "warp/georef.h"
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

static const char *text_of(void *user, const char *key)
{
    size_t length = strlen(key);
    for (const char *const *pair = user; *pair; pair++)
        if (strncmp(*pair, key, length) == 0 && (*pair)[length] == '=')
            return *pair + length + 1;
    return NULL;
}

nacre_status nacre_placement_from_rpcs(const char *const *rpcs, double height, nacre_placement **out, nacre_error *err)
{
    static const char name[] = "rational polynomials";
    *out = NULL;
    ncr_rpc_spec spec = ncr_rpc_spec_default();
    spec.height = height;
    nacre_status status = ncr_rpc_read(name, text_of, (void *)rpcs, &spec, err);
    if (status != NACRE_OK) {
        ncr_rpc_spec_clear(&spec);
        return status;
    }
    ncr_georef *georef = NULL;
    status = ncr_georef_rpc(name, &spec, &georef, err);
    *out = (nacre_placement *)georef;
    return status;
}

void nacre_placement_unref(nacre_placement *placement)
{
    ncr_georef_unref(georef_of(placement));
}

nacre_status nacre_placement_run(const nacre_placement *placement, bool to_pixels, size_t count, double *x, double *y,
                                 nacre_error *err)
{
    return ncr_georef_run(georef_of(placement), to_pixels, count, x, y, err);
}
