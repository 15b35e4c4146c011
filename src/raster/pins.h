/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_PINS_H
#define NCR_RASTER_PINS_H

#include "raster/plan.h"

/* The objects of one tree: a raster that was opened by path, with all that it names, at any depth. Each object is
 * pinned once in it, whoever names it and however it is spelled, at the first open of it that leads to a raster, and
 * stays pinned as long as the tree. Made by the root's open, handed on to whatever a document names. Two spellings are
 * one object where their identities are the same, and the credentials they are read with. Synchronised,
 * reference-counted. */
typedef struct ncr_pins ncr_pins;
ncr_pins *ncr_pins_new(void); /* NULL: out of memory */
ncr_pins *ncr_pins_ref(ncr_pins *pins);
void ncr_pins_unref(ncr_pins *pins); /* accepts NULL */

/* The objects that are pinned for good: their handles, each the caller's to release, and the array to free. */
nacre_status ncr_pins_list(ncr_pins *pins, ncr_file ***out, size_t *count, nacre_error *err);
size_t ncr_pins_count(ncr_pins *pins);
/* Pins an object for good, in a tree that nobody else knows yet; file is referenced. */
nacre_status ncr_pins_add(ncr_pins *pins, ncr_file *file, nacre_error *err);

/* One open of an object under way. Zeroed at first. Single-thread. */
typedef struct ncr_pinning {
    ncr_pins *pins;     /* referenced; NULL: not begun */
    char *path;         /* as it is spelled here */
    ncr_object *object; /* referenced */
    ncr_file *file;     /* open, by the name that was asked for; NULL: not arrived */
    void *entry;        /* of the registry, which counts this open; NULL: not yet, or no longer */
} ncr_pinning;

/* Finds the object of a path. Where the tree has it pinned, `file` is set and nothing is asked for. Else an OPEN want
 * is appended, *more is set, and ncr_pinning_arrived() follows when it has arrived; until then the struct stays where
 * it is. `document` as in ncr_vfs_resolve(). */
nacre_status ncr_pinning_begin(ncr_pinning *pinning, ncr_pins *pins, const char *path, const ncr_object *document,
                               ncr_call *call, ncr_wants *wants, bool *more, nacre_error *err);
/* Makes `file` the tree's; where another open of the object was quicker its version is taken instead. May be called
 * more than once. */
nacre_status ncr_pinning_arrived(ncr_pinning *pinning, nacre_error *err);
/* A raster was made of the file: its pin stays. */
void ncr_pinning_keep(ncr_pinning *pinning);
/* Releases it in any state. The pin of an object is forgotten where this was the last open of it and none was kept: a
 * failure is not remembered. */
void ncr_pinning_clear(ncr_pinning *pinning);

#endif
