/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "vfs/object.h"
#include "vfs/vfs.h"
#include "vfs/wait.h"
#include "vfs/zip_path.h"

/* Listings, as a stream of pages. Nothing of them is kept: a later call asks the store again. */

/* Whether pages lead on. A store whose pages never end must not be asked for ever: one whose tokens come again (found
 * as Brent finds cycles, with one token kept), which gives the same page again, or nothing but empty ones. */
typedef struct progress {
    char *token;       /* of the page at the last power of two */
    char *first;       /* the first object of the page before */
    size_t pages;      /* so far */
    size_t next_power; /* the page whose token is kept next */
    size_t empty;      /* pages without an entry, one after the other */
} progress;

enum { EMPTY_PAGES = 1000 };

typedef struct listing {
    ncr_object *prefix; /* its key is the beginning of all keys; its name the beginning of all names */
    bool recursive;
    ncr_call *call;
    nacre_list_function function;
    void *user;
    size_t count;
    bool stopped;
    progress progress;
} listing;

static bool tell(listing *list, const char *path, const ncr_object_facts *facts, bool is_prefix)
{
    nacre_object_info info = {.path = path,
                              .size = is_prefix ? 0 : facts->size,
                              .version = is_prefix ? "" : facts->version.token,
                              .version_is_strong = !is_prefix && facts->version.strong,
                              .is_prefix = is_prefix,
                              .modified_ms = is_prefix ? -1 : facts->modified_ms,
                              .content_type = is_prefix ? "" : facts->content_type,
                              .version_id = is_prefix ? "" : facts->version.version_id,
                              .checksum = is_prefix ? "" : facts->checksum,
                              .policy = ""};
    list->count++;
    list->stopped = !list->function(list->user, &info);
    return !list->stopped;
}

static nacre_status tell_page(listing *list, const ncr_list_op *op, nacre_error *err)
{
    size_t prefix = strlen(list->prefix->key);
    for (size_t i = 0; i < op->entry_count && !list->stopped; i++) {
        const ncr_entry *entry = &op->entries[i];
        if (strncmp(entry->key, list->prefix->key, prefix) != 0)
            return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store lists '%s', which does not lie there",
                                 list->prefix->name, entry->key);
        char *path = ncr_text_format("%s%s", list->prefix->name, entry->key + prefix);
        if (!path)
            return ncr_error_memory(err);
        tell(list, path, &entry->facts, entry->is_prefix);
        free(path);
    }
    return NACRE_OK;
}

static void progress_clear(progress *p)
{
    free(p->token);
    free(p->first);
}

static bool replace(char **slot, const char *text)
{
    free(*slot);
    *slot = ncr_text_copy(text);
    return *slot || !text;
}

/* After a page that has another one behind it. */
static nacre_status look_whether_it_leads_on(progress *p, const ncr_list_op *op, nacre_error *err)
{
    const ncr_entry *entry = op->entry_count ? &op->entries[0] : NULL;
    const char *first = entry && !entry->is_prefix ? entry->key : NULL; /* a prefix may be told twice */
    const char *wrong = NULL;
    p->empty = entry ? 0 : p->empty + 1;
    if (p->token && strcmp(p->token, op->next_page) == 0)
        wrong = "names a page as the next one that was there already";
    else if (p->first && first && strcmp(p->first, first) == 0)
        wrong = "gives the same page again";
    else if (p->empty >= EMPTY_PAGES)
        wrong = "gives empty pages, one after the other";
    if (wrong)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the listing does not end: the store %s", op->object->name,
                             wrong);
    bool is_kept = replace(&p->first, first);
    if (++p->pages > p->next_power) {
        p->next_power = p->next_power * 2 + 1;
        is_kept = is_kept && replace(&p->token, op->next_page);
    }
    return is_kept ? NACRE_OK : ncr_error_memory(err);
}

/* Tells the first page, which is there, and asks for those after it. */
static nacre_status tell_pages(listing *list, ncr_list_op *op, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (;;) {
        if (op->status != NACRE_OK) {
            status = ncr_error_copy(err, &op->error, op->status);
            break;
        }
        status = tell_page(list, op, err);
        if (status == NACRE_OK && !list->stopped && op->next_page)
            status = look_whether_it_leads_on(&list->progress, op, err);
        char *page = op->next_page;
        op->next_page = NULL;
        unsigned round = op->round;
        ncr_list_op_clear(op);
        if (status != NACRE_OK || list->stopped || !page) {
            free(page);
            break;
        }
        *op = (ncr_list_op){.object = list->prefix,
                            .call = list->call,
                            .recursive = list->recursive,
                            .page = page,
                            .needed_round = round};
        ncr_store_ask(NULL, op);
        op->page = NULL;
        free(page);
    }
    ncr_list_op_clear(op);
    progress_clear(&list->progress);
    return status;
}

/* Only URLs have queries, and only their stores have neither buckets nor are local. */
static bool has_query(const ncr_object *object)
{
    return !object->bucket[0] && ncr_store_is_kept(object->store) && strchr(object->key, '?');
}

void ncr_vfs_list_beside_start(ncr_list_op *op)
{
    op->entries = NULL;
    op->entry_count = 0;
    op->next_page = NULL;
    op->round = op->needed_round;
    op->status = ncr_object_begin(op->object, op->call, &op->error);
    if (op->status == NACRE_OK && !has_query(op->object))
        op->object->store->class->list(op);
    else
        op->done(op);
}

/* A place that is there although nothing is in it: a bucket, whose listing succeeded, or a directory. */
static bool exists_empty(const ncr_object *prefix)
{
    struct stat st;
    if (!prefix->key[0])
        return true;
    return strcmp(prefix->store->class->name, "file") == 0 && stat(prefix->key, &st) == 0 && S_ISDIR(st.st_mode);
}

static nacre_status not_found(const ncr_object *object, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: not found: neither an object nor a prefix of any",
                         object->name);
}

/* What a path names that ends with a slash, or a whole bucket. */
static nacre_status list_prefix(listing *list, nacre_error *err)
{
    ncr_list_op op = {.object = list->prefix, .call = list->call, .recursive = list->recursive};
    ncr_store_ask(NULL, &op);
    nacre_status status = tell_pages(list, &op, err);
    if (status == NACRE_OK && !list->count && !exists_empty(list->prefix))
        return not_found(list->prefix, err);
    return status;
}

/* A path without a slash at its end: the object of that name, else what lies below it. Both are asked for at once. */
static nacre_status list_name(listing *list, ncr_object *object, nacre_error *err)
{
    ncr_stat_op stat = {.object = object, .call = list->call};
    ncr_list_op op = {.object = list->prefix, .call = list->call, .recursive = list->recursive};
    ncr_store_ask(&stat, &op);
    if (stat.status == NACRE_OK) {
        ncr_list_op_clear(&op);
        tell(list, object->name, &stat.facts, false);
        return NACRE_OK;
    }
    if (stat.status != NACRE_ERROR_NOT_FOUND && (op.status != NACRE_OK || !op.entry_count)) {
        ncr_list_op_clear(&op);
        return ncr_error_copy(err, &stat.error, stat.status);
    }
    nacre_error why = {0};
    nacre_status status = tell_pages(list, &op, &why);
    if (status == NACRE_OK && !list->count && !exists_empty(list->prefix))
        return not_found(object, err);
    ncr_error_rename(err, &why, list->prefix->name, object->name); /* as the caller spelled it */
    return status;
}

nacre_status ncr_vfs_list(ncr_object *object, bool recursive, ncr_call *call, nacre_list_function function, void *user,
                          nacre_error *err)
{
    nacre_status status = ncr_object_begin_prefix(object, call, err);
    if (status != NACRE_OK)
        return status;
    listing list = {.recursive = recursive, .call = call, .function = function, .user = user};
    size_t length = strlen(object->key), name_length = strlen(object->name);
    bool is_name = length && object->key[length - 1] != '/';
    const char *slash = name_length && object->name[name_length - 1] != '/' ? "/" : "";
    if (object->store->is_view && !length) /* "zip://a.zip": "zip://a.zip!" begins its names */
        slash = ncr_zip_path_mark(object->name);
    char *key = ncr_text_format("%s%s", object->key, is_name ? "/" : "");
    char *name = ncr_text_format("%s%s", object->name, slash); /* "gs://b" is a bucket: "gs://b/" begins its names */
    if (key && name)
        list.prefix = ncr_object_new(object->store, object->bucket, key, name, object->public_only);
    free(key);
    free(name);
    if (!list.prefix)
        return ncr_error_memory(err);
    status = is_name ? list_name(&list, object, err) : list_prefix(&list, err);
    ncr_object_unref(list.prefix);
    return status;
}
