/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_STORE_GS_FIXTURE_H
#define TEST_STORE_GS_FIXTURE_H

#include "store/script.h"

/* The object d/a b.tif in bucket "bkt", on a server that does as its script says. */

#define PATH     "/storage/v1/b/bkt/o/d%2Fa%20b.tif"
#define FIELDS   "fields=name%2Cgeneration%2Csize%2Cupdated%2CcontentType%2Ccrc32c"
#define METADATA "GET " PATH "?" FIELDS

static const ncr_version seven = {.strong = true, .token = "generation=7"};

/* The call is the fixture's from now on. */
static inline void gs_open(fixture *f, ncr_call *call, bool anonymous)
{
    fixture_open(f, call, "gs", NULL, anonymous);
    fixture_set_object(f, "bkt", "d/a b.tif", "gs://bkt/d/a b.tif");
}

#endif
