/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "picture/encode.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/memory.h"
#include "picture/libpng.h"

/* Of photographs, filter `sub` and zlib's run lengths take two thirds of the time of level 1 without a filter, and come
 * within a hundredth of the size of level 6 (a seventh of its speed); other filters cost time and give nothing. Charts
 * consist of repetitions, which only a search for matches finds, and filters hide. */

enum { COMPRESSION_LEVEL = 1, CHUNK_BYTES = 64 * 1024 };

typedef struct {
    const ncr_picture *picture;
    ncr_buffer bytes;
    png_structp png;
    png_infop info;
    nacre_error *err;
    nacre_status status;
} encoding;

static void on_error(png_structp png, png_const_charp text)
{
    encoding *e = png_get_error_ptr(png);
    if (e->status == NACRE_OK)
        e->status = ncr_error_set(e->err, NACRE_ERROR_INVALID, "picture: PNG: %s", text);
    longjmp(png_jmpbuf(png), 1);
}

static void on_write(png_structp png, png_bytep data, size_t size)
{
    encoding *e = png_get_io_ptr(png);
    if (ncr_buffer_append(&e->bytes, data, size))
        return;
    e->status = ncr_error_memory(e->err);
    png_error(png, "");
}

static void write_picture(encoding *e)
{
    const ncr_picture *p = e->picture;
    png_set_write_fn(e->png, e, on_write, ncr_png_ignore_flush);
    png_set_compression_level(e->png, COMPRESSION_LEVEL);
    png_set_compression_strategy(e->png, p->is_chart ? Z_DEFAULT_STRATEGY : Z_RLE);
    png_set_filter(e->png, PNG_FILTER_TYPE_BASE, p->is_chart ? PNG_FILTER_NONE : PNG_FILTER_SUB);
    png_set_compression_buffer_size(e->png, CHUNK_BYTES);
    png_set_IHDR(e->png, e->info, (png_uint_32)p->width, (png_uint_32)p->height, 8, ncr_png_color_type(p->channels),
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(e->png, e->info);
    size_t row = (size_t)p->width * (size_t)p->channels;
    for (int y = 0; y < p->height; y++)
        png_write_row(e->png, p->pixels + (size_t)y * row);
    png_write_end(e->png, e->info);
}

/* Everything between setjmp() and longjmp(); all that changes lives in the encoding. */
static nacre_status write_guarded(encoding *e)
{
    if (setjmp(png_jmpbuf(e->png)) == 0)
        write_picture(e);
    return e->status;
}

nacre_status ncr_picture_encode_png(const ncr_picture *picture, uint8_t **out, size_t *size, nacre_error *err)
{
    *out = NULL;
    *size = 0;
    encoding e = {.picture = picture, .err = err};
    ncr_buffer_init(&e.bytes, SIZE_MAX);
    e.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &e, on_error, ncr_png_ignore_warning);
    e.info = e.png ? png_create_info_struct(e.png) : NULL;
    nacre_status status = e.info ? write_guarded(&e) : ncr_error_memory(err);
    png_destroy_write_struct(&e.png, &e.info);
    if (status == NACRE_OK) {
        *out = e.bytes.data;
        *size = e.bytes.size;
    } else {
        ncr_buffer_clear(&e.bytes);
    }
    return status;
}
