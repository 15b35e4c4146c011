/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vrt/driver.h"
#include "vrt/view.h"

/* Opening a VRT: its whole text (what the open itself has read, and the rest in one more round), parsed once for each
 * version, then the dataset of its kind. No source is touched. */

enum { MAX_SUBCLASSES = 4 };
static const ncr_vrt_subclass *subclasses[MAX_SUBCLASSES];
static int subclass_count;

void ncr_vrt_subclass_register(const ncr_vrt_subclass *subclass)
{
    assert(subclass_count < MAX_SUBCLASSES);
    if (subclass_count < MAX_SUBCLASSES)
        subclasses[subclass_count++] = subclass;
}

const ncr_vrt_subclass *ncr_vrt_subclass_of(const ncr_dataset *dataset)
{
    for (int i = 0; i < subclass_count; i++)
        if (subclasses[i]->owns(dataset))
            return subclasses[i];
    return NULL;
}

static bool probe(const ncr_open_request *request)
{
    if (!request->file)
        return ncr_text_starts(request->path, "<VRTDataset");
    static const char root[] = "<VRTDataset";
    const ncr_slice *head = ncr_file_head(request->file);
    size_t at = head->size >= 3 && memcmp(head->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < head->size && (head->data[at] == ' ' || (head->data[at] >= '\t' && head->data[at] <= '\r')))
        at++;
    return at < head->size && head->data[at] == '<' &&
           memmem(head->data + at, head->size - at, root, sizeof root - 1) != NULL;
}

/* --- The parsed tree as a value of the cache --- */

typedef struct tree_value {
    ncr_value value;
    ncr_xml *root;
} tree_value;

static void free_tree(ncr_value *value)
{
    ncr_xml_free(((tree_value *)value)->root);
    free(value);
}

static tree_value *tree_new(ncr_xml *root)
{
    tree_value *tree = calloc(1, sizeof *tree);
    if (!tree) {
        ncr_xml_free(root);
        return NULL;
    }
    atomic_init(&tree->value.references, 1);
    tree->value.size = sizeof *tree + ncr_xml_size(root);
    tree->value.free = free_tree;
    tree->root = root;
    return tree;
}

static const ncr_value_key tree_key = {.kind = NCR_VALUE_VRT};

/* --- The plan --- */

typedef struct open_plan {
    ncr_plan plan;
    const ncr_open_request *request;
    ncr_dataset **dataset_out;
    tree_value *tree; /* NULL until it is parsed or found */
    bool asked;
    ncr_slice rest; /* of the text, after the head */
} open_plan;

static nacre_status check_size(const open_plan *open, uint64_t size, nacre_error *err)
{
    int64_t limit = ncr_config_number(open->plan.call->config, NCR_KEY_LIMIT_VRT_TEXT);
    if (limit >= 0 && size > (uint64_t)limit)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%.200s: a VRT of %llu bytes is longer than the key limit.vrt_text allows (%lld)",
                             open->request->path, (unsigned long long)size, (long long)limit);
    return NACRE_OK;
}

/* A document that is among those by which it was named. */
static nacre_status check_cycle(const open_plan *open, nacre_error *err)
{
    const ncr_object *object = open->request->file ? ncr_file_object(open->request->file) : NULL;
    for (const ncr_object *by = object ? open->request->document : NULL; by; by = by->document)
        if (strcmp(by->id, object->id) == 0)
            return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: names itself%s", open->request->path,
                                 by == open->request->document ? "" : ", through other VRTs");
    return NACRE_OK;
}

static nacre_status step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    open_plan *open = (open_plan *)plan;
    ncr_file *file = open->request->file;
    if (!file || open->asked)
        return file ? NACRE_OK : check_size(open, strlen(open->request->path), err);
    open->asked = true;
    nacre_status status = check_cycle(open, err);
    if (status == NACRE_OK)
        status = check_size(open, ncr_file_size(file), err);
    if (status != NACRE_OK)
        return status;
    open->tree = (tree_value *)ncr_cache_value_get(ncr_file_pin(file), tree_key, open->plan.call);
    size_t have = ncr_file_head(file)->size;
    if (open->tree || have >= ncr_file_size(file))
        return NACRE_OK;
    *more = true;
    ncr_want want = {.kind = NCR_WANT_READ,
                     .file = file,
                     .offset = have,
                     .length = (size_t)ncr_file_size(file) - have,
                     .slice_out = &open->rest};
    return ncr_wants_add(wants, &want, err);
}

static nacre_status parse_text(open_plan *open, const char *text, size_t size, nacre_error *err)
{
    ncr_xml *root;
    const char *name = open->request->file ? open->request->path : "VRT text";
    nacre_status status = ncr_xml_parse(text, size, name, &root, err);
    if (status != NACRE_OK)
        return status;
    open->tree = tree_new(root);
    return open->tree ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status parse_file(open_plan *open, nacre_error *err)
{
    const ncr_slice *head = ncr_file_head(open->request->file);
    if (!open->rest.size)
        return parse_text(open, (const char *)head->data, head->size, err);
    size_t size;
    char *whole = ncr_size_add(head->size, open->rest.size, &size) ? malloc(size) : NULL;
    if (!whole)
        return ncr_error_memory(err);
    memcpy(whole, head->data, head->size);
    memcpy(whole + head->size, open->rest.data, open->rest.size);
    nacre_status status = parse_text(open, whole, size, err);
    free(whole);
    return status;
}

static nacre_status make_tree(open_plan *open, nacre_error *err)
{
    if (open->tree)
        return NACRE_OK;
    if (!open->request->file)
        return parse_text(open, open->request->path, strlen(open->request->path), err);
    nacre_status status = parse_file(open, err);
    if (status == NACRE_OK)
        ncr_cache_value_put(ncr_file_pin(open->request->file), tree_key, &open->tree->value);
    return status;
}

/* The element may follow others of no meaning to us, but must be the root. */
static nacre_status make_dataset(open_plan *open, nacre_error *err)
{
    const ncr_open_request *request = open->request;
    const ncr_xml *root = open->tree->root;
    ncr_vrt_document document = {
        .path = request->file ? request->path : "",
        .object = request->file ? ncr_file_object(request->file) : request->document,
        .depth = request->depth,
        .pins = request->pins,
    };
    document.may_name_files = ncr_vfs_is_trusted(document.object, open->plan.call);
    if (!ncr_text_equal_nocase(ncr_xml_name(root), "VRTDataset"))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: its root element is %.60s, not VRTDataset", request->path,
                             ncr_xml_name(root));
    const char *name = ncr_xml_attribute(root, "subClass", "");
    if (!name[0])
        return ncr_vrt_view_read(root, &document, request->file, open->dataset_out, err);
    for (int i = 0; i < subclass_count; i++)
        if (ncr_text_equal_nocase(subclasses[i]->name, name))
            return subclasses[i]->read(root, &document, request->file, open->plan.call, open->dataset_out, err);
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%.200s: %.60s is not supported in a VRT",
                         request->file ? request->path : "VRT text", name);
}

static nacre_status compose(ncr_plan *plan, nacre_error *err)
{
    open_plan *open = (open_plan *)plan;
    nacre_status status = make_tree(open, err);
    return status == NACRE_OK ? make_dataset(open, err) : status;
}

static void free_plan(ncr_plan *plan)
{
    open_plan *open = (open_plan *)plan;
    ncr_slice_clear(&open->rest);
    if (open->tree)
        ncr_value_unref(&open->tree->value);
    free(open);
}

static const ncr_plan_class open_class = {.step = step, .compose = compose, .free = free_plan};

static nacre_status plan_open(const ncr_open_request *request, ncr_call *call, ncr_dataset **dataset_out,
                              ncr_plan **out, nacre_error *err)
{
    *dataset_out = NULL;
    open_plan *open = ncr_plan_new(sizeof *open, &open_class, call);
    *out = (ncr_plan *)open;
    if (!open)
        return ncr_error_memory(err);
    open->request = request;
    open->dataset_out = dataset_out;
    return NACRE_OK;
}

const ncr_driver ncr_vrt_driver = {.name = "VRT", .probe = probe, .plan_open = plan_open};
