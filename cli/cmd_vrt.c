/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cli.h"
#include "raster.h"

enum { SEPARATE = 1, RES, BOUNDS, SRC_NODATA, DST_NODATA, OVERWRITE };

static const cli_option options[] = {
    {SEPARATE, "separate", 0, NULL, 0, NULL, false, "each source becomes a band of its own"},
    {RES, "res", 0, "-tr", 2, "X,Y", false, "pixel size (the mean of the sources')"},
    {BOUNDS, "bounds", 0, "-te", 4, "L,B,R,T", false, "extent (the union of the sources')"},
    {SRC_NODATA, "src-nodata", 0, "-srcnodata", 1, "VALUE", false, "nodata value of the sources"},
    {DST_NODATA, "dst-nodata", 0, "-vrtnodata", 1, "VALUE", false, "nodata value of the mosaic"},
    {OVERWRITE, "overwrite", 0, NULL, 0, NULL, false, "replace the destination"},
    {0},
};

typedef struct settings {
    nacre_mosaic_options mosaic;
    double bounds[4], src_nodata, dst_nodata;
} settings;

static int read_settings(cli_context *context, settings *out)
{
    bool has_bounds, has_src, has_dst;
    *out = (settings){.mosaic = NACRE_MOSAIC_OPTIONS_INIT};
    out->mosaic.separate = cli_has(&context->values, SEPARATE);
    int status = cli_read_resolution(context, RES, &out->mosaic.res_x, &out->mosaic.res_y);
    if (status == CLI_OK)
        status = cli_read_bounds(context, BOUNDS, out->bounds, &has_bounds);
    if (status == CLI_OK)
        status = cli_read_number(context, SRC_NODATA, &out->src_nodata, &has_src);
    if (status == CLI_OK)
        status = cli_read_number(context, DST_NODATA, &out->dst_nodata, &has_dst);
    if (status != CLI_OK)
        return status;
    out->mosaic.bounds = has_bounds ? out->bounds : NULL;
    out->mosaic.src_nodata = has_src ? &out->src_nodata : NULL;
    out->mosaic.dst_nodata = has_dst ? &out->dst_nodata : NULL;
    return CLI_OK;
}

static int run(cli_context *context)
{
    static const cli_save_ids save = {.overwrite = OVERWRITE};
    settings given;
    nacre_error error;
    int result = read_settings(context, &given);
    if (result != CLI_OK)
        return result;
    size_t count = context->values.operand_count - 1;
    nacre_dataset **sources, *mosaic = NULL;
    result = cli_open_all(context, context->values.operands, count, &sources);
    if (result == CLI_OK) {
        nacre_status status = nacre_view_mosaic(sources, count, &given.mosaic, &mosaic, &error);
        result = status == NACRE_OK ? cli_save(context, mosaic, context->values.operands[count], "VRT", &save)
                                    : cli_fail(context, status, &error);
    }
    nacre_dataset_close(mosaic);
    cli_close_all(sources, count);
    return result;
}

const cli_command cli_cmd_vrt = {
    .name = "vrt",
    .summary = "make a mosaic of rasters of one CRS, as a VRT",
    .operands = "SRC... DST",
    .operands_min = 2,
    .operands_max = -1,
    .options = options,
    .run = run,
};
