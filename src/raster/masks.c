/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/masks.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/beside.h"
#include "raster/dataset.h"
#include "raster/dtype.h"
#include "raster/nodata.h"
#include "raster/scaled.h"

/* Masks: 0 invalid, 255 valid. Where a band's mask comes from is in its mask_flags, which a driver has set by GDAL's
 * precedence (a mask of the file before nodata, nodata before alpha).
 *
 * One part for each plane that is wanted; the mask of the whole dataset is one plane to which all bands may add. */

typedef struct {
    unsigned flags;
    int band;
    uint8_t *out;        /* first value of the plane */
    uint8_t *pixels;     /* of the band, for NODATA; owned */
    ncr_plan *child;     /* NULL: done, or nothing to read */
    ncr_read_request of; /* of the child: as it was given to it */
} mask_part;

typedef struct {
    ncr_plan plan;
    ncr_dataset *dataset; /* referenced */
    ncr_scaled_request request;
    int width, height; /* of what is made: request.part, or all of the output */
    bool is_union;     /* all parts go to one plane: valid where any is */
    mask_part *parts;
    int part_count;
    int *bands; /* of the parts, for their requests */
} mask_plan;

/* A child that reads into of.buffer with the size of the whole request. */
static nacre_status plan_child(mask_plan *p, mask_part *part, nacre_error *err)
{
    ncr_scaled_request request = p->request;
    request.to = part->of;
    return ncr_dataset_plan_scaled(p->dataset, &request, p->plan.call, &part->child, err);
}

/* The values of a band, from which the mask is made when they have arrived. */
static nacre_status plan_pixels(mask_plan *p, mask_part *part, int band, int index, nacre_error *err)
{
    nacre_dtype dtype = p->dataset->bands[band - 1].dtype;
    size_t value = ncr_dtype_size(dtype), row, plane;
    if (!ncr_size_mul(value, (size_t)p->width, &row) || !ncr_size_mul(row, (size_t)p->height, &plane) ||
        plane > PTRDIFF_MAX)
        return ncr_error_memory(err);
    part->pixels = ncr_alloc_array(plane, 1);
    if (!part->pixels)
        return ncr_error_memory(err);
    p->bands[index] = band;
    part->of = (ncr_read_request){.bands = &p->bands[index],
                                  .band_count = 1,
                                  .dtype = dtype,
                                  .buffer = part->pixels,
                                  .pixel_stride = (ptrdiff_t)value,
                                  .row_stride = (ptrdiff_t)row,
                                  .band_stride = (ptrdiff_t)plane};
    return plan_child(p, part, err);
}

/* The alpha band or the dataset's mask, straight to where it goes; but an alpha band of 16 bits, which is scaled. */
static nacre_status plan_shared(mask_plan *p, mask_part *part, int index, nacre_error *err)
{
    bool is_alpha = part->flags & NACRE_MASK_ALPHA;
    if (is_alpha && p->dataset->bands[p->dataset->alpha_band - 1].dtype == NACRE_DTYPE_UINT16)
        return plan_pixels(p, part, p->dataset->alpha_band, index, err);
    p->bands[index] = p->dataset->alpha_band;
    part->of = p->request.to;
    part->of.bands = &p->bands[index];
    part->of.band_count = 1;
    part->of.mask = !is_alpha;
    part->of.own_mask = false;
    part->of.dtype = NACRE_DTYPE_UINT8;
    part->of.buffer = part->out;
    return plan_child(p, part, err);
}

/* A band's own mask: straight to where it goes, or beside it where it is one of many that are joined. */
static nacre_status plan_own(mask_plan *p, mask_part *part, int index, nacre_error *err)
{
    part->of = p->request.to;
    part->of.buffer = part->out;
    if (p->is_union) {
        part->pixels = ncr_alloc_array((size_t)p->width, (size_t)p->height);
        if (!part->pixels)
            return ncr_error_memory(err);
        part->of.buffer = part->pixels;
        part->of.pixel_stride = 1;
        part->of.row_stride = p->width;
        part->of.band_stride = (ptrdiff_t)p->width * p->height;
    }
    p->bands[index] = part->band;
    part->of.bands = &p->bands[index];
    part->of.band_count = 1;
    part->of.mask = part->of.own_mask = true;
    part->of.dtype = NACRE_DTYPE_UINT8;
    return plan_child(p, part, err);
}

static nacre_status begin_part(mask_plan *p, int index, nacre_error *err)
{
    mask_part *part = &p->parts[index];
    if (part->flags & NACRE_MASK_ALL_VALID)
        return NACRE_OK;
    if (part->flags & NACRE_MASK_NODATA)
        return plan_pixels(p, part, part->band, index, err);
    return part->flags ? plan_shared(p, part, index, err) : plan_own(p, part, index, err);
}

static nacre_status step_masks(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    mask_plan *p = (mask_plan *)plan;
    nacre_status status = NACRE_OK;
    for (int i = 0; i < p->part_count && status == NACRE_OK; i++)
        status = ncr_plan_step_held(&p->parts[i].child, wants, more, err);
    return status;
}

void ncr_mask_of_alpha16(const uint8_t *values, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t value;
        memcpy(&value, values + i * sizeof value, sizeof value);
        out[i] = (uint8_t)(value && value < 257 ? 1 : value * 255u / 65535u);
    }
}

/* What is not quite invalid in a band's own mask is valid in the dataset's. */
static void mark_valid(const uint8_t *values, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = values[i] ? 255 : 0;
}

static void compose_row(const mask_plan *p, const mask_part *part, int y, uint8_t *scratch)
{
    const ncr_read_request *to = &p->request.to;
    uint8_t *out = part->out + (ptrdiff_t)y * to->row_stride;
    size_t width = (size_t)p->width;
    if (!part->pixels) { /* no mask at all: alpha and the dataset's mask were read into their place */
        for (size_t x = 0; x < width; x++)
            out[(ptrdiff_t)x * to->pixel_stride] = 255;
        return;
    }
    const ncr_band *band = &p->dataset->bands[part->band - 1];
    const uint8_t *pixels = part->pixels + (ptrdiff_t)y * part->of.row_stride;
    if (part->flags & NACRE_MASK_NODATA)
        ncr_nodata_mark(&band->nodata, band->dtype, pixels, part->of.pixel_stride, scratch, 1, width);
    else if (part->of.own_mask)
        mark_valid(pixels, scratch, width);
    else
        ncr_mask_of_alpha16(pixels, scratch, width);
    for (size_t x = 0; x < width; x++) {
        uint8_t *value = &out[(ptrdiff_t)x * to->pixel_stride];
        *value = p->is_union ? *value | scratch[x] : scratch[x];
    }
}

static void clear_plane(const mask_plan *p, uint8_t *out)
{
    const ncr_read_request *to = &p->request.to;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++)
            out[(ptrdiff_t)y * to->row_stride + (ptrdiff_t)x * to->pixel_stride] = 0;
}

static nacre_status compose_masks(ncr_plan *plan, nacre_error *err)
{
    mask_plan *p = (mask_plan *)plan;
    uint8_t *scratch = ncr_alloc_array((size_t)p->width, 1);
    if (!scratch)
        return ncr_error_memory(err);
    if (p->is_union)
        clear_plane(p, p->request.to.buffer);
    for (int i = 0; i < p->part_count; i++) {
        const mask_part *part = &p->parts[i];
        bool is_in_place = !part->pixels && part->of.buffer;
        for (int y = 0; !is_in_place && y < p->height; y++)
            compose_row(p, part, y, scratch);
    }
    free(scratch);
    return NACRE_OK;
}

static void free_masks(ncr_plan *plan)
{
    mask_plan *p = (mask_plan *)plan;
    for (int i = 0; p->parts && i < p->part_count; i++) {
        ncr_plan_free(p->parts[i].child);
        free(p->parts[i].pixels);
    }
    free(p->parts);
    free(p->bands);
    ncr_dataset_unref(p->dataset);
    free(p);
}

static size_t estimate_masks(const ncr_plan *plan)
{
    const mask_plan *p = (const mask_plan *)plan;
    size_t total = 0;
    for (int i = 0; i < p->part_count; i++) {
        const mask_part *part = &p->parts[i];
        size_t own = part->pixels ? (size_t)part->of.band_stride : 0;
        size_t child = part->child ? ncr_plan_estimate(part->child) : 0;
        if (!ncr_size_add(total, own, &total) || !ncr_size_add(total, child, &total))
            return SIZE_MAX;
    }
    return total;
}

static const ncr_plan_class mask_class = {
    .step = step_masks, .compose = compose_masks, .free = free_masks, .estimate = estimate_masks};

/* Which planes the whole dataset's mask is made of: alpha or the dataset's mask alone, else every band that has
 * nodata or a mask of its own; a band without a mask makes everything valid. */
static void choose_dataset_parts(mask_plan *p)
{
    const ncr_dataset *dataset = p->dataset;
    unsigned first = dataset->bands[0].mask_flags;
    p->part_count = 1;
    p->parts[0] = (mask_part){.flags = first, .band = 1, .out = p->request.to.buffer};
    if (first & (NACRE_MASK_PER_DATASET | NACRE_MASK_ALPHA))
        return;
    int count = 0;
    for (int i = 0; i < dataset->band_count; i++) {
        unsigned flags = dataset->bands[i].mask_flags;
        if (flags && !(flags & NACRE_MASK_NODATA)) {
            p->parts[0] = (mask_part){.flags = NACRE_MASK_ALL_VALID, .band = i + 1, .out = p->request.to.buffer};
            return;
        }
        p->parts[count++] = (mask_part){.flags = flags, .band = i + 1, .out = p->request.to.buffer};
    }
    p->part_count = count;
    p->is_union = true;
}

static void choose_band_parts(mask_plan *p)
{
    const ncr_read_request *to = &p->request.to;
    p->part_count = to->band_count;
    for (int i = 0; i < to->band_count; i++)
        p->parts[i] = (mask_part){.flags = p->dataset->bands[to->bands[i] - 1].mask_flags,
                                  .band = to->bands[i],
                                  .out = to->buffer + (ptrdiff_t)i * to->band_stride};
}

static nacre_status init_masks(mask_plan *p, nacre_error *err)
{
    const ncr_read_request *to = &p->request.to;
    size_t most = (size_t)(to->band_count ? to->band_count : p->dataset->band_count);
    p->parts = ncr_alloc_array(most, sizeof *p->parts);
    p->bands = ncr_alloc_array(most, sizeof *p->bands);
    if (!p->parts || !p->bands)
        return ncr_error_memory(err);
    if (to->band_count)
        choose_band_parts(p);
    else
        choose_dataset_parts(p);
    nacre_status status = NACRE_OK;
    for (int i = 0; i < p->part_count && status == NACRE_OK; i++)
        status = begin_part(p, i, err);
    return status;
}

/* All is valid by what the dataset itself says: then nothing else looks beside it. */
static bool reads_nothing(const mask_plan *p)
{
    for (int i = 0; i < p->part_count; i++)
        if (p->parts[i].child)
            return false;
    return true;
}

nacre_status ncr_dataset_plan_masks(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                    ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    for (int i = 0; i < request->to.band_count; i++)
        if (request->to.bands[i] < 1 || request->to.bands[i] > dataset->band_count)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(dataset),
                                 request->to.bands[i], dataset->band_count);
    mask_plan *p = ncr_plan_new(sizeof *p, &mask_class, call);
    if (!p)
        return ncr_error_memory(err);
    p->dataset = ncr_dataset_ref(dataset);
    p->request = *request;
    ncr_scaled_size(request, &p->width, &p->height);
    nacre_status status = init_masks(p, err);
    if (status != NACRE_OK) {
        ncr_plan_free(&p->plan);
        return status;
    }
    if (!reads_nothing(p)) {
        *out = &p->plan;
        return NACRE_OK;
    }
    return ncr_beside_plan(dataset, false, &p->plan, out, err);
}
