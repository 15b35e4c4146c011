/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AWS_OBJECTS_H
#define NCR_STORE_AWS_OBJECTS_H

#include "store/backend.h"

/* Objects in Amazon's interface, which S3 and Google's XML interface speak alike. */

/* Makes the version of an entry; the texts are "" where the page does not tell them. */
typedef void (*ncr_aws_make_version)(const char *etag, const char *generation, ncr_version *out);

/* Reads a page of a listing (ListObjectsV2) into op, in the order of the keys' bytes. */
nacre_status ncr_aws_list_parse(const ncr_buffer *body, ncr_aws_make_version make_version, ncr_list_op *op);

/* What names a copy's source in its header: "/BUCKET/KEY", encoded. NULL: out of memory. */
char *ncr_aws_source_text(const ncr_object *source);

#endif
