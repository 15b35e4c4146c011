/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/memory.h"
#include "vfs/zip.h"

/* Members that are made whole: deflated ones, and any whose archive is read in one answer. Their bytes are a cached
 * value of the archive's version.
 *
 *   cached? ---- another unpacks it? ---- room? ---- fetch ---- another unpacks it? ---- unpack (worker)
 *
 * Only the unpacking is shared, which ends soon by itself; fetches of one range are shared by the cache, which knows
 * when a call must end. Room bounds the memory of all that are under way: zip_queue.c. */

enum { SLACK = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by lock. */
static ncr_zip_make *unpacking; /* linked by next_made */

static void forget_in_child(void)
{
    unpacking = NULL; /* the parent's */
}

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&lock);
    ncr_fork_handle(NCR_FORK_LAST, NULL, NULL, forget_in_child);
}

static void fetch_packed(ncr_zip_make *make);

static void free_bytes(ncr_value *value)
{
    free(value);
}

static ncr_value_key key_of(const ncr_zip_make *make)
{
    return (ncr_value_key){.kind = NCR_VALUE_ZIP_MEMBER, .b = make->entry->header};
}

static bool is_same(const ncr_zip_make *a, const ncr_zip_make *b)
{
    const ncr_object *x = ncr_pin_object(a->pin), *y = ncr_pin_object(b->pin);
    return a->entry->header == b->entry->header && strcmp(x->id, y->id) == 0 &&
           ncr_version_same(&ncr_pin_facts(a->pin)->version, &ncr_pin_facts(b->pin)->version) &&
           strcmp(x->store->credentials, y->store->credentials) == 0;
}

static ncr_zip_make *of_task(ncr_task *task)
{
    return (ncr_zip_make *)((char *)task - offsetof(ncr_zip_make, task));
}

/* --- Ending. --- */

static void finish(ncr_zip_make *make, nacre_status status, ncr_zip_bytes *bytes)
{
    ncr_slice_clear(&make->fetch.slice);
    if (make->room)
        ncr_zip_room_give(make);
    make->status = status;
    make->bytes = bytes;
    make->done(make);
}

static bool take_cached(ncr_zip_make *make)
{
    ncr_zip_bytes *bytes = (ncr_zip_bytes *)ncr_cache_value_get(make->pin, key_of(make), make->call);
    if (bytes)
        finish(make, NACRE_OK, bytes);
    return bytes != NULL;
}

/* Waits for another that unpacks this member. */
static bool join_locked(ncr_zip_make *make)
{
    ncr_zip_make *other = unpacking;
    while (other && !is_same(other, make))
        other = other->next_made;
    if (!other)
        return false;
    make->next = other->waiting;
    other->waiting = make;
    return true;
}

/* --- Unpacking. --- */

static nacre_status unpack(ncr_zip_make *make, ncr_zip_bytes **out, nacre_error *err)
{
    const ncr_zip_entry *entry = make->entry;
    ncr_zip_bytes *bytes = malloc(sizeof *bytes + entry->size); /* limit.whole_read was looked at */
    *out = NULL;
    if (!bytes)
        return ncr_error_memory(err);
    atomic_init(&bytes->value.references, 1);
    bytes->value.size = ncr_alloc_size(sizeof *bytes + entry->size);
    bytes->value.free = free_bytes;
    bytes->size = entry->size;
    const uint8_t *packed = make->fetch.slice.data + (entry->data - make->fetch.offset);
    nacre_status status = ncr_zip_unpack(make->member->name, entry, packed, bytes->data, err);
    if (status == NACRE_OK) {
        ncr_cache_value_put(make->pin, key_of(make), &bytes->value);
        *out = bytes;
    } else {
        free(bytes);
    }
    return status;
}

static ncr_zip_make *unlist_locked(ncr_zip_make *make)
{
    ncr_zip_make **at = &unpacking, *waiting = make->waiting;
    while (*at && *at != make)
        at = &(*at)->next_made;
    if (*at)
        *at = make->next_made;
    make->waiting = NULL;
    return waiting;
}

static void run_unpack(ncr_task *task)
{
    ncr_zip_make *make = of_task(task);
    ncr_zip_bytes *bytes;
    nacre_status status = unpack(make, &bytes, &make->error);
    pthread_mutex_lock(&lock);
    ncr_zip_make *waiting = unlist_locked(make);
    pthread_mutex_unlock(&lock);
    for (ncr_zip_make *next; waiting; waiting = next) {
        next = waiting->next;
        if (status != NACRE_OK)
            ncr_error_rename(&waiting->error, &make->error, make->member->name, waiting->member->name);
        finish(waiting, status, bytes ? (ncr_zip_bytes *)ncr_value_ref(&bytes->value) : NULL);
    }
    finish(make, status, bytes);
}

/* --- Fetching. --- */

/* Whether what was fetched has all of the member's bytes; else they are fetched once more, now that it is known where
 * they begin. */
static bool has_packed(const ncr_zip_make *make)
{
    const ncr_fetch *fetch = &make->fetch;
    uint64_t begin = make->entry->data, end = begin + make->entry->packed;
    return begin >= fetch->offset && end <= fetch->offset + fetch->slice.size;
}

static void fetched(ncr_fetch *fetch)
{
    ncr_zip_make *make = fetch->user;
    nacre_status status = fetch->status;
    if (fetch->round > make->round)
        make->round = fetch->round;
    if (status != NACRE_OK)
        ncr_zip_fail_as(make->member, &make->error, &fetch->error, status);
    else if (fetch->offset == make->entry->header)
        status =
            ncr_zip_check_header(make->member->name, make->entry, fetch->slice.data, fetch->slice.size, &make->error);
    if (status != NACRE_OK) {
        finish(make, status, NULL);
        return;
    }
    if (!has_packed(make)) {
        fetch_packed(make);
        return;
    }
    pthread_mutex_lock(&lock);
    bool joined = join_locked(make);
    if (!joined) {
        make->next_made = unpacking;
        unpacking = make;
    }
    pthread_mutex_unlock(&lock);
    if (joined) /* and perhaps released by now */
        return;
    make->task.run = run_unpack;
    ncr_pool_submit(&make->task);
}

static void fetch_packed(ncr_zip_make *make)
{
    const ncr_zip_entry *entry = make->entry;
    uint64_t data = entry->data, begin = data ? data : entry->header;
    uint64_t length = entry->packed;
    if (!data)
        length += (uint64_t)NCR_ZIP_HEADER + entry->raw_length + entry->extra_length + SLACK;
    if (length > entry->until - begin)
        length = entry->until - begin;
    ncr_slice_clear(&make->fetch.slice);
    make->fetch = (ncr_fetch){.pin = make->pin,
                              .call = make->call,
                              .offset = begin,
                              .length = (size_t)length,
                              .bypass = true,
                              .needed_round = make->round,
                              .done = fetched,
                              .user = make};
    ncr_fetch *fetch = &make->fetch;
    ncr_cache_fetch_start(&fetch, 1);
}

/* --- Beginning. --- */

/* It has room now, or its call must end. */
static void start_from_queue(ncr_task *task)
{
    ncr_zip_make *make = of_task(task);
    nacre_status status = ncr_call_check(make->call, make->member->name, &make->error);
    if (status != NACRE_OK)
        finish(make, status, NULL);
    else if (!take_cached(make)) /* another may have made it meanwhile */
        fetch_packed(make);
}

void ncr_zip_make_start(ncr_zip_make *make)
{
    make->round = make->needed_round;
    make->bytes = NULL;
    make->next = make->waiting = make->next_made = NULL;
    make->room = 0;
    if (take_cached(make))
        return;
    pthread_mutex_lock(&lock);
    bool joined = join_locked(make);
    pthread_mutex_unlock(&lock);
    if (joined) /* and perhaps released by now */
        return;
    make->task.run = start_from_queue;
    if (ncr_zip_room_take(make, make->entry->packed + make->entry->size + 1))
        fetch_packed(make);
}
