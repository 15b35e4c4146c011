/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/lazy.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct ncr_lazy {
    _Atomic int references;
    char *path;
    const ncr_object *document; /* referenced */
    ncr_pins *pins;             /* of the tree; referenced */
    int depth;
    char *pinned_version; /* NULL: any */
    pthread_mutex_t lock;
    ncr_dataset *dataset; /* guarded by lock until it is set, which happens once */
};

static ncr_lazy *new_lazy(const char *path)
{
    ncr_lazy *lazy = calloc(1, sizeof *lazy);
    if (!lazy)
        return NULL;
    atomic_init(&lazy->references, 1);
    pthread_mutex_init(&lazy->lock, NULL);
    lazy->path = ncr_text_copy(path);
    if (lazy->path)
        return lazy;
    ncr_lazy_unref(lazy);
    return NULL;
}

ncr_lazy *ncr_lazy_new(const ncr_open_request *request)
{
    ncr_lazy *lazy = new_lazy(request->path);
    if (!lazy)
        return NULL;
    lazy->document = request->document ? ncr_object_ref((ncr_object *)request->document) : NULL;
    lazy->pins = request->pins ? ncr_pins_ref(request->pins) : NULL;
    lazy->depth = request->depth;
    lazy->pinned_version = ncr_text_copy(request->pinned_version);
    if (!request->pinned_version || lazy->pinned_version)
        return lazy;
    ncr_lazy_unref(lazy);
    return NULL;
}

ncr_lazy *ncr_lazy_of(ncr_dataset *dataset)
{
    ncr_lazy *lazy = new_lazy(dataset->path);
    if (lazy)
        lazy->dataset = ncr_dataset_ref(dataset);
    return lazy;
}

ncr_lazy *ncr_lazy_ref(ncr_lazy *lazy)
{
    atomic_fetch_add(&lazy->references, 1);
    return lazy;
}

void ncr_lazy_unref(ncr_lazy *lazy)
{
    if (!lazy || atomic_fetch_sub(&lazy->references, 1) != 1)
        return;
    ncr_dataset_unref(lazy->dataset);
    ncr_object_unref((ncr_object *)lazy->document);
    ncr_pins_unref(lazy->pins);
    pthread_mutex_destroy(&lazy->lock);
    free(lazy->pinned_version);
    free(lazy->path);
    free(lazy);
}

const char *ncr_lazy_path(const ncr_lazy *lazy)
{
    return lazy->path;
}

ncr_dataset *ncr_lazy_dataset(ncr_lazy *lazy)
{
    pthread_mutex_lock(&lazy->lock);
    ncr_dataset *dataset = lazy->dataset;
    pthread_mutex_unlock(&lazy->lock);
    return dataset;
}

typedef struct {
    ncr_plan plan;
    ncr_lazy *lazy;
    ncr_dataset *dataset; /* what the child opened, until it is handed to the lazy */
    ncr_plan *child;      /* NULL: it is open already */
} lazy_plan;

static nacre_status step_lazy(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    lazy_plan *open = (lazy_plan *)plan;
    if (!open->child || ncr_lazy_dataset(open->lazy))
        return NACRE_OK;
    return ncr_plan_step_child(open->child, wants, more, err);
}

/* Hands the dataset to the lazy, unless another reader was there first. */
static nacre_status compose_lazy(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    lazy_plan *open = (lazy_plan *)plan;
    if (!open->dataset)
        return NACRE_OK;
    pthread_mutex_lock(&open->lazy->lock);
    if (!open->lazy->dataset) {
        open->lazy->dataset = open->dataset;
        open->dataset = NULL;
    }
    pthread_mutex_unlock(&open->lazy->lock);
    return NACRE_OK;
}

static void free_lazy(ncr_plan *plan)
{
    lazy_plan *open = (lazy_plan *)plan;
    ncr_plan_free(open->child);
    ncr_dataset_unref(open->dataset);
    ncr_lazy_unref(open->lazy);
    free(open);
}

static const ncr_plan_class lazy_class = {.step = step_lazy, .compose = compose_lazy, .free = free_lazy};

nacre_status ncr_lazy_plan_open(ncr_lazy *lazy, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    lazy_plan *open = ncr_plan_new(sizeof *open, &lazy_class, call);
    if (!open)
        return ncr_error_memory(err);
    open->lazy = ncr_lazy_ref(lazy);
    if (!ncr_lazy_dataset(lazy)) {
        ncr_open_request request = {.path = lazy->path,
                                    .document = lazy->document,
                                    .depth = lazy->depth,
                                    .pins = lazy->pins,
                                    .pinned_version = lazy->pinned_version};
        nacre_status status = ncr_dataset_plan_open(&request, call, &open->dataset, &open->child, err);
        if (status != NACRE_OK) {
            ncr_plan_free(&open->plan);
            return status;
        }
    }
    *out = &open->plan;
    return NACRE_OK;
}

void ncr_lazy_sources(ncr_lazy *lazy,
                      void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                      void *user)
{
    ncr_dataset *dataset = ncr_lazy_dataset(lazy);
    if (dataset)
        ncr_dataset_sources(dataset, function, user);
    else
        function(user, lazy->path, lazy->pinned_version ? lazy->pinned_version : "", "");
}
