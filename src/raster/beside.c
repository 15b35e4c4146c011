/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/beside.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "raster/sidecar.h"

/* A read may be many plans of one dataset (the parts of a warp, pixels and their mask). One of them looks; the others
 * go on without, since they all end as one: what is found fails the call. Reads of other calls look for themselves
 * while it is not known, since a worker cannot wait. */

/* Of ncr_dataset.beside: a bit for each kind that is there; that this is known; that a plan of less than full
 * resolution relies upon the one that looks. */
enum { KNOWN = 1u << NCR_SIDECAR_KINDS, REDUCED = KNOWN << 1 };

typedef struct {
    ncr_plan plan;
    ncr_dataset *dataset; /* referenced */
    bool is_reduced;
    bool has_begun;
    bool is_looker;  /* for all plans of the call */
    ncr_plan *look;  /* NULL: done, or another one's */
    ncr_plan *inner; /* the read */
    bool is_read;
    ncr_sidecars found;
} beside_plan;

static bool has_own_mask(const ncr_dataset *dataset)
{
    unsigned flags = dataset->band_count ? dataset->bands[0].mask_flags : 0;
    return flags & NACRE_MASK_PER_DATASET && !(flags & NACRE_MASK_ALPHA);
}

static nacre_status refuse(const ncr_dataset *dataset, const char *suffix, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                         "%.300s%s: %s beside a VRT is not supported; sidecars=never reads the VRT without it",
                         ncr_dataset_name(dataset), suffix, what);
}

static nacre_status check(const ncr_dataset *dataset, unsigned beside, bool is_reduced, nacre_error *err)
{
    if (beside & 1u << NCR_SIDECAR_MSK && !has_own_mask(dataset))
        return refuse(dataset, ".msk", "a mask", err);
    if (beside & 1u << NCR_SIDECAR_OVR && is_reduced)
        return refuse(dataset, ".ovr", "a file of overviews", err);
    return NACRE_OK;
}

static nacre_status begin(beside_plan *p, nacre_error *err)
{
    ncr_dataset *dataset = p->dataset;
    ncr_call *looker = NULL;
    p->has_begun = true;
    unsigned beside = atomic_load(&dataset->beside);
    if (beside & KNOWN)
        return check(dataset, beside, p->is_reduced, err);
    p->is_looker = atomic_compare_exchange_strong(&dataset->looker, &looker, p->plan.call);
    if (p->is_looker || looker != p->plan.call)
        return ncr_sidecars_plan(dataset->file, false, p->plan.call, &p->found, &p->look, err);
    if (p->is_reduced)
        atomic_fetch_or(&dataset->beside, REDUCED);
    return NACRE_OK;
}

static void end_look(beside_plan *p)
{
    ncr_plan_free(p->look);
    p->look = NULL;
    if (p->is_looker)
        atomic_store(&p->dataset->looker, NULL);
    p->is_looker = false;
}

static nacre_status step_look(beside_plan *p, ncr_wants *wants, bool *more, nacre_error *err)
{
    nacre_status status = ncr_plan_step_child(p->look, wants, more, err);
    if (status != NACRE_OK || *more)
        return status;
    unsigned found = KNOWN;
    for (unsigned kind = 0; kind < NCR_SIDECAR_KINDS; kind++)
        found |= p->found.paths[kind] ? 1u << kind : 0;
    unsigned before = atomic_fetch_or(&p->dataset->beside, found);
    bool is_reduced = p->is_reduced || (p->is_looker && before & REDUCED);
    end_look(p);
    return check(p->dataset, found, is_reduced, err);
}

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    beside_plan *p = (beside_plan *)plan;
    bool is_looking = false, is_reading = false;
    nacre_status status = p->has_begun ? NACRE_OK : begin(p, err);
    if (status == NACRE_OK && p->look)
        status = step_look(p, wants, &is_looking, err);
    if (status == NACRE_OK && !p->is_read) {
        status = ncr_plan_step_child(p->inner, wants, &is_reading, err);
        p->is_read = !is_reading;
    }
    *more = is_looking || is_reading;
    return status;
}

static size_t estimate(const ncr_plan *plan)
{
    return ncr_plan_estimate(((const beside_plan *)plan)->inner);
}

static void free_plan(ncr_plan *plan)
{
    beside_plan *p = (beside_plan *)plan;
    end_look(p);
    ncr_plan_free(p->inner);
    ncr_sidecars_clear(&p->found);
    ncr_dataset_unref(p->dataset);
    free(p);
}

static const ncr_plan_class beside_class = {.step = step, .free = free_plan, .estimate = estimate};

bool ncr_beside_will_look(const ncr_dataset *dataset, const ncr_call *call)
{
    return dataset->looks_beside && !(atomic_load(&dataset->beside) & KNOWN) && ncr_sidecars_are_wanted(call);
}

nacre_status ncr_beside_plan(ncr_dataset *dataset, bool is_reduced, ncr_plan *plan, ncr_plan **out, nacre_error *err)
{
    *out = plan;
    unsigned beside = atomic_load(&dataset->beside);
    if (!dataset->looks_beside || !ncr_sidecars_are_wanted(plan->call))
        return NACRE_OK;
    if (beside & KNOWN && check(dataset, beside, is_reduced, NULL) == NACRE_OK)
        return NACRE_OK;
    *out = NULL;
    beside_plan *p = ncr_plan_new(sizeof *p, &beside_class, plan->call);
    if (!p) {
        ncr_plan_free(plan);
        return ncr_error_memory(err);
    }
    p->dataset = ncr_dataset_ref(dataset);
    p->is_reduced = is_reduced;
    p->inner = plan;
    *out = &p->plan;
    return NACRE_OK;
}
