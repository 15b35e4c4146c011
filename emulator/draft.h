/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_DRAFT_H
#define NCR_EMULATOR_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"

/* Bytes that are on their way to an object: a temporary file in ROOT/.nacre/tmp and the hashes of what was written.
 * An object becomes visible when a draft is renamed to its place. Single-thread. */
typedef struct ncr_emu_draft {
    int directory; /* of the temporary file; borrowed */
    int fd;
    char name[40];
    uint64_t size;
    ncr_emu_hash hash;
    bool failed; /* a write failed: the draft may only be dropped */
    bool placed; /* renamed: the file is an object now */
} ncr_emu_draft;

/* An empty draft, or NULL with errno set. Released with ncr_emu_draft_free(). */
ncr_emu_draft *ncr_emu_draft_new(int tmp_directory);
/* Appends; false and `failed` when the disk refuses. */
bool ncr_emu_draft_write(ncr_emu_draft *draft, const void *data, size_t size);
/* Appends size bytes of another file from offset. */
bool ncr_emu_draft_write_fd(ncr_emu_draft *draft, int fd, uint64_t offset, uint64_t size);
/* All bytes with a final NUL beyond them, malloc'd; NULL when there are more than maximum, or out of memory. */
char *ncr_emu_draft_text(const ncr_emu_draft *draft, size_t maximum);
/* Removes the file unless it was placed; accepts NULL. */
void ncr_emu_draft_free(ncr_emu_draft *draft);

/* Reads size bytes from offset; false where there are fewer. */
bool ncr_emu_read_at(int fd, void *buffer, size_t size, uint64_t offset);

#endif
