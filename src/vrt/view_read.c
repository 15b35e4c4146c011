/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dtype.h"
#include "vrt/common.h"
#include "vrt/source_read.h"
#include "vrt/view.h"

/* A VRTDataset without subClass. */

/* The MaskBand of the dataset, or that of the only band, which means the same. */
static const ncr_xml *find_mask_band(const ncr_xml *root, const ncr_dataset *dataset)
{
    const ncr_xml *mask = ncr_xml_first(root, "MaskBand");
    if (!mask && dataset->band_count == 1)
        mask = ncr_xml_first(ncr_xml_first(root, "VRTRasterBand"), "MaskBand");
    return ncr_xml_first(mask, "VRTRasterBand");
}

static nacre_status read_mask(ncr_vrt_reader *reader, const ncr_xml *root, nacre_error *err)
{
    const ncr_xml *mask = find_mask_band(root, &reader->view->base);
    if (!mask)
        return NACRE_OK;
    reader->view->has_mask = true;
    return ncr_vrt_read_layer(reader, mask, &reader->view->layers[reader->view->base.band_count], err);
}

static nacre_status read_layers(ncr_vrt_reader *reader, const ncr_xml *root, nacre_error *err)
{
    ncr_dataset *dataset = &reader->view->base;
    const ncr_xml *band = ncr_xml_first(root, "VRTRasterBand");
    nacre_status status = NACRE_OK;
    for (int i = 0; i < dataset->band_count && status == NACRE_OK; i++, band = ncr_xml_next(band, "VRTRasterBand")) {
        ncr_vrt_layer *layer = &reader->view->layers[i];
        if (dataset->band_count > 1 && ncr_xml_first(band, "MaskBand"))
            return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                                 "%s: a MaskBand of one band is not supported, only that of the dataset",
                                 ncr_vrt_document_name(reader->document));
        status = ncr_vrt_read_nodata(band, ncr_vrt_document_name(reader->document), dataset->bands[i].dtype,
                                     &layer->fill, err);
        if (status == NACRE_OK)
            status = ncr_vrt_read_layer(reader, band, layer, err);
    }
    return status == NACRE_OK ? read_mask(reader, root, err) : status;
}

enum { MAX_OVERVIEWS = 32 };

/* "2 4 8": levels whose pixels come from the sources, as the rest. */
static nacre_status read_overviews(const ncr_vrt_reader *reader, const ncr_xml *root, nacre_error *err)
{
    const ncr_xml *list = ncr_xml_first(root, "OverviewList");
    if (!list)
        return NACRE_OK;
    const char *name = ncr_xml_attribute(list, "resampling", "nearest");
    if (!ncr_resampling_from_name(name, &reader->view->overview_resampling))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: an OverviewList with resampling %.40s",
                             ncr_vrt_document_name(reader->document), name);
    int factors[MAX_OVERVIEWS], count = 0;
    for (const char *at = ncr_xml_content(list); *at;) {
        char number[16] = {0};
        size_t length = strcspn(at, " ,\t\r\n");
        if (length >= sizeof number || count == MAX_OVERVIEWS)
            break;
        memcpy(number, at, length);
        at += length + strspn(at + length, " ,\t\r\n");
        if (!ncr_text_to_int(number, &factors[count]) || factors[count] <= (count ? factors[count - 1] : 1))
            return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: an OverviewList is not ascending factors above 1",
                                 ncr_vrt_document_name(reader->document));
        count++;
    }
    return ncr_vrt_view_set_overviews(reader->view, factors, count, err);
}

nacre_status ncr_vrt_view_read(const ncr_xml *root, const ncr_vrt_document *document, ncr_file *file, ncr_dataset **out,
                               nacre_error *err)
{
    *out = NULL;
    ncr_dataset *dataset;
    nacre_status status =
        ncr_vrt_read_common(root, document, file, sizeof(ncr_vrt_view), &ncr_vrt_view_class, &dataset, err);
    if (status != NACRE_OK)
        return status;
    ncr_vrt_reader reader = {.view = (ncr_vrt_view *)dataset, .document = document};
    status = ncr_vrt_view_begin(reader.view, err);
    if (status == NACRE_OK)
        status = read_layers(&reader, root, err);
    if (status == NACRE_OK)
        status = read_overviews(&reader, root, err);
    if (status == NACRE_OK)
        status = ncr_vrt_view_end(reader.view, err);
    free(reader.names);
    if (status == NACRE_OK)
        *out = dataset;
    else
        ncr_dataset_unref(dataset);
    return status;
}
