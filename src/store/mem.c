/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fork.h"
#include "store/backend.h"

/* Objects in this process's memory: one table, sorted by key, shared by all stores of this kind. Versions are numbers
 * that are never given twice. Contents are immutable and reference-counted, so that a reader copies without the lock
 * while another thread replaces the object. */

typedef struct blob {
    _Atomic int references;
    size_t size;
    uint8_t data[];
} blob;

typedef struct entry {
    char *key;
    blob *content;
    ncr_object_facts facts;
} entry;

typedef struct mem_upload {
    ncr_upload base;
    ncr_buffer content;
    char *content_type;
    bool absent, has_version;
    ncr_version version;
} mem_upload;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by lock. */
static entry *table;
static size_t table_count, table_capacity;
static uint64_t last_version;

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&lock);
}

static blob *blob_new(const void *data, size_t size)
{
    blob *b = size <= SIZE_MAX - sizeof *b ? malloc(sizeof *b + size) : NULL;
    if (!b)
        return NULL;
    atomic_init(&b->references, 1);
    b->size = size;
    if (size)
        memcpy(b->data, data, size);
    return b;
}

static blob *blob_ref(blob *b)
{
    atomic_fetch_add(&b->references, 1);
    return b;
}

static void blob_unref(blob *b)
{
    if (b && atomic_fetch_sub(&b->references, 1) == 1)
        free(b);
}

/* Index of the first entry whose key is not before `key`. */
static size_t lower_bound_locked(const char *key)
{
    size_t low = 0, high = table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(table[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static entry *find_locked(const char *key)
{
    size_t at = lower_bound_locked(key);
    return at < table_count && strcmp(table[at].key, key) == 0 ? &table[at] : NULL;
}

/* A reference to the content and a copy of the facts; NULL: no such object. */
static blob *look_up(const char *key, ncr_object_facts *facts)
{
    pthread_mutex_lock(&lock);
    const entry *found = find_locked(key);
    blob *content = found ? blob_ref(found->content) : NULL;
    if (found)
        *facts = found->facts;
    pthread_mutex_unlock(&lock);
    return content;
}

static nacre_status not_found(const char *name, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: not found in memory", name);
}

static nacre_status read_blob(ncr_get *get, const blob *content)
{
    const char *name = get->object->name;
    nacre_status status = ncr_get_check_version(get);
    if (status != NACRE_OK)
        return status;
    get->not_modified = get->match == NCR_MATCH_MODIFIED && ncr_version_same(get->version, &get->facts.version);
    if (get->not_modified)
        return NACRE_OK;
    if (!ncr_get_is_whole(get)) {
        get->got = ncr_get_inside(get, content->size);
        if (get->got)
            memcpy(get->buffer, content->data + get->offset, get->got);
        return NACRE_OK;
    }
    status = ncr_whole_read_check(get->call, name, content->size, NULL, &get->error);
    if (status != NACRE_OK)
        return status;
    get->whole = malloc(content->size + 1);
    if (!get->whole)
        return ncr_error_memory(&get->error);
    memcpy(get->whole, content->data, content->size);
    get->whole_size = content->size;
    return NACRE_OK;
}

static void mem_get(ncr_get *get)
{
    ncr_get_begin(get);
    nacre_status status = ncr_call_check(get->call, get->object->name, &get->error);
    if (status == NACRE_OK) {
        blob *content = look_up(get->object->key, &get->facts);
        if (content)
            status = read_blob(get, content);
        else if (get->match == NCR_MATCH_VERSION)
            status = ncr_version_gone(&get->error, get->object->name, get->version);
        else
            status = not_found(get->object->name, &get->error);
        blob_unref(content);
    }
    ncr_get_end(get, status);
}

static void mem_stat(ncr_stat_op *op)
{
    ncr_stat_op_begin(op);
    nacre_status status = NACRE_OK;
    blob *content = look_up(op->object->key, &op->facts);
    if (!content)
        status = not_found(op->object->name, &op->error);
    blob_unref(content);
    ncr_stat_op_end(op, status);
}

/* Adds the entry at *at, or the prefix it is folded into, and moves *at beyond what was added. */
static bool list_one_locked(ncr_list_op *op, size_t *capacity, size_t *at)
{
    const entry *e = &table[*at];
    const char *rest = e->key + strlen(op->object->key);
    const char *slash = op->recursive ? NULL : strchr(rest, '/');
    if (!slash) {
        (*at)++;
        return ncr_list_op_add(op, capacity, e->key, false, &e->facts);
    }
    char *prefix = ncr_text_copy_n(e->key, (size_t)(slash + 1 - e->key));
    bool added = prefix && ncr_list_op_add(op, capacity, prefix, true, NULL);
    while (prefix && *at < table_count && ncr_text_starts(table[*at].key, prefix))
        (*at)++;
    free(prefix);
    return added;
}

/* Where a page begins: after the last entry of the page before, which is what its token holds. */
static size_t page_start_locked(const ncr_list_op *op)
{
    if (!op->page)
        return lower_bound_locked(op->object->key);
    size_t at = lower_bound_locked(op->page), length = strlen(op->page);
    bool is_prefix = !op->recursive && length > strlen(op->object->key) && op->page[length - 1] == '/';
    while (at < table_count &&
           (strcmp(table[at].key, op->page) == 0 || (is_prefix && ncr_text_starts(table[at].key, op->page))))
        at++;
    return at;
}

static void mem_list(ncr_list_op *op)
{
    size_t capacity = 0, most = op->max_entries ? op->max_entries : 1000;
    bool enough_memory = true;
    ncr_list_op_begin(op);
    pthread_mutex_lock(&lock);
    size_t at = page_start_locked(op);
    while (enough_memory && at < table_count && ncr_text_starts(table[at].key, op->object->key)) {
        if (op->entry_count == most) {
            op->next_page = ncr_text_copy(op->entries[most - 1].key);
            enough_memory = op->next_page != NULL;
            break;
        }
        enough_memory = list_one_locked(op, &capacity, &at);
    }
    pthread_mutex_unlock(&lock);
    ncr_list_op_end(op, enough_memory ? NACRE_OK : ncr_error_memory(&op->error));
}

static nacre_status check_locked(const entry *found, const char *name, bool absent, const ncr_version *version,
                                 nacre_error *err)
{
    if (absent && found)
        return ncr_error_set(err, NACRE_ERROR_EXISTS, "%s: exists already", name);
    if (version && !found)
        return ncr_version_gone(err, name, version);
    if (version && !ncr_version_matches(version, &found->facts.version))
        return ncr_version_changed(err, name, version, &found->facts.version);
    return NACRE_OK;
}

/* The entry of a key, made where there is none; NULL: out of memory. */
static entry *entry_locked(const char *key)
{
    entry *found = find_locked(key);
    if (found)
        return found;
    char *copy = ncr_text_copy(key);
    if (!copy || !ncr_array_reserve(&table, &table_capacity, table_count + 1, sizeof *table)) {
        free(copy);
        return NULL;
    }
    size_t at = lower_bound_locked(key);
    memmove(&table[at + 1], &table[at], (table_count - at) * sizeof *table);
    table_count++;
    table[at] = (entry){.key = copy};
    return &table[at];
}

/* Makes content (whose reference is taken) the object, if the condition holds; facts are set. */
static nacre_status store_content(const ncr_object *object, const ncr_condition *condition, const char *content_type,
                                  blob *content, ncr_object_facts *facts, nacre_error *err)
{
    blob *old = content;
    pthread_mutex_lock(&lock);
    nacre_status status =
        check_locked(find_locked(object->key), object->name, condition->absent, condition->version, err);
    entry *e = status == NACRE_OK ? entry_locked(object->key) : NULL;
    if (status == NACRE_OK && !e)
        status = ncr_error_memory(err);
    if (e) {
        old = e->content;
        e->content = content;
        e->facts = (ncr_object_facts){.size = content->size, .version.strong = true};
        e->facts.modified_ms = ncr_clock_wall_ms();
        snprintf(e->facts.version.token, sizeof e->facts.version.token, "mem=%llu", (unsigned long long)++last_version);
        snprintf(e->facts.content_type, sizeof e->facts.content_type, "%s", content_type ? content_type : "");
        *facts = e->facts;
    }
    pthread_mutex_unlock(&lock);
    blob_unref(old);
    return status;
}

static nacre_status mem_put(ncr_put *put, nacre_error *err)
{
    put->outcome = NCR_OUTCOME_NOT_DONE;
    blob *content = blob_new(put->data, put->size);
    if (!content)
        return ncr_error_memory(err);
    nacre_status status = store_content(put->object, &put->condition, put->content_type, content, &put->facts, err);
    if (status == NACRE_OK)
        put->outcome = NCR_OUTCOME_DONE;
    return status;
}

static nacre_status mem_copy(ncr_copy *copy, nacre_error *err)
{
    copy->outcome = NCR_OUTCOME_NOT_DONE;
    ncr_object_facts facts;
    blob *content = look_up(copy->source->key, &facts);
    if (!content && copy->source_version)
        return ncr_version_gone(err, copy->source->name, copy->source_version);
    if (!content)
        return not_found(copy->source->name, err);
    if (copy->source_version && !ncr_version_matches(copy->source_version, &facts.version)) {
        blob_unref(content);
        return ncr_version_changed(err, copy->source->name, copy->source_version, &facts.version);
    }
    nacre_status status =
        store_content(copy->destination, &copy->condition, facts.content_type, content, &copy->facts, err);
    if (status == NACRE_OK)
        copy->outcome = NCR_OUTCOME_DONE;
    return status;
}

static nacre_status mem_remove(ncr_delete *op, nacre_error *err)
{
    entry gone = {0};
    op->outcome = NCR_OUTCOME_NOT_DONE;
    pthread_mutex_lock(&lock);
    entry *found = find_locked(op->object->key);
    nacre_status status = check_locked(found, op->object->name, false, op->condition.version, err);
    if (status == NACRE_OK && !found)
        status = not_found(op->object->name, err);
    if (status == NACRE_OK) {
        gone = *found;
        size_t at = (size_t)(found - table);
        table_count--;
        memmove(found, found + 1, (table_count - at) * sizeof *table);
        op->outcome = NCR_OUTCOME_DONE;
    }
    pthread_mutex_unlock(&lock);
    free(gone.key);
    blob_unref(gone.content);
    return status;
}

static void mem_upload_abort(ncr_upload *upload)
{
    mem_upload *up = (mem_upload *)upload;
    if (!up)
        return;
    ncr_buffer_clear(&up->content);
    free(up->content_type);
    ncr_object_unref(up->base.object);
    ncr_call_unref(up->base.call);
    free(up);
}

static nacre_status mem_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                     const char *content_type, ncr_upload **out, nacre_error *err)
{
    *out = NULL;
    mem_upload *up = calloc(1, sizeof *up);
    if (!up)
        return ncr_error_memory(err);
    up->base.object = ncr_object_ref(object);
    up->base.call = ncr_call_ref(call);
    ncr_buffer_init(&up->content, SIZE_MAX / 2);
    up->content_type = ncr_text_copy(content_type ? content_type : "");
    up->absent = condition && condition->absent;
    up->has_version = condition && condition->version;
    if (up->has_version)
        up->version = *condition->version;
    if (!up->content_type) {
        mem_upload_abort(&up->base);
        return ncr_error_memory(err);
    }
    *out = &up->base;
    return NACRE_OK;
}

static nacre_status mem_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size,
                                    nacre_error *err)
{
    (void)number; /* parts come one after another */
    mem_upload *up = (mem_upload *)upload;
    return ncr_buffer_append(&up->content, data, size) ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status mem_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts,
                                      nacre_error *err)
{
    mem_upload *up = (mem_upload *)upload;
    *outcome = NCR_OUTCOME_NOT_DONE;
    ncr_put put = {.object = up->base.object,
                   .condition = {.absent = up->absent, .version = up->has_version ? &up->version : NULL},
                   .content_type = up->content_type,
                   .data = up->content.data,
                   .size = up->content.size};
    nacre_status status = mem_put(&put, err);
    *outcome = put.outcome;
    *facts = put.facts;
    mem_upload_abort(upload);
    return status;
}

static bool mem_can_copy(const ncr_object *source, const ncr_object *destination)
{
    return source->store->class == destination->store->class;
}

static const ncr_store_class mem_class = {
    .name = "mem",
    .part_size = (size_t)1 << 20,
    .parts_at_once = 1,
    .can_copy = mem_can_copy,
    .get = mem_get,
    .stat = mem_stat,
    .list = mem_list,
    .put = mem_put,
    .copy = mem_copy,
    .remove = mem_remove,
    .upload_begin = mem_upload_begin,
    .upload_part = mem_upload_part,
    .upload_finish = mem_upload_finish,
    .upload_abort = mem_upload_abort,
};

nacre_status ncr_mem_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err)
{
    (void)options;
    *out = ncr_store_new(sizeof **out, &mem_class, "mem", "none");
    if (!*out)
        return ncr_error_memory(err);
    (*out)->is_local = true;
    return NACRE_OK;
}
