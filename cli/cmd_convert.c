/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "raster.h"

enum {
    BANDS = 1,
    DTYPE,
    SCALE,
    WINDOW,
    BOUNDS,
    PROJWIN,
    SIZE,
    RESAMPLING,
    ASSIGN_CRS,
    NODATA,
    FORMAT,
    CREATION,
    OVERWRITE
};

static const cli_option options[] = {
    {BANDS, "bands", 'b', "-b", 1, "N[,N...]", true, "bands of the output, in this order"},
    {DTYPE, "dtype", 0, "-ot", 1, "TYPE", false, "data type of the output (the source's)"},
    {SCALE, "scale", 0, NULL, 0, "A,B[,C,D]", false, "values from A..B to C..D (0..255)"},
    {WINDOW, "window", 0, "-srcwin", 4, "X,Y,W,H", false, "part of the source in pixels: column, row, width, height"},
    {BOUNDS, "bounds", 0, NULL, 0, "L,B,R,T", false, "part of the source: left, bottom, right, top"},
    {PROJWIN, NULL, 0, "-projwin", 4, "ULX ULY LRX LRY", false, "as --bounds, in GDAL's order"},
    {SIZE, "size", 0, "-outsize", 2, "W,H", false, "width and height, in pixels or as 50%,50%; one may be 0"},
    {RESAMPLING, "resampling", 'r', "-r", 1, "ALG", false,
     "for another size: nearest (the default), bilinear, cubic..."},
    {ASSIGN_CRS, "assign-crs", 0, "-a_srs", 1, "CRS", false, "system of the output, without any reprojection"},
    {NODATA, "nodata", 0, "-a_nodata", 1, "VALUE", false, "nodata value of the output; none: it has none"},
    {FORMAT, "format", 0, "-of", 1, "NAME", false, "COG, GTiff, VRT or PNG (by DST's ending)"},
    {CREATION, "co", 0, "-co", 1, "KEY=VALUE", true, "creation option"},
    {OVERWRITE, "overwrite", 0, NULL, 0, NULL, false, "replace the destination"},
    {0},
};

typedef struct settings {
    nacre_translate_options translate;
    int bands[CLI_BANDS_MAX];
    double bounds[4], scale[4], nodata;
    double width, height; /* of the output; below 0: a share of the window's */
} settings;

static int read_window(cli_context *context, settings *s)
{
    const char *text = cli_text(&context->values, WINDOW);
    double w[4];
    if (!text)
        return CLI_OK;
    bool good = cli_numbers(text, 4, w);
    for (int i = 0; i < 4 && good; i++)
        good = w[i] == floor(w[i]) && fabs(w[i]) <= 2147483647.0;
    if (!good || w[2] < 1 || w[3] < 1)
        return cli_usage(context, "a window is COLUMN,ROW,WIDTH,HEIGHT in whole pixels, not '%s'", text);
    s->translate.window = (nacre_window){w[0], w[1], w[2], w[3]};
    return CLI_OK;
}

static int read_extent(cli_context *context, settings *s)
{
    bool has_bounds;
    int status = cli_read_bounds(context, BOUNDS, s->bounds, &has_bounds);
    const char *projwin = cli_text(&context->values, PROJWIN);
    double corners[4];
    if (status == CLI_OK && projwin) {
        if (!cli_numbers(projwin, 4, corners) || !(corners[0] < corners[2]) || !(corners[3] < corners[1]))
            return cli_usage(context, "-projwin is ULX ULY LRX LRY, not '%s'", projwin);
        const double bounds[4] = {corners[0], corners[3], corners[2], corners[1]};
        memcpy(s->bounds, bounds, sizeof bounds);
    }
    if (status == CLI_OK && (has_bounds || projwin) && cli_has(&context->values, WINDOW))
        return cli_usage(context, "--window and --bounds exclude each other");
    s->translate.bounds = has_bounds || projwin ? s->bounds : NULL;
    return status;
}

/* One of "512" and "50%", as a number of pixels, or below 0 as a share. */
static bool read_length(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    bool percent = *end == '%';
    end += percent;
    if (end == text || (*end && *end != ',' && *end != ' ') || !(*out >= 0) || *out > 2147483647.0)
        return false;
    if (percent)
        *out = -*out / 100;
    return percent ? *out < 0 : *out == floor(*out);
}

static int read_size(cli_context *context, settings *s)
{
    const char *text = cli_text(&context->values, SIZE);
    if (!text)
        return CLI_OK;
    const char *second = text + strcspn(text, ", ");
    second += strspn(second, ", ");
    if (!read_length(text, &s->width) || !read_length(second, &s->height) || strpbrk(second, ", ") ||
        (s->width == 0 && s->height == 0))
        return cli_usage(context, "a size is WIDTH,HEIGHT in pixels or per cent, not '%s'", text);
    return CLI_OK;
}

static int read_scale(cli_context *context, settings *s)
{
    const char *text = cli_text(&context->values, SCALE);
    if (!text)
        return CLI_OK;
    s->scale[2] = 0;
    s->scale[3] = 255;
    double two[2];
    if (cli_numbers(text, 2, two))
        memcpy(s->scale, two, sizeof two);
    else if (!cli_numbers(text, 4, s->scale))
        return cli_usage(context, "--scale is SRC_MIN,SRC_MAX[,DST_MIN,DST_MAX], not '%s'", text);
    if (s->scale[0] == s->scale[1])
        return cli_usage(context, "--scale '%s' has no extent", text);
    s->translate.scale = s->scale;
    return CLI_OK;
}

static int read_nodata(cli_context *context, settings *s)
{
    double *values;
    int count;
    int status = cli_read_nodata(context, NODATA, &values, &count, &s->translate.no_nodata);
    if (status == CLI_OK && count > 1)
        status = cli_usage(context, "--nodata takes one value, not '%s'", cli_text(&context->values, NODATA));
    if (status == CLI_OK && count) {
        s->nodata = values[0];
        s->translate.nodata = &s->nodata;
    }
    free(values);
    return status;
}

static int read_settings(cli_context *context, settings *s)
{
    int status = cli_read_bands(context, BANDS, s->bands, &s->translate.band_count);
    s->translate.bands = s->translate.band_count ? s->bands : NULL;
    if (status == CLI_OK)
        status = cli_read_dtype(context, DTYPE, &s->translate.dtype);
    if (status == CLI_OK)
        status = read_scale(context, s);
    if (status == CLI_OK)
        status = read_window(context, s);
    if (status == CLI_OK)
        status = read_extent(context, s);
    if (status == CLI_OK)
        status = read_size(context, s);
    if (status == CLI_OK)
        status = cli_read_resampling(context, RESAMPLING, &s->translate.resampling);
    if (status == CLI_OK)
        status = read_nodata(context, s);
    return status == CLI_OK ? cli_read_crs(context, ASSIGN_CRS, &s->translate.assign_crs) : status;
}

/* The window's size in pixels, as nacre_view_translate() takes it. */
static void window_size(const nacre_dataset_info *info, const settings *s, double *width, double *height)
{
    const nacre_transform *t = &info->transform;
    *width = s->translate.window.width > 0 ? s->translate.window.width : info->width;
    *height = s->translate.window.height > 0 ? s->translate.window.height : info->height;
    if (s->translate.bounds && info->has_transform) {
        *width = (s->bounds[2] - s->bounds[0]) / hypot(t->a, t->d);
        *height = (s->bounds[3] - s->bounds[1]) / hypot(t->b, t->e);
    }
}

/* Shares and zeros into pixels, as gdal_translate does: shares are rounded down. */
static int settle_size(cli_context *context, const nacre_dataset *source, settings *s)
{
    nacre_dataset_info info;
    double width, height;
    if (s->width == 0 && s->height == 0)
        return CLI_OK;
    nacre_dataset_info_get(source, &info);
    window_size(&info, s, &width, &height);
    double wide = s->width < 0 ? floor(-s->width * width + 1e-9) : s->width;
    double high = s->height < 0 ? floor(-s->height * height + 1e-9) : s->height;
    wide = wide > 0 ? wide : high * width / height;
    high = high > 0 ? high : wide * height / width;
    if (wide > 2147483647.0 || high > 2147483647.0)
        return cli_usage(context, "the output has more than 2147483647 columns or rows");
    s->translate.out_width = wide < 1 ? 1 : (int)(wide + 0.5);
    s->translate.out_height = high < 1 ? 1 : (int)(high + 0.5);
    return CLI_OK;
}

static int convert(cli_context *context, nacre_dataset *source, settings *s)
{
    static const cli_save_ids save = {OVERWRITE, CREATION, FORMAT};
    nacre_error error;
    nacre_dataset *view;
    int result = settle_size(context, source, s);
    if (result != CLI_OK)
        return result;
    nacre_status status = nacre_view_translate(source, &s->translate, &view, &error);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    result = cli_save(context, view, context->values.operands[1], NULL, &save);
    nacre_dataset_close(view);
    return result;
}

static int run(cli_context *context)
{
    nacre_error error;
    nacre_dataset *source = NULL;
    settings *s = calloc(1, sizeof *s);
    if (!s)
        return cli_error(context, "out of memory");
    s->translate = (nacre_translate_options)NACRE_TRANSLATE_OPTIONS_INIT;
    int result = read_settings(context, s);
    if (result == CLI_OK) {
        nacre_status status = nacre_dataset_open(context->values.operands[0], NULL, &context->io, &source, &error);
        result = status == NACRE_OK ? convert(context, source, s) : cli_fail(context, status, &error);
    }
    nacre_dataset_close(source);
    nacre_crs_unref(s->translate.assign_crs);
    free(s);
    return result;
}

const cli_command cli_cmd_convert = {
    .name = "convert",
    .summary = "write a raster, or a part of it, in another format",
    .operands = "SRC DST",
    .operands_min = 2,
    .operands_max = 2,
    .options = options,
    .run = run,
};
