/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "describe.h"

#include <math.h>
#include <nacre/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *cli_json_text(const char *text)
{
    json_t *out = json_string(text);
    char *utf8 = out ? NULL : malloc(2 * strlen(text) + 1), *to = utf8;
    for (; utf8 && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x80)
            *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c);
    }
    if (utf8) {
        *to = '\0';
        out = json_string(utf8);
    }
    free(utf8);
    return out ? out : json_null();
}

/* The path without its secrets, to be freed; NULL: out of memory. */
static char *shown_path(const char *path)
{
    size_t size = nacre_path_shown(path, NULL, 0) + 1;
    char *shown = malloc(size);
    if (shown)
        nacre_path_shown(path, shown, size);
    return shown;
}

json_t *cli_json_path(const char *path)
{
    char *shown = shown_path(path);
    json_t *out = cli_json_text(shown ? shown : "");
    free(shown);
    return out;
}

void cli_print_path(const char *path)
{
    char *shown = shown_path(path);
    printf("%s\n", shown ? shown : "");
    free(shown);
}

json_t *cli_json_number(double value)
{
    if (isnan(value))
        return json_string("nan");
    if (isinf(value))
        return json_string(value > 0 ? "inf" : "-inf");
    if (value == floor(value) && fabs(value) < 1e15)
        return json_integer((json_int_t)value);
    return json_real(value);
}

json_t *cli_json_nodata(const nacre_band_info *band)
{
    if (!band->nodata.is_set)
        return json_null();
    if (band->dtype == NACRE_DTYPE_INT64)
        return json_integer(band->nodata.int64_value);
    if (band->dtype == NACRE_DTYPE_UINT64 && band->nodata.uint64_value <= INT64_MAX)
        return json_integer((json_int_t)band->nodata.uint64_value);
    if (band->dtype == NACRE_DTYPE_UINT64)
        return json_sprintf("%llu", (unsigned long long)band->nodata.uint64_value);
    return cli_json_number(band->nodata.value);
}

json_t *cli_json_transform(const nacre_dataset_info *info)
{
    if (!info->has_transform)
        return json_null();
    const nacre_transform *t = &info->transform;
    return json_pack("[o, o, o, o, o, o]", cli_json_number(t->a), cli_json_number(t->b), cli_json_number(t->c),
                     cli_json_number(t->d), cli_json_number(t->e), cli_json_number(t->f));
}

json_t *cli_json_metadata(const nacre_dataset *dataset, int band)
{
    json_t *out = json_object();
    const char *domain, *key, *value;
    for (size_t i = 0; nacre_dataset_metadata(dataset, band, i, &domain, &key, &value); i++) {
        json_t *items = json_object_get(out, domain);
        if (!items) {
            items = json_object();
            json_object_set_new(out, domain, items);
        }
        json_object_set_new(items, key, cli_json_text(value));
    }
    return out;
}

json_t *cli_json_crs(nacre_crs *crs)
{
    const char *authority, *code, *wkt;
    if (!crs)
        return json_null();
    bool known = nacre_crs_authority(crs, &authority, &code);
    if (nacre_crs_text(crs, NACRE_CRS_WKT2, &wkt, NULL) != NACRE_OK)
        wkt = NULL;
    return json_pack("{s:s?, s:s?, s:s, s:s?}", "authority", known ? authority : NULL, "code", known ? code : NULL,
                     "name", nacre_crs_name(crs), "wkt2", wkt);
}

json_t *cli_json_mask_flags(unsigned flags)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{NACRE_MASK_ALL_VALID, "all_valid"},
                 {NACRE_MASK_PER_DATASET, "per_dataset"},
                 {NACRE_MASK_ALPHA, "alpha"},
                 {NACRE_MASK_NODATA, "nodata"}};
    json_t *out = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flags & names[i].bit)
            json_array_append_new(out, json_string(names[i].name));
    return out;
}

void cli_bounds(const nacre_dataset_info *info, double out[4])
{
    const nacre_transform identity = {1, 0, 0, 0, 1, 0};
    const nacre_transform *t = info->has_transform ? &info->transform : &identity;
    if (t->b == 0 && t->d == 0) { /* as Rasterio: a grid whose rows go up has its bottom above its top */
        const double bounds[4] = {t->c, t->f + t->e * info->height, t->c + t->a * info->width, t->f};
        memcpy(out, bounds, sizeof bounds);
        return;
    }
    for (int corner = 0; corner < 4; corner++) {
        double column = corner & 1 ? info->width : 0, row = corner & 2 ? info->height : 0;
        double x = t->a * column + t->b * row + t->c, y = t->d * column + t->e * row + t->f;
        bool first = corner == 0;
        out[0] = first || x < out[0] ? x : out[0];
        out[1] = first || y < out[1] ? y : out[1];
        out[2] = first || x > out[2] ? x : out[2];
        out[3] = first || y > out[3] ? y : out[3];
    }
}

void cli_crs_text(nacre_crs *crs, char *out, size_t size)
{
    const char *authority, *code;
    out[0] = '\0';
    if (!crs)
        return;
    bool known = nacre_crs_authority(crs, &authority, &code);
    const char *name = nacre_crs_name(crs);
    snprintf(out, size, "%s%s%s%s%s", known ? authority : "", known ? ":" : "", known ? code : "",
             known && *name ? " " : "", name);
}
