/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "api/web.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/canvas.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "warp/warp.h"

/* Coordinate systems: 1. EPSG:3857 in metres, 2. tiles of a zoom level from the upper left corner of the world, 3.
 * pixels of the output. */

static const double half_world = 20037508.342789244; /* of EPSG:3857: pi times the radius of WGS 84's equator */

enum { ZOOM_MAX = 30, TILE = 256 };

/* What the options say. */
typedef struct web {
    const char **creation; /* the options that are the saver's; the array is owned */
    int block;
    int zoom; /* -1: by strategy */
    int aligned_levels;
    char strategy; /* 'A', 'L', 'U' */
    nacre_resampling resampling;
    bool add_alpha;
} web;

static bool is_wanted(const ncr_saver *saver, const ncr_save *task)
{
    const char *scheme = ncr_save_option(task, "TILING_SCHEME", NULL);
    return !strcmp(saver->format, "COG") && scheme && !ncr_text_equal_nocase(scheme, "CUSTOM");
}

static const char *const names[] = {
    "TILING_SCHEME=", "ZOOM_LEVEL=", "ZOOM_LEVEL_STRATEGY=", "ALIGNED_LEVELS=", "WARP_RESAMPLING=", "ADD_ALPHA="};

bool ncr_web_has_option(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ncr_text_starts_nocase(names[i], name) && !strcmp(names[i] + strlen(name), "="))
            return true;
    return false;
}

static bool is_own(const char *option)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ncr_text_starts_nocase(option, names[i]))
            return true;
    return false;
}

static nacre_status bad_value(const ncr_save *task, const char *name, const char *wanted, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option %s=%s: it takes %s", task->destination->name,
                         name, ncr_save_option(task, name, ""), wanted);
}

static bool read_number(const ncr_save *task, const char *name, int lowest, int highest, int *out)
{
    const char *text = ncr_save_option(task, name, NULL);
    return !text || (ncr_text_to_int(text, out) && *out >= lowest && *out <= highest);
}

static nacre_status read_options(const ncr_save *task, web *out, nacre_error *err)
{
    const char *strategy = ncr_save_option(task, "ZOOM_LEVEL_STRATEGY", "AUTO");
    const char *alpha = ncr_save_option(task, "ADD_ALPHA", "YES");
    const char *fallback = task->dataset->bands[0].color_count ? "NEAREST" : "CUBIC";
    const char *resampling = ncr_save_option(task, "WARP_RESAMPLING", ncr_save_option(task, "RESAMPLING", fallback));
    *out = (web){.block = TILE, .zoom = -1, .aligned_levels = 1};
    if (!ncr_text_equal_nocase(ncr_save_option(task, "TILING_SCHEME", ""), "GoogleMapsCompatible"))
        return bad_value(task, "TILING_SCHEME", "GoogleMapsCompatible or CUSTOM", err);
    if (!read_number(task, "BLOCKSIZE", 16, 65536, &out->block))
        return bad_value(task, "BLOCKSIZE", "16 to 65536", err);
    if (!read_number(task, "ZOOM_LEVEL", 0, ZOOM_MAX, &out->zoom))
        return bad_value(task, "ZOOM_LEVEL", "0 to 30", err);
    if (!read_number(task, "ALIGNED_LEVELS", 1, 10, &out->aligned_levels))
        return bad_value(task, "ALIGNED_LEVELS", "1 to 10", err);
    if (!ncr_text_equal_nocase(strategy, "AUTO") && !ncr_text_equal_nocase(strategy, "LOWER") &&
        !ncr_text_equal_nocase(strategy, "UPPER"))
        return bad_value(task, "ZOOM_LEVEL_STRATEGY", "AUTO, LOWER or UPPER", err);
    out->strategy = *strategy & ~0x20;
    if (!ncr_text_to_bool(alpha, &out->add_alpha))
        return bad_value(task, "ADD_ALPHA", "YES or NO", err);
    if (!ncr_resampling_from_name(resampling, &out->resampling))
        return bad_value(task, "WARP_RESAMPLING", "the name of a resampling", err);
    return NACRE_OK;
}

/* The saver's options, with the scheme's size of blocks where none is given. */
static nacre_status filter_options(const ncr_save *task, web *w, nacre_error *err)
{
    size_t count = 0, kept = 0;
    while (task->creation && task->creation[count])
        count++;
    w->creation = ncr_alloc_array(count + 2, sizeof *w->creation);
    if (!w->creation)
        return ncr_error_memory(err);
    w->creation[kept++] = "BLOCKSIZE=256"; /* a later one counts */
    for (size_t i = 0; i < count; i++)
        if (!is_own(task->creation[i]))
            w->creation[kept++] = task->creation[i];
    return NACRE_OK;
}

/* --- The grid --- */

static double resolution_of(const web *w, int zoom)
{
    return 2 * half_world / w->block / exp2(zoom);
}

/* The zoom level whose pixels are nearest to those of the source, or those beside it. */
static int zoom_of(const web *w, double resolution)
{
    if (w->zoom >= 0)
        return w->zoom;
    int finer = 0; /* the first level that is not coarser */
    while (finer < ZOOM_MAX && resolution_of(w, finer) > resolution * (1 + 1e-8))
        finer++;
    bool is_exact = fabs(resolution_of(w, finer) - resolution) <= 1e-8 * resolution;
    if (!finer || is_exact || w->strategy == 'U')
        return finer;
    if (w->strategy == 'L')
        return finer - 1;
    bool finer_is_nearer = resolution / resolution_of(w, finer) < resolution_of(w, finer - 1) / resolution;
    return finer_is_nearer ? finer : finer - 1;
}

/* Widens tiles [*first, *end) to multiples of `unit`, inside the world. */
static void align(double *first, double *end, double unit, double tiles)
{
    const double slack = 1e-5; /* of a tile: extents are computed */
    *first = floor((*first + slack) / unit) * unit;
    *end = ceil((*end - slack) / unit) * unit;
    *first = fmax(*first, 0);
    *end = fmin(fmax(*end, *first + 1), fmax(tiles, *first + 1));
}

static nacre_status find_grid(const ncr_save *task, const web *w, nacre_warp_options *options, int *zoom,
                              nacre_transform *transform, nacre_error *err)
{
    nacre_grid grid;
    nacre_status status = ncr_warp_grid(task->dataset, options, &grid, err);
    if (status != NACRE_OK)
        return status;
    const nacre_transform *t = &grid.transform;
    *zoom = zoom_of(w, t->a);
    double resolution = resolution_of(w, *zoom), tile = resolution * w->block, tiles = exp2(*zoom);
    double unit = exp2(w->aligned_levels - 1);
    double left = (t->c + half_world) / tile, right = (t->c + t->a * grid.width + half_world) / tile;
    double top = (half_world - t->f) / tile, bottom = (half_world - t->f - t->e * grid.height) / tile;
    align(&left, &right, unit, tiles);
    align(&top, &bottom, unit, tiles);
    double width = (right - left) * w->block, height = (bottom - top) * w->block;
    if (width > INT32_MAX || height > INT32_MAX)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: %.0f x %.0f pixels at zoom level %d",
                             task->destination->name, width, height, *zoom);
    *transform = (nacre_transform){resolution, 0, left * tile - half_world, 0, -resolution, half_world - top * tile};
    options->transform = transform;
    options->width = (int)width;
    options->height = (int)height;
    return NACRE_OK;
}

/* --- The view --- */

static nacre_status add_metadata(ncr_canvas *canvas, const web *w, const ncr_save *task, int zoom, nacre_error *err)
{
    static const char domain[] = "TILING_SCHEME";
    char number[16];
    nacre_status status = ncr_canvas_set_metadata(canvas, 0, domain, "NAME", "GoogleMapsCompatible", err);
    snprintf(number, sizeof number, "%d", zoom);
    if (status == NACRE_OK)
        status = ncr_canvas_set_metadata(canvas, 0, domain, "ZOOM_LEVEL", number, err);
    snprintf(number, sizeof number, "%d", w->aligned_levels);
    if (status == NACRE_OK && ncr_save_option(task, "ALIGNED_LEVELS", NULL))
        status = ncr_canvas_set_metadata(canvas, 0, domain, "ALIGNED_LEVELS", number, err);
    return status;
}

static nacre_status make_view(const ncr_save *task, const web *w, ncr_canvas **out, nacre_error *err)
{
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    nacre_transform transform;
    ncr_dataset *warped = NULL;
    nacre_crs *crs = NULL;
    int zoom = 0;
    *out = NULL;
    nacre_status status = ncr_crs_from_authority("EPSG", "3857", &crs, err);
    options.dst_crs = crs;
    options.resampling = w->resampling;
    options.add_alpha = w->add_alpha && !task->dataset->bands[0].nodata.is_set && !task->dataset->alpha_band;
    if (status == NACRE_OK)
        status = find_grid(task, w, &options, &zoom, &transform, err);
    if (status == NACRE_OK)
        status = ncr_warp_view_new(task->dataset, &options, &warped, err);
    if (status == NACRE_OK)
        status = ncr_canvas_over(warped, out, err);
    if (status == NACRE_OK)
        status = add_metadata(*out, w, task, zoom, err);
    ncr_dataset_unref(warped);
    ncr_crs_unref(crs);
    return status;
}

nacre_status ncr_web_save(const ncr_saver *saver, const ncr_save *task, nacre_error *err)
{
    web w;
    ncr_save changed = *task;
    ncr_canvas *view = NULL;
    if (!is_wanted(saver, task))
        return saver->save(task, err);
    nacre_status status = read_options(task, &w, err);
    if (status == NACRE_OK)
        status = filter_options(task, &w, err);
    if (status == NACRE_OK)
        status = make_view(task, &w, &view, err);
    if (status == NACRE_OK) {
        changed.dataset = &view->base;
        changed.creation = w.creation;
        status = saver->save(&changed, err);
    }
    if (view)
        ncr_dataset_unref(&view->base);
    free(w.creation);
    return status;
}

nacre_status ncr_web_describe(const ncr_saver *saver, const ncr_save *task, ncr_save_form *out, nacre_error *err)
{
    web w;
    ncr_save changed = *task;
    *out = (ncr_save_form){0};
    if (!saver->describe)
        return NACRE_OK;
    if (!is_wanted(saver, task))
        return saver->describe(task, out, err);
    nacre_status status = read_options(task, &w, err);
    if (status == NACRE_OK)
        status = filter_options(task, &w, err);
    changed.creation = w.creation;
    if (status == NACRE_OK)
        status = saver->describe(&changed, out, err);
    free(w.creation);
    return status;
}
