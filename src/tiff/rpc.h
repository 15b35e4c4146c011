/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_RPC_H
#define NCR_TIFF_RPC_H

#include <stddef.h>

#include "raster/metadata.h"

/* Rational polynomial coefficients in a file beside a raster: lines `LINE_OFF: 1` (_RPC.TXT) or `lineOffset = 1;` and
 * lists in brackets (.RPB). They become items of the domain RPC, in place of those that are there. A file that lacks
 * one of them says nothing, as with GDAL. NACRE_ERROR_MEMORY. */
nacre_status ncr_tiff_rpc_read(const char *text, size_t size, ncr_metadata *out, nacre_error *err);

#endif
