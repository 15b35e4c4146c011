/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/find.h"

#include "tiff/places.h"

static void take(void *user, uint64_t number, uint64_t offset, uint64_t size)
{
    nacre_block_place *place = user;
    (void)number;
    place->offset = offset;
    place->size = size;
}

/* The number of a block, or false. Rows are told in heights that users see. */
static bool number_of(const ncr_tiff_layout *layout, int band, int column, int row, uint64_t *out)
{
    uint32_t down = (layout->height + layout->told_height - 1) / layout->told_height;
    if (column < 0 || row < 0 || (uint32_t)column >= layout->blocks_across || (uint32_t)row >= down)
        return false;
    uint64_t plane = layout->is_separate ? (uint64_t)band - 1 : 0;
    uint32_t block_row = (uint32_t)((uint64_t)row * layout->told_height / layout->block_height);
    *out = (plane * layout->blocks_down + block_row) * layout->blocks_across + (uint32_t)column;
    return *out < layout->block_count;
}

/* The file that has an overview, and which of its levels it is. */
static const ncr_tiff_dataset *file_of(const ncr_tiff_dataset *tiff, int overview, int *level)
{
    while (tiff && overview >= tiff->level_count) {
        overview -= tiff->level_count;
        const ncr_dataset *beside = tiff->overview_file;
        tiff = beside && beside->class == &ncr_tiff_dataset_class ? (const ncr_tiff_dataset *)beside : NULL;
    }
    *level = overview;
    return tiff;
}

nacre_status ncr_tiff_block_find(ncr_dataset *dataset, int band, int overview, int column, int row, ncr_call *call,
                                 nacre_block_place *out, nacre_error *err)
{
    int level;
    uint64_t number;
    const char *name = ncr_dataset_name(dataset);
    *out = (nacre_block_place){0};
    if (dataset->class != &ncr_tiff_dataset_class)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: it has no blocks in a TIFF", name);
    if (band < 1 || band > dataset->band_count || overview < 0 || overview > dataset->overview_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d or no overview %d", name, band, overview);
    const ncr_tiff_dataset *tiff = file_of((const ncr_tiff_dataset *)dataset, overview, &level);
    if (!tiff)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: overview %d is in no TIFF", name, overview);
    const ncr_tiff_level *image = &tiff->images[level];
    if (!number_of(&image->layout, band, column, row, &number))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no block in column %d and row %d", name, column, row);
    out->block_width = image->layout.block_width;
    out->block_height = image->layout.told_height;
    out->directory_offset = image->directory->offset;
    return ncr_tiff_places(tiff, image, number, 1, call, take, out, err);
}
