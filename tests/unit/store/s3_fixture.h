/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_STORE_S3_FIXTURE_H
#define TEST_STORE_S3_FIXTURE_H

#include "store/script.h"

/* The object "d/a b.tif" in bucket "bkt" of a server like S3 that does as its script says. Regions and clocks are known
 * for the process, by the endpoint: each test has its own. */

#define TARGET         "/bkt/d/a%20b.tif"
#define OURS           "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"" /* the MD5 of "hello world" */
#define THEIRS         "\"7ac66c0f148de9519b8bd264312c4d64\""
#define IS(etag, size) "ETag: " etag "\r\nContent-Length: " size "\r\n"
#define ERROR(code)    "<Error><Code>" code "</Code></Error>"

/* first and second are keys of the configuration; NULL: none. */
static inline void s3_open(fixture *f, const step *steps, bool anonymous, const char *first, const char *second)
{
    char endpoint[96];
    snprintf(endpoint, sizeof endpoint, "s3.endpoint=http://127.0.0.1:%u", fixture_start(f, steps));
    fixture_open(
        f, test_call_new(endpoint, "s3.access_key_id=AKIDEXAMPLE", "s3.secret_access_key=secret", first, second, NULL),
        "s3", NULL, anonymous);
    fixture_set_object(f, "bkt", "d/a b.tif", "s3://bkt/d/a b.tif");
}

#endif
