/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vrt/source_read.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "vrt/common.h"

/* SimpleSource and ComplexSource elements. What would change pixels and is not known is refused by name: a mosaic that
 * silently leaves something out is worse than none. */

static nacre_status unsupported(const ncr_vrt_reader *reader, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: %s is not supported in a VRT",
                         ncr_vrt_document_name(reader->document), what);
}

static nacre_status corrupt(const ncr_vrt_reader *reader, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %s", ncr_vrt_document_name(reader->document), what);
}

/* --- Each SourceFilename once --- */

/* What tells one source from another, the content aside. */
enum { NAME_ATTRIBUTES = 2 };
static const char *const name_attributes[NAME_ATTRIBUTES] = {"relativeToVRT", "pinnedVersion"};

static size_t add_to_hash(size_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

/* Of all that is_same_source() compares: else many versions of one name would take quadratic time. */
static size_t name_hash(const ncr_xml *element)
{
    size_t hash = add_to_hash(1469598103934665603u, ncr_xml_content(element));
    for (int i = 0; i < NAME_ATTRIBUTES; i++)
        hash = add_to_hash(hash, ncr_xml_attribute(element, name_attributes[i], ""));
    return hash;
}

static bool is_same_source(const ncr_xml *a, const ncr_xml *b)
{
    if (strcmp(ncr_xml_content(a), ncr_xml_content(b)) != 0)
        return false;
    for (int i = 0; i < NAME_ATTRIBUTES; i++)
        if (strcmp(ncr_xml_attribute(a, name_attributes[i], ""), ncr_xml_attribute(b, name_attributes[i], "")) != 0)
            return false;
    return true;
}

static bool names_grow(ncr_vrt_reader *reader)
{
    size_t capacity = reader->name_capacity ? 2 * reader->name_capacity : 64;
    ncr_vrt_name *names = ncr_alloc_array(capacity, sizeof *names);
    if (!names)
        return false;
    for (size_t i = 0; i < reader->name_capacity; i++) {
        ncr_vrt_name *name = &reader->names[i];
        if (!name->element)
            continue;
        size_t at = name_hash(name->element) & (capacity - 1);
        while (names[at].element)
            at = (at + 1) & (capacity - 1);
        names[at] = *name;
    }
    free(reader->names);
    reader->names = names;
    reader->name_capacity = capacity;
    return true;
}

static nacre_status read_name(ncr_vrt_reader *reader, const ncr_xml *element, uint32_t *out, nacre_error *err)
{
    if (2 * (reader->name_count + 1) > reader->name_capacity && !names_grow(reader))
        return ncr_error_memory(err);
    size_t at = name_hash(element) & (reader->name_capacity - 1);
    for (; reader->names[at].element; at = (at + 1) & (reader->name_capacity - 1))
        if (is_same_source(reader->names[at].element, element)) {
            *out = reader->names[at].lazy;
            return NACRE_OK;
        }
    ncr_lazy *lazy;
    nacre_status status = ncr_vrt_read_source(element, reader->document, &lazy, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_vrt_view_add_lazy(reader->view, lazy, out, err);
    ncr_lazy_unref(lazy);
    if (status == NACRE_OK) {
        reader->names[at] = (ncr_vrt_name){element, *out};
        reader->name_count++;
    }
    return status;
}

/* --- Parts of a source --- */

static nacre_status read_source_band(const ncr_vrt_reader *reader, const ncr_xml *element, ncr_vrt_source *source,
                                     nacre_error *err)
{
    const char *text = ncr_xml_text(element, "SourceBand", "1");
    source->is_mask = ncr_text_starts_nocase(text, "mask");
    if (source->is_mask)
        text = text[4] == ',' ? text + 5 : text[4] == '\0' ? "1" : text;
    if (!ncr_text_to_int(text, &source->band) || source->band < 1)
        return corrupt(reader, "a SourceBand is neither a band nor \"mask,\" and one", err);
    return NACRE_OK;
}

/* false in *out: no such element. */
static nacre_status read_rect(const ncr_vrt_reader *reader, const ncr_xml *element, const char *name,
                              nacre_window *rect, bool *out, nacre_error *err)
{
    const ncr_xml *child = ncr_xml_first(element, name);
    *out = child != NULL;
    const struct {
        const char *name;
        double *value;
    } numbers[] = {{"xOff", &rect->x}, {"yOff", &rect->y}, {"xSize", &rect->width}, {"ySize", &rect->height}};
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < 4 && child && status == NACRE_OK; i++) {
        status = ncr_xml_attribute_double(child, numbers[i].name, i < 2 ? 0 : -1, numbers[i].value, err);
        if (status == NACRE_OK && !(fabs(*numbers[i].value) <= INT_MAX))
            status = corrupt(reader, "a SrcRect or DstRect is out of range", err);
    }
    /* All -1 is how GDAL says that there is none. */
    if (child && rect->width == -1 && rect->height == -1)
        *out = false;
    return status;
}

static nacre_status read_rects(const ncr_vrt_reader *reader, const ncr_xml *element, ncr_vrt_source *source,
                               nacre_error *err)
{
    bool has_src, has_dst;
    nacre_window whole = {0, 0, reader->view->base.width, reader->view->base.height};
    nacre_status status = read_rect(reader, element, "SrcRect", &source->src, &has_src, err);
    if (status == NACRE_OK)
        status = read_rect(reader, element, "DstRect", &source->dst, &has_dst, err);
    if (status != NACRE_OK)
        return status;
    if (!has_src && !has_dst)
        source->src = whole; /* pixel for pixel */
    else if (!has_src)
        source->src = (nacre_window){0};
    if (!has_dst)
        source->dst = whole;
    return NACRE_OK;
}

static nacre_status read_resampling(const ncr_vrt_reader *reader, const ncr_xml *element, ncr_vrt_source *source,
                                    nacre_error *err)
{
    const char *name = ncr_xml_attribute(element, "resampling", NULL);
    if (!name)
        return NACRE_OK;
    source->has_resampling = ncr_resampling_from_name(name, &source->resampling);
    return source->has_resampling ? NACRE_OK : unsupported(reader, name, err);
}

static nacre_status check_options(const ncr_vrt_reader *reader, const ncr_xml *element, nacre_error *err)
{
    /* These change how GDAL reads, not what. */
    static const char *const harmless[] = {"NUM_THREADS", "IGNORE_COG_LAYOUT_BREAK", "SHARE_SRS", "ROOT_PATH"};
    const ncr_xml *options = ncr_xml_first(element, "OpenOptions");
    for (const ncr_xml *option = ncr_xml_first(options, "OOI"); option; option = ncr_xml_next(option, "OOI")) {
        const char *key = ncr_xml_attribute(option, "key", "");
        bool known = false;
        for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
            known = known || ncr_text_equal_nocase(key, harmless[i]);
        if (known)
            continue;
        char what[128];
        snprintf(what, sizeof what, "the open option %.60s", key);
        return unsupported(reader, what, err);
    }
    return NACRE_OK;
}

/* Every child must be one that is known; those of a ComplexSource mean nothing in a SimpleSource, as in GDAL. */
static nacre_status check_children(const ncr_vrt_reader *reader, const ncr_xml *element, nacre_error *err)
{
    static const char *const known[] = {
        "SourceFilename", "SourceBand", "SourceProperties", "OpenOptions", "SrcRect", "DstRect",
        "ScaleOffset",    "ScaleRatio", "NODATA",           "UseMaskBand", "LUT",     "ColorTableComponent",
        "Exponent",       "SrcMin",     "SrcMax",           "DstMin",      "DstMax",  "Clamp",
    };
    for (const ncr_xml *child = ncr_xml_first(element, NULL); child; child = ncr_xml_next(child, NULL)) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known && !found; i++)
            found = ncr_text_equal_nocase(ncr_xml_name(child), known[i]);
        if (found)
            continue;
        char what[128];
        snprintf(what, sizeof what, "%.40s in a %.40s", ncr_xml_name(child), ncr_xml_name(element));
        return unsupported(reader, what, err);
    }
    return NACRE_OK;
}

/* --- The recipe of a ComplexSource --- */

static nacre_status read_scaling(const ncr_vrt_reader *reader, const ncr_xml *element, ncr_vrt_recipe *recipe,
                                 nacre_error *err)
{
    recipe->is_linear = ncr_xml_first(element, "ScaleOffset") || ncr_xml_first(element, "ScaleRatio");
    const struct {
        const char *name;
        double fallback, *out;
    } numbers[] = {
        {"ScaleOffset", 0, &recipe->offset}, {"ScaleRatio", 1, &recipe->ratio}, {"Exponent", 1, &recipe->exponent},
        {"SrcMin", 0, &recipe->src_min},     {"SrcMax", 0, &recipe->src_max},   {"DstMin", 0, &recipe->dst_min},
        {"DstMax", 0, &recipe->dst_max},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        nacre_status status = ncr_xml_double(element, numbers[i].name, numbers[i].fallback, numbers[i].out, err);
        if (status != NACRE_OK)
            return status;
    }
    recipe->is_exponential = !recipe->is_linear && ncr_xml_first(element, "Exponent") != NULL;
    recipe->clamp = ncr_xml_bool(element, "Clamp", true);
    if (recipe->is_exponential &&
        (!ncr_xml_first(element, "SrcMin") || !ncr_xml_first(element, "SrcMax") || recipe->src_min == recipe->src_max))
        return unsupported(reader, "an Exponent without SrcMin and SrcMax", err);
    return NACRE_OK;
}

static bool parse_lut_entry(char *entry, double out[2])
{
    char *value = entry;
    char *input = strsep(&value, ":");
    return value && ncr_text_to_double(input + strspn(input, " \t\r\n"), &out[0]) &&
           ncr_text_to_double(value + strspn(value, " \t\r\n"), &out[1]);
}

/* "in:out,in:out,..." */
static nacre_status read_lut(const ncr_vrt_reader *reader, const ncr_xml *element, ncr_vrt_recipe *recipe,
                             nacre_error *err)
{
    const char *text = ncr_xml_text(element, "LUT", NULL);
    if (!text)
        return NACRE_OK;
    char *copy = ncr_text_copy(text);
    if (!copy)
        return ncr_error_memory(err);
    size_t capacity = 0;
    char *rest = copy;
    nacre_status status = NACRE_OK;
    for (char *entry; status == NACRE_OK && (entry = strsep(&rest, ","));) {
        if (!ncr_array_reserve(&recipe->lut, &capacity, recipe->lut_count + 1, sizeof *recipe->lut))
            status = ncr_error_memory(err);
        else if (!parse_lut_entry(entry, recipe->lut[recipe->lut_count]) ||
                 (recipe->lut_count && !(recipe->lut[recipe->lut_count][0] >= recipe->lut[recipe->lut_count - 1][0])))
            status = corrupt(reader, "a LUT is not a list of ascending in:out", err);
        else
            recipe->lut_count++;
    }
    free(copy);
    return status;
}

static nacre_status read_recipe(const ncr_vrt_reader *reader, const ncr_xml *element, ncr_vrt_recipe *recipe,
                                nacre_error *err)
{
    /* The source's type is not known before it is opened, so nodata is kept exact for both 64-bit types. */
    const char *nodata = ncr_xml_text(element, "NODATA", NULL);
    if (nodata) {
        nacre_nodata exact;
        if (ncr_vrt_parse_nodata(nodata, NACRE_DTYPE_INT64, &recipe->nodata) != NACRE_OK)
            return corrupt(reader, "a NODATA is not a number", err);
        ncr_vrt_parse_nodata(nodata, NACRE_DTYPE_UINT64, &exact);
        recipe->nodata.uint64_value = exact.uint64_value;
    }
    recipe->use_mask = ncr_xml_bool(element, "UseMaskBand", false);
    nacre_status status = ncr_xml_int(element, "ColorTableComponent", 0, &recipe->color_component, err);
    if (status == NACRE_OK && (recipe->color_component < 0 || recipe->color_component > 4))
        status = corrupt(reader, "a ColorTableComponent is not 1 to 4", err);
    if (status == NACRE_OK)
        status = read_scaling(reader, element, recipe, err);
    if (status == NACRE_OK)
        status = read_lut(reader, element, recipe, err);
    return status;
}

/* --- A source, a band --- */

static nacre_status read_source_parts(ncr_vrt_reader *reader, const ncr_xml *element, ncr_vrt_source *source,
                                      nacre_error *err)
{
    const ncr_xml *name = ncr_xml_first(element, "SourceFilename");
    if (!name && ncr_xml_first(element, "VRTDataset"))
        return unsupported(reader, "a VRTDataset inside a source", err);
    if (!name)
        return corrupt(reader, "a source has no SourceFilename", err);
    nacre_status status = check_children(reader, element, err);
    if (status == NACRE_OK)
        status = check_options(reader, element, err);
    if (status == NACRE_OK)
        status = read_name(reader, name, &source->lazy, err);
    if (status == NACRE_OK)
        status = read_source_band(reader, element, source, err);
    if (status == NACRE_OK)
        status = read_rects(reader, element, source, err);
    if (status == NACRE_OK)
        status = read_resampling(reader, element, source, err);
    return status;
}

static nacre_status read_source(ncr_vrt_reader *reader, const ncr_xml *element, bool is_complex, ncr_vrt_layer *layer,
                                nacre_error *err)
{
    ncr_vrt_source source = {0};
    nacre_status status = read_source_parts(reader, element, &source, err);
    if (status != NACRE_OK)
        return status;
    if (is_complex) {
        source.recipe = calloc(1, sizeof *source.recipe);
        if (!source.recipe)
            return ncr_error_memory(err);
        status = read_recipe(reader, element, source.recipe, err);
    }
    bool is_empty = !(source.dst.width > 0) || !(source.dst.height > 0) || source.src.width < 0 ||
                    source.src.height < 0 || (source.src.width == 0) != (source.src.height == 0);
    if (status != NACRE_OK || is_empty) {
        if (source.recipe)
            free(source.recipe->lut);
        free(source.recipe);
        return status;
    }
    return ncr_vrt_layer_add(layer, &source, err);
}

static nacre_status check_band(const ncr_vrt_reader *reader, const ncr_xml *band, nacre_error *err)
{
    const char *subclass = ncr_xml_attribute(band, "subClass", "");
    if (subclass[0] && !ncr_text_equal_nocase(subclass, "VRTSourcedRasterBand"))
        return unsupported(reader, subclass, err);
    if (ncr_xml_first(band, "PixelFunctionType"))
        return unsupported(reader, "PixelFunctionType", err);
    return NACRE_OK;
}

nacre_status ncr_vrt_read_layer(ncr_vrt_reader *reader, const ncr_xml *band, ncr_vrt_layer *layer, nacre_error *err)
{
    nacre_status status = check_band(reader, band, err);
    for (const ncr_xml *child = ncr_xml_first(band, NULL); child && status == NACRE_OK;
         child = ncr_xml_next(child, NULL)) {
        const char *name = ncr_xml_name(child);
        bool is_complex = ncr_text_equal_nocase(name, "ComplexSource");
        if (is_complex || ncr_text_equal_nocase(name, "SimpleSource"))
            status = read_source(reader, child, is_complex, layer, err);
        else if (ncr_text_ends_nocase(name, "Source"))
            status = unsupported(reader, name, err);
    }
    return status;
}
