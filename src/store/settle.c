/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/clock.h"
#include "base/latch.h"
#include "store/backend.h"

/* Changes without a condition, on stores whose answers may be lost.
 *
 * Such a change cannot be sent twice: between the two another may have written, whose work the second would undo, or
 * whose readers would see the first value come back. So it is given a condition of its own: what is there is looked at
 * first, and the change is made only to that, which happens once at most however often it is sent. Where the condition
 * then fails, another has written since we began:
 *
 *   - A put or copy that certainly did not happen is tried again, on what is there now.
 *   - One that may have happened is done: either it did and was overwritten, or it did not, and is as good as one that
 *     was overwritten at once, for the other's write came after we had begun.
 *   - So is a delete: what it was to delete is gone, and what is there now was written by another since.
 *
 * It costs a small request before the change. A small put goes without: it is made on the guess that nothing is there,
 * which the server refutes at once where it is wrong. Only where that answer is lost too it may be unclear whose the
 * object is that is there now: if it is older than the change, the change did not happen; else the caller is told.
 *
 * What remains: an object that did not exist, was written by an attempt whose answer was lost, and was deleted by
 * another before the next attempt, comes back. No condition tells one absence from another. */

enum {
    MOST_TURNS = 8,          /* then it is sent once, without condition: others write all the time */
    GUESS_LIMIT = 256 << 10, /* bytes of a put that may be sent twice for a guess that was wrong */
    CLOCK_MARGIN_MS = 3000,  /* Date has whole seconds, and the answer was some time on its way */
};

typedef struct change {
    ncr_object *object; /* that is changed */
    ncr_call *call;
    ncr_condition *condition; /* the operation's */
    ncr_outcome *outcome;     /* the operation's */
    bool is_remove;
    int64_t start_ms; /* on ncr_clock_ms() */
    nacre_status (*send)(void *op, nacre_error *err);
    void *op;
} change;

/* What is there: exists is false where nothing is. */
typedef struct sight {
    bool is_guess;
    bool exists;
    int64_t server_ms; /* when, on the server's clock; -1 unknown */
    ncr_object_facts facts;
} sight;

static void stat_done(ncr_stat_op *op)
{
    ncr_latch_down(op->user);
}

static nacre_status look(const change *c, sight *out, nacre_error *err)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_stat_op op = {.object = c->object,
                      .call = c->call,
                      .needed_round = atomic_load(&c->call->counters.round),
                      .done = stat_done,
                      .user = &latch};
    c->object->store->class->stat(&op);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_call_round_used(c->call, op.round);
    out->is_guess = false;
    out->server_ms = op.server_ms;
    out->exists = op.status != NACRE_ERROR_NOT_FOUND;
    out->facts = op.facts;
    if (op.status == NACRE_OK || (op.status == NACRE_ERROR_NOT_FOUND && !c->is_remove))
        return NACRE_OK;
    return ncr_error_copy(err, &op.error, op.status);
}

static bool is_same(const sight *a, const sight *b)
{
    return a->exists == b->exists && (!a->exists || ncr_version_same(&a->facts.version, &b->facts.version));
}

/* Who may write but not look, and objects whose version is no condition. */
static bool is_blind(nacre_status status, const sight *seen)
{
    return status == NACRE_ERROR_DENIED || (status == NACRE_OK && seen->exists && !seen->facts.version.strong);
}

static nacre_status send_on(const change *c, const sight *seen, nacre_error *err)
{
    *c->condition = (ncr_condition){.absent = !seen->exists, .version = seen->exists ? &seen->facts.version : NULL};
    nacre_status status = c->send(c->op, err);
    *c->condition = (ncr_condition){0};
    return status;
}

/* Whether what is there was written before the change began, by the server's clock. */
static bool is_older(const change *c, const sight *now)
{
    if (now->server_ms < 0 || now->facts.modified_ms < 0)
        return false;
    int64_t start_ms = now->server_ms - (ncr_clock_ms() - c->start_ms);
    return now->facts.modified_ms < start_ms - CLOCK_MARGIN_MS;
}

/* A guess was refuted, but perhaps by the change itself, whose answer was lost. *again: it was not. */
static nacre_status judge_guess(const change *c, const sight *now, bool *again, nacre_error *err)
{
    *again = !now->exists || is_older(c, now);
    if (*again)
        return NACRE_OK;
    *c->outcome = NCR_OUTCOME_UNKNOWN;
    return ncr_error_set(err, NACRE_ERROR_UNAVAILABLE,
                         "%s: the store's answer was lost, and what is there now is not what was sent: either it was "
                         "never written, or another has overwritten it since; try again",
                         c->object->name);
}

/* Sends it on what was seen. *again: it did not happen, and *seen is what is there instead. */
static nacre_status take_turn(const change *c, sight *seen, bool *again, nacre_error *err)
{
    sight now;
    *again = false;
    nacre_status status = send_on(c, seen, err);
    if (status != NACRE_ERROR_CHANGED && status != NACRE_ERROR_EXISTS)
        return status;
    bool is_sure = *c->outcome == NCR_OUTCOME_NOT_DONE, was_guess = seen->is_guess;
    nacre_status looked = look(c, &now, NULL);
    if (looked == NACRE_ERROR_DENIED && is_sure) {
        *seen = (sight){.exists = true}; /* of no version that is known: see is_blind() */
        *again = true;
        return status;
    }
    if (looked != NACRE_OK && looked != NACRE_ERROR_NOT_FOUND)
        return status;
    if (is_same(seen, &now) && !was_guess)
        return status; /* it is about something else, as a copy's source */
    if (!is_sure && was_guess) {
        status = judge_guess(c, &now, again, err);
    } else if (c->is_remove || !is_sure) {
        *c->outcome = NCR_OUTCOME_DONE;
        status = NACRE_OK;
    } else {
        *again = true;
    }
    *seen = now;
    return status;
}

static nacre_status settle(const change *c, bool may_guess, nacre_error *err)
{
    sight seen = {.is_guess = true};
    *c->outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status = may_guess ? NACRE_OK : look(c, &seen, err);
    if (status != NACRE_OK && status != NACRE_ERROR_DENIED)
        return status;
    for (int turn = 0; turn < MOST_TURNS && !is_blind(status, &seen); turn++) {
        bool again;
        nacre_status sent = take_turn(c, &seen, &again, err);
        bool has_none = sent == NACRE_ERROR_UNSUPPORTED && *c->outcome == NCR_OUTCOME_NOT_DONE;
        if (has_none)
            break; /* a server of this kind that knows no conditions */
        if (!again)
            return sent;
    }
    return c->send(c->op, err);
}

/* --- The changes. --- */

static bool needs_settling(const ncr_object *object, const ncr_condition *condition, unsigned kind)
{
    return !condition->absent && !condition->version && (object->store->class->decides & kind);
}

static nacre_status send_put(void *op, nacre_error *err)
{
    return ((ncr_put *)op)->object->store->class->put(op, err);
}

static nacre_status send_copy(void *op, nacre_error *err)
{
    return ((ncr_copy *)op)->destination->store->class->copy(op, err);
}

static nacre_status send_remove(void *op, nacre_error *err)
{
    return ((ncr_delete *)op)->object->store->class->remove(op, err);
}

nacre_status ncr_store_put(ncr_put *put, nacre_error *err)
{
    const change c = {.object = put->object,
                      .call = put->call,
                      .condition = &put->condition,
                      .outcome = &put->outcome,
                      .start_ms = ncr_clock_ms(),
                      .send = send_put,
                      .op = put};
    put->facts = (ncr_object_facts){.modified_ms = -1};
    return needs_settling(c.object, c.condition, NCR_DECIDES_PUT) ? settle(&c, put->size <= GUESS_LIMIT, err)
                                                                  : send_put(put, err);
}

nacre_status ncr_store_copy(ncr_copy *copy, nacre_error *err)
{
    const change c = {.object = copy->destination,
                      .call = copy->call,
                      .condition = &copy->condition,
                      .outcome = &copy->outcome,
                      .start_ms = ncr_clock_ms(),
                      .send = send_copy,
                      .op = copy};
    copy->facts = (ncr_object_facts){.modified_ms = -1};
    return needs_settling(c.object, c.condition, NCR_DECIDES_COPY) ? settle(&c, false, err) : send_copy(copy, err);
}

nacre_status ncr_store_remove(ncr_delete *op, nacre_error *err)
{
    const change c = {.object = op->object,
                      .call = op->call,
                      .condition = &op->condition,
                      .outcome = &op->outcome,
                      .is_remove = true,
                      .start_ms = ncr_clock_ms(),
                      .send = send_remove,
                      .op = op};
    return needs_settling(c.object, c.condition, NCR_DECIDES_REMOVE) ? settle(&c, false, err) : send_remove(op, err);
}
