/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_SAVE_H
#define NCR_RASTER_SAVE_H

#include <nacre/view.h>

#include "raster/dataset.h"

/* What every format's writer is given. */
typedef struct ncr_save {
    ncr_dataset *dataset;
    ncr_object *destination;
    ncr_condition condition;
    const char *const *creation;      /* "KEY=VALUE", NULL-terminated, or NULL */
    nacre_progress_function progress; /* NULL: none */
    void *user;
    ncr_call *call;
    bool is_update; /* dataset is a canvas over a dataset of this format, whose form is kept; no creation options */
    const int *overview_factors; /* overviews that are made, besides those that there are; NULL: by the options */
    int overview_count;
    nacre_resampling overview_resampling; /* of these */
    bool
        overviews_are_own; /* the factors stand for overviews of the dataset's own: only where the options copy these */
    bool overviews_only;   /* a file of overviews alone, to lie beside the dataset's own */
} ncr_save;

/* What a file will be like. */
typedef struct ncr_save_form {
    int block_width, block_height;
    bool is_tiled;
    const char *interleave, *compression; /* Rasterio's names; literals */
} ncr_save_form;

/* A format that can be written. Registered by api at start. */
typedef struct ncr_saver {
    const char *format;         /* "COG" */
    const char *const *options; /* names of its creation options, NULL-terminated; NULL: it has none */
    const char *const *endings; /* ".tif", NULL-terminated; the first saver with a path's ending is taken */
    /* Writes whole or not at all, through ncr_writer; blocks. NACRE_ERROR_INVALID: an unknown creation option (named);
     * NACRE_ERROR_UNSUPPORTED: the format cannot hold the dataset (why). */
    nacre_status (*save)(const ncr_save *save, nacre_error *err);
    /* Checks what can be said without pixels, as save() would, and tells the form of the file. NULL: nothing is known
     * before. */
    nacre_status (*describe)(const ncr_save *save, ncr_save_form *out, nacre_error *err);
} ncr_saver;
void ncr_saver_register(const ncr_saver *saver); /* at most 8 */

/* The saver of a format's name (NULL: by the ending of path); NACRE_ERROR_UNSUPPORTED names those there are. */
nacre_status ncr_saver_find(const char *format, const char *path, const ncr_saver **out, nacre_error *err);

/* For savers that compute for long before anything is written: NACRE_ERROR_EXISTS at once where the destination exists
 * and must not be replaced. The condition decides all the same when it is written. */
nacre_status ncr_save_check_destination(const ncr_save *save, nacre_error *err);

/* Tells progress; NACRE_ERROR_CANCELLED when the user or the call says stop. */
nacre_status ncr_save_progress(const ncr_save *save, double fraction, nacre_error *err);

/* The value of a creation option (name in any case), or fallback. */
const char *ncr_save_option(const ncr_save *save, const char *name, const char *fallback);
/* NACRE_ERROR_INVALID where an option is none of the NULL-terminated names. */
nacre_status ncr_save_check_options(const ncr_save *save, const char *const *names, nacre_error *err);

/* Reads unresampled pixels of the dataset being saved and waits. */
nacre_status ncr_save_read(const ncr_save *save, const ncr_read_request *request, nacre_error *err);

#endif
