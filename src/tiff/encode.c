/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/encode.h"

#include <stdio.h>
#include <string.h>
#include <tiffio.h>

#include "raster/dtype.h"
#include "tiff/tags.h"

/* libtiff writes a TIFF of one block into memory; the block's bytes are then cut out of it. */
typedef struct sink {
    ncr_buffer bytes;
    size_t position;
    bool lacks_memory;
    bool is_closed; /* the directory, which is written last, is dropped */
    char message[256];
} sink;

static tmsize_t read_sink(thandle_t user, void *buffer, tmsize_t size)
{
    sink *s = user;
    size_t left = s->position < s->bytes.size ? s->bytes.size - s->position : 0;
    size_t got = (size_t)size < left ? (size_t)size : left;
    if (got)
        memcpy(buffer, s->bytes.data + s->position, got);
    s->position += got;
    return (tmsize_t)got;
}

static tmsize_t write_sink(thandle_t user, void *data, tmsize_t size)
{
    sink *s = user;
    size_t end = s->position + (size_t)size;
    if (s->is_closed)
        return size;
    if (end > s->bytes.size) {
        size_t more = end - s->bytes.size;
        uint8_t *room = ncr_buffer_reserve(&s->bytes, more);
        if (!room) {
            s->lacks_memory = true;
            return -1;
        }
        memset(room, 0, more);
        s->bytes.size += more;
    }
    memcpy(s->bytes.data + s->position, data, (size_t)size);
    s->position = end;
    return size;
}

static toff_t seek_sink(thandle_t user, toff_t offset, int whence)
{
    sink *s = user;
    if (whence == SEEK_CUR)
        offset += s->position;
    else if (whence == SEEK_END)
        offset += s->bytes.size;
    s->position = (size_t)offset;
    return offset;
}

static int close_sink(thandle_t user)
{
    (void)user;
    return 0;
}

static toff_t sink_size(thandle_t user)
{
    return ((sink *)user)->bytes.size;
}

static int keep_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    (void)tiff, (void)module;
    sink *s = user;
    if (!*s->message)
        vsnprintf(s->message, sizeof s->message, format, arguments);
    return 1;
}

static int drop_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    (void)tiff, (void)user, (void)module, (void)format, (void)arguments;
    return 1;
}

static TIFF *open_sink(sink *s)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, drop_warning, s);
    TIFF *tiff = TIFFClientOpenExt("block", "wlm", s, read_sink, write_sink, seek_sink, close_sink, sink_size, NULL,
                                   NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

unsigned ncr_tiff_sample_format(nacre_dtype dtype)
{
    if (!ncr_dtype_is_integer(dtype))
        return NCR_SAMPLE_FLOAT;
    return ncr_dtype_is_signed(dtype) ? NCR_SAMPLE_INT : NCR_SAMPLE_UINT;
}

static void set_level(TIFF *tiff, const ncr_tiff_format *format)
{
    if (format->level < 0)
        return;
    if (format->compression == COMPRESSION_ADOBE_DEFLATE)
        TIFFSetField(tiff, TIFFTAG_ZIPQUALITY, format->level);
    else if (format->compression == COMPRESSION_ZSTD)
        TIFFSetField(tiff, TIFFTAG_ZSTD_LEVEL, format->level);
}

static void set_fields(TIFF *tiff, const ncr_tiff_format *format, int rows)
{
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)format->block_width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)rows);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, (uint16_t)format->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (uint16_t)format->samples);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, (uint16_t)ncr_tiff_sample_format(format->dtype));
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, (uint16_t)format->compression);
    if (format->predictor > 1)
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, (uint16_t)format->predictor);
    set_level(tiff, format);
    if (format->is_tiled) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, (uint32_t)format->block_width);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, (uint32_t)rows);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, (uint32_t)rows);
    }
}

/* Leaves only the block in the sink's bytes. */
static bool cut_out(TIFF *tiff, sink *s)
{
    uint64_t offset = TIFFGetStrileOffset(tiff, 0), size = TIFFGetStrileByteCount(tiff, 0);
    if (!size || offset > s->bytes.size || size > s->bytes.size - offset)
        return false;
    memmove(s->bytes.data, s->bytes.data + offset, (size_t)size);
    s->bytes.size = (size_t)size;
    return true;
}

nacre_status ncr_tiff_encode(const ncr_tiff_format *format, const char *name, int rows, void *pixels, size_t size,
                             ncr_buffer *out, nacre_error *err)
{
    sink s = {0};
    ncr_buffer_init(&s.bytes, SIZE_MAX);
    TIFF *tiff = open_sink(&s);
    bool is_written = false;
    if (tiff) {
        set_fields(tiff, format, rows);
        tmsize_t written = format->is_tiled ? TIFFWriteEncodedTile(tiff, 0, pixels, (tmsize_t)size)
                                            : TIFFWriteEncodedStrip(tiff, 0, pixels, (tmsize_t)size);
        is_written = written >= 0 && cut_out(tiff, &s);
        s.is_closed = true;
        TIFFClose(tiff);
    }
    *out = s.bytes;
    if (is_written)
        return NACRE_OK;
    if (s.lacks_memory || !*s.message)
        return ncr_error_memory(err);
    return ncr_error_set(err, NACRE_ERROR_IO, "%s: a block could not be encoded: %s", name, s.message);
}
