/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/index.h"

#include <string.h>

size_t ncr_tiff_type_size(unsigned type)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

const ncr_tiff_tag *ncr_tiff_tag_find(const ncr_tiff_directory *directory, unsigned id)
{
    for (size_t i = 0; i < directory->tag_count; i++)
        if (directory->tags[i].id == id)
            return &directory->tags[i];
    return NULL;
}

/* Some writers have signed fields for what is never negative. */
static bool nonnegative(int64_t value, uint64_t *out)
{
    if (value >= 0)
        *out = (uint64_t)value;
    return value >= 0;
}

bool ncr_tiff_tag_uint(const ncr_tiff_tag *tag, uint64_t index, uint64_t *out)
{
    if (!tag || !tag->value || index >= tag->count)
        return false;
    switch (tag->type) {
    case NCR_TYPE_BYTE:
    case NCR_TYPE_UNDEFINED:
        *out = ((const uint8_t *)tag->value)[index];
        return true;
    case NCR_TYPE_SHORT:
        *out = ((const uint16_t *)tag->value)[index];
        return true;
    case NCR_TYPE_LONG:
    case NCR_TYPE_IFD:
        *out = ((const uint32_t *)tag->value)[index];
        return true;
    case NCR_TYPE_LONG8:
    case NCR_TYPE_IFD8:
        *out = ((const uint64_t *)tag->value)[index];
        return true;
    case NCR_TYPE_SBYTE:
        return nonnegative(((const int8_t *)tag->value)[index], out);
    case NCR_TYPE_SSHORT:
        return nonnegative(((const int16_t *)tag->value)[index], out);
    case NCR_TYPE_SLONG:
        return nonnegative(((const int32_t *)tag->value)[index], out);
    case NCR_TYPE_SLONG8:
        return nonnegative(((const int64_t *)tag->value)[index], out);
    default:
        return false;
    }
}

static bool signed_value(const ncr_tiff_tag *tag, uint64_t index, double *out)
{
    switch (tag->type) {
    case NCR_TYPE_SBYTE:
        *out = ((const int8_t *)tag->value)[index];
        return true;
    case NCR_TYPE_SSHORT:
        *out = ((const int16_t *)tag->value)[index];
        return true;
    case NCR_TYPE_SLONG:
        *out = ((const int32_t *)tag->value)[index];
        return true;
    case NCR_TYPE_SLONG8:
        *out = (double)((const int64_t *)tag->value)[index];
        return true;
    default:
        return false;
    }
}

/* A rational's two halves are 32-bit integers, one after the other. */
static double rational_value(const ncr_tiff_tag *tag, uint64_t index)
{
    if (tag->type == NCR_TYPE_RATIONAL) {
        const uint32_t *half = (const uint32_t *)tag->value + 2 * index;
        return half[1] ? (double)half[0] / half[1] : 0;
    }
    const int32_t *half = (const int32_t *)tag->value + 2 * index;
    return half[1] ? (double)half[0] / half[1] : 0;
}

bool ncr_tiff_tag_double(const ncr_tiff_tag *tag, uint64_t index, double *out)
{
    uint64_t number;
    if (ncr_tiff_tag_uint(tag, index, &number)) {
        *out = (double)number;
        return true;
    }
    if (!tag || !tag->value || index >= tag->count)
        return false;
    switch (tag->type) {
    case NCR_TYPE_FLOAT:
        *out = ((const float *)tag->value)[index];
        return true;
    case NCR_TYPE_DOUBLE:
        *out = ((const double *)tag->value)[index];
        return true;
    case NCR_TYPE_RATIONAL:
    case NCR_TYPE_SRATIONAL:
        *out = rational_value(tag, index);
        return true;
    default:
        return signed_value(tag, index, out);
    }
}

uint64_t ncr_tiff_uint(const ncr_tiff_directory *directory, unsigned id, uint64_t fallback)
{
    ncr_tiff_tag_uint(ncr_tiff_tag_find(directory, id), 0, &fallback);
    return fallback;
}

const char *ncr_tiff_text(const ncr_tiff_directory *directory, unsigned id)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, id);
    bool is_text = tag && tag->value && ncr_tiff_type_size(tag->type) == 1;
    return is_text ? tag->value : NULL;
}

bool ncr_tiff_probe(const uint8_t *head, size_t size)
{
    return size >= 8 && (!memcmp(head, "II*\0", 4) || !memcmp(head, "MM\0*", 4) || !memcmp(head, "II+\0", 4) ||
                         !memcmp(head, "MM\0+", 4));
}
