/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dataset.h"
#include "raster/execute.h"

/* Opening a raster: its file, then the driver that knows its first bytes. */

enum { MAX_DRIVERS = 8 };
static const ncr_driver *drivers[MAX_DRIVERS];
static int driver_count;

void ncr_driver_register(const ncr_driver *driver)
{
    assert(driver_count < MAX_DRIVERS);
    if (driver_count < MAX_DRIVERS)
        drivers[driver_count++] = driver;
}

static bool is_allowed(const char *const *names, const ncr_driver *driver)
{
    if (!names)
        return true;
    for (; *names; names++)
        if (ncr_text_equal_nocase(*names, driver->name))
            return true;
    return false;
}

static const ncr_driver *find_driver(const ncr_open_request *request)
{
    for (int i = 0; i < driver_count; i++)
        if (is_allowed(request->drivers, drivers[i]) && drivers[i]->probe(request))
            return drivers[i];
    return NULL;
}

typedef struct {
    ncr_plan plan;
    ncr_open_request request; /* its texts, document and pins owned; lives as long as the driver's plan */
    ncr_dataset **dataset_out;
    bool asked;
    ncr_pinning pinning;
    ncr_plan *child; /* the driver's */
} open_plan;

/* Whether a path is the text of a VRT and names no file. */
static bool is_document_text(const char *path)
{
    return ncr_text_starts(path, "<VRTDataset");
}

/* Sets *more where the file must arrive first. */
static nacre_status find_file(open_plan *open, ncr_wants *wants, bool *more, nacre_error *err)
{
    const ncr_open_request *request = &open->request;
    if (is_document_text(request->path))
        return NACRE_OK;
    if (open->asked)
        return ncr_pinning_arrived(&open->pinning, err);
    open->asked = true;
    return ncr_pinning_begin(&open->pinning, request->pins, request->path, request->document, open->plan.call, wants,
                             more, err);
}

static nacre_status check_version(const ncr_open_request *request, nacre_error *err)
{
    const char *token = request->file ? ncr_file_facts(request->file)->version.token : "";
    if (!request->pinned_version || strcmp(token, request->pinned_version) == 0)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_CHANGED, "%s: changed: it is version %s now, and %s is asked for",
                         request->path, *token ? token : "(none)", request->pinned_version);
}

static nacre_status choose_driver(open_plan *open, nacre_error *err)
{
    open->request.file = open->pinning.file;
    nacre_status status = check_version(&open->request, err);
    if (status != NACRE_OK)
        return status;
    const ncr_driver *driver = find_driver(&open->request);
    if (!driver)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%.512s: not a raster that nacre reads (GeoTIFF, COG, VRT)",
                             open->request.path);
    return driver->plan_open(&open->request, open->plan.call, open->dataset_out, &open->child, err);
}

/* What a refresh will need. */
static void finish(open_plan *open)
{
    ncr_pinning_keep(&open->pinning);
    ncr_dataset *dataset = *open->dataset_out;
    if (!dataset || dataset->pins)
        return;
    dataset->pins = ncr_pins_ref(open->request.pins);
    if (!open->request.file) {
        dataset->text = (char *)open->request.path;
        open->request.path = NULL;
    }
}

static nacre_status step_open(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    open_plan *open = (open_plan *)plan;
    nacre_status status = NACRE_OK;
    *more = false;
    if (!open->child) {
        status = find_file(open, wants, more, err);
        if (status == NACRE_OK && !*more)
            status = choose_driver(open, err);
        if (status != NACRE_OK || *more)
            return status;
    }
    status = ncr_plan_step_child(open->child, wants, more, err);
    if (status == NACRE_OK && !*more)
        finish(open);
    return status;
}

static void free_open(ncr_plan *plan)
{
    open_plan *open = (open_plan *)plan;
    ncr_plan_free(open->child);
    ncr_pinning_clear(&open->pinning);
    ncr_pins_unref(open->request.pins);
    ncr_object_unref((ncr_object *)open->request.document);
    free((char *)open->request.pinned_version);
    free((char *)open->request.path);
    free(open);
}

static const ncr_plan_class open_class = {.step = step_open, .free = free_open};

static nacre_status check_depth(const ncr_open_request *request, ncr_call *call, nacre_error *err)
{
    int64_t limit = ncr_config_number(call->config, NCR_KEY_LIMIT_VRT_DEPTH);
    if (limit < 0 || request->depth <= limit)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                         "%.512s: named by %d documents, one by another: a VRT may name itself (key limit.vrt_depth)",
                         request->path, request->depth);
}

/* false: out of memory; what is there is the caller's all the same. */
static bool copy_request(ncr_open_request *to, const ncr_open_request *from)
{
    *to = *from;
    to->file = NULL;
    to->document = from->document ? ncr_object_ref((ncr_object *)from->document) : NULL;
    to->pins = from->pins ? ncr_pins_ref(from->pins) : ncr_pins_new();
    to->path = ncr_text_copy(from->path);
    to->pinned_version = ncr_text_copy(from->pinned_version);
    return to->pins && to->path && (to->pinned_version || !from->pinned_version);
}

nacre_status ncr_dataset_plan_open(const ncr_open_request *request, ncr_call *call, ncr_dataset **dataset_out,
                                   ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    *dataset_out = NULL;
    nacre_status status = check_depth(request, call, err);
    if (status != NACRE_OK)
        return status;
    open_plan *open = ncr_plan_new(sizeof *open, &open_class, call);
    if (!open)
        return ncr_error_memory(err);
    open->dataset_out = dataset_out;
    if (!copy_request(&open->request, request)) {
        ncr_plan_free(&open->plan);
        return ncr_error_memory(err);
    }
    *out = &open->plan;
    return NACRE_OK;
}

nacre_status ncr_dataset_open(const char *path, const char *const *driver_names, ncr_call *call, ncr_dataset **out,
                              nacre_error *err)
{
    *out = NULL;
    ncr_open_request request = {.path = path, .drivers = driver_names};
    ncr_dataset *dataset = NULL;
    ncr_plan *plan = NULL;
    nacre_status status = ncr_dataset_plan_open(&request, call, &dataset, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    if (status != NACRE_OK) {
        ncr_dataset_unref(dataset);
        return status;
    }
    *out = dataset;
    return NACRE_OK;
}
