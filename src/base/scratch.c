/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/scratch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

void ncr_scratch_init(ncr_scratch *scratch)
{
    *scratch = (ncr_scratch){.file = -1};
    pthread_mutex_init(&scratch->appending, NULL);
}

void ncr_scratch_clear(ncr_scratch *scratch)
{
    if (scratch->file >= 0)
        close(scratch->file);
    free(scratch->memory);
    pthread_mutex_destroy(&scratch->appending);
    ncr_scratch_init(scratch);
}

static const char *directory(void)
{
    const char *name = getenv("TMPDIR");
    return name && *name ? name : "/tmp";
}

static nacre_status open_file(ncr_scratch *scratch, nacre_error *err)
{
    scratch->file = open(directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (scratch->file >= 0)
        return NACRE_OK;
    /* Not every file system has files without names. */
    char *name = ncr_text_format("%s/nacre-XXXXXX", directory());
    if (!name)
        return ncr_error_memory(err);
    scratch->file = mkostemp(name, O_CLOEXEC);
    int reason = errno;
    if (scratch->file >= 0)
        unlink(name);
    free(name);
    return scratch->file >= 0 ? NACRE_OK : ncr_error_errno(err, reason, directory(), "make a temporary file");
}

static nacre_status write_file(int file, uint64_t offset, const uint8_t *data, size_t size, nacre_error *err)
{
    while (size) {
        ssize_t done = pwrite(file, data, size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ncr_error_errno(err, done ? errno : ENOSPC, directory(), "write a temporary file");
        data += done;
        offset += (uint64_t)done;
        size -= (size_t)done;
    }
    return NACRE_OK;
}

static nacre_status move_to_file(ncr_scratch *scratch, nacre_error *err)
{
    nacre_status status = open_file(scratch, err);
    if (status == NACRE_OK)
        status = write_file(scratch->file, 0, scratch->memory, (size_t)scratch->size, err);
    free(scratch->memory);
    scratch->memory = NULL;
    scratch->capacity = 0;
    return status;
}

static nacre_status write_memory(ncr_scratch *scratch, size_t offset, const void *data, size_t size, nacre_error *err)
{
    size_t end = offset + size, used = (size_t)scratch->size;
    if (!ncr_array_reserve(&scratch->memory, &scratch->capacity, end, 1))
        return ncr_error_memory(err);
    if (offset > used)
        memset(scratch->memory + used, 0, offset - used);
    memcpy(scratch->memory + offset, data, size);
    return NACRE_OK;
}

nacre_status ncr_scratch_write(ncr_scratch *scratch, uint64_t offset, const void *data, size_t size, nacre_error *err)
{
    uint64_t end = offset + size;
    nacre_status status = NACRE_OK;
    if (!size)
        return NACRE_OK;
    if (scratch->file < 0 && end > NCR_SCRATCH_MEMORY)
        status = move_to_file(scratch, err);
    if (status == NACRE_OK)
        status = scratch->file < 0 ? write_memory(scratch, (size_t)offset, data, size, err)
                                   : write_file(scratch->file, offset, data, size, err);
    if (status == NACRE_OK && end > scratch->size)
        scratch->size = end;
    return status;
}

nacre_status ncr_scratch_append(ncr_scratch *scratch, const void *data, size_t size, uint64_t *offset, nacre_error *err)
{
    pthread_mutex_lock(&scratch->appending);
    uint64_t at = *offset = scratch->size, end = at + size;
    nacre_status status = scratch->file < 0 && end > NCR_SCRATCH_MEMORY ? move_to_file(scratch, err) : NACRE_OK;
    bool in_file = scratch->file >= 0;
    if (status == NACRE_OK && !in_file && size)
        status = write_memory(scratch, (size_t)at, data, size, err);
    if (status == NACRE_OK)
        scratch->size = end;
    pthread_mutex_unlock(&scratch->appending);
    if (status == NACRE_OK && in_file)
        status = write_file(scratch->file, at, data, size, err);
    return status;
}

nacre_status ncr_scratch_read(ncr_scratch *scratch, uint64_t offset, void *data, size_t size, nacre_error *err)
{
    assert(offset + size <= scratch->size);
    if (scratch->file < 0) {
        if (size)
            memcpy(data, scratch->memory + offset, size);
        return NACRE_OK;
    }
    uint8_t *to = data;
    while (size) {
        ssize_t done = pread(scratch->file, to, size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ncr_error_errno(err, done ? errno : EIO, directory(), "read a temporary file");
        to += done;
        offset += (uint64_t)done;
        size -= (size_t)done;
    }
    return NACRE_OK;
}
