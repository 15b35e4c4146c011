/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_UPDATE_H
#define NCR_TIFF_UPDATE_H

#include "raster/canvas.h"
#include "tiff/dataset.h"
#include "tiff/directory_out.h"
#include "tiff/pyramid.h"

/* A TIFF that is written again with changes: what of it stays, and is copied without being decoded. */

/* The TIFF below the canvas that is being saved, where save->is_update says so; else NULL. */
ncr_tiff_dataset *ncr_update_of(const ncr_save *save);

/* The form that the file has. NACRE_ERROR_UNSUPPORTED: one that is not written. */
nacre_status ncr_update_creation(const ncr_save *save, ncr_creation *out, nacre_error *err);

/* Makes the format of what is read from level `source` that of the file's own level, where it is one. */
void ncr_update_format(const ncr_save *save, int source, ncr_tiff_format *format);

/* Finds the blocks of a level, read from level `source`, and of its mask, that are of the same form: sets old and
 * old_mask, and where each block is. Blocks; not for workers. NACRE_ERROR_UNSUPPORTED: they are not of the same form,
 * and their scheme would lose more with each time that they are encoded. */
nacre_status ncr_update_level(const ncr_pyramid *pyramid, ncr_out_level *level, nacre_error *err);

/* Whether a block (plane -1: of the mask) stays as it is, where ncr_update_level() found it. */
bool ncr_update_block_stays(const ncr_pyramid *pyramid, int level, int plane, int x, int y);

/* Whether all blocks of [first_x, end_x) by [first_y, end_y) of a level stay. */
bool ncr_update_stays(const ncr_pyramid *pyramid, int level, int first_x, int first_y, int end_x, int end_y);

/* Adds the tags of the TIFF's first directory that nacre does not know. */
nacre_status ncr_update_tags(const ncr_save *save, ncr_out_directory *directory, nacre_error *err);

#endif
