/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vrt/view.h"

#include <math.h>
#include <stdlib.h>

#include "vrt/common.h"

/* A view's life: begin, add sources, end. */

enum { FEW_SOURCES = 32 }; /* up to here a scan is as quick as an index */

static void free_layer(ncr_vrt_layer *layer)
{
    for (size_t i = 0; i < layer->count; i++) {
        if (layer->sources[i].recipe)
            free(layer->sources[i].recipe->lut);
        free(layer->sources[i].recipe);
    }
    free(layer->sources);
    ncr_vrt_index_free(layer->index);
}

static void free_view(ncr_dataset *dataset)
{
    ncr_vrt_view *view = (ncr_vrt_view *)dataset;
    for (int i = 0; view->layers && i <= dataset->band_count; i++)
        free_layer(&view->layers[i]);
    free(view->layers);
    for (size_t i = 0; i < view->lazy_count; i++)
        ncr_lazy_unref(view->lazies[i]);
    free(view->lazies);
    free(view->overview_factors);
}

static void tell_sources(ncr_dataset *dataset,
                         void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                         void *user)
{
    ncr_vrt_view *view = (ncr_vrt_view *)dataset;
    for (size_t i = 0; i < view->lazy_count; i++)
        ncr_lazy_sources(view->lazies[i], function, user);
}

const ncr_dataset_class ncr_vrt_view_class = {
    .driver = "VRT",
    .plan_read = ncr_vrt_view_plan_read,
    .plan_scaled = ncr_vrt_view_plan_scaled,
    .sources = tell_sources,
    .free = free_view,
};

bool ncr_vrt_is_view(const ncr_dataset *dataset)
{
    return dataset->class == &ncr_vrt_view_class;
}

nacre_status ncr_vrt_view_begin(ncr_vrt_view *view, nacre_error *err)
{
    view->layers = ncr_alloc_array((size_t)view->base.band_count + 1, sizeof *view->layers);
    return view->layers ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_vrt_view_new(int width, int height, int band_count, ncr_vrt_view **out, nacre_error *err)
{
    *out = (ncr_vrt_view *)ncr_dataset_new(sizeof **out, &ncr_vrt_view_class, "", NULL, band_count);
    if (!*out)
        return ncr_error_memory(err);
    (*out)->base.width = width;
    (*out)->base.height = height;
    nacre_status status = ncr_vrt_view_begin(*out, err);
    if (status != NACRE_OK) {
        ncr_dataset_unref(&(*out)->base);
        *out = NULL;
    }
    return status;
}

nacre_status ncr_vrt_view_add_lazy(ncr_vrt_view *view, ncr_lazy *lazy, uint32_t *out, nacre_error *err)
{
    *out = (uint32_t)view->lazy_count;
    if (view->lazy_count >= UINT32_MAX ||
        !ncr_array_reserve(&view->lazies, &view->lazy_capacity, view->lazy_count + 1, sizeof *view->lazies))
        return ncr_error_memory(err);
    view->lazies[view->lazy_count++] = ncr_lazy_ref(lazy);
    return NACRE_OK;
}

static int block_size(int size, int like)
{
    int least = size < NCR_VRT_BLOCK ? size : NCR_VRT_BLOCK;
    return like > least ? like : least;
}

void ncr_vrt_view_set_block(ncr_vrt_view *view, int index, const ncr_band *like)
{
    ncr_band *band = &view->base.bands[index];
    band->block_width = block_size(view->base.width, like ? like->block_width : 0);
    band->block_height = block_size(view->base.height, like ? like->block_height : 0);
}

nacre_status ncr_vrt_layer_add(ncr_vrt_layer *layer, const ncr_vrt_source *source, nacre_error *err)
{
    if (!ncr_array_reserve(&layer->sources, &layer->capacity, layer->count + 1, sizeof *layer->sources)) {
        if (source->recipe)
            free(source->recipe->lut);
        free(source->recipe);
        return ncr_error_memory(err);
    }
    layer->sources[layer->count++] = *source;
    return NACRE_OK;
}

nacre_status ncr_vrt_view_set_overviews(ncr_vrt_view *view, const int *factors, int count, nacre_error *err)
{
    if (count <= 0)
        return NACRE_OK;
    ncr_dataset *base = &view->base;
    view->overview_factors = ncr_alloc_array((size_t)count, sizeof *factors);
    base->overviews = ncr_alloc_array((size_t)count, sizeof *base->overviews);
    if (!view->overview_factors || !base->overviews)
        return ncr_error_memory(err);
    base->overview_count = count;
    for (int i = 0; i < count; i++) {
        view->overview_factors[i] = factors[i];
        base->overviews[i][0] = (int)fmax(1, floor((double)base->width / factors[i] + 0.5));
        base->overviews[i][1] = (int)fmax(1, floor((double)base->height / factors[i] + 0.5));
    }
    return NACRE_OK;
}

static const nacre_window *source_rect(const void *user, size_t i)
{
    return &((const ncr_vrt_source *)user)[i].dst;
}

nacre_status ncr_vrt_view_end(ncr_vrt_view *view, nacre_error *err)
{
    for (int i = 0; i <= view->base.band_count; i++) {
        ncr_vrt_layer *layer = &view->layers[i];
        if (layer->count <= FEW_SOURCES)
            continue;
        layer->index = ncr_vrt_index_new(layer->count, source_rect, layer->sources);
        if (!layer->index)
            return ncr_error_memory(err);
    }
    view->base.interleave = ncr_vrt_interleave(&view->base);
    ncr_vrt_set_mask_flags(&view->base, view->has_mask);
    return NACRE_OK;
}
