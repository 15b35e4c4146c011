/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "cli.h"
#include "describe.h"

enum { VALIDATE_COG = 1 };

static const cli_option options[] = {
    {VALIDATE_COG, "validate-cog", 0, NULL, 0, NULL, false,
     "tell what keeps it from being a Cloud Optimized GeoTIFF; status 1 where that is an error"},
    {0},
};

/* --- JSON: docs/guide/info.schema.json --- */

static json_t *overviews_json(const nacre_dataset_info *info)
{
    json_t *out = json_array();
    for (int i = 0; i < info->overview_count; i++)
        json_array_append_new(out, json_pack("[i, i]", info->overviews[i][0], info->overviews[i][1]));
    return out;
}

static json_t *band_json(nacre_dataset *dataset, const nacre_dataset_info *info, int number)
{
    nacre_band_info band;
    if (nacre_dataset_band_get(dataset, number, &band, NULL) != NACRE_OK)
        return json_null();
    return json_pack("{s:i, s:s, s:[i, i], s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "band", number, "dtype",
                     nacre_dtype_name(band.dtype), "block", band.block_width, band.block_height, "nodata",
                     cli_json_nodata(&band), "color_interpretation", nacre_color_name(band.color), "overviews",
                     overviews_json(info), "scale", cli_json_number(band.scale), "offset", cli_json_number(band.offset),
                     "unit", cli_json_text(band.unit), "description", cli_json_text(band.description), "mask_flags",
                     cli_json_mask_flags(band.mask_flags), "metadata", cli_json_metadata(dataset, number));
}

static json_t *gcps_json(const nacre_dataset_info *info)
{
    json_t *out = json_array();
    for (int i = 0; i < info->gcp_count; i++) {
        const nacre_gcp *gcp = &info->gcps[i];
        json_array_append_new(out, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", cli_json_text(gcp->id),
                                             "info", cli_json_text(gcp->info), "pixel", cli_json_number(gcp->pixel),
                                             "line", cli_json_number(gcp->line), "x", cli_json_number(gcp->x), "y",
                                             cli_json_number(gcp->y), "z", cli_json_number(gcp->z)));
    }
    return out;
}

static json_t *sources_json(nacre_dataset *dataset)
{
    json_t *out = json_array();
    nacre_source_info source;
    for (size_t i = 0; nacre_dataset_source(dataset, i, &source); i++)
        json_array_append_new(out, json_pack("{s:o, s:s, s:s}", "path", cli_json_text(source.path), "version",
                                             source.version, "snapshot", source.snapshot));
    return out;
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *dataset_json(nacre_dataset *dataset)
{
    nacre_dataset_info info;
    double bounds[4];
    nacre_dataset_info_get(dataset, &info);
    cli_bounds(&info, bounds);
    json_t *bands = json_array();
    for (int band = 1; band <= info.band_count; band++)
        json_array_append_new(bands, band_json(dataset, &info, band));
    json_t *metadata = cli_json_metadata(dataset, 0);
    json_t *rpcs = json_object_get(metadata, "RPC"), *sources = sources_json(dataset);
    json_t *version = json_object_get(json_array_get(sources, 0), "version");
    json_t *out = json_pack("{s:i, s:o, s:s, s:[i, i], s:o, s:o, s:o}", "schema", 1, "path", cli_json_path(info.path),
                            "driver", info.driver, "size", info.width, info.height, "bands", bands, "crs",
                            cli_json_crs(info.crs), "transform", cli_json_transform(&info));
    json_object_set_new(out, "bounds",
                        json_pack("[o, o, o, o]", cli_json_number(bounds[0]), cli_json_number(bounds[1]),
                                  cli_json_number(bounds[2]), cli_json_number(bounds[3])));
    json_object_set_new(out, "compression", text_or_null(info.compression));
    json_object_set_new(out, "interleave", text_or_null(info.interleave));
    json_object_set_new(out, "cog", json_boolean(info.is_cog));
    json_object_set_new(out, "rpcs", rpcs ? json_incref(rpcs) : json_null());
    json_object_set_new(out, "metadata", metadata);
    json_object_set_new(out, "gcps", gcps_json(&info));
    json_object_set_new(out, "gcp_crs", cli_json_crs(info.gcp_crs));
    json_object_set_new(out, "version", version ? json_incref(version) : json_null());
    json_object_set_new(out, "sources", sources);
    return out;
}

/* --- Text --- */

static void line(const char *name, const char *text)
{
    if (*text)
        printf("  %-13s%s\n", name, text);
}

static void print_place(const nacre_dataset_info *info)
{
    char text[512];
    double b[4];
    const nacre_transform *t = &info->transform;
    cli_crs_text(info->crs, text, sizeof text);
    line("crs", *text ? text : "none");
    if (info->has_transform) {
        snprintf(text, sizeof text, "%.15g, %.15g, %.15g, %.15g, %.15g, %.15g", t->a, t->b, t->c, t->d, t->e, t->f);
        line("transform", text);
        cli_bounds(info, b);
        snprintf(text, sizeof text, "%.15g, %.15g, %.15g, %.15g", b[0], b[1], b[2], b[3]);
        line("bounds", text);
    }
    if (info->gcp_count) {
        char crs[400];
        cli_crs_text(info->gcp_crs, crs, sizeof crs);
        snprintf(text, sizeof text, "%d, in %s", info->gcp_count, *crs ? crs : "no known system");
        line("gcps", text);
    }
}

static void print_layout(const nacre_dataset_info *info)
{
    char text[512];
    line("compression", info->compression);
    line("interleave", info->band_count > 1 ? info->interleave : "");
    int at = 0;
    text[0] = '\0';
    for (int i = 0; i < info->overview_count && at < (int)sizeof text - 32; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%dx%d", i ? ", " : "", info->overviews[i][0],
                       info->overviews[i][1]);
    line("overviews", text);
}

static void print_band(const nacre_dataset *dataset, int number)
{
    nacre_band_info band;
    if (nacre_dataset_band_get(dataset, number, &band, NULL) != NACRE_OK)
        return;
    printf("  band %-8d%s, %s, block %dx%d", number, nacre_dtype_name(band.dtype), nacre_color_name(band.color),
           band.block_width, band.block_height);
    json_t *nodata = cli_json_nodata(&band);
    char *text = json_is_null(nodata) ? NULL : json_dumps(nodata, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    if (json_is_string(nodata))
        printf(", nodata %s", json_string_value(nodata));
    else if (text)
        printf(", nodata %s", text);
    free(text);
    json_decref(nodata);
    if (band.mask_flags & NACRE_MASK_PER_DATASET)
        printf(", %s", band.mask_flags & NACRE_MASK_ALPHA ? "alpha" : "mask");
    if (band.scale != 1 || band.offset != 0)
        printf(", scale %.15g, offset %.15g", band.scale, band.offset);
    if (*band.unit)
        printf(", unit %s", band.unit);
    if (*band.description)
        printf(", \"%s\"", band.description);
    putchar('\n');
}

static void print_metadata(const nacre_dataset *dataset)
{
    const char *domain, *key, *value;
    for (size_t i = 0; nacre_dataset_metadata(dataset, 0, i, &domain, &key, &value); i++)
        printf("  metadata     %s%s%s=%.*s\n", domain, *domain ? ": " : "", key, (int)strcspn(value, "\n"), value);
}

static void print_sources(nacre_dataset *dataset)
{
    nacre_source_info source;
    for (size_t i = 0; nacre_dataset_source(dataset, i, &source); i++) {
        if (i == 0)
            line("version", *source.version ? source.version : "none");
        else
            printf("  source       %s%s%s%s\n", source.path, *source.version ? " (" : "", source.version,
                   *source.version ? ")" : "");
    }
}

static void print_text(nacre_dataset *dataset)
{
    nacre_dataset_info info;
    char text[128];
    nacre_dataset_info_get(dataset, &info);
    cli_print_path(info.path);
    snprintf(text, sizeof text, "%s%s", info.driver, info.is_cog ? " (COG)" : "");
    line("driver", text);
    snprintf(text, sizeof text, "%d x %d, %d %s", info.width, info.height, info.band_count,
             info.band_count == 1 ? "band" : "bands");
    line("size", text);
    print_place(&info);
    print_layout(&info);
    for (int band = 1; band <= info.band_count; band++)
        print_band(dataset, band);
    print_metadata(dataset);
    print_sources(dataset);
}

/* --- Is it a COG? --- */

typedef struct findings {
    json_t *errors, *warnings;
} findings;

static void take_finding(void *user, bool is_error, const char *text)
{
    findings *f = user;
    json_array_append_new(is_error ? f->errors : f->warnings, json_string(text));
}

static void print_findings(const char *kind, const json_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++)
        printf("  %-13s%s\n", kind, json_string_value(json_array_get(texts, i)));
}

static int validate(cli_context *context, nacre_dataset *dataset, const char *path)
{
    findings f = {json_array(), json_array()};
    nacre_error error;
    bool is_valid;
    nacre_status status = nacre_dataset_validate_cog(dataset, &context->io, take_finding, &f, &is_valid, &error);
    if (status == NACRE_OK && context->json) {
        cli_print_json(json_pack("{s:i, s:o, s:b, s:O, s:O}", "schema", 1, "path", cli_json_path(path), "valid",
                                 is_valid, "errors", f.errors, "warnings", f.warnings),
                       context->values.operand_count > 1);
    } else if (status == NACRE_OK) {
        cli_print_path(path);
        line("cog", is_valid ? "valid" : "not valid");
        print_findings("error", f.errors);
        print_findings("warning", f.warnings);
    }
    json_decref(f.errors);
    json_decref(f.warnings);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    return is_valid ? CLI_OK : CLI_FAILED;
}

static int tell(cli_context *context, nacre_dataset *dataset, const char *path)
{
    if (cli_has(&context->values, VALIDATE_COG))
        return validate(context, dataset, path);
    if (context->json)
        cli_print_json(dataset_json(dataset), context->values.operand_count > 1);
    else
        print_text(dataset);
    return CLI_OK;
}

static int run(cli_context *context)
{
    int result = CLI_OK;
    for (size_t i = 0; i < context->values.operand_count; i++) {
        const char *path = context->values.operands[i];
        nacre_dataset *dataset;
        nacre_error error;
        nacre_status status = nacre_dataset_open(path, NULL, &context->io, &dataset, &error);
        if (status != NACRE_OK)
            return cli_fail(context, status, &error);
        int told = tell(context, dataset, path);
        result = told == CLI_OK ? result : told;
        nacre_dataset_close(dataset);
    }
    return result;
}

const cli_command cli_cmd_info = {
    .name = "info",
    .summary = "tell what a raster is",
    .operands = "PATH...",
    .operands_min = 1,
    .operands_max = -1,
    .options = options,
    .run = run,
};
