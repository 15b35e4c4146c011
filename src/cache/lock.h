/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_LOCK_H
#define NCR_CACHE_LOCK_H

/* The lock of everything in the cache. Who changes something takes it whole; who only looks and takes references goes
 * in by the door of its own stripe of threads, so that hits do not wait for one another. It is a leaf: nothing else is
 * locked under it. Not recursive: who is inside by a door must not take it whole. */

void ncr_lock_whole(void);
void ncr_unlock_whole(void);

/* The door, for ncr_lock_leave(). */
unsigned ncr_lock_enter(void);
void ncr_lock_leave(unsigned door);

#endif
