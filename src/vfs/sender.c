/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/sender.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/thread.h"

struct ncr_sender {
    ncr_upload *upload;
    unsigned parts; /* sent so far */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    /* Guarded by lock. */
    unsigned under_way;
    nacre_error failure; /* the first; its status NACRE_OK: none */
};

/* A part on its way; its thread's. */
typedef struct part {
    ncr_sender *sender;
    unsigned number;
    ncr_slice bytes;
} part;

ncr_sender *ncr_sender_new(ncr_upload *upload)
{
    ncr_sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        return NULL;
    sender->upload = upload;
    pthread_mutex_init(&sender->lock, NULL);
    pthread_cond_init(&sender->ended, NULL);
    return sender;
}

static void end_part(part *p, nacre_status status, const nacre_error *error)
{
    ncr_sender *sender = p->sender;
    ncr_slice_clear(&p->bytes);
    free(p);
    pthread_mutex_lock(&sender->lock);
    if (status != NACRE_OK && sender->failure.status == NACRE_OK) {
        sender->failure = *error;
        sender->failure.status = status;
    }
    sender->under_way--;
    pthread_cond_broadcast(&sender->ended); /* under the lock: who waits may release the sender right after */
    pthread_mutex_unlock(&sender->lock);
}

static void *send_part(void *user)
{
    part *p = user;
    nacre_error error = {0};
    ncr_upload *upload = p->sender->upload;
    const ncr_store_class *class = upload->object->store->class;
    end_part(p, class->upload_part(upload, p->number, p->bytes.data, p->bytes.size, &error), &error);
    return NULL;
}

/* Waits until at most `most` parts are under way. */
static nacre_status wait_for(ncr_sender *sender, unsigned most, nacre_error *err)
{
    nacre_error failure;
    pthread_mutex_lock(&sender->lock);
    while (sender->under_way > most)
        pthread_cond_wait(&sender->ended, &sender->lock);
    failure = sender->failure;
    pthread_mutex_unlock(&sender->lock);
    return ncr_error_copy(err, &failure, failure.status);
}

/* How many parts of this size may be under way. */
static unsigned most_at_once(const ncr_sender *sender, size_t size)
{
    unsigned most = sender->upload->object->store->class->parts_at_once;
    size_t fitting = size ? NCR_SENDER_MEMORY / size : most;
    unsigned wanted = fitting < most ? (unsigned)fitting : most;
    return wanted ? wanted : 1;
}

void ncr_sender_leave_out(ncr_sender *sender)
{
    sender->parts++;
}

nacre_status ncr_sender_send_as(ncr_sender *sender, unsigned number, ncr_slice *bytes, nacre_error *err)
{
    nacre_status status = wait_for(sender, most_at_once(sender, bytes->size) - 1, err);
    if (status != NACRE_OK)
        return status;
    part *p = calloc(1, sizeof *p);
    if (!p)
        return ncr_error_memory(err);
    *p = (part){.sender = sender, .number = number, .bytes = *bytes};
    *bytes = (ncr_slice){0};
    pthread_mutex_lock(&sender->lock);
    sender->under_way++;
    pthread_mutex_unlock(&sender->lock);
    if (!ncr_thread_start(send_part, p))
        send_part(p); /* slower, but it goes on */
    return NACRE_OK;
}

nacre_status ncr_sender_send(ncr_sender *sender, ncr_slice *bytes, nacre_error *err)
{
    return ncr_sender_send_as(sender, ++sender->parts, bytes, err);
}

nacre_status ncr_sender_wait(ncr_sender *sender, nacre_error *err)
{
    return wait_for(sender, 0, err);
}

void ncr_sender_free(ncr_sender *sender)
{
    if (!sender)
        return;
    ncr_sender_wait(sender, NULL);
    pthread_cond_destroy(&sender->ended);
    pthread_mutex_destroy(&sender->lock);
    free(sender);
}
