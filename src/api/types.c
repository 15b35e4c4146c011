/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/types.h>

#include "raster/dtype.h"

size_t nacre_dtype_size(nacre_dtype dtype)
{
    return ncr_dtype_size(dtype);
}

const char *nacre_dtype_name(nacre_dtype dtype)
{
    return ncr_dtype_name(dtype);
}

nacre_dtype nacre_dtype_from_name(const char *name)
{
    return name ? ncr_dtype_from_name(name) : NACRE_DTYPE_UNKNOWN;
}

const char *nacre_resampling_name(nacre_resampling resampling)
{
    return ncr_resampling_name(resampling);
}

bool nacre_resampling_from_name(const char *name, nacre_resampling *out)
{
    return name && ncr_resampling_from_name(name, out);
}

const char *nacre_color_name(nacre_color color)
{
    return ncr_color_name(color);
}
