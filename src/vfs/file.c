/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/latch.h"
#include "base/log.h"
#include "base/text.h"
#include "vfs/object.h"
#include "vfs/vfs.h"

/* Pinned handles. */

struct ncr_file {
    _Atomic int references;
    char *path;
    ncr_object *object; /* by this name; NULL: that of the pin */
    ncr_pin *pin;
    ncr_slice head;
};

static ncr_file *new_file(const char *path, ncr_pin *pin, ncr_slice head)
{
    ncr_file *file = calloc(1, sizeof *file);
    char *copy = file ? ncr_text_copy(path) : NULL;
    if (!copy) {
        free(file);
        return NULL;
    }
    atomic_init(&file->references, 1);
    file->path = copy;
    file->pin = pin;
    file->head = head;
    return file;
}

ncr_file *ncr_file_ref(ncr_file *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

void ncr_file_unref(ncr_file *file)
{
    if (!file || atomic_fetch_sub(&file->references, 1) != 1)
        return;
    ncr_slice_clear(&file->head);
    ncr_pin_unref(file->pin);
    ncr_object_unref(file->object);
    free(file->path);
    free(file);
}

ncr_file *ncr_file_as(ncr_file *file, const char *path, ncr_object *object)
{
    ncr_file *other = new_file(path, file->pin, file->head);
    if (!other)
        return NULL;
    ncr_pin_ref(other->pin);
    if (other->head.block)
        ncr_block_ref(other->head.block);
    other->object = ncr_object_ref(object);
    return other;
}

const char *ncr_file_path(const ncr_file *file)
{
    return file->path;
}

const ncr_object *ncr_file_object(const ncr_file *file)
{
    return file->object ? file->object : ncr_pin_object(file->pin);
}

uint64_t ncr_file_size(const ncr_file *file)
{
    return ncr_pin_facts(file->pin)->size;
}

const ncr_object_facts *ncr_file_facts(const ncr_file *file)
{
    return ncr_pin_facts(file->pin);
}

bool ncr_file_is_proven(const ncr_file *file)
{
    return ncr_pin_is_proven(file->pin);
}

ncr_pin *ncr_file_pin(const ncr_file *file)
{
    return file->pin;
}

const ncr_slice *ncr_file_head(const ncr_file *file)
{
    return &file->head;
}

/* --- Opening. --- */

static void opened(ncr_cache_open *inner)
{
    ncr_file_open *open = inner->user;
    open->status = inner->status;
    open->round = inner->round;
    if (inner->status == NACRE_OK) {
        open->file = new_file(open->path, inner->pin, inner->head);
        if (!open->file) {
            ncr_pin_unref(inner->pin);
            ncr_slice_clear(&inner->head);
            open->status = ncr_error_memory(&open->error);
        }
    } else {
        open->error = inner->error;
    }
    ncr_object_unref(inner->object);
    open->done(open);
}

static void fail(ncr_file_open *open, nacre_status status)
{
    ncr_object_unref(open->internal.object);
    open->status = status;
    open->done(open);
}

void ncr_file_open_start(ncr_file_open *open)
{
    open->file = NULL;
    open->round = 0;
    open->internal = (ncr_cache_open){.call = open->call,
                                      .needed_round = open->needed_round,
                                      .first_read = open->first_read,
                                      .done = opened,
                                      .user = open};
    nacre_status status = NACRE_OK;
    if (open->object)
        open->internal.object = ncr_object_ref(open->object);
    else
        status = ncr_vfs_resolve(open->path, open->document, open->call, &open->internal.object, &open->error);
    if (status == NACRE_OK)
        status = ncr_object_check(open->internal.object, &open->error);
    if (status == NACRE_OK)
        ncr_cache_open_start(&open->internal);
    else
        fail(open, status);
}

void ncr_file_log_open(const ncr_file_open *open)
{
    const char *version = ncr_file_facts(open->file)->version.token;
    ncr_log(NCR_LOG_INFO, "%s: opened, %s, round %u", ncr_file_object(open->file)->name,
            version[0] ? version : "no version", open->round);
}

static void open_waited(ncr_file_open *open)
{
    ncr_latch_down(open->user);
}

nacre_status ncr_file_open_wait(const char *path, ncr_call *call, ncr_file **out, nacre_error *err)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_file_open open = {.path = path, .call = call, .done = open_waited, .user = &latch};
    ncr_file_open_start(&open);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    *out = open.file;
    if (open.status != NACRE_OK)
        return ncr_error_copy(err, &open.error, open.status);
    ncr_file_log_open(&open);
    return NACRE_OK;
}

/* --- Reading, for those who wait. --- */

static void fetch_waited(ncr_fetch *fetch)
{
    ncr_latch_down(fetch->user);
}

static nacre_status run_fetches(ncr_fetch *fetches, ncr_fetch **list, size_t count, nacre_error *err)
{
    ncr_latch latch;
    ncr_latch_init(&latch, count);
    for (size_t i = 0; i < count; i++) {
        list[i] = &fetches[i];
        fetches[i].user = &latch;
        fetches[i].done = fetch_waited;
    }
    ncr_cache_fetch_start(list, count);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    for (size_t i = 0; i < count; i++)
        if (fetches[i].status != NACRE_OK)
            return ncr_error_copy(err, &fetches[i].error, fetches[i].status);
    return NACRE_OK;
}

nacre_status ncr_file_read_wait(ncr_file *file, nacre_range *ranges, size_t count, ncr_call *call, nacre_error *err)
{
    for (size_t i = 0; i < count; i++)
        ranges[i].got = 0;
    if (!count)
        return NACRE_OK;
    ncr_fetch *fetches = ncr_alloc_array(count, sizeof *fetches);
    ncr_fetch **list = ncr_alloc_array(count, sizeof(ncr_fetch *));
    nacre_status status = fetches && list ? NACRE_OK : ncr_error_memory(err);
    for (size_t i = 0; i < count && status == NACRE_OK; i++)
        fetches[i] =
            (ncr_fetch){.pin = file->pin, .call = call, .offset = ranges[i].offset, .length = ranges[i].length};
    if (status == NACRE_OK)
        status = run_fetches(fetches, list, count, err);
    for (size_t i = 0; i < count && fetches; i++) {
        ncr_slice *slice = &fetches[i].slice;
        if (status == NACRE_OK && slice->size)
            memcpy(ranges[i].buffer, slice->data, slice->size);
        if (status == NACRE_OK)
            ranges[i].got = slice->size;
        ncr_slice_clear(slice);
    }
    free(fetches);
    free(list);
    return status;
}
