/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/execute.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/latch.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/pool.h"
#include "cache/limits.h"
#include "raster/gate.h"
#include "raster/lanes.h"
#include "raster/wants.h"

/* A plan that is being executed goes round this circle, holding no thread while requests are under way, or while it
 * waits at the gate for memory:
 *
 *   step (worker) -> gate -> start every want of the round -> each answer: done() -> arrival task (worker)
 *        ^                                                                                |
 *        +------------------------------ the last one of the round -----------------------+
 *
 * `under_way` counts the wants of the round that have not arrived, and one for the thread that starts them, so that
 * nothing goes on before all are started. Whoever counts it down to zero owns the execution. */

typedef struct execution execution;

/* A want that is under way; on the heap until it has arrived. */
typedef struct {
    ncr_task task; /* first: the pool hands it back */
    execution *execution;
    const ncr_want *want; /* in the execution's wants, which stay until the round is over */
    union {
        ncr_file_open open;
        ncr_fetch fetch;
        ncr_list_op list;
    } op;
} arrival;

struct execution {
    ncr_task task; /* first: the next step, or the round that was let through the gate */
    ncr_gate_share share;
    bool is_at_gate;
    ncr_plan *plan;
    ncr_call *call;            /* the plan's; referenced */
    void (*begun)(void *user); /* NULL: was called, or nobody wants to know */
    ncr_execute_done *done;
    void *user;
    ncr_wants wants;
    _Atomic unsigned round; /* highest of a response that was used */
    char name[256];         /* of something that was read last, for messages */
    _Atomic size_t under_way;
    pthread_mutex_t lock;
    /* Guarded by lock while wants are under way: the first failure. */
    nacre_status status;
    nacre_error error;
};

static void run_steps(ncr_task *task);

static void note_failure(execution *e, nacre_status status, const nacre_error *error)
{
    pthread_mutex_lock(&e->lock);
    if (e->status == NACRE_OK) {
        e->status = status;
        e->error = *error;
    }
    pthread_mutex_unlock(&e->lock);
}

/* Counts one down; true: the round is over, and the caller owns the execution. */
static bool count_down(execution *e)
{
    return atomic_fetch_sub(&e->under_way, 1) == 1;
}

static void count_down_and_go_on(execution *e)
{
    if (count_down(e))
        ncr_pool_submit(&e->task);
}

static void settle(arrival *a, nacre_status status, const nacre_error *error)
{
    const ncr_want *want = a->want;
    if (want->status_out)
        *want->status_out = status;
    if (status == NACRE_OK)
        return;
    if (want->status_out && want->error_out)
        *want->error_out = *error;
    if (want->status_out)
        return;
    if (want->fault)
        ncr_fault_note(want->fault, status, error);
    else
        note_failure(a->execution, status, error);
}

/* Tells the execution and its call that a response of this round is used. */
static void use_round(execution *e, unsigned round)
{
    unsigned seen = atomic_load(&e->round);
    while (seen < round && !atomic_compare_exchange_weak(&e->round, &seen, round))
        continue;
    ncr_call_round_used(e->call, round);
}

static nacre_status call_arrived(const ncr_want *want, const ncr_slice *slice, nacre_error *error)
{
    return want->arrived ? want->arrived(want->user, slice, error) : NACRE_OK;
}

static nacre_status take_open(arrival *a, nacre_error *error)
{
    ncr_file_open *open = &a->op.open;
    *a->want->file_out = open->file;
    if (open->status != NACRE_OK)
        return ncr_error_copy(error, &open->error, open->status);
    ncr_file_log_open(open);
    use_round(a->execution, open->round);
    return call_arrived(a->want, NULL, error);
}

static nacre_status take_read(arrival *a, nacre_error *error)
{
    ncr_fetch *fetch = &a->op.fetch;
    if (fetch->status != NACRE_OK)
        return ncr_error_copy(error, &fetch->error, fetch->status);
    ncr_log(NCR_LOG_DEBUG, "%s: %zu bytes from %" PRIu64 ", round %u", ncr_pin_object(fetch->pin)->name, fetch->length,
            fetch->offset, fetch->round);
    use_round(a->execution, fetch->round);
    nacre_status status = call_arrived(a->want, &fetch->slice, error);
    if (a->want->slice_out && status == NACRE_OK)
        *a->want->slice_out = fetch->slice;
    else
        ncr_slice_clear(&fetch->slice);
    return status;
}

static nacre_status take_list(arrival *a, nacre_error *error)
{
    ncr_list_op *list = &a->op.list;
    *a->want->list_out = *list;
    if (list->status != NACRE_OK)
        return ncr_error_copy(error, &list->error, list->status);
    ncr_log(NCR_LOG_DEBUG, "%s: %zu names begin so, round %u", list->object->name, list->entry_count, list->round);
    use_round(a->execution, list->round);
    return call_arrived(a->want, NULL, error);
}

static void run_arrival(ncr_task *task)
{
    arrival *a = (arrival *)task;
    execution *e = a->execution;
    nacre_error error = {0};
    nacre_status status = NACRE_OK;
    switch (a->want->kind) {
    case NCR_WANT_OPEN:
        status = take_open(a, &error);
        break;
    case NCR_WANT_READ:
        status = take_read(a, &error);
        break;
    case NCR_WANT_LIST:
        status = take_list(a, &error);
        break;
    }
    settle(a, status, &error);
    free(a);
    count_down_and_go_on(e);
}

/* The done() functions of the operations: on the loop thread or wherever; they only hand over to a worker. */

static void open_done(ncr_file_open *open)
{
    ncr_pool_submit(&((arrival *)open->user)->task);
}

static void fetch_done(ncr_fetch *fetch)
{
    ncr_pool_submit(&((arrival *)fetch->user)->task);
}

static void list_done(ncr_list_op *list)
{
    ncr_pool_submit(&((arrival *)list->user)->task);
}

static void fill_open(arrival *a, unsigned round)
{
    a->op.open = (ncr_file_open){.path = a->want->path,
                                 .document = a->want->document,
                                 .object = a->want->object,
                                 .call = a->execution->call,
                                 .needed_round = round,
                                 .done = open_done,
                                 .user = a};
}

static void fill_fetch(arrival *a, unsigned round)
{
    a->op.fetch = (ncr_fetch){.pin = ncr_file_pin(a->want->file),
                              .call = a->execution->call,
                              .offset = a->want->offset,
                              .length = a->want->length,
                              .needed_round = round,
                              .done = fetch_done,
                              .user = a};
}

static void fill_list(arrival *a, unsigned round)
{
    a->op.list = (ncr_list_op){
        .object = a->want->object, .call = a->execution->call, .needed_round = round, .done = list_done, .user = a};
}

/* Bytes of an arrival: a read, of which there may be very many, has the smallest operation. */
static size_t arrival_size(ncr_want_kind kind)
{
    size_t op = kind == NCR_WANT_OPEN   ? sizeof(ncr_file_open)
                : kind == NCR_WANT_READ ? sizeof(ncr_fetch)
                                        : sizeof(ncr_list_op);
    size_t size = offsetof(arrival, op) + op;
    return size < sizeof(ncr_task) ? sizeof(ncr_task) : size;
}

/* The arrivals of the round, filled in and not started. */
static arrival **new_arrivals(execution *e)
{
    arrival **arrivals = ncr_alloc_array(e->wants.count, sizeof *arrivals);
    unsigned round = atomic_load(&e->round);
    for (size_t i = 0; arrivals && i < e->wants.count; i++) {
        const ncr_want *want = &e->wants.items[i];
        arrival *a = arrivals[i] = calloc(1, arrival_size(want->kind));
        if (!a) {
            while (i--)
                free(arrivals[i]);
            free(arrivals);
            return NULL;
        }
        a->task.run = run_arrival;
        a->execution = e;
        a->want = want;
        if (want->kind == NCR_WANT_OPEN)
            fill_open(a, round);
        else if (want->kind == NCR_WANT_READ)
            fill_fetch(a, round);
        else
            fill_list(a, round);
    }
    return arrivals;
}

static size_t collect_fetches(const ncr_wants *wants, arrival *const *arrivals, ncr_fetch **fetches)
{
    size_t count = 0;
    for (size_t i = 0; i < wants->count; i++)
        if (wants->items[i].kind == NCR_WANT_READ)
            fetches[count++] = &arrivals[i]->op.fetch;
    return count;
}

/* Starts every want of the round. Arrivals may be over, and freed, as soon as they are started; the wants and the
 * execution stay, since the caller holds a count. */
static nacre_status start_round(execution *e)
{
    ncr_wants *wants = &e->wants;
    arrival **arrivals = new_arrivals(e);
    ncr_fetch **fetches = ncr_alloc_array(wants->count, sizeof *fetches);
    if (!arrivals || !fetches) {
        for (size_t i = 0; arrivals && i < wants->count; i++)
            free(arrivals[i]);
        free(arrivals);
        free(fetches);
        return ncr_error_memory(&e->error);
    }
    size_t fetch_count = collect_fetches(wants, arrivals, fetches);
    atomic_fetch_add(&e->under_way, wants->count);
    for (size_t i = 0; i < wants->count; i++) {
        if (wants->items[i].kind == NCR_WANT_OPEN)
            ncr_file_open_start(&arrivals[i]->op.open);
        else if (wants->items[i].kind == NCR_WANT_LIST)
            ncr_vfs_list_beside_start(&arrivals[i]->op.list);
    }
    if (fetch_count)
        ncr_cache_fetch_start(fetches, fetch_count);
    free(arrivals);
    free(fetches);
    return NACRE_OK;
}

static void keep_name(execution *e)
{
    const ncr_want *want = &e->wants.items[0];
    const char *name = want->kind == NCR_WANT_OPEN   ? want->path
                       : want->kind == NCR_WANT_READ ? ncr_file_path(want->file)
                                                     : want->object->name;
    snprintf(e->name, sizeof e->name, "%s", name ? name : "");
}

/* Tells once, and before done(), that another may begin. */
static void tell_begun(execution *e)
{
    void (*begun)(void *user) = e->begun;
    e->begun = NULL;
    if (begun)
        begun(e->user);
}

static void finish(execution *e)
{
    tell_begun(e);
    ncr_wants_clear(&e->wants);
    ncr_gate_give(&e->share);
    e->plan->round = atomic_load(&e->round);
    pthread_mutex_destroy(&e->lock);
    ncr_call_unref(e->call);
    nacre_status status = e->status;
    nacre_error error = e->error;
    ncr_execute_done *done = e->done;
    void *user = e->user;
    free(e);
    done(user, status, &error);
}

/* --- The gate --- */

/* What the round will hold: what the plan says of itself now, and at least what it fetches. */
static size_t round_bytes(const execution *e)
{
    size_t fetched = 0, estimate = ncr_plan_estimate(e->plan);
    for (size_t i = 0; i < e->wants.count; i++) {
        const ncr_want *want = &e->wants.items[i];
        if (!ncr_size_add(fetched, want->kind == NCR_WANT_READ ? want->length : NCR_FIRST_READ, &fetched))
            return SIZE_MAX;
    }
    return estimate > fetched ? estimate : fetched;
}

static void let_through(ncr_gate_share *share)
{
    execution *e = (execution *)((char *)share - offsetof(execution, share));
    ncr_pool_submit(&e->task);
}

/* False: it will be let through later, and is not the caller's. */
static bool pass_gate(execution *e)
{
    int64_t limit = ncr_config_number(e->call->config, NCR_KEY_MEMORY_LIMIT);
    e->is_at_gate = true;
    return ncr_gate_take(&e->share, round_bytes(e), limit > 0 ? (size_t)limit : SIZE_MAX, e->call, let_through);
}

/* --- Steps --- */

typedef enum { AGAIN, ELSEWHERE, OVER } progress; /* ELSEWHERE: the execution is not the caller's any longer */

/* Starts the round whose wants have been let through the gate. */
static progress run_round(execution *e)
{
    e->is_at_gate = false;
    tell_begun(e);
    e->status = ncr_call_check(e->call, e->name, &e->error);
    if (e->status != NACRE_OK)
        return OVER;
    atomic_store(&e->under_way, 1);
    nacre_status status = start_round(e);
    if (status != NACRE_OK) {
        e->status = status;
        return OVER;
    }
    return count_down(e) ? AGAIN : ELSEWHERE;
}

static progress run_step(execution *e)
{
    ncr_wants_clear(&e->wants);
    bool more = false;
    if (e->status == NACRE_OK)
        e->status = ncr_call_check(e->call, e->name, &e->error);
    if (e->status == NACRE_OK)
        e->status = ncr_plan_step_child(e->plan, &e->wants, &more, &e->error);
    if (e->status != NACRE_OK || !more)
        return OVER;
    if (!e->wants.count)
        return AGAIN;
    keep_name(e);
    return pass_gate(e) ? run_round(e) : ELSEWHERE;
}

static void run_steps(ncr_task *task)
{
    execution *e = (execution *)task;
    progress now = e->is_at_gate ? run_round(e) : AGAIN;
    while (now == AGAIN)
        now = run_step(e);
    if (now == OVER)
        finish(e);
}

void ncr_execute_out_of_memory(void (*begun)(void *user), ncr_execute_done *done, void *user)
{
    nacre_error error = {0};
    nacre_status status = ncr_error_memory(&error);
    if (begun)
        begun(user);
    done(user, status, &error);
}

/* here: the first steps are this thread's, as far as nothing has to be fetched. */
static void start_steps(ncr_plan *plan, bool here, void (*begun)(void *user), ncr_execute_done *done, void *user)
{
    execution *e = calloc(1, sizeof *e);
    if (!e) {
        ncr_execute_out_of_memory(begun, done, user);
        return;
    }
    e->task.run = run_steps;
    e->plan = plan;
    e->call = ncr_call_ref(plan->call);
    e->begun = begun;
    e->done = done;
    e->user = user;
    atomic_init(&e->round, plan->round);
    snprintf(e->name, sizeof e->name, "read");
    pthread_mutex_init(&e->lock, NULL);
    if (here)
        run_steps(&e->task);
    else
        ncr_pool_submit(&e->task);
}

void ncr_execute_lane(ncr_plan *plan, void (*begun)(void *user), ncr_execute_done *done, void *user)
{
    if (plan->class->next)
        ncr_lanes_start(plan, begun, done, user);
    else
        start_steps(plan, true, begun, done, user);
}

/* here: what need not be fetched is done in this thread. */
static void start(ncr_plan *plan, bool here, ncr_execute_done *done, void *user)
{
    plan->round = atomic_load(&plan->call->counters.round);
    if (plan->class->next)
        ncr_lanes_start(plan, NULL, done, user);
    else
        start_steps(plan, here, NULL, done, user);
}

void ncr_execute_start(ncr_plan *plan, ncr_execute_done *done, void *user)
{
    start(plan, false, done, user);
}

void ncr_execute_start_here(ncr_plan *plan, ncr_execute_done *done, void *user)
{
    start(plan, true, done, user);
}

typedef struct {
    ncr_latch latch;
    nacre_status status;
    nacre_error error;
} wait;

static void wake(void *user, nacre_status status, const nacre_error *error)
{
    wait *w = user;
    w->status = status;
    w->error = *error;
    ncr_latch_down(&w->latch);
}

nacre_status ncr_execute(ncr_plan *plan, nacre_error *err)
{
    wait w = {.status = NACRE_OK};
    ncr_latch_init(&w.latch, 1);
    ncr_execute_start_here(plan, wake, &w);
    ncr_latch_wait(&w.latch);
    ncr_latch_clear(&w.latch);
    return w.status == NACRE_OK ? NACRE_OK : ncr_error_copy(err, &w.error, w.status);
}
