/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_WATCH_H
#define NCR_CACHE_WATCH_H

#include "cache/flight.h"
#include "cache/table.h"

/* Whoever waits for another call's request is not ended by the network when its own call is cancelled or out of time.
 * So while there are such waiters a thread looks at their calls, and ends those that must end. */

/* Tells that a call begins to wait for another's request. */
void ncr_watch_wanted_locked(const ncr_call *call);
/* Starts the thread where one was found to be wanted; after the lock. */
void ncr_watch_start(void);
/* In the child of a fork there is no thread. */
void ncr_watch_abandon_locked(void);

/* Takes the waiters whose calls must end out of the proofs under way, before *expired; true: there are others that
 * can be cancelled or have a deadline. In open.c. */
bool ncr_proofs_expire_locked(ncr_cache_open **expired);
/* Ends opens with the error of their own calls. */
void ncr_opens_fail(ncr_cache_open *opens);

/* The same of the readers that wait for flights; in flight.c. */
bool ncr_flights_expire_locked(ncr_reader **expired);

#endif
