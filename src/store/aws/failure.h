/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AWS_FAILURE_H
#define NCR_STORE_AWS_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

/* What servers say in Amazon's interface when they refuse. */

enum { NCR_AWS_REGION = 40 };

/* Whether a text can be a region: it becomes a part of host names. */
bool ncr_aws_is_region(const char *text);

/* What a store says of a failure. Plain value. */
typedef struct ncr_aws_failure {
    char code[64];     /* "NoSuchKey"; "": it says nothing */
    char message[320]; /* "" none */
    char region[NCR_AWS_REGION];
    bool lacks_memory; /* the texts are empty for that */
} ncr_aws_failure;

/* Reads an error's body; false, and empty texts, where it is none. */
bool ncr_aws_failure_read(const void *data, size_t size, ncr_aws_failure *out);

/* Whether a code is about who asks, not about what he may. */
bool ncr_aws_is_about_credentials(const char *code);

#endif
