/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_SOURCE_READ_H
#define NCR_VRT_SOURCE_READ_H

#include "vrt/view.h"

/* Reading the sources of bands: a view under construction and the names seen so far. */
typedef struct ncr_vrt_name {
    const ncr_xml *element; /* NULL: a free place */
    uint32_t lazy;
} ncr_vrt_name;

typedef struct ncr_vrt_reader {
    ncr_vrt_view *view;
    const ncr_vrt_document *document;
    ncr_vrt_name *names; /* a hash table; free() */
    size_t name_count, name_capacity;
} ncr_vrt_reader;

/* The sources of a VRTRasterBand element, appended to layer. NACRE_ERROR_UNSUPPORTED names what is not known. */
nacre_status ncr_vrt_read_layer(ncr_vrt_reader *reader, const ncr_xml *band, ncr_vrt_layer *layer, nacre_error *err);

#endif
