/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "warp/cutline.h"

/* Cutlines as texts: WKT both ways, GeoJSON. */

enum { DEPTH_MAX = 8, SHOWN = 60 };

static nacre_status no_polygon(const char *name, const char *text, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_INVALID,
                         "%s: the cutline \"%.*s%s\" is no polygon: POLYGON or MULTIPOLYGON as WKT or GeoJSON", name,
                         SHOWN, text, strlen(text) > SHOWN ? "..." : "");
}

/* --- WKT --- */

typedef struct {
    const char *at;
    ncr_cutline *cutline;
    bool out_of_memory;
} wkt;

static void skip_blanks(wkt *w)
{
    w->at += strspn(w->at, " \t\r\n");
}

static bool take(wkt *w, char c)
{
    skip_blanks(w);
    if (*w->at != c)
        return false;
    w->at++;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A whole word in any case. */
static bool take_word(wkt *w, const char *word)
{
    skip_blanks(w);
    size_t length = strlen(word);
    if (!ncr_text_starts_nocase(w->at, word) || is_letter(w->at[length]))
        return false;
    w->at += length;
    return true;
}

static bool take_number(wkt *w, double *out)
{
    char word[64];
    skip_blanks(w);
    size_t length = strcspn(w->at, " \t\r\n,()");
    if (!length || length >= sizeof word)
        return false;
    memcpy(word, w->at, length);
    word[length] = '\0';
    w->at += length;
    return ncr_text_to_double(word, out) && isfinite(*out);
}

/* "(x y z, ...)" */
static bool take_ring(wkt *w, int polygon)
{
    double x, y, other;
    if (!take(w, '('))
        return false;
    do {
        if (!take_number(w, &x) || !take_number(w, &y))
            return false;
        for (skip_blanks(w); *w->at && *w->at != ',' && *w->at != ')'; skip_blanks(w))
            if (!take_number(w, &other)) /* z, m */
                return false;
        w->out_of_memory = !ncr_cutline_add_point(w->cutline, x, y);
    } while (!w->out_of_memory && take(w, ','));
    return !w->out_of_memory && take(w, ')') && ncr_cutline_add_ring(w->cutline, polygon);
}

static bool take_polygon(wkt *w)
{
    int polygon = w->cutline->polygon_count++;
    if (!take(w, '('))
        return false;
    do
        if (!take_ring(w, polygon))
            return false;
    while (take(w, ','));
    return take(w, ')');
}

static bool take_polygons(wkt *w)
{
    bool are_many = take_word(w, "MULTIPOLYGON");
    if (!are_many && !take_word(w, "POLYGON"))
        return false;
    if (!take_word(w, "ZM") && !take_word(w, "Z"))
        (void)take_word(w, "M");
    if (!are_many)
        return take_polygon(w);
    if (!take(w, '('))
        return false;
    do
        if (!take_polygon(w))
            return false;
    while (take(w, ','));
    return take(w, ')');
}

static bool read_wkt(wkt *w)
{
    if (!take_polygons(w))
        return false;
    skip_blanks(w);
    return *w->at == '\0';
}

/* --- GeoJSON --- */

static bool add_position(ncr_cutline *cutline, const json_t *position)
{
    double at[2];
    for (size_t i = 0; i < 2; i++) {
        const json_t *number = json_array_get(position, i);
        if (!json_is_number(number))
            return false;
        at[i] = json_number_value(number);
    }
    return isfinite(at[0]) && isfinite(at[1]) && ncr_cutline_add_point(cutline, at[0], at[1]);
}

static bool add_polygon(ncr_cutline *cutline, const json_t *rings)
{
    int polygon = cutline->polygon_count++;
    for (size_t i = 0; i < json_array_size(rings); i++) {
        const json_t *ring = json_array_get(rings, i);
        for (size_t k = 0; k < json_array_size(ring); k++)
            if (!add_position(cutline, json_array_get(ring, k)))
                return false;
        if (!ncr_cutline_add_ring(cutline, polygon))
            return false;
    }
    return json_array_size(rings) > 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most DEPTH_MAX deep */
static bool add_geometry(ncr_cutline *cutline, const json_t *object, int depth)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    const json_t *coordinates = json_object_get(object, "coordinates");
    if (!type || depth > DEPTH_MAX)
        return false;
    if (strcmp(type, "Polygon") == 0)
        return add_polygon(cutline, coordinates);
    if (strcmp(type, "Feature") == 0)
        return add_geometry(cutline, json_object_get(object, "geometry"), depth + 1);
    bool are_polygons = strcmp(type, "MultiPolygon") == 0;
    const json_t *list = are_polygons                              ? coordinates
                         : strcmp(type, "FeatureCollection") == 0  ? json_object_get(object, "features")
                         : strcmp(type, "GeometryCollection") == 0 ? json_object_get(object, "geometries")
                                                                   : NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *part = json_array_get(list, i);
        if (!(are_polygons ? add_polygon(cutline, part) : add_geometry(cutline, part, depth + 1)))
            return false;
    }
    return json_array_size(list) > 0;
}

static bool read_geojson(ncr_cutline *cutline, const char *text)
{
    json_t *document = json_loads(text, 0, NULL);
    bool good = document && add_geometry(cutline, document, 0);
    json_decref(document);
    return good;
}

/* --- Both --- */

nacre_status ncr_cutline_parse(const char *name, const char *text, ncr_cutline **out, bool *is_geojson,
                               nacre_error *err)
{
    *out = NULL;
    const char *start = text + strspn(text, " \t\r\n");
    *is_geojson = *start == '{';
    ncr_cutline *cutline = ncr_cutline_new();
    if (!cutline)
        return ncr_error_memory(err);
    wkt w = {.at = start, .cutline = cutline};
    bool good = *is_geojson ? read_geojson(cutline, start) : read_wkt(&w);
    if (good && cutline->ring_count) {
        *out = cutline;
        return NACRE_OK;
    }
    ncr_cutline_free(cutline);
    return w.out_of_memory ? ncr_error_memory(err) : no_polygon(name, start, err);
}

static bool append_point(ncr_buffer *text, const double point[2], const char *before)
{
    char x[NCR_TEXT_DOUBLE_SIZE], y[NCR_TEXT_DOUBLE_SIZE];
    ncr_text_from_double(point[0], x);
    ncr_text_from_double(point[1], y);
    return ncr_text_appendf(text, "%s%s %s", before, x, y);
}

char *ncr_cutline_text(const ncr_cutline *cutline)
{
    ncr_buffer text;
    ncr_buffer_init(&text, SIZE_MAX / 2);
    bool good = ncr_text_append(&text, "MULTIPOLYGON (");
    for (size_t r = 0; r < cutline->ring_count && good; r++) {
        const ncr_cutline_ring *ring = &cutline->rings[r];
        bool is_first = r == 0 || ring[-1].polygon != ring->polygon;
        bool is_last = r + 1 == cutline->ring_count || ring[1].polygon != ring->polygon;
        good = ncr_text_append(&text, r == 0 ? "((" : is_first ? ",((" : ",(");
        for (size_t i = 0; i < ring->count && good; i++)
            good = append_point(&text, cutline->points[ring->first + i], i ? "," : "");
        good = good && append_point(&text, cutline->points[ring->first], ",") &&
               ncr_text_append(&text, is_last ? "))" : ")");
    }
    good = good && ncr_text_append(&text, ")");
    char *copy = good ? ncr_text_copy((const char *)text.data) : NULL;
    ncr_buffer_clear(&text);
    return copy;
}
