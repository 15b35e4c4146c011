/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/dataset.h"

#include <stdlib.h>
#include <tiff.h>

#include "base/memory.h"
#include "base/text.h"
#include "tiff/codec.h"

static void free_dataset(ncr_dataset *base)
{
    ncr_tiff_dataset *dataset = (ncr_tiff_dataset *)base;
    free(dataset->images);
    free(dataset->masks);
    ncr_dataset_unref(dataset->overview_file);
    ncr_dataset_unref(dataset->mask_file);
    for (int i = 0; i < 3; i++)
        ncr_file_unref(dataset->notes[i]);
    if (dataset->index)
        ncr_value_unref(&dataset->index->value);
}

static void tell_sources(ncr_dataset *base,
                         void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                         void *user)
{
    const ncr_tiff_dataset *dataset = (const ncr_tiff_dataset *)base;
    ncr_dataset *sidecars[2] = {dataset->overview_file, dataset->mask_file};
    for (int i = 0; i < 2; i++)
        if (sidecars[i])
            ncr_dataset_sources(sidecars[i], function, user);
    for (int i = 0; i < 3; i++)
        if (dataset->notes[i])
            ncr_dataset_tell_file(dataset->notes[i], function, user);
}

const ncr_dataset_class ncr_tiff_dataset_class = {
    .driver = "GTiff", .plan_read = ncr_tiff_plan_read, .sources = tell_sources, .free = free_dataset};

/* --- Which directories are levels --- */

/* Whether a directory is an overview of the image that GDAL would take. One that nacre cannot decode is none. */
static bool is_overview(const ncr_tiff_layout *image, const ncr_tiff_layout *layout)
{
    return layout->samples == image->samples && layout->dtype == image->dtype && layout->bits == image->bits &&
           layout->width <= image->width && layout->height <= image->height;
}

/* One for all bands, or for each of them; for an overview as full resolution has it. */
static bool is_mask(const ncr_tiff_dataset *dataset, const ncr_tiff_layout *layout)
{
    unsigned samples = layout->samples;
    bool is_count_right = dataset->masks ? samples == dataset->masks[0].layout.samples
                                         : samples == 1 || samples == dataset->images[0].layout.samples;
    return is_count_right && layout->dtype == NACRE_DTYPE_UINT8;
}

static bool read_level(const ncr_tiff_dataset *dataset, size_t number, ncr_tiff_level *out)
{
    const ncr_tiff_directory *directory = &dataset->index->directories[number];
    *out = (ncr_tiff_level){.directory = directory, .number = (uint32_t)number};
    return ncr_tiff_layout_read(dataset->base.path, directory, &out->layout, NULL) == NACRE_OK;
}

/* The mask for a level of this size: of the image itself, or among overviews of masks. */
static bool find_mask(const ncr_tiff_dataset *dataset, const ncr_tiff_level *image, ncr_tiff_level *out)
{
    const ncr_tiff_index *index = dataset->index;
    for (size_t i = 1; i < index->directory_count; i++) {
        ncr_tiff_role role = index->directories[i].role;
        bool is_of_kind = image->number ? role == NCR_TIFF_ROLE_OVERVIEW_MASK : role == NCR_TIFF_ROLE_MASK;
        if (is_of_kind && read_level(dataset, i, out) && is_mask(dataset, &out->layout) &&
            out->layout.width == image->layout.width && out->layout.height == image->layout.height)
            return true;
    }
    return false;
}

/* Puts an overview where it belongs, from the largest. */
static void insert_level(ncr_tiff_dataset *dataset, const ncr_tiff_level *image, const ncr_tiff_level *mask)
{
    int at = dataset->level_count++;
    for (; at > 1 && dataset->images[at - 1].layout.width < image->layout.width; at--) {
        dataset->images[at] = dataset->images[at - 1];
        if (dataset->masks)
            dataset->masks[at] = dataset->masks[at - 1];
    }
    dataset->images[at] = *image;
    if (dataset->masks)
        dataset->masks[at] = *mask;
}

/* Overviews of a masked image that have no mask of their own are left out: what is read of a level must be masked. */
static void add_overviews(ncr_tiff_dataset *dataset)
{
    const ncr_tiff_index *index = dataset->index;
    const ncr_tiff_layout image = dataset->images[0].layout;
    for (size_t i = 1; i < index->directory_count; i++) {
        ncr_tiff_level level, mask = {0};
        if (index->directories[i].role != NCR_TIFF_ROLE_OVERVIEW || !read_level(dataset, i, &level) ||
            !is_overview(&image, &level.layout))
            continue;
        if (!dataset->masks || find_mask(dataset, &level, &mask))
            insert_level(dataset, &level, &mask);
    }
}

static nacre_status find_levels(ncr_tiff_dataset *dataset, const ncr_tiff_layout *layout, nacre_error *err)
{
    size_t most = dataset->index->directory_count;
    dataset->images = ncr_alloc_array(most, sizeof *dataset->images);
    if (!dataset->images)
        return ncr_error_memory(err);
    dataset->images[0] = (ncr_tiff_level){.directory = dataset->index->directories, .layout = *layout};
    dataset->level_count = 1;

    ncr_tiff_level mask;
    if (find_mask(dataset, &dataset->images[0], &mask)) {
        dataset->masks = ncr_alloc_array(most, sizeof *dataset->masks);
        if (!dataset->masks)
            return ncr_error_memory(err);
        dataset->masks[0] = mask;
    }
    add_overviews(dataset);
    return NACRE_OK;
}

/* --- The common part --- */

static nacre_status describe_grid(ncr_tiff_dataset *dataset, nacre_error *err)
{
    ncr_dataset *base = &dataset->base;
    const ncr_tiff_layout *layout = &dataset->images[0].layout;
    base->width = (int)layout->width;
    base->height = (int)layout->height;
    base->is_tiled = layout->is_tiled;
    base->is_cog = dataset->index->is_cog;
    base->interleave = layout->samples > 1 && !layout->is_separate ? "pixel" : "band";
    if (layout->compression != COMPRESSION_NONE) {
        base->compression = ncr_text_copy(ncr_tiff_codec_name(dataset->images[0].directory));
        if (!base->compression)
            return ncr_error_memory(err);
    }
    int count = dataset->level_count - 1;
    if (!count)
        return NACRE_OK;
    base->overviews = ncr_alloc_array((size_t)count, sizeof *base->overviews);
    if (!base->overviews)
        return ncr_error_memory(err);
    base->overview_count = count;
    for (int i = 0; i < count; i++) {
        base->overviews[i][0] = (int)dataset->images[i + 1].layout.width;
        base->overviews[i][1] = (int)dataset->images[i + 1].layout.height;
    }
    return NACRE_OK;
}

nacre_status ncr_tiff_dataset_new(const char *path, ncr_file *file, ncr_tiff_index *index, ncr_tiff_dataset **out,
                                  nacre_error *err)
{
    *out = NULL;
    ncr_tiff_layout layout;
    nacre_status status = ncr_tiff_layout_read(path, index->directories, &layout, err);
    if (status != NACRE_OK)
        return status;
    ncr_tiff_dataset *dataset =
        (ncr_tiff_dataset *)ncr_dataset_new(sizeof *dataset, &ncr_tiff_dataset_class, path, file, (int)layout.samples);
    if (!dataset)
        return ncr_error_memory(err);
    ncr_value_ref(&index->value);
    dataset->index = index;
    status = find_levels(dataset, &layout, err);
    if (status == NACRE_OK)
        status = describe_grid(dataset, err);
    if (status == NACRE_OK)
        status = ncr_tiff_describe_bands(dataset, err);
    if (status == NACRE_OK)
        status = ncr_tiff_describe_metadata(dataset, err);
    if (status == NACRE_OK) {
        ncr_tiff_describe_masks(dataset);
        status = ncr_tiff_describe_position(dataset, err);
    }
    if (status != NACRE_OK) {
        ncr_dataset_unref(&dataset->base);
        return status;
    }
    *out = dataset;
    return NACRE_OK;
}
