/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/block.h"
#include "cache/limits.h"
#include "vfs/vfs.h"
#include "vfs/wait.h"

/* Bytes in their order, for those who read much and keep nothing: several requests are under way ahead of the one whose
 * bytes are being given, and their memory is used again, since getting pages from the system costs more than filling
 * them. */

enum { STEPS = 4, STEPS_LOCAL = 2 }; /* NCR_GET_MAX bytes each, with the one that is being given */

typedef struct slot {
    ncr_fetch_wait wait;
    ncr_block *block; /* NULL: none yet */
} slot;

/* A stream as far as it is. */
typedef struct progress {
    const ncr_stream *stream;
    uint64_t next, end;
    slot slots[STEPS];
} progress;

/* Memory of its own for a step; without it (NULL) the step gets some from the cache. */
static ncr_block *take_block(slot *at, size_t size)
{
    if (at->block && (at->block->size != size || !ncr_block_is_own(at->block))) {
        ncr_block_unref(at->block);
        at->block = NULL;
    }
    if (!at->block)
        at->block = ncr_block_new(size);
    return at->block;
}

static void start_next(progress *p, slot *at)
{
    const ncr_stream *s = p->stream;
    uint64_t left = p->end - p->next;
    size_t step = left < NCR_GET_MAX ? (size_t)left : NCR_GET_MAX;
    if (!step)
        return;
    at->wait.fetch = (ncr_fetch){.pin = s->pin, .call = s->call, .offset = p->next, .length = step, .bypass = !s->keep};
    at->wait.fetch.into = s->keep ? NULL : take_block(at, step);
    ncr_fetch_wait_begin(&at->wait);
    p->next += step;
}

static nacre_status give_next(const ncr_stream *s, slot *at, nacre_error *err)
{
    ncr_slice *slice = &at->wait.fetch.slice;
    nacre_status status = ncr_fetch_wait_end(&at->wait, err);
    if (status == NACRE_OK)
        status = s->sink(s->user, slice->data, slice->size, err);
    ncr_slice_clear(slice);
    return status;
}

nacre_status ncr_stream_run(const ncr_stream *s, nacre_error *err)
{
    uint64_t size = ncr_pin_facts(s->pin)->size;
    size_t steps = ncr_pin_object(s->pin)->store->is_local ? STEPS_LOCAL : STEPS;
    progress p = {.stream = s, .next = s->offset < size ? s->offset : size};
    p.end = s->length < size - p.next ? p.next + s->length : size;
    nacre_status status = ncr_call_check(s->call, ncr_pin_object(s->pin)->name, err);
    for (size_t i = 0; i < steps && status == NACRE_OK; i++)
        start_next(&p, &p.slots[i]);
    for (size_t turn = 0; status == NACRE_OK && p.slots[turn].wait.under_way; turn = (turn + 1) % steps) {
        status = give_next(s, &p.slots[turn], err);
        if (status == NACRE_OK)
            start_next(&p, &p.slots[turn]);
    }
    for (size_t i = 0; i < steps; i++) {
        ncr_fetch_wait_end(&p.slots[i].wait, NULL); /* after a failure, whose cause is another */
        ncr_slice_clear(&p.slots[i].wait.fetch.slice);
        ncr_block_unref(p.slots[i].block);
    }
    return status;
}
