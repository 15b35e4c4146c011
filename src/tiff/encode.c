/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/encode.h"

#include <stdio.h>
#include <stdlib.h>
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
        if (s->position > s->bytes.size)
            memset(room, 0, s->position - s->bytes.size);
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
    bool is_integer = ncr_dtype_is_integer(ncr_dtype_part(dtype));
    if (ncr_dtype_is_complex(dtype))
        return is_integer ? NCR_SAMPLE_COMPLEX_INT : NCR_SAMPLE_COMPLEX;
    if (!is_integer)
        return NCR_SAMPLE_FLOAT;
    return ncr_dtype_is_signed(dtype) ? NCR_SAMPLE_INT : NCR_SAMPLE_UINT;
}

size_t ncr_tiff_format_row_size(const ncr_tiff_format *format)
{
    return ((size_t)format->block_width * format->samples * format->bits + 7) / 8;
}

static uint32_t value_at(const void *values, nacre_dtype dtype, size_t i)
{
    if (dtype == NACRE_DTYPE_UINT8)
        return ((const uint8_t *)values)[i];
    return dtype == NACRE_DTYPE_UINT16 ? ((const uint16_t *)values)[i] : ((const uint32_t *)values)[i];
}

void ncr_tiff_pack_bits(const void *values, nacre_dtype dtype, unsigned bits, size_t count, uint8_t *out)
{
    uint32_t most = bits < 32 ? (UINT32_C(1) << bits) - 1 : UINT32_MAX;
    size_t at = 0; /* bits so far */
    for (size_t i = 0; i < count; i++, at += bits) {
        uint32_t value = value_at(values, dtype, i);
        value = value < most ? value : most;
        for (unsigned bit = 0; bit < bits; bit++)
            if (value >> (bits - 1 - bit) & 1)
                out[(at + bit) / 8] |= (uint8_t)(0x80 >> (at + bit) % 8);
    }
}

static void set_deflate_or_zstd(TIFF *tiff, const ncr_coding *coding, bool is_zstd)
{
    if (coding->level >= 0)
        TIFFSetField(tiff, is_zstd ? TIFFTAG_ZSTD_LEVEL : TIFFTAG_ZIPQUALITY, coding->level);
}

/* What libtiff takes as if it were tags. Shared tables of JPEG hold the quantisation only: each block has Huffman
 * tables of its own, which makes it smaller, as GDAL writes it. */
static void set_coding(TIFF *tiff, const ncr_tiff_format *format)
{
    const ncr_coding *coding = &format->coding;
    switch (coding->codec->compression) {
    case COMPRESSION_ADOBE_DEFLATE:
        set_deflate_or_zstd(tiff, coding, false);
        break;
    case COMPRESSION_ZSTD:
        set_deflate_or_zstd(tiff, coding, true);
        break;
    case COMPRESSION_LZMA:
        if (coding->level >= 0)
            TIFFSetField(tiff, TIFFTAG_LZMAPRESET, coding->level);
        break;
    case COMPRESSION_LERC:
        TIFFSetField(tiff, TIFFTAG_LERC_MAXZERROR, coding->max_z_error);
        TIFFSetField(tiff, TIFFTAG_LERC_ADD_COMPRESSION, coding->addition);
        if (coding->addition)
            set_deflate_or_zstd(tiff, coding, coding->addition == LERC_ADD_COMPRESSION_ZSTD);
        break;
    case COMPRESSION_WEBP:
        TIFFSetField(tiff, TIFFTAG_WEBP_LEVEL, coding->quality);
        TIFFSetField(tiff, TIFFTAG_WEBP_LOSSLESS, coding->is_lossless ? 1 : 0);
        break;
    case COMPRESSION_JPEG:
        TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, coding->quality);
        TIFFSetField(tiff, TIFFTAG_JPEGTABLESMODE, format->tables ? 0 : JPEGTABLESMODE_QUANT);
        if (format->photometric == NCR_PHOTOMETRIC_YCBCR)
            TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        break;
    default:
        break;
    }
}

/* Only JPEG looks at the photometric interpretation, of pictures. */
static unsigned photometric_for(const ncr_tiff_format *format)
{
    bool matters = format->coding.codec->compression == COMPRESSION_JPEG && format->samples >= 3 &&
                   (format->photometric == NCR_PHOTOMETRIC_RGB || format->photometric == NCR_PHOTOMETRIC_YCBCR);
    return matters ? format->photometric : NCR_PHOTOMETRIC_MIN_IS_BLACK;
}

static void set_fields(TIFF *tiff, const ncr_tiff_format *format, int rows)
{
    static const uint16_t unspecified[UINT8_MAX];
    unsigned photometric = photometric_for(format);
    unsigned extra = format->samples - (photometric == NCR_PHOTOMETRIC_MIN_IS_BLACK ? 1 : 3);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)format->block_width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)rows);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, (uint16_t)format->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (uint16_t)format->samples);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, (uint16_t)ncr_tiff_sample_format(format->dtype));
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, (uint16_t)photometric);
    if (extra && extra <= UINT8_MAX)
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, (uint16_t)extra, unspecified);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, (uint16_t)format->coding.codec->compression);
    if (format->coding.predictor > 1)
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, (uint16_t)format->coding.predictor);
    set_coding(tiff, format);
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

static nacre_status encode_block(const ncr_tiff_format *format, const char *name, int rows, void *pixels, size_t size,
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

/* --- How hard Deflate tries --- */

/* Where noise leaves nothing to be found, level 6 takes four times as long as level 1 and is the larger one of them.
 * Some rows in the middle of a block tell; nothing else does, so that a file's bytes do not depend on threads. Blocks
 * that are small would spend on it what it saves. */
enum { LEVEL_FAST = 1, LEVEL_USUAL = 6, TRIED_BLOCK = 512 * 1024, TRIED_BYTES = 32 * 1024, TRIED_SHARE = 32 };

static nacre_status try_level(const ncr_tiff_format *format, int level, const char *name, int rows, const void *pixels,
                              size_t size, size_t *encoded, nacre_error *err)
{
    ncr_tiff_format tried = *format;
    ncr_buffer out;
    void *copy = ncr_alloc_array(size, 1); /* libtiff may change it */
    *encoded = 0;
    if (!copy)
        return ncr_error_memory(err);
    memcpy(copy, pixels, size);
    tried.is_tiled = false;
    tried.coding.level = level;
    nacre_status status = encode_block(&tried, name, rows, copy, size, &out, err);
    *encoded = out.size;
    ncr_buffer_clear(&out);
    free(copy);
    return status;
}

static nacre_status choose_level(const ncr_tiff_format *format, const char *name, int rows, const uint8_t *pixels,
                                 size_t size, int *level, nacre_error *err)
{
    size_t row = ncr_tiff_format_row_size(format), fast, usual;
    size_t bytes = size / TRIED_SHARE > TRIED_BYTES ? size / TRIED_SHARE : TRIED_BYTES;
    size_t tried = bytes / row ? bytes / row : 1;
    *level = LEVEL_USUAL;
    if (size < TRIED_BLOCK || tried >= (size_t)rows)
        return NACRE_OK;
    const uint8_t *middle = pixels + ((size_t)rows - tried) / 2 * row;
    nacre_status status = try_level(format, LEVEL_FAST, name, (int)tried, middle, tried * row, &fast, err);
    if (status != NACRE_OK || fast < tried * row / 5) /* there is much to be found */
        return status;
    status = try_level(format, LEVEL_USUAL, name, (int)tried, middle, tried * row, &usual, err);
    if (status == NACRE_OK && fast < usual)
        *level = LEVEL_FAST;
    return status;
}

nacre_status ncr_tiff_encode(const ncr_tiff_format *format, const char *name, int rows, void *pixels, size_t size,
                             ncr_buffer *out, nacre_error *err)
{
    ncr_tiff_format chosen = *format;
    nacre_status status = NACRE_OK;
    if (format->coding.codec->compression == COMPRESSION_ADOBE_DEFLATE && format->coding.level < 0)
        status = choose_level(format, name, rows, pixels, size, &chosen.coding.level, err);
    if (status == NACRE_OK)
        return encode_block(&chosen, name, rows, pixels, size, out, err);
    ncr_buffer_init(out, SIZE_MAX);
    return status;
}

/* libtiff makes them before the first block, of which they do not depend. */
nacre_status ncr_tiff_encode_tables(const ncr_tiff_format *format, const char *name, ncr_buffer *out, nacre_error *err)
{
    sink s = {0};
    ncr_buffer_init(&s.bytes, SIZE_MAX);
    ncr_buffer_init(out, SIZE_MAX);
    if (format->coding.codec->compression != COMPRESSION_JPEG)
        return NACRE_OK;
    if (format->tables)
        return ncr_buffer_append(out, format->tables, format->tables_size) ? NACRE_OK : ncr_error_memory(err);
    TIFF *tiff = open_sink(&s);
    bool has_tables = false;
    uint8_t block[16 * 16 * 4] = {0};
    ncr_tiff_format small = *format;
    small.block_width = small.block_height = 16;
    if (tiff) {
        uint32_t size = 0;
        const void *tables = NULL;
        set_fields(tiff, &small, 16);
        tmsize_t whole = (tmsize_t)(16 * ncr_tiff_format_row_size(&small));
        tmsize_t written =
            small.is_tiled ? TIFFWriteEncodedTile(tiff, 0, block, whole) : TIFFWriteEncodedStrip(tiff, 0, block, whole);
        has_tables = written >= 0 && TIFFGetField(tiff, TIFFTAG_JPEGTABLES, &size, &tables) && size &&
                     ncr_buffer_append(out, tables, size);
        s.is_closed = true;
        TIFFClose(tiff);
    }
    ncr_buffer_clear(&s.bytes);
    if (has_tables)
        return NACRE_OK;
    if (s.lacks_memory || !*s.message)
        return ncr_error_memory(err);
    return ncr_error_set(err, NACRE_ERROR_IO, "%s: the tables of JPEG could not be made: %s", name, s.message);
}
