/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_COMMON_H
#define NCR_VRT_COMMON_H

#include "vrt/vrt.h"

/* Between the tree and the dataset model: shared by the files of this layer. */

/* Width and height of a VRT's blocks where nothing is said; a smaller raster has one block. */
enum { NCR_VRT_BLOCK = 128 };

/* How messages name a document: its path, or "VRT text". */
const char *ncr_vrt_document_name(const ncr_vrt_document *document);

/* The Metadata children of an element. */
nacre_status ncr_vrt_read_metadata(const ncr_xml *parent, ncr_metadata *out, nacre_error *err);

/* A nodata value from text, exact for 64-bit integers; NACRE_ERROR_CORRUPT (without message) where it is no number. */
nacre_status ncr_vrt_parse_nodata(const char *text, nacre_dtype dtype, nacre_nodata *out);
/* The NoDataValue child of a band, hidden or not; not set where there is none. */
nacre_status ncr_vrt_read_nodata(const ncr_xml *element, const char *document, nacre_dtype dtype, nacre_nodata *out,
                                 nacre_error *err);

/* A VRT has no bytes to be interleaved; its metadata may say how those of its sources are. A literal, "" unknown. */
const char *ncr_vrt_interleave(const ncr_dataset *dataset);

/* Sets alpha_band and every band's mask_flags from what the dataset has, with GDAL's precedence: mask band, nodata,
 * alpha (the last of two or four bands). */
void ncr_vrt_set_mask_flags(ncr_dataset *dataset, bool has_mask_band);

/* Begins the root of a dataset: attributes, SRS, GeoTransform, GCPList, Metadata. */
nacre_status ncr_vrt_write_root(const ncr_dataset *dataset, ncr_xml *root, nacre_error *err);
/* Adds the VRTRasterBand of a band (from 1) without sources. fill (NULL: the band's nodata) is the nodata value where
 * the band hides it. */
nacre_status ncr_vrt_write_band(const ncr_dataset *dataset, int band, const nacre_nodata *fill, ncr_xml *root,
                                ncr_xml **out, nacre_error *err);
/* A nodata value as text: exact for 64-bit integers. */
enum { NCR_VRT_NUMBER_SIZE = 32 };
void ncr_vrt_nodata_text(const nacre_nodata *nodata, nacre_dtype dtype, char out[NCR_VRT_NUMBER_SIZE]);

#endif
