/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/backend.h"

/* The registry: one line a back end. */
static const struct {
    const char *scheme;
    nacre_status (*open)(const ncr_store_options *options, ncr_store **out, nacre_error *err);
} backends[] = {
    {"az", ncr_az_store_open},     {"file", ncr_file_store_open}, {"gs", ncr_gs_store_open},
    {"http", ncr_http_store_open}, {"mem", ncr_mem_store_open},   {"s3", ncr_s3_store_open},
};

nacre_status ncr_store_open(const char *scheme, const char *location, bool anonymous, ncr_config *config,
                            ncr_store **out, nacre_error *err)
{
    *out = NULL;
    ncr_store_options options = {.location = location, .anonymous = anonymous, .config = config};
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++)
        if (strcmp(backends[i].scheme, scheme) == 0)
            return backends[i].open(&options, out, err);
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: no store of this kind is built in", scheme);
}

ncr_store *ncr_store_new(size_t size, const ncr_store_class *class, const char *id, const char *credentials)
{
    assert(size >= sizeof(ncr_store));
    ncr_store *store = calloc(1, size);
    if (!store)
        return NULL;
    atomic_init(&store->references, 1);
    store->class = class;
    store->id = ncr_text_copy(id);
    store->credentials = ncr_text_copy(credentials);
    if (!store->id || !store->credentials) {
        free(store->id);
        free(store->credentials);
        free(store);
        return NULL;
    }
    return store;
}

ncr_store *ncr_store_ref(ncr_store *store)
{
    atomic_fetch_add(&store->references, 1);
    return store;
}

void ncr_store_unref(ncr_store *store)
{
    if (!store || atomic_fetch_sub(&store->references, 1) != 1)
        return;
    if (store->class->free)
        store->class->free(store);
    free(store->id);
    free(store->credentials);
    free(store);
}

size_t ncr_part_size(const ncr_store_class *class, unsigned number)
{
    unsigned step = class->most_parts / 10;
    return step && number ? class->part_size << ((number - 1) / step % 10) : class->part_size;
}

ncr_object *ncr_object_new(ncr_store *store, const char *bucket, const char *key, const char *name, bool public_only)
{
    ncr_object *object = calloc(1, sizeof *object);
    if (!object)
        return NULL;
    atomic_init(&object->references, 1);
    object->store = ncr_store_ref(store);
    object->bucket = ncr_text_copy(bucket);
    object->key = ncr_text_copy(key);
    object->name = ncr_text_copy(name);
    object->id = ncr_text_format("%s/%s/%s", store->id, bucket, key);
    object->public_only = public_only;
    if (!object->bucket || !object->key || !object->name || !object->id) {
        ncr_object_unref(object);
        return NULL;
    }
    return object;
}

ncr_object *ncr_object_ref(ncr_object *object)
{
    atomic_fetch_add(&object->references, 1);
    return object;
}

void ncr_object_unref(ncr_object *object)
{
    if (!object || atomic_fetch_sub(&object->references, 1) != 1)
        return;
    ncr_object_unref(object->document);
    ncr_store_unref(object->store);
    free(object->bucket);
    free(object->key);
    free(object->id);
    free(object->name);
    free(object);
}

/* A name is some beginning ("gs://b/", "/vsimem/", "./") and then the key's end: all of it, or what follows the
 * current directory. The sibling's name has the same beginning. */
static char *sibling_name(const ncr_object *object, const char *key)
{
    size_t name_length = strlen(object->name), key_length = strlen(object->key), same = 0;
    while (same < name_length && same < key_length &&
           object->name[name_length - same - 1] == object->key[key_length - same - 1])
        same++;
    size_t hidden = key_length - same; /* of the key, not in the name */
    if (strncmp(object->key, key, hidden) != 0)
        return ncr_text_copy(key);
    char *beginning = ncr_text_copy_n(object->name, name_length - same);
    char *name = beginning ? ncr_text_format("%s%s", beginning, key + hidden) : NULL;
    free(beginning);
    return name;
}

nacre_status ncr_object_check_key(const ncr_object *object, nacre_error *err)
{
    if (object->key[0])
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: is a %s, not an object", object->name,
                         object->store->class->holder);
}

ncr_object *ncr_object_sibling(const ncr_object *object, const char *key)
{
    char *name = sibling_name(object, key);
    ncr_object *sibling = name ? ncr_object_new(object->store, object->bucket, key, name, object->public_only) : NULL;
    free(name);
    if (sibling)
        sibling->anonymous = object->anonymous;
    if (sibling)
        sibling->policy = object->policy;
    return sibling;
}

bool ncr_store_is_kept(const ncr_store *store)
{
    return !store->is_local && !store->is_view;
}

static ncr_policy policy_of(const ncr_object *object, const ncr_call *call)
{
    if (call->policy.origin == NCR_POLICY_OF_ARGUMENT)
        return call->policy;
    if (object->policy.origin != NCR_POLICY_OF_KEY || object->policy.kind == NCR_POLICY_OFFLINE)
        return object->policy;
    return call->policy;
}

ncr_policy ncr_object_policy(const ncr_object *object, const ncr_call *call)
{
    const ncr_policy fresh = {.kind = NCR_POLICY_FRESH};
    ncr_policy policy = policy_of(object, call);
    bool asks = !ncr_store_is_kept(object->store) || (call->proves_again && policy.kind != NCR_POLICY_OFFLINE);
    return asks ? fresh : policy;
}

bool ncr_object_is_offline(const ncr_object *object, const ncr_call *call)
{
    return ncr_object_policy(object, call).kind == NCR_POLICY_OFFLINE;
}

bool ncr_version_same(const ncr_version *a, const ncr_version *b)
{
    return a->strong && b->strong && ncr_version_matches(a, b);
}

bool ncr_version_matches(const ncr_version *pinned, const ncr_version *found)
{
    return pinned->token[0] && strcmp(pinned->token, found->token) == 0;
}

nacre_status ncr_version_changed(nacre_error *err, const char *name, const ncr_version *expected,
                                 const ncr_version *found)
{
    const char *was = expected->token[0] ? expected->token : "no version";
    if (!found || !found->token[0])
        return ncr_error_set(err, NACRE_ERROR_CHANGED,
                             "%s: changed: it was opened as %s, and the store's answer does not say that it still is",
                             name, was);
    return ncr_error_set(err, NACRE_ERROR_CHANGED, "%s: changed: it was opened as %s and is now %s", name, was,
                         found->token);
}

nacre_status ncr_version_gone(nacre_error *err, const char *name, const ncr_version *expected)
{
    return ncr_error_set(err, NACRE_ERROR_CHANGED, "%s: changed: it was opened as %s, which is no longer there", name,
                         expected->token[0] ? expected->token : "no version");
}

nacre_status ncr_get_check_version(ncr_get *get)
{
    bool is_pinned = get->match == NCR_MATCH_VERSION && get->version->token[0];
    if (!is_pinned || ncr_version_matches(get->version, &get->facts.version))
        return NACRE_OK;
    return ncr_version_changed(&get->error, get->object->name, get->version, &get->facts.version);
}

nacre_status ncr_get_take_end(ncr_get *get)
{
    nacre_status status = ncr_get_check_version(get);
    if (status == NACRE_OK && get->offset < get->facts.size)
        status = ncr_error_set_http(&get->error, NACRE_ERROR_IO, 416,
                                    "%s: the server refuses a range inside the object (416)", get->object->name);
    return status;
}

bool ncr_get_take_not_modified(ncr_get *get, const ncr_version *said)
{
    get->not_modified =
        get->match == NCR_MATCH_MODIFIED && (!said->token[0] || ncr_version_matches(get->version, said));
    if (get->not_modified)
        get->facts.version = *get->version;
    return get->not_modified;
}

bool ncr_get_is_whole(const ncr_get *get)
{
    return get->length == SIZE_MAX && !get->buffer;
}

size_t ncr_get_inside(const ncr_get *get, uint64_t size)
{
    if (get->offset >= size)
        return 0;
    uint64_t left = size - get->offset;
    return left < get->length ? (size_t)left : get->length;
}

nacre_status ncr_whole_read_check(const ncr_call *call, const char *name, uint64_t size, const char *why,
                                  nacre_error *err)
{
    int64_t limit = ncr_config_number(call->config, NCR_KEY_LIMIT_WHOLE_READ);
    if (limit < 0 || size <= (uint64_t)limit)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                         "%s: %" PRIu64 " bytes are more than limit.whole_read (%" PRId64
                         " bytes) lets be read whole%s%s",
                         name, size, limit, why ? ", which is needed since " : "", why ? why : "");
}

void ncr_get_begin(ncr_get *get)
{
    get->not_modified = false;
    get->got = 0;
    get->facts = (ncr_object_facts){.modified_ms = -1};
    get->whole = NULL;
    get->whole_size = 0;
    get->round = get->needed_round;
}

void ncr_stat_op_begin(ncr_stat_op *op)
{
    op->facts = (ncr_object_facts){.modified_ms = -1};
    op->server_ms = -1;
    op->round = op->needed_round;
}

void ncr_list_op_begin(ncr_list_op *op)
{
    op->entries = NULL;
    op->entry_count = 0;
    op->next_page = NULL;
    op->round = op->needed_round;
}

void ncr_get_end(ncr_get *get, nacre_status status)
{
    get->status = status;
    if (status != NACRE_OK) {
        get->got = 0;
        free(get->whole);
        get->whole = NULL;
        get->whole_size = 0;
    }
    get->done(get);
}

void ncr_stat_op_end(ncr_stat_op *op, nacre_status status)
{
    op->status = status;
    op->done(op);
}

void ncr_list_op_end(ncr_list_op *op, nacre_status status)
{
    op->status = status;
    if (status != NACRE_OK)
        ncr_list_op_clear(op);
    op->done(op);
}

bool ncr_list_op_add(ncr_list_op *op, size_t *capacity, const char *key, bool is_prefix, const ncr_object_facts *facts)
{
    char *copy = ncr_text_copy(key);
    if (!copy || !ncr_array_reserve(&op->entries, capacity, op->entry_count + 1, sizeof *op->entries)) {
        free(copy);
        return false;
    }
    ncr_entry *entry = &op->entries[op->entry_count++];
    *entry = (ncr_entry){.key = copy, .is_prefix = is_prefix};
    entry->facts.modified_ms = -1;
    if (facts)
        entry->facts = *facts;
    return true;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const ncr_entry *)a)->key, ((const ncr_entry *)b)->key);
}

void ncr_list_op_sort(ncr_list_op *op)
{
    if (op->entry_count)
        qsort(op->entries, op->entry_count, sizeof *op->entries, compare_entries);
}

void ncr_list_op_clear(ncr_list_op *op)
{
    for (size_t i = 0; i < op->entry_count; i++)
        free(op->entries[i].key);
    free(op->entries);
    free(op->next_page);
    op->entries = NULL;
    op->entry_count = 0;
    op->next_page = NULL;
}
