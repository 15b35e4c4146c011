/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/rpc.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "warp/map.h"

const char *const ncr_rpc_number_names[NCR_RPC_NUMBERS] = {
    "ERR_BIAS",   "ERR_RAND",  "LINE_OFF",   "SAMP_OFF",     "LAT_OFF",  "LONG_OFF", "HEIGHT_OFF", "LINE_SCALE",
    "SAMP_SCALE", "LAT_SCALE", "LONG_SCALE", "HEIGHT_SCALE", "MIN_LONG", "MIN_LAT",  "MAX_LONG",   "MAX_LAT"};
const char *const ncr_rpc_list_names[NCR_RPC_LISTS] = {"LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF",
                                                       "SAMP_DEN_COEFF"};

/* How the iteration starts: a plane through a point of reference. Found once, when the model is there. */
typedef struct {
    nacre_transform plane; /* pixels to longitude and latitude */
    double height;         /* at the point of reference, where the model has none at a first guess */
    ncr_dem *dem;          /* NULL: there is none */
} start;

typedef struct {
    ncr_georef base; /* first */
    ncr_rpc_spec spec;
    char *name;
    _Atomic(start *) start; /* NULL: the model is not loaded yet */
} rpc;

ncr_rpc_spec ncr_rpc_spec_default(void)
{
    return (ncr_rpc_spec){.height_scale = 1, .threshold = 0.1, .dem = {.interpolation = NCR_DEM_BILINEAR}};
}

void ncr_rpc_spec_clear(ncr_rpc_spec *spec)
{
    ncr_dem_spec_clear(&spec->dem);
}

/* --- Reading --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

/* The first word of a text as a number (a unit may follow it); *rest is behind it. */
static bool read_word(const char *text, double *out, const char **rest)
{
    char word[64];
    size_t length = 0;
    while (is_blank(*text))
        text++;
    while (text[length] && !is_blank(text[length]))
        length++;
    *rest = text + length;
    if (!length || length >= sizeof word)
        return false;
    const char *from = *text == '+' ? text + 1 : text;
    length -= (size_t)(from - text);
    memcpy(word, from, length);
    word[length] = '\0';
    return ncr_text_to_double(word, out) && isfinite(*out);
}

static nacre_status bad_item(const char *name, const char *key, const char *text, nacre_error *err)
{
    if (!text)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: its rational polynomials lack %s", name, key);
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %s of its rational polynomials is \"%.60s\"", name, key, text);
}

static nacre_status read_list(const char *name, const char *key, const char *text, double out[NCR_RPC_TERMS],
                              nacre_error *err)
{
    const char *rest = text ? text : "";
    for (int i = 0; i < NCR_RPC_TERMS; i++)
        if (!read_word(rest, &out[i], &rest))
            return bad_item(name, key, text, err);
    return NACRE_OK;
}

nacre_status ncr_rpc_read(const char *name, const char *(*text_of)(void *user, const char *key), void *user,
                          ncr_rpc_spec *spec, nacre_error *err)
{
    static const double missing[NCR_RPC_NUMBERS] = {
        [NCR_RPC_MIN_LONG] = -180, [NCR_RPC_MIN_LAT] = -90, [NCR_RPC_MAX_LONG] = 180, [NCR_RPC_MAX_LAT] = 90};
    for (int i = 0; i < NCR_RPC_NUMBERS; i++) {
        const char *key = ncr_rpc_number_names[i], *text = text_of(user, key), *rest;
        bool is_optional = i <= NCR_RPC_ERR_RAND || i >= NCR_RPC_MIN_LONG;
        if (!text && is_optional)
            spec->numbers[i] = i <= NCR_RPC_ERR_RAND ? (double)NAN : missing[i];
        else if (!text || !read_word(text, &spec->numbers[i], &rest))
            return bad_item(name, key, text, err);
        if (i >= NCR_RPC_LINE_SCALE && i <= NCR_RPC_HEIGHT_SCALE && spec->numbers[i] == 0)
            return bad_item(name, key, text, err);
    }
    nacre_status status = NACRE_OK;
    for (int i = 0; i < NCR_RPC_LISTS && !status; i++)
        status = read_list(name, ncr_rpc_list_names[i], text_of(user, ncr_rpc_list_names[i]), spec->lists[i], err);
    return status;
}

/* --- From the ground to pixels --- */

static double evaluate(const double terms[NCR_RPC_TERMS], const double *list)
{
    double even = 0, odd = 0;
    for (int i = 0; i < NCR_RPC_TERMS; i += 2) {
        even += terms[i] * list[i];
        odd += terms[i + 1] * list[i + 1];
    }
    return even + odd;
}

static void to_pixel(const ncr_rpc_spec *spec, double longitude, double latitude, double height, double *pixel,
                     double *line)
{
    const double *n = spec->numbers;
    double east = longitude - n[NCR_RPC_LONG_OFF];
    if (east < -270)
        east += 360;
    else if (east > 270)
        east -= 360;
    double l = east / n[NCR_RPC_LONG_SCALE], p = (latitude - n[NCR_RPC_LAT_OFF]) / n[NCR_RPC_LAT_SCALE];
    double h = (height - n[NCR_RPC_HEIGHT_OFF]) / n[NCR_RPC_HEIGHT_SCALE];
    const double terms[NCR_RPC_TERMS] = {1,         l,         p,         h,         l * p,     l * h,     p * h,
                                         l * l,     p * p,     h * h,     l * p * h, l * l * l, l * p * p, l * h * h,
                                         l * l * p, p * p * p, p * h * h, l * l * h, p * p * h, h * h * h};
    double x = evaluate(terms, spec->lists[NCR_RPC_SAMP_NUM]) / evaluate(terms, spec->lists[NCR_RPC_SAMP_DEN]);
    double y = evaluate(terms, spec->lists[NCR_RPC_LINE_NUM]) / evaluate(terms, spec->lists[NCR_RPC_LINE_DEN]);
    /* RPCs count from the centre of the first pixel. */
    *pixel = x * n[NCR_RPC_SAMP_SCALE] + n[NCR_RPC_SAMP_OFF] + 0.5;
    *line = y * n[NCR_RPC_LINE_SCALE] + n[NCR_RPC_LINE_OFF] + 0.5;
}

/* The height of the ground; NaN: not known. */
static nacre_status ground(const ncr_rpc_spec *spec, const ncr_dem *dem, size_t count, const double *longitude,
                           const double *latitude, double *height, nacre_error *err)
{
    for (size_t i = 0; i < count && !dem; i++)
        height[i] = 0;
    nacre_status status = dem ? ncr_dem_heights(dem, count, longitude, latitude, height, err) : NACRE_OK;
    for (size_t i = 0; i < count; i++)
        height[i] = spec->height + height[i] * spec->height_scale;
    return status;
}

/* z: how much higher each point is than the ground; NULL: not at all. */
static nacre_status to_pixels(const rpc *r, const start *s, size_t count, double *x, double *y, const double *z,
                              nacre_error *err)
{
    enum { BATCH = 64 };
    double height[BATCH];
    for (size_t first = 0; first < count; first += BATCH) {
        size_t size = count - first < BATCH ? count - first : BATCH;
        nacre_status status = ground(&r->spec, s->dem, size, x + first, y + first, height, err);
        if (status)
            return status;
        for (size_t i = 0; i < size; i++) {
            double *u = &x[first + i], *v = &y[first + i];
            if (*u == HUGE_VAL || isnan(height[i]))
                *u = *v = HUGE_VAL;
            else
                to_pixel(&r->spec, *u, *v, height[i] + (z ? z[first + i] : 0), u, v);
        }
    }
    return NACRE_OK;
}

/* --- From pixels to the ground --- */

/* A guess, and how far its pixel is from the wanted one. */
typedef struct {
    double x, y, dx, dy;
} guess;

/* The height at a guess; the first one may lie outside of the model. NaN: it has none. */
static nacre_status height_of(const rpc *r, const start *s, const guess *g, bool is_first, double *height,
                              nacre_error *err)
{
    nacre_status status = ground(&r->spec, s->dem, 1, &g->x, &g->y, height, err);
    if (status || !isnan(*height) || !is_first)
        return status;
    status = ncr_dem_nearest_height(s->dem, g->x, g->y, height, err);
    if (isnan(*height))
        *height = s->height;
    return status;
}

/* Between two guesses on either side of the wanted pixel. */
static double between(double error, double last_error, double value, double last)
{
    return (fabs(error) * last + fabs(last_error) * value) / (fabs(error) + fabs(last_error));
}

/* One pixel in place, for a point z above the ground; HUGE_VAL where the iteration does not end within its steps. */
static nacre_status to_ground(const rpc *r, const start *s, double *x, double *y, double z, nacre_error *err)
{
    const nacre_transform *t = &s->plane;
    double pixel = *x, line = *y, height;
    guess g = {.x = t->c + t->a * pixel + t->b * line, .y = t->f + t->d * pixel + t->e * line}, last = {0};
    bool has_last = false;
    int most = r->spec.iterations > 0 ? r->spec.iterations : s->dem ? 20 : 10, close = 0;
    *x = *y = HUGE_VAL;
    for (int i = 0; i < most; i++) {
        nacre_status status = height_of(r, s, &g, i == 0, &height, err);
        if (status || isnan(height))
            return status;
        double back_x, back_y;
        to_pixel(&r->spec, g.x, g.y, height + z, &back_x, &back_y);
        g.dx = back_x - pixel;
        g.dy = back_y - line;
        double error = fmax(fabs(g.dx), fabs(g.dy));
        if (error < r->spec.threshold) {
            *x = g.x;
            *y = g.y;
            return NACRE_OK;
        }
        if (s->dem && has_last && g.dx * last.dx < 0 && g.dy * last.dy < 0) {
            g.x = between(g.dx, last.dx, g.x, last.x);
            g.y = between(g.dy, last.dy, g.y, last.y);
            has_last = false;
            close = 0;
            continue;
        }
        /* On a rough model small steps may not get anywhere. */
        double boost = s->dem && close >= 5 && error < 2 ? 10 : 1;
        close = error < 2 ? close + 1 : 0;
        last = g;
        has_last = true;
        g.x = last.x - (g.dx * t->a * boost) - (g.dy * t->b * boost);
        g.y = last.y - (g.dx * t->d * boost) - (g.dy * t->e * boost);
    }
    return NACRE_OK;
}

/* The point of reference and its pixel, at the ground; without a height there at height 0. */
static nacre_status reference(const rpc *r, const start *s, double longitude, double latitude, double *pixel,
                              double *line, nacre_error *err)
{
    *pixel = longitude;
    *line = latitude;
    nacre_status status = to_pixels(r, s, 1, pixel, line, NULL, err);
    if (!status && *pixel == HUGE_VAL)
        to_pixel(&r->spec, longitude, latitude, 0, pixel, line);
    return status;
}

static nacre_status find_plane(const rpc *r, start *s, nacre_error *err)
{
    const double step = 0.0001, *n = r->spec.numbers;
    double longitude = 0, latitude = 0, pixel = -1, line = -1, east[2], north[2];
    nacre_status status = NACRE_OK;
    if (n[NCR_RPC_MIN_LONG] != -180 || n[NCR_RPC_MAX_LONG] != 180) {
        longitude = (n[NCR_RPC_MIN_LONG] + n[NCR_RPC_MAX_LONG]) * 0.5;
        latitude = (n[NCR_RPC_MIN_LAT] + n[NCR_RPC_MAX_LAT]) * 0.5;
        status = reference(r, s, longitude, latitude, &pixel, &line, err);
    }
    if (!status && (pixel < 0 || line < 0 || pixel > 100000 || line > 100000)) {
        longitude = n[NCR_RPC_LONG_OFF];
        latitude = n[NCR_RPC_LAT_OFF];
        status = reference(r, s, longitude, latitude, &pixel, &line, err);
    }
    if (!status)
        status = ground(&r->spec, s->dem, 1, &longitude, &latitude, &s->height, err);
    if (status)
        return status;
    s->height = isnan(s->height) ? 0 : s->height;
    to_pixel(&r->spec, longitude + step, latitude, s->height, &east[0], &east[1]);
    to_pixel(&r->spec, longitude, latitude + step, s->height, &north[0], &north[1]);
    nacre_transform to = {.a = (east[0] - pixel) / step,
                          .b = (north[0] - pixel) / step,
                          .d = (east[1] - line) / step,
                          .e = (north[1] - line) / step};
    to.c = pixel - to.a * longitude - to.b * latitude;
    to.f = line - to.d * longitude - to.e * latitude;
    if (!ncr_map_invert(&to, &s->plane))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: its rational polynomials cannot be inverted", r->name);
    return NACRE_OK;
}

/* --- The georef --- */

static nacre_status run_above(const rpc *r, bool to_source, size_t count, double *x, double *y, const double *z,
                              nacre_error *err)
{
    const start *s = atomic_load(&r->start);
    if (to_source)
        return to_pixels(r, s, count, x, y, z, err);
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < count && !status; i++)
        if (x[i] != HUGE_VAL)
            status = to_ground(r, s, &x[i], &y[i], z ? z[i] : 0, err);
    return status;
}

static nacre_status run(const ncr_georef *georef, bool to_source, size_t count, double *x, double *y, nacre_error *err)
{
    return run_above((const rpc *)georef, to_source, count, x, y, NULL, err);
}

static void free_start(start *s)
{
    if (s)
        ncr_dem_free(s->dem);
    free(s);
}

static void free_rpc(ncr_georef *georef)
{
    rpc *r = (rpc *)georef;
    free_start(atomic_load(&r->start));
    ncr_rpc_spec_clear(&r->spec);
    free(r->name);
    free(r);
}

/* The part of the model where the polynomials mean something, with room to spare: 1.5 times their own extent. */
static nacre_status choose(ncr_georef *georef, int index, ncr_patch *patch, nacre_error *err)
{
    (void)index;
    const ncr_rpc_spec *spec = &((rpc *)georef)->spec;
    const double *n = spec->numbers;
    double wide = 1.5 * fabs(n[NCR_RPC_LONG_SCALE]), tall = 1.5 * fabs(n[NCR_RPC_LAT_SCALE]);
    double area[4] = {n[NCR_RPC_LONG_OFF] - wide, fmax(-90, n[NCR_RPC_LAT_OFF] - tall), n[NCR_RPC_LONG_OFF] + wide,
                      fmin(90, n[NCR_RPC_LAT_OFF] + tall)};
    return ncr_dem_choose(&spec->dem, area, patch, err);
}

/* patches NULL: there is no model. */
static nacre_status finish(ncr_georef *georef, ncr_patch *patches, nacre_error *err)
{
    rpc *r = (rpc *)georef;
    start *s = calloc(1, sizeof *s), *none = NULL;
    nacre_status status = s ? NACRE_OK : ncr_error_memory(err);
    if (!status && patches)
        status = ncr_dem_new(&r->spec.dem, patches, &s->dem, err);
    if (!status)
        status = find_plane(r, s, err);
    if (status || !atomic_compare_exchange_strong(&r->start, &none, s))
        free_start(s);
    return status;
}

static nacre_status plan_load(ncr_georef *georef, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    rpc *r = (rpc *)georef;
    *out = NULL;
    if (atomic_load(&r->start))
        return NACRE_OK;
    ncr_patch_loading loading = {
        .georef = georef, .sources = {r->spec.dem.source}, .count = 1, .choose = choose, .finish = finish};
    return ncr_patch_plan_load(&loading, call, out, err);
}

static void tell_sources(ncr_georef *georef,
                         void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                         void *user)
{
    const rpc *r = (const rpc *)georef;
    if (r->spec.dem.source)
        ncr_lazy_sources(r->spec.dem.source, function, user);
}

static const ncr_georef_class rpc_class = {
    .run = run, .free = free_rpc, .plan_load = plan_load, .sources = tell_sources};

nacre_status ncr_georef_rpc(const char *name, ncr_rpc_spec *spec, ncr_georef **out, nacre_error *err)
{
    *out = NULL;
    rpc *r = calloc(1, sizeof *r);
    if (!r) {
        ncr_rpc_spec_clear(spec);
        return ncr_error_memory(err);
    }
    atomic_init(&r->base.references, 1);
    r->base.class = &rpc_class;
    r->spec = *spec;
    *spec = (ncr_rpc_spec){0};
    r->base.is_rough = r->spec.dem.source != NULL;
    r->name = ncr_text_copy(name);
    nacre_status status = r->name ? NACRE_OK : ncr_error_memory(err);
    if (!status && !r->spec.dem.source)
        status = finish(&r->base, NULL, err);
    if (status)
        free_rpc(&r->base);
    else
        *out = &r->base;
    return status;
}

nacre_status ncr_georef_rpc_run(const ncr_georef *georef, bool to_source, size_t count, double *x, double *y,
                                const double *z, nacre_error *err)
{
    if (!z || georef->class != &rpc_class)
        return ncr_georef_run(georef, to_source, count, x, y, err);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]) || !isfinite(y[i]))
            x[i] = y[i] = HUGE_VAL;
    nacre_status status = run_above((const rpc *)georef, to_source, count, x, y, z, err);
    for (size_t i = 0; i < count && !status; i++)
        if (!isfinite(x[i]) || !isfinite(y[i]))
            x[i] = y[i] = HUGE_VAL;
    return status;
}

const ncr_rpc_spec *ncr_georef_rpc_spec(const ncr_georef *georef)
{
    return georef && georef->class == &rpc_class ? &((const rpc *)georef)->spec : NULL;
}
