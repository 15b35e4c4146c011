/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "describe.h"

enum { TOLERANCE = 1, PIXELS };

static const cli_option options[] = {
    {TOLERANCE, "tolerance", 0, NULL, 0, "VALUE", false, "pixels may differ by this much (0)"},
    {PIXELS, "pixels", 0, NULL, 0, NULL, false, "compare size, pixels and masks alone, not what describes them"},
    {0},
};

enum { PART_PIXELS = 2 << 20, VALUE_BYTES_MAX = 16 };

/* What was found in one band. */
typedef struct band_result {
    uint64_t differing; /* pixels that are valid in both and differ by more than the tolerance */
    uint64_t masks;     /* pixels that are valid in one alone */
    double largest;     /* difference; infinite between a number and NaN */
} band_result;

typedef struct comparison {
    cli_context *context;
    const char *paths[2];
    nacre_dataset *datasets[2];
    nacre_dataset_info info[2];
    double tolerance;
    json_t *differences; /* array of {what, a, b} */
    band_result *bands;
    char *pixels[2];
    uint8_t *masks[2];
} comparison;

/* --- What describes the pixels --- */

/* Takes both references. */
static void compare_json(comparison *c, const char *what, json_t *a, json_t *b)
{
    if (json_equal(a, b)) {
        json_decref(a);
        json_decref(b);
        return;
    }
    json_array_append_new(c->differences, json_pack("{s:s, s:o, s:o}", "what", what, "a", a, "b", b));
}

static void compare_crs(comparison *c)
{
    char texts[2][512];
    if (nacre_crs_equal(c->info[0].crs, c->info[1].crs))
        return;
    for (int i = 0; i < 2; i++)
        cli_crs_text(c->info[i].crs, texts[i], sizeof texts[i]);
    json_array_append_new(c->differences, json_pack("{s:s, s:s, s:s}", "what", "crs", "a", texts[0], "b", texts[1]));
}

/* The colour table as text; null for none. */
static json_t *colors_json(const nacre_band_info *band)
{
    json_t *out = band->color_count ? json_array() : json_null();
    for (int i = 0; i < band->color_count; i++) {
        const nacre_color_entry *entry = &band->colors[i];
        json_array_append_new(out, json_pack("[i, i, i, i]", entry->red, entry->green, entry->blue, entry->alpha));
    }
    return out;
}

static void compare_band(comparison *c, int number)
{
    nacre_band_info bands[2];
    char what[64];
    for (int i = 0; i < 2; i++)
        if (nacre_dataset_band_get(c->datasets[i], number, &bands[i], NULL) != NACRE_OK)
            return;
#define COMPARE(NAME, A, B)                                         \
    do {                                                            \
        snprintf(what, sizeof what, "band %d: %s", number, (NAME)); \
        compare_json(c, what, (A), (B));                            \
    } while (0)
    COMPARE("dtype", json_string(nacre_dtype_name(bands[0].dtype)), json_string(nacre_dtype_name(bands[1].dtype)));
    COMPARE("nodata", cli_json_nodata(&bands[0]), cli_json_nodata(&bands[1]));
    COMPARE("scale", cli_json_number(bands[0].scale), cli_json_number(bands[1].scale));
    COMPARE("offset", cli_json_number(bands[0].offset), cli_json_number(bands[1].offset));
    COMPARE("unit", cli_json_text(bands[0].unit), cli_json_text(bands[1].unit));
    COMPARE("description", cli_json_text(bands[0].description), cli_json_text(bands[1].description));
    COMPARE("color interpretation", json_string(nacre_color_name(bands[0].color)),
            json_string(nacre_color_name(bands[1].color)));
    COMPARE("colors", colors_json(&bands[0]), colors_json(&bands[1]));
    COMPARE("mask flags", cli_json_mask_flags(bands[0].mask_flags), cli_json_mask_flags(bands[1].mask_flags));
    COMPARE("metadata", cli_json_metadata(c->datasets[0], number), cli_json_metadata(c->datasets[1], number));
#undef COMPARE
}

/* Items that tell how a file is laid out, not what it holds. */
static json_t *comparable_metadata(const nacre_dataset *dataset)
{
    json_t *out = cli_json_metadata(dataset, 0);
    json_object_del(out, "IMAGE_STRUCTURE");
    json_object_del(out, "DERIVED_SUBDATASETS");
    return out;
}

/* False: sizes or bands differ, so that pixels cannot be compared. */
static bool compare_description(comparison *c)
{
    const nacre_dataset_info *a = &c->info[0], *b = &c->info[1];
    compare_json(c, "size", json_pack("[i, i]", a->width, a->height), json_pack("[i, i]", b->width, b->height));
    compare_json(c, "bands", json_integer(a->band_count), json_integer(b->band_count));
    if (json_array_size(c->differences))
        return false;
    if (cli_has(&c->context->values, PIXELS))
        return true;
    compare_crs(c);
    compare_json(c, "transform", cli_json_transform(a), cli_json_transform(b));
    compare_json(c, "metadata", comparable_metadata(c->datasets[0]), comparable_metadata(c->datasets[1]));
    compare_json(c, "gcps", json_integer(a->gcp_count), json_integer(b->gcp_count));
    for (int band = 1; band <= a->band_count; band++)
        compare_band(c, band);
    return true;
}

/* --- Pixels --- */

/* The type that both bands' values go into without loss. */
static nacre_dtype common_dtype(nacre_dtype a, nacre_dtype b)
{
    bool wide = a == b && (a == NACRE_DTYPE_INT64 || a == NACRE_DTYPE_UINT64);
    bool complex_values = a >= NACRE_DTYPE_COMPLEX_INT16 || b >= NACRE_DTYPE_COMPLEX_INT16;
    return wide ? a : complex_values ? NACRE_DTYPE_COMPLEX128 : NACRE_DTYPE_FLOAT64;
}

static double difference(double a, double b)
{
    if (a == b || (isnan(a) && isnan(b)))
        return 0;
    return isnan(a) || isnan(b) ? INFINITY : fabs(a - b);
}

static double difference_at(const comparison *c, nacre_dtype dtype, size_t i)
{
    const char *a = c->pixels[0], *b = c->pixels[1];
    if (dtype == NACRE_DTYPE_UINT64) {
        uint64_t x = ((const uint64_t *)a)[i], y = ((const uint64_t *)b)[i];
        return (double)(x > y ? x - y : y - x);
    }
    if (dtype == NACRE_DTYPE_INT64) {
        int64_t x = ((const int64_t *)a)[i], y = ((const int64_t *)b)[i];
        return (double)(x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x);
    }
    const double *x = (const double *)a, *y = (const double *)b;
    if (dtype == NACRE_DTYPE_FLOAT64)
        return difference(x[i], y[i]);
    return hypot(difference(x[2 * i], y[2 * i]), difference(x[2 * i + 1], y[2 * i + 1]));
}

static void count_differences(comparison *c, nacre_dtype dtype, size_t count, band_result *out)
{
    for (size_t i = 0; i < count; i++) {
        bool valid[2] = {c->masks[0][i] != 0, c->masks[1][i] != 0};
        out->masks += valid[0] != valid[1];
        if (!valid[0] || !valid[1])
            continue;
        double by = difference_at(c, dtype, i);
        out->largest = by > out->largest ? by : out->largest;
        out->differing += by > c->tolerance;
    }
}

static nacre_status read_part(comparison *c, int which, int band, nacre_dtype dtype, const nacre_window *window,
                              nacre_error *err)
{
    nacre_read_options read = NACRE_READ_OPTIONS_INIT;
    size_t count = (size_t)window->width * (size_t)window->height;
    read.window = *window;
    read.bands = &band;
    read.band_count = 1;
    read.dtype = dtype;
    nacre_status status = nacre_dataset_read(c->datasets[which], &read, &c->context->io, c->pixels[which],
                                             count * nacre_dtype_size(dtype), err);
    if (status != NACRE_OK)
        return status;
    read.dtype = NACRE_DTYPE_UNKNOWN;
    read.masks = true;
    return nacre_dataset_read(c->datasets[which], &read, &c->context->io, c->masks[which], count, err);
}

static int compare_part(comparison *c, int band, nacre_dtype dtype, const nacre_window *window)
{
    nacre_error error;
    for (int i = 0; i < 2; i++) {
        nacre_status status = read_part(c, i, band, dtype, window, &error);
        if (status != NACRE_OK)
            return cli_fail(c->context, status, &error);
    }
    count_differences(c, dtype, (size_t)window->width * (size_t)window->height, &c->bands[band - 1]);
    return CLI_OK;
}

/* In parts of as many whole rows as PART_PIXELS are, or of one row where that is longer. */
static int compare_band_pixels(comparison *c, int band)
{
    nacre_band_info bands[2];
    nacre_error error;
    for (int i = 0; i < 2; i++)
        if (nacre_dataset_band_get(c->datasets[i], band, &bands[i], &error) != NACRE_OK)
            return cli_fail(c->context, error.status, &error);
    nacre_dtype dtype = common_dtype(bands[0].dtype, bands[1].dtype);
    int width = c->info[0].width, height = c->info[0].height, total = c->info[0].band_count;
    int columns = width < PART_PIXELS ? width : PART_PIXELS, rows = PART_PIXELS / columns;
    int status = CLI_OK;
    for (int64_t y = 0; y < height && status == CLI_OK; y += rows) {
        for (int64_t x = 0; x < width && status == CLI_OK; x += columns) {
            nacre_window window = {(double)x, (double)y, (double)(width - x < columns ? width - x : columns),
                                   (double)(height - y < rows ? height - y : rows)};
            status = compare_part(c, band, dtype, &window);
            double done = ((double)y + window.height * ((double)x + window.width) / width) / height;
            if (status == CLI_OK && !cli_progress(c->context, (band - 1 + done) / total))
                status = CLI_INTERRUPTED;
        }
    }
    return status;
}

static int compare_pixels(comparison *c)
{
    c->bands = calloc((size_t)c->info[0].band_count, sizeof *c->bands);
    for (int i = 0; i < 2; i++) {
        c->pixels[i] = malloc((size_t)PART_PIXELS * VALUE_BYTES_MAX);
        c->masks[i] = malloc(PART_PIXELS);
        if (!c->bands || !c->pixels[i] || !c->masks[i])
            return cli_error(c->context, "out of memory");
    }
    int status = CLI_OK;
    for (int band = 1; band <= c->info[0].band_count && status == CLI_OK; band++)
        status = compare_band_pixels(c, band);
    cli_progress_end(c->context);
    return status;
}

/* --- Results --- */

static bool is_equal(const comparison *c)
{
    bool equal = json_array_size(c->differences) == 0;
    for (int i = 0; c->bands && i < c->info[0].band_count; i++)
        equal = equal && c->bands[i].differing == 0 && c->bands[i].masks == 0;
    return equal;
}

static void print_json(const comparison *c)
{
    json_t *bands = json_array();
    for (int i = 0; c->bands && i < c->info[0].band_count; i++)
        json_array_append_new(bands, json_pack("{s:i, s:I, s:o, s:I}", "band", i + 1, "differing",
                                               (json_int_t)c->bands[i].differing, "largest",
                                               cli_json_number(c->bands[i].largest), "masks_differing",
                                               (json_int_t)c->bands[i].masks));
    cli_print_json(json_pack("{s:i, s:o, s:o, s:b, s:o, s:O, s:o}", "schema", 1, "a", cli_json_text(c->paths[0]), "b",
                             cli_json_text(c->paths[1]), "equal", is_equal(c), "tolerance",
                             cli_json_number(c->tolerance), "differences", c->differences, "bands", bands),
                   false);
}

static void print_text(const comparison *c)
{
    size_t index;
    json_t *found;
    json_array_foreach (c->differences, index, found) {
        char *a = json_dumps(json_object_get(found, "a"), JSON_ENCODE_ANY | JSON_COMPACT);
        char *b = json_dumps(json_object_get(found, "b"), JSON_ENCODE_ANY | JSON_COMPACT);
        printf("%s: %s and %s\n", json_string_value(json_object_get(found, "what")), a ? a : "?", b ? b : "?");
        free(a);
        free(b);
    }
    for (int i = 0; c->bands && i < c->info[0].band_count; i++) {
        const band_result *band = &c->bands[i];
        if (band->differing)
            printf("band %d: %llu pixels differ, by at most %.15g\n", i + 1, (unsigned long long)band->differing,
                   band->largest);
        if (band->masks)
            printf("band %d: %llu pixels are valid in one alone\n", i + 1, (unsigned long long)band->masks);
    }
}

static int run(cli_context *context)
{
    comparison c = {.context = context, .differences = json_array()};
    const char *tolerance = cli_text(&context->values, TOLERANCE);
    nacre_error error;
    int result = CLI_OK;
    if (tolerance && (!cli_numbers(tolerance, 1, &c.tolerance) || c.tolerance < 0))
        result = cli_usage(context, "--tolerance takes a number from 0, not '%s'", tolerance);
    for (int i = 0; i < 2 && result == CLI_OK; i++) {
        c.paths[i] = context->values.operands[i];
        nacre_status status = nacre_dataset_open(c.paths[i], NULL, &context->io, &c.datasets[i], &error);
        if (status != NACRE_OK)
            result = cli_fail(context, status, &error);
        else
            nacre_dataset_info_get(c.datasets[i], &c.info[i]);
    }
    if (result == CLI_OK && compare_description(&c))
        result = compare_pixels(&c);
    if (result == CLI_OK) {
        if (context->json)
            print_json(&c);
        else
            print_text(&c);
        result = is_equal(&c) ? CLI_OK : CLI_FAILED;
    }
    for (int i = 0; i < 2; i++) {
        nacre_dataset_close(c.datasets[i]);
        free(c.pixels[i]);
        free(c.masks[i]);
    }
    free(c.bands);
    json_decref(c.differences);
    return result;
}

const cli_command cli_cmd_compare = {
    .name = "compare",
    .summary = "tell how two rasters differ; status 1 where they do",
    .operands = "A B",
    .operands_min = 2,
    .operands_max = 2,
    .options = options,
    .run = run,
};
