/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/map.h"

#include <math.h>

static bool is_finite(const nacre_transform *t)
{
    return isfinite(t->a) && isfinite(t->b) && isfinite(t->c) && isfinite(t->d) && isfinite(t->e) && isfinite(t->f);
}

bool ncr_map_invert(const nacre_transform *transform, nacre_transform *out)
{
    const nacre_transform *t = transform;
    if (!is_finite(t))
        return false;
    if (t->b == 0 && t->d == 0 && t->a != 0 && t->e != 0) {
        *out = (nacre_transform){.a = 1 / t->a, .c = -t->c / t->a, .e = 1 / t->e, .f = -t->f / t->e};
    } else {
        double determinant = t->a * t->e - t->b * t->d;
        double magnitude = fmax(fmax(fabs(t->a), fabs(t->b)), fmax(fabs(t->d), fabs(t->e)));
        if (!(fabs(determinant) > 1e-10 * magnitude * magnitude))
            return false;
        double inverse = 1 / determinant;
        out->a = t->e * inverse;
        out->d = -t->d * inverse;
        out->b = -t->b * inverse;
        out->e = t->a * inverse;
        out->c = (t->b * t->f - t->c * t->e) * inverse;
        out->f = (-t->a * t->f + t->c * t->d) * inverse;
    }
    return is_finite(out);
}

nacre_status ncr_map_init(ncr_map *map, const char *name, ncr_reprojection *reprojection, const nacre_transform *src,
                          const nacre_transform *dst, nacre_error *err)
{
    *map = (ncr_map){.src = *src, .dst = *dst};
    if (!ncr_map_invert(src, &map->src_inverse))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the source's geotransform cannot be inverted", name);
    if (!ncr_map_invert(dst, &map->dst_inverse))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the output's geotransform cannot be inverted", name);
    map->reprojection = ncr_reprojection_ref(reprojection);
    return NACRE_OK;
}

void ncr_map_clear(ncr_map *map)
{
    ncr_reprojection_unref(map->reprojection);
    *map = (ncr_map){0};
}

static void apply(const nacre_transform *t, size_t count, double *x, double *y)
{
    for (size_t i = 0; i < count; i++) {
        double column = x[i], row = y[i];
        x[i] = t->c + column * t->a + row * t->b;
        y[i] = t->f + column * t->d + row * t->e;
        if (!isfinite(x[i]) || !isfinite(y[i]))
            x[i] = y[i] = HUGE_VAL;
    }
}

nacre_status ncr_map_to_source(const ncr_map *map, size_t count, double *x, double *y, nacre_error *err)
{
    apply(&map->dst, count, x, y);
    nacre_status status = ncr_reprojection_run(map->reprojection, true, count, x, y, err);
    if (status)
        return status;
    apply(&map->src_inverse, count, x, y);
    return NACRE_OK;
}

nacre_status ncr_map_to_destination(const ncr_map *map, size_t count, double *x, double *y, nacre_error *err)
{
    apply(&map->src, count, x, y);
    nacre_status status = ncr_reprojection_run(map->reprojection, false, count, x, y, err);
    if (status)
        return status;
    apply(&map->dst_inverse, count, x, y);
    return NACRE_OK;
}

bool ncr_map_is_shift(const ncr_map *map)
{
    const nacre_transform *s = &map->src, *d = &map->dst;
    if (!ncr_reprojection_is_identity(map->reprojection))
        return false;
    if (s->a != d->a || s->b != d->b || s->d != d->d || s->e != d->e)
        return false;
    double x = d->c, y = d->f;
    apply(&map->src_inverse, 1, &x, &y);
    return fabs(x - round(x)) <= 1e-6 && fabs(y - round(y)) <= 1e-6;
}

bool ncr_map_is_one_piece(const ncr_map *map, int64_t x, int64_t y, int width, int height)
{
    /* A parallelogram in the destination's CRS. */
    const nacre_transform *t = &map->dst;
    double left = (double)x, top = (double)y;
    double at_x = t->c + (left * t->a + top * t->b), at_y = t->f + (left * t->d + top * t->e);
    double wide = fabs(width * t->a) + fabs(height * t->b), high = fabs(width * t->d) + fabs(height * t->e);
    return ncr_reprojection_is_one_in(map->reprojection, at_x - wide, at_y - high, at_x + wide, at_y + high);
}
