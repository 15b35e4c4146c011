/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <limits.h>
#include <math.h>
#include <nacre/tile.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "picture/encode.h"
#include "raster/dtype.h"
#include "raster/execute.h"
#include "raster/read.h"
#include "vrt/vrt.h"
#include "warp/tile_matrix.h"
#include "warp/warp.h"

/* A tile is a window of a warped view that covers, for each zoom level, all tiles the raster touches: so kernels and
 * overviews are the same for every tile of a level, whichever are made, and edges of tiles meet. */

enum { COLORS_MAX = 3, MAP_SIZE = 256 };

/* What is kept of a zoom level. Immutable. */
typedef struct level {
    ncr_dataset *view; /* of the range, with alpha as its last band */
    nacre_tile_range range;
} level;

struct nacre_tiler {
    _Atomic int references;
    ncr_dataset *source; /* the chosen bands, then alpha where it has one */
    ncr_tile_matrix_set *set;
    nacre_crs *src_crs;       /* NULL: the source's own */
    double bounds[4];         /* of the source, in the set's CRS */
    _Atomic(level *) *levels; /* of the set's matrices; NULL: not made yet */
    int band_count;           /* shown: 1 or 3 */
    nacre_resampling resampling;
    nacre_dtype dtype; /* that pixels are read in: uint8, float32 or float64 */
    bool is_rescaled;
    double lowest[COLORS_MAX], scale[COLORS_MAX]; /* shown = (value - lowest) * scale */
    bool is_mapped;                               /* values are indices of colors */
    nacre_color_entry *colors;
    int color_count;
};

/* --- Bands --- */

static int band_of_color(const ncr_dataset *source, nacre_color color)
{
    for (int i = 0; i < source->band_count; i++)
        if (source->bands[i].color == color)
            return i + 1;
    return 0;
}

/* Bands to show where none are named. */
static int default_bands(const ncr_dataset *source, int bands[COLORS_MAX])
{
    for (int i = 0; i < COLORS_MAX; i++)
        bands[i] = band_of_color(source, NACRE_COLOR_RED + i);
    if (bands[0] && bands[1] && bands[2])
        return COLORS_MAX;
    int shown = 0;
    for (int band = 1; band <= source->band_count && shown < COLORS_MAX; band++)
        if (band != source->alpha_band)
            bands[shown++] = band;
    return shown == COLORS_MAX ? shown : 1;
}

static nacre_status choose_bands(const ncr_dataset *source, const nacre_tile_options *options, int *bands, int *count,
                                 nacre_error *err)
{
    const char *name = ncr_dataset_name(source);
    *count = options->band_count ? options->band_count : default_bands(source, bands);
    if (*count != 1 && *count != COLORS_MAX)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: tiles show one band or three, not %d", name, *count);
    for (int i = 0; i < *count; i++) {
        bands[i] = options->band_count ? options->bands[i] : bands[i];
        if (bands[i] < 1 || bands[i] > source->band_count)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", name, bands[i],
                                 source->band_count);
        if (ncr_dtype_is_complex(source->bands[bands[i] - 1].dtype))
            return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: band %d is complex, which tiles do not show", name,
                                 bands[i]);
    }
    return NACRE_OK;
}

/* The source itself where the bands are all it has, else a view of them and alpha. */
static nacre_status take_source(nacre_tiler *t, ncr_dataset *source, const int *bands, nacre_error *err)
{
    int chosen[COLORS_MAX + 1], count = t->band_count;
    bool is_whole = source->band_count == count + (source->alpha_band ? 1 : 0);
    for (int i = 0; i < count; i++) {
        chosen[i] = bands[i];
        is_whole = is_whole && bands[i] == i + 1;
    }
    if (is_whole) {
        t->source = ncr_dataset_ref(source);
        return NACRE_OK;
    }
    if (source->alpha_band)
        chosen[count++] = source->alpha_band;
    nacre_translate_options translate = NACRE_TRANSLATE_OPTIONS_INIT;
    translate.bands = chosen;
    translate.band_count = count;
    return ncr_vrt_translate_new(source, &translate, &t->source, err);
}

/* --- How values are shown --- */

static nacre_status take_rescale(nacre_tiler *t, const nacre_tile_options *options, nacre_error *err)
{
    const char *name = ncr_dataset_name(t->source);
    if (options->rescale_count != 1 && options->rescale_count != t->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %d ranges to rescale %d bands: give one, or one for each",
                             name, options->rescale_count, t->band_count);
    t->is_rescaled = true;
    for (int i = 0; i < t->band_count; i++) {
        const double *range = options->rescale + 2 * (options->rescale_count > 1 ? i : 0);
        if (!(range[0] < range[1]) || !isfinite(range[1] - range[0]))
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: rescaling from %g to %g: the first must be less", name,
                                 range[0], range[1]);
        t->lowest[i] = range[0];
        t->scale[i] = 255 / (range[1] - range[0]);
    }
    return NACRE_OK;
}

static nacre_status take_colors(nacre_tiler *t, const nacre_color_entry *colors, int count, nacre_error *err)
{
    t->colors = ncr_alloc_array((size_t)count, sizeof *colors);
    if (!t->colors)
        return ncr_error_memory(err);
    memcpy(t->colors, colors, (size_t)count * sizeof *colors);
    t->color_count = count;
    t->is_mapped = true;
    return NACRE_OK;
}

/* The type that holds all shown bands' values. */
static nacre_dtype reading_dtype(const nacre_tiler *t)
{
    nacre_dtype dtype = NACRE_DTYPE_UINT8;
    for (int i = 0; i < t->band_count; i++) {
        nacre_dtype band = t->source->bands[i].dtype;
        bool is_wide = ncr_dtype_size(band) > (ncr_dtype_is_integer(band) ? 2 : 4);
        if (is_wide)
            return NACRE_DTYPE_FLOAT64;
        if (band != NACRE_DTYPE_UINT8)
            dtype = NACRE_DTYPE_FLOAT32;
    }
    return dtype;
}

static nacre_status take_look(nacre_tiler *t, const nacre_tile_options *options, nacre_error *err)
{
    const ncr_band *first = &t->source->bands[0];
    const char *name = ncr_dataset_name(t->source);
    bool has_table = t->band_count == 1 && first->color_count > 0 && ncr_dtype_is_integer(first->dtype);
    t->dtype = reading_dtype(t);
    t->resampling = options->resampling;
    if (has_table && t->resampling != NACRE_RESAMPLING_MODE)
        t->resampling = NACRE_RESAMPLING_NEAREST;
    if (options->color_map && t->band_count != 1)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: a colour map is for one band, not %d: choose one", name,
                             t->band_count);
    if (options->rescale_count) {
        nacre_status status = take_rescale(t, options, err);
        if (status != NACRE_OK)
            return status;
    }
    if (options->color_map)
        return take_colors(t, options->color_map, MAP_SIZE, err);
    if (has_table && !t->is_rescaled)
        return take_colors(t, first->colors, first->color_count, err);
    if (t->dtype != NACRE_DTYPE_UINT8 && !t->is_rescaled)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: values of %s must be rescaled to be shown: give a range",
                             name, ncr_dtype_name(first->dtype));
    return NACRE_OK;
}

/* --- Tilers --- */

static nacre_status find_bounds(nacre_tiler *t, nacre_error *err)
{
    nacre_grid grid;
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.src_crs = t->src_crs;
    options.dst_crs = t->set->crs;
    nacre_status status = ncr_warp_grid(t->source, &options, &grid, err);
    if (status != NACRE_OK)
        return status;
    t->bounds[0] = grid.transform.c;
    t->bounds[3] = grid.transform.f;
    t->bounds[2] = grid.transform.c + grid.width * grid.transform.a;
    t->bounds[1] = grid.transform.f + grid.height * grid.transform.e;
    return NACRE_OK;
}

static nacre_status tiler_init(nacre_tiler *t, ncr_dataset *source, const nacre_tile_options *options, nacre_error *err)
{
    int bands[COLORS_MAX];
    nacre_status status = choose_bands(source, options, bands, &t->band_count, err);
    if (status == NACRE_OK)
        status = take_source(t, source, bands, err);
    if (status == NACRE_OK)
        status = take_look(t, options, err);
    if (status == NACRE_OK)
        status = ncr_tile_matrix_set_new(options->matrix_set, &t->set, err);
    if (status != NACRE_OK)
        return status;
    t->src_crs = options->src_crs ? ncr_crs_ref(options->src_crs) : NULL;
    t->levels = ncr_alloc_array(t->set->count, sizeof *t->levels);
    return t->levels ? find_bounds(t, err) : ncr_error_memory(err);
}

nacre_status nacre_tiler_new(nacre_dataset *source, const nacre_tile_options *tile_options, nacre_tiler **out,
                             nacre_error *err)
{
    static const nacre_tile_options defaults = NACRE_TILE_OPTIONS_INIT;
    *out = NULL;
    nacre_tiler *t = calloc(1, sizeof *t);
    if (!t)
        return ncr_error_memory(err);
    atomic_init(&t->references, 1);
    nacre_status status = tiler_init(t, source, tile_options ? tile_options : &defaults, err);
    if (status == NACRE_OK)
        *out = t;
    else
        nacre_tiler_unref(t);
    return status;
}

nacre_tiler *nacre_tiler_ref(nacre_tiler *tiler)
{
    atomic_fetch_add(&tiler->references, 1);
    return tiler;
}

static void level_free(level *l)
{
    if (!l)
        return;
    ncr_dataset_unref(l->view);
    free(l);
}

void nacre_tiler_unref(nacre_tiler *tiler)
{
    if (!tiler || atomic_fetch_sub(&tiler->references, 1) > 1)
        return;
    for (size_t i = 0; tiler->levels && i < tiler->set->count; i++)
        level_free(atomic_load(&tiler->levels[i]));
    free(tiler->levels);
    ncr_tile_matrix_set_free(tiler->set);
    ncr_crs_unref(tiler->src_crs);
    ncr_dataset_unref(tiler->source);
    free(tiler->colors);
    free(tiler);
}

/* --- Levels --- */

static nacre_status find_matrix(const nacre_tiler *t, int zoom, const ncr_tile_matrix **out, nacre_error *err)
{
    *out = ncr_tile_matrix_find(t->set, zoom);
    if (*out)
        return NACRE_OK;
    int lowest = INT_MAX, highest = 0;
    for (size_t i = 0; i < t->set->count; i++) {
        lowest = t->set->matrices[i].zoom < lowest ? t->set->matrices[i].zoom : lowest;
        highest = t->set->matrices[i].zoom > highest ? t->set->matrices[i].zoom : highest;
    }
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no zoom level %d: the tile matrix set has %d to %d",
                         ncr_dataset_name(t->source), zoom, lowest, highest);
}

nacre_status nacre_tiler_range(nacre_tiler *tiler, int zoom, nacre_tile_range *out, nacre_error *err)
{
    const ncr_tile_matrix *matrix;
    *out = (nacre_tile_range){0};
    nacre_status status = find_matrix(tiler, zoom, &matrix, err);
    if (status == NACRE_OK)
        *out = ncr_tile_matrix_range(matrix, tiler->bounds);
    return status;
}

static nacre_status make_view(const nacre_tiler *t, const ncr_tile_matrix *matrix, level *l, nacre_error *err)
{
    double width = (double)(l->range.right - l->range.left) * matrix->tile_width;
    double height = (double)(l->range.bottom - l->range.top) * matrix->tile_height;
    if (width > INT_MAX || height > INT_MAX)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%s: it covers %.0f x %.0f pixels at zoom %d, and at most 2147483647 are possible: choose "
                             "a lower zoom level or a part",
                             ncr_dataset_name(t->source), width, height, matrix->zoom);
    bool is_int8 = t->source->bands[0].dtype == NACRE_DTYPE_INT8;
    const char *const warp[] = {is_int8 ? "DST_ALPHA_MAX=127" : "DST_ALPHA_MAX=255", NULL};
    const nacre_transform transform = {matrix->pixel,
                                       0,
                                       matrix->left + (double)l->range.left * matrix->tile_width * matrix->pixel,
                                       0,
                                       -matrix->pixel,
                                       matrix->top - (double)l->range.top * matrix->tile_height * matrix->pixel};
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.src_crs = t->src_crs;
    options.dst_crs = t->set->crs;
    options.resampling = t->resampling;
    options.width = (int)width;
    options.height = (int)height;
    options.transform = &transform;
    options.add_alpha = true;
    options.warp = warp;
    return ncr_warp_view_new(t->source, &options, &l->view, err);
}

/* The level of a matrix, which lives as long as the tiler. */
static nacre_status find_level(nacre_tiler *t, const ncr_tile_matrix *matrix, const level **out, nacre_error *err)
{
    _Atomic(level *) *place = &t->levels[matrix - t->set->matrices];
    level *found = atomic_load(place);
    *out = found;
    if (found)
        return NACRE_OK;
    level *made = calloc(1, sizeof *made);
    if (!made)
        return ncr_error_memory(err);
    made->range = ncr_tile_matrix_range(matrix, t->bounds);
    nacre_status status = made->range.right > 0 ? make_view(t, matrix, made, err) : NACRE_OK;
    /* Of two that are made at once the first is kept. */
    if (status != NACRE_OK || !atomic_compare_exchange_strong(place, &found, made))
        level_free(made);
    else
        found = made;
    *out = found;
    return status;
}

/* --- Pixels --- */

/* What is being made of one tile. */
typedef struct {
    const nacre_tiler *tiler;
    int width, height;
    void *values;    /* interleaved: the bands, then alpha */
    uint8_t *pixels; /* interleaved: `channels`, the last of which is alpha */
    int channels;
} drawing;

static nacre_status read_values(drawing *d, ncr_dataset *view, int64_t x, int64_t y, ncr_call *call, nacre_error *err)
{
    int planes[COLORS_MAX + 1], count = d->tiler->band_count + 1;
    for (int i = 0; i < count; i++)
        planes[i] = i + 1;
    ptrdiff_t value = (ptrdiff_t)ncr_dtype_size(d->tiler->dtype);
    ncr_read_request request = {
        .window = {x, y, d->width, d->height},
        .bands = planes,
        .band_count = count,
        .dtype = d->tiler->dtype,
        .buffer = d->values,
        .pixel_stride = value * count,
        .row_stride = value * count * d->width,
        .band_stride = value,
    };
    ncr_plan *plan = NULL;
    nacre_status status = ncr_call_check(call, ncr_dataset_name(view), err);
    if (status == NACRE_OK)
        status = ncr_dataset_plan_read(view, &request, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

static double value_at(const drawing *d, size_t index)
{
    if (d->tiler->dtype == NACRE_DTYPE_UINT8)
        return ((const uint8_t *)d->values)[index];
    if (d->tiler->dtype == NACRE_DTYPE_FLOAT32)
        return (double)((const float *)d->values)[index];
    return ((const double *)d->values)[index];
}

/* A value as it is shown: rounded, in range. */
static uint8_t shown(const nacre_tiler *t, int band, double value)
{
    double v = t->is_rescaled ? (value - t->lowest[band]) * t->scale[band] : value;
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5);
}

static nacre_color_entry color_of(const nacre_tiler *t, double value)
{
    static const nacre_color_entry none = {0, 0, 0, 0};
    double index = t->is_rescaled ? shown(t, 0, value) : value;
    return index >= 0 && index < t->color_count ? t->colors[(int)index] : none;
}

static uint8_t alpha_at(const drawing *d, size_t index)
{
    double alpha = value_at(d, index);
    if (d->tiler->source->bands[0].dtype == NACRE_DTYPE_INT8)
        alpha *= 255.0 / 127;
    return alpha <= 0 ? 0 : alpha >= 255 ? 255 : (uint8_t)(alpha + 0.5);
}

static void draw_pixel(const drawing *d, size_t at, uint8_t *out)
{
    const nacre_tiler *t = d->tiler;
    uint8_t alpha = alpha_at(d, at + (size_t)t->band_count);
    bool is_number = true;
    for (int i = 0; i < t->band_count; i++)
        is_number = is_number && !isnan(value_at(d, at + (size_t)i));
    memset(out, 0, (size_t)d->channels);
    if (!alpha || !is_number)
        return;
    if (t->is_mapped) {
        nacre_color_entry color = color_of(t, value_at(d, at));
        out[0] = color.red;
        out[1] = color.green;
        out[2] = color.blue;
        alpha = (uint8_t)((alpha * color.alpha + 127) / 255);
    } else {
        for (int i = 0; i < t->band_count; i++)
            out[i] = shown(t, i, value_at(d, at + (size_t)i));
    }
    out[d->channels - 1] = alpha;
}

/* Bytes that are shown as they are: what the general way would make of them. */
static void draw_bytes(const drawing *d, size_t pixels)
{
    const uint8_t *values = d->values;
    int colors = d->tiler->band_count;
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *in = values + i * (size_t)(colors + 1);
        uint8_t *out = d->pixels + i * (size_t)(colors + 1);
        for (int c = 0; c < colors; c++)
            out[c] = in[colors] ? in[c] : 0;
        out[colors] = in[colors];
    }
}

static void draw(const drawing *d)
{
    size_t pixels = (size_t)d->width * (size_t)d->height, step = (size_t)d->tiler->band_count + 1;
    if (d->tiler->dtype == NACRE_DTYPE_UINT8 && !d->tiler->is_mapped && !d->tiler->is_rescaled) {
        draw_bytes(d, pixels);
        return;
    }
    for (size_t i = 0; i < pixels; i++)
        draw_pixel(d, i * step, d->pixels + i * (size_t)d->channels);
}

/* Drops alpha where all of the tile is opaque; tells whether all of it is transparent. */
static bool simplify(drawing *d)
{
    size_t pixels = (size_t)d->width * (size_t)d->height, channels = (size_t)d->channels;
    bool is_opaque = true, is_empty = true;
    for (size_t i = 0; i < pixels; i++) {
        uint8_t alpha = d->pixels[i * channels + channels - 1];
        is_opaque = is_opaque && alpha == 255;
        is_empty = is_empty && alpha == 0;
    }
    if (is_opaque) {
        for (size_t i = 1; i < pixels; i++)
            memmove(d->pixels + i * (channels - 1), d->pixels + i * channels, channels - 1);
        d->channels--;
    }
    return is_empty;
}

static nacre_status encode(drawing *d, nacre_tile *out, nacre_error *err)
{
    out->is_empty = simplify(d);
    const ncr_picture picture = {d->pixels, d->width, d->height, d->channels, d->tiler->is_mapped || out->is_empty};
    uint8_t *data;
    nacre_status status = ncr_picture_encode_png(&picture, &data, &out->size, err);
    out->data = data;
    return status;
}

static nacre_status draw_tile(nacre_tiler *t, const ncr_tile_matrix *matrix, const level *l, int64_t column,
                              int64_t row, ncr_call *call, nacre_tile *out, nacre_error *err)
{
    drawing d = {.tiler = t,
                 .width = matrix->tile_width,
                 .height = matrix->tile_height,
                 .channels = t->is_mapped ? COLORS_MAX + 1 : t->band_count + 1};
    size_t pixels = (size_t)d.width * (size_t)d.height;
    const nacre_tile_range *r = &l->range;
    bool is_inside = column >= r->left && column < r->right && row >= r->top && row < r->bottom;
    nacre_status status = NACRE_OK;
    d.pixels = ncr_alloc_array(pixels, (size_t)d.channels); /* all transparent */
    d.values = is_inside ? ncr_alloc_array(pixels, ((size_t)t->band_count + 1) * ncr_dtype_size(t->dtype)) : NULL;
    if (!d.pixels || (is_inside && !d.values))
        status = ncr_error_memory(err);
    if (status == NACRE_OK && is_inside)
        status = read_values(&d, l->view, (column - r->left) * d.width, (row - r->top) * d.height, call, err);
    if (status == NACRE_OK && is_inside)
        draw(&d);
    if (status == NACRE_OK)
        status = encode(&d, out, err);
    free(d.values);
    free(d.pixels);
    return status;
}

nacre_status nacre_tile_read(nacre_tiler *tiler, int zoom, int64_t column, int64_t row, const nacre_io_options *options,
                             nacre_tile *out, nacre_error *err)
{
    const ncr_tile_matrix *matrix;
    const level *l;
    ncr_call *call = NULL;
    *out = (nacre_tile){0};
    nacre_status status = find_matrix(tiler, zoom, &matrix, err);
    if (status == NACRE_OK && (column < 0 || row < 0 || column >= matrix->columns || row >= matrix->rows))
        status = ncr_error_set(err, NACRE_ERROR_INVALID,
                               "%s: no tile %d/%lld/%lld: zoom %d has columns 0 to %lld and rows 0 to %lld",
                               ncr_dataset_name(tiler->source), zoom, (long long)column, (long long)row, zoom,
                               (long long)matrix->columns - 1, (long long)matrix->rows - 1);
    if (status == NACRE_OK)
        status = find_level(tiler, matrix, &l, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status = draw_tile(tiler, matrix, l, column, row, call, out, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    if (status != NACRE_OK)
        nacre_tile_clear(out);
    return status;
}

void nacre_tile_clear(nacre_tile *tile)
{
    free(tile->data);
    *tile = (nacre_tile){0};
}
