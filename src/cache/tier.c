/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/tier.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "cache/limits.h"

enum {
    QUEUE_BYTES = 32 * 1024 * 1024,
    QUEUE_ITEMS = 4096,
    PROOF_AGAIN_MS = 60 * 1000, /* the same proof is written anew after that long, for its time */
    PROOF_WAITS_MS = 30 * 1000, /* at most, since what others note of changes is not kept for ever */
};

/* Something to be written: bytes, or what was proven. */
typedef struct behind {
    struct behind *next;
    ncr_place place;
    /* Bytes, in a block on which one reference is ours. */
    uint64_t offset;
    size_t length;
    const uint8_t *data;
    ncr_block *block; /* NULL: a proof */
    /* A proof, which is good while the subject is in this epoch. */
    ncr_subject *subject; /* one of its references is ours */
    uint64_t epoch;
    char *credentials; /* NULL: what was proven is forgotten */
    ncr_object_facts facts;
    bool public_only;
    int64_t wall_ms;
    uint64_t mark;
    int64_t queued_ms; /* on ncr_clock_ms() */
} behind;

/* Guarded by the cache's lock. */
static behind *first, *last;
static size_t queued_bytes, queued_items;
static bool running;
static atomic_bool wanted; /* something was put in; written under the lock */

ncr_place ncr_place_of(ncr_disk *disk, const ncr_object *object, const ncr_object_facts *facts)
{
    ncr_place place = {.disk = disk};
    if (!facts->version.strong || !ncr_store_is_kept(object->store) ||
        (disk && !ncr_disk_key_of(object->id, facts, &place.key)))
        place.disk = NULL;
    return place;
}

/* --- Reading. --- */

typedef struct gathering {
    uint64_t offset;
    size_t length;
    ncr_block *block; /* of length bytes; NULL: nothing was found yet, or out of memory */
    ncr_found *runs;
    size_t count, capacity;
} gathering;

static void gather(void *user, uint64_t offset, size_t length, const uint8_t *data)
{
    gathering *g = user;
    ncr_found *last_run = g->count ? &g->runs[g->count - 1] : NULL;
    bool touches = last_run && last_run->offset + last_run->length == offset;
    if (!g->block)
        g->block = ncr_block_new(g->length);
    if (!g->block || (!touches && !ncr_array_reserve(&g->runs, &g->capacity, g->count + 1, sizeof *g->runs)))
        return;
    memcpy(g->block->data + (offset - g->offset), data, length);
    if (touches)
        last_run->length += length;
    else
        g->runs[g->count++] = (ncr_found){.offset = offset, .length = length};
}

/* Gives each run a block of its own, since the cache counts a block for each part of it. */
static size_t share_out(gathering *g)
{
    if (g->count == 1 && g->runs[0].length == g->length) {
        g->runs[0].block = ncr_block_ref(g->block);
        return 1;
    }
    size_t given = 0;
    for (size_t i = 0; i < g->count; i++) {
        ncr_found run = g->runs[i];
        run.block = ncr_block_new(run.length);
        if (!run.block)
            continue;
        memcpy(run.block->data, g->block->data + (run.offset - g->offset), run.length);
        g->runs[given++] = run;
    }
    return given;
}

size_t ncr_place_read(const ncr_place *place, uint64_t offset, size_t length, ncr_found **out)
{
    gathering g = {.offset = offset, .length = length};
    ncr_disk_read(place->disk, &place->key, offset, length, gather, &g);
    size_t count = share_out(&g);
    ncr_block_unref(g.block);
    *out = g.runs;
    return count;
}

void ncr_found_clear(ncr_found *found, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ncr_block_unref(found[i].block);
    free(found);
}

ncr_block *ncr_place_read_all(const ncr_place *place, uint64_t offset, size_t length)
{
    if (!length || !place->disk)
        return length ? NULL : ncr_block_new(0);
    ncr_found *found;
    size_t count = ncr_place_read(place, offset, length, &found);
    bool is_all = count == 1 && found[0].length == length;
    ncr_block *block = is_all ? ncr_block_ref(found[0].block) : NULL;
    ncr_found_clear(found, count);
    return block;
}

ncr_block *ncr_place_read_head(const ncr_place *place, uint64_t size, size_t *head)
{
    const size_t sizes[] = {NCR_FIRST_READ, NCR_FIRST_READ_OF_MANY};
    ncr_block *block = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !block; i++) {
        *head = size < sizes[i] ? (size_t)size : sizes[i];
        block = ncr_place_read_all(place, 0, *head);
    }
    return block;
}

/* --- Putting in. --- */

/* An item that is in the queue already; NULL: it is full, or out of memory. */
static behind *add_locked(const ncr_place *place, size_t bytes)
{
    behind *item = queued_items < QUEUE_ITEMS && bytes <= QUEUE_BYTES - queued_bytes ? calloc(1, sizeof *item) : NULL;
    if (!item)
        return NULL;
    item->place = *place;
    *(last ? &last->next : &first) = item;
    last = item;
    queued_items++;
    queued_bytes += bytes;
    wanted = true;
    return item;
}

void ncr_cache_fill_locked(ncr_snapshot *snapshot, uint64_t offset, size_t length, const uint8_t *data,
                           ncr_block *block, const ncr_place *place)
{
    ncr_interval_add_locked(snapshot, offset, length, data, block);
    if (!place || !place->disk || !snapshot->keep_bytes || !length)
        return;
    behind *item = add_locked(place, length);
    if (!item) {
        ncr_disk_count_dropped(length);
        return;
    }
    item->offset = offset;
    item->length = length;
    item->data = data;
    item->block = ncr_block_ref(block);
}

/* Whether the same was put in less than a minute ago. */
static bool is_written_locked(const ncr_subject *subject, const char *credentials, const ncr_object_facts *facts,
                              const ncr_disk *disk)
{
    const ncr_proven *known = ncr_proven_find_locked(subject, credentials);
    return known && known->written_in == disk && ncr_clock_ms() - known->written_ms < PROOF_AGAIN_MS &&
           known->facts.size == facts->size && ncr_version_same(&known->facts.version, &facts->version);
}

/* An item of a subject as it is now; takes the text. */
static behind *add_proof_locked(ncr_subject *subject, char *credentials, ncr_disk *disk)
{
    const ncr_place place = {.disk = disk};
    behind *item = add_locked(&place, 0);
    if (!item) {
        free(credentials);
        return NULL;
    }
    item->subject = subject;
    subject->references++;
    item->epoch = subject->epoch;
    item->credentials = credentials;
    item->queued_ms = ncr_clock_ms();
    return item;
}

void ncr_cache_prove_locked(ncr_subject *subject, const ncr_object *object, const ncr_object_facts *facts,
                            int64_t proven_ms, uint64_t mark, ncr_disk *disk)
{
    const char *credentials = object->store->credentials;
    bool is_written = disk && is_written_locked(subject, credentials, facts, disk);
    ncr_proven_set_locked(subject, object, facts, proven_ms);
    char *copy = disk && !is_written ? ncr_text_copy(credentials) : NULL;
    behind *item = copy ? add_proof_locked(subject, copy, disk) : NULL;
    if (!item)
        return;
    item->facts = *facts;
    item->public_only = object->public_only;
    item->mark = mark;
    item->wall_ms = ncr_clock_wall_ms() - (ncr_clock_ms() - proven_ms);
    ncr_proven *known = ncr_proven_find_locked(subject, credentials);
    if (known) {
        known->written_in = disk;
        known->written_ms = ncr_clock_ms();
    }
}

void ncr_cache_disprove_locked(ncr_subject *subject, ncr_disk *disk)
{
    ncr_proven_forget_locked(subject);
    if (disk)
        add_proof_locked(subject, NULL, disk);
}

/* --- Writing. --- */

static behind *take_locked(void)
{
    behind *item = first;
    if (!item)
        return NULL;
    first = item->next;
    if (!first)
        last = NULL;
    queued_items--;
    queued_bytes -= item->length;
    return item;
}

static void free_locked(behind *item)
{
    ncr_subject_unref_locked(item->subject);
    ncr_block_unref(item->block);
    free(item->credentials);
    free(item);
}

static bool is_in_epoch(const behind *item)
{
    ncr_cache_lock();
    bool is = item->subject->epoch == item->epoch && !item->subject->changes;
    ncr_cache_unlock();
    return is;
}

/* A change forgets what is on disk after it has begun a new epoch, so either it finds what is written here, or it is
 * found here. */
static void write_proof(const behind *item)
{
    const char *id = item->subject->id;
    const ncr_disk_proof proof = {.id = id,
                                  .credentials = item->credentials,
                                  .facts = item->facts,
                                  .public_only = item->public_only,
                                  .wall_ms = item->wall_ms,
                                  .mark = item->mark};
    if (!is_in_epoch(item))
        return;
    if (item->credentials && ncr_clock_ms() - item->queued_ms < PROOF_WAITS_MS)
        ncr_disk_proof_write(item->place.disk, &proof);
    if (!item->credentials || !is_in_epoch(item))
        ncr_disk_proof_drop(item->place.disk, id);
}

static void write_item(const behind *item)
{
    if (item->block)
        ncr_disk_write(item->place.disk, &item->place.key, item->offset, item->length, item->data);
    else
        write_proof(item);
}

static void *write_behind(void *unused)
{
    for (behind *item = NULL;;) {
        ncr_cache_lock();
        if (item)
            free_locked(item);
        item = take_locked();
        running = item != NULL;
        ncr_cache_unlock();
        if (!item)
            return unused;
        write_item(item);
    }
}

void ncr_behind_start(void)
{
    if (!wanted)
        return;
    ncr_cache_lock();
    bool start = first && !running;
    running |= start;
    wanted = false;
    ncr_cache_unlock();
    if (!start || ncr_thread_start(write_behind, NULL))
        return;
    ncr_cache_lock();
    running = false; /* the next who puts something in tries again */
    ncr_cache_unlock();
}

bool ncr_behind_wait(int64_t timeout_ms)
{
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    int64_t end = ncr_clock_ms() + timeout_ms;
    for (;;) {
        ncr_cache_lock();
        bool is_idle = !first && !running;
        ncr_cache_unlock();
        if (is_idle || ncr_clock_ms() >= end)
            return is_idle;
        nanosleep(&pause, NULL);
    }
}

void ncr_behind_abandon_locked(void)
{
    for (behind *item; (item = take_locked());)
        free_locked(item);
    wanted = false;
    running = false;
}
