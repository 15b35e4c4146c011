/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "beside.h"

#include <stdlib.h>
#include <string.h>

#include "base/latch.h"
#include "base/text.h"

enum { SIDECARS = 5 };

typedef struct question {
    char *key;
    ncr_stat_op op;
} question;

/* The key of the i-th kind; NULL: out of memory, or (*is_none) the name has none of that kind. World files are called
 * after the first and the last letter of the ending. */
static char *sidecar_key(const char *key, size_t i, bool *is_none)
{
    static const char *const endings[] = {".ovr", ".msk", ".aux.xml"};
    const char *slash = strrchr(key, '/'), *dot = strrchr(slash ? slash : key, '.');
    const size_t length = dot ? strlen(dot) : 0;
    *is_none = i >= 3 && length != 4;
    if (*is_none)
        return NULL;
    if (i < 3)
        return ncr_text_format("%s%s", key, endings[i]);
    if (i == 3)
        return ncr_text_format("%.*s.%c%cw", (int)(dot - key), key, dot[1], dot[3]);
    return ncr_text_format("%.*s.wld", (int)(dot - key), key);
}

static void answered(ncr_stat_op *op)
{
    ncr_latch_down(op->user);
}

/* Offline a stat is answered from what is known, and only by the function that waits. */
static void ask(question *q, ncr_latch *latch)
{
    q->op.done = answered;
    q->op.user = latch;
    if (!ncr_object_is_offline(q->op.object, q->op.call)) {
        q->op.object->store->class->stat(&q->op);
        return;
    }
    q->op.status = ncr_vfs_stat(q->op.object, q->op.call, &q->op.facts, &q->op.error);
    answered(&q->op);
}

static nacre_status prepare(const ncr_gdal_job *job, question questions[SIDECARS], size_t *count, nacre_error *err)
{
    for (size_t i = 0; i < SIDECARS; i++) {
        bool is_none;
        char *key = sidecar_key(job->object->key, i, &is_none);
        if (is_none)
            continue;
        question *q = &questions[(*count)++];
        *q = (question){.key = key, .op = {.call = job->call}};
        q->op.object = key ? ncr_object_sibling(job->object, key) : NULL;
        if (!q->op.object)
            return ncr_error_memory(err);
    }
    return NACRE_OK;
}

static nacre_status take_answer(const question *q, ncr_gdal_list *out, nacre_error *err)
{
    const char *slash = strrchr(q->key, '/'), *name = slash ? slash + 1 : q->key;
    switch (q->op.status) {
    case NACRE_OK:
        return ncr_gdal_list_add(out, name, strlen(name)) ? NACRE_OK : ncr_error_memory(err);
    case NACRE_ERROR_NOT_FOUND:
    case NACRE_ERROR_DENIED:
    case NACRE_ERROR_OFFLINE:
    case NACRE_ERROR_UNSUPPORTED:
        return NACRE_OK;
    default:
        return ncr_error_copy(err, &q->op.error, q->op.status);
    }
}

nacre_status ncr_gdal_beside_ask(const ncr_gdal_job *job, ncr_gdal_list *out, nacre_error *err)
{
    question questions[SIDECARS] = {0};
    size_t count = 0;
    if (strchr(job->object->key, '?') && !job->object->bucket[0]) /* nobody can say what would lie beside a query */
        return NACRE_OK;
    const char *slash = strrchr(job->object->key, '/'), *name = slash ? slash + 1 : job->object->key;
    if (!ncr_gdal_list_add(out, name, strlen(name))) /* itself, as in every listing */
        return ncr_error_memory(err);
    nacre_status status = prepare(job, questions, &count, err);
    if (status == NACRE_OK) {
        ncr_latch latch;
        ncr_latch_init(&latch, count);
        for (size_t i = 0; i < count; i++)
            ask(&questions[i], &latch);
        ncr_latch_wait(&latch);
        ncr_latch_clear(&latch);
    }
    for (size_t i = 0; i < count; i++) {
        if (status == NACRE_OK)
            status = take_answer(&questions[i], out, err);
        ncr_object_unref(questions[i].op.object);
        free(questions[i].key);
    }
    return status;
}
