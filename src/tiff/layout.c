/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/layout.h"

#include <inttypes.h>
#include <limits.h>
#include <tiff.h>

#include "base/memory.h"
#include "raster/dtype.h"
#include "tiff/codec.h"
#include "tiff/samples.h"

unsigned ncr_tiff_layout_block_samples(const ncr_tiff_layout *layout)
{
    return layout->is_separate ? 1 : layout->samples;
}

uint32_t ncr_tiff_layout_block_rows(const ncr_tiff_layout *layout, uint32_t block_y)
{
    uint32_t left = layout->height - block_y * layout->block_height;
    return layout->is_tiled || left > layout->block_height ? layout->block_height : left;
}

/* Whether every value of a tag is the same. */
static bool is_uniform(const ncr_tiff_directory *directory, unsigned id, uint64_t first)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, id);
    uint64_t value;
    for (uint64_t i = 1; ncr_tiff_tag_uint(tag, i, &value); i++)
        if (value != first)
            return false;
    return true;
}

static nacre_status read_samples(const char *name, const ncr_tiff_directory *directory, ncr_tiff_layout *out,
                                 nacre_error *err)
{
    uint64_t samples = ncr_tiff_uint(directory, NCR_TAG_SAMPLES_PER_PIXEL, 1);
    uint64_t planar = ncr_tiff_uint(directory, NCR_TAG_PLANAR_CONFIG, NCR_PLANAR_CONTIG);
    uint64_t bits = ncr_tiff_uint(directory, NCR_TAG_BITS_PER_SAMPLE, 1);
    uint64_t format = ncr_tiff_uint(directory, NCR_TAG_SAMPLE_FORMAT, NCR_SAMPLE_UINT);
    if (!samples || samples > UINT16_MAX)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: a pixel of %" PRIu64 " samples", name, samples);
    if (planar != NCR_PLANAR_CONTIG && planar != NCR_PLANAR_SEPARATE)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: PlanarConfiguration is %" PRIu64, name, planar);
    if (!is_uniform(directory, NCR_TAG_BITS_PER_SAMPLE, bits) || !is_uniform(directory, NCR_TAG_SAMPLE_FORMAT, format))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: bands of different types in one TIFF", name);
    out->dtype = bits <= 128 && format <= UINT16_MAX ? ncr_tiff_samples_dtype((unsigned)bits, (unsigned)format)
                                                     : NACRE_DTYPE_UNKNOWN;
    if (out->dtype == NACRE_DTYPE_UNKNOWN)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: values of %" PRIu64 " bits with SampleFormat %" PRIu64 " are not supported", name,
                             bits, format);
    out->samples = out->stored_samples = (unsigned)samples;
    out->is_separate = planar == NCR_PLANAR_SEPARATE && samples > 1;
    out->bits = (unsigned)bits;
    return NACRE_OK;
}

/* A palette without colours, or with too few, is none: libtiff takes it for colours or gray. */
static unsigned photometric_of(const ncr_tiff_directory *directory, const ncr_tiff_layout *layout)
{
    uint64_t photometric = ncr_tiff_uint(directory, NCR_TAG_PHOTOMETRIC, NCR_PHOTOMETRIC_MIN_IS_BLACK);
    const ncr_tiff_tag *map = ncr_tiff_tag_find(directory, NCR_TAG_COLOR_MAP);
    bool has_colors = map && layout->bits <= 16 && map->count == UINT64_C(3) << layout->bits;
    if (photometric == NCR_PHOTOMETRIC_PALETTE && layout->bits >= 8 && !has_colors)
        photometric = layout->samples == 3 ? NCR_PHOTOMETRIC_RGB : NCR_PHOTOMETRIC_MIN_IS_BLACK;
    return photometric <= UINT16_MAX ? (unsigned)photometric : UINT16_MAX;
}

/* Which colours are turned into RGB, as GDAL does: CMYK and CIE L*a*b* of bytes into four bands, YCbCr into three. JPEG
 * turns YCbCr by itself. */
static nacre_status read_colors(const char *name, const ncr_tiff_directory *directory, const ncr_tiff_codec *codec,
                                ncr_tiff_layout *out, nacre_error *err)
{
    bool is_ycbcr = out->photometric == NCR_PHOTOMETRIC_YCBCR, is_jpeg = out->compression == COMPRESSION_JPEG;
    if (is_ycbcr && (out->is_separate || out->samples != 3 || out->bits != 8))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: YCbCr pixels of %u samples of %u bits (%s%s) are not supported, only of 3 of 8 bits",
                             name, out->samples, out->bits, codec->name, out->is_separate ? ", separate planes" : "");
    bool is_cmyk = out->photometric == NCR_PHOTOMETRIC_SEPARATED && out->samples >= 4 &&
                   ncr_tiff_uint(directory, NCR_TAG_INK_SET, INKSET_CMYK) == INKSET_CMYK;
    bool is_lab = out->photometric == NCR_PHOTOMETRIC_CIELAB && out->samples == 3;
    out->is_rgba = out->dtype == NACRE_DTYPE_UINT8 && out->bits == 8 && !out->is_separate &&
                   (is_cmyk || is_lab || (is_ycbcr && !is_jpeg));
    if (out->is_rgba && !is_ycbcr)
        out->samples = 4;
    return NACRE_OK;
}

static nacre_status read_codec(const char *name, const ncr_tiff_directory *directory, ncr_tiff_layout *out,
                               nacre_error *err)
{
    uint64_t compression = ncr_tiff_uint(directory, NCR_TAG_COMPRESSION, COMPRESSION_NONE);
    uint64_t predictor = ncr_tiff_uint(directory, NCR_TAG_PREDICTOR, 1);
    const ncr_tiff_codec *codec = compression <= UINT16_MAX ? ncr_tiff_codec_find((unsigned)compression) : NULL;
    if (!codec || !ncr_tiff_codec_is_supported(codec->compression))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: compression %" PRIu64 " (%s) is not supported", name,
                             compression, codec ? codec->name : "unknown");
    out->compression = (unsigned)compression;
    out->photometric = photometric_of(directory, out);
    out->fill_order = (unsigned)ncr_tiff_uint(directory, NCR_TAG_FILL_ORDER, 1);
    if (predictor < 1 || predictor > 3)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: predictor %" PRIu64 " is not supported", name,
                             predictor);
    out->predictor = (unsigned)predictor;
    if (compression == COMPRESSION_JPEG && out->bits != 8)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: JPEG of %u bits is not supported, only of 8", name,
                             out->bits);
    return read_colors(name, directory, codec, out, err);
}

/* An uncompressed image in a single strip is read in parts of whole rows. libtiff's have at most 8 KiB, and these are
 * told; ours are larger. */
static uint64_t chop(const ncr_tiff_directory *directory, ncr_tiff_layout *out, uint64_t rows)
{
    enum { TOLD_PART = 8 * 1024, PART = 256 * 1024 };
    uint64_t row = ncr_tiff_samples_row_size(out->bits, (size_t)out->width * out->stored_samples);
    uint64_t told = row && row < TOLD_PART ? TOLD_PART / row : 1, part = row && row < PART ? PART / row : 1, size = 0;
    const ncr_tiff_tag *sizes = ncr_tiff_tag_find(directory, NCR_TAG_STRIP_BYTE_COUNTS);
    out->told_height = (uint32_t)rows;
    out->is_chopped = out->compression == COMPRESSION_NONE && !out->is_separate && !out->is_rgba &&
                      rows >= out->height && told < rows && ncr_tiff_tag_uint(sizes, 0, &size) && size;
    if (!out->is_chopped)
        return rows;
    out->told_height = (uint32_t)told;
    return part < rows ? part : rows;
}

static nacre_status read_blocks(const char *name, const ncr_tiff_directory *directory, ncr_tiff_layout *out,
                                nacre_error *err)
{
    uint64_t width = out->width, height = out->height;
    out->is_tiled = ncr_tiff_tag_find(directory, NCR_TAG_TILE_WIDTH);
    if (out->is_tiled) {
        width = ncr_tiff_uint(directory, NCR_TAG_TILE_WIDTH, 0);
        height = ncr_tiff_uint(directory, NCR_TAG_TILE_LENGTH, 0);
        out->told_height = (uint32_t)height;
    } else {
        uint64_t rows = ncr_tiff_uint(directory, NCR_TAG_ROWS_PER_STRIP, UINT32_MAX);
        height = chop(directory, out, rows < height ? rows : height);
    }
    if (!width || !height || width > INT_MAX || height > INT_MAX)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: blocks of %" PRIu64 " by %" PRIu64 " pixels", name, width,
                             height);
    out->block_width = (uint32_t)width;
    out->block_height = (uint32_t)height;
    out->blocks_across = (uint32_t)((out->width + width - 1) / width);
    out->blocks_down = (uint32_t)((out->height + height - 1) / height);
    uint64_t plane = (uint64_t)out->blocks_across * out->blocks_down;
    if (__builtin_mul_overflow(plane, out->is_separate ? out->samples : 1, &out->block_count) ||
        !ncr_size_mul((size_t)width, (size_t)height, &out->block_size) ||
        !ncr_size_mul(out->block_size, ncr_tiff_layout_block_samples(out) * ncr_dtype_size(out->dtype),
                      &out->block_size) ||
        out->block_size > PTRDIFF_MAX)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: blocks of %" PRIu64 " by %" PRIu64 " pixels of %u samples",
                             name, width, height, out->samples);
    return NACRE_OK;
}

nacre_status ncr_tiff_layout_read(const char *name, const ncr_tiff_directory *directory, ncr_tiff_layout *out,
                                  nacre_error *err)
{
    *out = (ncr_tiff_layout){0};
    uint64_t width = ncr_tiff_uint(directory, NCR_TAG_IMAGE_WIDTH, 0);
    uint64_t height = ncr_tiff_uint(directory, NCR_TAG_IMAGE_LENGTH, 0);
    if (!width || !height || width > INT_MAX || height > INT_MAX)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: an image of %" PRIu64 " by %" PRIu64 " pixels", name, width,
                             height);
    out->width = (uint32_t)width;
    out->height = (uint32_t)height;
    nacre_status status = read_samples(name, directory, out, err);
    if (status == NACRE_OK)
        status = read_codec(name, directory, out, err);
    if (status == NACRE_OK)
        status = read_blocks(name, directory, out, err);
    return status;
}
