/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_PLAN_H
#define NCR_RASTER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/error.h"
#include "vfs/vfs.h"

/* A plan is a resumable step machine (docs/internals/plan.md). A step computes, does no I/O, and appends the wants of
 * the next round; when a step adds none and its children add none, the plan is composed and done. A composite plan
 * (a mosaic, a warp, a batch) holds child plans and lets their steps append to the same wants, so that what many
 * sources need goes out together. Only the executor (execute.h) fetches; no layer calls a child's read.
 *
 * A plan is single-thread: step and compose are called one after another, on a worker or the caller's thread; only
 * the `arrived` functions of its wants run beside one another, on workers. */

typedef struct ncr_plan ncr_plan;
typedef struct ncr_wants ncr_wants;

typedef struct ncr_plan_class {
    /* Appends what is needed next and sets *more where another step must follow its arrival. With *more false nothing
     * may be appended. After failure compose is not called. */
    nacre_status (*step)(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err);
    /* Computes the result from what arrived. May use ncr_pool_for(). NULL: nothing to do. */
    nacre_status (*compose)(ncr_plan *plan, nacre_error *err);
    /* Releases what the struct holds and the struct itself, in any state; nothing of it is under way. The call is not
     * its business: ncr_plan_free() lets go of that. */
    void (*free)(ncr_plan *plan);
    /* Bytes of memory its execution needs beyond the caller's buffer, as far as known; 0 where that is little.
     * NULL: 0. Asked before its first step, for cutting, and after each one, for what it holds until the next; not
     * counted is the block that each worker decodes. */
    size_t (*estimate)(const ncr_plan *plan);

    /* A plan of plans that do not need one another (the windows of a large read, the items of a batch) has these two
     * and no step; only the executor runs it. They are called one after another, on workers. Plans that were given run
     * beside one another, in steps of their own, as many as memory allows. */

    /* *out is the next plan, NULL: none now. Asked again after each end; nothing under way and none: it is over, and
     * composed. */
    nacre_status (*next)(ncr_plan *plan, ncr_plan **out, nacre_error *err);
    /* One that next() gave is over, well or not (error: how not); it is the plan's again. After a failure no other is
     * begun, and when those under way are over the plan fails so. */
    nacre_status (*ended)(ncr_plan *plan, ncr_plan *child, nacre_status status, const nacre_error *error,
                          nacre_error *err);
} ncr_plan_class;

/* The back end's own struct begins with this. */
struct ncr_plan {
    const ncr_plan_class *class;
    ncr_call *call; /* referenced by ncr_plan_new(), let go of by ncr_plan_free() */
    /* Highest round of a response that has been used so far, of a plan that is executed (not of one that another
     * steps): the executor's. A plan of plans may set it in one that it gives, which is built upon what another
     * brought. */
    unsigned round;
    void *of; /* of a plan that next() gave: the giver's */
};

/* Where the first failure of a part of a plan goes that ends only that part; see ncr_want. Synchronised while its round
 * is under way. */
typedef struct ncr_fault {
    _Atomic int status; /* a nacre_status */
    nacre_error *error; /* the part's; NULL: nobody wants to know */
} ncr_fault;

/* A zeroed plan of `size` bytes with its common part filled in; NULL: out of memory. */
void *ncr_plan_new(size_t size, const ncr_plan_class *class, ncr_call *call);
void ncr_plan_free(ncr_plan *plan);             /* accepts NULL */
size_t ncr_plan_estimate(const ncr_plan *plan); /* class->estimate, or 0 */

typedef enum ncr_want_kind { NCR_WANT_OPEN, NCR_WANT_READ, NCR_WANT_LIST } ncr_want_kind;

/* Something that a plan needs from outside. What it points to must stay until it has arrived. */
typedef struct ncr_want ncr_want;
struct ncr_want {
    ncr_want_kind kind;
    /* OPEN */
    const char *path;           /* copied by ncr_wants_add() */
    const ncr_object *document; /* see ncr_vfs_resolve(); not needed where `object` is what path means */
    ncr_file **file_out;        /* the plan's; set before `arrived` */
    /* READ */
    ncr_file *file;
    uint64_t offset;
    size_t length;
    ncr_slice *slice_out; /* NULL: only `arrived` needs it, and the bytes are let go of after it */
    /* LIST: one page of the keys beginning with the object's own key. OPEN: NULL, or what path was resolved to */
    ncr_object *object;
    ncr_list_op *list_out; /* the plan's to clear; only its results are set */

    /* Called on a worker when it has arrived, beside other wants' functions; may decode, must not block. NULL: none.
     * slice is that of a READ, else NULL. */
    nacre_status (*arrived)(void *user, const ncr_slice *slice, nacre_error *err);
    void *user;
    /* Where a failure goes that must not end the plan (a missing sidecar); NULL: see fault. */
    nacre_status *status_out;
    nacre_error *error_out;
    ncr_fault
        *fault; /* with status_out NULL: a failure ends not the plan but what looks there; NULL: it ends the plan */
};

/* Appends a copy of want. NACRE_ERROR_MEMORY. */
nacre_status ncr_wants_add(ncr_wants *wants, const ncr_want *want, nacre_error *err);

/* Tells a fault of a failure; only the first one counts. */
void ncr_fault_note(ncr_fault *fault, nacre_status status, const nacre_error *error);

/* Steps a part of a plan that may fail alone: like ncr_plan_step_child(), and what its wants meet goes to its fault.
 * Fails so too; then nothing of it is under way, and it is not stepped again. */
nacre_status ncr_plan_step_part(ncr_plan *part, ncr_fault *fault, ncr_wants *wants, bool *more, nacre_error *err);

/* Steps a child plan and joins its wants: sets *more as its step did. After the child's last step it is composed at
 * once (its inputs have arrived) and *more is false. The usual step of a composite is: for each child not yet done,
 * ncr_plan_step_child(). */
nacre_status ncr_plan_step_child(ncr_plan *child, ncr_wants *wants, bool *more, nacre_error *err);

/* The same for one that is freed, and *child NULL, as soon as it is done; NULL: nothing to do. Adds to *more: true
 * where it is not done. After failure it stays. */
nacre_status ncr_plan_step_held(ncr_plan **child, ncr_wants *wants, bool *more, nacre_error *err);

#endif
