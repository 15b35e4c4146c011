/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_FILE_FILE_H
#define NCR_STORE_FILE_FILE_H

#include <sys/stat.h>

#include "store/backend.h"

/* What the parts of the file store share: file.c (reading), file_list.c and file_write.c. */

/* A file younger than this may be changed again without its times showing it, since kernels stamp files with a clock
 * of a few milliseconds: its version is weak. */
enum { NCR_FILE_FRESH_MS = 10 };

/* The facts of a regular file. */
void ncr_file_facts_from(const struct stat *st, ncr_object_facts *out);

/* NACRE_OK for a regular file; NACRE_ERROR_NOT_FOUND for a directory, which is no object; else
 * NACRE_ERROR_UNSUPPORTED. */
nacre_status ncr_file_check_kind(const struct stat *st, const char *name, nacre_error *err);

/* Facts of the file at path, if it is one. pinned (NULL: none) turns "not found" into changed. */
nacre_status ncr_file_stat_path(const char *path, const char *name, const ncr_version *pinned, ncr_object_facts *out,
                                nacre_error *err);

void ncr_file_list(ncr_list_op *op);
nacre_status ncr_file_put(ncr_put *put, nacre_error *err);
nacre_status ncr_file_copy(ncr_copy *copy, nacre_error *err);
nacre_status ncr_file_rename(ncr_copy *move, nacre_error *err);
nacre_status ncr_file_remove(ncr_delete *op, nacre_error *err);
nacre_status ncr_file_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                   const char *content_type, ncr_upload **out, nacre_error *err);
nacre_status ncr_file_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err);
nacre_status ncr_file_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts,
                                    nacre_error *err);
void ncr_file_upload_abort(ncr_upload *upload);

/* Whether a file's name is that of an upload under way, which is no object yet. */
bool ncr_file_is_temporary(const char *base_name);

#endif
