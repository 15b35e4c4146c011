/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tiff/beside.h"
#include "tiff/dataset.h"
#include "tiff/tiff.h"

/* Opening: the index from the cache, or from the file's head and, where that is not enough, a round for each level of
 * dependency. Beside that, from the round after the header on, files beside it (beside.h) are looked for. */

/* Bytes that a round brought. */
typedef struct piece {
    uint64_t offset;
    ncr_slice slice;
    struct piece *next;
} piece;

typedef struct open_plan {
    ncr_plan base;
    char *path;
    ncr_file *file; /* referenced */
    ncr_dataset **dataset_out;
    ncr_tiff_parser *parser;
    piece *asked, *added; /* of this round; of those before, as the parser borrows them */
    ncr_tiff_index *index;
    const ncr_open_request *request; /* NULL: nothing is looked for beside it */
    bool is_beside_done;
    ncr_tiff_beside beside;
} open_plan;

static const ncr_value_key index_key = {NCR_VALUE_TIFF_INDEX, 0, 0};

static bool probe(const ncr_open_request *request)
{
    const ncr_slice *head = request->file ? ncr_file_head(request->file) : NULL;
    return head && ncr_tiff_probe(head->data, head->size);
}

static nacre_status start_parser(open_plan *plan, nacre_error *err)
{
    int64_t limit = ncr_config_number(plan->base.call->config, NCR_KEY_LIMIT_DIRECTORIES);
    nacre_status status = ncr_tiff_parser_new(plan->path, ncr_file_size(plan->file),
                                              limit < 0 ? SIZE_MAX : (size_t)limit, &plan->parser, err);
    const ncr_slice *head = ncr_file_head(plan->file);
    return status == NACRE_OK ? ncr_tiff_parser_add(plan->parser, 0, head->data, head->size, err) : status;
}

/* Gives the parser what the round brought. */
static nacre_status add_pieces(open_plan *plan, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    while (plan->asked && status == NACRE_OK) {
        piece *p = plan->asked;
        plan->asked = p->next;
        p->next = plan->added;
        plan->added = p;
        status = ncr_tiff_parser_add(plan->parser, p->offset, p->slice.data, p->slice.size, err);
    }
    return status;
}

static nacre_status ask(open_plan *plan, const ncr_tiff_need *need, ncr_wants *wants, nacre_error *err)
{
    piece *p = calloc(1, sizeof *p);
    if (!p)
        return ncr_error_memory(err);
    p->offset = need->offset;
    p->next = plan->asked;
    plan->asked = p;
    ncr_want want = {.kind = NCR_WANT_READ,
                     .file = plan->file,
                     .offset = need->offset,
                     .length = need->length,
                     .slice_out = &p->slice};
    return ncr_wants_add(wants, &want, err);
}

static nacre_status parse_on(open_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    const ncr_tiff_need *needs = NULL;
    size_t count = 0;
    nacre_status status = plan->parser ? add_pieces(plan, err) : start_parser(plan, err);
    if (status == NACRE_OK)
        status = ncr_tiff_parser_step(plan->parser, &needs, &count, &plan->index, err);
    for (size_t i = 0; i < count && status == NACRE_OK; i++)
        status = ask(plan, &needs[i], wants, err);
    *more = status == NACRE_OK && count;
    if (plan->index)
        ncr_cache_value_put(ncr_file_pin(plan->file), index_key, &plan->index->value);
    return status;
}

/* A COG is whole in itself. */
static bool looks_beside(const open_plan *plan)
{
    const char *setting = ncr_config_text(plan->base.call->config, NCR_KEY_SIDECARS);
    bool is_cog = plan->index ? plan->index->is_cog : ncr_tiff_parser_is_cog(plan->parser);
    bool always = setting && !strcmp(setting, "always");
    return plan->request && (always || !is_cog);
}

static nacre_status step(ncr_plan *base, ncr_wants *wants, bool *more, nacre_error *err)
{
    open_plan *plan = (open_plan *)base;
    nacre_status status = NACRE_OK;
    bool is_parsing = false, is_looking = false;
    if (!plan->index && !plan->parser)
        plan->index = (ncr_tiff_index *)ncr_cache_value_get(ncr_file_pin(plan->file), index_key, plan->base.call);
    if (!plan->index)
        status = parse_on(plan, wants, &is_parsing, err);
    if (status == NACRE_OK && !plan->is_beside_done && looks_beside(plan)) {
        status = ncr_tiff_beside_step(&plan->beside, plan->request, plan->index, base->call, wants, &is_looking, err);
        plan->is_beside_done = plan->index && !is_looking;
    }
    *more = is_parsing || is_looking;
    return status;
}

static nacre_status compose(ncr_plan *base, nacre_error *err)
{
    open_plan *plan = (open_plan *)base;
    ncr_tiff_dataset *dataset = NULL;
    nacre_status status = ncr_tiff_dataset_new(plan->path, plan->file, plan->index, &dataset, err);
    if (status == NACRE_OK)
        status = ncr_tiff_beside_attach(&plan->beside, dataset, err);
    if (status == NACRE_OK)
        *plan->dataset_out = &dataset->base;
    else if (dataset)
        ncr_dataset_unref(&dataset->base);
    return status;
}

static void free_pieces(piece *first)
{
    while (first) {
        piece *next = first->next;
        ncr_slice_clear(&first->slice);
        free(first);
        first = next;
    }
}

static void free_plan(ncr_plan *base)
{
    open_plan *plan = (open_plan *)base;
    ncr_tiff_parser_free(plan->parser);
    free_pieces(plan->asked);
    free_pieces(plan->added);
    if (plan->index)
        ncr_value_unref(&plan->index->value);
    ncr_tiff_beside_clear(&plan->beside);
    ncr_file_unref(plan->file);
    free(plan->path);
    free(plan);
}

static const ncr_plan_class open_class = {.step = step, .compose = compose, .free = free_plan};

static nacre_status new_plan(const char *path, ncr_file *file, ncr_call *call, ncr_dataset **dataset_out,
                             open_plan **out, nacre_error *err)
{
    *out = NULL;
    *dataset_out = NULL;
    open_plan *plan = ncr_plan_new(sizeof *plan, &open_class, call);
    if (!plan)
        return ncr_error_memory(err);
    plan->file = ncr_file_ref(file);
    plan->dataset_out = dataset_out;
    plan->path = ncr_text_copy(path);
    if (!plan->path) {
        ncr_plan_free(&plan->base);
        return ncr_error_memory(err);
    }
    *out = plan;
    return NACRE_OK;
}

static nacre_status plan_open(const ncr_open_request *request, ncr_call *call, ncr_dataset **dataset_out,
                              ncr_plan **out, nacre_error *err)
{
    open_plan *plan = NULL;
    nacre_status status = new_plan(request->path, request->file, call, dataset_out, &plan, err);
    if (plan)
        plan->request = request;
    *out = plan ? &plan->base : NULL;
    return status;
}

nacre_status ncr_tiff_plan_open_alone(const char *path, ncr_file *file, ncr_call *call, ncr_dataset **dataset_out,
                                      ncr_plan **out, nacre_error *err)
{
    open_plan *plan = NULL;
    nacre_status status = new_plan(path, file, call, dataset_out, &plan, err);
    *out = plan ? &plan->base : NULL;
    return status;
}

const ncr_driver ncr_tiff_driver = {.name = "GTiff", .probe = probe, .plan_open = plan_open};
