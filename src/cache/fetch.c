/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "cache/flight.h"
#include "cache/limits.h"
#include "cache/lock.h"
#include "cache/pin.h"
#include "cache/watch.h"

/* Reading ranges of pinned objects.
 *
 * A batch of fetches is planned under the lock, snapshot by snapshot: what is neither cached nor under way is missing;
 * missing ranges that are near become one flight; then each reader is cut into pieces, each of which is cached bytes
 * or waits for a flight. A reader whose last piece has come is put together and told. */

static ncr_reader *new_reader(ncr_fetch *fetch)
{
    ncr_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->fetch = fetch;
    reader->round = fetch->needed_round;
    fetch->internal = reader;
    return reader;
}

static void clear_pieces(ncr_reader *reader)
{
    for (size_t i = 0; i < reader->piece_count; i++)
        ncr_block_unref(reader->pieces[i].block);
    free(reader->pieces);
    reader->pieces = NULL;
    reader->piece_count = 0;
}

static void end_fetch(ncr_fetch *fetch, nacre_status status)
{
    fetch->status = status;
    fetch->internal = NULL;
    if (status != NACRE_OK)
        ncr_slice_clear(&fetch->slice);
    fetch->done(fetch);
}

/* --- Putting a reader together. --- */

/* Whether the pieces lie one after another in one block. */
static bool is_one_run(const ncr_reader *reader)
{
    for (size_t i = 1; i < reader->piece_count; i++) {
        const ncr_piece *a = &reader->pieces[i - 1], *b = &reader->pieces[i];
        if (a->block != b->block || a->data + a->length != b->data)
            return false;
    }
    return true;
}

static nacre_status assemble(const ncr_reader *reader)
{
    ncr_fetch *fetch = reader->fetch;
    if (is_one_run(reader)) {
        fetch->slice = ncr_slice_of(reader->pieces[0].block, reader->pieces[0].data, fetch->length);
        return NACRE_OK;
    }
    ncr_block *block = fetch->bypass ? ncr_block_new_passing(fetch->length) : ncr_block_new(fetch->length);
    if (!block)
        return ncr_error_memory(&fetch->error);
    size_t at = 0;
    for (size_t i = 0; i < reader->piece_count; at += reader->pieces[i].length, i++)
        memcpy(block->data + at, reader->pieces[i].data, reader->pieces[i].length);
    fetch->slice = (ncr_slice){.data = block->data, .size = fetch->length, .block = block};
    return NACRE_OK;
}

static void start_readers(ncr_reader **readers, size_t count);

static void end_reader(ncr_task *task)
{
    ncr_reader *reader = (ncr_reader *)task;
    ncr_fetch *fetch = reader->fetch;
    nacre_status status = reader->status;
    bool again = reader->again;
    if (status == NACRE_OK && !again)
        status = assemble(reader);
    clear_pieces(reader);
    if (again) {
        start_readers(&reader, 1);
        return;
    }
    fetch->round = reader->round;
    ncr_call_round_used(fetch->call, reader->round);
    free(reader);
    end_fetch(fetch, status);
}

void ncr_readers_plan(ncr_reader *readers)
{
    size_t count = 0;
    for (const ncr_reader *reader = readers; reader; reader = reader->next)
        count++;
    ncr_reader **list = ncr_alloc_array(count, sizeof(ncr_reader *));
    count = 0;
    for (ncr_reader *reader = readers, *next; reader; reader = next) {
        next = reader->next;
        clear_pieces(reader);
        if (list)
            list[count++] = reader;
        else
            start_readers(&reader, 1);
    }
    if (count)
        start_readers(list, count);
    free(list);
}

void ncr_readers_end(ncr_reader *ready)
{
    for (ncr_reader *next; ready; ready = next) {
        next = ready->next;
        ready->task.run = end_reader;
        ncr_cache_continue(&ready->task);
    }
}

/* --- Planning. --- */

/* A range that must be asked for. */
typedef struct missing {
    uint64_t begin, end;
    const ncr_reader *reader;
    unsigned needed_round;
    bool bypass;
} missing;

typedef struct missing_list {
    missing *items;
    size_t count, capacity;
} missing_list;

static uint64_t reader_end(const ncr_reader *reader)
{
    return reader->fetch->offset + reader->fetch->length;
}

/* What has the byte at position: an interval, a flight, or (both NULL) neither; *until is where that changes. */
static void look_at(const ncr_snapshot *snapshot, uint64_t position, uint64_t end, ncr_cached **interval,
                    ncr_flight **flight, uint64_t *until)
{
    *interval = NULL;
    *flight = NULL;
    *until = end;
    size_t at = ncr_interval_after(snapshot, position);
    if (at < snapshot->interval_count) {
        ncr_cached *found = snapshot->intervals[at];
        if (found->offset <= position) {
            *interval = found;
            *until = found->offset + found->length < end ? found->offset + found->length : end;
            return;
        }
        *until = found->offset < *until ? found->offset : *until;
    }
    at = ncr_flight_after_locked(snapshot, position);
    if (at < snapshot->flight_count) {
        ncr_flight *found = snapshot->flights[at];
        if (found->offset <= position) {
            *flight = found;
            *until = found->offset + found->length < *until ? found->offset + found->length : *until;
            return;
        }
        *until = found->offset < *until ? found->offset : *until;
    }
}

static bool add_missing_locked(const ncr_snapshot *snapshot, const ncr_reader *reader, missing_list *list)
{
    uint64_t end = reader_end(reader), until;
    for (uint64_t position = reader->fetch->offset; position < end; position = until) {
        ncr_cached *interval;
        ncr_flight *flight;
        look_at(snapshot, position, end, &interval, &flight, &until);
        if (interval || flight)
            continue;
        if (!ncr_array_reserve(&list->items, &list->capacity, list->count + 1, sizeof *list->items))
            return false;
        list->items[list->count++] = (missing){.begin = position,
                                               .end = until,
                                               .reader = reader,
                                               .needed_round = reader->fetch->needed_round,
                                               .bypass = reader->fetch->bypass};
    }
    return true;
}

static int by_begin(const void *a, const void *b)
{
    uint64_t x = ((const missing *)a)->begin, y = ((const missing *)b)->begin;
    return x < y ? -1 : x > y;
}

/* Whether b, which begins after a, is near enough to be read with it. Flights may not overlap, so none may lie
 * between. */
static bool merges_locked(const ncr_snapshot *snapshot, const missing *a, const missing *b)
{
    if (b->begin <= a->end)
        return true;
    if (b->begin - a->end > NCR_MERGE_GAP)
        return false;
    size_t at = ncr_flight_after_locked(snapshot, a->end);
    return at >= snapshot->flight_count || snapshot->flights[at]->offset >= b->begin;
}

static bool add_flight_locked(const missing *range, ncr_flight **flights)
{
    const ncr_fetch *fetch = range->reader->fetch;
    ncr_flight *flight = ncr_flight_new_locked(fetch, range->begin, (size_t)(range->end - range->begin), !range->bypass,
                                               range->needed_round);
    if (!flight)
        return false;
    flight->next = *flights;
    *flights = flight;
    return true;
}

/* Makes flights for what is missing; false: out of memory, and some of it is not under way. */
static bool plan_flights_locked(ncr_snapshot *snapshot, missing_list *list, ncr_flight **flights)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, by_begin);
    for (size_t i = 0, next; i < list->count; i = next) {
        missing range = list->items[i];
        for (next = i + 1; next < list->count && merges_locked(snapshot, &range, &list->items[next]); next++) {
            const missing *more = &list->items[next];
            range.end = more->end > range.end ? more->end : range.end;
            range.bypass = range.bypass && more->bypass;
            if (more->needed_round > range.needed_round)
                range.needed_round = more->needed_round;
        }
        if (!add_flight_locked(&range, flights))
            return false;
    }
    return true;
}

/* Fills in pieces, or only counts them where pieces is NULL. False: something of it is neither there nor coming. */
static bool cut_locked(ncr_snapshot *snapshot, ncr_reader *reader, ncr_piece *pieces, size_t *count)
{
    uint64_t begin = reader->fetch->offset, end = reader_end(reader), until;
    *count = 0;
    for (uint64_t position = begin; position < end; position = until) {
        ncr_cached *interval;
        ncr_flight *flight;
        look_at(snapshot, position, end, &interval, &flight, &until);
        if (!interval && !flight)
            return false;
        size_t at = (*count)++;
        if (!pieces)
            continue;
        ncr_piece *piece = &pieces[at];
        *piece = (ncr_piece){.reader = reader, .offset = position, .length = (size_t)(until - position)};
        if (interval) {
            ncr_policy_hit(interval);
            piece->block = ncr_block_ref(interval->block);
            piece->data = interval->data + (position - interval->offset);
        } else {
            ncr_flight_join_locked(flight, piece);
        }
    }
    return true;
}

static nacre_status offline_error(const ncr_fetch *fetch, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_OFFLINE,
                         "%s: these bytes are not in the cache, and cache=offline lets no request be sent",
                         fetch->pin->object->name);
}

static bool is_offline(const ncr_fetch *fetch)
{
    return ncr_object_is_offline(fetch->pin->object, fetch->call);
}

/* Cuts a reader into pieces; those that are cached are taken, those that are not are waited for. */
static void cut_reader_locked(ncr_snapshot *snapshot, ncr_reader *reader)
{
    size_t count;
    reader->status = NACRE_OK;
    reader->again = reader->on_disk = false;
    reader->pending = 0;
    if (!cut_locked(snapshot, reader, NULL, &count)) {
        reader->status = is_offline(reader->fetch) ? offline_error(reader->fetch, &reader->fetch->error)
                                                   : ncr_error_memory(&reader->fetch->error);
        return;
    }
    reader->pieces = ncr_alloc_array(count, sizeof *reader->pieces);
    if (!reader->pieces) {
        reader->status = ncr_error_memory(&reader->fetch->error);
        return;
    }
    cut_locked(snapshot, reader, reader->pieces, &reader->piece_count);
}

/* Whether what a reader lacks is looked for on disk first. */
static bool looks(const ncr_reader *reader)
{
    return reader->fetch->pin->place.disk && !reader->looked;
}

/* Makes flights that read what is missing from disk; false: out of memory, and some of it is not under way. Nothing is
 * read over a gap, and long ranges are cut where chunks end, to be read beside one another. */
static bool plan_lookup_locked(missing_list *list, ncr_lookup **lookup)
{
    if (!list->count)
        return true;
    if (!*lookup && !(*lookup = calloc(1, sizeof **lookup)))
        return false;
    qsort(list->items, list->count, sizeof *list->items, by_begin);
    for (size_t i = 0, next; i < list->count; i = next) {
        missing range = list->items[i];
        for (next = i + 1; next < list->count && list->items[next].begin <= range.end; next++) {
            range.end = list->items[next].end > range.end ? list->items[next].end : range.end;
            range.bypass = range.bypass && list->items[next].bypass;
        }
        for (uint64_t at = range.begin, end; at < range.end; at = end) {
            end = (at / NCR_GET_MAX + 1) * NCR_GET_MAX;
            end = end < range.end ? end : range.end;
            if (!ncr_lookup_add_locked(*lookup, range.reader->fetch->pin, at, (size_t)(end - at), !range.bypass))
                return false;
        }
    }
    return true;
}

/* What is being planned for a batch, to be started after the lock. */
typedef struct plan {
    ncr_flight *flights;
    ncr_lookup *lookup; /* NULL: nothing is looked for on disk */
    ncr_reader *ready;  /* those that wait for nothing */
} plan;

/* Finds out what is missing, and plans flights for it: to the store, and where that was not done yet, to the disk. What
 * this leaves out, cutting finds. */
static void plan_missing_locked(ncr_reader **readers, size_t count, plan *p)
{
    ncr_snapshot *snapshot = readers[0]->fetch->pin->snapshot;
    missing_list list = {0};
    bool complete = true;
    for (size_t i = 0; i < count && complete; i++)
        if (!looks(readers[i]) && !is_offline(readers[i]->fetch))
            complete = add_missing_locked(snapshot, readers[i], &list);
    if (complete)
        plan_flights_locked(snapshot, &list, &p->flights);
    list.count = 0;
    for (size_t i = 0; i < count && complete; i++)
        if (looks(readers[i])) {
            complete = add_missing_locked(snapshot, readers[i], &list);
            readers[i]->looked = true;
        }
    if (complete)
        plan_lookup_locked(&list, &p->lookup);
    free(list.items);
}

/* Plans the readers of one snapshot. */
static void plan_group_locked(ncr_reader **readers, size_t count, plan *p)
{
    plan_missing_locked(readers, count, p);
    for (size_t i = 0; i < count; i++) {
        cut_reader_locked(readers[i]->fetch->pin->snapshot, readers[i]);
        if (!readers[i]->on_disk)
            ncr_cache_count(readers[i]->fetch->call, !readers[i]->missed && readers[i]->status == NACRE_OK);
        if (!readers[i]->pending) {
            readers[i]->next = p->ready;
            p->ready = readers[i];
        }
    }
}

static int by_snapshot(const void *a, const void *b)
{
    const ncr_fetch *x = (*(ncr_reader *const *)a)->fetch, *y = (*(ncr_reader *const *)b)->fetch;
    if (x->pin->snapshot != y->pin->snapshot)
        return (uintptr_t)x->pin->snapshot < (uintptr_t)y->pin->snapshot ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void start_readers(ncr_reader **readers, size_t count)
{
    plan p = {0};
    qsort(readers, count, sizeof *readers, by_snapshot);
    ncr_cache_lock();
    for (size_t i = 0, next; i < count; i = next) {
        const ncr_snapshot *snapshot = readers[i]->fetch->pin->snapshot;
        for (next = i + 1; next < count && readers[next]->fetch->pin->snapshot == snapshot; next++)
            continue;
        plan_group_locked(&readers[i], next - i, &p);
    }
    ncr_cache_unlock();
    ncr_flights_start(p.flights);
    ncr_lookup_start(p.lookup);
    ncr_readers_end(p.ready);
    ncr_watch_start();
}

/* --- Beginning. --- */

/* The range, where the pin holds all bytes or one cached interval has it. */
static bool find_bytes(const ncr_pin *pin, uint64_t offset, size_t length, ncr_slice *out)
{
    if (pin->whole) {
        *out = ncr_slice_of(pin->whole, pin->whole->data + offset, length);
        return true;
    }
    unsigned door = ncr_lock_enter();
    bool found = ncr_interval_hit(pin->snapshot, offset, length, out);
    ncr_lock_leave(door);
    return found;
}

static size_t cut_at_end(const ncr_pin *pin, uint64_t offset, size_t length)
{
    uint64_t size = pin->facts.size, left = offset < size ? size - offset : 0;
    return length > left ? (size_t)left : length;
}

bool ncr_cache_copy(const ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length, void *buffer, size_t *got)
{
    ncr_slice slice = {0};
    *got = 0;
    length = cut_at_end(pin, offset, length);
    if (!length || ncr_call_check(call, pin->object->name, NULL) != NACRE_OK ||
        !find_bytes(pin, offset, length, &slice))
        return false;
    memcpy(buffer, slice.data, length);
    ncr_slice_clear(&slice);
    ncr_cache_count(call, true);
    *got = length;
    return true;
}

/* Answers what needs no plan: nothing to read, or bytes that lie together. False: it must be planned. */
static bool answer_at_once(ncr_fetch *fetch)
{
    const ncr_pin *pin = fetch->pin;
    fetch->slice = (ncr_slice){0};
    fetch->internal = NULL;
    fetch->round = fetch->needed_round;
    fetch->length = cut_at_end(pin, fetch->offset, fetch->length);
    nacre_status status = ncr_call_check(fetch->call, pin->object->name, &fetch->error);
    if (status == NACRE_OK && fetch->length && !find_bytes(pin, fetch->offset, fetch->length, &fetch->slice))
        return false;
    if (status == NACRE_OK && fetch->length)
        ncr_cache_count(fetch->call, true);
    end_fetch(fetch, status);
    return true;
}

/* Plans those that are not answered yet; the first of `fetches` is one of them. */
static void start_planned(ncr_fetch *const *fetches, size_t count)
{
    ncr_reader **readers = ncr_alloc_array(count, sizeof(ncr_reader *));
    size_t planned = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && answer_at_once(fetches[i]))
            continue;
        ncr_reader *reader = readers ? new_reader(fetches[i]) : NULL;
        if (reader)
            readers[planned++] = reader;
        else
            end_fetch(fetches[i], ncr_error_memory(&fetches[i]->error));
    }
    if (planned)
        start_readers(readers, planned);
    free(readers);
}

void ncr_cache_fetch_start(ncr_fetch *const *fetches, size_t count)
{
    size_t answered = 0;
    while (answered < count && answer_at_once(fetches[answered]))
        answered++;
    if (answered < count)
        start_planned(fetches + answered, count - answered);
}
