/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/refresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/crs.h"
#include "raster/dtype.h"
#include "raster/execute.h"

/* The objects of the tree as they were and as they are now, then the root's open in a tree where they are pinned
 * already: it asks for nothing that was proven in the first round. */
typedef struct {
    ncr_plan plan;
    ncr_dataset *dataset; /* borrowed */
    const char *const *drivers;
    ncr_dataset **out;
    bool asked, has_changed;
    ncr_file **was; /* referenced */
    size_t count;
    struct proof {
        ncr_file *file;
        nacre_status status;
        nacre_error error;
    } * now;
    ncr_pins *pins; /* of the new tree */
    ncr_plan *open; /* of the new root */
} refresh_plan;

static nacre_status ask(refresh_plan *r, ncr_wants *wants, bool *more, nacre_error *err)
{
    r->asked = true;
    nacre_status status = ncr_pins_list(r->dataset->pins, &r->was, &r->count, err);
    if (status != NACRE_OK)
        return status;
    r->now = ncr_alloc_array(r->count, sizeof *r->now);
    if (r->count && !r->now)
        return ncr_error_memory(err);
    for (size_t i = 0; i < r->count && status == NACRE_OK; i++) {
        ncr_want want = {.kind = NCR_WANT_OPEN,
                         .path = ncr_file_path(r->was[i]),
                         .document = ncr_file_object(r->was[i])->document,
                         .file_out = &r->now[i].file,
                         .status_out = &r->now[i].status,
                         .error_out = &r->now[i].error};
        status = ncr_wants_add(wants, &want, err);
        *more = true;
    }
    return status;
}

static bool is_root(const refresh_plan *r, const ncr_file *file)
{
    const ncr_file *root = r->dataset->file;
    return root && strcmp(ncr_file_object(root)->id, ncr_file_object(file)->id) == 0;
}

/* What one object has become. One that is gone is pinned nowhere: a source may not be named any longer. */
static nacre_status take(refresh_plan *r, size_t i, nacre_error *err)
{
    struct proof *proof = &r->now[i];
    if (proof->status == NACRE_ERROR_NOT_FOUND && !is_root(r, r->was[i])) {
        r->has_changed = true;
        return NACRE_OK;
    }
    if (proof->status != NACRE_OK)
        return ncr_error_copy(err, &proof->error, proof->status);
    if (!ncr_pin_same(ncr_file_pin(r->was[i]), ncr_file_pin(proof->file)))
        r->has_changed = true;
    return ncr_pins_add(r->pins, proof->file, err);
}

static nacre_status begin_open(refresh_plan *r, nacre_error *err)
{
    r->pins = ncr_pins_new();
    nacre_status status = r->pins ? NACRE_OK : ncr_error_memory(err);
    for (size_t i = 0; i < r->count && status == NACRE_OK; i++)
        status = take(r, i, err);
    if (status != NACRE_OK)
        return status;
    const ncr_dataset *dataset = r->dataset;
    ncr_open_request request = {
        .path = dataset->text ? dataset->text : dataset->path, .drivers = r->drivers, .pins = r->pins};
    return ncr_dataset_plan_open(&request, r->plan.call, r->out, &r->open, err);
}

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    refresh_plan *r = (refresh_plan *)plan;
    nacre_status status = NACRE_OK;
    if (!r->asked) {
        status = ask(r, wants, more, err);
        if (status != NACRE_OK || *more)
            return status;
    }
    if (!r->open)
        status = begin_open(r, err);
    return status == NACRE_OK ? ncr_plan_step_child(r->open, wants, more, err) : status;
}

/* An object that the root's open has found and that was not there before (a sidecar) is a change too. */
static nacre_status compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    refresh_plan *r = (refresh_plan *)plan;
    if (!r->has_changed && ncr_pins_count(r->pins) == r->count) {
        ncr_dataset_unref(*r->out);
        *r->out = NULL;
    }
    return NACRE_OK;
}

static void free_plan(ncr_plan *plan)
{
    refresh_plan *r = (refresh_plan *)plan;
    ncr_plan_free(r->open);
    for (size_t i = 0; i < r->count; i++) {
        ncr_file_unref(r->was[i]);
        if (r->now)
            ncr_file_unref(r->now[i].file);
    }
    free(r->was);
    free(r->now);
    ncr_pins_unref(r->pins);
    free(r);
}

static const ncr_plan_class refresh_class = {.step = step, .compose = compose, .free = free_plan};

nacre_status ncr_dataset_refresh(ncr_dataset *dataset, const char *const *drivers, ncr_call *call, ncr_dataset **out,
                                 nacre_error *err)
{
    *out = NULL;
    if (!dataset->pins)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: a view that was not opened by a path is made anew, of refreshed datasets",
                             ncr_dataset_name(dataset));
    refresh_plan *r = ncr_plan_new(sizeof *r, &refresh_class, call);
    if (!r)
        return ncr_error_memory(err);
    r->dataset = dataset;
    r->drivers = drivers;
    r->out = out;
    nacre_status status = ncr_execute(&r->plan, err);
    ncr_plan_free(&r->plan);
    if (status != NACRE_OK) {
        ncr_dataset_unref(*out);
        *out = NULL;
    }
    return status;
}

/* --- Likeness. --- */

static nacre_status differs(const ncr_dataset *was, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CHANGED, "%s: changed since it was opened, and so has its %s; open it again",
                         ncr_dataset_name(was), what);
}

static bool has_same_transform(const ncr_dataset *was, const ncr_dataset *now)
{
    const nacre_transform *a = &was->transform, *b = &now->transform;
    return was->has_transform == now->has_transform && a->a == b->a && a->b == b->b && a->c == b->c && a->d == b->d &&
           a->e == b->e && a->f == b->f;
}

static bool has_same_crs(const ncr_dataset *was, const ncr_dataset *now)
{
    return was->crs && now->crs ? ncr_crs_equal(was->crs, now->crs) : was->crs == now->crs;
}

nacre_status ncr_dataset_check_alike(const ncr_dataset *was, const ncr_dataset *now, nacre_error *err)
{
    char what[96];
    if (was->width != now->width || was->height != now->height)
        snprintf(what, sizeof what, "size, from %dx%d to %dx%d", was->width, was->height, now->width, now->height);
    else if (was->band_count != now->band_count)
        snprintf(what, sizeof what, "number of bands, from %d to %d", was->band_count, now->band_count);
    else if (!has_same_crs(was, now))
        snprintf(what, sizeof what, "CRS");
    else if (!has_same_transform(was, now))
        snprintf(what, sizeof what, "transform");
    else
        what[0] = '\0';
    for (int i = 0; !what[0] && i < was->band_count; i++)
        if (was->bands[i].dtype != now->bands[i].dtype)
            snprintf(what, sizeof what, "data type of band %d, from %s to %s", i + 1,
                     ncr_dtype_name(was->bands[i].dtype), ncr_dtype_name(now->bands[i].dtype));
    return what[0] ? differs(was, what, err) : NACRE_OK;
}
