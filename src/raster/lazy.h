/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_LAZY_H
#define NCR_RASTER_LAZY_H

#include "raster/dataset.h"

/* A dataset that a document names and that is opened at its first read: the source of a mosaic or of a warped view.
 * Its version is pinned then and stays, one pin for an object in the whole tree of documents. Synchronised,
 * reference-counted. */
typedef struct ncr_lazy ncr_lazy;

/* Of a path, as resolved against the document (absolute). path and pinned_version are copied, document and pins
 * referenced; file and drivers are not looked at. */
ncr_lazy *ncr_lazy_new(const ncr_open_request *request);
/* Of a dataset that is open already; referenced. */
ncr_lazy *ncr_lazy_of(ncr_dataset *dataset);
ncr_lazy *ncr_lazy_ref(ncr_lazy *lazy);
void ncr_lazy_unref(ncr_lazy *lazy);

const char *ncr_lazy_path(const ncr_lazy *lazy);
/* The dataset, or NULL while it has not been opened; borrowed, lives as long as the lazy. */
ncr_dataset *ncr_lazy_dataset(ncr_lazy *lazy);
/* A plan after which ncr_lazy_dataset() is not NULL. Where two readers open at once the first one's dataset is kept
 * and both use it. The failure of an open is not kept: the next read tries again. */
nacre_status ncr_lazy_plan_open(ncr_lazy *lazy, ncr_call *call, ncr_plan **out, nacre_error *err);
/* Tells the objects behind it, opened or not. */
void ncr_lazy_sources(ncr_lazy *lazy,
                      void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                      void *user);

#endif
