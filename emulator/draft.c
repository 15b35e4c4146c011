/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COPY_STEP = 1 << 18 };

ncr_emu_draft *ncr_emu_draft_new(int tmp_directory)
{
    static _Atomic unsigned counter;
    ncr_emu_draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return NULL;
    draft->directory = tmp_directory;
    snprintf(draft->name, sizeof draft->name, "%ld-%u", (long)getpid(), atomic_fetch_add(&counter, 1));
    draft->fd = openat(tmp_directory, draft->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (draft->fd < 0) {
        free(draft);
        return NULL;
    }
    ncr_emu_hash_init(&draft->hash);
    return draft;
}

bool ncr_emu_draft_write(ncr_emu_draft *draft, const void *data, size_t size)
{
    ncr_emu_hash_add(&draft->hash, data, size);
    const char *p = data;
    while (size && !draft->failed) {
        ssize_t written = write(draft->fd, p, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            draft->failed = true;
            break;
        }
        p += written;
        size -= (size_t)written;
        draft->size += (uint64_t)written;
    }
    return !draft->failed;
}

bool ncr_emu_read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
    char *p = buffer;
    while (size) {
        ssize_t got = pread(fd, p, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

bool ncr_emu_draft_write_fd(ncr_emu_draft *draft, int fd, uint64_t offset, uint64_t size)
{
    char *step = malloc(COPY_STEP);
    bool good = step != NULL;
    while (good && size) {
        size_t part = size < COPY_STEP ? (size_t)size : COPY_STEP;
        good = ncr_emu_read_at(fd, step, part, offset) && ncr_emu_draft_write(draft, step, part);
        offset += part;
        size -= part;
    }
    free(step);
    draft->failed |= !good;
    return good;
}

char *ncr_emu_draft_text(const ncr_emu_draft *draft, size_t maximum)
{
    if (draft->size > maximum)
        return NULL;
    size_t size = (size_t)draft->size;
    char *text = malloc(size + 1);
    if (!text)
        return NULL;
    if (!ncr_emu_read_at(draft->fd, text, size, 0)) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

void ncr_emu_draft_free(ncr_emu_draft *draft)
{
    if (!draft)
        return;
    close(draft->fd);
    if (!draft->placed)
        unlinkat(draft->directory, draft->name, 0);
    ncr_emu_hash_clear(&draft->hash);
    free(draft);
}
