/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/reprojection.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "warp/pieces.h"

/* One PROJ object and the context it lives in; used by one thread at a time. */
typedef struct slot {
    PJ_CONTEXT *context;
    PJ *pj;
    struct slot *next;
} slot;

struct ncr_reprojection {
    _Atomic int references;
    bool is_same;       /* no PROJ and no georef */
    ncr_georef *georef; /* NULL: none */
    bool wraps;
    double center;
    ncr_pieces pieces;
    pthread_mutex_t lock;
    slot *master; /* guarded by lock, only cloned; NULL: same CRS */
    slot *idle;   /* guarded by lock */
};

ncr_reprojection_spec ncr_reprojection_spec_copy(const ncr_reprojection_spec *from)
{
    ncr_reprojection_spec spec = *from;
    if (spec.src)
        ncr_crs_ref(spec.src);
    if (spec.dst)
        ncr_crs_ref(spec.dst);
    ncr_georef_ref(spec.georef);
    return spec;
}

void ncr_reprojection_spec_clear(ncr_reprojection_spec *spec)
{
    ncr_crs_unref(spec->src);
    ncr_crs_unref(spec->dst);
    ncr_georef_unref(spec->georef);
    *spec = (ncr_reprojection_spec){0};
}

static void slot_free(slot *s)
{
    if (!s)
        return;
    proj_destroy(s->pj);
    proj_context_destroy(s->context);
    free(s);
}

/* An empty slot whose context sees the same files and settings as the thread's. */
static slot *slot_new(void)
{
    slot *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->context = proj_context_clone(ncr_proj_context());
    if (!s->context) {
        free(s);
        return NULL;
    }
    proj_log_level(s->context, PJ_LOG_NONE);
    return s;
}

/* The part of a compound CRS that is about x and y: heights are not transformed. */
static PJ *horizontal(PJ_CONTEXT *context, PJ *crs)
{
    if (proj_get_type(crs) == PJ_TYPE_COMPOUND_CRS) {
        PJ *part = proj_crs_get_sub_crs(context, crs, 0);
        if (part) {
            proj_destroy(crs);
            crs = part;
        }
    }
    return crs;
}

static PJ *new_crs_pj(nacre_crs *crs, PJ_CONTEXT *context, nacre_error *err)
{
    PJ *pj = ncr_crs_new_pj(crs, context, err);
    pj = pj ? horizontal(context, pj) : NULL;
    if (pj && proj_get_type(pj) == PJ_TYPE_VERTICAL_CRS) { /* PROJ would pass x and y on as they are */
        proj_destroy(pj);
        ncr_error_set(err, NACRE_ERROR_INVALID, "%s: is a CRS of heights alone, which has no place on a map",
                      ncr_crs_name(crs));
        return NULL;
    }
    return pj;
}

/* The operation with x east and y north on both sides; NULL: there is none. */
static PJ *new_operation(PJ_CONTEXT *context, PJ *src, PJ *dst, const double *area)
{
    PJ_AREA *pj_area = NULL;
    if (area) {
        pj_area = proj_area_create();
        if (!pj_area)
            return NULL;
        proj_area_set_bbox(pj_area, area[0], area[1], area[2], area[3]);
    }
    PJ *operation = proj_create_crs_to_crs_from_pj(context, src, dst, pj_area, NULL);
    proj_area_destroy(pj_area);
    if (!operation)
        return NULL;
    PJ *normal = proj_normalize_for_visualization(context, operation);
    proj_destroy(operation);
    return normal;
}

static nacre_status open_master(ncr_reprojection *r, const char *name, const ncr_reprojection_spec *spec,
                                nacre_error *err)
{
    r->master = slot_new();
    if (!r->master)
        return ncr_error_memory(err);
    PJ_CONTEXT *context = r->master->context;
    nacre_error cause = {0};
    PJ *src = new_crs_pj(spec->src, context, &cause);
    PJ *dst = src ? new_crs_pj(spec->dst, context, &cause) : NULL;
    const double *area = spec->has_area ? spec->area : NULL;
    if (src && dst)
        r->master->pj = new_operation(context, src, dst, area);
    if (r->master->pj)
        ncr_pieces_find(&r->pieces, context, r->master->pj, src, dst, area);
    bool crs_failed = !src || !dst;
    proj_destroy(src);
    proj_destroy(dst);
    if (r->master->pj)
        return NACRE_OK;
    if (crs_failed)
        return ncr_error_copy(err, &cause, cause.status ? cause.status : NACRE_ERROR_INVALID);
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no operation between the CRS \"%s\" and the CRS \"%s\"", name,
                         ncr_crs_name(spec->src), ncr_crs_name(spec->dst));
}

nacre_status ncr_reprojection_new(const char *name, const ncr_reprojection_spec *spec, ncr_reprojection **out,
                                  nacre_error *err)
{
    *out = NULL;
    ncr_reprojection *r = calloc(1, sizeof *r);
    if (!r)
        return ncr_error_memory(err);
    atomic_init(&r->references, 1);
    pthread_mutex_init(&r->lock, NULL);
    r->wraps = spec->has_center;
    r->center = spec->center;
    r->georef = ncr_georef_ref(spec->georef);
    bool same_crs = !spec->src || !spec->dst || ncr_crs_equal(spec->src, spec->dst);
    r->is_same = same_crs && !r->georef;
    nacre_status status = same_crs ? NACRE_OK : open_master(r, name, spec, err);
    if (status) {
        ncr_reprojection_unref(r);
        return status;
    }
    *out = r;
    return NACRE_OK;
}

ncr_reprojection *ncr_reprojection_ref(ncr_reprojection *reprojection)
{
    atomic_fetch_add(&reprojection->references, 1);
    return reprojection;
}

void ncr_reprojection_unref(ncr_reprojection *reprojection)
{
    if (!reprojection || atomic_fetch_sub(&reprojection->references, 1) != 1)
        return;
    for (slot *s = reprojection->idle, *next; s; s = next) {
        next = s->next;
        slot_free(s);
    }
    slot_free(reprojection->master);
    ncr_pieces_clear(&reprojection->pieces);
    ncr_georef_unref(reprojection->georef);
    pthread_mutex_destroy(&reprojection->lock);
    free(reprojection);
}

bool ncr_reprojection_is_identity(const ncr_reprojection *reprojection)
{
    return reprojection->is_same && !reprojection->wraps;
}

bool ncr_reprojection_is_same(const ncr_reprojection *reprojection)
{
    return reprojection->is_same;
}

bool ncr_reprojection_is_plain(const ncr_reprojection *reprojection)
{
    return !reprojection->georef;
}

bool ncr_reprojection_is_rough(const ncr_reprojection *reprojection)
{
    return reprojection->georef && reprojection->georef->is_rough;
}

bool ncr_reprojection_center(const ncr_reprojection *reprojection, double *out)
{
    *out = reprojection->center;
    return reprojection->wraps && !reprojection->georef;
}

bool ncr_reprojection_is_one_in(const ncr_reprojection *reprojection, double x0, double y0, double x1, double y1)
{
    return ncr_pieces_is_one(&reprojection->pieces, x0, y0, x1, y1);
}

/* An idle slot, or a new clone; NULL: out of memory. */
static slot *take_slot(ncr_reprojection *r)
{
    pthread_mutex_lock(&r->lock);
    slot *s = r->idle;
    if (s)
        r->idle = s->next;
    pthread_mutex_unlock(&r->lock);
    if (s)
        return s;
    s = slot_new();
    if (!s)
        return NULL;
    /* Cloning reads the master, and PROJ does not promise that reading is harmless. */
    pthread_mutex_lock(&r->lock);
    s->pj = proj_clone(s->context, r->master->pj);
    pthread_mutex_unlock(&r->lock);
    if (s->pj)
        return s;
    slot_free(s);
    return NULL;
}

static void give_slot(ncr_reprojection *r, slot *s)
{
    pthread_mutex_lock(&r->lock);
    s->next = r->idle;
    r->idle = s;
    pthread_mutex_unlock(&r->lock);
}

static void wrap(double center, size_t count, double *x)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(x[i]))
            continue;
        if (x[i] < center - 180)
            x[i] += 360;
        else if (x[i] > center + 180)
            x[i] -= 360;
    }
}

static void transform(PJ *pj, PJ_DIRECTION direction, size_t count, double *x, double *y)
{
    for (size_t i = 0; i < count; i++) {
        PJ_COORD at = {.xyzt = {x[i], y[i], 0, HUGE_VAL}};
        if (isfinite(x[i]) && isfinite(y[i])) {
            proj_errno_reset(pj);
            at = proj_trans(pj, direction, at);
        }
        bool fails = !isfinite(at.xy.x) || !isfinite(at.xy.y);
        x[i] = fails ? HUGE_VAL : at.xy.x;
        y[i] = fails ? HUGE_VAL : at.xy.y;
    }
}

nacre_status ncr_reprojection_run(ncr_reprojection *reprojection, bool to_source, size_t count, double *x, double *y,
                                  nacre_error *err)
{
    nacre_status status = NACRE_OK;
    if (reprojection->georef && !to_source)
        status = ncr_georef_run(reprojection->georef, false, count, x, y, err);
    if (status)
        return status;
    if (reprojection->wraps && !to_source)
        wrap(reprojection->center, count, x);
    if (reprojection->master) {
        slot *s = take_slot(reprojection);
        if (!s)
            return ncr_error_memory(err);
        transform(s->pj, to_source ? PJ_INV : PJ_FWD, count, x, y);
        give_slot(reprojection, s);
    }
    if (reprojection->wraps && to_source)
        wrap(reprojection->center, count, x);
    if (reprojection->georef && to_source)
        status = ncr_georef_run(reprojection->georef, true, count, x, y, err);
    return status;
}

/* Whether the first axis of a geographic CRS counts degrees. */
static bool axis_is_degrees(PJ_CONTEXT *context, const PJ *crs)
{
    PJ *cs = proj_crs_get_coordinate_system(context, crs);
    double factor = 0;
    bool known = cs && proj_cs_get_axis_info(context, cs, 0, NULL, NULL, NULL, &factor, NULL, NULL, NULL);
    proj_destroy(cs);
    return known && fabs(factor - 0.017453292519943295) < 1e-9;
}

bool ncr_crs_is_degrees(nacre_crs *crs)
{
    if (!crs || !ncr_crs_is_geographic(crs))
        return false;
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *pj = context ? new_crs_pj(crs, context, NULL) : NULL;
    bool degrees = pj && axis_is_degrees(context, pj);
    proj_destroy(pj);
    return degrees;
}

/* Corners to degrees in the CRS's own geographic system; points that fail become HUGE_VAL. */
static bool to_degrees(nacre_crs *crs, double x[4], double y[4])
{
    PJ_CONTEXT *context = ncr_proj_context();
    PJ *src = context ? new_crs_pj(crs, context, NULL) : NULL;
    PJ *geodetic = src ? proj_crs_get_geodetic_crs(context, src) : NULL;
    PJ *operation = NULL;
    if (geodetic && axis_is_degrees(context, geodetic))
        operation = new_operation(context, src, geodetic, NULL);
    if (operation)
        transform(operation, PJ_FWD, 4, x, y);
    bool done = operation != NULL;
    proj_destroy(operation);
    proj_destroy(geodetic);
    proj_destroy(src);
    return done;
}

static void set_area(ncr_reprojection_spec *spec, const double lon[4], const double lat[4])
{
    double west = HUGE_VAL, south = HUGE_VAL, east = -HUGE_VAL, north = -HUGE_VAL;
    for (int i = 0; i < 4; i++) {
        if (!isfinite(lon[i]))
            continue;
        west = fmin(west, lon[i]);
        east = fmax(east, lon[i]);
        south = fmin(south, lat[i]);
        north = fmax(north, lat[i]);
    }
    /* The upper edge runs eastwards: where it does not, it crosses the antimeridian. */
    if (isfinite(lon[0]) && isfinite(lon[1]) && lon[0] > lon[1]) {
        west = lon[0];
        east = lon[1];
    }
    spec->has_area = fabs(west) <= 180 && fabs(east) <= 180 && fabs(south) <= 90 && fabs(north) <= 90;
    double area[4] = {west, south, east, north};
    for (int i = 0; i < 4; i++)
        spec->area[i] = spec->has_area ? area[i] : 0;
}

void ncr_reprojection_spec_cover(ncr_reprojection_spec *spec, const double corners_x[4], const double corners_y[4])
{
    spec->has_area = spec->has_center = false;
    if (!spec->src)
        return;
    double x[4], y[4], low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < 4; i++) {
        x[i] = corners_x[i];
        y[i] = corners_y[i];
        low = fmin(low, x[i]);
        high = fmax(high, x[i]);
    }
    if (high - low <= 360 && ncr_crs_is_degrees(spec->src)) {
        spec->has_center = true;
        spec->center = (low + high) / 2;
    }
    if (spec->dst && !ncr_crs_equal(spec->src, spec->dst) && to_degrees(spec->src, x, y))
        set_area(spec, x, y);
}
