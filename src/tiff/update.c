/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/update.h"

#include <stdlib.h>
#include <string.h>
#include <tiff.h>

#include "base/bytes.h"
#include "raster/dtype.h"
#include "tiff/places.h"
#include "tiff/tags_out.h"

ncr_tiff_dataset *ncr_update_of(const ncr_save *save)
{
    ncr_canvas *canvas = save->is_update ? ncr_canvas_of(save->dataset) : NULL;
    bool is_tiff = canvas && canvas->below && canvas->below->class == &ncr_tiff_dataset_class;
    return is_tiff ? (ncr_tiff_dataset *)canvas->below : NULL;
}

/* --- The form of the file --- */

static nacre_status coding_of(const ncr_save *save, const ncr_tiff_level *level, ncr_coding *out, nacre_error *err)
{
    const ncr_tiff_directory *directory = level->directory;
    uint64_t addition = 0;
    *out = (ncr_coding){.codec = ncr_tiff_codec_find(level->layout.compression),
                        .level = -1,
                        .quality = 75,
                        .predictor = level->layout.predictor ? level->layout.predictor : 1};
    if (level->layout.compression == COMPRESSION_LERC)
        ncr_tiff_tag_uint(ncr_tiff_tag_find(directory, NCR_TAG_LERC_PARAMETERS), 1, &addition);
    out->addition = (unsigned)addition;
    bool is_written = out->codec->creation || level->layout.compression == COMPRESSION_DEFLATE;
    if (is_written)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: it cannot be updated: its compression (%s) is not written",
                         save->destination->name, out->codec->name);
}

static bool is_written_form(const ncr_tiff_layout *layout, const ncr_dataset *dataset)
{
    unsigned whole = (unsigned)ncr_dtype_size(layout->dtype) * 8;
    bool is_unsigned = layout->dtype == NACRE_DTYPE_UINT8 || layout->dtype == NACRE_DTYPE_UINT16 ||
                       layout->dtype == NACRE_DTYPE_UINT32;
    return !layout->is_rgba && dataset->band_count == (int)layout->samples &&
           dataset->bands[0].dtype == layout->dtype &&
           (layout->bits == whole || (is_unsigned && layout->bits < whole)) &&
           layout->photometric <= NCR_PHOTOMETRIC_YCBCR && layout->photometric != NCR_PHOTOMETRIC_MASK &&
           layout->photometric != NCR_PHOTOMETRIC_SEPARATED;
}

nacre_status ncr_update_creation(const ncr_save *save, ncr_creation *out, nacre_error *err)
{
    ncr_tiff_dataset *tiff = ncr_update_of(save);
    const ncr_tiff_layout *layout = &tiff->images[0].layout;
    const ncr_dataset *dataset = save->dataset;
    bool is_cog = dataset->is_cog && layout->is_tiled && !layout->is_separate;
    *out = (ncr_creation){.is_cog = is_cog,
                          .dtype = layout->dtype,
                          .band_count = dataset->band_count,
                          .bits = layout->bits,
                          .is_tiled = layout->is_tiled,
                          .is_separate = layout->is_separate,
                          .block_width = (int)layout->block_width,
                          .block_height = (int)layout->block_height,
                          .overviews = tiff->level_count > 1 ? NCR_OVERVIEWS_COPY : NCR_OVERVIEWS_NONE,
                          .overview_count = -1,
                          .resampling = save->overview_resampling,
                          .bigtiff = tiff->index->is_big ? NCR_BIGTIFF_YES : NCR_BIGTIFF_IF_NEEDED,
                          .photometric = layout->photometric,
                          .overview_photometric = layout->photometric,
                          .last_is_alpha = dataset->band_count > 1 && dataset->alpha_band == dataset->band_count,
                          .alpha = NCR_EXTRA_UNASSOCIATED_ALPHA};
    if (!is_written_form(layout, dataset))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: it cannot be updated: its form is not written",
                             save->destination->name);
    if (layout->photometric == NCR_PHOTOMETRIC_PALETTE && !dataset->bands[0].color_count)
        out->photometric = out->overview_photometric = NCR_PHOTOMETRIC_MIN_IS_BLACK;
    nacre_status status = coding_of(save, &tiff->images[0], &out->coding, err);
    out->overview_coding = out->coding;
    if (status != NACRE_OK || tiff->level_count < 2)
        return status;
    out->overview_photometric = tiff->images[1].layout.photometric;
    return coding_of(save, &tiff->images[1], &out->overview_coding, err);
}

void ncr_update_format(const ncr_save *save, int source, ncr_tiff_format *format)
{
    const ncr_tiff_dataset *tiff = ncr_update_of(save);
    ncr_coding coding;
    if (!tiff || source < 1 || source >= tiff->level_count)
        return;
    const ncr_tiff_layout *layout = &tiff->images[source].layout;
    format->is_tiled = layout->is_tiled;
    format->block_width = (int)layout->block_width;
    format->block_height = (int)layout->block_height;
    if (coding_of(save, &tiff->images[source], &coding, NULL) == NACRE_OK)
        format->coding = coding;
}

/* --- Blocks that stay --- */

static bool is_same_form(const ncr_tiff_dataset *tiff, const ncr_tiff_level *old, const ncr_tiff_format *format,
                         const ncr_out_level *level)
{
    const ncr_tiff_layout *l = &old->layout;
    bool is_lerc = l->compression == COMPRESSION_LERC;
    uint64_t addition = 0, subsampling[2] = {2, 2};
    if (!old->directory || tiff->index->big_endian || l->fill_order == 2)
        return false;
    if (is_lerc)
        ncr_tiff_tag_uint(ncr_tiff_tag_find(old->directory, NCR_TAG_LERC_PARAMETERS), 1, &addition);
    for (unsigned i = 0; i < 2 && l->photometric == NCR_PHOTOMETRIC_YCBCR; i++)
        ncr_tiff_tag_uint(ncr_tiff_tag_find(old->directory, NCR_TAG_YCBCR_SUBSAMPLING), i, &subsampling[i]);
    return l->width == (uint32_t)level->width && l->height == (uint32_t)level->height &&
           l->is_tiled == format->is_tiled && l->block_width == (uint32_t)format->block_width &&
           l->block_height == (uint32_t)format->block_height && l->bits == format->bits &&
           ncr_tiff_layout_block_samples(l) == format->samples && l->compression == format->coding.codec->compression &&
           (l->predictor ? l->predictor : 1) == format->coding.predictor && addition == format->coding.addition &&
           subsampling[0] == 2 && subsampling[1] == 2;
}

static void take_place(void *user, uint64_t number, uint64_t offset, uint64_t size)
{
    ncr_out_block *blocks = user;
    blocks[number] = (ncr_out_block){.place = offset, .size = size, .origin = size ? NCR_OUT_OLD : NCR_OUT_SPARSE};
}

/* Fills in where the blocks of a level are in the file. */
static nacre_status find_places(const ncr_pyramid *pyramid, const ncr_tiff_dataset *tiff, const ncr_tiff_level *level,
                                ncr_out_block *out, nacre_error *err)
{
    return ncr_tiff_places(tiff, level, 0, level->layout.block_count, pyramid->save->call, take_place, out, err);
}

static bool has_loss(const ncr_coding *coding)
{
    unsigned compression = coding->codec->compression;
    return compression == COMPRESSION_JPEG || compression == COMPRESSION_WEBP || compression == COMPRESSION_LERC;
}

/* Whether nothing was written in a block. */
static bool is_untouched(const ncr_pyramid *pyramid, int number, int plane, int x, int y)
{
    const ncr_canvas *canvas = ncr_canvas_of(pyramid->save->dataset);
    const ncr_creation *creation = pyramid->creation;
    const ncr_out_level *level = &pyramid->levels[number];
    const ncr_tiff_format *format = &level->format;
    if (level->source)
        return true; /* only full resolution is written */
    ncr_rect area = {(int64_t)x * format->block_width, (int64_t)y * format->block_height, 0, 0};
    int64_t wide = level->width - area.x, high = level->height - area.y;
    area.width = wide < format->block_width ? wide : format->block_width;
    area.height = high < format->block_height ? high : format->block_height;
    if (plane < 0 || creation->is_separate)
        return !ncr_canvas_is_touched(canvas, &area, plane);
    for (int band = 0; band < creation->band_count; band++)
        if (ncr_canvas_is_touched(canvas, &area, band))
            return false;
    return true;
}

bool ncr_update_block_stays(const ncr_pyramid *pyramid, int number, int plane, int x, int y)
{
    const ncr_out_level *level = &pyramid->levels[number];
    return (plane < 0 ? level->old_mask : level->old) && is_untouched(pyramid, number, plane, x, y);
}

/* Sets the quality at which our encoder makes the file's tables. Tables of others stay with who reads: libtiff takes
 * those that a block brings along for the blocks after it too, which would be decoded by tables that are not theirs. */
static nacre_status match_quality(ncr_out_level *level, const char *name, nacre_error *err)
{
    ncr_tiff_format format = level->format;
    format.tables = NULL;
    for (int tried = 0; tried < 100; tried++) {
        format.coding.quality = (75 + tried) % 100 ? (75 + tried) % 100 : 100;
        ncr_buffer made;
        nacre_status status = ncr_tiff_encode_tables(&format, name, &made, err);
        bool is_it = status == NACRE_OK && made.size == level->format.tables_size &&
                     memcmp(made.data, level->format.tables, made.size) == 0;
        ncr_buffer_clear(&made);
        level->format.coding.quality = is_it ? format.coding.quality : level->format.coding.quality;
        if (is_it || status != NACRE_OK)
            return status;
    }
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                         "%s: its pixels cannot be updated: its JPEG tables are another encoder's; make a copy", name);
}

/* Whether any block of pixels is copied as it is, and whether any is not. */
static void find_kept(const ncr_pyramid *pyramid, const ncr_out_level *level, bool *keeps, bool *writes)
{
    int number = (int)(level - pyramid->levels),
        planes = pyramid->creation->is_separate ? pyramid->creation->band_count : 1;
    *keeps = *writes = false;
    for (int plane = 0; plane < planes; plane++)
        for (int y = 0; y < level->down && !(*keeps && *writes); y++)
            for (int x = 0; x < level->across; x++)
                *(ncr_update_block_stays(pyramid, number, plane, x, y) ? keeps : writes) = true;
}

/* Blocks that stay need the file's tables, and then those that are written need the same. */
static nacre_status keep_tables(const ncr_pyramid *pyramid, ncr_out_level *level, nacre_error *err)
{
    const ncr_tiff_tag *tables = ncr_tiff_tag_find(level->old->directory, NCR_TAG_JPEG_TABLES);
    bool keeps, writes;
    if (!tables || !tables->value)
        return NACRE_OK;
    find_kept(pyramid, level, &keeps, &writes);
    if (!keeps)
        return NACRE_OK;
    level->format.tables = tables->value;
    level->format.tables_size = (size_t)tables->count;
    return writes ? match_quality(level, pyramid->save->destination->name, err) : NACRE_OK;
}

nacre_status ncr_update_level(const ncr_pyramid *pyramid, ncr_out_level *level, nacre_error *err)
{
    ncr_tiff_dataset *tiff = ncr_update_of(pyramid->save);
    if (!tiff || level->parent >= 0 || level->source >= tiff->level_count)
        return NACRE_OK;
    ncr_tiff_level *image = &tiff->images[level->source];
    ncr_tiff_level *mask = tiff->masks && level->masks ? &tiff->masks[level->source] : NULL;
    nacre_status status = NACRE_OK;
    if (is_same_form(tiff, image, &level->format, level))
        level->old = image;
    else if (has_loss(&level->format.coding))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: it cannot be updated without loss: make a copy, or overviews anew",
                             pyramid->save->destination->name);
    if (mask && is_same_form(tiff, mask, &level->mask_format, level))
        level->old_mask = mask;
    if (level->old)
        status = find_places(pyramid, tiff, level->old, level->blocks, err);
    if (status == NACRE_OK && level->old_mask)
        status = find_places(pyramid, tiff, level->old_mask, level->masks, err);
    if (status == NACRE_OK && level->old)
        status = keep_tables(pyramid, level, err);
    return status;
}

bool ncr_update_stays(const ncr_pyramid *pyramid, int number, int first_x, int first_y, int end_x, int end_y)
{
    int planes = pyramid->creation->is_separate ? pyramid->creation->band_count : 1;
    for (int y = first_y; y < end_y; y++)
        for (int x = first_x; x < end_x; x++)
            for (int plane = pyramid->has_mask ? -1 : 0; plane < planes; plane++)
                if (!ncr_update_block_stays(pyramid, number, plane, x, y))
                    return false;
    return true;
}

/* --- Tags --- */

/* Whether nacre decides on a tag by itself. */
static bool is_own(unsigned id)
{
    static const uint16_t own[] = {254, 256,   257,   258,   259,   262,   266,   273,   277,   278,   279,  284,
                                   317, 320,   322,   323,   324,   325,   330,   338,   339,   347,   530,  532,
                                   700, 33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113, 50674, 50844};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i] == id)
            return true;
    for (size_t i = 0; i < NCR_TIFF_TEXT_TAGS; i++)
        if (ncr_tiff_text_tags[i].id == id)
            return true;
    return false;
}

static nacre_status add_tag(const ncr_save *save, const ncr_tiff_dataset *tiff, const ncr_tiff_tag *tag,
                            ncr_out_directory *directory, nacre_error *err)
{
    enum { TAG_MAX = 64 * 1024 * 1024 };
    size_t unit = ncr_tiff_type_size(tag->type), size = 0;
    if (!unit || !tag->count || tag->count > TAG_MAX / unit || directory->entry_count >= NCR_OUT_ENTRIES)
        return NACRE_OK; /* of no known type, or absurd */
    size = unit * (size_t)tag->count;
    if (tag->value) {
        ncr_out_bytes(directory, tag->id, tag->type, tag->value, (size_t)tag->count);
        return NACRE_OK;
    }
    uint8_t *bytes = ncr_alloc_array(size, 1);
    if (!bytes)
        return ncr_error_memory(err);
    nacre_range range = {tag->offset, size, bytes, 0};
    nacre_status status = ncr_file_read_wait(tiff->base.file, &range, 1, save->call, err);
    size_t number = tag->type == NCR_TYPE_RATIONAL || tag->type == NCR_TYPE_SRATIONAL ? 4 : unit;
    if (status == NACRE_OK && tiff->index->big_endian != ncr_machine_is_big_endian())
        ncr_swap_bytes(bytes, number, size / number);
    if (status == NACRE_OK)
        ncr_out_bytes(directory, tag->id, tag->type, bytes, (size_t)tag->count);
    free(bytes);
    return status;
}

nacre_status ncr_update_tags(const ncr_save *save, ncr_out_directory *directory, nacre_error *err)
{
    const ncr_tiff_dataset *tiff = ncr_update_of(save);
    nacre_status status = NACRE_OK;
    for (size_t i = 0; tiff && i < tiff->images[0].directory->tag_count && status == NACRE_OK; i++) {
        const ncr_tiff_tag *tag = &tiff->images[0].directory->tags[i];
        if (!is_own(tag->id))
            status = add_tag(save, tiff, tag, directory, err);
    }
    return status;
}
