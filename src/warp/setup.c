/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/setup.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "raster/dtype.h"

void ncr_warp_setup_clear(ncr_warp_setup *setup)
{
    ncr_reprojection_spec_clear(&setup->spec);
    ncr_cutline_free(setup->cutline);
    free(setup->bands);
    for (size_t i = 0; i < setup->option_count; i++) {
        free(setup->options[i].name);
        free(setup->options[i].value);
    }
    free(setup->options);
    *setup = (ncr_warp_setup){0};
}

bool ncr_warp_setup_has_src_nodata(const ncr_warp_setup *setup)
{
    for (int i = 0; i < setup->band_count; i++)
        if (setup->bands[i].has_src_nodata)
            return true;
    return false;
}

bool ncr_warp_setup_has_dst_nodata(const ncr_warp_setup *setup)
{
    for (int i = 0; i < setup->band_count; i++)
        if (setup->bands[i].has_dst_nodata)
            return true;
    return false;
}

static ncr_warp_option *find_option(const ncr_warp_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->option_count; i++)
        if (ncr_text_equal_nocase(setup->options[i].name, name))
            return &setup->options[i];
    return NULL;
}

nacre_status ncr_warp_setup_option(ncr_warp_setup *setup, const char *name, const char *value, nacre_error *err)
{
    char *copy = ncr_text_copy(value);
    if (!copy)
        return ncr_error_memory(err);
    ncr_warp_option *option = find_option(setup, name);
    if (option) {
        free(option->value);
        option->value = copy;
        return NACRE_OK;
    }
    char *name_copy = ncr_text_copy(name);
    if (!name_copy ||
        !ncr_array_reserve(&setup->options, &setup->option_capacity, setup->option_count + 1, sizeof *setup->options)) {
        free(name_copy);
        free(copy);
        return ncr_error_memory(err);
    }
    setup->options[setup->option_count++] = (ncr_warp_option){name_copy, copy};
    return NACRE_OK;
}

static nacre_dtype integer_of(bool is_signed, size_t size)
{
    static const nacre_dtype types[2][9] = {
        {[1] = NACRE_DTYPE_UINT8, [2] = NACRE_DTYPE_UINT16, [4] = NACRE_DTYPE_UINT32, [8] = NACRE_DTYPE_UINT64},
        {[1] = NACRE_DTYPE_INT8, [2] = NACRE_DTYPE_INT16, [4] = NACRE_DTYPE_INT32, [8] = NACRE_DTYPE_INT64}};
    return size <= 8 ? types[is_signed][size] : NACRE_DTYPE_FLOAT64;
}

static nacre_dtype integer_union(nacre_dtype a, nacre_dtype b)
{
    bool a_signed = ncr_dtype_is_signed(a), b_signed = ncr_dtype_is_signed(b);
    size_t a_size = ncr_dtype_size(a), b_size = ncr_dtype_size(b), size = a_size > b_size ? a_size : b_size;
    /* An unsigned type needs a wider signed one. */
    if (a_signed != b_signed && (a_signed ? b_size : a_size) == size)
        size *= 2;
    return integer_of(a_signed || b_signed, size);
}

nacre_dtype ncr_dtype_union(nacre_dtype a, nacre_dtype b)
{
    a = a == NACRE_DTYPE_FLOAT16 ? NACRE_DTYPE_FLOAT32 : a;
    b = b == NACRE_DTYPE_FLOAT16 ? NACRE_DTYPE_FLOAT32 : b;
    if (a == b || b == NACRE_DTYPE_UNKNOWN)
        return a;
    if (a == NACRE_DTYPE_UNKNOWN)
        return b;
    if (ncr_dtype_is_integer(a) && ncr_dtype_is_integer(b))
        return integer_union(a, b);
    if (a == NACRE_DTYPE_FLOAT64 || b == NACRE_DTYPE_FLOAT64)
        return NACRE_DTYPE_FLOAT64;
    nacre_dtype integer = ncr_dtype_is_integer(a) ? a : b;
    return ncr_dtype_size(integer) <= 2 ? NACRE_DTYPE_FLOAT32 : NACRE_DTYPE_FLOAT64;
}

double ncr_alpha_max(nacre_dtype dtype, int bits)
{
    if (bits > 0 && bits < 8 * (int)ncr_dtype_size(dtype) && bits < 32)
        return (double)((1u << bits) - 1);
    return dtype == NACRE_DTYPE_UINT16 ? 65535 : dtype == NACRE_DTYPE_INT16 ? 32767 : 255;
}
