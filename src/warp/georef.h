/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_WARP_GEOREF_H
#define NCR_WARP_GEOREF_H

#include <nacre/types.h>

#include "raster/plan.h"

/* Where pixels of a source's full resolution lie in their CRS, by something else than a geotransform: ground control
 * points, rational polynomials (rpc.h), geolocation arrays (geoloc.h). Immutable but for what it loads once,
 * reference-counted. */
typedef struct ncr_georef ncr_georef;

/* A kind of them. */
typedef struct ncr_georef_class {
    /* See ncr_georef_run(); all points are finite or HUGE_VAL. */
    nacre_status (*run)(const ncr_georef *georef, bool to_pixels, size_t count, double *x, double *y, nacre_error *err);
    void (*free)(ncr_georef *georef);
    /* See ncr_georef_plan_load(). NULL: there is nothing to load ever. */
    nacre_status (*plan_load)(ncr_georef *georef, ncr_call *call, ncr_plan **out, nacre_error *err);
    /* Points that the suggested grid must hold besides the raster's own edges, from index 0 on, in pixels; false: index
     * is past the last. NULL: there are none. */
    bool (*edge)(const ncr_georef *georef, size_t index, double *column, double *row);
    /* Tells the objects that it reads, as ncr_dataset_sources() does. NULL: there are none. */
    void (*sources)(ncr_georef *georef,
                    void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                    void *user);
} ncr_georef_class;

/* The common part; a kind's own struct begins with this. */
struct ncr_georef {
    _Atomic int references;
    const ncr_georef_class *class;
    bool is_rough; /* it has kinks that samples may miss: it must not be interpolated */
};

/* Polynomials of order 1 to 3 through the points, by least squares, one way and the other; order 0: 1, or 2 of six
 * points and more. name is the raster's, for messages. NACRE_ERROR_INVALID: too few points, or points on a line. */
nacre_status ncr_georef_polynomial(const char *name, const nacre_gcp *gcps, int count, int order, ncr_georef **out,
                                   nacre_error *err);
/* Thin plate splines, which meet the points exactly. NACRE_ERROR_INVALID as above; NACRE_ERROR_TOO_LARGE. */
nacre_status ncr_georef_spline(const char *name, const nacre_gcp *gcps, int count, ncr_georef **out, nacre_error *err);

/* The points of one of these two kinds, borrowed; false: it is of another kind. */
typedef struct ncr_georef_points {
    const nacre_gcp *gcps; /* without texts */
    int count, order;      /* order 0: splines */
} ncr_georef_points;
bool ncr_georef_points_get(const ncr_georef *georef, ncr_georef_points *out);

ncr_georef *ncr_georef_ref(ncr_georef *georef); /* accepts NULL */
void ncr_georef_unref(ncr_georef *georef);      /* accepts NULL */

/* A plan that reads what it needs (an elevation model, geolocation arrays), without which it must not be run; NULL:
 * nothing is missing. Any number may run at once: the first one's is kept. */
nacre_status ncr_georef_plan_load(ncr_georef *georef, ncr_call *call, ncr_plan **out, nacre_error *err);
/* Loads and waits, with the process's configuration; not for workers. */
nacre_status ncr_georef_load(ncr_georef *georef, nacre_error *err);

/* See edge() of the class; false for NULL too. */
bool ncr_georef_edge(const ncr_georef *georef, size_t index, double *column, double *row);

/* Coordinates in place, from the CRS to pixels or the other way; HUGE_VAL stays, and is what has no place.
 * NACRE_ERROR_MEMORY. */
nacre_status ncr_georef_run(const ncr_georef *georef, bool to_pixels, size_t count, double *x, double *y,
                            nacre_error *err);

#endif
