/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/text.h"
#include "picture/libpng.h"
#include "picture/picture.h"
#include "raster/dtype.h"
#include "raster/execute.h"

/* PNG, strip by strip: the pixels of some rows are read into the channels of a row buffer, compressed by libpng and
 * handed to the writer, so that memory is bounded by the strip. */

enum { STRIP_BYTES = 8 * 1024 * 1024, ROW_BYTES_MAX = 256 * 1024 * 1024, MAX_COLORS = 256 };

typedef struct {
    const ncr_save *save;
    nacre_error *err;
    nacre_status status; /* of what went wrong inside libpng's callbacks */
    ncr_writer *writer;
    png_structp png;
    png_infop info;
    int width, height;
    nacre_dtype dtype;
    int bands;    /* of the dataset that are written: the first channels */
    int channels; /* with an alpha channel made from the mask, if there is one */
    bool has_mask;
    const ncr_band *palette; /* NULL: none */
    bool expand;             /* a palette with a mask: written as colours with alpha */
    int strip_height;
    uint8_t *strip;   /* strip_height rows of interleaved channels */
    uint8_t *mask;    /* strip_height rows */
    uint8_t *indices; /* with expand: strip_height rows */
} picture;

/* --- What is written --- */

static nacre_status check_bands(picture *p)
{
    const ncr_dataset *dataset = p->save->dataset;
    const char *name = p->save->destination->name;
    if (dataset->band_count < 1 || dataset->band_count > 4)
        return ncr_error_set(p->err, NACRE_ERROR_UNSUPPORTED,
                             "%s: PNG holds 1 to 4 bands, not %d: choose some with --bands", name, dataset->band_count);
    p->dtype = dataset->bands[0].dtype;
    for (int i = 0; i < dataset->band_count; i++) {
        nacre_dtype dtype = dataset->bands[i].dtype;
        if (dtype != p->dtype || (dtype != NACRE_DTYPE_UINT8 && dtype != NACRE_DTYPE_UINT16))
            return ncr_error_set(p->err, NACRE_ERROR_UNSUPPORTED,
                                 "%s: PNG holds uint8 or uint16, not %s in band %d: convert with --scale or --dtype",
                                 name, ncr_dtype_name(dtype), i + 1);
    }
    return NACRE_OK;
}

static bool has_mask(const ncr_dataset *dataset)
{
    for (int i = 0; i < dataset->band_count; i++)
        if (dataset->bands[i].mask_flags & (NACRE_MASK_NODATA | NACRE_MASK_PER_DATASET))
            return true;
    return ncr_dataset_has_own_masks(dataset);
}

static void choose_channels(picture *p)
{
    const ncr_dataset *dataset = p->save->dataset;
    const ncr_band *first = &dataset->bands[0];
    p->bands = p->channels = dataset->band_count;
    bool has_palette = p->bands == 1 && p->dtype == NACRE_DTYPE_UINT8 && first->color_count > 0;
    p->palette = has_palette ? first : NULL;
    /* A palette says itself which of its entries is nodata. */
    p->has_mask = p->bands % 2 == 1 && has_mask(dataset) && !(has_palette && (first->mask_flags & NACRE_MASK_NODATA));
    p->expand = has_palette && p->has_mask;
    if (p->expand)
        p->channels = 4;
    else if (p->has_mask)
        p->channels++;
}

static nacre_status allocate(picture *p)
{
    const ncr_band *band = &p->save->dataset->bands[0];
    size_t row = (size_t)p->width * (size_t)p->channels * ncr_dtype_size(p->dtype);
    if (row > ROW_BYTES_MAX)
        return ncr_error_set(p->err, NACRE_ERROR_TOO_LARGE,
                             "%s: rows of %d pixels take %zu bytes each, and PNG is written with at most %d: choose a "
                             "smaller size or a part",
                             p->save->destination->name, p->width, row, ROW_BYTES_MAX);
    size_t rows = STRIP_BYTES / row, block = band->block_height > 0 ? (size_t)band->block_height : 1;
    rows = rows > block ? rows / block * block : rows;
    rows = rows < 1 ? 1 : rows;
    p->strip_height = rows < (size_t)p->height ? (int)rows : p->height;
    size_t pixels = (size_t)p->strip_height * (size_t)p->width;
    p->strip = ncr_alloc_array((size_t)p->strip_height, row);
    p->mask = ncr_alloc_array(pixels, 1);
    p->indices = ncr_alloc_array(pixels, 1);
    return p->strip && p->mask && p->indices ? NACRE_OK : ncr_error_memory(p->err);
}

/* --- Rows --- */

static nacre_status read_mask(picture *p, int y, int rows)
{
    ncr_scaled_request request = {
        .window = {0, y, p->width, rows},
        .out_width = p->width,
        .out_height = rows,
        .to = {.dtype = NACRE_DTYPE_UINT8,
               .buffer = p->mask,
               .pixel_stride = 1,
               .row_stride = p->width,
               .band_stride = (ptrdiff_t)p->width * rows},
    };
    ncr_plan *plan = NULL;
    nacre_status status = ncr_dataset_plan_masks(p->save->dataset, &request, p->save->call, &plan, p->err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, p->err);
    ncr_plan_free(plan);
    return status;
}

static nacre_status read_values(picture *p, int y, int rows)
{
    static const int bands[] = {1, 2, 3, 4};
    ptrdiff_t value = (ptrdiff_t)ncr_dtype_size(p->dtype), pixel = p->expand ? 1 : value * p->channels;
    ncr_read_request request = {
        .window = {0, y, p->width, rows},
        .bands = bands,
        .band_count = p->bands,
        .dtype = p->dtype,
        .buffer = p->expand ? p->indices : p->strip,
        .pixel_stride = pixel,
        .row_stride = pixel * p->width,
        .band_stride = value,
    };
    return ncr_save_read(p->save, &request, p->err);
}

/* The alpha channel: of one or two bytes, both of which are 0 or 255. */
static void insert_mask(picture *p, size_t pixels)
{
    size_t value = ncr_dtype_size(p->dtype), pixel = value * (size_t)p->channels;
    uint8_t *alpha = p->strip + pixel - value;
    for (size_t i = 0; i < pixels; i++, alpha += pixel)
        memset(alpha, p->mask[i], value);
}

/* What a value is shown as: black where the table has no entry. */
static const nacre_color_entry *color_of(const picture *p, int value)
{
    static const nacre_color_entry black = {0, 0, 0, 255};
    return value < p->palette->color_count ? &p->palette->colors[value] : &black;
}

static void expand_palette(picture *p, size_t pixels)
{
    uint8_t *out = p->strip;
    for (size_t i = 0; i < pixels; i++, out += 4) {
        const nacre_color_entry *color = color_of(p, p->indices[i]);
        out[0] = color->red;
        out[1] = color->green;
        out[2] = color->blue;
        out[3] = p->mask[i] ? color->alpha : 0;
    }
}

static nacre_status read_strip(picture *p, int y, int rows)
{
    nacre_status status = read_values(p, y, rows);
    if (status == NACRE_OK && p->has_mask)
        status = read_mask(p, y, rows);
    if (status != NACRE_OK)
        return status;
    size_t pixels = (size_t)p->width * (size_t)rows;
    if (p->expand)
        expand_palette(p, pixels);
    else if (p->has_mask)
        insert_mask(p, pixels);
    return NACRE_OK;
}

/* --- libpng: it leaves its functions by longjmp() to write_guarded() --- */

static void on_error(png_structp png, png_const_charp text)
{
    picture *p = png_get_error_ptr(png);
    if (p->status == NACRE_OK)
        p->status = ncr_error_set(p->err, NACRE_ERROR_IO, "%s: PNG: %s", p->save->destination->name, text);
    longjmp(png_jmpbuf(png), 1);
}

static void on_write(png_structp png, png_bytep data, size_t size)
{
    picture *p = png_get_io_ptr(png);
    p->status = ncr_writer_write(p->writer, data, size, p->err);
    if (p->status != NACRE_OK)
        png_error(png, "");
}

/* An entry for every value: PNG may not hold others, and which there are is known at the end. */
static void set_palette(picture *p)
{
    const ncr_band *band = p->palette;
    png_color colors[MAX_COLORS];
    png_byte alphas[MAX_COLORS];
    bool is_opaque = true;
    for (int i = 0; i < MAX_COLORS; i++) {
        const nacre_color_entry *entry = color_of(p, i);
        colors[i] = (png_color){entry->red, entry->green, entry->blue};
        bool is_nodata = (band->mask_flags & NACRE_MASK_NODATA) && band->nodata.value == i;
        alphas[i] = is_nodata ? 0 : entry->alpha;
        is_opaque = is_opaque && alphas[i] == 255;
    }
    png_set_PLTE(p->png, p->info, colors, MAX_COLORS);
    if (!is_opaque)
        png_set_tRNS(p->png, p->info, alphas, MAX_COLORS, NULL);
}

static void write_header(picture *p, int level)
{
    bool has_palette = p->palette && !p->expand;
    png_set_write_fn(p->png, p, on_write, ncr_png_ignore_flush);
    png_set_user_limits(p->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_compression_level(p->png, level);
    png_set_IHDR(p->png, p->info, (png_uint_32)p->width, (png_uint_32)p->height, (int)ncr_dtype_size(p->dtype) * 8,
                 has_palette ? PNG_COLOR_TYPE_PALETTE : ncr_png_color_type(p->channels), PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (has_palette)
        set_palette(p);
    png_write_info(p->png, p->info);
    if (p->dtype == NACRE_DTYPE_UINT16 && !ncr_machine_is_big_endian())
        png_set_swap(p->png);
}

static void write_rows(picture *p)
{
    size_t row = (size_t)p->width * (size_t)p->channels * ncr_dtype_size(p->dtype);
    for (int y = 0; y < p->height; y += p->strip_height) {
        int rows = p->height - y < p->strip_height ? p->height - y : p->strip_height;
        p->status = read_strip(p, y, rows);
        if (p->status != NACRE_OK)
            png_error(p->png, "");
        for (int i = 0; i < rows; i++)
            png_write_row(p->png, p->strip + (size_t)i * row);
        p->status = ncr_save_progress(p->save, (double)(y + rows) / p->height, p->err);
        if (p->status != NACRE_OK)
            png_error(p->png, "");
    }
    png_write_end(p->png, p->info);
}

/* Everything between setjmp() and longjmp(); all that changes lives in the picture. */
static nacre_status write_guarded(picture *p, int level)
{
    if (setjmp(png_jmpbuf(p->png)) == 0) {
        write_header(p, level);
        write_rows(p);
    }
    return p->status;
}

static nacre_status write_png(picture *p, int level)
{
    p->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, p, on_error, ncr_png_ignore_warning);
    p->info = p->png ? png_create_info_struct(p->png) : NULL;
    nacre_status status = p->info ? write_guarded(p, level) : ncr_error_memory(p->err);
    png_destroy_write_struct(&p->png, &p->info);
    return status;
}

/* --- The saver --- */

static const char *const option_names[] = {"ZLEVEL", NULL};

static nacre_status read_options(const ncr_save *save, int *level, nacre_error *err)
{
    nacre_status status = ncr_save_check_options(save, option_names, err);
    if (status != NACRE_OK)
        return status;
    const char *text = ncr_save_option(save, "ZLEVEL", "6");
    if (!ncr_text_to_int(text, level) || *level < 0 || *level > 9)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: ZLEVEL=%s is no level from 0 to 9", save->destination->name,
                             text);
    return NACRE_OK;
}

static nacre_status save_picture(picture *p, int level)
{
    const ncr_save *save = p->save;
    nacre_status status = check_bands(p);
    if (status != NACRE_OK)
        return status;
    choose_channels(p);
    status = ncr_save_check_destination(save, p->err);
    if (status == NACRE_OK)
        status = allocate(p);
    if (status == NACRE_OK)
        status = ncr_writer_open(save->destination, "image/png", &save->condition, save->call, &p->writer, p->err);
    if (status == NACRE_OK)
        status = write_png(p, level);
    if (status == NACRE_OK)
        status = ncr_writer_commit(p->writer, p->err);
    return status;
}

static nacre_status save_png(const ncr_save *save, nacre_error *err)
{
    int level;
    nacre_status status = read_options(save, &level, err);
    if (status != NACRE_OK)
        return status;
    picture p = {.save = save, .err = err, .width = save->dataset->width, .height = save->dataset->height};
    status = save_picture(&p, level);
    ncr_writer_close(p.writer);
    free(p.strip);
    free(p.mask);
    free(p.indices);
    return status;
}

static const char *const endings[] = {".png", NULL};
const ncr_saver ncr_png_saver = {.format = "PNG", .options = option_names, .endings = endings, .save = save_png};
