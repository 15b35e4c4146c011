/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

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
 *   - A change that certainly did not happen is tried again, on what is there now.
 *   - Of one that may have happened nobody knows, unless its bytes are there, and the caller is told. It is not as good
 *     as one that was overwritten at once: the other's write may have had a condition that holds only without ours.
 *   - But a delete whose object is gone is done.
 *
 * It costs a small request before the change. A small put goes without: it is made on the guess that nothing is there,
 * which the server refutes at once where it is wrong. Only where that answer is lost too it may be unclear whose the
 * object is that is there now: if it is older than the change, the change did not happen; else the caller is told.
 *
 * Where the change comes with a condition of the caller's, that does the same. But when it does not hold at a later
 * attempt, "exists already" and "changed" would be as good as "it did not happen", which nobody knows: the first
 * attempt may have happened, and another have written since. They are said only where what is there is older than the
 * change.
 *
 * What remains: an object that did not exist, was written by an attempt whose answer was lost, and was deleted by
 * another before the next attempt, comes back. No condition tells one absence from another; nor, where versions are
 * made of the bytes (S3), what was there from the same bytes that another has put back. */

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
    ncr_object *source; /* of a copy; else NULL */
    const ncr_version *source_version;
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

static void stat_wait(ncr_stat_op *op)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    op->needed_round = atomic_load(&op->call->counters.round);
    op->done = stat_done;
    op->user = &latch;
    op->object->store->class->stat(op);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_call_round_used(op->call, op->round);
}

static nacre_status look(const change *c, sight *out, nacre_error *err)
{
    ncr_stat_op op = {.object = c->object, .call = c->call};
    stat_wait(&op);
    out->is_guess = false;
    out->server_ms = op.server_ms;
    out->exists = op.status != NACRE_ERROR_NOT_FOUND;
    out->facts = op.facts;
    if (op.status == NACRE_OK || (op.status == NACRE_ERROR_NOT_FOUND && !c->is_remove))
        return NACRE_OK;
    return ncr_error_copy(err, &op.error, op.status);
}

/* Whether what is there has the bytes of the source that was copied, as far as their checksums tell. What is put is
 * known by its back end. */
static bool is_our_copy(const change *c, const sight *now)
{
    if (!c->source || !now->exists || !now->facts.checksum[0])
        return false;
    ncr_stat_op op = {.object = c->source, .call = c->call};
    stat_wait(&op);
    return op.status == NACRE_OK && (!c->source_version || ncr_version_same(&op.facts.version, c->source_version)) &&
           op.facts.size == now->facts.size && strcmp(op.facts.checksum, now->facts.checksum) == 0;
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

static nacre_status unclear_error(const change *c, const char *what, nacre_error *err)
{
    *c->outcome = NCR_OUTCOME_UNKNOWN;
    return ncr_error_set(err, NACRE_ERROR_UNAVAILABLE, "%s: the store's answer was lost, and %s; try again",
                         c->object->name, what);
}

/* A guess was refuted, but perhaps by the change itself, whose answer was lost. *again: it was not. */
static nacre_status judge_guess(const change *c, const sight *now, bool *again, nacre_error *err)
{
    *again = !now->exists || is_older(c, now);
    if (*again)
        return NACRE_OK;
    return unclear_error(c,
                         "what is there now is not what was sent: either it was never written, or another has "
                         "overwritten it since",
                         err);
}

/* The caller's own condition did not hold, but perhaps at a later attempt only. */
static nacre_status judge_refusal(const change *c, nacre_status status, nacre_error *err)
{
    sight now;
    bool is_refusal = status == NACRE_ERROR_EXISTS || status == NACRE_ERROR_CHANGED;
    if (!is_refusal || *c->outcome != NCR_OUTCOME_UNKNOWN)
        return status;
    nacre_status looked = look(c, &now, NULL);
    if (looked == NACRE_OK && is_our_copy(c, &now)) {
        *c->outcome = NCR_OUTCOME_DONE;
        return NACRE_OK;
    }
    if (looked != NACRE_OK || !now.exists || !is_older(c, &now))
        return unclear_error(c,
                             "the condition no longer holds: either the change was never made, or it was, and another "
                             "came after it",
                             err);
    *c->outcome = NCR_OUTCOME_NOT_DONE;
    return status;
}

/* Something else was there, or is there now, than the change was made on. *again: it did not happen. */
static nacre_status judge_turn(const change *c, const sight *seen, const sight *now, bool is_sure, bool *again,
                               nacre_error *err)
{
    *again = false;
    if (c->is_remove ? !now->exists : !is_sure && is_our_copy(c, now)) {
        *c->outcome = NCR_OUTCOME_DONE;
        return NACRE_OK;
    }
    if (is_sure)
        *again = true;
    else if (seen->is_guess)
        return judge_guess(c, now, again, err);
    else
        return unclear_error(c,
                             "another has written since: either the change was never made, or it was, and the other's "
                             "came after it",
                             err);
    return NACRE_OK;
}

/* Sends it on what was seen. *again: it did not happen, and *seen is what is there instead. */
static nacre_status take_turn(const change *c, sight *seen, bool *again, nacre_error *err)
{
    sight now;
    nacre_error reason;
    *again = false;
    nacre_status status = send_on(c, seen, err);
    if (status != NACRE_ERROR_CHANGED && status != NACRE_ERROR_EXISTS)
        return status;
    bool is_sure = *c->outcome == NCR_OUTCOME_NOT_DONE;
    nacre_status looked = look(c, &now, &reason);
    if (looked == NACRE_ERROR_DENIED && is_sure) {
        *seen = (sight){.exists = true}; /* of no version that is known: see is_blind() */
        *again = true;
        return status;
    }
    if (looked != NACRE_OK && looked != NACRE_ERROR_NOT_FOUND)
        return is_sure ? ncr_error_copy(err, &reason, looked)
                       : unclear_error(c, "what is there now cannot be found out", err);
    bool is_about_source = status == NACRE_ERROR_CHANGED && !seen->is_guess && is_same(seen, &now);
    if (is_about_source && (is_sure || seen->exists)) { /* it stands as it was, so nothing has happened */
        *c->outcome = NCR_OUTCOME_NOT_DONE;
        return status;
    }
    status = judge_turn(c, seen, &now, is_sure, again, err);
    *seen = now;
    return status;
}

/* Whether a change was not made because it had a condition: the server knows none (501), or answers 409 as long as
 * others write at the same moment. */
static bool is_in_vain(const change *c, nacre_status sent, const nacre_error *reason)
{
    return sent != NACRE_OK && *c->outcome == NCR_OUTCOME_NOT_DONE &&
           (sent == NACRE_ERROR_UNSUPPORTED || reason->http_status == 501 || reason->http_status == 409);
}

static nacre_status settle(const change *c, bool may_guess, nacre_error *err)
{
    sight seen = {.is_guess = true};
    nacre_error reason = {0};
    *c->outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status = may_guess ? NACRE_OK : look(c, &seen, err);
    if (status != NACRE_OK && status != NACRE_ERROR_DENIED)
        return status;
    for (int turn = 0; turn < MOST_TURNS && !is_blind(status, &seen); turn++) {
        bool again;
        nacre_status sent = take_turn(c, &seen, &again, &reason);
        if (is_in_vain(c, sent, &reason))
            break;
        if (!again)
            return ncr_error_copy(err, &reason, sent);
    }
    return c->send(c->op, err);
}

/* Makes a change whose condition, if it has one, is the caller's. */
static nacre_status send_as_it_is(const change *c, nacre_error *err)
{
    return judge_refusal(c, c->send(c->op, err), err);
}

/* --- The changes. --- */

static bool needs_settling(const ncr_object *object, const ncr_condition *condition, unsigned kind)
{
    return !condition->absent && !condition->version && (object->store->decides & kind);
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
                                                                  : send_as_it_is(&c, err);
}

nacre_status ncr_store_copy(ncr_copy *copy, nacre_error *err)
{
    const change c = {.object = copy->destination,
                      .source = copy->source,
                      .source_version = copy->source_version,
                      .call = copy->call,
                      .condition = &copy->condition,
                      .outcome = &copy->outcome,
                      .start_ms = ncr_clock_ms(),
                      .send = send_copy,
                      .op = copy};
    copy->facts = (ncr_object_facts){.modified_ms = -1};
    return needs_settling(c.object, c.condition, NCR_DECIDES_COPY) ? settle(&c, false, err) : send_as_it_is(&c, err);
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
    return needs_settling(c.object, c.condition, NCR_DECIDES_REMOVE) ? settle(&c, false, err) : send_as_it_is(&c, err);
}

nacre_status ncr_store_upload_finish(ncr_upload *upload, ncr_object *object, const ncr_condition *condition,
                                     ncr_call *call, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err)
{
    const change c = {.object = object, .call = call, .outcome = outcome, .start_ms = ncr_clock_ms()};
    nacre_status status = object->store->class->upload_finish(upload, outcome, facts, err);
    return condition->absent || condition->version ? judge_refusal(&c, status, err) : status;
}
