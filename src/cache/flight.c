/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/flight.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cache/fetch.h"
#include "cache/limits.h"
#include "cache/pin.h"
#include "cache/watch.h"

/* The requests for ranges, and the check of each answer: never lean on the store to have honoured a condition. */

static ncr_flight *newest; /* of all flights; guarded by the cache's lock */

static void get_answered(ncr_get *get);

/* --- Listing. --- */

size_t ncr_flight_after_locked(const ncr_snapshot *snapshot, uint64_t position)
{
    size_t low = 0, high = snapshot->flight_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const ncr_flight *flight = snapshot->flights[middle];
        if (flight->offset + flight->length <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool list_locked(ncr_flight *flight)
{
    ncr_snapshot *snapshot = flight->pin->snapshot;
    if (!ncr_array_reserve(&snapshot->flights, &snapshot->flight_capacity, snapshot->flight_count + 1,
                           sizeof(ncr_flight *)))
        return false;
    size_t at = ncr_flight_after_locked(snapshot, flight->offset);
    memmove(&snapshot->flights[at + 1], &snapshot->flights[at], (snapshot->flight_count - at) * sizeof(ncr_flight *));
    snapshot->flights[at] = flight;
    snapshot->flight_count++;
    flight->older = newest;
    if (newest)
        newest->newer = flight;
    newest = flight;
    return true;
}

static void unlist_locked(ncr_flight *flight)
{
    ncr_snapshot *snapshot = flight->pin->snapshot;
    size_t at = ncr_flight_after_locked(snapshot, flight->offset);
    if (at >= snapshot->flight_count || snapshot->flights[at] != flight)
        return; /* this is the child of a fork */
    snapshot->flight_count--;
    memmove(&snapshot->flights[at], &snapshot->flights[at + 1], (snapshot->flight_count - at) * sizeof(ncr_flight *));
    if (!snapshot->flight_count) { /* it is not counted in what the cache holds */
        free(snapshot->flights);
        snapshot->flights = NULL;
        snapshot->flight_capacity = 0;
    }
    *(flight->newer ? &flight->newer->older : &newest) = flight->older;
    if (flight->older)
        flight->older->newer = flight->newer;
}

void ncr_flights_abandon_locked(ncr_snapshot *snapshot)
{
    snapshot->flight_count = 0;
    newest = NULL;
}

/* --- Making one. --- */

static void free_flight(ncr_flight *flight)
{
    for (size_t i = 0; flight->gets && i < flight->get_count; i++)
        free(flight->gets[i].whole);
    free(flight->gets);
    ncr_block_unref(flight->block);
    ncr_block_unref(flight->whole);
    ncr_found_clear(flight->found, flight->found_count);
    ncr_pin_unref(flight->pin);
    ncr_call_unref(flight->call);
    free(flight);
}

/* An answer is asked for in parts that run beside one another, and fall into one block. */
static void fill_gets(ncr_flight *flight, unsigned needed_round)
{
    const ncr_version *version = &flight->pin->facts.version;
    for (size_t i = 0, at = 0; i < flight->get_count; i++) {
        size_t left = flight->length - at, length = left < NCR_GET_MAX ? left : NCR_GET_MAX;
        flight->gets[i] = (ncr_get){.object = flight->pin->object,
                                    .call = flight->call,
                                    .offset = flight->offset + at,
                                    .length = length,
                                    .buffer = flight->block->data + at,
                                    /* A weak one too: the store sends no condition for it, but answers by the
                                     * validator that was seen first, where a server has several. */
                                    .match = NCR_MATCH_VERSION,
                                    .version = version,
                                    .needed_round = needed_round,
                                    .done = get_answered,
                                    .user = flight};
        at += length;
    }
}

static uint64_t epoch_of(const ncr_pin *pin)
{
    return pin->snapshot->subject ? pin->snapshot->subject->epoch : 0;
}

/* The lock is held, so the half-built flight is not released by free_flight(), which takes it. */
ncr_flight *ncr_flight_new_locked(const ncr_fetch *fetch, uint64_t offset, size_t length, bool keep,
                                  unsigned needed_round)
{
    ncr_pin *pin = fetch->pin;
    ncr_flight *flight = calloc(1, sizeof *flight);
    if (!flight)
        return NULL;
    *flight = (ncr_flight){.pin = pin, .offset = offset, .length = length, .keep = keep, .epoch = epoch_of(pin)};
    flight->get_count = flight->pending = (length - 1) / NCR_GET_MAX + 1;
    flight->gets = ncr_alloc_array(flight->get_count, sizeof *flight->gets);
    flight->block = keep ? ncr_block_new(length) : ncr_block_new_passing(length);
    if (!flight->gets || !flight->block || !list_locked(flight)) {
        ncr_block_unref(flight->block);
        free(flight->gets);
        free(flight);
        return NULL;
    }
    ncr_pin_ref(pin);
    flight->call = ncr_call_ref(fetch->call);
    fill_gets(flight, needed_round);
    return flight;
}

void ncr_flight_join_locked(ncr_flight *flight, ncr_piece *piece)
{
    const ncr_call *call = piece->reader->fetch->call;
    piece->flight = flight;
    piece->next = flight->waiting;
    flight->waiting = piece;
    piece->reader->pending++;
    piece->reader->missed |= flight->call == call;
    piece->reader->on_disk |= flight->lookup != NULL;
    if (flight->call != call)
        ncr_watch_wanted_locked(call);
    flight->keep |= !piece->reader->fetch->bypass;
}

/* The blocks of flights that are about to start, each with a reference; NULL: out of memory, or none. */
static ncr_block **blocks_of(const ncr_flight *flights, size_t *count)
{
    *count = 0;
    for (const ncr_flight *flight = flights; flight; flight = flight->next)
        ++*count;
    ncr_block **blocks = ncr_alloc_array(*count, sizeof(ncr_block *));
    *count = blocks ? *count : 0;
    for (size_t i = 0; i < *count; i++, flights = flights->next)
        blocks[i] = ncr_block_ref(flights->block);
    return blocks;
}

void ncr_flights_start(ncr_flight *flights)
{
    size_t block_count;
    ncr_block **blocks = blocks_of(flights, &block_count);
    for (ncr_flight *next; flights; flights = next) {
        next = flights->next;
        /* The last answer releases the flight, so nothing of it is looked at after the last start. */
        ncr_get *gets = flights->gets;
        for (size_t i = 0, count = flights->get_count; i < count; i++)
            gets[i].object->store->class->get(&gets[i]);
    }
    /* While all requests are on their way: memory that the system gives in between would hold up those that follow. */
    for (size_t i = 0; i < block_count; i++) {
        ncr_block_touch(blocks[i]);
        ncr_block_unref(blocks[i]);
    }
    free(blocks);
}

/* --- Landing. --- */

/* Whether the request failed for its own call's sake: a reader with another call, or another handle, may succeed. */
static bool is_failure_of_another(const ncr_flight *flight, const ncr_pin *reader)
{
    const ncr_object *asked = flight->pin->object;
    bool same_credentials = strcmp(asked->store->credentials, reader->object->store->credentials) == 0;
    return ncr_failed_by_call(flight->status, flight->call) || ncr_failed_by_rights(flight->status, same_credentials);
}

static void give_piece(const ncr_flight *flight, ncr_piece *piece)
{
    ncr_reader *reader = piece->reader;
    ncr_fetch *fetch = reader->fetch;
    piece->flight = NULL;
    if (flight->round > reader->round)
        reader->round = flight->round;
    if (flight->status == NACRE_OK) {
        piece->block = ncr_block_ref(flight->whole ? flight->whole : flight->block);
        piece->data = piece->block->data + (piece->offset - (flight->whole ? 0 : flight->offset));
    } else if (fetch->call != flight->call && is_failure_of_another(flight, fetch->pin)) {
        reader->again = true;
    } else if (reader->status == NACRE_OK) {
        reader->status = flight->status;
        ncr_error_rename(&fetch->error, &flight->error, flight->pin->object->name, fetch->pin->object->name);
    }
}

/* A piece has come; a reader that waits for no other is put before *ready. */
static void arrive(ncr_piece *piece, ncr_reader **ready)
{
    ncr_reader *reader = piece->reader;
    if (--reader->pending)
        return;
    if (reader->on_disk && !reader->again)
        ncr_cache_count(reader->fetch->call, !reader->missed && reader->status == NACRE_OK);
    reader->next = *ready;
    *ready = reader;
}

/* Everything of the flight is known: the cache keeps it, the readers get it. */
static void land(ncr_flight *flight)
{
    ncr_snapshot *snapshot = flight->pin->snapshot;
    ncr_reader *ready = NULL;
    ncr_cache_lock();
    unlist_locked(flight);
    bool unchanged = snapshot->subject && snapshot->subject->epoch == flight->epoch;
    if (flight->is_gone_or_changed && snapshot->subject &&
        ncr_object_policy(flight->pin->object, flight->call).kind != NCR_POLICY_IMMUTABLE)
        ncr_proven_deny_locked(snapshot->subject, &flight->pin->facts); /* nobody shall believe it any longer */
    ncr_block *brought = flight->whole ? flight->whole : flight->block;
    if (flight->status == NACRE_OK && flight->keep && unchanged)
        ncr_cache_fill_locked(snapshot, flight->whole ? 0 : flight->offset, brought->size, brought->data, brought,
                              &flight->pin->place);
    for (ncr_piece *piece = flight->waiting, *next; piece; piece = next) {
        next = piece->next;
        give_piece(flight, piece);
        arrive(piece, &ready);
    }
    ncr_cache_unlock();
    ncr_behind_start();
    free_flight(flight);
    ncr_readers_end(ready);
}

/* --- Reading from disk. --- */

/* The bytes where they were found, else the reader asks for what it lacks. */
static void give_found(const ncr_flight *flight, ncr_piece *piece)
{
    piece->flight = NULL;
    for (size_t i = 0; i < flight->found_count; i++) {
        const ncr_found *found = &flight->found[i];
        if (piece->offset < found->offset || piece->offset + piece->length > found->offset + found->length)
            continue;
        piece->block = ncr_block_ref(found->block);
        piece->data = found->block->data + (piece->offset - found->offset);
        return;
    }
    piece->reader->again = true;
}

static void land_found_locked(ncr_flight *flight, ncr_reader **ready)
{
    ncr_snapshot *snapshot = flight->pin->snapshot;
    unlist_locked(flight);
    for (size_t i = 0; i < flight->found_count && flight->keep && flight->epoch == epoch_of(flight->pin); i++) {
        const ncr_found *found = &flight->found[i];
        ncr_cache_fill_locked(snapshot, found->offset, found->length, found->block->data, found->block, NULL);
    }
    for (ncr_piece *piece = flight->waiting, *next; piece; piece = next) {
        next = piece->next;
        give_found(flight, piece);
        arrive(piece, ready);
    }
}

/* Moves those who must be planned again into a list of their own. */
static ncr_reader *take_again(ncr_reader **at)
{
    ncr_reader *again = NULL;
    while (*at) {
        ncr_reader *reader = *at;
        if (!reader->again) {
            at = &reader->next;
            continue;
        }
        *at = reader->next;
        reader->next = again;
        again = reader;
    }
    return again;
}

static void land_lookup(ncr_lookup *lookup)
{
    ncr_reader *ready = NULL;
    ncr_cache_lock();
    for (ncr_flight *flight = lookup->flights; flight; flight = flight->next)
        land_found_locked(flight, &ready);
    ncr_cache_unlock();
    for (ncr_flight *flight = lookup->flights, *next; flight; flight = next) {
        next = flight->next;
        free_flight(flight);
    }
    free(lookup);
    ncr_reader *again = take_again(&ready);
    ncr_readers_end(ready);
    ncr_readers_plan(again);
}

static void look(ncr_task *task)
{
    ncr_flight *flight = (ncr_flight *)((char *)task - offsetof(ncr_flight, task));
    ncr_lookup *lookup = flight->lookup;
    flight->found_count = ncr_place_read(&flight->pin->place, flight->offset, flight->length, &flight->found);
    ncr_cache_lock();
    bool is_last = --lookup->pending == 0;
    ncr_cache_unlock();
    if (is_last)
        land_lookup(lookup);
}

bool ncr_lookup_add_locked(ncr_lookup *lookup, ncr_pin *pin, uint64_t offset, size_t length, bool keep)
{
    ncr_flight *flight = calloc(1, sizeof *flight);
    if (!flight)
        return false;
    *flight = (ncr_flight){.pin = pin, .offset = offset, .length = length, .keep = keep, .epoch = epoch_of(pin)};
    flight->task.run = look;
    flight->lookup = lookup;
    if (!list_locked(flight)) {
        free(flight);
        return false;
    }
    ncr_pin_ref(pin);
    flight->next = lookup->flights;
    lookup->flights = flight;
    lookup->pending++;
    return true;
}

void ncr_lookup_start(ncr_lookup *lookup)
{
    if (!lookup)
        return;
    ncr_flight *flight = lookup->flights;
    if (!flight)
        free(lookup);
    for (ncr_flight *next; flight; flight = next) { /* the last that ends releases them all */
        next = flight->next;
        ncr_pool_submit(&flight->task);
    }
}

/* --- Why a version is not given. --- */

static void say_changed(ncr_flight *flight, bool is_gone)
{
    const char *name = flight->pin->object->name;
    const ncr_version *was = &flight->pin->facts.version;
    if (is_gone)
        flight->status = ncr_gone_error(&flight->error, name, was);
    else
        flight->status = ncr_changed_error(&flight->error, name, was, &flight->now);
}

static void stat_answered(ncr_stat_op *op)
{
    ncr_flight *flight = op->user;
    if (op->status == NACRE_OK && strcmp(op->facts.version.token, flight->pin->facts.version.token) != 0)
        flight->now = op->facts.version;
    say_changed(flight, op->status == NACRE_ERROR_NOT_FOUND);
    land(flight);
}

/* The version is no longer given; the message shall say what is there now. */
static void find_out_what_is_there(ncr_flight *flight)
{
    if (flight->now.token[0] || ncr_call_check(flight->call, "", NULL) != NACRE_OK) {
        say_changed(flight, false);
        land(flight);
        return;
    }
    flight->stat = (ncr_stat_op){.object = flight->pin->object,
                                 .call = flight->call,
                                 .needed_round = flight->round,
                                 .done = stat_answered,
                                 .user = flight};
    flight->pin->object->store->class->stat(&flight->stat);
}

/* --- Checking answers. --- */

/* Whether an answer is of the version that was pinned. Where that is weak, all that the server gives must be equal. */
static bool is_pinned_version(const ncr_object_facts *pinned, const ncr_object_facts *said)
{
    if (pinned->version.strong)
        return ncr_version_same(&pinned->version, &said->version);
    if (pinned->version.token[0] && strcmp(pinned->version.token, said->version.token) != 0)
        return false;
    return pinned->size == said->size &&
           (pinned->modified_ms < 0 || said->modified_ms < 0 || pinned->modified_ms == said->modified_ms);
}

static nacre_status check_bytes(const ncr_flight *flight, const ncr_get *get, nacre_error *err)
{
    const char *name = flight->pin->object->name;
    uint64_t size = flight->pin->facts.size;
    if (get->facts.size != size)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: the server says %" PRIu64 " bytes where the same version had %" PRIu64, name,
                             get->facts.size, size);
    if (get->not_modified)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the server says \"not modified\" without being asked",
                             name);
    if (get->whole ? get->whole_size != size : get->got != get->length)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the server sent %zu bytes where %" PRIu64 " were expected",
                             name, get->whole ? get->whole_size : get->got, get->whole ? size : (uint64_t)get->length);
    return NACRE_OK;
}

/* A server without ranges sends the whole object: then that is what the flight brings. The block stays, since other
 * parts may still be on their way into it. */
static nacre_status take_whole_locked(ncr_flight *flight, ncr_get *get)
{
    if (flight->whole)
        return NACRE_OK;
    flight->whole = ncr_block_adopt(get->whole, get->whole_size);
    get->whole = NULL;
    return flight->whole ? NACRE_OK : ncr_error_memory(&flight->error);
}

static void note_failure_locked(ncr_flight *flight, const ncr_get *get)
{
    flight->status = get->status;
    flight->error = get->error;
    if (get->status != NACRE_ERROR_CHANGED && get->status != NACRE_ERROR_NOT_FOUND)
        return;
    flight->is_gone_or_changed = true;
    if (strcmp(get->facts.version.token, flight->pin->facts.version.token) != 0)
        flight->now = get->facts.version;
}

static void note_answer_locked(ncr_flight *flight, ncr_get *get)
{
    if (get->round > flight->round)
        flight->round = get->round;
    if (flight->status != NACRE_OK)
        return;
    if (get->status != NACRE_OK) {
        note_failure_locked(flight, get);
        return;
    }
    if (!is_pinned_version(&flight->pin->facts, &get->facts)) {
        flight->status = NACRE_ERROR_CHANGED;
        flight->is_gone_or_changed = true;
        flight->now = get->facts.version;
        return;
    }
    flight->status = check_bytes(flight, get, &flight->error);
    if (flight->status == NACRE_OK && get->whole)
        flight->status = take_whole_locked(flight, get);
}

static void get_answered(ncr_get *get)
{
    ncr_flight *flight = get->user;
    ncr_cache_lock();
    note_answer_locked(flight, get);
    bool is_last = --flight->pending == 0;
    ncr_cache_unlock();
    if (!is_last)
        return;
    if (flight->is_gone_or_changed)
        find_out_what_is_there(flight);
    else
        land(flight);
}

/* --- Readers whose own call must end. --- */

static void leave_flight(ncr_piece *piece)
{
    ncr_piece **at = &piece->flight->waiting;
    while (*at != piece)
        at = &(*at)->next;
    *at = piece->next;
    piece->flight = NULL;
}

static void expire_reader(ncr_reader *reader, ncr_reader **expired)
{
    ncr_fetch *fetch = reader->fetch;
    for (size_t i = 0; i < reader->piece_count; i++)
        if (reader->pieces[i].flight)
            leave_flight(&reader->pieces[i]);
    reader->pending = 0;
    reader->again = false;
    reader->status = ncr_call_check(fetch->call, fetch->pin->object->name, &fetch->error);
    reader->next = *expired;
    *expired = reader;
}

/* Those who wait for this flight, which is another call's. */
static bool expire_waiting(ncr_flight *flight, ncr_reader **expired)
{
    bool others = false;
    for (ncr_piece *piece = flight->waiting, *next; piece; piece = next) {
        ncr_reader *reader = piece->reader;
        const ncr_call *call = reader->fetch->call;
        next = piece->next;
        if (call == flight->call)
            continue;
        if (ncr_call_check(call, "", NULL) == NACRE_OK) {
            others |= call->cancel || call->deadline_ms != INT64_MAX;
            continue;
        }
        while (next && next->reader == reader) /* they leave together */
            next = next->next;
        expire_reader(reader, expired);
    }
    return others;
}

bool ncr_flights_expire_locked(ncr_reader **expired)
{
    bool others = false;
    for (ncr_flight *flight = newest; flight; flight = flight->older)
        others |= expire_waiting(flight, expired);
    return others;
}
