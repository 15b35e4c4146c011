/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_CRS_H
#define NCR_RASTER_CRS_H

#include <nacre/crs.h>
#include <proj.h>
#include <stdbool.h>

#include "base/error.h"

/* The functions of nacre/crs.h under private names, and what drivers need. PROJ's database is not touched before a
 * text, a name or an object is asked for. */
nacre_status ncr_crs_from_text(const char *text, nacre_crs **out, nacre_error *err);
/* Like ncr_crs_from_text(), but for a text in the document `name`, with which messages begin. Where PROJ may not open
 * files (may_name_files false: the document is not local), a text that names one by a path is NACRE_ERROR_REFUSED. */
nacre_status ncr_crs_from_document(const char *name, const char *text, bool may_name_files, nacre_crs **out,
                                   nacre_error *err);
/* From an identifier; believed until its definition is asked for, so no database is opened. */
nacre_status ncr_crs_from_authority(const char *name, const char *code, nacre_crs **out, nacre_error *err);
nacre_crs *ncr_crs_ref(nacre_crs *crs);
void ncr_crs_unref(nacre_crs *crs);
nacre_status ncr_crs_text(nacre_crs *crs, nacre_crs_format format, const char **out, nacre_error *err);
bool ncr_crs_authority(nacre_crs *crs, const char **name, const char **code);
const char *ncr_crs_name(nacre_crs *crs);
bool ncr_crs_identify(nacre_crs *crs, int confidence, const char **name, const char **code);
bool ncr_crs_equal(nacre_crs *a, nacre_crs *b);
bool ncr_crs_same(nacre_crs *a, nacre_crs *b, bool ignore_axis_order);
bool ncr_crs_is_geographic(nacre_crs *crs);
bool ncr_crs_is_projected(nacre_crs *crs);
bool ncr_crs_is_northing_first(nacre_crs *crs); /* VRT writes it as dataAxisToSRSAxisMapping "2,1" */
const char *ncr_crs_unit(nacre_crs *crs, double *factor);
nacre_status ncr_crs_geodetic(nacre_crs *crs, nacre_crs **out, nacre_error *err);

/* This thread's PROJ context, quiet, made at first use and destroyed with the thread. NULL: out of memory. */
PJ_CONTEXT *ncr_proj_context(void);

/* A PROJ object of the CRS in the given context; the caller's to destroy. NULL after failure. */
PJ *ncr_crs_new_pj(nacre_crs *crs, PJ_CONTEXT *context, nacre_error *err);

#endif
