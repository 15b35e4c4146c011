/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_SENDER_H
#define NCR_VFS_SENDER_H

#include "cache/cache.h"
#include "store/store.h"

/* Sends the parts of an upload, several at once where the store takes them so, while the caller fills the next. Each
 * part under way has a thread of its own, since stores block in upload_part(). Memory: the parts under way, at most
 * NCR_SENDER_MEMORY bytes of them and at least one. Single-thread; not for the child of a fork, which has none of the
 * threads. */
typedef struct ncr_sender ncr_sender;

enum { NCR_SENDER_MEMORY = 40 << 20 };

/* The upload is borrowed; it must not be finished or aborted before ncr_sender_wait(). NULL: out of memory. */
ncr_sender *ncr_sender_new(ncr_upload *upload);

/* Sends the next part and takes the slice, leaving it empty; waits while too many are under way. Fails with the first
 * failure of any part so far, and the slice stays. Until it is sent the part's bytes stay as they are. */
nacre_status ncr_sender_send(ncr_sender *sender, ncr_slice *part, nacre_error *err);

/* Leaves the next number out; that part is sent later, by ncr_sender_send_as(). */
void ncr_sender_leave_out(ncr_sender *sender);
nacre_status ncr_sender_send_as(ncr_sender *sender, unsigned number, ncr_slice *part, nacre_error *err);

/* Waits until no part is under way; the first failure of any. */
nacre_status ncr_sender_wait(ncr_sender *sender, nacre_error *err);

/* Waits, then releases; accepts NULL. */
void ncr_sender_free(ncr_sender *sender);

#endif
