/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiff.h>

#include "tiff/pyramid.h"
#include "tiff/tags_out.h"
#include "tiff/tiff.h"
#include "tiff/update.h"

/* Writing: the pyramid first (pyramid.c), since the head needs all sizes; then head and data in the file's order. Data
 * of a COG begin with the smallest overview, each block between its size and its last four bytes again, the mask's
 * block after the image's. */

enum { GHOST_MAX = 320 };

typedef struct output {
    const ncr_save *save;
    const ncr_creation *creation;
    ncr_pyramid pyramid;
    char ghost[GHOST_MAX];
    ncr_out_head head;
    uint64_t **arrays; /* [directories * 2] offsets and sizes of each; owned */
    uint64_t size;     /* of the whole file */
} output;

/* --- Directories --- */

/* Full resolution is left out of a file of overviews. */
static int first_level(const output *out)
{
    return out->save->overviews_only ? 1 : 0;
}

/* Images first, the mask of full resolution second, masks of overviews last: GDAL's order. */
static int directory_of(const output *out, int level, bool is_mask)
{
    int first = first_level(out), levels = out->pyramid.level_count - first;
    bool has_mask = out->pyramid.has_mask;
    level -= first;
    if (is_mask)
        return level ? levels + level : 1;
    return level && has_mask ? level + 1 : level;
}

/* Bytes around a block in a COG. */
static uint64_t frame(const output *out)
{
    return out->creation->is_cog ? 4 : 0;
}

static nacre_status describe(output *out, int level_number, bool is_mask, nacre_error *err)
{
    const ncr_out_level *level = &out->pyramid.levels[level_number];
    int number = directory_of(out, level_number, is_mask);
    ncr_out_directory *directory = &out->head.directories[number];
    size_t count = is_mask ? (size_t)level->across * (size_t)level->down : level->block_count;
    ncr_out_image image = {level->width, level->height, level_number > 0, is_mask, count};
    const ncr_tiff_format *format = ncr_pyramid_format(&out->pyramid, level_number, is_mask);
    nacre_status status =
        ncr_out_describe(directory, out->save, out->creation, format, out->pyramid.statistics, &image, err);
    uint64_t *offsets = ncr_alloc_array(count, sizeof *offsets), *sizes = ncr_alloc_array(count, sizeof *sizes);
    out->arrays[2 * number] = offsets;
    out->arrays[2 * number + 1] = sizes;
    directory->offsets = offsets;
    directory->sizes = sizes;
    return status == NACRE_OK && !(offsets && sizes) ? ncr_error_memory(err) : status;
}

static nacre_status describe_all(output *out, nacre_error *err)
{
    ncr_out_head *head = &out->head;
    int levels = out->pyramid.level_count, kinds = out->pyramid.has_mask ? 2 : 1;
    int first = first_level(out);
    head->directory_count = (size_t)((levels - first) * kinds);
    head->directories = ncr_alloc_array(head->directory_count, sizeof *head->directories);
    out->arrays = ncr_alloc_array(head->directory_count * 2, sizeof *out->arrays);
    nacre_status status = head->directories && out->arrays ? NACRE_OK : ncr_error_memory(err);
    for (int level = first; level < levels && status == NACRE_OK; level++)
        for (int kind = 0; kind < kinds && status == NACRE_OK; kind++)
            status = describe(out, level, kind == 1, err);
    return status;
}

/* GDAL's text of the layout; the length of what follows it stands in its first line. */
static void make_ghost(output *out)
{
    const char *mask = out->pyramid.has_mask ? "MASK_INTERLEAVED_WITH_IMAGERY=YES\n" : "";
    char body[GHOST_MAX];
    int size = snprintf(body, sizeof body,
                        "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
                        "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n %s",
                        mask);
    snprintf(out->ghost, sizeof out->ghost, "GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n%.*s", size, GHOST_MAX - 48,
             body);
    out->head.ghost = out->ghost;
}

/* --- The order of blocks in the file --- */

typedef nacre_status (*block_function)(output *out, const ncr_out_block *block, int directory, size_t number,
                                       void *user, nacre_error *err);

static nacre_status each_block_of_level(output *out, int level_number, block_function function, void *user,
                                        nacre_error *err)
{
    const ncr_out_level *level = &out->pyramid.levels[level_number];
    size_t plane = (size_t)level->across * (size_t)level->down;
    int image = directory_of(out, level_number, false), mask = directory_of(out, level_number, true);
    bool interleaved = out->creation->is_cog;
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < level->block_count && status == NACRE_OK; i++) {
        status = function(out, &level->blocks[i], image, i, user, err);
        if (status == NACRE_OK && level->masks && interleaved)
            status = function(out, &level->masks[i], mask, i, user, err);
    }
    for (size_t i = 0; i < plane && status == NACRE_OK && level->masks && !interleaved; i++)
        status = function(out, &level->masks[i], mask, i, user, err);
    return status;
}

static nacre_status each_block(output *out, block_function function, void *user, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (int level = out->pyramid.level_count - 1; level >= first_level(out) && status == NACRE_OK; level--)
        status = each_block_of_level(out, level, function, user, err);
    return status;
}

static nacre_status place_block(output *out, const ncr_out_block *block, int directory, size_t number, void *user,
                                nacre_error *err)
{
    uint64_t *at = user;
    if (block->origin == NCR_OUT_SPARSE)
        return NACRE_OK; /* offset and size are 0 */
    if (block->size > UINT32_MAX)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: a block of %" PRIu64 " bytes: TIFF writes at most 4 GiB",
                             out->save->destination->name, (uint64_t)block->size);
    out->arrays[2 * directory][number] = *at + frame(out);
    out->arrays[2 * directory + 1][number] = block->size;
    *at += block->size + 2 * frame(out);
    return NACRE_OK;
}

static nacre_status place_blocks(output *out, nacre_error *err)
{
    out->size = ncr_out_head_size(&out->head);
    return each_block(out, place_block, &out->size, err);
}

/* Classic TIFF where its offsets reach. */
static nacre_status place_all(output *out, nacre_error *err)
{
    ncr_bigtiff bigtiff = out->creation->bigtiff;
    out->head.is_big = bigtiff == NCR_BIGTIFF_YES;
    nacre_status status = place_blocks(out, err);
    if (status != NACRE_OK || out->head.is_big || out->size <= UINT32_MAX)
        return status;
    if (bigtiff == NCR_BIGTIFF_NO)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%s: it has %" PRIu64 " bytes, and BIGTIFF=NO allows at most 4 GiB",
                             out->save->destination->name, out->size);
    out->head.is_big = true;
    return place_blocks(out, err);
}

/* --- Writing --- */

/* Blocks in their order, some at a time: those of a file that is updated are fetched together. */
enum { BATCH_BLOCKS = 1024, BATCH_BYTES = 4 * 1024 * 1024 };

typedef struct stream {
    ncr_writer *writer;
    const ncr_out_block *blocks[BATCH_BLOCKS];
    nacre_range ranges[BATCH_BLOCKS]; /* of those of the old file */
    size_t block_count, size;         /* of the batch; with what is around blocks */
    uint8_t *bytes;                   /* of the batch */
    size_t capacity;
    uint64_t written;
} stream;

/* Puts a batch's bytes where they belong; those of the old file are asked for. */
static nacre_status load_batch(const output *out, stream *s, nacre_error *err)
{
    const ncr_tiff_dataset *old = ncr_update_of(out->save);
    size_t border = (size_t)frame(out), at = 0, range_count = 0;
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < s->block_count && status == NACRE_OK; i++) {
        const ncr_out_block *block = s->blocks[i];
        uint8_t *to = s->bytes + at + border;
        at += (size_t)block->size + 2 * border;
        if (block->origin == NCR_OUT_OLD)
            s->ranges[range_count++] = (nacre_range){block->place, (size_t)block->size, to, 0};
        else
            status = ncr_scratch_read((ncr_scratch *)&out->pyramid.encoded, block->place, to, (size_t)block->size, err);
    }
    if (status == NACRE_OK && range_count)
        status = ncr_file_read_wait(old->base.file, s->ranges, range_count, out->save->call, err);
    return status;
}

/* Each block of a COG stands between its size and its last four bytes again. */
static void frame_batch(stream *s, size_t border)
{
    uint8_t *at = s->bytes;
    for (size_t i = 0; i < s->block_count && border; i++) {
        size_t size = (size_t)s->blocks[i]->size;
        for (int k = 0; k < 4; k++)
            at[k] = (uint8_t)(size >> (8 * k));
        memset(at + border + size, 0, 4);
        memcpy(at + border + size, at + border + (size >= 4 ? size - 4 : 0), size < 4 ? size : 4);
        at += size + 2 * border;
    }
}

static nacre_status flush_batch(const output *out, stream *s, nacre_error *err)
{
    if (!s->block_count)
        return NACRE_OK;
    if (!ncr_array_reserve(&s->bytes, &s->capacity, s->size, 1))
        return ncr_error_memory(err);
    nacre_status status = load_batch(out, s, err);
    if (status == NACRE_OK) {
        frame_batch(s, (size_t)frame(out));
        status = ncr_writer_write(s->writer, s->bytes, s->size, err);
    }
    s->written += s->size;
    s->block_count = s->size = 0;
    if (status == NACRE_OK)
        status = ncr_save_progress(out->save, 0.9 + 0.1 * (double)s->written / (double)out->size, err);
    return status;
}

static nacre_status write_block(output *out, const ncr_out_block *block, int directory, size_t number, void *user,
                                nacre_error *err)
{
    (void)directory, (void)number;
    stream *s = user;
    if (block->origin == NCR_OUT_SPARSE)
        return NACRE_OK;
    size_t whole = (size_t)block->size + 2 * (size_t)frame(out);
    nacre_status status = NACRE_OK;
    if (s->block_count == BATCH_BLOCKS || (s->block_count && s->size + whole > BATCH_BYTES))
        status = flush_batch(out, s, err);
    s->blocks[s->block_count++] = block;
    s->size += whole;
    return status;
}

static nacre_status write_to(output *out, stream *s, nacre_error *err)
{
    const ncr_save *save = out->save;
    ncr_buffer head;
    ncr_buffer_init(&head, SIZE_MAX);
    nacre_status status = ncr_out_head_write(&out->head, &head, err);
    if (status == NACRE_OK)
        status = ncr_writer_open(save->destination, "image/tiff; application=geotiff", &save->condition, save->call,
                                 &s->writer, err);
    if (status == NACRE_OK)
        status = ncr_writer_write(s->writer, head.data, head.size, err);
    ncr_buffer_clear(&head);
    if (status == NACRE_OK)
        status = each_block(out, write_block, s, err);
    if (status == NACRE_OK)
        status = flush_batch(out, s, err);
    return status == NACRE_OK ? ncr_writer_commit(s->writer, err) : status;
}

static nacre_status write_file(output *out, nacre_error *err)
{
    stream *s = calloc(1, sizeof *s);
    if (!s)
        return ncr_error_memory(err);
    nacre_status status = write_to(out, s, err);
    ncr_writer_close(s->writer);
    free(s->bytes);
    free(s);
    return status;
}

static void clear_output(output *out)
{
    for (size_t i = 0; out->arrays && i < out->head.directory_count * 2; i++)
        free(out->arrays[i]);
    for (size_t i = 0; out->head.directories && i < out->head.directory_count; i++)
        ncr_out_directory_clear(&out->head.directories[i]);
    free(out->arrays);
    free(out->head.directories);
    ncr_pyramid_clear(&out->pyramid);
}

static nacre_status read_creation(const ncr_save *save, bool is_cog, ncr_creation *out, nacre_error *err)
{
    if (ncr_update_of(save))
        return ncr_update_creation(save, out, err);
    nacre_status status = ncr_creation_read(save, is_cog, out, err);
    if (save->overview_factors && (!save->overviews_are_own || out->overviews == NCR_OVERVIEWS_COPY))
        out->resampling = save->overview_resampling;
    return status;
}

static nacre_status save_tiff(const ncr_save *save, bool is_cog, nacre_error *err)
{
    ncr_creation creation;
    if (ncr_dataset_has_own_masks(save->dataset))
        return ncr_error_set(
            err, NACRE_ERROR_UNSUPPORTED,
            "%s: its bands have masks of their own, and only one for all is written: convert each band",
            ncr_dataset_name(save->dataset));
    nacre_status status = read_creation(save, is_cog, &creation, err);
    if (status == NACRE_OK)
        status = ncr_save_check_destination(save, err);
    if (status != NACRE_OK)
        return status;
    output out = {.save = save, .creation = &creation};
    status = ncr_pyramid_make(&out.pyramid, save, &creation, err);
    if (status == NACRE_OK)
        status = describe_all(&out, err);
    if (status == NACRE_OK)
        status = ncr_update_tags(save, &out.head.directories[0], err);
    if (status == NACRE_OK && creation.is_cog)
        make_ghost(&out);
    if (status == NACRE_OK)
        status = place_all(&out, err);
    if (status == NACRE_OK)
        status = write_file(&out, err);
    clear_output(&out);
    return status;
}

static nacre_status describe_form(const ncr_save *save, bool is_cog, ncr_save_form *out, nacre_error *err)
{
    ncr_creation creation;
    nacre_status status = read_creation(save, is_cog, &creation, err);
    *out = (ncr_save_form){.interleave = "", .compression = ""};
    if (status != NACRE_OK)
        return status;
    static const char *const lerc[] = {"lerc", "lerc_deflate", "lerc_zstd"};
    const ncr_coding *coding = &creation.coding;
    bool is_lerc = coding->codec->compression == COMPRESSION_LERC;
    bool is_plain = coding->codec->compression == COMPRESSION_NONE;
    bool is_cut = !creation.is_tiled && creation.block_height > save->dataset->height; /* a strip ends with the image */
    *out = (ncr_save_form){.block_width = creation.block_width,
                           .block_height = is_cut ? save->dataset->height : creation.block_height,
                           .is_tiled = creation.is_tiled,
                           .interleave = creation.is_separate || creation.band_count == 1 ? "band" : "pixel",
                           .compression = is_plain  ? ""
                                          : is_lerc ? lerc[coding->addition]
                                                    : coding->codec->name};
    return NACRE_OK;
}

static nacre_status describe_cog(const ncr_save *save, ncr_save_form *out, nacre_error *err)
{
    return describe_form(save, true, out, err);
}

static nacre_status describe_gtiff(const ncr_save *save, ncr_save_form *out, nacre_error *err)
{
    return describe_form(save, false, out, err);
}

static nacre_status save_cog(const ncr_save *save, nacre_error *err)
{
    return save_tiff(save, true, err);
}

static nacre_status save_gtiff(const ncr_save *save, nacre_error *err)
{
    return save_tiff(save, false, err);
}

static const char *const endings[] = {".tif", ".tiff", NULL};
static const char *const no_endings[] = {NULL};

const ncr_saver ncr_cog_saver = {
    .format = "COG", .options = ncr_creation_cog_names, .endings = endings, .save = save_cog, .describe = describe_cog};
const ncr_saver ncr_gtiff_saver = {.format = "GTiff",
                                   .options = ncr_creation_gtiff_names,
                                   .endings = no_endings,
                                   .save = save_gtiff,
                                   .describe = describe_gtiff};
