/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/validate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "tiff/places.h"

/* Rules of a COG. What GDAL's script and rio-cogeo call errors and warnings are these here too. */

enum { SMALL = 512 }; /* up to so many pixels a side, neither tiles nor overviews are asked for */

typedef struct validation {
    const ncr_tiff_dataset *tiff;
    ncr_call *call;
    nacre_finding_function function;
    void *user;
    bool is_valid;
} validation;

__attribute__((format(printf, 3, 4))) static void tell(validation *v, bool is_error, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    v->is_valid = v->is_valid && !is_error;
    if (v->function)
        v->function(v->user, is_error, text);
}

/* "the image", "overview 1"... */
static const char *level_name(int level, char out[32])
{
    if (level)
        snprintf(out, 32, "overview %d", level);
    else
        snprintf(out, 32, "the image");
    return out;
}

static bool is_large(const ncr_tiff_layout *layout)
{
    return layout->width > SMALL || layout->height > SMALL;
}

static void check_images(validation *v)
{
    const ncr_tiff_dataset *tiff = v->tiff;
    char name[32];
    const ncr_tiff_level *images = tiff->images;
    assert(images);
    if (tiff->overview_file)
        tell(v, true, "overviews lie in a file beside it, and should be inside");
    if (is_large(&images->layout) && !tiff->base.overview_count)
        tell(v, false, "it has more than %d pixels a side and no overviews", SMALL);
    for (int i = 0; i < tiff->level_count; i++) {
        const ncr_tiff_layout *layout = &images[i].layout;
        if (is_large(layout) && !layout->is_tiled)
            tell(v, true, "%s has more than %d pixels a side and is not tiled", level_name(i, name), SMALL);
        const ncr_tiff_layout *above = i ? &images[i - 1].layout : NULL;
        if (above && (layout->width > above->width || layout->height > above->height))
            tell(v, true, "%s is larger than the one before it", level_name(i, name));
    }
}

/* The marker's text, in the bytes that the open has read; NULL: there is none. */
static const char *find_marker(const ncr_tiff_dataset *tiff, size_t *size)
{
    static const char start[] = "GDAL_STRUCTURAL_METADATA_SIZE=";
    const ncr_slice *head = ncr_file_head(tiff->base.file);
    size_t at = tiff->index->is_big ? 16 : 8, line = sizeof start - 1 + 13; /* "NNNNNN bytes\n" */
    int length;
    *size = 0;
    if (head->size < at + line || memcmp(head->data + at, start, sizeof start - 1) != 0)
        return NULL;
    char number[7] = {0};
    memcpy(number, head->data + at + sizeof start - 1, 6);
    if (!ncr_text_to_int(number, &length) || length < 0 || head->size < at + line + (size_t)length)
        return NULL;
    *size = line + (size_t)length;
    return (const char *)head->data + at;
}

static bool marker_says(const char *marker, size_t size, const char *words)
{
    return marker && memmem(marker, size, words, strlen(words));
}

static void check_directories(validation *v, const char *marker, size_t marker_size)
{
    const ncr_tiff_dataset *tiff = v->tiff;
    uint64_t first = tiff->images[0].directory->offset, header = tiff->index->is_big ? 16 : 8;
    char name[32], other[32];
    if (first > header + marker_size + 1)
        tell(v, true, "the first directory is at byte %" PRIu64 ", and should be at %" PRIu64, first,
             header + marker_size);
    if (marker_says(marker, marker_size, "KNOWN_INCOMPATIBLE_EDITION=YES"))
        tell(v, true, "it was a COG, and was changed by a program that did not keep it one");
    for (int i = 1; i < tiff->level_count; i++)
        if (tiff->images[i].directory->offset < tiff->images[i - 1].directory->offset)
            tell(v, true, "the directory of %s is before that of %s", level_name(i, name), level_name(i - 1, other));
}

/* --- Data --- */

typedef struct found {
    uint64_t offset, size; /* of the first block that is not sparse; 0: none */
} found;

static void take(void *user, uint64_t number, uint64_t offset, uint64_t size)
{
    (void)number;
    found *f = user;
    if (!f->offset)
        *f = (found){offset, size};
}

static nacre_status find_first(const validation *v, const ncr_tiff_level *level, found *out, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    uint64_t count = level->layout.block_count;
    *out = (found){0};
    for (uint64_t at = 0; at < count && !out->offset && status == NACRE_OK; at += NCR_TIFF_PART) {
        uint64_t some = count - at < NCR_TIFF_PART ? count - at : NCR_TIFF_PART;
        status = ncr_tiff_places(v->tiff, level, at, some, v->call, take, out, err);
    }
    return status;
}

/* Four bytes before a block are its size, four behind it its last ones. */
static nacre_status check_frame(validation *v, int level, const found *f, nacre_error *err)
{
    uint64_t file_size = v->tiff->index->file_size;
    char name[32];
    uint8_t before[4], last[4], behind[4];
    if (!f->offset || f->offset < 4 || f->size < 4)
        return NACRE_OK;
    if (f->offset + f->size + 4 > file_size) {
        tell(v, true, "the file ends behind the first block of %s", level_name(level, name));
        return NACRE_OK;
    }
    nacre_range ranges[3] = {
        {f->offset - 4, 4, before, 0}, {f->offset + f->size - 4, 4, last, 0}, {f->offset + f->size, 4, behind, 0}};
    nacre_status status = ncr_file_read_wait(v->tiff->base.file, ranges, 3, v->call, err);
    if (status != NACRE_OK)
        return status;
    if (ncr_read_u32(before, false) != f->size)
        tell(v, true, "the first block of %s has another size before it than in the directory",
             level_name(level, name));
    if (memcmp(last, behind, 4) != 0)
        tell(v, true, "the first block of %s is not followed by its last bytes", level_name(level, name));
    return NACRE_OK;
}

static nacre_status check_data(validation *v, bool has_frames, nacre_error *err)
{
    const ncr_tiff_dataset *tiff = v->tiff;
    int count = tiff->level_count;
    char name[32], other[32];
    found before = {0}; /* of the level that should be before */
    int before_level = 0;
    nacre_status status = NACRE_OK;
    for (int i = count - 1; i >= 0 && status == NACRE_OK; i--) {
        found f;
        status = find_first(v, &tiff->images[i], &f, err);
        if (status != NACRE_OK || !f.offset)
            continue;
        if (!before.offset && f.offset < tiff->images[count - 1].directory->offset)
            tell(v, true, "the data of %s are before the directories", level_name(i, name));
        if (before.offset && f.offset < before.offset)
            tell(v, true, "the data of %s are before those of %s", level_name(i, name),
                 level_name(before_level, other));
        before = f;
        before_level = i;
        if (has_frames)
            status = check_frame(v, i, &f, err);
    }
    return status;
}

nacre_status ncr_tiff_validate_cog(ncr_dataset *dataset, ncr_call *call, nacre_finding_function function, void *user,
                                   bool *is_valid, nacre_error *err)
{
    validation v = {
        .tiff = (ncr_tiff_dataset *)dataset, .call = call, .function = function, .user = user, .is_valid = true};
    size_t size = 0;
    *is_valid = false;
    if (dataset->class != &ncr_tiff_dataset_class) {
        tell(&v, true, "it is no GeoTIFF");
        return NACRE_OK;
    }
    const char *marker = find_marker(v.tiff, &size);
    check_images(&v);
    check_directories(&v, marker, size);
    bool is_kept = marker && !marker_says(marker, size, "KNOWN_INCOMPATIBLE_EDITION=YES");
    bool has_frames = is_kept && marker_says(marker, size, "BLOCK_LEADER=SIZE_AS_UINT4") &&
                      marker_says(marker, size, "BLOCK_TRAILER=LAST_4_BYTES_REPEATED");
    nacre_status status = check_data(&v, has_frames, err);
    *is_valid = status == NACRE_OK && v.is_valid;
    return status;
}
