/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/geokeys.h"

#include <geotiff/geo_simpletags.h>
#include <geotiff/geo_tiffp.h>
#include <geotiff/geovalues.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"
#include "tiff/height_crs.h"
#include "tiff/user_crs.h"

enum { FIRST_CODE = 1024, LAST_CODE = 32766 };

/* --- A libgeotiff object on a directory's tags --- */

typedef struct keys {
    ST_TIFF *tags;
    GTIF *gtif;
} keys;

static void drop_message(struct gtiff *gtif, int level, const char *format, ...)
{
    (void)gtif, (void)level, (void)format;
}

static void give_tag(keys *k, const ncr_tiff_directory *directory, unsigned id, unsigned type, int simple_type)
{
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(directory, id);
    if (tag && tag->value && tag->type == type && tag->count <= INT_MAX)
        ST_SetKey(k->tags, (int)id, (int)tag->count, simple_type, tag->value);
}

static void close_keys(keys *k)
{
    if (k->gtif)
        GTIFFree(k->gtif);
    if (k->tags)
        ST_Destroy(k->tags);
    *k = (keys){0};
}

static bool open_keys(keys *k, const ncr_tiff_directory *directory)
{
    TIFFMethod methods;
    GTIFSetSimpleTagsMethods(&methods);
    k->tags = ST_Create();
    if (k->tags) {
        give_tag(k, directory, NCR_TAG_GEO_KEY_DIRECTORY, NCR_TYPE_SHORT, STT_SHORT);
        give_tag(k, directory, NCR_TAG_GEO_DOUBLE_PARAMS, NCR_TYPE_DOUBLE, STT_DOUBLE);
        give_tag(k, directory, NCR_TAG_GEO_ASCII_PARAMS, NCR_TYPE_ASCII, STT_ASCII);
        k->gtif = GTIFNewWithMethodsEx(k->tags, &methods, drop_message, NULL);
    }
    return k->gtif;
}

static unsigned short_key(const keys *k, geokey_t key)
{
    unsigned short value = 0;
    return GTIFKeyGetSHORT(k->gtif, key, &value, 0, 1) == 1 ? value : 0;
}

/* --- A CRS with a code --- */

static bool is_code(unsigned value)
{
    return value >= FIRST_CODE && value <= LAST_CODE;
}

/* The code of the horizontal CRS, or 0. */
static unsigned horizontal_code(const keys *k)
{
    unsigned model = short_key(k, GTModelTypeGeoKey);
    unsigned projected = short_key(k, ProjectedCSTypeGeoKey), geographic = short_key(k, GeographicTypeGeoKey);
    if (model == ModelTypeProjected || (!model && projected))
        return is_code(projected) ? projected : 0;
    if (model == ModelTypeGeographic || model == ModelTypeGeocentric || (!model && geographic))
        return is_code(geographic) ? geographic : 0;
    return 0;
}

static nacre_status crs_of_code(unsigned code, nacre_crs **out, nacre_error *err)
{
    char text[NCR_TEXT_DOUBLE_SIZE];
    snprintf(text, sizeof text, "%u", code);
    return ncr_crs_from_authority("EPSG", text, out, err);
}

/* Esri's writers put the whole definition into a citation. */
static nacre_crs *crs_of_citation(const keys *k)
{
    static const char mark[] = "ESRI PE String = ";
    static const geokey_t citations[] = {PCSCitationGeoKey, GTCitationGeoKey, GeogCitationGeoKey};
    char text[NCR_CITATION_SIZE];
    nacre_crs *crs = NULL;
    for (int i = 0; i < 3 && !crs; i++) {
        const char *definition = ncr_geokey_text(k->gtif, citations[i], text) ? strstr(text, mark) : NULL;
        if (definition)
            ncr_crs_from_document("citation", definition + sizeof mark - 1, false, &crs, NULL);
    }
    return crs;
}

/* Takes a CRS in place of another; NULL: the other stays. */
static void replace(nacre_crs **crs, nacre_crs *better)
{
    if (!better)
        return;
    ncr_crs_unref(*crs);
    *crs = better;
}

/* A CRS without a code: by a citation, by parameters, or a local one. */
static nacre_crs *crs_without_code(const keys *k)
{
    unsigned model = short_key(k, GTModelTypeGeoKey);
    nacre_crs *crs = crs_of_citation(k);
    if (!crs && (model == ModelTypeProjected || model == ModelTypeGeographic || model == ModelTypeGeocentric))
        crs = ncr_user_crs(k->gtif);
    if (!crs && (model == ModelTypeProjected || model == KvUserDefined))
        crs = ncr_local_crs(k->gtif);
    return crs;
}

nacre_status ncr_geokeys_read(const ncr_tiff_directory *directory, ncr_geokeys *out, nacre_error *err)
{
    *out = (ncr_geokeys){0};
    if (!ncr_tiff_tag_find(directory, NCR_TAG_GEO_KEY_DIRECTORY))
        return NACRE_OK;
    keys k = {0};
    nacre_status status = NACRE_OK;
    if (open_keys(&k, directory)) {
        out->is_area = short_key(&k, GTRasterTypeGeoKey) == RasterPixelIsArea;
        out->is_point = short_key(&k, GTRasterTypeGeoKey) == RasterPixelIsPoint;
        unsigned code = horizontal_code(&k);
        if (code)
            status = crs_of_code(code, &out->crs, err);
        else
            out->crs = crs_without_code(&k);
        if (code && out->crs && short_key(&k, GTModelTypeGeoKey) == ModelTypeProjected)
            replace(&out->crs, ncr_crs_in_unit(k.gtif, out->crs));
        if (out->crs)
            replace(&out->crs, ncr_crs_with_height(k.gtif, out->crs));
        out->height_unit = out->crs ? ncr_height_unit(k.gtif) : NULL;
    }
    close_keys(&k);
    return status;
}
