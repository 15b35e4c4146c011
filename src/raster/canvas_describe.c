/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/edit.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/canvas.h"
#include "raster/crs.h"

void ncr_canvas_set_crs(ncr_canvas *canvas, nacre_crs *crs)
{
    nacre_crs *before = canvas->base.crs;
    canvas->base.crs = crs ? ncr_crs_ref(crs) : NULL;
    canvas->is_changed = true;
    ncr_crs_unref(before);
}

void ncr_canvas_set_transform(ncr_canvas *canvas, const nacre_transform *transform)
{
    canvas->base.has_transform = transform;
    canvas->base.transform = transform ? *transform : (nacre_transform){1, 0, 0, 0, 1, 0};
    canvas->is_changed = true;
}

static void free_gcps(nacre_gcp *gcps, int count)
{
    for (int i = 0; gcps && i < count; i++) {
        free((char *)gcps[i].id);
        free((char *)gcps[i].info);
    }
    free(gcps);
}

nacre_status ncr_canvas_set_gcps(ncr_canvas *canvas, const nacre_gcp *gcps, int count, nacre_crs *crs, nacre_error *err)
{
    ncr_dataset *dataset = &canvas->base;
    nacre_gcp *copies = ncr_alloc_array((size_t)count, sizeof *copies);
    bool copied = copies || !count;
    for (int i = 0; i < count && copies; i++) {
        copies[i] = gcps[i];
        copies[i].id = ncr_text_copy(gcps[i].id ? gcps[i].id : "");
        copies[i].info = ncr_text_copy(gcps[i].info ? gcps[i].info : "");
        copied = copied && copies[i].id && copies[i].info;
    }
    if (!copied) {
        free_gcps(copies, count);
        return ncr_error_memory(err);
    }
    nacre_crs *before = dataset->gcp_crs;
    free_gcps(dataset->gcps, dataset->gcp_count);
    dataset->gcps = copies;
    dataset->gcp_count = count;
    dataset->gcp_crs = crs ? ncr_crs_ref(crs) : NULL;
    canvas->is_changed = true;
    ncr_crs_unref(before);
    return NACRE_OK;
}

/* All items but one. */
static nacre_status remove_item(ncr_metadata *metadata, const char *domain, const char *key, nacre_error *err)
{
    ncr_metadata left = {0};
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < metadata->count && status == NACRE_OK; i++) {
        const ncr_metadata_item *item = &metadata->items[i];
        if (strcmp(item->domain, domain) != 0 || strcmp(item->key, key) != 0)
            status = ncr_metadata_set(&left, item->domain, item->key, item->value, err);
    }
    if (status != NACRE_OK) {
        ncr_metadata_clear(&left);
        return status;
    }
    ncr_metadata_clear(metadata);
    *metadata = left;
    return NACRE_OK;
}

nacre_status ncr_canvas_set_metadata(ncr_canvas *canvas, int band, const char *domain, const char *key,
                                     const char *value, nacre_error *err)
{
    ncr_metadata *metadata = band ? &canvas->base.bands[band - 1].metadata : &canvas->base.metadata;
    canvas->is_changed = true;
    if (value)
        return ncr_metadata_set(metadata, domain, key, value, err);
    return ncr_metadata_get(metadata, domain, key) ? remove_item(metadata, domain, key, err) : NACRE_OK;
}

static nacre_status set_text(char **to, const char *text, nacre_error *err)
{
    char *copy = text ? ncr_text_copy(text) : NULL;
    if (text && !copy)
        return ncr_error_memory(err);
    free(*to);
    *to = copy;
    return NACRE_OK;
}

static nacre_status set_colors(ncr_band *band, const nacre_color_entry *colors, int count, nacre_error *err)
{
    nacre_color_entry *copy = ncr_alloc_array((size_t)count, sizeof *copy);
    if (count && !copy)
        return ncr_error_memory(err);
    if (count)
        memcpy(copy, colors, (size_t)count * sizeof *copy);
    free(band->colors);
    band->colors = copy;
    band->color_count = count;
    if (count)
        band->color = NACRE_COLOR_PALETTE;
    else if (band->color == NACRE_COLOR_PALETTE)
        band->color = NACRE_COLOR_GRAY;
    return NACRE_OK;
}

static void set_color(ncr_dataset *dataset, int band, nacre_color color)
{
    dataset->bands[band - 1].color = color;
    dataset->alpha_band = 0;
    for (int i = 0; i < dataset->band_count && !dataset->alpha_band; i++)
        if (dataset->bands[i].color == NACRE_COLOR_ALPHA)
            dataset->alpha_band = i + 1;
}

nacre_status ncr_canvas_set_band(ncr_canvas *canvas, int number, unsigned which, const nacre_band_info *values,
                                 nacre_error *err)
{
    ncr_dataset *dataset = &canvas->base;
    ncr_band *band = &dataset->bands[number - 1];
    nacre_status status = NACRE_OK;
    canvas->is_changed = true;
    for (int i = 0; (which & NACRE_BAND_NODATA) && i < dataset->band_count; i++)
        dataset->bands[i].nodata = values->nodata;
    if (which & NACRE_BAND_SCALE) {
        band->scale = values->scale;
        band->offset = values->offset;
    }
    if (which & NACRE_BAND_UNIT)
        status = set_text(&band->unit, values->unit, err);
    if (status == NACRE_OK && (which & NACRE_BAND_DESCRIPTION))
        status = set_text(&band->description, values->description, err);
    if (status == NACRE_OK && (which & NACRE_BAND_COLOR))
        set_color(dataset, number, values->color);
    if (status == NACRE_OK && (which & NACRE_BAND_COLORS))
        status = set_colors(band, values->colors, values->color_count, err);
    ncr_dataset_set_mask_flags(dataset, canvas->has_mask);
    return status;
}
