/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/memory.h"
#include "base/text.h"
#include "cache/block.h"
#include "vfs/object.h"
#include "vfs/sender.h"
#include "vfs/vfs.h"

/* Objects that are being written: one part is held, and those that are on their way (sender.h). What is no larger than
 * a part becomes one put; the first byte beyond begins an upload. Nothing is visible before the commit. */

typedef enum writer_state { WRITER_OPEN, WRITER_COMMITTED, WRITER_FAILED } writer_state;

struct ncr_writer {
    ncr_object *object; /* referenced */
    ncr_call *call;     /* referenced */
    char *content_type;
    ncr_condition condition; /* its version, if any, is `version` */
    ncr_version version;
    ncr_buffer part;
    ncr_slice taken;  /* a whole part that stands for `part`, which is then empty; no block: none */
    ncr_buffer first; /* the first part, kept back */
    bool keeps_first;
    ncr_upload *upload; /* NULL: not begun, or ended */
    ncr_sender *sender; /* of its parts */
    unsigned parts;     /* given to it so far */
    unsigned
        fork_count; /* where it was opened: in the child of a fork an upload is left alone, since it is the parent's */
    writer_state state;
};

nacre_status ncr_writer_open(ncr_object *object, const char *content_type, const ncr_condition *condition,
                             ncr_call *call, ncr_writer **out, nacre_error *err)
{
    *out = NULL;
    nacre_status status = ncr_object_begin(object, call, err);
    if (status != NACRE_OK)
        return status;
    ncr_writer *writer = calloc(1, sizeof *writer);
    char *type = writer ? ncr_text_copy(content_type ? content_type : ncr_content_type(object->key)) : NULL;
    if (!type) {
        free(writer);
        return ncr_error_memory(err);
    }
    writer->object = ncr_object_ref(object);
    writer->call = ncr_call_ref(call);
    writer->content_type = type;
    if (condition)
        writer->condition = *condition;
    if (writer->condition.version) {
        writer->version = *condition->version;
        writer->condition.version = &writer->version;
    }
    ncr_buffer_init(&writer->part, ncr_part_size(object->store->class, 1));
    writer->fork_count = ncr_fork_count();
    *out = writer;
    return NACRE_OK;
}

static nacre_status begin_upload(ncr_writer *writer, nacre_error *err)
{
    const ncr_store_class *class = writer->object->store->class;
    nacre_status status = class->upload_begin(writer->object, writer->call, &writer->condition, writer->content_type,
                                              &writer->upload, err);
    if (status != NACRE_OK)
        return status;
    writer->sender = ncr_sender_new(writer->upload);
    return writer->sender ? NACRE_OK : ncr_error_memory(err);
}

/* The bytes of a buffer, which is empty then. False: out of memory, and they are lost. */
static bool move_bytes(ncr_buffer *buffer, ncr_slice *out)
{
    ncr_block *block = ncr_block_adopt(buffer->data, buffer->size);
    ncr_buffer_init(buffer, buffer->maximum);
    if (block)
        *out = (ncr_slice){.data = block->data, .size = block->size, .block = block};
    return block != NULL;
}

static nacre_status send_part(ncr_writer *writer, nacre_error *err)
{
    nacre_status status = writer->upload ? NACRE_OK : begin_upload(writer, err);
    if (status == NACRE_OK && writer->keeps_first && !writer->parts) {
        writer->first = writer->part;
        ncr_sender_leave_out(writer->sender);
    } else if (status == NACRE_OK) {
        if (!writer->taken.block && !move_bytes(&writer->part, &writer->taken))
            return ncr_error_memory(err);
        status = ncr_sender_send(writer->sender, &writer->taken, err);
    }
    if (status == NACRE_OK)
        ncr_buffer_init(&writer->part, ncr_part_size(writer->object->store->class, ++writer->parts + 1));
    return status;
}

static bool is_full(const ncr_writer *writer)
{
    return writer->taken.block || writer->part.size == writer->part.maximum;
}

/* A full part goes out only when more follows it: the last part, and an object of one part, stay here. */
static nacre_status make_room(ncr_writer *writer, nacre_error *err)
{
    return is_full(writer) ? send_part(writer, err) : NACRE_OK;
}

static nacre_status append(ncr_writer *writer, const uint8_t *data, size_t size, nacre_error *err)
{
    while (size) {
        nacre_status status = make_room(writer, err);
        if (status != NACRE_OK)
            return status;
        size_t room = writer->part.maximum - writer->part.size, step = size < room ? size : room;
        if (!ncr_buffer_append(&writer->part, data, step))
            return ncr_error_memory(err);
        data += step;
        size -= step;
    }
    return NACRE_OK;
}

static nacre_status take(ncr_writer *writer, const ncr_slice *slice, nacre_error *err)
{
    nacre_status status = slice->size ? make_room(writer, err) : NACRE_OK;
    bool is_part = !writer->part.size && slice->size == writer->part.maximum;
    if (status != NACRE_OK || !is_part || (writer->keeps_first && !writer->parts))
        return status == NACRE_OK ? append(writer, slice->data, slice->size, err) : status;
    writer->taken = ncr_slice_of(slice->block, slice->data, slice->size);
    return NACRE_OK;
}

static nacre_status check_open(const ncr_writer *writer, nacre_error *err)
{
    if (writer->fork_count != ncr_fork_count())
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: it is being written by the process that this one was forked of",
                             writer->object->name);
    if (writer->state == WRITER_OPEN)
        return ncr_call_check(writer->call, writer->object->name, err);
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the writer %s; it can only be closed", writer->object->name,
                         writer->state == WRITER_COMMITTED ? "was committed" : "has failed");
}

bool ncr_writer_keep_first(ncr_writer *writer)
{
    writer->keeps_first = writer->object->store->class->parts_in_any_order;
    return writer->keeps_first;
}

size_t ncr_writer_kept(const ncr_writer *writer)
{
    return writer->parts ? writer->first.size : writer->part.size;
}

nacre_status ncr_writer_change(ncr_writer *writer, size_t offset, const void *data, size_t size, nacre_error *err)
{
    nacre_status status = check_open(writer, err);
    const size_t kept = ncr_writer_kept(writer);
    if (status != NACRE_OK)
        return status;
    if (offset > kept || size > kept - offset)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: bytes that are sent cannot be changed",
                             writer->object->name);
    if (size)
        memcpy((writer->parts ? writer->first.data : writer->part.data) + offset, data, size);
    return NACRE_OK;
}

nacre_status ncr_writer_begin(ncr_writer *writer, nacre_error *err)
{
    nacre_status status = check_open(writer, err);
    if (status == NACRE_OK && !writer->upload && (status = begin_upload(writer, err)) != NACRE_OK)
        writer->state = WRITER_FAILED;
    return status;
}

nacre_status ncr_writer_write(ncr_writer *writer, const void *data, size_t size, nacre_error *err)
{
    nacre_status status = check_open(writer, err);
    if (status == NACRE_OK && (status = append(writer, data, size, err)) != NACRE_OK)
        writer->state = WRITER_FAILED;
    return status;
}

nacre_status ncr_writer_take(ncr_writer *writer, const ncr_slice *slice, nacre_error *err)
{
    nacre_status status = check_open(writer, err);
    if (status == NACRE_OK && (status = take(writer, slice, err)) != NACRE_OK)
        writer->state = WRITER_FAILED;
    return status;
}

static nacre_status send_rest(ncr_writer *writer, nacre_error *err)
{
    ncr_slice first = {0};
    nacre_status status = writer->part.size || writer->taken.block ? send_part(writer, err) : NACRE_OK;
    if (status == NACRE_OK && writer->first.size) {
        status = move_bytes(&writer->first, &first) ? ncr_sender_send_as(writer->sender, 1, &first, err)
                                                    : ncr_error_memory(err);
        ncr_slice_clear(&first);
    }
    return status;
}

static nacre_status finish_upload(ncr_writer *writer, nacre_error *err)
{
    ncr_outcome outcome = NCR_OUTCOME_UNKNOWN;
    ncr_object_facts facts;
    nacre_status status = send_rest(writer, err);
    if (status == NACRE_OK)
        status = ncr_sender_wait(writer->sender, err);
    if (status != NACRE_OK)
        return status;
    ncr_sender_free(writer->sender);
    writer->sender = NULL;
    ncr_upload *upload = writer->upload;
    writer->upload = NULL;
    ncr_cache_change_begin(writer->object, writer->call);
    status = ncr_store_upload_finish(upload, writer->object, &writer->condition, writer->call, &outcome, &facts, err);
    ncr_cache_change_end(writer->object, writer->call, outcome, NULL, NULL, 0);
    ncr_object_log_change(writer->object, status, outcome, "written");
    return status;
}

static void give_up_upload(ncr_writer *writer)
{
    ncr_sender_free(writer->sender);
    writer->sender = NULL;
    if (writer->upload)
        writer->object->store->class->upload_abort(writer->upload);
    writer->upload = NULL;
}

nacre_status ncr_writer_commit(ncr_writer *writer, nacre_error *err)
{
    nacre_status status = check_open(writer, err);
    if (status != NACRE_OK)
        return status;
    if (!writer->parts) /* it was begun early: one put is enough */
        give_up_upload(writer);
    const uint8_t *data = writer->taken.block ? writer->taken.data : writer->part.data;
    size_t size = writer->taken.block ? writer->taken.size : writer->part.size;
    status = writer->upload
                 ? finish_upload(writer, err)
                 : ncr_vfs_put(writer->object, data, size, writer->content_type, &writer->condition, writer->call, err);
    writer->state = status == NACRE_OK ? WRITER_COMMITTED : WRITER_FAILED;
    return status;
}

void ncr_writer_close(ncr_writer *writer)
{
    if (!writer)
        return;
    if (writer->fork_count == ncr_fork_count())
        give_up_upload(writer);
    ncr_buffer_clear(&writer->part);
    ncr_slice_clear(&writer->taken);
    ncr_buffer_clear(&writer->first);
    free(writer->content_type);
    ncr_object_unref(writer->object);
    ncr_call_unref(writer->call);
    free(writer);
}
