/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "file.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/text.h"
#include "job.h"
#include "reader.h"

typedef struct gdal_file {
    ncr_gdal_job job;
    ncr_file *file;
    ncr_gdal_reader reader;
    uint64_t position;
    bool at_end, has_failed;
    char *told; /* what the last read of several ranges failed with: GDAL then tries them one by one */
    struct gdal_file *next, **back; /* among those that are open for reading; guarded by lock */
} gdal_file;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static gdal_file *open_files;

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&lock);
}

/* --- Which files are open. --- */

static void enter(gdal_file *file)
{
    pthread_mutex_lock(&lock);
    file->next = open_files;
    file->back = &open_files;
    if (open_files)
        open_files->back = &file->next;
    open_files = file;
    pthread_mutex_unlock(&lock);
}

static void leave(gdal_file *file)
{
    pthread_mutex_lock(&lock);
    if (file->back) {
        *file->back = file->next;
        if (file->next)
            file->next->back = file->back;
    }
    pthread_mutex_unlock(&lock);
}

/* Whether a header carries GDAL's marker of the COG layout, which stands behind the 8 bytes of a TIFF's header, or the
 * 16 of a BigTIFF's. */
static bool is_cog(const ncr_slice *head)
{
    static const char area[] = "GDAL_STRUCTURAL_METADATA_SIZE=", layout[] = "LAYOUT=IFDS_BEFORE_DATA";
    enum { SEARCHED = 512 };
    if (head->size < 16 || (head->data[0] != 'I' && head->data[0] != 'M'))
        return false;
    const bool is_big = head->data[2] == 43 || head->data[3] == 43;
    const size_t at = is_big ? 16 : 8, left = head->size - at;
    if (left < sizeof area || memcmp(head->data + at, area, sizeof area - 1) != 0)
        return false;
    return memmem(head->data + at, left < SEARCHED ? left : SEARCHED, layout, sizeof layout - 1) != NULL;
}

bool ncr_gdal_file_is_cog(const char *name)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (const gdal_file *file = open_files; file && !found; file = file->next)
        found = strcmp(file->job.name, name) == 0 && is_cog(ncr_file_head(file->file));
    pthread_mutex_unlock(&lock);
    return found;
}

/* --- Opening and closing. --- */

static int close_file(void *handle)
{
    gdal_file *file = handle;
    leave(file);
    ncr_gdal_reader_clear(&file->reader);
    ncr_file_unref(file->file);
    ncr_gdal_job_end(&file->job);
    free(file->told);
    free(file);
    return 0;
}

static void *open_file(void *user, const char *name, const char *access)
{
    const ncr_gdal_mount *mount = user;
    nacre_error error;
    (void)access;
    gdal_file *file = calloc(1, sizeof *file);
    if (!file) {
        errno = ENOMEM;
        return NULL;
    }
    nacre_status status = ncr_gdal_job_begin(&file->job, mount, name, &error);
    if (status == NACRE_OK)
        status = ncr_file_open_wait(file->job.name, file->job.call, &file->file, &error);
    if (status == NACRE_OK) {
        ncr_gdal_reader_init(&file->reader, file->file);
        enter(file);
        return file;
    }
    if (status != NACRE_ERROR_NOT_FOUND) /* which GDAL tells where it did not expect it */
        ncr_gdal_tell(mount->host, &error);
    close_file(file);
    errno = ncr_gdal_errno(status);
    return NULL;
}

/* --- Reading. --- */

static gdal_offset tell(void *handle)
{
    const gdal_file *file = handle;
    return file->position;
}

static int seek(void *handle, gdal_offset offset, int whence)
{
    gdal_file *file = handle;
    const uint64_t base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? ncr_file_size(file->file) : 0;
    file->position = base + offset; /* offsets from the end or from here are negative by wrapping around */
    file->at_end = false;
    return 0;
}

static int is_at_end(void *handle)
{
    const gdal_file *file = handle;
    return file->at_end;
}

static int has_failed(void *handle)
{
    const gdal_file *file = handle;
    return file->has_failed;
}

static void clear_failed(void *handle)
{
    gdal_file *file = handle;
    file->has_failed = file->at_end = false;
}

/* Tells of a failed read, once where GDAL tries single ranges after several together have failed. */
static void tell_failed(gdal_file *file, const nacre_error *error, bool is_repeated)
{
    file->has_failed = true;
    if (is_repeated && file->told && strcmp(file->told, error->message) == 0)
        return;
    ncr_gdal_tell(file->job.host, error);
    free(file->told);
    file->told = is_repeated ? NULL : ncr_text_copy(error->message);
}

static size_t read_bytes(void *handle, void *buffer, size_t size, size_t count)
{
    gdal_file *file = handle;
    nacre_error error;
    size_t wanted, got;
    if (!ncr_size_mul(size, count, &wanted) || !wanted)
        return 0;
    nacre_status status =
        ncr_gdal_reader_read(&file->reader, file->job.call, file->position, buffer, wanted, &got, &error);
    if (status != NACRE_OK) {
        tell_failed(file, &error, true);
        return 0;
    }
    file->position += got;
    if (got < wanted)
        file->at_end = true;
    return got / size;
}

static int read_ranges(void *handle, int count, void **buffers, const gdal_offset *offsets, const size_t *sizes)
{
    gdal_file *file = handle;
    nacre_error error;
    if (count <= 0)
        return 0;
    nacre_range *ranges = ncr_alloc_array((size_t)count, sizeof *ranges);
    nacre_status status = ranges ? NACRE_OK : ncr_error_memory(&error);
    for (int i = 0; i < count && ranges; i++)
        ranges[i] = (nacre_range){.offset = offsets[i], .length = sizes[i], .buffer = buffers[i]};
    if (status == NACRE_OK)
        status = ncr_file_read_wait(file->file, ranges, (size_t)count, file->job.call, &error);
    bool is_whole = status == NACRE_OK;
    for (int i = 0; i < count && is_whole; i++)
        is_whole = ranges[i].got == sizes[i];
    free(ranges);
    if (status != NACRE_OK)
        tell_failed(file, &error, false);
    return is_whole ? 0 : -1;
}

void ncr_gdal_file_callbacks(gdal_callbacks *callbacks, int version)
{
    callbacks->open = open_file;
    callbacks->tell = tell;
    callbacks->seek = seek;
    callbacks->read = read_bytes;
    callbacks->read_multi_range = read_ranges;
    callbacks->eof = is_at_end;
    callbacks->close = close_file;
    if (version >= GDAL_HAS_ERROR) {
        callbacks->error = has_failed;
        callbacks->clear_err = clear_failed;
    }
}
