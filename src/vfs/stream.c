/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdatomic.h>

#include "base/clock.h"
#include "cache/limits.h"
#include "vfs/pace.h"
#include "vfs/vfs.h"
#include "vfs/wait.h"

/* Bytes in their order, for those who read much and keep nothing: several requests are under way ahead of the one whose
 * bytes are being given; pace.h says how many. */

enum {
    STEPS = 4, /* ahead to begin with, NCR_GET_MAX bytes each */
    STEPS_LOCAL = 2,
    STEPS_MORE = NCR_STREAM_MORE / NCR_GET_MAX,
    STEPS_MOST = STEPS + STEPS_MORE,
};

/* A stream as far as it is. */
typedef struct progress {
    const ncr_stream *stream;
    uint64_t next, end;
    ncr_fetch_wait steps[STEPS_MOST]; /* step n is at n % STEPS_MOST */
    size_t begun, given;              /* steps */
    ncr_pace pace;
    size_t borrowed; /* of `ahead` */
} progress;

/* What streams have in common: how many steps beyond their first are lent to all of them together. */
static _Atomic size_t lent_steps;

static bool borrow_step(void)
{
    size_t lent = atomic_load(&lent_steps);
    while (lent < STEPS_MORE)
        if (atomic_compare_exchange_weak(&lent_steps, &lent, lent + 1))
            return true;
    return false;
}

static void begin_step(progress *p)
{
    const ncr_stream *s = p->stream;
    ncr_fetch_wait *step = &p->steps[p->begun++ % STEPS_MOST];
    uint64_t left = p->end - p->next;
    size_t size = left < NCR_GET_MAX ? (size_t)left : NCR_GET_MAX;
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
    size_t wanted = ncr_pace_given(&p->pace, size, came_ms - began_ms, ncr_clock_ms());
    for (; wanted && borrow_step(); wanted--, p->borrowed++)
        p->pace.ahead++;
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

nacre_status ncr_stream_run(const ncr_stream *s, nacre_error *err)
{
    uint64_t size = ncr_pin_facts(s->pin)->size;
    size_t steps = ncr_pin_object(s->pin)->store->is_local ? STEPS_LOCAL : STEPS;
    progress p = {.stream = s, .next = s->offset < size ? s->offset : size};
    p.end = s->length < size - p.next ? p.next + s->length : size;
    ncr_pace_begin(&p.pace, steps, steps == STEPS_LOCAL || s->is_kept ? steps : STEPS_MOST, ncr_clock_ms());
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
