/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/dataset.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "raster/nodata.h"

ncr_dataset *ncr_dataset_new(size_t size, const ncr_dataset_class *class, const char *path, ncr_file *file,
                             int band_count)
{
    static _Atomic uint64_t last_serial;
    ncr_dataset *dataset = calloc(1, size);
    if (!dataset)
        return NULL;
    atomic_init(&dataset->references, 1);
    dataset->serial = atomic_fetch_add(&last_serial, 1) + 1;
    dataset->class = class;
    dataset->file = file ? ncr_file_ref(file) : NULL;
    dataset->interleave = "band";
    dataset->transform = (nacre_transform){1, 0, 0, 0, 1, 0};
    dataset->path = ncr_text_copy(path ? path : "");
    dataset->bands = ncr_alloc_array((size_t)band_count, sizeof *dataset->bands);
    if (!dataset->path || (band_count && !dataset->bands)) {
        ncr_dataset_unref(dataset);
        return NULL;
    }
    dataset->band_count = band_count;
    for (int i = 0; i < band_count; i++) {
        dataset->bands[i].scale = 1;
        dataset->bands[i].mask_flags = NACRE_MASK_ALL_VALID;
    }
    return dataset;
}

ncr_dataset *ncr_dataset_ref(ncr_dataset *dataset)
{
    atomic_fetch_add(&dataset->references, 1);
    return dataset;
}

static void clear_band(ncr_band *band)
{
    free(band->unit);
    free(band->description);
    free(band->colors);
    ncr_metadata_clear(&band->metadata);
}

static void clear_gcps(ncr_dataset *dataset)
{
    for (int i = 0; i < dataset->gcp_count; i++) {
        free((char *)dataset->gcps[i].id);
        free((char *)dataset->gcps[i].info);
    }
    free(dataset->gcps);
}

void ncr_dataset_unref(ncr_dataset *dataset)
{
    if (!dataset || atomic_fetch_sub(&dataset->references, 1) != 1)
        return;
    if (dataset->class && dataset->class->free)
        dataset->class->free(dataset);
    for (int i = 0; i < dataset->band_count; i++)
        clear_band(&dataset->bands[i]);
    free(dataset->bands);
    clear_gcps(dataset);
    ncr_crs_unref(dataset->crs);
    ncr_crs_unref(dataset->gcp_crs);
    ncr_metadata_clear(&dataset->metadata);
    free(dataset->compression);
    free(dataset->overviews);
    free(dataset->path);
    free(dataset->text);
    ncr_pins_unref(dataset->pins);
    ncr_file_unref(dataset->file);
    free(dataset);
}

const char *ncr_dataset_name(const ncr_dataset *dataset)
{
    return dataset->path[0] ? dataset->path : "view";
}

void ncr_dataset_tell_file(ncr_file *file,
                           void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                           void *user)
{
    const char *snapshot = ncr_file_is_proven(file) ? "proven" : "unproven";
    function(user, ncr_file_path(file), ncr_file_facts(file)->version.token, snapshot);
}

void ncr_dataset_sources(ncr_dataset *dataset,
                         void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                         void *user)
{
    if (dataset->file)
        ncr_dataset_tell_file(dataset->file, function, user);
    if (dataset->class->sources)
        dataset->class->sources(dataset, function, user);
}

static bool alpha_counts(const ncr_dataset *dataset)
{
    int count = dataset->band_count;
    if ((count != 2 && count != 4) || dataset->alpha_band != count)
        return false;
    nacre_dtype dtype = dataset->bands[count - 1].dtype;
    return dtype == NACRE_DTYPE_UINT8 || dtype == NACRE_DTYPE_UINT16;
}

void ncr_dataset_set_mask_flags(ncr_dataset *dataset, bool has_mask)
{
    bool has_alpha = alpha_counts(dataset);
    for (int i = 0; i < dataset->band_count; i++) {
        ncr_band *band = &dataset->bands[i];
        if (has_mask)
            band->mask_flags = NACRE_MASK_PER_DATASET;
        else if (ncr_nodata_counts(&band->nodata, band->dtype))
            band->mask_flags = NACRE_MASK_NODATA;
        else if (has_alpha && i + 1 != dataset->alpha_band)
            band->mask_flags = NACRE_MASK_PER_DATASET | NACRE_MASK_ALPHA;
        else
            band->mask_flags = NACRE_MASK_ALL_VALID;
    }
}

bool ncr_dataset_has_own_masks(const ncr_dataset *dataset)
{
    for (int i = 0; i < dataset->band_count; i++)
        if (!dataset->bands[i].mask_flags)
            return true;
    return false;
}

/* Replaces *to by a copy of from, which may be NULL; false: out of memory. */
static bool replace_text(char **to, const char *from)
{
    char *copy = ncr_text_copy(from);
    if (from && !copy)
        return false;
    free(*to);
    *to = copy;
    return true;
}

static bool replace_colors(ncr_band *to, const ncr_band *from)
{
    nacre_color_entry *colors = ncr_alloc_array((size_t)from->color_count, sizeof *colors);
    if (from->color_count && !colors)
        return false;
    if (colors)
        memcpy(colors, from->colors, (size_t)from->color_count * sizeof *colors);
    free(to->colors);
    to->colors = colors;
    to->color_count = from->color_count;
    return true;
}

nacre_status ncr_band_copy(ncr_band *to, const ncr_band *from, nacre_error *err)
{
    to->dtype = from->dtype;
    to->bits = from->bits;
    to->nodata = from->nodata;
    to->scale = from->scale;
    to->offset = from->offset;
    to->color = from->color;
    to->mask_flags = from->mask_flags;
    if (!replace_text(&to->unit, from->unit) || !replace_text(&to->description, from->description) ||
        !replace_colors(to, from))
        return ncr_error_memory(err);
    return ncr_metadata_copy(&to->metadata, &from->metadata, err);
}

/* Width and height of a level; false: there is no such level. */
static bool level_size(const ncr_dataset *dataset, int level, int *width, int *height)
{
    if (level < 0 || level > dataset->overview_count)
        return false;
    *width = level ? dataset->overviews[level - 1][0] : dataset->width;
    *height = level ? dataset->overviews[level - 1][1] : dataset->height;
    return true;
}

static bool is_inside(const ncr_rect *window, int width, int height)
{
    return window->x >= 0 && window->y >= 0 && window->width > 0 && window->height > 0 && window->width <= width &&
           window->height <= height && window->x <= width - window->width && window->y <= height - window->height;
}

static nacre_status check_bands(const ncr_dataset *dataset, const ncr_read_request *request, nacre_error *err)
{
    if (request->mask)
        return NACRE_OK;
    if (request->band_count < 1)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band is asked for", ncr_dataset_name(dataset));
    for (int i = 0; i < request->band_count; i++)
        if (request->bands[i] < 1 || request->bands[i] > dataset->band_count)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(dataset),
                                 request->bands[i], dataset->band_count);
    return NACRE_OK;
}

nacre_status ncr_dataset_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                   ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    int width, height;
    if (!level_size(dataset, request->level, &width, &height))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no overview %d: it has %d", ncr_dataset_name(dataset),
                             request->level, dataset->overview_count);
    const ncr_rect *window = &request->window;
    if (!is_inside(window, width, height))
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: window %lld,%lld,%lld,%lld lies outside the raster of %dx%d",
                             ncr_dataset_name(dataset), (long long)window->x, (long long)window->y,
                             (long long)window->width, (long long)window->height, width, height);
    if (!ncr_dtype_size(request->dtype))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: unknown data type %d", ncr_dataset_name(dataset),
                             (int)request->dtype);
    nacre_status status = check_bands(dataset, request, err);
    return status == NACRE_OK ? dataset->class->plan_read(dataset, request, call, out, err) : status;
}

void ncr_transform_apply(const nacre_transform *transform, double column, double row, double *x, double *y)
{
    double at_x = transform->a * column + transform->b * row + transform->c;
    double at_y = transform->d * column + transform->e * row + transform->f;
    *x = at_x;
    *y = at_y;
}
