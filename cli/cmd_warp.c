/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "raster.h"

enum {
    DST_CRS = 1,
    SRC_CRS,
    RESAMPLING,
    RES,
    BOUNDS,
    SIZE,
    LIKE,
    TAP,
    SRC_NODATA,
    DST_NODATA,
    ADD_ALPHA,
    DTYPE,
    TOLERANCE,
    FORMAT,
    CREATION,
    THREADS,
    ORDER,
    TPS,
    RPC,
    GEOLOC,
    TRANSFORMER,
    WARP_OPTION,
    CUTLINE,
    CUTLINE_CRS,
    BLEND,
    CROP,
    SRC_ALPHA,
    LAST_IS_ALPHA,
    NO_SRC_ALPHA,
    DST_ALPHA,
    UPDATE,
    OVERWRITE
};

static const cli_option options[] = {
    {DST_CRS, "dst-crs", 't', "-t_srs", 1, "CRS", false, "system of the output (the source's)"},
    {SRC_CRS, "src-crs", 's', "-s_srs", 1, "CRS", false, "system of the source, instead of its own"},
    {RESAMPLING, "resampling", 'r', "-r", 1, "ALG", false,
     "nearest, or bilinear cubic cubic_spline lanczos average mode max min med q1 q3 sum rms"},
    {RES, "res", 0, "-tr", 2, "X[,Y]", false, "pixel size in the units of the output's system"},
    {BOUNDS, "bounds", 0, "-te", 4, "L,B,R,T", false, "extent in the output's system: left, bottom, right, top"},
    {SIZE, "size", 0, "-ts", 2, "W,H", false, "width and height in pixels; one may be 0"},
    {LIKE, "like", 0, NULL, 0, "PATH", false, "system and grid of another raster"},
    {TAP, "tap", 0, "-tap", 0, NULL, false, "bounds at multiples of the pixel size"},
    {SRC_NODATA, "src-nodata", 0, "-srcnodata", 1, "VALUE", false,
     "nodata value of the source, or one for each band; none: it has none"},
    {DST_NODATA, "dst-nodata", 0, "-dstnodata", 1, "VALUE", false,
     "nodata value of the output, or one for each band; none: it has none"},
    {ADD_ALPHA, "add-alpha", 0, "-dstalpha", 0, NULL, false, "add a band of alpha"},
    {SRC_ALPHA, "src-alpha", 0, NULL, 0, "BAND", false,
     "band of the source that tells which of its pixels count; none: no band does"},
    {LAST_IS_ALPHA, NULL, 0, "-srcalpha", 0, NULL, false, "the source's last band does"},
    {NO_SRC_ALPHA, NULL, 0, "-nosrcalpha", 0, NULL, false, "no band does"},
    {DST_ALPHA, "dst-alpha", 0, NULL, 0, "BAND", false, "band of alpha of the raster that --update changes (its own)"},
    {DTYPE, "dtype", 0, "-ot", 1, "TYPE", false, "data type of the output (the source's)"},
    {TOLERANCE, "tolerance", 0, "-et", 1, "PIXELS", false, "kept in the VRT for others; nacre is exact to 0.001"},
    {FORMAT, "format", 0, "-of", 1, "NAME", false, "COG, GTiff, VRT or PNG (by DST's ending)"},
    {CREATION, "co", 0, "-co", 1, "KEY=VALUE", true, "creation option"},
    {THREADS, "threads", 0, NULL, 0, "N", false, "worker threads (all that the process may use)"},
    {ORDER, "order", 0, "-order", 1, "N", false, "of the polynomials through ground control points: 1 to 3"},
    {TPS, "tps", 0, "-tps", 0, NULL, false, "thin plate splines through ground control points"},
    {RPC, "rpc", 0, "-rpc", 0, NULL, false, "by the source's rational polynomials (RPCs)"},
    {GEOLOC, "geoloc", 0, "-geoloc", 0, NULL, false, "by the source's geolocation arrays"},
    {TRANSFORMER, "to", 0, "-to", 1, "KEY=VALUE", true,
     "GDAL's transformer option: METHOD, MAX_GCP_ORDER, RPC_DEM, RPC_HEIGHT, other RPC_..."},
    {WARP_OPTION, "wo", 0, "-wo", 1, "KEY=VALUE", true,
     "warp option by GDAL's name: INIT_DEST, UNIFIED_SRC_NODATA, XSCALE, YSCALE and others"},
    {CUTLINE, "cutline", 0, "-cutline", 1, "POLYGON", false,
     "warp what lies inside: WKT or GeoJSON, or the path of a file with it"},
    {CUTLINE_CRS, "cutline-crs", 0, "-cutline_srs", 1, "CRS", false,
     "system of the cutline (WKT: the source's, GeoJSON: longitude and latitude)"},
    {BLEND, "cutline-blend", 0, "-cblend", 1, "PIXELS", false, "source pixels over which the cutline fades"},
    {CROP, "crop-to-cutline", 0, "-crop_to_cutline", 0, NULL, false, "the output is as large as the cutline"},
    {UPDATE, "update", 0, NULL, 0, NULL, false, "warp onto the destination, over what it holds, on its grid"},
    {OVERWRITE, "overwrite", 0, NULL, 0, NULL, false, "replace the destination"},
    {0},
};

typedef struct settings {
    nacre_warp_options warp;
    nacre_transform transform;
    double bounds[4], *src_nodata, *dst_nodata;
    nacre_dataset *like, *dem;
    const char **transformer, **warp_options;
    char *cutline;
} settings;

static void settings_clear(settings *s)
{
    nacre_crs_unref(s->warp.src_crs);
    nacre_crs_unref(s->warp.dst_crs);
    nacre_dataset_close(s->like);
    nacre_dataset_close(s->dem);
    nacre_crs_unref(s->warp.cutline_crs);
    free(s->transformer);
    free(s->warp_options);
    free(s->cutline);
    free(s->src_nodata);
    free(s->dst_nodata);
}

static int read_like(cli_context *context, settings *s)
{
    const char *path = cli_text(&context->values, LIKE);
    nacre_error error;
    if (!path)
        return CLI_OK;
    if (cli_has(&context->values, DST_CRS) || cli_has(&context->values, RES) || cli_has(&context->values, BOUNDS) ||
        cli_has(&context->values, SIZE) || cli_has(&context->values, TAP))
        return cli_usage(context, "--like gives system and grid; --dst-crs, --res, --bounds, --size and --tap do too");
    nacre_status status = nacre_dataset_open(path, NULL, &context->io, &s->like, &error);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    nacre_dataset_info info;
    nacre_dataset_info_get(s->like, &info);
    if (!info.crs || !info.has_transform)
        return cli_error(context, "%s: has no CRS or no transform, so nothing can be like it", path);
    s->warp.dst_crs = nacre_crs_ref(info.crs);
    s->transform = info.transform;
    s->warp.transform = &s->transform;
    s->warp.width = info.width;
    s->warp.height = info.height;
    return CLI_OK;
}

static int read_size(cli_context *context, nacre_warp_options *warp)
{
    const char *text = cli_text(&context->values, SIZE);
    double size[2];
    if (!text)
        return CLI_OK;
    bool good = cli_numbers(text, 2, size);
    for (int i = 0; i < 2 && good; i++)
        good = size[i] >= 0 && size[i] <= 2147483647.0 && size[i] == (double)(int)size[i];
    if (!good || (size[0] == 0 && size[1] == 0))
        return cli_usage(context, "a size is WIDTH,HEIGHT in pixels, not '%s'", text);
    warp->width = (int)size[0];
    warp->height = (int)size[1];
    return CLI_OK;
}

static int read_nodata(cli_context *context, settings *s)
{
    nacre_warp_options *warp = &s->warp;
    int status =
        cli_read_nodata(context, SRC_NODATA, &s->src_nodata, &warp->src_nodata_count, &warp->ignore_src_nodata);
    if (status == CLI_OK)
        status = cli_read_nodata(context, DST_NODATA, &s->dst_nodata, &warp->dst_nodata_count, &warp->no_dst_nodata);
    warp->src_nodata = s->src_nodata;
    warp->dst_nodata = s->dst_nodata;
    return status;
}

static int read_tolerance_and_threads(cli_context *context, nacre_warp_options *warp)
{
    bool has_tolerance;
    int status = cli_read_number(context, TOLERANCE, &warp->tolerance, &has_tolerance);
    if (status == CLI_OK && has_tolerance && !(warp->tolerance >= 0))
        return cli_usage(context, "--tolerance takes a number from 0, not '%s'", cli_text(&context->values, TOLERANCE));
    const char *threads = cli_text(&context->values, THREADS);
    nacre_error error;
    if (status == CLI_OK && threads && nacre_config_set(context->config, "threads", threads, &error) != NACRE_OK)
        return cli_usage(context, "%s", error.message);
    return status;
}

static int read_order(cli_context *context, int *order)
{
    double value;
    bool has_order;
    int status = cli_read_number(context, ORDER, &value, &has_order);
    if (status == CLI_OK && has_order && value != 1 && value != 2 && value != 3)
        return cli_usage(context, "--order takes 1, 2 or 3, not '%s'", cli_text(&context->values, ORDER));
    *order = status == CLI_OK && has_order ? (int)value : 0;
    return status;
}

/* What --rpc and --to say; an elevation model among them is opened. */
static int read_transformer(cli_context *context, settings *s)
{
    static const char dem[] = "RPC_DEM=";
    const char **items = cli_all(&context->values, TRANSFORMER), *path = NULL;
    size_t used = 0;
    for (size_t i = 0; items && items[i]; i++) {
        if (strncasecmp(items[i], dem, sizeof dem - 1) == 0)
            path = items[i] + sizeof dem - 1;
        else
            items[used++] = items[i];
    }
    if (!items)
        return cli_error(context, "out of memory");
    /* Each of these two options leaves a place in the list free. */
    if (cli_has(&context->values, RPC))
        items[used++] = "METHOD=RPC";
    if (cli_has(&context->values, GEOLOC))
        items[used++] = "METHOD=GEOLOC_ARRAY";
    items[used] = NULL;
    s->transformer = items;
    s->warp.transformer = items;
    s->warp_options = cli_all(&context->values, WARP_OPTION);
    s->warp.warp = s->warp_options;
    if (!s->warp_options)
        return cli_error(context, "out of memory");
    nacre_error error;
    nacre_status status = path ? nacre_dataset_open(path, NULL, &context->io, &s->dem, &error) : NACRE_OK;
    s->warp.rpc_dem = s->dem;
    return status == NACRE_OK ? CLI_OK : cli_fail(context, status, &error);
}

/* A polygon itself, or a file that holds one. */
static int read_cutline(cli_context *context, settings *s)
{
    const char *text = cli_text(&context->values, CUTLINE);
    bool has_blend;
    int status = cli_read_number(context, BLEND, &s->warp.cutline_blend, &has_blend);
    if (status == CLI_OK)
        status = cli_read_crs(context, CUTLINE_CRS, &s->warp.cutline_crs);
    s->warp.crop_to_cutline = cli_has(&context->values, CROP);
    if (status == CLI_OK && !text && (has_blend || s->warp.crop_to_cutline || s->warp.cutline_crs))
        return cli_usage(context, "--cutline-crs, --cutline-blend and --crop-to-cutline need --cutline");
    if (status != CLI_OK || !text)
        return status;
    const char *start = text + strspn(text, " \t\r\n");
    bool is_polygon = *start == '{' || strncasecmp(start, "POLYGON", 7) == 0 || strncasecmp(start, "MULTI", 5) == 0 ||
                      strchr(start, '(');
    if (!is_polygon)
        status = cli_read_text(context, text, "a cutline", &s->cutline);
    s->warp.cutline = is_polygon ? text : s->cutline;
    return status;
}

/* A band from 1; -1: none. */
static int read_band(cli_context *context, int id, bool may_be_none, int *out)
{
    bool is_set;
    double value = 0;
    const char *text = cli_text(&context->values, id);
    if (text && may_be_none && strcasecmp(text, "none") == 0) {
        *out = -1;
        return CLI_OK;
    }
    int status = cli_read_number(context, id, &value, &is_set);
    if (status != CLI_OK || !is_set)
        return status;
    if (!(value >= 1) || value > CLI_BANDS_MAX || value != (double)(int)value)
        return cli_usage(context, "'%s' is not the number of a band, from 1", text);
    *out = (int)value;
    return CLI_OK;
}

static int read_alpha(cli_context *context, nacre_warp_options *warp)
{
    int ways = cli_has(&context->values, SRC_ALPHA) + cli_has(&context->values, LAST_IS_ALPHA) +
               cli_has(&context->values, NO_SRC_ALPHA);
    if (ways > 1)
        return cli_usage(context, "--src-alpha, -srcalpha and -nosrcalpha exclude each other");
    warp->add_alpha = cli_has(&context->values, ADD_ALPHA);
    int status = read_band(context, SRC_ALPHA, true, &warp->src_alpha);
    if (status == CLI_OK)
        status = read_band(context, DST_ALPHA, false, &warp->dst_alpha);
    if (status == CLI_OK && warp->dst_alpha && !cli_has(&context->values, UPDATE))
        return cli_usage(context, "--dst-alpha needs --update");
    if (cli_has(&context->values, NO_SRC_ALPHA))
        warp->src_alpha = -1;
    return status;
}

static int check_update(cli_context *context)
{
    static const struct {
        int id;
        const char *name;
    } others[] = {{OVERWRITE, "--overwrite"},  {LIKE, "--like"},           {RES, "--res"},
                  {BOUNDS, "--bounds"},        {SIZE, "--size"},           {TAP, "--tap"},
                  {CROP, "--crop-to-cutline"}, {ADD_ALPHA, "--add-alpha"}, {DTYPE, "--dtype"},
                  {FORMAT, "--format"},        {CREATION, "--co"}};
    for (size_t i = 0; cli_has(&context->values, UPDATE) && i < sizeof others / sizeof *others; i++)
        if (cli_has(&context->values, others[i].id))
            return cli_usage(context, "--update keeps the destination as it is but for its pixels; %s makes another",
                             others[i].name);
    return CLI_OK;
}

static int check_grid(cli_context *context, const nacre_warp_options *warp)
{
    if (warp->align && !(warp->res_x > 0))
        return cli_usage(context, "--tap needs --res");
    if (warp->res_x > 0 && warp->width + warp->height > 0)
        return cli_usage(context, "--res and --size exclude each other");
    return CLI_OK;
}

static int read_settings(cli_context *context, settings *s)
{
    bool has_bounds = false;
    nacre_warp_options *warp = &s->warp;
    int status = cli_read_resampling(context, RESAMPLING, &warp->resampling);
    if (status == CLI_OK)
        status = read_alpha(context, warp);
    if (status == CLI_OK)
        status = cli_read_resolution(context, RES, &warp->res_x, &warp->res_y);
    if (status == CLI_OK)
        status = cli_read_bounds(context, BOUNDS, s->bounds, &has_bounds);
    if (status == CLI_OK)
        status = read_size(context, warp);
    if (status == CLI_OK)
        status = read_nodata(context, s);
    if (status == CLI_OK)
        status = cli_read_dtype(context, DTYPE, &warp->dtype);
    if (status == CLI_OK)
        status = read_tolerance_and_threads(context, warp);
    warp->bounds = has_bounds ? s->bounds : NULL;
    warp->align = cli_has(&context->values, TAP);
    warp->gcp_spline = cli_has(&context->values, TPS);
    if (status == CLI_OK)
        status = read_order(context, &warp->gcp_order);
    if (status == CLI_OK)
        status = check_grid(context, warp);
    /* Last, since these take time. */
    if (status == CLI_OK)
        status = cli_read_crs(context, SRC_CRS, &warp->src_crs);
    if (status == CLI_OK)
        status = cli_read_crs(context, DST_CRS, &warp->dst_crs);
    if (status == CLI_OK)
        status = read_transformer(context, s);
    if (status == CLI_OK)
        status = read_cutline(context, s);
    return status == CLI_OK ? read_like(context, s) : status;
}

/* One source as it is, several as a mosaic. */
static int join_sources(cli_context *context, nacre_dataset **sources, size_t count, nacre_dataset **out)
{
    nacre_error error;
    if (count == 1) {
        *out = nacre_dataset_ref(sources[0]);
        return CLI_OK;
    }
    nacre_status status = nacre_view_mosaic(sources, count, NULL, out, &error);
    return status == NACRE_OK ? CLI_OK : cli_fail(context, status, &error);
}

/* The options for a source: which of its bands is alpha. As by gdalwarp it stays one in the output if it was one. */
static nacre_warp_options options_for(const cli_context *context, const nacre_dataset *source, const settings *s)
{
    nacre_warp_options warp = s->warp;
    nacre_dataset_info info;
    nacre_band_info band = {0};
    nacre_dataset_info_get(source, &info);
    if (cli_has(&context->values, LAST_IS_ALPHA))
        warp.src_alpha = info.band_count;
    warp.src_alpha_only = warp.src_alpha > 0;
    bool is_known = warp.src_alpha_only && nacre_dataset_band_get(source, warp.src_alpha, &band, NULL) == NACRE_OK;
    warp.no_alpha = is_known && band.color != NACRE_COLOR_ALPHA && !warp.add_alpha;
    return warp;
}

static int warp_and_save(cli_context *context, nacre_dataset *source, const settings *s, const char *path)
{
    static const cli_save_ids save = {OVERWRITE, CREATION, FORMAT};
    nacre_error error;
    nacre_dataset *view;
    nacre_warp_options warp = options_for(context, source, s);
    nacre_status status = nacre_view_warp(source, &warp, &view, &error);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    int result = cli_save(context, view, path, NULL, &save);
    nacre_dataset_close(view);
    return result;
}

/* Overviews that there are already show what is there now. */
static nacre_status renew_overviews(nacre_dataset *dataset, nacre_resampling resampling, nacre_error *err)
{
    enum { MOST = 30 };
    nacre_dataset_info info;
    nacre_dataset_info_get(dataset, &info);
    int factors[MOST], count = 0;
    for (; count < info.overview_count && count < MOST; count++)
        factors[count] = (int)((info.width + info.overviews[count][0] / 2) / info.overviews[count][0]);
    bool is_statistic = resampling == NACRE_RESAMPLING_MAX || resampling == NACRE_RESAMPLING_MIN ||
                        resampling == NACRE_RESAMPLING_MED || resampling == NACRE_RESAMPLING_Q1 ||
                        resampling == NACRE_RESAMPLING_Q3 || resampling == NACRE_RESAMPLING_SUM;
    if (!count)
        return NACRE_OK;
    return nacre_dataset_build_overviews(dataset, factors, count, is_statistic ? NACRE_RESAMPLING_AVERAGE : resampling,
                                         err);
}

/* One source after the other onto the destination, which becomes visible once all are there. */
static int warp_onto(cli_context *context, nacre_dataset **sources, size_t count, const settings *s, const char *path)
{
    nacre_error error;
    nacre_dataset *destination;
    nacre_status status = nacre_dataset_update(path, NULL, &context->io, &destination, &error);
    for (size_t i = 0; i < count && status == NACRE_OK; i++) {
        nacre_warp_options warp = options_for(context, sources[i], s);
        warp.no_alpha = false;
        status = nacre_warp_onto(destination, sources[i], &warp, cli_progress, context, &context->io, &error);
    }
    if (status == NACRE_OK)
        status = renew_overviews(destination, s->warp.resampling, &error);
    if (status == NACRE_OK)
        status = nacre_dataset_commit(destination, cli_progress, context, &context->io, &error);
    cli_progress_end(context);
    int result = status == NACRE_OK ? CLI_OK : cli_fail(context, status, &error);
    nacre_dataset_close(destination);
    return result;
}

static int run(cli_context *context)
{
    settings s = {.warp = NACRE_WARP_OPTIONS_INIT};
    nacre_dataset **sources = NULL, *joined = NULL;
    size_t count = context->values.operand_count - 1;
    int result = check_update(context);
    if (result == CLI_OK)
        result = read_settings(context, &s);
    if (result == CLI_OK)
        result = cli_open_all(context, context->values.operands, count, &sources);
    bool is_update = cli_has(&context->values, UPDATE);
    if (result == CLI_OK && is_update)
        result = warp_onto(context, sources, count, &s, context->values.operands[count]);
    if (result == CLI_OK && !is_update)
        result = join_sources(context, sources, count, &joined);
    if (result == CLI_OK && !is_update)
        result = warp_and_save(context, joined, &s, context->values.operands[count]);
    nacre_dataset_close(joined);
    cli_close_all(sources, count);
    settings_clear(&s);
    return result;
}

const cli_command cli_cmd_warp = {
    .name = "warp",
    .summary = "reproject rasters: to a warped VRT, a COG or another format",
    .operands = "SRC... DST",
    .operands_min = 2,
    .operands_max = -1,
    .options = options,
    .run = run,
};
