/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_HANDLERS_H
#define NCR_GDAL_HANDLERS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Handlers of GDAL's file systems, which only C++ functions of GDAL can get and set: VSIFileManager's, by their mangled
 * names. From GDAL 3.13 on the manager owns its handlers, and frees one that is replaced, while files that it opened
 * may still be open; so there its table is looked into, where that can be shown to be what it is taken for. */

/* What holds a handler, so that it lives on and can be put back. Released by ncr_gdal_handler_free(). */
typedef struct ncr_gdal_handler ncr_gdal_handler;

/* The handler of a prefix; library is that of dlopen(). NULL: it cannot be known, and *why says so. */
ncr_gdal_handler *ncr_gdal_handler_get(void *library, const char *prefix, const char **why);

/* Puts it back. */
void ncr_gdal_handler_set(void *library, const char *prefix, ncr_gdal_handler *handler);

/* Lets go of it: only while GDAL has it. Accepts NULL. */
void ncr_gdal_handler_free(ncr_gdal_handler *handler);

#ifdef __cplusplus
}
#endif

#endif
