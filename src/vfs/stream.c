/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdatomic.h>

#include "base/clock.h"
#include "cache/limits.h"
#include "cache/ram.h"
#include "vfs/pace.h"
#include "vfs/vfs.h"
#include "vfs/wait.h"

/* Bytes in their order, for those who read much and keep nothing: several requests are under way ahead of the one whose
 * bytes are being given; pace.h says how many. */

enum {
    STEPS = 4, /* ahead to begin with, NCR_GET_MAX bytes each */
    STEPS_LOCAL = 2,
    STEPS_KEPT = 3,         /* where the sink keeps blocks: what it sends is slower, and gets more of the memory */
    STEPS_LONG = 16,        /* where LONG or more steps are to be read */
    SMALL = STEPS_LONG / 2, /* of these, the first, which grow */
    LONG = 4 * SMALL,       /* or it would be many requests more for the small ones that such a stream begins with */
    STEPS_MORE = NCR_STREAM_MORE / NCR_GET_MAX,
    STEPS_MOST = STEPS + STEPS_MORE,
    RAM_SHARE = 16, /* what is lent to all streams is one part in so many of the memory */
};

/* A stream as far as it is. */
typedef struct progress {
    const ncr_stream *stream;
    uint64_t next, end;
    ncr_fetch_wait steps[STEPS_MOST]; /* step n is at n % STEPS_MOST */
    size_t begun, given;              /* steps */
    ncr_pace pace;
    size_t own;      /* steps that it may always have */
    size_t borrowed; /* those beyond, of at most `lendable` that are lent to all */
    size_t lendable;
    size_t small; /* steps that it begins with and that are not whole ones */
} progress;

/* What streams have in common: how many steps beyond their first are lent to all of them together. */
static _Atomic size_t lent_steps;

static bool borrow_step(progress *p)
{
    size_t lent = atomic_load(&lent_steps);
    while (lent < p->lendable)
        if (atomic_compare_exchange_weak(&lent_steps, &lent, lent + 1)) {
            p->borrowed++;
            return true;
        }
    return false;
}

/* Goes as far ahead as it wants and can. */
static void set_ahead(progress *p, size_t wanted)
{
    while (p->own + p->borrowed < wanted && borrow_step(p))
        continue;
    size_t have = p->own + p->borrowed;
    p->pace.ahead = wanted < have ? wanted : have;
}

/* Gives back what is neither under way nor wanted. */
static void give_back(progress *p)
{
    size_t under_way = p->begun - p->given, needed = under_way > p->pace.ahead ? under_way : p->pace.ahead;
    for (; p->borrowed && p->own + p->borrowed > needed; p->borrowed--)
        atomic_fetch_sub(&lent_steps, 1);
}

static void begin_step(progress *p)
{
    const ncr_stream *s = p->stream;
    size_t number = p->begun++;
    ncr_fetch_wait *step = &p->steps[number % STEPS_MOST];
    uint64_t left = p->end - p->next;
    size_t size = number < p->small ? ncr_pace_first(number, p->small, NCR_GET_MAX) : NCR_GET_MAX;
    size = left < size ? (size_t)left : size;
    step->fetch = (ncr_fetch){.pin = s->pin, .call = s->call, .offset = p->next, .length = size, .bypass = !s->keep};
    ncr_fetch_wait_begin(step);
    p->next += size;
}

static void begin_steps(progress *p)
{
    while (p->next < p->end && p->begun - p->given < p->pace.ahead)
        begin_step(p);
}

static nacre_status give_step(progress *p, nacre_error *err)
{
    ncr_fetch_wait *step = &p->steps[p->given++ % STEPS_MOST];
    ncr_slice *slice = &step->fetch.slice;
    int64_t began_ms = ncr_clock_ms();
    nacre_status status = ncr_fetch_wait_end(step, err);
    int64_t came_ms = ncr_clock_ms();
    size_t size = slice->size;
    if (status == NACRE_OK)
        status = p->stream->sink(p->stream->user, slice, err);
    ncr_slice_clear(slice);
    set_ahead(p, ncr_pace_given(&p->pace, size, came_ms - began_ms, ncr_clock_ms()));
    give_back(p);
    return status;
}

static void end(progress *p)
{
    for (; p->given < p->begun; p->given++) {
        ncr_fetch_wait *step = &p->steps[p->given % STEPS_MOST];
        ncr_fetch_wait_end(step, NULL); /* after a failure, whose cause is another */
        ncr_slice_clear(&step->fetch.slice);
    }
    atomic_fetch_sub(&lent_steps, p->borrowed);
}

/* A container of little memory lends less. */
static size_t lendable_steps(void)
{
    size_t steps = ncr_ram_bytes() / RAM_SHARE / NCR_GET_MAX;
    return steps < STEPS_MORE ? steps : STEPS_MORE;
}

static void begin_pace(progress *p)
{
    const ncr_stream *s = p->stream;
    bool is_local = ncr_pin_object(s->pin)->store->is_local, widens = !is_local && !s->is_kept;
    p->own = is_local ? STEPS_LOCAL : s->is_kept ? STEPS_KEPT : STEPS;
    ncr_pace_begin(&p->pace, p->own, widens ? STEPS_MOST : p->own, ncr_clock_ms());
    if (!widens || p->end - p->next <= (uint64_t)STEPS * NCR_GET_MAX)
        return;
    p->lendable = lendable_steps();
    if (p->end - p->next < (uint64_t)LONG * NCR_GET_MAX)
        return;
    set_ahead(p, STEPS_LONG);
    p->small = p->pace.ahead < SMALL ? p->pace.ahead : SMALL;
}

nacre_status ncr_stream_run(const ncr_stream *s, nacre_error *err)
{
    uint64_t size = ncr_pin_facts(s->pin)->size;
    progress p = {.stream = s, .next = s->offset < size ? s->offset : size};
    p.end = s->length < size - p.next ? p.next + s->length : size;
    begin_pace(&p);
    nacre_status status = ncr_call_check(s->call, ncr_pin_object(s->pin)->name, err);
    if (status == NACRE_OK)
        begin_steps(&p);
    while (status == NACRE_OK && p.given < p.begun) {
        status = give_step(&p, err);
        if (status == NACRE_OK)
            begin_steps(&p);
    }
    end(&p);
    return status;
}
