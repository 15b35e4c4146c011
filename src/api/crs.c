/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/crs.h>

#include "raster/crs.h"

nacre_status nacre_crs_from_text(const char *text, nacre_crs **out, nacre_error *err)
{
    *out = NULL;
    if (!text)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "CRS: no text");
    return ncr_crs_from_text(text, out, err);
}

nacre_crs *nacre_crs_ref(nacre_crs *crs)
{
    return ncr_crs_ref(crs);
}

void nacre_crs_unref(nacre_crs *crs)
{
    ncr_crs_unref(crs);
}

nacre_status nacre_crs_text(nacre_crs *crs, nacre_crs_format format, const char **out, nacre_error *err)
{
    return ncr_crs_text(crs, format, out, err);
}

bool nacre_crs_authority(nacre_crs *crs, const char **name, const char **code)
{
    return ncr_crs_authority(crs, name, code);
}

const char *nacre_crs_name(nacre_crs *crs)
{
    return ncr_crs_name(crs);
}

bool nacre_crs_equal(nacre_crs *a, nacre_crs *b)
{
    return ncr_crs_equal(a, b);
}

bool nacre_crs_is_geographic(nacre_crs *crs)
{
    return ncr_crs_is_geographic(crs);
}

bool nacre_crs_identify(nacre_crs *crs, int confidence, const char **name, const char **code)
{
    return ncr_crs_identify(crs, confidence, name, code);
}

bool nacre_crs_same(nacre_crs *a, nacre_crs *b, bool ignore_axis_order)
{
    return ncr_crs_same(a, b, ignore_axis_order);
}

bool nacre_crs_is_projected(nacre_crs *crs)
{
    return ncr_crs_is_projected(crs);
}

bool nacre_crs_is_northing_first(nacre_crs *crs)
{
    return ncr_crs_is_northing_first(crs);
}

const char *nacre_crs_unit(nacre_crs *crs, double *factor)
{
    return ncr_crs_unit(crs, factor);
}

nacre_status nacre_crs_geodetic(nacre_crs *crs, nacre_crs **out, nacre_error *err)
{
    return ncr_crs_geodetic(crs, out, err);
}
