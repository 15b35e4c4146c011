/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_OPEN_H
#define NCR_CACHE_OPEN_H

#include "cache/table.h"

/* In the child of a fork: the proofs under way are the parent's. */
void ncr_proofs_abandon_locked(ncr_subject *subject);

#endif
