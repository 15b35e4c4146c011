/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/crs.h"
#include "tiff/dataset.h"
#include "tiff/geokeys.h"

/* Where the raster is: transform or ground control points, and the CRS of either.
 *
 * Raster positions of tags are those of pixel corners (PixelIsArea) or of pixel centres (PixelIsPoint); ours are those
 * of corners, so that the latter move by half a pixel. */

enum { TIEPOINT = 6, MATRIX = 16 };

/* The first `count` values of a tag of doubles; false where it has fewer. */
static bool get_doubles(const ncr_tiff_directory *directory, unsigned id, size_t count, double *out)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, id);
    for (size_t i = 0; i < count; i++)
        if (!ncr_tiff_tag_double(tag, i, &out[i]))
            return false;
    return true;
}

/* From scales and a tie point, which is the origin where there is none. A negative scale of y is taken for its absolute
 * value, as GDAL does. */
static bool scale_transform(const ncr_tiff_directory *directory, nacre_transform *out)
{
    double scale[2], tie[TIEPOINT];
    if (!get_doubles(directory, NCR_TAG_MODEL_PIXEL_SCALE, 2, scale) || scale[0] == 0 || scale[1] == 0)
        return false;
    if (!get_doubles(directory, NCR_TAG_MODEL_TIEPOINT, TIEPOINT, tie))
        memset(tie, 0, sizeof tie);
    double a = scale[0], e = -fabs(scale[1]);
    *out = (nacre_transform){.a = a, .c = tie[3] - tie[0] * a, .e = e, .f = tie[4] - tie[1] * e};
    return true;
}

static bool matrix_transform(const ncr_tiff_directory *directory, nacre_transform *out)
{
    double m[MATRIX];
    if (!get_doubles(directory, NCR_TAG_MODEL_TRANSFORMATION, MATRIX, m))
        return false;
    *out = (nacre_transform){.a = m[0], .b = m[1], .c = m[3], .d = m[4], .e = m[5], .f = m[7]};
    return true;
}

static nacre_status read_gcps(ncr_dataset *base, const ncr_tiff_directory *directory, double shift, nacre_error *err)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, NCR_TAG_MODEL_TIEPOINT);
    if (!tag || !tag->value || tag->type != NCR_TYPE_DOUBLE || tag->count < TIEPOINT)
        return NACRE_OK;
    size_t count = (size_t)tag->count / TIEPOINT;
    const double *tie = tag->value;
    base->gcps = ncr_alloc_array(count, sizeof *base->gcps);
    if (!base->gcps)
        return ncr_error_memory(err);
    for (size_t i = 0; i < count; i++, tie += TIEPOINT) {
        nacre_gcp *gcp = &base->gcps[base->gcp_count++];
        *gcp = (nacre_gcp){.id = ncr_text_format("%zu", i + 1),
                           .info = ncr_text_copy(""),
                           .pixel = tie[0] + shift,
                           .line = tie[1] + shift,
                           .x = tie[3],
                           .y = tie[4],
                           .z = tie[5]};
        if (!gcp->id || !gcp->info)
            return ncr_error_memory(err);
    }
    return NACRE_OK;
}

/* Bands whose unit is not told are taken for heights, as in GDAL. */
static nacre_status set_height_units(ncr_dataset *base, const char *unit, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (int i = 0; unit && i < base->band_count && status == NACRE_OK; i++)
        if (!base->bands[i].unit) {
            base->bands[i].unit = ncr_text_copy(unit);
            status = base->bands[i].unit ? NACRE_OK : ncr_error_memory(err);
        }
    return status;
}

nacre_status ncr_tiff_describe_position(ncr_tiff_dataset *dataset, nacre_error *err)
{
    ncr_dataset *base = &dataset->base;
    const ncr_tiff_directory *directory = dataset->images[0].directory;
    ncr_geokeys keys;
    nacre_status status = ncr_geokeys_read(directory, &keys, err);
    if (status == NACRE_OK && (keys.is_area || keys.is_point))
        status = ncr_metadata_set(&base->metadata, "", "AREA_OR_POINT", keys.is_point ? "Point" : "Area", err);
    nacre_transform *t = &base->transform;
    base->has_transform = scale_transform(directory, t) || matrix_transform(directory, t);
    bool has_tie = ncr_tiff_tag_find(directory, NCR_TAG_MODEL_TIEPOINT) ||
                   ncr_tiff_tag_find(directory, NCR_TAG_MODEL_TRANSFORMATION);
    if (base->has_transform && keys.is_point && has_tie) {
        t->c -= (t->a + t->b) / 2;
        t->f -= (t->d + t->e) / 2;
    }
    if (status == NACRE_OK && !base->has_transform)
        status = read_gcps(base, directory, keys.is_point ? 0.5 : 0, err);
    if (status == NACRE_OK)
        status = set_height_units(base, keys.height_unit, err);
    free(keys.height_unit);
    if (base->gcp_count)
        base->gcp_crs = keys.crs;
    else
        base->crs = keys.crs;
    return status;
}
