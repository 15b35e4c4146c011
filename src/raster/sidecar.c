/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/sidecar.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *const suffixes[NCR_SIDECAR_KINDS] = {
    [NCR_SIDECAR_OVR] = ".ovr",
    [NCR_SIDECAR_MSK] = ".msk",
    [NCR_SIDECAR_AUX_XML] = ".aux.xml",
};

void ncr_sidecars_clear(ncr_sidecars *sidecars)
{
    for (int i = 0; i < NCR_SIDECAR_KINDS; i++)
        free(sidecars->paths[i]);
    *sidecars = (ncr_sidecars){0};
}

typedef enum { START, LISTING, SINGLE } phase;

typedef struct {
    ncr_plan plan;
    ncr_file *file;
    ncr_sidecars *out;
    phase phase;
    ncr_list_op list;
    nacre_status list_status;
    nacre_error list_error;
    /* Of the single requests. */
    char *paths[NCR_SIDECAR_KINDS];
    ncr_file *files[NCR_SIDECAR_KINDS];
    nacre_status statuses[NCR_SIDECAR_KINDS];
    nacre_error errors[NCR_SIDECAR_KINDS];
} sidecar_plan;

/* What is not there, or not to be read, is no sidecar; a network that failed says nothing of it. */
static bool means_absent(nacre_status status)
{
    return status == NACRE_ERROR_NOT_FOUND || status == NACRE_ERROR_DENIED || status == NACRE_ERROR_OFFLINE;
}

static nacre_status ask_list(sidecar_plan *plan, ncr_wants *wants, nacre_error *err)
{
    plan->phase = LISTING;
    ncr_want want = {.kind = NCR_WANT_LIST,
                     .object = (ncr_object *)ncr_file_object(plan->file),
                     .list_out = &plan->list,
                     .status_out = &plan->list_status,
                     .error_out = &plan->list_error};
    return ncr_wants_add(wants, &want, err);
}

static nacre_status ask_single(sidecar_plan *plan, ncr_wants *wants, nacre_error *err)
{
    plan->phase = SINGLE;
    const ncr_object *object = ncr_file_object(plan->file);
    /* What limits the file's own opening limits theirs. */
    bool is_bound = object->public_only || object->policy.origin == NCR_POLICY_OF_ARGUMENT;
    for (int i = 0; i < NCR_SIDECAR_KINDS; i++) {
        plan->paths[i] = ncr_text_format("%s%s", ncr_file_path(plan->file), suffixes[i]);
        if (!plan->paths[i])
            return ncr_error_memory(err);
        ncr_want want = {.kind = NCR_WANT_OPEN,
                         .path = plan->paths[i],
                         .document = is_bound ? object : NULL,
                         .file_out = &plan->files[i],
                         .status_out = &plan->statuses[i],
                         .error_out = &plan->errors[i]};
        nacre_status status = ncr_wants_add(wants, &want, err);
        if (status != NACRE_OK)
            return status;
    }
    return NACRE_OK;
}

static nacre_status take_list(sidecar_plan *plan, nacre_error *err)
{
    const char *key = ncr_file_object(plan->file)->key;
    size_t length = strlen(key);
    for (size_t i = 0; i < plan->list.entry_count; i++) {
        const ncr_entry *entry = &plan->list.entries[i];
        if (entry->is_prefix || strncmp(entry->key, key, length) != 0)
            continue;
        for (int kind = 0; kind < NCR_SIDECAR_KINDS; kind++) {
            if (strcmp(entry->key + length, suffixes[kind]) != 0 || plan->out->paths[kind])
                continue;
            plan->out->paths[kind] = ncr_text_format("%s%s", ncr_file_path(plan->file), suffixes[kind]);
            if (!plan->out->paths[kind])
                return ncr_error_memory(err);
        }
    }
    return NACRE_OK;
}

static nacre_status take_single(sidecar_plan *plan, nacre_error *err)
{
    for (int i = 0; i < NCR_SIDECAR_KINDS; i++) {
        if (plan->statuses[i] == NACRE_OK) {
            plan->out->paths[i] = plan->paths[i];
            plan->paths[i] = NULL;
        } else if (!means_absent(plan->statuses[i])) {
            return ncr_error_copy(err, &plan->errors[i], plan->statuses[i]);
        }
    }
    return NACRE_OK;
}

bool ncr_sidecars_are_wanted(const ncr_call *call)
{
    const char *setting = ncr_config_text(call->config, NCR_KEY_SIDECARS);
    return !setting || strcmp(setting, "never") != 0;
}

static nacre_status step_sidecar(ncr_plan *base, ncr_wants *wants, bool *more, nacre_error *err)
{
    sidecar_plan *plan = (sidecar_plan *)base;
    const ncr_object *object = ncr_file_object(plan->file);
    bool asks_single = object->store->is_local && !object->store->is_view; /* views have a listing at hand */
    switch (plan->phase) {
    case START:
        if (!ncr_sidecars_are_wanted(base->call) || !object->key[0]) /* an archive's only member has none */
            return NACRE_OK;
        *more = true;
        return asks_single ? ask_single(plan, wants, err) : ask_list(plan, wants, err);
    case LISTING:
        if (plan->list_status == NACRE_OK)
            return take_list(plan, err);
        if (plan->list_status != NACRE_ERROR_UNSUPPORTED && !means_absent(plan->list_status))
            return ncr_error_copy(err, &plan->list_error, plan->list_status);
        *more = true;
        return ask_single(plan, wants, err);
    case SINGLE:
        return take_single(plan, err);
    }
    return NACRE_OK;
}

static void free_sidecar(ncr_plan *base)
{
    sidecar_plan *plan = (sidecar_plan *)base;
    ncr_list_op_clear(&plan->list);
    for (int i = 0; i < NCR_SIDECAR_KINDS; i++) {
        free(plan->paths[i]);
        ncr_file_unref(plan->files[i]);
    }
    ncr_file_unref(plan->file);
    free(plan);
}

static const ncr_plan_class sidecar_class = {.step = step_sidecar, .free = free_sidecar};

nacre_status ncr_sidecars_plan(ncr_file *file, ncr_call *call, ncr_sidecars *out, ncr_plan **plan_out, nacre_error *err)
{
    *plan_out = NULL;
    *out = (ncr_sidecars){0};
    sidecar_plan *plan = ncr_plan_new(sizeof *plan, &sidecar_class, call);
    if (!plan)
        return ncr_error_memory(err);
    plan->file = ncr_file_ref(file);
    plan->out = out;
    *plan_out = &plan->plan;
    return NACRE_OK;
}
