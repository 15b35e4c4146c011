/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/dtype.h"
#include "tiff/dataset.h"

/* What bands are, from the tags of the first directory. */

/* --- Nodata --- */

enum { NUMBER_SIZE = 512 }; /* of a number as text, and more */

/* A number at the beginning of a text, which is cut after it. Programs of Microsoft's C library print "1.#QNAN". */
static bool read_number(char *text, double *out)
{
    static const struct row {
        const char *text;
        double value;
    } rows[] = {{"1.#QNAN", NAN}, {"-1.#QNAN", NAN}, {"-1.#IND", NAN}, {"1.#INF", INFINITY}, {"-1.#INF", -INFINITY}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ncr_text_starts(text, rows[i].text)) {
            *out = rows[i].value;
            return true;
        }
    if (!ncr_text_to_double(text, out))
        text[strspn(text, "+-.0123456789eE")] = 0;
    return ncr_text_to_double(text, out);
}

/* 64-bit integers are kept exactly; one may be told as a real number too. */
static void read_integer(nacre_nodata *nodata, const char *number, nacre_dtype dtype)
{
    if (dtype == NACRE_DTYPE_INT64 && !ncr_text_to_int64(number, &nodata->int64_value))
        ncr_convert(&nodata->value, NACRE_DTYPE_FLOAT64, 0, &nodata->int64_value, dtype, 0, 1);
    if (dtype == NACRE_DTYPE_UINT64 && !ncr_text_to_uint64(number, &nodata->uint64_value))
        ncr_convert(&nodata->value, NACRE_DTYPE_FLOAT64, 0, &nodata->uint64_value, dtype, 0, 1);
}

/* The text of GDAL_NODATA. 64-bit integers are read as such; a text that is no number sets nothing. */
nacre_nodata ncr_tiff_nodata_read(const char *text, nacre_dtype dtype)
{
    nacre_nodata nodata = {0};
    char number[NUMBER_SIZE];
    text += strspn(text, " \t\r\n");
    size_t size = strlen(text);
    while (size && strchr(" \t\r\n", text[size - 1]))
        size--;
    if (size >= sizeof number)
        return nodata;
    memcpy(number, text, size);
    number[size] = 0;
    nodata.is_set = read_number(number, &nodata.value);
    if (nodata.is_set && isfinite(nodata.value))
        read_integer(&nodata, number, dtype);
    return nodata;
}

/* --- Colours --- */

/* Samples that the photometric interpretation itself stands for. */
static unsigned color_samples(unsigned photometric)
{
    switch (photometric) {
    case NCR_PHOTOMETRIC_RGB:
    case NCR_PHOTOMETRIC_YCBCR:
        return 3;
    case NCR_PHOTOMETRIC_SEPARATED:
        return 4;
    default:
        return 1;
    }
}

static nacre_color extra_color(const ncr_tiff_directory *directory, unsigned samples, unsigned sample)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, NCR_TAG_EXTRA_SAMPLES);
    uint64_t kind, first = tag && tag->count < samples ? samples - tag->count : 0;
    if (sample >= first && ncr_tiff_tag_uint(tag, sample - first, &kind) &&
        (kind == NCR_EXTRA_ASSOCIATED_ALPHA || kind == NCR_EXTRA_UNASSOCIATED_ALPHA || kind == NCR_EXTRA_COREL_ALPHA))
        return NACRE_COLOR_ALPHA;
    return NACRE_COLOR_UNDEFINED;
}

static nacre_color color_of(const ncr_tiff_directory *directory, const ncr_tiff_layout *layout, unsigned sample)
{
    static const nacre_color rgb[] = {NACRE_COLOR_RED, NACRE_COLOR_GREEN, NACRE_COLOR_BLUE, NACRE_COLOR_ALPHA};
    static const nacre_color cmyk[] = {NACRE_COLOR_CYAN, NACRE_COLOR_MAGENTA, NACRE_COLOR_YELLOW, NACRE_COLOR_BLACK};
    if (layout->is_rgba)
        return rgb[sample];
    if (sample >= color_samples(layout->photometric))
        return extra_color(directory, layout->samples, sample);
    switch (layout->photometric) {
    case NCR_PHOTOMETRIC_RGB:
    case NCR_PHOTOMETRIC_YCBCR:
        return rgb[sample];
    case NCR_PHOTOMETRIC_SEPARATED:
        return cmyk[sample];
    case NCR_PHOTOMETRIC_PALETTE:
        return NACRE_COLOR_PALETTE;
    case NCR_PHOTOMETRIC_MIN_IS_WHITE:
    case NCR_PHOTOMETRIC_MIN_IS_BLACK:
        return NACRE_COLOR_GRAY;
    default:
        return NACRE_COLOR_UNDEFINED;
    }
}

/* What a value of a colour map is divided by: the standard has 16 bits, and there are writers of 8 bits and of 8 bits
 * moved up. As GDAL decides. */
static unsigned color_divisor(const ncr_tiff_tag *map)
{
    uint64_t value, highest = 0;
    bool is_shifted = true;
    for (uint64_t i = 0; ncr_tiff_tag_uint(map, i, &value); i++) {
        highest = value > highest ? value : highest;
        is_shifted &= value % 256 == 0;
    }
    if (highest < 256)
        return 1;
    return is_shifted ? 256 : 257;
}

/* GDAL shows single bits, and values whose lowest is white, as a palette of grays. */
static bool is_gray_palette(const ncr_tiff_layout *layout)
{
    bool is_bitmap = layout->bits == 1 && layout->samples == 1;
    return is_bitmap || (layout->photometric == NCR_PHOTOMETRIC_MIN_IS_WHITE && layout->bits <= 16);
}

static nacre_status make_grays(const ncr_tiff_layout *layout, ncr_band *band, nacre_error *err)
{
    int last = (1 << layout->bits) - 1;
    bool is_white_first = layout->photometric == NCR_PHOTOMETRIC_MIN_IS_WHITE;
    band->colors = ncr_alloc_array((size_t)last + 1, sizeof *band->colors);
    if (!band->colors)
        return ncr_error_memory(err);
    band->color_count = last + 1;
    band->color = NACRE_COLOR_PALETTE;
    for (int i = 0; i <= last; i++) {
        uint8_t gray = (uint8_t)((is_white_first ? last - i : i) * 255 / last);
        band->colors[i] = (nacre_color_entry){gray, gray, gray, 255};
    }
    return NACRE_OK;
}

static nacre_status read_colors(const ncr_tiff_directory *directory, const ncr_tiff_layout *layout, ncr_band *band,
                                nacre_error *err)
{
    const ncr_tiff_tag *map = ncr_tiff_tag_find(directory, NCR_TAG_COLOR_MAP);
    uint64_t count = UINT64_C(1) << (layout->bits & 63);
    if (!map && is_gray_palette(layout))
        return make_grays(layout, band, err);
    bool is_wanted = layout->photometric == NCR_PHOTOMETRIC_PALETTE ||
                     layout->photometric == NCR_PHOTOMETRIC_MIN_IS_BLACK; /* as GDAL: some writers say gray */
    if (!is_wanted || !map || !map->value || layout->bits > 16 || map->count != 3 * count)
        return NACRE_OK;
    band->color = NACRE_COLOR_PALETTE;
    band->colors = ncr_alloc_array((size_t)count, sizeof *band->colors);
    if (!band->colors)
        return ncr_error_memory(err);
    band->color_count = (int)count;
    unsigned divisor = color_divisor(map);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t red = 0, green = 0, blue = 0;
        ncr_tiff_tag_uint(map, i, &red);
        ncr_tiff_tag_uint(map, count + i, &green);
        ncr_tiff_tag_uint(map, 2 * count + i, &blue);
        bool is_nodata = band->nodata.is_set && band->nodata.value == (double)i;
        band->colors[i] = (nacre_color_entry){(uint8_t)(red / divisor), (uint8_t)(green / divisor),
                                              (uint8_t)(blue / divisor), is_nodata ? 0 : 255};
    }
    return NACRE_OK;
}

/* --- All of it --- */

nacre_status ncr_tiff_describe_bands(ncr_tiff_dataset *dataset, nacre_error *err)
{
    ncr_dataset *base = &dataset->base;
    const ncr_tiff_layout *layout = &dataset->images[0].layout;
    const ncr_tiff_directory *directory = dataset->images[0].directory;
    const char *nodata = ncr_tiff_text(directory, NCR_TAG_GDAL_NODATA);
    for (int i = 0; i < base->band_count; i++) {
        ncr_band *band = &base->bands[i];
        band->dtype = layout->dtype;
        band->bits = (int)layout->bits;
        band->block_width = (int)layout->block_width;
        band->block_height = (int)layout->told_height;
        band->color = color_of(directory, layout, (unsigned)i);
        if (nodata)
            band->nodata = ncr_tiff_nodata_read(nodata, layout->dtype);
    }
    return read_colors(directory, layout, &base->bands[0], err);
}

void ncr_tiff_describe_masks(ncr_tiff_dataset *dataset)
{
    ncr_dataset *base = &dataset->base;
    const ncr_tiff_layout *layout = &dataset->images[0].layout;
    base->alpha_band = 0;
    for (int i = 0; i < base->band_count; i++) {
        if (layout->is_rgba) /* metadata speaks of what is stored */
            base->bands[i].color = color_of(dataset->images[0].directory, layout, (unsigned)i);
        if (base->bands[i].color == NACRE_COLOR_ALPHA)
            base->alpha_band = i + 1;
    }
    ncr_dataset_set_mask_flags(base, dataset->masks != NULL);
    for (int i = 0; i < base->band_count && dataset->masks && dataset->masks[0].layout.samples > 1; i++)
        base->bands[i].mask_flags = 0;
}
