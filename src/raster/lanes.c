/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/lanes.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/pool.h"

/* Its plans tell of their beginning and their end wherever that happens; what they tell is taken up by one worker at a
 * time, the pump, so that the owner's functions are called one after another:
 *
 *   a lane begins or ends -> event -> pump: ended(), then next() until none is given or one must wait for memory
 *
 * The pump also takes the first steps of what it begins, so that very many requests go out without a turn of the pool's
 * queue, and what arrives in it, between each of them. */

typedef struct lanes lanes;

/* A plan that is under way; on the heap until its end was taken up. */
typedef struct lane {
    lanes *owner;
    ncr_plan *plan;
    nacre_status status;
    nacre_error error;
    struct lane *next;
} lane;

struct lanes {
    ncr_task task; /* first: the pump */
    ncr_plan *plan;
    void (*begun)(void *user);
    ncr_execute_done *done;
    void *user;
    pthread_mutex_t lock;
    /* Guarded by lock. */
    lane *ended;
    bool is_pumping, has_news;
    bool is_waiting; /* one has not begun */
    /* The pump's. */
    size_t under_way;
    bool is_last; /* next() gave none */
    bool told;    /* begun() was called */
    nacre_status status;
    nacre_error error;
};

static void fail(lanes *l, nacre_status status, const nacre_error *error)
{
    if (l->status != NACRE_OK)
        return;
    l->status = status;
    l->error = *error;
}

/* Has the pump run, unless it does: then it goes round once more. */
static void wake_pump_unlock(lanes *l)
{
    bool start = !l->is_pumping;
    l->has_news = true;
    l->is_pumping = true;
    pthread_mutex_unlock(&l->lock);
    if (start)
        ncr_pool_submit(&l->task);
}

static void lane_begun(void *user)
{
    lanes *l = ((lane *)user)->owner;
    pthread_mutex_lock(&l->lock);
    l->is_waiting = false;
    wake_pump_unlock(l);
}

static void lane_done(void *user, nacre_status status, const nacre_error *error)
{
    lane *one = user;
    lanes *l = one->owner;
    one->status = status;
    if (status != NACRE_OK)
        one->error = *error;
    pthread_mutex_lock(&l->lock);
    one->next = l->ended;
    l->ended = one;
    wake_pump_unlock(l);
}

static void take_up_ends(lanes *l, lane *ended)
{
    while (ended) {
        lane *next = ended->next;
        nacre_error error = {0};
        nacre_status status = l->plan->class->ended(l->plan, ended->plan, ended->status, &ended->error, &error);
        if (status != NACRE_OK)
            fail(l, status, &error);
        free(ended);
        l->under_way--;
        l->is_last = false;
        ended = next;
    }
}

/* Begins one more; false: there is none now. */
static bool begin_one(lanes *l)
{
    nacre_error error = {0};
    ncr_plan *plan = NULL;
    nacre_status status = l->plan->class->next(l->plan, &plan, &error);
    l->is_last = status != NACRE_OK || !plan;
    if (status != NACRE_OK)
        fail(l, status, &error);
    if (l->is_last)
        return false;
    lane *one = calloc(1, sizeof *one);
    if (!one) {
        nacre_error none = {0};
        status = l->plan->class->ended(l->plan, plan, ncr_error_memory(&none), &none, &error);
        if (status != NACRE_OK)
            fail(l, status, &error);
        return status == NACRE_OK;
    }
    one->owner = l;
    one->plan = plan;
    if (plan->round < l->plan->round)
        plan->round = l->plan->round;
    l->under_way++;
    pthread_mutex_lock(&l->lock);
    l->is_waiting = true;
    pthread_mutex_unlock(&l->lock);
    ncr_execute_lane(plan, lane_begun, lane_done, one);
    return true;
}

static bool may_begin(lanes *l)
{
    if (l->status != NACRE_OK || l->is_last)
        return false;
    pthread_mutex_lock(&l->lock);
    bool may = !l->is_waiting;
    pthread_mutex_unlock(&l->lock);
    return may;
}

static void finish(lanes *l)
{
    if (!l->told && l->begun)
        l->begun(l->user);
    if (l->status == NACRE_OK && l->plan->class->compose)
        l->status = l->plan->class->compose(l->plan, &l->error);
    nacre_status status = l->status;
    nacre_error error = l->error;
    ncr_execute_done *done = l->done;
    void *user = l->user;
    pthread_mutex_destroy(&l->lock);
    free(l);
    done(user, status, &error);
}

/* Whether there is nothing new to take up, and the pump ends. */
static bool rest(lanes *l)
{
    pthread_mutex_lock(&l->lock);
    bool rests = !l->has_news;
    l->is_pumping = !rests;
    pthread_mutex_unlock(&l->lock);
    return rests;
}

/* Takes up what has ended before it begins the next: what is under way is carried on first. */
static void pump(ncr_task *task)
{
    lanes *l = (lanes *)task;
    bool began;
    do {
        pthread_mutex_lock(&l->lock);
        lane *ended = l->ended;
        l->ended = NULL;
        l->has_news = false;
        pthread_mutex_unlock(&l->lock);
        take_up_ends(l, ended);
        began = may_begin(l) && begin_one(l);
        bool is_over = l->is_last || l->status != NACRE_OK;
        if (is_over && !l->under_way) {
            finish(l);
            return;
        }
        if (is_over && !l->told && l->begun) {
            l->told = true;
            l->begun(l->user);
        }
    } while (began || !rest(l));
}

void ncr_lanes_start(ncr_plan *plan, void (*begun)(void *user), ncr_execute_done *done, void *user)
{
    lanes *l = calloc(1, sizeof *l);
    if (!l) {
        ncr_execute_out_of_memory(begun, done, user);
        return;
    }
    l->task.run = pump;
    l->plan = plan;
    l->begun = begun;
    l->done = done;
    l->user = user;
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_lock(&l->lock);
    wake_pump_unlock(l);
}
