/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "draft.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "tiff/index.h"

enum { STEP = 1024 * 1024 };

nacre_status ncr_gdal_draft_new(ncr_object *object, ncr_call *call, const ncr_version *version, const char *folder,
                                ncr_gdal_draft **out, nacre_error *err)
{
    *out = NULL;
    ncr_gdal_draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return ncr_error_memory(err);
    draft->object = ncr_object_ref(object);
    draft->call = ncr_call_ref(call);
    draft->process = getpid();
    if (version) {
        draft->version = *version;
        draft->has_version = true;
    }
    nacre_status status = ncr_gdal_spool_init(&draft->spool, folder, err);
    if (status != NACRE_OK) {
        ncr_gdal_draft_free(draft);
        return status;
    }
    *out = draft;
    return NACRE_OK;
}

void ncr_gdal_draft_free(ncr_gdal_draft *draft)
{
    if (!draft)
        return;
    ncr_writer_close(draft->writer);
    ncr_gdal_spool_clear(&draft->spool);
    ncr_object_unref(draft->object);
    ncr_call_unref(draft->call);
    free(draft);
}

static nacre_status take_bytes(void *user, const ncr_slice *slice, nacre_error *err)
{
    ncr_gdal_draft *draft = user;
    return ncr_gdal_spool_write(&draft->spool, draft->spool.size, slice->data, slice->size, err);
}

nacre_status ncr_gdal_draft_fill(ncr_gdal_draft *draft, ncr_file *file, nacre_error *err)
{
    const ncr_stream stream = {.pin = ncr_file_pin(file),
                               .call = draft->call,
                               .length = ncr_file_size(file),
                               .sink = take_bytes,
                               .user = draft};
    return ncr_stream_run(&stream, err);
}

static nacre_status open_writer(ncr_gdal_draft *draft, bool keeps_first, nacre_error *err)
{
    const ncr_condition condition = {.version = draft->has_version ? &draft->version : NULL};
    draft->sent = 0;
    draft->is_first_changed = false;
    nacre_status status = ncr_writer_open(draft->object, NULL, &condition, draft->call, &draft->writer, err);
    draft->keeps_first = keeps_first && status == NACRE_OK && ncr_writer_keep_first(draft->writer);
    return status;
}

nacre_status ncr_gdal_draft_begin(ncr_gdal_draft *draft, nacre_error *err)
{
    nacre_status status = open_writer(draft, !draft->has_version, err);
    if (status == NACRE_OK)
        status = ncr_writer_begin(draft->writer, err);
    draft->is_begun = true;
    draft->is_failed = status != NACRE_OK;
    return status;
}

/* Sends on what there is up to `until`. */
static nacre_status send_until(ncr_gdal_draft *draft, uint64_t until, nacre_error *err)
{
    uint8_t *buffer = draft->sent < until ? malloc(STEP) : NULL;
    nacre_status status = draft->sent < until && !buffer ? ncr_error_memory(err) : NACRE_OK;
    while (status == NACRE_OK && draft->sent < until) {
        const uint64_t left = until - draft->sent;
        size_t got;
        status = ncr_gdal_spool_read(&draft->spool, draft->sent, buffer, left < STEP ? (size_t)left : STEP, &got, err);
        if (status == NACRE_OK && !got)
            status = ncr_error_set(err, NACRE_ERROR_IO, "%s: a temporary file in %s was cut", draft->object->name,
                                   draft->spool.folder);
        if (status == NACRE_OK)
            status = ncr_writer_write(draft->writer, buffer, got, err);
        draft->sent += got;
    }
    free(buffer);
    return status;
}

/* Whether an object that begins so is sent as it comes. */
static bool may_be_sent_early(const ncr_gdal_draft *draft, uint64_t offset, const void *data, size_t size)
{
    return !draft->spool.size && !offset && !draft->has_version && (draft->keeps_first || !ncr_tiff_probe(data, size));
}

/* All over again, at the end. */
static void give_up_sent(ncr_gdal_draft *draft)
{
    draft->is_sent_early = false;
    if (!draft->sent)
        return;
    ncr_writer_close(draft->writer);
    draft->writer = NULL;
}

/* Bytes before `sent` are written again: what the writer keeps back is changed at the commit; what is on its way cannot
 * be changed, so all over again, at the end. */
static void change_sent(ncr_gdal_draft *draft, uint64_t offset, size_t size)
{
    const size_t kept = ncr_writer_kept(draft->writer);
    if (size <= kept && offset <= kept - size)
        draft->is_first_changed = true;
    else
        give_up_sent(draft);
}

static nacre_status check(ncr_gdal_draft *draft, nacre_error *err)
{
    if (draft->process != getpid())
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: it is being written by the process that this one was forked of", draft->object->name);
    if (draft->is_failed)
        return ncr_error_set(err, NACRE_ERROR_IO, "%s: not written, since an earlier write has failed",
                             draft->object->name);
    return NACRE_OK;
}

nacre_status ncr_gdal_draft_write(ncr_gdal_draft *draft, uint64_t offset, const void *data, size_t size,
                                  nacre_error *err)
{
    nacre_status status = check(draft, err);
    if (status != NACRE_OK)
        return status;
    if (!draft->is_begun)
        status = ncr_gdal_draft_begin(draft, err);
    if (may_be_sent_early(draft, offset, data, size))
        draft->is_sent_early = true;
    if (draft->is_sent_early && offset < draft->sent)
        change_sent(draft, offset, size);
    const bool goes_on = offset == draft->spool.size;
    if (status == NACRE_OK)
        status = ncr_gdal_spool_write(&draft->spool, offset, data, size, err);
    if (status == NACRE_OK && draft->is_sent_early && goes_on && draft->spool.size - draft->sent >= STEP)
        status = send_until(draft, draft->spool.size, err);
    draft->is_failed = status != NACRE_OK;
    return status;
}

nacre_status ncr_gdal_draft_truncate(ncr_gdal_draft *draft, uint64_t size, nacre_error *err)
{
    nacre_status status = check(draft, err);
    if (status == NACRE_OK && !draft->is_begun)
        status = ncr_gdal_draft_begin(draft, err);
    if (size < draft->sent)
        give_up_sent(draft);
    if (status == NACRE_OK)
        status = ncr_gdal_spool_truncate(&draft->spool, size, err);
    draft->is_failed = status != NACRE_OK;
    return status;
}

/* Gives the writer what has become of the bytes that it keeps back. */
static nacre_status change_first(ncr_gdal_draft *draft, nacre_error *err)
{
    const size_t kept = ncr_writer_kept(draft->writer);
    uint8_t *buffer = malloc(STEP);
    nacre_status status = buffer ? NACRE_OK : ncr_error_memory(err);
    for (size_t at = 0, got = 1; at < kept && got && status == NACRE_OK; at += got) {
        status = ncr_gdal_spool_read(&draft->spool, at, buffer, kept - at < STEP ? kept - at : STEP, &got, err);
        if (status == NACRE_OK)
            status = ncr_writer_change(draft->writer, at, buffer, got, err);
    }
    free(buffer);
    return status;
}

nacre_status ncr_gdal_draft_commit(ncr_gdal_draft *draft, nacre_error *err)
{
    nacre_status status = check(draft, err);
    if (status == NACRE_OK && !draft->writer)
        status = open_writer(draft, false, err);
    if (status == NACRE_OK)
        status = send_until(draft, draft->spool.size, err);
    if (status == NACRE_OK && draft->is_first_changed)
        status = change_first(draft, err);
    if (status == NACRE_OK)
        status = ncr_writer_commit(draft->writer, err);
    draft->is_failed = status != NACRE_OK;
    return status;
}
