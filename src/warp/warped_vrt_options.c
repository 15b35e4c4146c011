/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "warp/warped_vrt.h"

/* GDAL's warp options, as a table: what each does here. */

typedef struct {
    const char *name, *value;
    const char *document;
    ncr_warp_setup *setup;
} option;

static nacre_status bad_value(const option *o, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the warp option %s has the value \"%s\"", o->document, o->name,
                         o->value);
}

static nacre_status ignore(const option *o, nacre_error *err)
{
    (void)o, (void)err;
    return NACRE_OK;
}

static nacre_status refuse(const option *o, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: the warp option %s is not supported", o->document, o->name);
}

static nacre_status refuse_if_set(const option *o, nacre_error *err)
{
    bool set = true;
    double number;
    if (ncr_text_to_bool(o->value, &set) && !set)
        return NACRE_OK;
    if (ncr_text_to_double(o->value, &number) && number == 0)
        return NACRE_OK;
    return refuse(o, err);
}

static nacre_status set_unified(const option *o, nacre_error *err)
{
    bool value;
    if (ncr_text_equal_nocase(o->value, "AUTO"))
        o->setup->unified = NCR_UNIFIED_UNSET;
    else if (ncr_text_equal_nocase(o->value, "PARTIAL"))
        o->setup->unified = NCR_UNIFIED_PARTIAL;
    else if (ncr_text_to_bool(o->value, &value))
        o->setup->unified = value ? NCR_UNIFIED_YES : NCR_UNIFIED_NO;
    else
        return bad_value(o, err);
    return NACRE_OK;
}

static nacre_status set_number(const option *o, double *out, nacre_error *err)
{
    double value;
    if (!ncr_text_to_double(o->value, &value) || !(value > 0))
        return bad_value(o, err);
    *out = value;
    return NACRE_OK;
}

static nacre_status set_src_alpha_max(const option *o, nacre_error *err)
{
    return set_number(o, &o->setup->src_alpha_max, err);
}

static nacre_status set_dst_alpha_max(const option *o, nacre_error *err)
{
    return set_number(o, &o->setup->dst_alpha_max, err);
}

static nacre_status set_x_scale(const option *o, nacre_error *err)
{
    o->setup->samples_scale = ncr_text_equal_nocase(o->value, "FROM_GRID_SAMPLING");
    return o->setup->samples_scale ? NACRE_OK : set_number(o, &o->setup->x_scale, err);
}

static nacre_status set_y_scale(const option *o, nacre_error *err)
{
    if (ncr_text_equal_nocase(o->value, "FROM_GRID_SAMPLING"))
        return set_x_scale(o, err);
    return set_number(o, &o->setup->y_scale, err);
}

static nacre_status set_cutline(const option *o, nacre_error *err)
{
    return ncr_warped_vrt_set_cutline(o->document, o->value, o->setup, err);
}

/* Of a cutline that is there already. */
static nacre_status set_blend(const option *o, nacre_error *err)
{
    double blend;
    if (!ncr_text_to_double(o->value, &blend) || !(blend >= 0) || isinf(blend))
        return bad_value(o, err);
    if (o->setup->cutline)
        o->setup->cutline->blend = blend;
    return NACRE_OK;
}

/* One of the comma-separated values of INIT_DEST (the last one for bands beyond them) into word. */
static void init_word(const char *value, int index, char word[64])
{
    const char *start = value;
    for (const char *comma; index > 0 && (comma = strchr(start, ',')); index--)
        start = comma + 1;
    size_t length = strcspn(start, ",");
    while (length && *start == ' ') {
        start++;
        length--;
    }
    length = length < 63 ? length : 63;
    memcpy(word, start, length);
    word[length] = '\0';
}

static nacre_status set_initial(const option *o, nacre_error *err)
{
    for (int i = 0; i < o->setup->band_count; i++) {
        ncr_warp_band *band = &o->setup->bands[i];
        char word[64];
        init_word(o->value, i, word);
        if (ncr_text_equal_nocase(word, "NO_DATA"))
            band->initial = band->has_dst_nodata ? band->dst_nodata : 0;
        else if (*word && !ncr_text_to_double(word, &band->initial))
            return bad_value(o, err);
    }
    return NACRE_OK;
}

static const struct {
    const char *name;
    nacre_status (*apply)(const option *o, nacre_error *err);
} rows[] = {
    {"INIT_DEST", set_initial},
    {"UNIFIED_SRC_NODATA", set_unified},
    {"SRC_ALPHA_MAX", set_src_alpha_max},
    {"DST_ALPHA_MAX", set_dst_alpha_max},
    {"XSCALE", set_x_scale},
    {"YSCALE", set_y_scale},
    /* How GDAL cuts, samples, threads and writes: without meaning for the values here. */
    {"ERROR_OUT_IF_EMPTY_SOURCE_WINDOW", ignore},
    {"ERROR_THRESHOLD", ignore},
    {"EXTRA_ELTS", ignore},
    {"NUM_THREADS", ignore},
    {"OPTIMIZE_SIZE", ignore},
    {"REPORT_TIMINGS", ignore},
    {"SAMPLE_GRID", ignore},
    {"SAMPLE_STEPS", ignore},
    {"SKIP_NOSOURCE", ignore},
    {"SOURCE_EXTRA", ignore},
    {"SRC_FILL_RATIO_HEURISTICS", ignore},
    {"STREAMABLE_OUTPUT", ignore},
    {"USE_GENERAL_CASE", ignore},
    {"USE_OPENCL", ignore},
    {"WRITE_FLUSH", ignore},
    /* Of resamplings that are refused themselves. */
    {"EXCLUDED_VALUES", ignore},
    {"EXCLUDED_VALUES_PCT_THRESHOLD", ignore},
    {"MODE_TIES", ignore},
    {"NODATA_VALUES_PCT_THRESHOLD", ignore},
    /* Of vertical shifts, which APPLY_VERTICAL_SHIFT turns on. */
    {"APPLY_VERTICAL_SHIFT", refuse_if_set},
    {"MULT_FACTOR_VERTICAL_SHIFT", ignore},
    {"MULT_FACTOR_VERTICAL_SHIFT_PIPELINE", ignore},
    {"RESET_DEST_PIXELS", ignore},
    {"SRC_COORD_PRECISION", refuse_if_set},
    {"CUTLINE", set_cutline},
    {"CUTLINE_ALL_TOUCHED", refuse_if_set},
    {"CUTLINE_BLEND_DIST", set_blend},
};

static nacre_status apply(const option *o, nacre_error *err)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ncr_text_equal_nocase(rows[i].name, o->name))
            return rows[i].apply(o, err);
    return refuse(o, err);
}

static nacre_status apply_item(const char *name, const char *item, ncr_warp_setup *setup, nacre_error *err)
{
    char key[64];
    nacre_error cause = {0};
    size_t length = strcspn(item, "=");
    if (!item[length] || length >= sizeof key)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the warp option \"%.80s\" is not KEY=VALUE", name, item);
    memcpy(key, item, length);
    key[length] = '\0';
    option o = {key, item + length + 1, name, setup};
    nacre_status status = apply(&o, &cause);
    return status ? ncr_error_copy(err, &cause, status == NACRE_ERROR_CORRUPT ? NACRE_ERROR_INVALID : status) : status;
}

nacre_status ncr_warp_apply_options(const char *name, const char *const *items, ncr_warp_setup *setup, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (; items && *items && !status; items++)
        status = apply_item(name, *items, setup, err);
    return status;
}

nacre_status ncr_warped_vrt_set_cutline(const char *name, const char *text, ncr_warp_setup *setup, nacre_error *err)
{
    nacre_error cause = {0};
    ncr_cutline *cutline;
    bool is_geojson;
    nacre_status status = ncr_cutline_parse(name, text, &cutline, &is_geojson, &cause);
    if (status)
        return ncr_error_copy(err, &cause, status == NACRE_ERROR_INVALID ? NACRE_ERROR_CORRUPT : status);
    cutline->blend = setup->cutline ? setup->cutline->blend : 0;
    ncr_cutline_free(setup->cutline);
    setup->cutline = cutline;
    return NACRE_OK;
}

nacre_status ncr_warped_vrt_read_options(const ncr_xml *warp, const char *name, ncr_warp_setup *setup, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (const ncr_xml *e = ncr_xml_first(warp, "Option"); e && !status; e = ncr_xml_next(e, "Option")) {
        option o = {ncr_xml_attribute(e, "name", ""), ncr_xml_content(e), name, setup};
        status = apply(&o, err);
        if (!status)
            status = ncr_warp_setup_option(setup, o.name, o.value, err);
    }
    return status;
}
