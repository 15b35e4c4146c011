/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_OBJECT_H
#define NCR_VFS_OBJECT_H

#include "base/call.h"
#include "store/store.h"

/* Checks before an operation; private to this layer. */

/* NACRE_ERROR_INVALID where it is a bucket, or a store, and not an object in one. */
nacre_status ncr_object_check(const ncr_object *object, nacre_error *err);

/* The same, and NACRE_ERROR_OFFLINE where the call may send no request: before an operation on the store itself. */
nacre_status ncr_object_begin(ncr_object *object, ncr_call *call, nacre_error *err);

/* Only what concerns the call: for operations on a prefix. */
nacre_status ncr_object_begin_prefix(ncr_object *object, ncr_call *call, nacre_error *err);

/* Tells the log what became of a change: what is "written", "deleted". */
void ncr_object_log_change(const ncr_object *object, nacre_status status, ncr_outcome outcome, const char *what);

#endif
