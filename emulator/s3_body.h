/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_S3_BODY_H
#define NCR_EMULATOR_S3_BODY_H

#include "s3.h"

/* The body of an upload, as it was meant. */
typedef struct ncr_emu_s3_body {
    ncr_emu_draft *draft;       /* the caller's */
    ncr_emu_checksum_kind kind; /* what the client sent; NONE: nothing, then checksum is "" */
    bool was_sent;
    char checksum[NCR_EMU_CHECKSUM_BASE64_SIZE];
} ncr_emu_s3_body;

/* Whether x-amz-content-sha256, where it is a digest, is that of the body as it came; false: the error is in the
 * reply. */
bool ncr_emu_s3_payload_fits(ncr_emu_s3 *s3);

/* Takes the request's body: aws-chunked is undone, and Content-MD5 and x-amz-checksum-... (of headers and trailers) are
 * held against it. False: the error is in the reply, and there is no draft. */
bool ncr_emu_s3_body_take(ncr_emu_s3 *s3, ncr_emu_s3_body *out);
/* Adds the checksum that S3 adds where none was sent, CRC64NVME; false: the error is in the reply. */
bool ncr_emu_s3_body_add_checksum(ncr_emu_s3 *s3, ncr_emu_s3_body *body);

#endif
