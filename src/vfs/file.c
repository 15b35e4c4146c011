/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
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

/* A read of some ranges: what has come is copied by who waits, while the rest is still on its way. */
typedef struct waited {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct waited_range *come;     /* done and not copied; guarded by lock */
    void (*meanwhile)(void *user); /* NULL: nothing */
    void *user;
} waited;

typedef struct waited_range {
    ncr_fetch fetch;
    nacre_range *range;
    waited *of;
    struct waited_range *next; /* of those that have come */
} waited_range;

static void fetch_waited(ncr_fetch *fetch)
{
    waited_range *range = fetch->user;
    waited *of = range->of;
    pthread_mutex_lock(&of->lock); /* and signals under it: the waiter may be gone as soon as it sees the last one */
    range->next = of->come;
    of->come = range;
    pthread_cond_signal(&of->changed);
    pthread_mutex_unlock(&of->lock);
}

/* Some that have come, one at least. */
static waited_range *wait_for_some(waited *of)
{
    pthread_mutex_lock(&of->lock);
    while (!of->come)
        pthread_cond_wait(&of->changed, &of->lock);
    waited_range *some = of->come;
    of->come = NULL;
    pthread_mutex_unlock(&of->lock);
    return some;
}

static void take(waited_range *one)
{
    ncr_slice *slice = &one->fetch.slice;
    if (one->fetch.status == NACRE_OK && slice->size)
        memcpy(one->range->buffer, slice->data, slice->size);
    if (one->fetch.status == NACRE_OK)
        one->range->got = slice->size;
    ncr_slice_clear(slice);
}

static void run_fetches(waited *of, waited_range *ranges, ncr_fetch **list, size_t count)
{
    pthread_mutex_init(&of->lock, NULL);
    pthread_cond_init(&of->changed, NULL);
    for (size_t i = 0; i < count; i++) {
        ranges[i].of = of;
        list[i] = &ranges[i].fetch;
        list[i]->user = &ranges[i];
        list[i]->done = fetch_waited;
    }
    ncr_cache_fetch_start(list, count);
    if (of->meanwhile)
        of->meanwhile(of->user);
    for (size_t left = count; left;)
        for (waited_range *one = wait_for_some(of), *next; one; one = next, left--) {
            next = one->next;
            take(one);
        }
    pthread_mutex_destroy(&of->lock);
    pthread_cond_destroy(&of->changed);
}

/* Fetches those of the ranges that are not read yet, `left` of them. */
static nacre_status fetch_left(ncr_file *file, nacre_range *ranges, size_t count, size_t left, ncr_call *call,
                               waited *of, nacre_error *err)
{
    waited_range *all = ncr_alloc_array(left, sizeof *all);
    ncr_fetch **list = ncr_alloc_array(left, sizeof(ncr_fetch *));
    nacre_status status = all && list ? NACRE_OK : ncr_error_memory(err);
    size_t taken = 0;
    for (size_t i = 0; i < count && status == NACRE_OK; i++) {
        nacre_range *range = &ranges[i];
        if (range->got)
            continue;
        all[taken++] = (waited_range){
            .range = range,
            .fetch = {.pin = file->pin, .call = call, .offset = range->offset, .length = range->length},
        };
    }
    if (status == NACRE_OK)
        run_fetches(of, all, list, left);
    for (size_t i = 0; i < left && status == NACRE_OK; i++)
        if (all[i].fetch.status != NACRE_OK)
            status = ncr_error_copy(err, &all[i].fetch.error, all[i].fetch.status);
    free(all);
    free(list);
    return status;
}

nacre_status ncr_file_read_meanwhile(ncr_file *file, nacre_range *ranges, size_t count, ncr_call *call,
                                     void (*meanwhile)(void *user), void *user, nacre_error *err)
{
    size_t left = 0;
    waited of = {.meanwhile = meanwhile, .user = user};
    for (size_t i = 0; i < count; i++)
        if (!ncr_cache_copy(file->pin, call, ranges[i].offset, ranges[i].length, ranges[i].buffer, &ranges[i].got))
            left++;
    nacre_status status = left ? fetch_left(file, ranges, count, left, call, &of, err) : NACRE_OK;
    if (!left && meanwhile)
        meanwhile(user);
    for (size_t i = 0; i < count && status != NACRE_OK; i++)
        ranges[i].got = 0;
    return status;
}

nacre_status ncr_file_read_wait(ncr_file *file, nacre_range *ranges, size_t count, ncr_call *call, nacre_error *err)
{
    return ncr_file_read_meanwhile(file, ranges, count, call, NULL, NULL, err);
}
