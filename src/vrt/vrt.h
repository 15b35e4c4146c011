/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_VRT_H
#define NCR_VRT_VRT_H

#include <nacre/view.h>

#include "raster/dataset.h"
#include "raster/lazy.h"
#include "raster/save.h"
#include "vrt/xml.h"

/* GDAL's VRT format, both ways. */
extern const ncr_driver ncr_vrt_driver;
extern const ncr_saver ncr_vrt_saver; /* any dataset: a view as itself, others as one source */

/* Views of open datasets; see nacre_view_mosaic() and nacre_view_translate(). */
nacre_status ncr_vrt_mosaic_new(ncr_dataset *const *sources, size_t count, const nacre_mosaic_options *options,
                                ncr_dataset **out, nacre_error *err);
nacre_status ncr_vrt_translate_new(ncr_dataset *source, const nacre_translate_options *options, ncr_dataset **out,
                                   nacre_error *err);

/* --- For VRTDataset subclasses of higher layers (the warped one) --- */

/* Where a VRT is being read from or written to. */
typedef struct ncr_vrt_document {
    const char *path;         /* "": text without a place */
    const ncr_object *object; /* NULL: text given by the user */
    int depth;
    ncr_pins *pins;      /* of the tree it is part of; NULL: it is being written */
    bool may_name_files; /* it is local, or sources=any: PROJ may open what its CRS name */
} ncr_vrt_document;

/* The CRS of a text in a document; NULL for no text. */
nacre_status ncr_vrt_read_crs(const ncr_vrt_document *document, const char *text, nacre_crs **out, nacre_error *err);

typedef struct ncr_vrt_subclass {
    const char *name;      /* value of @subClass: "VRTWarpedDataset" */
    const char *band_name; /* and that of its bands: "VRTWarpedRasterBand" */
    /* Makes the dataset of a parsed root; opens no source. `file` (may be NULL) is the VRT's. */
    nacre_status (*read)(const ncr_xml *root, const ncr_vrt_document *document, ncr_file *file, ncr_call *call,
                         ncr_dataset **out, nacre_error *err);
    /* Whether a dataset is of this subclass, and the part of the tree it adds to the root that the vrt layer has
     * begun (both subClass attributes, size, SRS, transform, metadata, bands). */
    bool (*owns)(const ncr_dataset *dataset);
    nacre_status (*write)(const ncr_dataset *dataset, const ncr_vrt_document *document, ncr_xml *root,
                          nacre_error *err);
} ncr_vrt_subclass;
void ncr_vrt_subclass_register(const ncr_vrt_subclass *subclass); /* at most 4 */

/* Reads what all VRTs share from a root into a new dataset of `size` bytes: size, SRS, GeoTransform, GCPList,
 * Metadata, VRTRasterBand with dtype, block size, NoDataValue, ColorInterp, ColorTable, Description, UnitType, Offset,
 * Scale, Metadata. */
nacre_status ncr_vrt_read_common(const ncr_xml *root, const ncr_vrt_document *document, ncr_file *file, size_t size,
                                 const ncr_dataset_class *class, ncr_dataset **out, nacre_error *err);

/* The source a SourceFilename or SourceDataset element names (@relativeToVRT, its pinned version), not opened. */
nacre_status ncr_vrt_read_source(const ncr_xml *element, const ncr_vrt_document *document, ncr_lazy **out,
                                 nacre_error *err);

/* Adds such an element to parent for a source: relative where the document and the source share bucket or disk, else
 * in GDAL's spelling. NACRE_ERROR_INVALID for a source that has no path. */
nacre_status ncr_vrt_write_source(ncr_lazy *source, const ncr_vrt_document *document, ncr_xml *parent,
                                  const char *element, nacre_error *err);

#endif
