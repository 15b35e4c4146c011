/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/sidecar.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *const suffixes[] = {
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

/* What is looked for: names behind the raster's own, then those in place of its ending; of a kind the first one found
 * counts. */
enum { BEHIND = NCR_SIDECAR_RPC, RPC_NAMES = 4, WORLD_NAMES = 3, CANDIDATES = BEHIND + RPC_NAMES + WORLD_NAMES };
/* Those whose names do not begin with the raster's up to its dot, so that the listing does not have them. */
enum { UNLISTED = BEHIND + 2, UNLISTED_END = BEHIND + RPC_NAMES };

typedef enum { START, LISTING, SINGLE } phase;

typedef struct {
    ncr_plan plan;
    ncr_file *file;
    ncr_sidecars *out;
    phase phase;
    bool with_replaced;
    size_t key_stem;              /* bytes of the key before its ending, the dot included; 0: it has none */
    char *names[CANDIDATES];      /* keys of candidates; NULL: not looked for */
    char *candidates[CANDIDATES]; /* their paths */
    ncr_object *prefix;           /* of the listing; referenced */
    ncr_list_op list;
    nacre_status list_status;
    nacre_error list_error;
    /* Of the single requests. */
    ncr_file *files[CANDIDATES];
    nacre_status statuses[CANDIDATES];
    nacre_error errors[CANDIDATES];
} sidecar_plan;

/* What is not there, or not to be read, is no sidecar; a network that failed says nothing of it. */
static bool means_absent(nacre_status status)
{
    return status == NACRE_ERROR_NOT_FOUND || status == NACRE_ERROR_DENIED || status == NACRE_ERROR_OFFLINE;
}

static ncr_sidecar_kind kind_of(int candidate)
{
    if (candidate < BEHIND)
        return (ncr_sidecar_kind)candidate;
    return candidate < BEHIND + RPC_NAMES ? NCR_SIDECAR_RPC : NCR_SIDECAR_WORLD;
}

/* --- Names --- */

/* Bytes before the ending, the dot included; 0: there is none. */
static size_t stem_of(const char *key)
{
    const char *dot = strrchr(key, '.'), *slash = strrchr(key, '/');
    bool has_ending = dot && dot != key && dot[1] && (!slash || dot > slash + 1);
    return has_ending ? (size_t)(dot - key) + 1 : 0;
}

/* A name in place of that with its ending. Those of world files as GDAL tries them: the first and last letter of the
 * ending and a w, the ending and a w. */
static char *replaced_name(const char *name, size_t stem, int candidate)
{
    static const char *const rpc[RPC_NAMES] = {".RPB", ".rpb", "_RPC.TXT", "_rpc.txt"};
    const char *ending = name + stem;
    int number = candidate - BEHIND;
    if (number < RPC_NAMES)
        return ncr_text_format("%.*s%s", (int)stem - 1, name, rpc[number]);
    if (number == RPC_NAMES)
        return ncr_text_format("%.*s%c%cw", (int)stem, name, ending[0], ending[strlen(ending) - 1]);
    return number == RPC_NAMES + 1 ? ncr_text_format("%sw", name) : ncr_text_format("%.*swld", (int)stem, name);
}

static char *candidate_name(const char *name, size_t stem, int candidate)
{
    return candidate < BEHIND ? ncr_text_format("%s%s", name, suffixes[candidate])
                              : replaced_name(name, stem, candidate);
}

static nacre_status make_names(sidecar_plan *plan, nacre_error *err)
{
    const char *key = ncr_file_object(plan->file)->key, *path = ncr_file_path(plan->file);
    size_t key_stem = stem_of(key), path_stem = stem_of(path);
    bool has_ending = plan->with_replaced && key_stem && path_stem && !strcmp(key + key_stem, path + path_stem);
    for (int i = 0; i < (has_ending ? CANDIDATES : BEHIND); i++) {
        plan->names[i] = candidate_name(key, key_stem, i);
        plan->candidates[i] = candidate_name(path, path_stem, i);
        if (!plan->names[i] || !plan->candidates[i])
            return ncr_error_memory(err);
    }
    plan->key_stem = has_ending ? key_stem : 0;
    return NACRE_OK;
}

static void take(sidecar_plan *plan, int candidate)
{
    char **to = &plan->out->paths[kind_of(candidate)];
    if (*to)
        return;
    *to = plan->candidates[candidate];
    plan->candidates[candidate] = NULL;
}

/* --- By single requests --- */

static bool asks_for_replaced(const sidecar_plan *plan)
{
    const char *setting = ncr_config_text(plan->plan.call->config, NCR_KEY_SIDECARS);
    return ncr_file_object(plan->file)->store->is_local || (setting && !strcmp(setting, "always"));
}

/* Asks for the candidates [first, end). */
static nacre_status ask_single(sidecar_plan *plan, int first, int end, ncr_wants *wants, nacre_error *err)
{
    const ncr_object *object = ncr_file_object(plan->file);
    /* What limits the file's own opening limits theirs. */
    bool is_bound = object->public_only || object->policy.origin == NCR_POLICY_OF_ARGUMENT;
    nacre_status status = NACRE_OK;
    for (int i = first; i < end && status == NACRE_OK; i++) {
        if (!plan->candidates[i] || (i >= BEHIND && !asks_for_replaced(plan)))
            continue;
        ncr_want want = {.kind = NCR_WANT_OPEN,
                         .path = plan->candidates[i],
                         .document = is_bound ? object : NULL,
                         .file_out = &plan->files[i],
                         .status_out = &plan->statuses[i],
                         .error_out = &plan->errors[i]};
        status = ncr_wants_add(wants, &want, err);
    }
    return status;
}

static nacre_status take_single(sidecar_plan *plan, nacre_error *err)
{
    for (int i = 0; i < CANDIDATES; i++) {
        if (plan->statuses[i] == NACRE_OK)
            take(plan, i);
        else if (!means_absent(plan->statuses[i]))
            return ncr_error_copy(err, &plan->errors[i], plan->statuses[i]);
    }
    return NACRE_OK;
}

/* --- By a listing --- */

/* What is listed has the raster's key without its ending as prefix. */
static nacre_status ask_list(sidecar_plan *plan, ncr_wants *wants, nacre_error *err)
{
    const ncr_object *object = ncr_file_object(plan->file);
    plan->phase = LISTING;
    char *stem =
        plan->key_stem ? ncr_text_format("%.*s", (int)plan->key_stem, object->key) : ncr_text_copy(object->key);
    plan->prefix = stem ? ncr_object_sibling(object, stem) : NULL;
    free(stem);
    if (!plan->prefix)
        return ncr_error_memory(err);
    ncr_want want = {.kind = NCR_WANT_LIST,
                     .object = plan->prefix,
                     .list_out = &plan->list,
                     .status_out = &plan->list_status,
                     .error_out = &plan->list_error};
    nacre_status status = ncr_wants_add(wants, &want, err);
    return status == NACRE_OK ? ask_single(plan, UNLISTED, UNLISTED_END, wants, err) : status;
}

static void take_list(sidecar_plan *plan)
{
    for (int candidate = 0; candidate < CANDIDATES; candidate++)
        for (size_t i = 0; i < plan->list.entry_count && plan->candidates[candidate]; i++) {
            const ncr_entry *entry = &plan->list.entries[i];
            if (!entry->is_prefix && !strcmp(entry->key, plan->names[candidate]))
                take(plan, candidate);
        }
}

/* All by single requests; those that were asked for beside a listing that failed are asked for once. */
static nacre_status ask_all(sidecar_plan *plan, ncr_wants *wants, nacre_error *err)
{
    bool was_asked = plan->phase == LISTING;
    plan->phase = SINGLE;
    nacre_status status = ask_single(plan, 0, was_asked ? UNLISTED : UNLISTED_END, wants, err);
    return status == NACRE_OK ? ask_single(plan, UNLISTED_END, CANDIDATES, wants, err) : status;
}

/* --- The plan --- */

bool ncr_sidecars_are_wanted(const ncr_call *call)
{
    const char *setting = ncr_config_text(call->config, NCR_KEY_SIDECARS);
    return !setting || strcmp(setting, "never") != 0;
}

static nacre_status start(sidecar_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    const ncr_object *object = ncr_file_object(plan->file);
    bool asks_single = object->store->is_local && !object->store->is_view; /* views have a listing at hand */
    if (!ncr_sidecars_are_wanted(plan->plan.call) || !object->key[0])      /* an archive's only member has none */
        return NACRE_OK;
    *more = true;
    nacre_status status = make_names(plan, err);
    if (status != NACRE_OK)
        return status;
    return asks_single ? ask_all(plan, wants, err) : ask_list(plan, wants, err);
}

static nacre_status step_sidecar(ncr_plan *base, ncr_wants *wants, bool *more, nacre_error *err)
{
    sidecar_plan *plan = (sidecar_plan *)base;
    switch (plan->phase) {
    case START:
        return start(plan, wants, more, err);
    case LISTING:
        if (plan->list_status == NACRE_OK) {
            take_list(plan);
            return take_single(plan, err);
        }
        if (plan->list_status != NACRE_ERROR_UNSUPPORTED && !means_absent(plan->list_status))
            return ncr_error_copy(err, &plan->list_error, plan->list_status);
        *more = true;
        return ask_all(plan, wants, err);
    case SINGLE:
        return take_single(plan, err);
    }
    return NACRE_OK;
}

static void free_sidecar(ncr_plan *base)
{
    sidecar_plan *plan = (sidecar_plan *)base;
    ncr_list_op_clear(&plan->list);
    for (int i = 0; i < CANDIDATES; i++) {
        free(plan->names[i]);
        free(plan->candidates[i]);
        ncr_file_unref(plan->files[i]);
    }
    ncr_object_unref(plan->prefix);
    ncr_file_unref(plan->file);
    free(plan);
}

static const ncr_plan_class sidecar_class = {.step = step_sidecar, .free = free_sidecar};

nacre_status ncr_sidecars_plan(ncr_file *file, bool with_replaced, ncr_call *call, ncr_sidecars *out,
                               ncr_plan **plan_out, nacre_error *err)
{
    *plan_out = NULL;
    *out = (ncr_sidecars){0};
    sidecar_plan *plan = ncr_plan_new(sizeof *plan, &sidecar_class, call);
    if (!plan)
        return ncr_error_memory(err);
    plan->file = ncr_file_ref(file);
    plan->with_replaced = with_replaced;
    for (int i = 0; i < CANDIDATES; i++)
        plan->statuses[i] = NACRE_ERROR_NOT_FOUND; /* until it was found */
    plan->out = out;
    *plan_out = &plan->plan;
    return NACRE_OK;
}
