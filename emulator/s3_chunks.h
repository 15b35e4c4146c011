/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_S3_CHUNKS_H
#define NCR_EMULATOR_S3_CHUNKS_H

#include <jansson.h>

#include "draft.h"
#include "s3_sign.h"

/* Bodies in aws-chunked: "HEX[;chunk-signature=SIGNATURE]" CR LF, that many bytes, CR LF; the last has no byte, and the
 * trailer may follow it. */

typedef struct ncr_emu_chunks {
    ncr_emu_draft *draft; /* where the bytes go; borrowed */
    json_t *trailer;      /* names in lower case and their values are put in; borrowed */
    bool is_signed;       /* chunks have signatures */
    bool is_trailer_signed;
    ncr_emu_signature *signature; /* what they are held against where it is known; borrowed */
} ncr_emu_chunks;

/* Reads the body from a file of size bytes. NULL, or the code of S3's error: IncompleteBody, SignatureDoesNotMatch,
 * InvalidRequest, InternalError. */
const char *ncr_emu_chunks_read(const ncr_emu_chunks *chunks, int fd, uint64_t size);

#endif
