/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/georef.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "raster/execute.h"

/* --- All kinds --- */

ncr_georef *ncr_georef_ref(ncr_georef *georef)
{
    if (georef)
        atomic_fetch_add(&georef->references, 1);
    return georef;
}

void ncr_georef_unref(ncr_georef *georef)
{
    if (georef && atomic_fetch_sub(&georef->references, 1) == 1)
        georef->class->free(georef);
}

nacre_status ncr_georef_plan_load(ncr_georef *georef, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    return georef && georef->class->plan_load ? georef->class->plan_load(georef, call, out, err) : NACRE_OK;
}

nacre_status ncr_georef_load(ncr_georef *georef, nacre_error *err)
{
    if (!georef || !georef->class->plan_load)
        return NACRE_OK;
    ncr_call *call = NULL;
    ncr_plan *plan = NULL;
    nacre_status status = ncr_call_new(NULL, &call, err);
    if (!status)
        status = ncr_georef_plan_load(georef, call, &plan, err);
    if (!status && plan)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    if (call)
        ncr_call_report(call, NULL);
    ncr_call_unref(call);
    return status;
}

nacre_status ncr_georef_run(const ncr_georef *georef, bool to_pixels, size_t count, double *x, double *y,
                            nacre_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]) || !isfinite(y[i]))
            x[i] = y[i] = HUGE_VAL;
    nacre_status status = georef->class->run(georef, to_pixels, count, x, y, err);
    for (size_t i = 0; i < count && !status; i++)
        if (!isfinite(x[i]) || !isfinite(y[i]))
            x[i] = y[i] = HUGE_VAL;
    return status;
}

bool ncr_georef_edge(const ncr_georef *georef, size_t index, double *column, double *row)
{
    return georef && georef->class->edge && georef->class->edge(georef, index, column, row);
}

/* --- Ground control points --- */

/* Both kinds are a sum of base functions of a point, with coefficients for the two results, found from one system of
 * equations: normal equations of monomials, or the splines' own. Coordinates are brought to about [-1, 1] before. */

enum { TERMS_MAX = 10, SPLINE_POINTS_MAX = 5000 };

/* One direction. */
typedef struct {
    double center[2], scale[2]; /* of what goes in */
    double origin[2], size[2];  /* of what comes out */
    int terms;                  /* monomials; splines: 3, and one a point */
    int points;                 /* of splines */
    double *at;                 /* the points, x and y, centred and scaled */
    double *coefficients[2];
} side;

typedef struct {
    ncr_georef base;       /* first */
    side forward, inverse; /* from pixels, to pixels */
    nacre_gcp *gcps;       /* what they were found from, without texts */
    int count, order;      /* order 0: splines */
} fitted;

static void side_clear(side *s)
{
    free(s->at);
    free(s->coefficients[0]);
}

static void free_fitted(ncr_georef *georef)
{
    fitted *f = (fitted *)georef;
    side_clear(&f->forward);
    side_clear(&f->inverse);
    free(f->gcps);
    free(f);
}

/* --- Evaluating --- */

static void monomials(double x, double y, double out[TERMS_MAX])
{
    const double all[TERMS_MAX] = {1, x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y};
    for (int i = 0; i < TERMS_MAX; i++)
        out[i] = all[i];
}

/* r * r * log(r * r) */
static double plate(double dx, double dy)
{
    double square = dx * dx + dy * dy;
    return square > 0 ? square * log(square) : 0;
}

static void evaluate(const side *s, double *x, double *y)
{
    double u = (*x - s->center[0]) / s->scale[0], v = (*y - s->center[1]) / s->scale[1], terms[TERMS_MAX];
    double sum[2] = {0, 0};
    monomials(u, v, terms);
    for (int i = 0; i < s->terms; i++)
        for (int k = 0; k < 2; k++)
            sum[k] += s->coefficients[k][i] * terms[i];
    for (int i = 0; i < s->points; i++) {
        double weight = plate(u - s->at[2 * (size_t)i], v - s->at[2 * (size_t)i + 1]);
        for (int k = 0; k < 2; k++)
            sum[k] += s->coefficients[k][s->terms + i] * weight;
    }
    *x = s->origin[0] + sum[0] * s->size[0];
    *y = s->origin[1] + sum[1] * s->size[1];
}

/* The place that the spline to pixels brings to this pixel. The two splines meet at the points only; GDAL, too, takes
 * that to pixels for the truth. The other one is near enough to step by: a few steps, each on what is left. */
static void invert(const fitted *f, double *x, double *y)
{
    enum { STEPS = 50 };
    const double pixel = *x, line = *y;
    double start_x = pixel, start_y = line;
    evaluate(&f->forward, &start_x, &start_y);
    *x = start_x;
    *y = start_y;
    for (int step = 0; step < STEPS; step++) {
        double at_pixel = *x, at_line = *y;
        evaluate(&f->inverse, &at_pixel, &at_line);
        double step_x = 2 * pixel - at_pixel, step_y = 2 * line - at_line; /* the pixel, and what is left */
        double left = hypot(pixel - at_pixel, line - at_line);
        if (!isfinite(left) || left < 1e-9)
            break;
        evaluate(&f->forward, &step_x, &step_y);
        *x += step_x - start_x;
        *y += step_y - start_y;
    }
}

static void run_one(const fitted *f, bool to_pixels, double *x, double *y)
{
    if (to_pixels)
        evaluate(&f->inverse, x, y);
    else if (f->forward.points)
        invert(f, x, y);
    else
        evaluate(&f->forward, x, y);
}

static nacre_status run_fitted(const ncr_georef *georef, bool to_pixels, size_t count, double *x, double *y,
                               nacre_error *err)
{
    (void)err;
    const fitted *f = (const fitted *)georef;
    for (size_t i = 0; i < count; i++)
        if (x[i] != HUGE_VAL)
            run_one(f, to_pixels, &x[i], &y[i]);
    return NACRE_OK;
}

static const ncr_georef_class fitted_class = {.run = run_fitted, .free = free_fitted};

bool ncr_georef_points_get(const ncr_georef *georef, ncr_georef_points *out)
{
    const fitted *f = (const fitted *)georef;
    bool is_fitted = georef && georef->class == &fitted_class;
    if (is_fitted)
        *out = (ncr_georef_points){f->gcps, f->count, f->order};
    return is_fitted;
}

/* --- Solving --- */

/* Gauss' elimination with the largest pivot of each column, in place: `size` equations of size + 2 numbers, the last
 * two of which become the solutions. False: singular. */
static bool solve(double *rows, size_t size)
{
    size_t length = size + 2;
    for (size_t i = 0; i < size; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < size; j++)
            if (fabs(rows[j * length + i]) > fabs(rows[best * length + i]))
                best = j;
        double pivot = rows[best * length + i];
        if (!(fabs(pivot) > 1e-12))
            return false;
        for (size_t k = 0; best != i && k < length; k++) {
            double other = rows[i * length + k];
            rows[i * length + k] = rows[best * length + k];
            rows[best * length + k] = other;
        }
        for (size_t j = 0; j < size; j++) {
            double factor = j == i ? 0 : rows[j * length + i] / pivot;
            for (size_t k = i; factor != 0 && k < length; k++)
                rows[j * length + k] -= factor * rows[i * length + k];
        }
    }
    for (size_t i = 0; i < size; i++)
        for (size_t k = size; k < length; k++)
            rows[i * length + k] /= rows[i * length + i];
    return true;
}

/* Where a set of values lies: its middle, and half of its width. */
static bool measure(const double *values, int count, double *middle, double *half)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return false;
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    *middle = (low + high) / 2;
    *half = (high - low) / 2;
    return *half > 0;
}

/* The points of one direction: from, to, count values each. */
typedef struct {
    const double *from[2], *to[2];
    int count;
} points;

static bool set_scales(side *s, const points *p)
{
    for (int k = 0; k < 2; k++)
        if (!measure(p->from[k], p->count, &s->center[k], &s->scale[k]) ||
            !measure(p->to[k], p->count, &s->origin[k], &s->size[k]))
            return false;
    if (s->points) /* a plate bends by distance, which must be the same in all directions */
        s->scale[0] = s->scale[1] = fmax(s->scale[0], s->scale[1]);
    return true;
}

static void scaled(const side *s, const points *p, int i, double from[2], double to[2])
{
    for (int k = 0; k < 2; k++) {
        from[k] = (p->from[k][i] - s->center[k]) / s->scale[k];
        to[k] = (p->to[k][i] - s->origin[k]) / s->size[k];
    }
}

/* The equations of least squares. */
static void fill_polynomial(const side *s, const points *p, double *rows)
{
    size_t length = (size_t)s->terms + 2;
    for (int i = 0; i < p->count; i++) {
        double from[2], to[2], terms[TERMS_MAX];
        scaled(s, p, i, from, to);
        monomials(from[0], from[1], terms);
        for (int a = 0; a < s->terms; a++) {
            for (int b = 0; b < s->terms; b++)
                rows[(size_t)a * length + (size_t)b] += terms[a] * terms[b];
            for (int k = 0; k < 2; k++)
                rows[(size_t)a * length + (size_t)(s->terms + k)] += terms[a] * to[k];
        }
    }
}

/* The spline meets every point; its weights have no plane in them. */
static void fill_spline(const side *s, const points *p, double *rows)
{
    size_t n = (size_t)p->count, length = n + 5;
    for (size_t i = 0; i < n; i++) {
        double *row = rows + (3 + i) * length, to[2], from[2];
        scaled(s, p, (int)i, from, to);
        const double plane[3] = {1, from[0], from[1]};
        for (size_t k = 0; k < 3; k++) {
            row[k] = plane[k];
            rows[k * length + 3 + i] = plane[k];
        }
        for (size_t j = 0; j < n; j++)
            row[3 + j] = plate(from[0] - s->at[2 * j], from[1] - s->at[2 * j + 1]);
        row[n + 3] = to[0];
        row[n + 4] = to[1];
    }
}

/* out->terms, and ->points of a spline, are set. *good: the points do not lie on a line. */
static nacre_status fit(side *s, const points *p, bool *good, nacre_error *err)
{
    size_t size = (size_t)(s->terms + s->points);
    *good = set_scales(s, p);
    if (!*good)
        return NACRE_OK;
    double *rows = ncr_alloc_array(size, (size + 2) * sizeof *rows);
    s->coefficients[0] = ncr_alloc_array(2 * size, sizeof *s->coefficients[0]);
    s->at = ncr_alloc_array((size_t)p->count, 2 * sizeof *s->at);
    if (!rows || !s->coefficients[0] || !s->at) {
        free(rows);
        return ncr_error_memory(err);
    }
    s->coefficients[1] = s->coefficients[0] + size;
    for (int i = 0; i < p->count; i++) {
        double to[2];
        scaled(s, p, i, s->at + 2 * (size_t)i, to);
    }
    if (s->points)
        fill_spline(s, p, rows);
    else
        fill_polynomial(s, p, rows);
    *good = solve(rows, size);
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < 2; k++)
            s->coefficients[k][i] = rows[i * (size + 2) + size + k];
    free(rows);
    return NACRE_OK;
}

static nacre_status fit_both(const char *name, const nacre_gcp *gcps, int count, int terms, int spline_points,
                             ncr_georef **out, nacre_error *err)
{
    *out = NULL;
    fitted *georef = calloc(1, sizeof *georef);
    double *values = ncr_alloc_array((size_t)count, 4 * sizeof *values);
    nacre_gcp *kept = ncr_alloc_array((size_t)count, sizeof *kept);
    if (!georef || !values || !kept) {
        free(georef);
        free(values);
        free(kept);
        return ncr_error_memory(err);
    }
    atomic_init(&georef->base.references, 1);
    georef->base.class = &fitted_class;
    georef->gcps = kept;
    georef->count = count;
    georef->order = spline_points ? 0 : terms == 3 ? 1 : terms == 6 ? 2 : 3;
    double *pixel = values, *line = pixel + count, *x = line + count, *y = x + count;
    for (int i = 0; i < count; i++) {
        kept[i] = (nacre_gcp){"", "", gcps[i].pixel, gcps[i].line, gcps[i].x, gcps[i].y, gcps[i].z};
        pixel[i] = gcps[i].pixel;
        line[i] = gcps[i].line;
        x[i] = gcps[i].x;
        y[i] = gcps[i].y;
    }
    georef->forward.terms = georef->inverse.terms = terms;
    georef->forward.points = georef->inverse.points = spline_points;
    bool good = false;
    nacre_status status = fit(&georef->forward, &(points){{pixel, line}, {x, y}, count}, &good, err);
    if (!status && good)
        status = fit(&georef->inverse, &(points){{x, y}, {pixel, line}, count}, &good, err);
    if (!status && !good)
        status = ncr_error_set(err, NACRE_ERROR_INVALID,
                               "%s: its %d ground control points lie on a line, twice at one place, or nowhere", name,
                               count);
    free(values);
    if (status)
        ncr_georef_unref(&georef->base);
    else
        *out = &georef->base;
    return status;
}

nacre_status ncr_georef_polynomial(const char *name, const nacre_gcp *gcps, int count, int order, ncr_georef **out,
                                   nacre_error *err)
{
    *out = NULL;
    if (order == 0)
        order = count >= 6 ? 2 : 1;
    if (order < 1 || order > 3)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: polynomials are of order 1, 2 or 3, not %d", name, order);
    int terms = (order + 1) * (order + 2) / 2;
    if (count < terms)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: it has %d ground control points; a polynomial of order %d needs %d", name, count,
                             order, terms);
    return fit_both(name, gcps, count, terms, 0, out, err);
}

nacre_status ncr_georef_spline(const char *name, const nacre_gcp *gcps, int count, ncr_georef **out, nacre_error *err)
{
    *out = NULL;
    if (count < 3)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has %d ground control points; a spline needs 3", name,
                             count);
    if (count > SPLINE_POINTS_MAX)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%s: a spline through %d ground control points is too large: take polynomials", name,
                             count);
    return fit_both(name, gcps, count, 3, count, out, err);
}
