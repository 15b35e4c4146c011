/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "vfs/object.h"
#include "vfs/vfs.h"
#include "vfs/wait.h"

/* Looking at single objects and changing them. Every change is told to the cache before it begins and after it ended,
 * however it ended. */

static const ncr_condition no_condition;

nacre_status ncr_vfs_stat(ncr_object *object, ncr_call *call, ncr_object_facts *out, nacre_error *err)
{
    *out = (ncr_object_facts){.modified_ms = -1};
    nacre_status status = ncr_object_check(object, err);
    if (status == NACRE_OK && ncr_object_is_offline(object, call))
        return ncr_cache_known(object, call, out, err);
    if (status == NACRE_OK)
        status = ncr_object_begin(object, call, err);
    if (status != NACRE_OK)
        return status;
    ncr_stat_op op = {.object = object, .call = call};
    ncr_store_ask(&op, NULL);
    if (op.status != NACRE_OK)
        return ncr_error_copy(err, &op.error, op.status);
    *out = op.facts;
    return NACRE_OK;
}

nacre_status ncr_vfs_put(ncr_object *object, const void *data, size_t size, const char *content_type,
                         const ncr_condition *condition, ncr_call *call, nacre_error *err)
{
    nacre_status status = ncr_object_begin(object, call, err);
    if (status != NACRE_OK)
        return status;
    ncr_put put = {.object = object,
                   .call = call,
                   .condition = condition ? *condition : no_condition,
                   .content_type = content_type,
                   .data = size ? data : "",
                   .size = size,
                   .outcome = NCR_OUTCOME_UNKNOWN};
    ncr_cache_change_begin(object, call);
    status = ncr_store_put(&put, err);
    ncr_cache_change_end(object, call, put.outcome, status == NACRE_OK ? &put.facts : NULL, put.data, size);
    ncr_object_log_change(object, status, put.outcome, "written");
    return status;
}

nacre_status ncr_vfs_remove(ncr_object *object, const ncr_condition *condition, ncr_call *call, nacre_error *err)
{
    nacre_status status = ncr_object_begin(object, call, err);
    if (status != NACRE_OK)
        return status;
    ncr_delete op = {.object = object,
                     .call = call,
                     .condition = condition ? *condition : no_condition,
                     .outcome = NCR_OUTCOME_UNKNOWN};
    ncr_cache_change_begin(object, call);
    status = ncr_store_remove(&op, err);
    ncr_cache_change_end(object, call, op.outcome, NULL, NULL, 0);
    ncr_object_log_change(object, status, op.outcome, "deleted");
    return status;
}

/* --- Copying. --- */

/* Whether a version may be a condition: weak ones are never sent, but local files are compared here. */
static bool can_be_condition(const ncr_object *object, const ncr_version *version)
{
    return version->token[0] && (version->strong || object->store->is_local);
}

/* Inside one store. */
static nacre_status copy_inside(ncr_copy *copy, nacre_error *err)
{
    ncr_cache_change_begin(copy->destination, copy->call);
    nacre_status status = ncr_store_copy(copy, err);
    ncr_cache_change_end(copy->destination, copy->call, copy->outcome, NULL, NULL, 0);
    ncr_object_log_change(copy->destination, status, copy->outcome, "written");
    return status;
}

static nacre_status write_step(void *writer, const ncr_slice *slice, nacre_error *err)
{
    return ncr_writer_take(writer, slice, err);
}

static nacre_status copy_through(ncr_object *source, ncr_object *destination, const ncr_condition *condition,
                                 ncr_call *call, ncr_version *copied, nacre_error *err)
{
    ncr_pin *pin;
    ncr_writer *writer = NULL;
    nacre_status status = ncr_pin_open_wait(source, call, &pin, err);
    if (status != NACRE_OK)
        return status;
    const ncr_object_facts *facts = ncr_pin_facts(pin);
    const char *type = facts->content_type[0] ? facts->content_type : ncr_content_type(destination->key);
    *copied = facts->version;
    status = ncr_writer_open(destination, type, condition, call, &writer, err);
    if (status == NACRE_OK)
        status = ncr_stream_run(&(ncr_stream){.pin = pin,
                                              .call = call,
                                              .length = UINT64_MAX,
                                              .sink = write_step,
                                              .is_kept = !destination->store->is_local,
                                              .user = writer},
                                err);
    if (status == NACRE_OK)
        status = ncr_writer_commit(writer, err);
    ncr_writer_close(writer);
    ncr_pin_unref(pin);
    return status;
}

static nacre_status copy_version(ncr_object *source, ncr_object *destination, const ncr_condition *condition,
                                 ncr_call *call, ncr_version *copied, nacre_error *err)
{
    const ncr_store_class *class = source->store->class;
    if (class != destination->store->class || !class->can_copy || !class->can_copy(source, destination))
        return copy_through(source, destination, condition, call, copied, err);
    ncr_object_facts facts;
    nacre_status status = ncr_vfs_stat(source, call, &facts, err);
    if (status != NACRE_OK)
        return status;
    *copied = facts.version;
    ncr_copy copy = {.source = source,
                     .destination = destination,
                     .call = call,
                     .source_version = can_be_condition(source, copied) ? copied : NULL,
                     .condition = condition ? *condition : no_condition,
                     .outcome = NCR_OUTCOME_UNKNOWN};
    return copy_inside(&copy, err);
}

/* Both ends are objects, and not one object. */
static nacre_status begin_copy(ncr_object *source, ncr_object *destination, ncr_call *call, nacre_error *err)
{
    nacre_status status = ncr_object_begin(source, call, err);
    if (status == NACRE_OK)
        status = ncr_object_begin(destination, call, err);
    if (status == NACRE_OK && strcmp(source->id, destination->id) == 0)
        status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: source and destination are the same object",
                               destination->name);
    return status;
}

nacre_status ncr_vfs_copy(ncr_object *source, ncr_object *destination, const ncr_condition *condition, ncr_call *call,
                          nacre_error *err)
{
    ncr_version copied;
    nacre_status status = begin_copy(source, destination, call, err);
    return status == NACRE_OK ? copy_version(source, destination, condition, call, &copied, err) : status;
}

/* In one step, where the store can: NACRE_ERROR_UNSUPPORTED where it cannot. */
static nacre_status move_at_once(ncr_object *source, ncr_object *destination, const ncr_condition *condition,
                                 ncr_call *call, nacre_error *err)
{
    const ncr_store_class *class = source->store->class;
    if (!class->rename || class != destination->store->class)
        return NACRE_ERROR_UNSUPPORTED;
    ncr_copy move = {.source = source,
                     .destination = destination,
                     .call = call,
                     .condition = condition ? *condition : no_condition,
                     .outcome = NCR_OUTCOME_UNKNOWN};
    ncr_cache_change_begin(source, call);
    ncr_cache_change_begin(destination, call);
    nacre_status status = class->rename(&move, err);
    ncr_cache_change_end(destination, call, move.outcome, NULL, NULL, 0);
    ncr_cache_change_end(source, call, move.outcome, NULL, NULL, 0);
    ncr_object_log_change(source, status, move.outcome, "moved");
    return status;
}

nacre_status ncr_vfs_rename(ncr_object *source, ncr_object *destination, const ncr_condition *condition, ncr_call *call,
                            nacre_error *err)
{
    if (source->store->is_view) /* which refuses it: before anything is copied */
        return ncr_vfs_remove(source, condition, call, err);
    nacre_status status = begin_copy(source, destination, call, err);
    if (status == NACRE_OK)
        status = move_at_once(source, destination, condition, call, err);
    if (status != NACRE_ERROR_UNSUPPORTED)
        return status;
    ncr_version copied;
    status = copy_version(source, destination, condition, call, &copied, err);
    if (status != NACRE_OK)
        return status;
    const ncr_condition only_copied = {.version = can_be_condition(source, &copied) ? &copied : NULL};
    return ncr_vfs_remove(source, &only_copied, call, err);
}
