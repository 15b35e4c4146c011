/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_DRAFT_H
#define NCR_GDAL_DRAFT_H

#include <stdbool.h>
#include <sys/types.h>

#include "spool.h"
#include "vfs/vfs.h"

/* An object in the making, as GDAL makes them: written anywhere, read back, cut, and only visible when it is closed.
 * All bytes are in a temporary file. What is written in order is also sent on as it comes, in the parts of an upload
 * that was begun before the first byte, so that failures are known while GDAL still listens; where bytes that were sent
 * are changed after all, that upload is given up, and the file is sent whole at the end.
 *
 * The writers of TIFF come back to the first bytes at the end: it is sent early only where the first part can be kept
 * back. Single-thread; not for the child of a
 * fork. Memory: that of an ncr_writer. */
typedef struct ncr_gdal_draft {
    ncr_object *object; /* referenced */
    ncr_call *call;     /* referenced */
    ncr_version version;
    bool has_version; /* only it may be replaced */
    bool is_begun, is_sent_early, is_failed;
    bool keeps_first;      /* the writer does, its first part */
    bool is_first_changed; /* what the writer keeps back is no longer what is in the spool */
    ncr_gdal_spool spool;
    ncr_writer *writer; /* NULL: not begun, or given up */
    uint64_t sent;      /* bytes that it was given */
    pid_t process;
} ncr_gdal_draft;

/* A new object, or (version not NULL) one that replaces only this version. folder: of the temporary file, or NULL. To
 * be freed by ncr_gdal_draft_free(). */
nacre_status ncr_gdal_draft_new(ncr_object *object, ncr_call *call, const ncr_version *version, const char *folder,
                                ncr_gdal_draft **out, nacre_error *err);
/* Gives up what was not committed; accepts NULL. */
void ncr_gdal_draft_free(ncr_gdal_draft *draft);

/* Fills it with the bytes of an object that is to be changed. */
nacre_status ncr_gdal_draft_fill(ncr_gdal_draft *draft, ncr_file *file, nacre_error *err);

/* Begins the upload: fails where the object cannot be written. */
nacre_status ncr_gdal_draft_begin(ncr_gdal_draft *draft, nacre_error *err);

nacre_status ncr_gdal_draft_write(ncr_gdal_draft *draft, uint64_t offset, const void *data, size_t size,
                                  nacre_error *err);
nacre_status ncr_gdal_draft_truncate(ncr_gdal_draft *draft, uint64_t size, nacre_error *err);

/* Makes it visible, whole. */
nacre_status ncr_gdal_draft_commit(ncr_gdal_draft *draft, nacre_error *err);

#endif
