/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_LIST_H
#define NCR_GDAL_LIST_H

#include "job.h"

/* Listings for GDAL: its lists of texts, made with its own allocator, and ours that they are made of. */

/* Names, the caller's until ncr_gdal_list_clear(). Single-thread. */
typedef struct ncr_gdal_list {
    char **names;
    size_t count, capacity;
} ncr_gdal_list;

bool ncr_gdal_list_add(ncr_gdal_list *list, const char *name, size_t length);
void ncr_gdal_list_clear(ncr_gdal_list *list);

/* A copy for GDAL, which frees it; an empty one is a list all the same. NULL: out of memory. */
char **ncr_gdal_list_give(const ncr_gdal_list *list, const ncr_gdal_host *host);

/* A page of the keys that begin with `key` in the job's bucket; *is_whole: there are no more. At most `most` entries,
 * 0: the store's page. Entries are released by ncr_list_op_clear(). */
nacre_status ncr_gdal_list_page(const ncr_gdal_job *job, const char *key, bool recursive, size_t most, ncr_list_op *out,
                                nacre_error *err);

/* The callbacks. */
char **ncr_gdal_read_dir(void *user, const char *name, int most);
char **ncr_gdal_sibling_files(void *user, const char *name);

#endif
