/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/backend.h"
#include "vfs/zip.h"

/* The table of the store of an archive's members: what is there, listings, and that nothing can be written. */

/* --- What is there. --- */

typedef struct looking {
    ncr_zip_ask ask;
    ncr_stat_op *stat;
    ncr_list_op *list;
    ncr_version version; /* of the page before */
} looking;

static void stat_asked(ncr_zip_ask *ask)
{
    looking *l = ask->user;
    ncr_stat_op *op = l->stat;
    nacre_status status = ask->status;
    op->round = ask->round;
    ncr_zip_entry *entry;
    if (status != NACRE_OK)
        op->error = ask->error;
    else
        status = ncr_zip_look_up(op->object, ask->directory, &entry, &op->error);
    if (status == NACRE_OK)
        ncr_zip_set_facts(entry, ncr_pin_facts(ask->pin), &op->facts);
    ncr_zip_ask_clear(ask);
    free(l);
    ncr_stat_op_end(op, status);
}

static void zip_stat(ncr_stat_op *op)
{
    ncr_stat_op_begin(op);
    looking *l = calloc(1, sizeof *l);
    if (!l) {
        ncr_stat_op_end(op, ncr_error_memory(&op->error));
        return;
    }
    l->stat = op;
    l->ask = (ncr_zip_ask){
        .member = op->object, .call = op->call, .needed_round = op->needed_round, .done = stat_asked, .user = l};
    ncr_zip_ask_start(&l->ask);
}

/* --- Listings. A page's token is the version of the members, a line break, and the last key: the pages of one listing
 * are of one version of the archive. --- */

static const char *last_key(const char *page)
{
    const char *key = strchr(page, '\n');
    return key ? key + 1 : "";
}

/* Index of the first entry behind those that begin with `prefix`, which ends with a slash. */
static bool find_behind(const ncr_zip_directory *directory, const char *prefix, size_t *at)
{
    char *next = ncr_text_copy(prefix);
    if (!next)
        return false;
    next[strlen(next) - 1] = '/' + 1;
    *at = ncr_zip_lower_bound(directory, next);
    free(next);
    return true;
}

static bool find_start(const ncr_list_op *op, const ncr_zip_directory *directory, size_t *at)
{
    const char *from = op->page ? last_key(op->page) : op->object->key;
    size_t length = strlen(from);
    if (op->page && !op->recursive && length && from[length - 1] == '/')
        return find_behind(directory, from, at);
    *at = ncr_zip_lower_bound(directory, from);
    if (op->page && *at < directory->count && strcmp(directory->entries[*at].name, from) == 0)
        (*at)++;
    return true;
}

/* Adds the entry at *at, or the prefix it is folded into, and moves *at beyond what was added. */
static bool list_one(ncr_list_op *op, const ncr_zip_ask *ask, size_t *capacity, size_t *at)
{
    const ncr_zip_entry *entry = &ask->directory->entries[*at];
    const char *rest = entry->name + strlen(op->object->key);
    const char *slash = op->recursive ? NULL : strchr(rest, '/');
    if (slash) {
        char *prefix = ncr_text_copy_n(entry->name, (size_t)(slash + 1 - entry->name));
        bool added =
            prefix && ncr_list_op_add(op, capacity, prefix, true, NULL) && find_behind(ask->directory, prefix, at);
        free(prefix);
        return added;
    }
    (*at)++;
    size_t length = strlen(entry->name);
    if (entry->name[length - 1] == '/') /* a directory's own entry */
        return true;
    ncr_object_facts facts;
    ncr_zip_set_facts(entry, ncr_pin_facts(ask->pin), &facts);
    return ncr_list_op_add(op, capacity, entry->name, false, &facts);
}

static bool list_page(ncr_list_op *op, const ncr_zip_ask *ask)
{
    const ncr_zip_directory *directory = ask->directory;
    size_t at, capacity = 0, most = op->max_entries ? op->max_entries : 1000;
    if (!find_start(op, directory, &at))
        return false;
    while (at < directory->count && ncr_text_starts(directory->entries[at].name, op->object->key)) {
        if (op->entry_count == most) {
            ncr_version version = ncr_zip_member_version(ncr_pin_facts(ask->pin));
            op->next_page = ncr_text_format("%s\n%s", version.strong ? version.token : "", op->entries[most - 1].key);
            return op->next_page != NULL;
        }
        if (!list_one(op, ask, &capacity, &at))
            return false;
    }
    return true;
}

static void list_asked(ncr_zip_ask *ask)
{
    looking *l = ask->user;
    ncr_list_op *op = l->list;
    nacre_status status = ask->status;
    op->round = ask->round;
    if (status != NACRE_OK)
        op->error = ask->error;
    else if (!list_page(op, ask))
        status = ncr_error_memory(&op->error);
    ncr_zip_ask_clear(ask);
    free(l);
    ncr_list_op_end(op, status);
}

static void zip_list(ncr_list_op *op)
{
    ncr_list_op_begin(op);
    looking *l = calloc(1, sizeof *l);
    if (!l) {
        ncr_list_op_end(op, ncr_error_memory(&op->error));
        return;
    }
    size_t length = op->page ? strcspn(op->page, "\n") : 0;
    if (length && length < sizeof l->version.token) {
        memcpy(l->version.token, op->page, length);
        l->version.strong = true;
    }
    l->list = op;
    l->ask = (ncr_zip_ask){.member = op->object,
                           .call = op->call,
                           .version = length ? &l->version : NULL,
                           .needed_round = op->needed_round,
                           .done = list_asked,
                           .user = l};
    ncr_zip_ask_start(&l->ask);
}

/* --- Writing. --- */

static nacre_status refuse(const ncr_object *object, ncr_outcome *outcome, nacre_error *err)
{
    if (outcome)
        *outcome = NCR_OUTCOME_NOT_DONE;
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                         "%s: members of archives are only read; make the archive anew and put it in place of this one",
                         object->name);
}

static nacre_status zip_put(ncr_put *put, nacre_error *err)
{
    return refuse(put->object, &put->outcome, err);
}

static nacre_status zip_copy(ncr_copy *copy, nacre_error *err)
{
    return refuse(copy->destination, &copy->outcome, err);
}

static nacre_status zip_remove(ncr_delete *op, nacre_error *err)
{
    return refuse(op->object, &op->outcome, err);
}

static nacre_status zip_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                     const char *content_type, ncr_upload **out, nacre_error *err)
{
    (void)call;
    (void)condition;
    (void)content_type;
    *out = NULL;
    return refuse(object, NULL, err);
}

const ncr_store_class ncr_zip_class = {
    .name = "zip",
    .part_size = (size_t)1 << 20,
    .parts_at_once = 1,
    .get = ncr_zip_get,
    .stat = zip_stat,
    .list = zip_list,
    .put = zip_put,
    .copy = zip_copy,
    .remove = zip_remove,
    .upload_begin = zip_upload_begin, /* so there is none to go on with */
    .free = ncr_zip_store_clear,
};
