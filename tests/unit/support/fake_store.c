/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "support/fake_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cmocka_all.h"

typedef struct server_object {
    char key[64];
    ncr_version version;
    uint8_t *data;
    size_t size;
    bool exists;
} server_object;

typedef struct held_answer {
    ncr_get *get;
    ncr_stat_op *stat;
} held_answer;

enum { MOST_OBJECTS = 128, MOST_HELD = 256, MOST_REQUESTS = 65536 };

struct fake_store {
    pthread_mutex_t lock;
    fake_manners manners;
    ncr_store *store; /* the handle that it is used by unless fake_store_as() is */
    char id[32];
    server_object objects[MOST_OBJECTS];
    held_answer held[MOST_HELD];
    size_t held_count;
    fake_request *requests;
    size_t request_count;
    uint64_t bytes_sent;
    unsigned last_version;
};

typedef struct fake_handle {
    ncr_store base;
    fake_store *server;
} fake_handle;

static fake_store *server_of(const ncr_object *object)
{
    return ((fake_handle *)object->store)->server;
}

uint8_t fake_byte(const char *token, uint64_t offset)
{
    uint64_t hash = offset * UINT64_C(0x9e3779b97f4a7c15);
    for (const char *c = token; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    return (uint8_t)(hash >> 40);
}

static server_object *find_locked(fake_store *server, const char *key)
{
    for (size_t i = 0; i < MOST_OBJECTS; i++)
        if (server->objects[i].exists && strcmp(server->objects[i].key, key) == 0)
            return &server->objects[i];
    return NULL;
}

static void note_locked(fake_store *server, fake_request request)
{
    if (server->request_count < MOST_REQUESTS)
        server->requests[server->request_count++] = request;
}

/* --- What the server has. --- */

static void set_locked(fake_store *server, const char *key, const char *token, bool strong, const void *data,
                       size_t size)
{
    server_object *object = find_locked(server, key);
    for (size_t i = 0; i < MOST_OBJECTS && !object; i++)
        if (!server->objects[i].exists)
            object = &server->objects[i];
    assert_non_null(object);
    uint8_t *copy = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        copy[i] = data ? ((const uint8_t *)data)[i] : fake_byte(token, i);
    if (object->exists)
        free(object->data);
    *object = (server_object){.data = copy, .size = size, .exists = true, .version.strong = strong};
    snprintf(object->key, sizeof object->key, "%s", key);
    snprintf(object->version.token, sizeof object->version.token, "%s", token);
}

void fake_set(fake_store *server, const char *key, const char *token, bool strong, const void *data, size_t size)
{
    pthread_mutex_lock(&server->lock);
    set_locked(server, key, token, strong, data, size);
    pthread_mutex_unlock(&server->lock);
}

static bool remove_locked(fake_store *server, const char *key)
{
    server_object *object = find_locked(server, key);
    if (!object)
        return false;
    free(object->data);
    *object = (server_object){0};
    return true;
}

void fake_remove(fake_store *server, const char *key)
{
    pthread_mutex_lock(&server->lock);
    remove_locked(server, key);
    pthread_mutex_unlock(&server->lock);
}

/* --- Reading. --- */

static nacre_status missing(const ncr_object *object, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: not found", object->name);
}

static void give_bytes(ncr_get *get, const server_object *object, const fake_manners *manners)
{
    size_t size = object->size;
    if (manners->ignore_ranges || get->length == SIZE_MAX) {
        get->whole = malloc(size + 1);
        memcpy(get->whole, object->data, size);
        get->whole_size = size > manners->cut ? size - manners->cut : 0;
        return;
    }
    size_t left = get->offset < size ? size - (size_t)get->offset : 0, count = left < get->length ? left : get->length;
    if (count)
        memcpy(get->buffer, object->data + get->offset, count);
    get->got = count > manners->cut ? count - manners->cut : 0;
}

/* The answer as the server makes it now. */
static nacre_status answer_locked(fake_store *server, ncr_get *get)
{
    const fake_manners *manners = &server->manners;
    const server_object *object = find_locked(server, get->object->key);
    if (manners->fail)
        return ncr_error_set(&get->error, manners->fail, "%s: as the test wishes", get->object->name);
    if (!object)
        return missing(get->object, &get->error);
    get->facts = (ncr_object_facts){.size = object->size, .version = object->version, .modified_ms = -1};
    bool same = get->version && strcmp(get->version->token, object->version.token) == 0;
    if (!manners->ignore_preconditions && get->match == NCR_MATCH_VERSION && !same) {
        get->facts = (ncr_object_facts){.modified_ms = -1}; /* as a 412 */
        return ncr_error_set(&get->error, NACRE_ERROR_CHANGED, "%s: precondition failed", get->object->name);
    }
    bool is_asked = !manners->ignore_preconditions && get->match == NCR_MATCH_MODIFIED && same;
    if (is_asked || manners->always_not_modified) {
        get->not_modified = true;
        return NACRE_OK;
    }
    if (manners->no_version_in_ranges)
        get->facts.version = (ncr_version){0};
    give_bytes(get, object, manners);
    server->bytes_sent += get->whole ? get->whole_size : get->got;
    return NACRE_OK;
}

static void fake_get(ncr_get *get)
{
    fake_store *server = server_of(get->object);
    fake_request request = {.kind = 'g', .match = get->match, .offset = get->offset, .length = get->length};
    if (get->version && get->match != NCR_MATCH_ANY)
        snprintf(request.version, sizeof request.version, "%s", get->version->token);
    pthread_mutex_lock(&server->lock);
    note_locked(server, request);
    ncr_call_count(get->call, NCR_COUNT_REQUESTS, 1);
    get->status = answer_locked(server, get);
    get->round = get->needed_round + 1;
    bool hold = server->manners.hold;
    if (hold) {
        assert_true(server->held_count < MOST_HELD);
        server->held[server->held_count++] = (held_answer){.get = get};
    }
    pthread_mutex_unlock(&server->lock);
    if (!hold)
        get->done(get);
}

static void fake_stat(ncr_stat_op *op)
{
    fake_store *server = server_of(op->object);
    pthread_mutex_lock(&server->lock);
    note_locked(server, (fake_request){.kind = 's'});
    ncr_call_count(op->call, NCR_COUNT_REQUESTS, 1);
    const server_object *object = find_locked(server, op->object->key);
    op->status = NACRE_OK;
    op->round = op->needed_round + 1;
    if (object)
        op->facts = (ncr_object_facts){.size = object->size, .version = object->version, .modified_ms = -1};
    else
        op->status = missing(op->object, &op->error);
    pthread_mutex_unlock(&server->lock);
    op->done(op);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const ncr_entry *)a)->key, ((const ncr_entry *)b)->key);
}

/* One page of all keys that begin so, without folding. */
static void fake_list(ncr_list_op *op)
{
    fake_store *server = server_of(op->object);
    pthread_mutex_lock(&server->lock);
    note_locked(server, (fake_request){.kind = 'l'});
    op->status = NACRE_OK;
    op->entries = calloc(MOST_OBJECTS, sizeof *op->entries);
    for (size_t i = 0; i < MOST_OBJECTS; i++) {
        const server_object *object = &server->objects[i];
        if (object->exists && ncr_text_starts(object->key, op->object->key))
            op->entries[op->entry_count++] = (ncr_entry){.key = ncr_text_copy(object->key),
                                                         .facts = {.size = object->size, .version = object->version}};
    }
    qsort(op->entries, op->entry_count, sizeof *op->entries, compare_entries);
    pthread_mutex_unlock(&server->lock);
    op->done(op);
}

/* --- Changing. --- */

static nacre_status check_locked(fake_store *server, const ncr_object *object, const ncr_condition *condition,
                                 nacre_error *err)
{
    const server_object *found = find_locked(server, object->key);
    if (condition->absent && found)
        return ncr_error_set(err, NACRE_ERROR_EXISTS, "%s: exists", object->name);
    if (condition->version && (!found || strcmp(found->version.token, condition->version->token) != 0))
        return ncr_error_set(err, NACRE_ERROR_CHANGED, "%s: changed", object->name);
    return NACRE_OK;
}

/* Whether a change shall be carried out; *status is what is said of it. */
static bool carry_out_locked(const fake_store *server, const ncr_object *object, nacre_status *status,
                             ncr_outcome *outcome, nacre_error *err)
{
    const fake_manners *manners = &server->manners;
    if (*status == NACRE_OK && manners->fail_change != NCR_OUTCOME_DONE) {
        *outcome = manners->fail_change;
        *status = ncr_error_set(err, NACRE_ERROR_UNAVAILABLE, "%s: timed out", object->name);
        return manners->change_happens;
    }
    *outcome = *status == NACRE_OK ? NCR_OUTCOME_DONE : NCR_OUTCOME_NOT_DONE;
    return *status == NACRE_OK;
}

static void store_locked(fake_store *server, const ncr_object *object, const void *data, size_t size,
                         ncr_object_facts *facts)
{
    char token[32];
    snprintf(token, sizeof token, "own=%u", ++server->last_version);
    set_locked(server, object->key, token, true, data, size);
    *facts = (ncr_object_facts){.size = size, .modified_ms = -1, .version = find_locked(server, object->key)->version};
}

static nacre_status fake_put(ncr_put *put, nacre_error *err)
{
    fake_store *server = server_of(put->object);
    pthread_mutex_lock(&server->lock);
    note_locked(server, (fake_request){.kind = 'p', .length = put->size});
    nacre_status status = check_locked(server, put->object, &put->condition, err);
    if (carry_out_locked(server, put->object, &status, &put->outcome, err))
        store_locked(server, put->object, put->data, put->size, &put->facts);
    pthread_mutex_unlock(&server->lock);
    return status;
}

static bool fake_can_copy(const ncr_object *source, const ncr_object *destination)
{
    return server_of(source) == server_of(destination);
}

static nacre_status fake_copy(ncr_copy *copy, nacre_error *err)
{
    fake_store *server = server_of(copy->source);
    pthread_mutex_lock(&server->lock);
    note_locked(server, (fake_request){.kind = 'c'});
    const ncr_condition same = {.version = copy->source_version};
    nacre_status status = check_locked(server, copy->source, &same, err);
    if (status == NACRE_OK)
        status = check_locked(server, copy->destination, &copy->condition, err);
    const server_object *source = find_locked(server, copy->source->key);
    if (status == NACRE_OK && !source)
        status = missing(copy->source, err);
    if (carry_out_locked(server, copy->destination, &status, &copy->outcome, err)) {
        char *data = malloc(source->size + 1);
        size_t size = source->size;
        memcpy(data, source->data, size);
        store_locked(server, copy->destination, data, size, &copy->facts);
        free(data);
    }
    pthread_mutex_unlock(&server->lock);
    return status;
}

static nacre_status fake_delete(ncr_delete *op, nacre_error *err)
{
    fake_store *server = server_of(op->object);
    pthread_mutex_lock(&server->lock);
    note_locked(server, (fake_request){.kind = 'd'});
    nacre_status status = check_locked(server, op->object, &op->condition, err);
    if (status == NACRE_OK && !find_locked(server, op->object->key))
        status = missing(op->object, err);
    if (carry_out_locked(server, op->object, &status, &op->outcome, err))
        remove_locked(server, op->object->key);
    pthread_mutex_unlock(&server->lock);
    return status;
}

typedef struct fake_upload {
    ncr_upload base;
    ncr_buffer content;
    ncr_condition condition;
} fake_upload;

static void fake_upload_abort(ncr_upload *upload)
{
    fake_upload *up = (fake_upload *)upload;
    ncr_buffer_clear(&up->content);
    ncr_object_unref(up->base.object);
    ncr_call_unref(up->base.call);
    free(up);
}

static nacre_status fake_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                      const char *content_type, ncr_upload **out, nacre_error *err)
{
    (void)content_type;
    (void)err;
    fake_upload *up = calloc(1, sizeof *up);
    up->base.object = ncr_object_ref(object);
    up->base.call = ncr_call_ref(call);
    up->condition = *condition;
    ncr_buffer_init(&up->content, SIZE_MAX);
    *out = &up->base;
    return NACRE_OK;
}

static nacre_status fake_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size,
                                     nacre_error *err)
{
    (void)number; /* parts come one after another */
    fake_upload *up = (fake_upload *)upload;
    pthread_mutex_lock(&server_of(upload->object)->lock);
    note_locked(server_of(upload->object), (fake_request){.kind = 'u', .length = size});
    pthread_mutex_unlock(&server_of(upload->object)->lock);
    return ncr_buffer_append(&up->content, data, size) ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status fake_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts,
                                       nacre_error *err)
{
    fake_upload *up = (fake_upload *)upload;
    ncr_put put = {.object = upload->object,
                   .call = upload->call,
                   .condition = up->condition,
                   .data = up->content.data,
                   .size = up->content.size};
    nacre_status status = fake_put(&put, err);
    *outcome = put.outcome;
    *facts = put.facts;
    fake_upload_abort(upload);
    return status;
}

static const ncr_store_class fake_class = {
    .name = "fake",
    .part_size = 64 * 1024,
    .parts_at_once = 1,
    .can_copy = fake_can_copy,
    .get = fake_get,
    .stat = fake_stat,
    .list = fake_list,
    .put = fake_put,
    .copy = fake_copy,
    .remove = fake_delete,
    .upload_begin = fake_upload_begin,
    .upload_part = fake_upload_part,
    .upload_finish = fake_upload_finish,
    .upload_abort = fake_upload_abort,
};

/* --- Stores and objects. --- */

ncr_store *fake_store_as(fake_store *server, const char *credentials)
{
    fake_handle *handle = calloc(1, sizeof *handle);
    atomic_init(&handle->base.references, 1);
    handle->base.class = &fake_class;
    handle->base.id = ncr_text_copy(server->id);
    handle->base.credentials = ncr_text_copy(credentials);
    handle->base.is_local = server->manners.is_local;
    handle->server = server;
    return &handle->base;
}

fake_store *fake_store_new(void)
{
    static _Atomic unsigned count;
    fake_store *server = calloc(1, sizeof *server);
    pthread_mutex_init(&server->lock, NULL);
    server->requests = calloc(MOST_REQUESTS, sizeof *server->requests);
    snprintf(server->id, sizeof server->id, "fake:%u", ++count);
    server->store = fake_store_as(server, "anonymous");
    return server;
}

void fake_store_free(fake_store *server)
{
    assert_int_equal(server->held_count, 0);
    for (size_t i = 0; i < MOST_OBJECTS; i++)
        free(server->objects[i].data);
    ncr_store_unref(server->store);
    pthread_mutex_destroy(&server->lock);
    free(server->requests);
    free(server);
}

ncr_object *fake_object_as(ncr_store *store, const char *key)
{
    char name[128];
    snprintf(name, sizeof name, "fake://b/%s", key);
    return ncr_object_new(store, "b", key, name, false);
}

ncr_object *fake_object(fake_store *server, const char *key)
{
    if (server->manners.is_local)
        server->store->is_local = true;
    return fake_object_as(server->store, key);
}

fake_manners *fake_manners_of(fake_store *server)
{
    return &server->manners;
}

/* --- Letting go, and looking. --- */

static bool take_held(fake_store *server, held_answer *out)
{
    pthread_mutex_lock(&server->lock);
    bool any = server->held_count > 0;
    if (any) {
        *out = server->held[0];
        memmove(&server->held[0], &server->held[1], --server->held_count * sizeof server->held[0]);
    }
    pthread_mutex_unlock(&server->lock);
    return any;
}

bool fake_release(fake_store *server)
{
    held_answer answer;
    if (!take_held(server, &answer))
        return false;
    answer.get->done(answer.get);
    return true;
}

bool fake_release_failed(fake_store *server, nacre_status status)
{
    held_answer answer;
    if (!take_held(server, &answer))
        return false;
    free(answer.get->whole);
    answer.get->whole = NULL;
    answer.get->got = 0;
    answer.get->not_modified = false;
    answer.get->status = ncr_error_set(&answer.get->error, status, "%s: as the test wishes", answer.get->object->name);
    answer.get->done(answer.get);
    return true;
}

void fake_release_all(fake_store *server)
{
    while (fake_release(server))
        continue;
}

size_t fake_held(fake_store *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->held_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

size_t fake_count(fake_store *server, char kind)
{
    size_t count = 0;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->request_count; i++)
        count += server->requests[i].kind == kind;
    pthread_mutex_unlock(&server->lock);
    return count;
}

fake_request fake_last(fake_store *server)
{
    pthread_mutex_lock(&server->lock);
    fake_request last = server->request_count ? server->requests[server->request_count - 1] : (fake_request){0};
    pthread_mutex_unlock(&server->lock);
    return last;
}

uint64_t fake_bytes_sent(fake_store *server)
{
    pthread_mutex_lock(&server->lock);
    uint64_t bytes = server->bytes_sent;
    pthread_mutex_unlock(&server->lock);
    return bytes;
}

void fake_forget_requests(fake_store *server)
{
    pthread_mutex_lock(&server->lock);
    server->request_count = 0;
    server->bytes_sent = 0;
    pthread_mutex_unlock(&server->lock);
}

/* --- The cache's operations. --- */

static void open_done(ncr_cache_open *op)
{
    ((test_open *)op)->done++;
}

void test_open_start(test_open *open, ncr_object *object, ncr_call *call)
{
    atomic_init(&open->done, 0);
    open->op = (ncr_cache_open){.object = object, .call = call, .done = open_done};
    ncr_cache_open_start(&open->op);
}

ncr_pin *test_open_now(ncr_object *object, ncr_call *call)
{
    test_open open;
    test_open_start(&open, object, call);
    assert_int_equal(open.done, 1);
    if (open.op.status != NACRE_OK)
        fail_msg("%s", open.op.error.message);
    assert_non_null(open.op.pin);
    ncr_slice_clear(&open.op.head);
    return open.op.pin;
}

void test_wait_done(_Atomic int *done)
{
    for (int turn = 0; !*done && turn < 60000; turn++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(*done, 1);
}

ncr_pin *test_open_wait(ncr_object *object, ncr_call *call)
{
    test_open open;
    test_open_start(&open, object, call);
    test_wait_done(&open.done);
    if (open.op.status != NACRE_OK)
        fail_msg("%s", open.op.error.message);
    ncr_slice_clear(&open.op.head);
    return open.op.pin;
}

void test_open_clear(test_open *open)
{
    assert_int_equal(open->done, 1);
    if (open->op.status != NACRE_OK) {
        assert_null(open->op.pin);
        assert_null(open->op.head.block);
    }
    ncr_pin_unref(open->op.pin);
    ncr_slice_clear(&open->op.head);
}

static void fetch_done(ncr_fetch *op)
{
    ((test_fetch *)op)->done++;
}

void test_fetch_start(test_fetch *fetch, ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length)
{
    atomic_init(&fetch->done, 0);
    fetch->op = (ncr_fetch){.pin = pin, .call = call, .offset = offset, .length = length, .done = fetch_done};
    ncr_fetch *op = &fetch->op;
    ncr_cache_fetch_start(&op, 1);
}

nacre_status test_fetch_now(test_fetch *fetch, ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length)
{
    test_fetch_start(fetch, pin, call, offset, length);
    assert_int_equal(fetch->done, 1);
    return fetch->op.status;
}

nacre_status test_fetch_wait(test_fetch *fetch, ncr_pin *pin, ncr_call *call, uint64_t offset, size_t length)
{
    test_fetch_start(fetch, pin, call, offset, length);
    test_wait_done(&fetch->done);
    return fetch->op.status;
}

void test_fetch_clear(test_fetch *fetch)
{
    assert_int_equal(fetch->done, 1);
    if (fetch->op.status != NACRE_OK)
        assert_null(fetch->op.slice.block);
    ncr_slice_clear(&fetch->op.slice);
}

void test_fetch_check(const test_fetch *fetch, const char *token, uint64_t offset, size_t length)
{
    if (fetch->op.status != NACRE_OK)
        fail_msg("%s", fetch->op.error.message);
    assert_int_equal(fetch->done, 1);
    assert_int_equal(fetch->op.slice.size, length);
    for (size_t i = 0; i < length; i++)
        if (fetch->op.slice.data[i] != fake_byte(token, offset + i))
            fail_msg("byte %zu is not of version %s", i, token);
}
