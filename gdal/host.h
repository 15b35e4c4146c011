/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_HOST_H
#define NCR_GDAL_HOST_H

#include <nacre/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gdal_abi.h"

/* The libgdals of the process. A host is made once and never released, since GDAL keeps pointers into it; only
 * nacre_gdal_install() and nacre_gdal_uninstall() change one. */

enum { NCR_GDAL_MOST_HOSTS = 4, NCR_GDAL_PREFIX_COUNT = 4 };
#define NCR_GDAL_PREFIX_NAMES                        \
    {                                                \
        "/vsigs/", "/vsis3/", "/vsiaz/", "/vsicurl/" \
    }

struct ncr_gdal_host;

/* A prefix of a host: the user data of GDAL's callbacks that are given a name. */
typedef struct ncr_gdal_mount {
    struct ncr_gdal_host *host;
    const char *prefix;              /* "/vsigs/" */
    bool is_taken;                   /* now */
    bool names_are_whole;            /* the names that callbacks are given begin with the prefix: see job.h */
    struct ncr_gdal_handler *before; /* that had it; NULL: not known, so it cannot be given back */
    struct ncr_gdal_handler *ours;   /* ours, once it was made: it serves again when the prefix is taken again */
} ncr_gdal_mount;

typedef struct ncr_gdal_host {
    gdal_api api;
    void *library;    /* of dlopen() */
    const void *base; /* where it is loaded */
    char *path;
    int version;         /* 3060200 */
    char release[16];    /* "3.6.2" */
    bool deletes;        /* see unlink.h */
    char no_delete[128]; /* why not */
    bool is_raised;      /* by us: the bytes of tiles that it asks for together */
    const char *no_undo; /* why prefixes cannot be given back; NULL: they can */
    ncr_gdal_mount mounts[NCR_GDAL_PREFIX_COUNT];
} ncr_gdal_host;

/* Looks for hosts that were loaded since, and returns how many there are now; *list has them in the order of their
 * discovery. NACRE_ERROR_NOT_FOUND: none; NACRE_ERROR_UNSUPPORTED: some, none of which will do; NACRE_ERROR_MEMORY. */
nacre_status ncr_gdal_hosts_find(ncr_gdal_host *const **list, size_t *count, nacre_error *err);

/* Those that were found so far. */
size_t ncr_gdal_hosts(ncr_gdal_host *const **list);

/* Emits a failure as a GDAL error of the class that GDAL's own handlers use for such, once. */
void ncr_gdal_tell(const ncr_gdal_host *host, const nacre_error *error);

/* GDAL stats what it could not open, some things several times, so a stat does not tell again what this thread told
 * last. Opens and stats begin by taking what that was, a hash, which is forgotten then: 0 where there is nothing. */
uint64_t ncr_gdal_take_told(void);
/* Whether a failure is what was taken; it is remembered then. */
bool ncr_gdal_was_told(uint64_t told, const nacre_error *error);

/* Notes it as GDAL's file system error instead, which GDAL makes an error of where the caller asked for one. */
void ncr_gdal_note(const ncr_gdal_host *host, const nacre_error *error);

/* The errno that says nearest the same. */
int ncr_gdal_errno(nacre_status status);

#endif
