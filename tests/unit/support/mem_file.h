/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TESTS_MEM_FILE_H
#define NCR_TESTS_MEM_FILE_H

#include "vfs/vfs.h"

/* Files of the memory store; each fails the test where it cannot be done. Include after cmocka_all.h. */

static inline void mem_put(ncr_call *call, const char *path, const void *data, size_t size)
{
    ncr_object *object = NULL;
    nacre_error err;
    nacre_status status = ncr_vfs_resolve(path, NULL, call, &object, &err);
    if (status == NACRE_OK)
        status = ncr_vfs_put(object, data, size, "application/octet-stream", &(ncr_condition){0}, call, &err);
    ncr_object_unref(object);
    if (status != NACRE_OK)
        fail_msg("%s", err.message);
}

static inline ncr_file *mem_open(ncr_call *call, const char *path)
{
    ncr_file *file = NULL;
    nacre_error err;
    if (ncr_file_open_wait(path, call, &file, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return file;
}

#endif
