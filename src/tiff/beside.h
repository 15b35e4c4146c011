/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TIFF_BESIDE_H
#define NCR_TIFF_BESIDE_H

#include "raster/sidecar.h"
#include "tiff/dataset.h"

/* Files beside a TIFF, found, opened and attached as part of its open: overviews and masks (.ovr, .msk), what is said
 * of it (.aux.xml) and a world file. A TIFF with overviews of its own needs no .ovr, one with a mask no .msk, and one
 * that tells its position no world file. Single-thread. */

typedef struct ncr_tiff_companion {
    ncr_pinning pinning;
    ncr_plan *plan; /* opens it; NULL: not begun */
    bool is_done;
    ncr_dataset *dataset;
} ncr_tiff_companion;

/* A file that is read whole. */
typedef struct ncr_tiff_note {
    ncr_pinning pinning;
    bool is_done;
    ncr_slice rest; /* all of it, where the first bytes are not */
    bool is_asked;
} ncr_tiff_note;

typedef struct ncr_tiff_beside {
    ncr_plan *search; /* NULL: not begun */
    bool is_found, is_asked;
    ncr_sidecars found;
    ncr_tiff_companion overviews, mask;
    ncr_tiff_note pam, rpc, world;
} ncr_tiff_beside;

/* One step, as of a plan. index is NULL while it is not known; the search does not wait for it. request is that of the
 * TIFF. */
nacre_status ncr_tiff_beside_step(ncr_tiff_beside *beside, const ncr_open_request *request, const ncr_tiff_index *index,
                                  ncr_call *call, ncr_wants *wants, bool *more, nacre_error *err);

/* Gives the dataset what was opened; what does not fit it is left out. */
nacre_status ncr_tiff_beside_attach(ncr_tiff_beside *beside, ncr_tiff_dataset *dataset, nacre_error *err);

void ncr_tiff_beside_clear(ncr_tiff_beside *beside);

/* A plan that opens a file as TIFF without looking beside it; in open.c. */
nacre_status ncr_tiff_plan_open_alone(const char *path, ncr_file *file, ncr_call *call, ncr_dataset **dataset_out,
                                      ncr_plan **out, nacre_error *err);

#endif
