/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "file.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ahead.h"
#include "base/fork.h"
#include "base/latch.h"
#include "base/text.h"
#include "draft.h"
#include "failures.h"
#include "folder.h"
#include "job.h"
#include "options.h"
#include "reader.h"
#include "tiff/index.h"

typedef struct gdal_file {
    ncr_gdal_job job;
    ncr_file *file; /* that was opened; NULL: a new one */
    ncr_gdal_reader reader;
    ncr_gdal_ahead ahead;
    ncr_gdal_use use;
    ncr_gdal_draft *draft; /* what is written; NULL: nothing yet */
    bool can_write, can_read;
    bool appends;
    uint64_t position;
    bool at_end, has_failed;
    bool is_lost; /* a write has failed, so nothing will be committed: `loss` says why */
    nacre_error loss;
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

static void free_file(gdal_file *file)
{
    leave(file);
    ncr_gdal_draft_free(file->draft);
    ncr_gdal_ahead_clear(&file->ahead);
    if (file->file)
        ncr_gdal_reader_clear(&file->reader);
    ncr_file_unref(file->file);
    ncr_gdal_job_end(&file->job);
    free(file);
}

/* Tells a failure of writing, once, and keeps it: nothing can be committed any more. */
static void lose(gdal_file *file, const nacre_error *error)
{
    if (!file->is_lost) {
        ncr_gdal_tell(file->job.host, error);
        file->loss = *error;
    }
    file->is_lost = true;
    errno = ncr_gdal_errno(error->status);
}

/* GDAL drops what close returns, but for a few formats, so the failure is kept for nacre_gdal_check() too. */
static int close_file(void *handle)
{
    gdal_file *file = handle;
    nacre_error error;
    if (file->draft && !file->is_lost && file->draft->process == getpid() &&
        ncr_gdal_draft_commit(file->draft, &error) != NACRE_OK)
        lose(file, &error);
    const bool is_lost = file->is_lost;
    const int why = is_lost ? ncr_gdal_errno(file->loss.status) : 0;
    if (is_lost)
        ncr_gdal_failures_add(&file->loss);
    free_file(file);
    if (is_lost)
        errno = why;
    return is_lost ? -1 : 0;
}

static const char *temporary_folder(const gdal_file *file)
{
    return ncr_gdal_option(file->job.host, file->job.name, "CPL_TMPDIR");
}

/* The most bytes that an update may copy. */
static nacre_status check_update(const gdal_file *file, nacre_error *err)
{
    static const char key[] = "NACRE_GDAL_UPDATE_LIMIT";
    const char *text = ncr_gdal_option(file->job.host, file->job.name, key);
    uint64_t limit = (uint64_t)1 << 30;
    if (text && !ncr_text_to_uint64(text, &limit))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %s is '%s', not a number of bytes", file->job.name, key,
                             text);
    if (ncr_file_size(file->file) <= limit)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                         "%s: an update copies the whole object, and its %llu bytes are over the limit of %llu (%s)",
                         file->job.name, (unsigned long long)ncr_file_size(file->file), (unsigned long long)limit, key);
}

static nacre_status new_draft(gdal_file *file, const ncr_version *version, nacre_error *err)
{
    return ncr_gdal_draft_new(file->job.object, file->job.call, version, temporary_folder(file), &file->draft, err);
}

static void opened(ncr_file_open *open)
{
    ncr_latch_down(open->user);
}

/* Opens what is there. */
static nacre_status open_pinned(gdal_file *file, nacre_error *err)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_gdal_folder_ask(&file->use, file->job.name);
    ncr_file_open open = {.path = file->job.name,
                          .object = file->job.object,
                          .call = file->job.call,
                          .first_read = file->can_write ? 0 : file->use.first_read,
                          .done = opened,
                          .user = &latch};
    ncr_file_open_start(&open);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    if (open.status != NACRE_OK)
        return ncr_error_copy(err, &open.error, open.status);
    file->file = open.file;
    ncr_file_log_open(&open);
    ncr_gdal_folder_opened(&file->use, ncr_file_size(file->file));
    ncr_gdal_reader_init(&file->reader, file->file);
    return NACRE_OK;
}

/* "r", "r+", "w", "w+", "a", "a+", with a "b" somewhere. */
static nacre_status open_as(gdal_file *file, const char *access, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    const bool has_plus = strchr(access, '+') != NULL;
    file->appends = access[0] == 'a';
    file->can_read = access[0] == 'r' || has_plus;
    file->can_write = access[0] != 'r' || has_plus;
    if (access[0] != 'w') {
        status = open_pinned(file, err);
        if (status == NACRE_OK && file->can_write)
            status = check_update(file, err);
        if (status != NACRE_ERROR_NOT_FOUND || !file->appends)
            return status;
    }
    status = new_draft(file, NULL, err);
    return status == NACRE_OK ? ncr_gdal_draft_begin(file->draft, err) : status;
}

static void *open_file(void *user, const char *name, const char *access)
{
    const ncr_gdal_mount *mount = user;
    nacre_error error;
    ncr_gdal_take_told();
    gdal_file *file = calloc(1, sizeof *file);
    if (!file) {
        errno = ENOMEM;
        return NULL;
    }
    nacre_status status = ncr_gdal_job_begin(&file->job, mount, name, &error);
    if (status == NACRE_OK)
        status = open_as(file, access, &error);
    if (status == NACRE_OK) {
        if (!file->can_write)
            enter(file);
        return file;
    }
    if (status != NACRE_ERROR_NOT_FOUND || access[0] == 'w') /* GDAL tells that where it did not expect it */
        ncr_gdal_tell(mount->host, &error);
    free_file(file);
    errno = ncr_gdal_errno(status);
    return NULL;
}

/* --- Reading. --- */

static gdal_offset tell(void *handle)
{
    const gdal_file *file = handle;
    return file->position;
}

static uint64_t size_of(const gdal_file *file)
{
    return file->draft ? file->draft->spool.size : ncr_file_size(file->file);
}

static int seek(void *handle, gdal_offset offset, int whence)
{
    gdal_file *file = handle;
    const uint64_t base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? size_of(file) : 0;
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

/* GDAL's TIFF reader tries blocks one by one where it did not get them together; that is when it is told why. */
static bool is_tried_again(const gdal_file *file)
{
    const ncr_slice *head = ncr_file_head(file->file);
    return ncr_tiff_probe(head->data, head->size);
}

/* The call of the open serves the reads too, with its configuration, unless there is a limit of time for each call. */
static nacre_status read_call(gdal_file *file, ncr_call **out, nacre_error *err)
{
    const nacre_io_options options = {.size = sizeof options, .config = file->job.config};
    *out = NULL;
    if (file->job.call->deadline_ms != INT64_MAX)
        return ncr_call_new(&options, out, err);
    *out = ncr_call_ref(file->job.call);
    return NACRE_OK;
}

static nacre_status read_at(gdal_file *file, uint64_t offset, void *buffer, size_t size, size_t *got, nacre_error *err)
{
    *got = 0;
    if (!file->can_read)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it was opened for writing only", file->job.name);
    if (file->is_lost) /* what is there is half of what was written: libtiff follows its own offsets in it for ever */
        return ncr_error_copy(err, &file->loss, file->loss.status);
    if (file->draft)
        return ncr_gdal_spool_read(&file->draft->spool, offset, buffer, size, got, err);
    ncr_call *call;
    ncr_gdal_folder_read(&file->use, offset, size);
    nacre_status status = read_call(file, &call, err);
    const nacre_range range = {.offset = offset, .length = size};
    const bool is_block = status == NACRE_OK && offset >= ncr_file_head(file->file)->size &&
                          ncr_gdal_ahead_read(&file->ahead, file->file, call, &range, 1);
    if (is_block)
        ncr_gdal_ahead_go(&file->ahead, file->file, call);
    if (status == NACRE_OK)
        status = ncr_gdal_reader_read(&file->reader, call, offset, buffer, size, is_block, got, err);
    ncr_call_unref(call);
    return status;
}

static size_t read_bytes(void *handle, void *buffer, size_t size, size_t count)
{
    gdal_file *file = handle;
    nacre_error error;
    size_t wanted, got;
    if (!ncr_size_mul(size, count, &wanted) || !wanted)
        return 0;
    nacre_status status = read_at(file, file->position, buffer, wanted, &got, &error);
    if (status != NACRE_OK) {
        file->has_failed = true;
        if (!file->is_lost) /* else it was told */
            ncr_gdal_tell(file->job.host, &error);
        return 0;
    }
    file->position += got;
    if (got < wanted)
        file->at_end = true;
    return got / size;
}

typedef struct reading {
    gdal_file *file;
    ncr_call *call;
} reading;

static void go_ahead(void *user)
{
    const reading *r = user;
    ncr_gdal_ahead_go(&r->file->ahead, r->file->file, r->call);
}

/* All at once. */
static nacre_status read_together(gdal_file *file, nacre_range *ranges, size_t count, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    if (!file->draft && !file->is_lost) {
        ncr_call *call;
        status = read_call(file, &call, err);
        for (size_t i = 0; i < count; i++)
            ncr_gdal_folder_read(&file->use, ranges[i].offset, ranges[i].length);
        if (status == NACRE_OK) {
            ncr_gdal_ahead_read(&file->ahead, file->file, call, ranges, count);
            reading r = {.file = file, .call = call};
            status = ncr_file_read_meanwhile(file->file, ranges, count, call, go_ahead, &r, err);
        }
        ncr_call_unref(call);
        return status;
    }
    for (size_t i = 0; i < count && status == NACRE_OK; i++)
        status = read_at(file, ranges[i].offset, ranges[i].buffer, ranges[i].length, &ranges[i].got, err);
    return status;
}

static int read_ranges(void *handle, int count, void **buffers, const gdal_offset *offsets, const size_t *sizes)
{
    enum { FEW = 8 };
    gdal_file *file = handle;
    nacre_error error;
    nacre_range few[FEW], *ranges = few;
    if (count <= 0)
        return 0;
    if (count > FEW)
        ranges = ncr_alloc_array((size_t)count, sizeof *ranges);
    nacre_status status = ranges ? NACRE_OK : ncr_error_memory(&error);
    for (int i = 0; i < count && ranges; i++)
        ranges[i] = (nacre_range){.offset = offsets[i], .length = sizes[i], .buffer = buffers[i]};
    if (status == NACRE_OK)
        status = read_together(file, ranges, (size_t)count, &error);
    bool is_whole = status == NACRE_OK;
    for (int i = 0; i < count && is_whole; i++)
        is_whole = ranges[i].got == sizes[i];
    if (ranges != few)
        free(ranges);
    if (status != NACRE_OK)
        file->has_failed = true;
    if (status != NACRE_OK && !file->is_lost && !(file->file && is_tried_again(file)))
        ncr_gdal_tell(file->job.host, &error);
    return is_whole ? 0 : -1;
}

/* Ranges that GDAL will read soon. */
static void advise_read(void *handle, int count, const gdal_offset *offsets, const size_t *sizes)
{
    enum { MOST = 64 };
    gdal_file *file = handle;
    nacre_range ranges[MOST];
    size_t taken = 0, total = 0;
    if (file->draft || !file->file)
        return;
    for (int i = 0; i < count && taken < MOST && total < NCR_GDAL_AHEAD_MOST; i++) {
        ranges[taken++] = (nacre_range){.offset = offsets[i], .length = sizes[i]};
        total += sizes[i];
    }
    ncr_gdal_ahead_start(file->file, file->job.call, ranges, taken);
}

/* --- Writing. --- */

/* The first change of an object that is there: its bytes are copied, and only this version may be replaced. */
static nacre_status begin_update(gdal_file *file, nacre_error *err)
{
    const ncr_version *version = &ncr_file_facts(file->file)->version;
    nacre_status status = new_draft(file, version->strong ? version : NULL, err);
    if (status == NACRE_OK)
        status = ncr_gdal_draft_fill(file->draft, file->file, err);
    return status;
}

static nacre_status prepare_write(gdal_file *file, nacre_error *err)
{
    if (file->is_lost) /* which was told */
        return ncr_error_copy(err, &file->loss, file->loss.status);
    if (!file->can_write)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it was opened for reading only", file->job.name);
    return file->draft ? NACRE_OK : begin_update(file, err);
}

static size_t write_bytes(void *handle, const void *buffer, size_t size, size_t count)
{
    gdal_file *file = handle;
    nacre_error error;
    size_t wanted;
    if (!ncr_size_mul(size, count, &wanted) || !wanted)
        return 0;
    nacre_status status = prepare_write(file, &error);
    if (status == NACRE_OK && file->appends)
        file->position = size_of(file);
    if (status == NACRE_OK)
        status = ncr_gdal_draft_write(file->draft, file->position, buffer, wanted, &error);
    if (status != NACRE_OK) {
        if (file->can_write)
            lose(file, &error);
        else
            ncr_gdal_tell(file->job.host, &error);
        return 0;
    }
    file->position += wanted;
    return count;
}

static int truncate_file(void *handle, gdal_offset size)
{
    gdal_file *file = handle;
    nacre_error error;
    nacre_status status = prepare_write(file, &error);
    if (status == NACRE_OK)
        status = ncr_gdal_draft_truncate(file->draft, size, &error);
    if (status == NACRE_OK)
        return 0;
    if (file->can_write)
        lose(file, &error);
    else
        ncr_gdal_tell(file->job.host, &error);
    return -1;
}

/* Nothing becomes visible before the end. */
static int flush(void *handle)
{
    const gdal_file *file = handle;
    return file->is_lost ? -1 : 0;
}

void ncr_gdal_file_callbacks(gdal_callbacks *callbacks, int version)
{
    callbacks->open = open_file;
    callbacks->tell = tell;
    callbacks->seek = seek;
    callbacks->read = read_bytes;
    callbacks->read_multi_range = read_ranges;
    callbacks->eof = is_at_end;
    callbacks->write = write_bytes;
    callbacks->flush = flush;
    callbacks->truncate = truncate_file;
    callbacks->close = close_file;
    if (version >= GDAL_HAS_ADVISE_READ)
        callbacks->advise_read = advise_read;
    if (version >= GDAL_HAS_ERROR) {
        callbacks->error = has_failed;
        callbacks->clear_err = clear_failed;
    }
}
