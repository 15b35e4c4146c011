/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "raster/crs.h"
#include "raster/dtype.h"
#include "vrt/view.h"

/* nacre_view_mosaic(): as gdalbuildvrt lays sources out. The grid spans the union of the sources at the mean of their
 * resolutions; a source may lie on fractions of its pixels. */

typedef struct mosaic {
    ncr_dataset *const *sources;
    size_t count;
    const nacre_mosaic_options *options;
    double left, bottom, right, top;
    double res_x, res_y;
    int width, height;
    ncr_vrt_view *view;
} mosaic;

static nacre_status differs(const ncr_dataset *source, const ncr_dataset *first, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%.300s: %s from that of %.300s; a mosaic needs them equal",
                         ncr_dataset_name(source), what, ncr_dataset_name(first));
}

/* --- Whether they fit together --- */

static nacre_status check_grid(const ncr_dataset *source, nacre_error *err)
{
    const nacre_transform *t = &source->transform;
    if (!source->has_transform)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: has no transform; a mosaic needs one",
                             ncr_dataset_name(source));
    if (t->b != 0 || t->d != 0)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: is rotated; warp it first", ncr_dataset_name(source));
    if (!(t->a > 0) || !(t->e < 0))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: is not north up; warp it first", ncr_dataset_name(source));
    return NACRE_OK;
}

static bool same_colors(const ncr_band *a, const ncr_band *b)
{
    return a->color_count == b->color_count &&
           (!a->color_count || memcmp(a->colors, b->colors, (size_t)a->color_count * sizeof *a->colors) == 0);
}

static nacre_status check_bands(const ncr_dataset *source, const ncr_dataset *first, nacre_error *err)
{
    if (source->band_count != first->band_count)
        return differs(source, first, "its number of bands differs", err);
    for (int i = 0; i < source->band_count; i++) {
        const ncr_band *a = &source->bands[i], *b = &first->bands[i];
        if (a->dtype != b->dtype)
            return differs(source, first, "the data type of its bands differs", err);
        if (a->color != b->color)
            return differs(source, first, "the colour interpretation of its bands differs", err);
        if (!same_colors(a, b))
            return differs(source, first, "its colour table differs", err);
    }
    return NACRE_OK;
}

static nacre_status check_sources(const mosaic *m, nacre_error *err)
{
    if (m->count == 0)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "mosaic: no source is given");
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < m->count && status == NACRE_OK; i++) {
        status = check_grid(m->sources[i], err);
        if (status == NACRE_OK && !ncr_crs_equal(m->sources[i]->crs, m->sources[0]->crs))
            status = differs(m->sources[i], m->sources[0], "its CRS differs", err);
        if (status == NACRE_OK && !m->options->separate)
            status = check_bands(m->sources[i], m->sources[0], err);
        if (status == NACRE_OK && m->sources[i]->band_count == 0)
            status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: has no bands", ncr_dataset_name(m->sources[i]));
    }
    return status;
}

/* --- The grid --- */

static void find_extent(mosaic *m)
{
    m->left = m->bottom = INFINITY;
    m->right = m->top = -INFINITY;
    for (size_t i = 0; i < m->count; i++) {
        const ncr_dataset *s = m->sources[i];
        m->left = fmin(m->left, s->transform.c);
        m->top = fmax(m->top, s->transform.f);
        m->right = fmax(m->right, s->transform.c + s->transform.a * s->width);
        m->bottom = fmin(m->bottom, s->transform.f + s->transform.e * s->height);
    }
    const double *bounds = m->options->bounds;
    if (bounds) {
        m->left = bounds[0];
        m->bottom = bounds[1];
        m->right = bounds[2];
        m->top = bounds[3];
    }
}

static void find_resolution(mosaic *m)
{
    m->res_x = m->options->res_x;
    m->res_y = m->options->res_y;
    if (m->res_x > 0 && m->res_y > 0)
        return;
    m->res_x = m->res_y = 0;
    for (size_t i = 0; i < m->count; i++) {
        m->res_x += m->sources[i]->transform.a;
        m->res_y -= m->sources[i]->transform.e;
    }
    m->res_x /= (double)m->count;
    m->res_y /= (double)m->count;
}

static nacre_status find_grid(mosaic *m, nacre_error *err)
{
    find_extent(m);
    find_resolution(m);
    if (!(m->left < m->right) || !(m->bottom < m->top))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "mosaic: the bounds are empty");
    double width = floor((m->right - m->left) / m->res_x + 0.5);
    double height = floor((m->top - m->bottom) / m->res_y + 0.5);
    if (!(width >= 1 && height >= 1))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "mosaic: the bounds are less than a pixel");
    if (!(width <= INT_MAX && height <= INT_MAX))
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "mosaic: %.0fx%.0f pixels are more than 2^31 a side", width,
                             height);
    m->width = (int)width;
    m->height = (int)height;
    return NACRE_OK;
}

/* One axis of where a source lies: `offset` pixels of the mosaic from its border, cut at both borders. */
static bool place_axis(double offset, int source_size, double ratio, int size, double *src, double *src_size,
                       double *dst, double *dst_size)
{
    *src = offset < 0 ? -offset / ratio : 0;
    *dst = offset < 0 ? 0 : offset;
    *src_size = source_size - *src;
    *dst_size = *src_size * ratio;
    if (*dst + *dst_size > size) {
        *dst_size = size - *dst;
        *src_size = *dst_size / ratio;
    }
    return *src_size > 0 && *dst_size > 0;
}

static bool place_source(const mosaic *m, const ncr_dataset *s, ncr_vrt_source *out)
{
    double x = (s->transform.c - m->left) / m->res_x, y = (m->top - s->transform.f) / m->res_y;
    return place_axis(x, s->width, s->transform.a / m->res_x, m->width, &out->src.x, &out->src.width, &out->dst.x,
                      &out->dst.width) &&
           place_axis(y, s->height, -s->transform.e / m->res_y, m->height, &out->src.y, &out->src.height, &out->dst.y,
                      &out->dst.height);
}

/* --- Bands --- */

static nacre_nodata nodata_of(double value)
{
    nacre_nodata nodata = {.is_set = true, .value = value};
    nodata.int64_value = value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : 0;
    nodata.uint64_value = value >= 0 && value < 0x1p64 ? (uint64_t)value : 0;
    return nodata;
}

static nacre_status begin_band(mosaic *m, int index, const ncr_band *from, nacre_error *err)
{
    ncr_band *band = &m->view->base.bands[index];
    band->dtype = from->dtype;
    band->bits = from->bits;
    band->color = m->options->separate ? NACRE_COLOR_UNDEFINED : from->color;
    band->scale = from->scale;
    band->offset = from->offset;
    band->nodata = from->nodata;
    if (m->options->src_nodata)
        band->nodata = nodata_of(*m->options->src_nodata);
    if (m->options->dst_nodata)
        band->nodata = nodata_of(*m->options->dst_nodata);
    ncr_vrt_view_set_block(m->view, index, NULL);
    m->view->layers[index].fill = band->nodata;
    if (!from->color_count || m->options->separate)
        return NACRE_OK;
    band->colors = ncr_alloc_array((size_t)from->color_count, sizeof *band->colors);
    if (!band->colors)
        return ncr_error_memory(err);
    memcpy(band->colors, from->colors, (size_t)from->color_count * sizeof *band->colors);
    band->color_count = from->color_count;
    return NACRE_OK;
}

/* Pixels that a source calls invalid must not hide what lies below: by value, or by its mask. */
static nacre_status add_recipe(const mosaic *m, const ncr_dataset *s, ncr_vrt_source *source, nacre_error *err)
{
    const ncr_band *band = &s->bands[source->band - 1];
    bool has_mask = band->mask_flags & NACRE_MASK_PER_DATASET || !band->mask_flags || band->color == NACRE_COLOR_ALPHA;
    bool has_nodata = m->options->src_nodata || band->nodata.is_set;
    if (!has_nodata && !has_mask)
        return NACRE_OK;
    source->recipe = calloc(1, sizeof *source->recipe);
    if (!source->recipe)
        return ncr_error_memory(err);
    if (has_nodata) {
        source->recipe->nodata = m->options->src_nodata ? nodata_of(*m->options->src_nodata) : band->nodata;
        if (band->dtype != NACRE_DTYPE_INT64 && band->dtype != NACRE_DTYPE_UINT64)
            source->recipe->nodata = nodata_of(source->recipe->nodata.value);
    } else {
        source->recipe->use_mask = true;
    }
    return NACRE_OK;
}

static nacre_status add_source(mosaic *m, size_t index, uint32_t lazy, const ncr_vrt_source *at, nacre_error *err)
{
    const ncr_dataset *s = m->sources[index];
    int first = m->options->separate ? (int)index : 0;
    int count = m->options->separate ? 1 : m->view->base.band_count;
    nacre_status status = NACRE_OK;
    for (int i = 0; i < count && status == NACRE_OK; i++) {
        ncr_vrt_source source = *at;
        source.lazy = lazy;
        source.band = i + 1;
        status = add_recipe(m, s, &source, err);
        if (status == NACRE_OK)
            status = ncr_vrt_layer_add(&m->view->layers[first + i], &source, err);
    }
    if (status == NACRE_OK && m->view->has_mask) {
        ncr_vrt_source mask = *at;
        mask.lazy = lazy;
        mask.band = 1;
        mask.is_mask = true;
        mask.recipe = calloc(1, sizeof *mask.recipe); /* what is invalid leaves the mask below as it is */
        if (!mask.recipe)
            return ncr_error_memory(err);
        mask.recipe->use_mask = true;
        status = ncr_vrt_layer_add(&m->view->layers[m->view->base.band_count], &mask, err);
    }
    return status;
}

static nacre_status add_sources(mosaic *m, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < m->count && status == NACRE_OK; i++) {
        ncr_vrt_source at = {0};
        if (!place_source(m, m->sources[i], &at))
            continue;
        ncr_lazy *lazy = ncr_lazy_of(m->sources[i]);
        uint32_t index;
        if (!lazy)
            return ncr_error_memory(err);
        status = ncr_vrt_view_add_lazy(m->view, lazy, &index, err);
        ncr_lazy_unref(lazy);
        if (status == NACRE_OK)
            status = add_source(m, i, index, &at, err);
    }
    return status;
}

static bool has_dataset_mask(const mosaic *m)
{
    for (size_t i = 0; i < m->count; i++) {
        unsigned flags = m->sources[i]->bands[0].mask_flags;
        if ((flags & NACRE_MASK_PER_DATASET) && !(flags & NACRE_MASK_ALPHA))
            return true;
    }
    return false;
}

/* The reduction of an overview, as a whole number; 0: it is none. */
static int factor_of(const ncr_dataset *s, int level)
{
    double across = (double)s->width / s->overviews[level][0], down = (double)s->height / s->overviews[level][1];
    int factor = (int)floor(fmax(across, down) + 0.5);
    return fabs(across - factor) < 0.5 && fabs(down - factor) < 0.5 ? factor : 0;
}

static bool all_have(const mosaic *m, int factor)
{
    bool all = factor > 1;
    for (size_t i = 0; i < m->count && all; i++) {
        bool found = m->sources[i]->transform.a == m->res_x && -m->sources[i]->transform.e == m->res_y;
        int level = 0;
        while (found && level < m->sources[i]->overview_count && factor_of(m->sources[i], level) != factor)
            level++;
        all = found && level < m->sources[i]->overview_count;
    }
    return all;
}

/* The overviews that all sources have are those of the mosaic. */
static nacre_status set_overviews(const mosaic *m, nacre_error *err)
{
    int factors[32], count = 0;
    for (int i = 0; i < m->sources[0]->overview_count && count < 32; i++) {
        int factor = factor_of(m->sources[0], i);
        if (all_have(m, factor) && (!count || factor > factors[count - 1]))
            factors[count++] = factor;
    }
    return ncr_vrt_view_set_overviews(m->view, factors, count, err);
}

static nacre_status fill_view(mosaic *m, nacre_error *err)
{
    ncr_dataset *base = &m->view->base;
    base->crs = m->sources[0]->crs ? ncr_crs_ref(m->sources[0]->crs) : NULL;
    base->has_transform = true;
    base->transform = (nacre_transform){m->res_x, 0, m->left, 0, -m->res_y, m->top};
    m->view->has_mask = has_dataset_mask(m);
    nacre_status status = NACRE_OK;
    for (int i = 0; i < base->band_count && status == NACRE_OK; i++)
        status = begin_band(m, i, m->options->separate ? &m->sources[i]->bands[0] : &m->sources[0]->bands[i], err);
    if (status == NACRE_OK)
        status = add_sources(m, err);
    if (status == NACRE_OK)
        status = set_overviews(m, err);
    return status == NACRE_OK ? ncr_vrt_view_end(m->view, err) : status;
}

nacre_status ncr_vrt_mosaic_new(ncr_dataset *const *sources, size_t count, const nacre_mosaic_options *options,
                                ncr_dataset **out, nacre_error *err)
{
    *out = NULL;
    mosaic m = {.sources = sources, .count = count, .options = options};
    nacre_status status = check_sources(&m, err);
    if (status == NACRE_OK)
        status = find_grid(&m, err);
    if (status == NACRE_OK && options->separate && count > INT_MAX / 2)
        status = ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "mosaic: more bands than a raster can have");
    if (status == NACRE_OK)
        status =
            ncr_vrt_view_new(m.width, m.height, options->separate ? (int)count : sources[0]->band_count, &m.view, err);
    if (status != NACRE_OK)
        return status;
    status = fill_view(&m, err);
    if (status == NACRE_OK)
        *out = &m.view->base;
    else
        ncr_dataset_unref(&m.view->base);
    return status;
}
