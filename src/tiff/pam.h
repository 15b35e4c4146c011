/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_PAM_H
#define NCR_TIFF_PAM_H

#include "tiff/dataset.h"

/* What files beside a TIFF say of it: GDAL's .aux.xml, which goes before the TIFF's own tags in everything that it
 * tells (but RPC), and world files, which count where nothing else tells the position. */

/* Reads the text of a .aux.xml into the dataset: CRS, transform, GCPs, metadata (statistics among it), and of each band
 * nodata, scale, offset, unit, description, colours. Histograms, categories and extremes are left out. What is no
 * PAMDataset says nothing. name is the file's, for messages. NACRE_ERROR_CORRUPT: one that breaks off, with its line.
 */
nacre_status ncr_tiff_pam_read(const char *name, const char *text, size_t size, ncr_tiff_dataset *dataset,
                               nacre_error *err);

/* Reads the six lines of a world file; false, and *out untouched: it is none. */
bool ncr_tiff_world_read(const char *text, size_t size, nacre_transform *out);

#endif
