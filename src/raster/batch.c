/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/beside.h"
#include "raster/read.h"

/* Items are sorted by what they read, a *source*. A source is opened where it is not; then its items are read by
 * *jobs*, each so many items as take a share of the memory limit: these are stepped together, so that what is near one
 * another is fetched as one. A job of one item whose read is itself a plan of windows is that plan.
 *
 *   next(): a job of an open source, else the open of the next source -> ended(): items are done, the source is ready
 *
 * No open is begun while as many jobs are under way as there may be connections to a host: it would only stand in line
 * before the reads of what opens meanwhile. */

/* So many jobs shall fit the memory limit. */
enum { JOBS_AT_ONCE = 4 };

/* Opens from which on their first reads are small. */
enum { MANY = 16 };

typedef struct source source;
struct source {
    size_t first, count; /* its items, in `order` */
    size_t given, over;  /* of them */
    ncr_dataset *dataset;
    unsigned round; /* that its open took */
    bool is_ready;  /* in the queue of those that are open and have items that may be begun */
    source *next_ready;
};

typedef struct {
    size_t item;
    nacre_error error;
    ncr_fault fault;
    ncr_read read;
    ncr_plan *plan; /* NULL: over, or it is the job's own plan */
    nacre_status status;
} entry;

/* What next() gives: an open, or reads. */
typedef struct {
    source *source;
    ncr_dataset *opened; /* of an open */
    entry *entries;
    size_t count;
} job;

typedef struct {
    ncr_plan plan;
    ncr_batch batch;
    size_t *order;
    source *sources;
    size_t source_count, next_source;
    source *first_ready, *last_ready;
    size_t share;                     /* bytes of a job */
    size_t under_way, most_under_way; /* jobs; those at which no other open is begun */
    size_t first_failed;
    nacre_status status; /* of that item */
    nacre_error error;
} batch_plan;

/* --- The job's plan, where it reads several items --- */

typedef struct {
    ncr_plan plan;
    job *job; /* borrowed */
} reads_plan;

static nacre_status step_reads(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    (void)err;
    job *j = ((reads_plan *)plan)->job;
    for (size_t i = 0; i < j->count; i++) {
        entry *e = &j->entries[i];
        bool entry_more = false;
        if (!e->plan)
            continue;
        e->status = ncr_plan_step_part(e->plan, &e->fault, wants, &entry_more, &e->error);
        *more = *more || entry_more;
        if (!entry_more) { /* with all that it holds */
            ncr_plan_free(e->plan);
            e->plan = NULL;
        }
    }
    return NACRE_OK;
}

static size_t estimate_reads(const ncr_plan *plan)
{
    const job *j = ((const reads_plan *)plan)->job;
    size_t sum = 0;
    for (size_t i = 0; i < j->count; i++)
        if (j->entries[i].plan && !ncr_size_add(sum, ncr_plan_estimate(j->entries[i].plan), &sum))
            return SIZE_MAX;
    return sum;
}

static void free_reads(ncr_plan *plan)
{
    free(plan);
}

static const ncr_plan_class reads_class = {.step = step_reads, .free = free_reads, .estimate = estimate_reads};

/* --- Items --- */

nacre_batch_item *ncr_batch_item(const ncr_batch *batch, size_t index)
{
    return (nacre_batch_item *)((char *)batch->items + index * batch->items->size);
}

static void finish_item(batch_plan *p, size_t index, nacre_status status, const nacre_error *error)
{
    nacre_batch_item *item = ncr_batch_item(&p->batch, index);
    item->status = status;
    if (status != NACRE_OK && item->error)
        *item->error = *error;
    if (status != NACRE_OK && item->is_allocated) {
        free(item->buffer);
        item->buffer = NULL;
        item->buffer_size = 0;
        item->is_allocated = false;
    }
    if (status != NACRE_OK && (p->status == NACRE_OK || index < p->first_failed)) {
        p->first_failed = index;
        p->status = status;
        p->error = *error;
    }
    item->is_done = true;
    if (p->batch.done)
        p->batch.done(p->batch.user, index);
}

static nacre_status give_buffer(nacre_batch_item *item, ncr_read *read, nacre_error *err)
{
    if (!item->buffer) {
        item->buffer = malloc(read->size);
        if (!item->buffer)
            return ncr_error_memory(err);
        item->buffer_size = read->size;
        item->is_allocated = true;
    }
    return ncr_read_set_buffer(read, item->buffer, item->buffer_size, err);
}

static void describe(nacre_batch_item *item, const ncr_read *read)
{
    item->width = read->request.out_width;
    item->height = read->request.out_height;
    item->band_count = read->plane_count;
    item->dtype = read->request.to.dtype;
    item->has_transform = read->dataset->has_transform;
    item->transform = read->dataset->transform;
}

static nacre_status plan_item(batch_plan *p, source *s, entry *e, nacre_error *err)
{
    nacre_batch_item *item = ncr_batch_item(&p->batch, e->item);
    nacre_status status = ncr_read_init(&e->read, s->dataset, item->read_options, err);
    if (status == NACRE_OK) {
        describe(item, &e->read);
        status = give_buffer(item, &e->read, err);
    }
    ncr_call *call = status == NACRE_OK ? ncr_call_new_part(p->plan.call) : NULL;
    if (status == NACRE_OK)
        status = call ? ncr_read_plan(&e->read, call, &e->plan, err) : ncr_error_memory(err);
    ncr_call_unref(call);
    return status;
}

/* --- Sources --- */

static void make_ready(batch_plan *p, source *s)
{
    s->is_ready = true;
    s->next_ready = NULL;
    if (p->last_ready)
        p->last_ready->next_ready = s;
    else
        p->first_ready = s;
    p->last_ready = s;
}

static void take_first_ready(batch_plan *p)
{
    p->first_ready->is_ready = false;
    p->first_ready = p->first_ready->next_ready;
    if (!p->first_ready)
        p->last_ready = NULL;
}

static void count_over(source *s, size_t count)
{
    s->over += count;
    if (s->over < s->count)
        return;
    ncr_dataset_unref(s->dataset);
    s->dataset = NULL;
}

/* Ends the items of a source that were not begun. */
static void fail_source(batch_plan *p, source *s, nacre_status status, const nacre_error *error)
{
    size_t left = s->count - s->given;
    while (s->given < s->count)
        finish_item(p, p->order[s->first + s->given++], status, error);
    count_over(s, left);
}

/* --- Jobs --- */

static void free_job(job *j)
{
    for (size_t i = 0; j->entries && i < j->count; i++) {
        ncr_plan_free(j->entries[i].plan);
        ncr_read_clear(&j->entries[i].read);
    }
    ncr_dataset_unref(j->opened);
    free(j->entries);
    free(j);
}

static nacre_status begin_open(batch_plan *p, source *s, ncr_plan **out, nacre_error *err)
{
    const nacre_batch_item *item = ncr_batch_item(&p->batch, p->order[s->first]);
    if (!item->path || !*item->path)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "batch: item %zu names neither a dataset nor a path",
                             p->order[s->first]);
    job *j = calloc(1, sizeof *j);
    if (!j)
        return ncr_error_memory(err);
    j->source = s;
    ncr_open_request request = {.path = item->path, .drivers = p->batch.drivers};
    nacre_status status = ncr_dataset_plan_open(&request, p->plan.call, &j->opened, out, err);
    if (status == NACRE_OK && *out)
        (*out)->of = j;
    else
        free_job(j);
    return status;
}

/* Adds the source's next item to a job, as one that is over where it cannot be read. *is_full: no more shall be. */
static void add_entry(batch_plan *p, job *j, size_t *bytes, bool *is_full)
{
    source *s = j->source;
    entry *e = &j->entries[j->count++];
    e->item = p->order[s->first + s->given++];
    e->fault.error = &e->error;
    e->status = plan_item(p, s, e, &e->error);
    size_t estimate = e->plan ? ncr_plan_estimate(e->plan) : 0;
    if (!ncr_size_add(*bytes, estimate, bytes))
        *bytes = SIZE_MAX;
    *is_full = *bytes >= p->share || (e->plan && e->plan->class->next);
}

/* A job of the first item alone where reads are to look for files beside the dataset, which one of them does. */
static size_t most_entries(const batch_plan *p, const source *s)
{
    return ncr_beside_will_look(s->dataset, p->plan.call) ? 1 : s->count - s->given;
}

/* Takes back the last item of a job: it is a plan of windows, and becomes a job of its own. */
static void put_back(job *j)
{
    entry *e = &j->entries[--j->count];
    ncr_plan_free(e->plan);
    ncr_read_clear(&e->read);
    *e = (entry){0};
    j->source->given--;
}

static nacre_status plan_job(batch_plan *p, job *j, ncr_plan **out, nacre_error *err)
{
    entry *last = &j->entries[j->count - 1];
    if (last->plan && last->plan->class->next && j->count == 1) {
        *out = last->plan;
        last->plan = NULL;
    } else {
        if (last->plan && last->plan->class->next)
            put_back(j);
        reads_plan *reads = ncr_plan_new(sizeof *reads, &reads_class, p->plan.call);
        if (!reads)
            return ncr_error_memory(err);
        reads->job = j;
        *out = &reads->plan;
    }
    (*out)->of = j;
    (*out)->round = j->source->round;
    return NACRE_OK;
}

static nacre_status begin_reads(batch_plan *p, source *s, ncr_plan **out, nacre_error *err)
{
    size_t most = most_entries(p, s), bytes = 0;
    bool is_full = false;
    job *j = calloc(1, sizeof *j);
    entry *entries = ncr_alloc_array(most, sizeof *entries);
    if (!j || !entries) {
        free(j);
        free(entries);
        return ncr_error_memory(err);
    }
    j->source = s;
    j->entries = entries;
    while (j->count < most && !is_full)
        add_entry(p, j, &bytes, &is_full);
    nacre_status status = plan_job(p, j, out, err);
    if (status != NACRE_OK) {
        s->given -= j->count;
        free_job(j);
    }
    return status;
}

/* --- The plan of plans --- */

/* The next open source gets a job; *out stays NULL where there is none. */
static void next_reads(batch_plan *p, ncr_plan **out)
{
    while (p->first_ready && !*out) {
        source *s = p->first_ready;
        nacre_error error = {0};
        nacre_status status = begin_reads(p, s, out, &error);
        if (status != NACRE_OK)
            fail_source(p, s, status, &error);
        if (status != NACRE_OK || s->given == s->count || ncr_beside_will_look(s->dataset, p->plan.call))
            take_first_ready(p);
    }
}

static void next_source(batch_plan *p, ncr_plan **out)
{
    source *s = &p->sources[p->next_source++];
    nacre_error error = {0};
    const char *path = ncr_batch_item(&p->batch, p->order[s->first])->path;
    const char *name = s->dataset ? ncr_dataset_name(s->dataset) : path ? path : "batch";
    nacre_status status = ncr_call_check(p->plan.call, name, &error);
    if (status == NACRE_OK && s->dataset) {
        make_ready(p, s);
        return;
    }
    if (status == NACRE_OK)
        status = begin_open(p, s, out, &error);
    if (status != NACRE_OK)
        fail_source(p, s, status, &error);
}

static nacre_status next(ncr_plan *plan, ncr_plan **out, nacre_error *err)
{
    (void)err;
    batch_plan *p = (batch_plan *)plan;
    next_reads(p, out);
    while (!*out && p->next_source < p->source_count && p->under_way < p->most_under_way) {
        next_source(p, out);
        next_reads(p, out);
    }
    p->under_way += *out != NULL;
    return NACRE_OK;
}

static void end_open(batch_plan *p, job *j, unsigned round, nacre_status status, const nacre_error *error)
{
    source *s = j->source;
    if (status != NACRE_OK) {
        fail_source(p, s, status, error);
        return;
    }
    s->dataset = j->opened;
    s->round = round;
    j->opened = NULL;
    make_ready(p, s);
}

/* status is that of the job's own plan, which ends all items that are not over. */
static void end_reads(batch_plan *p, job *j, bool is_lone, nacre_status status, const nacre_error *error)
{
    source *s = j->source;
    for (size_t i = 0; i < j->count; i++) {
        entry *e = &j->entries[i];
        bool is_open = e->status == NACRE_OK && (is_lone || e->plan);
        ncr_plan_free(e->plan);
        e->plan = NULL;
        finish_item(p, e->item, is_open ? status : e->status, is_open ? error : &e->error);
    }
    if (s->given < s->count && !s->is_ready)
        make_ready(p, s);
    count_over(s, j->count);
}

static nacre_status ended(ncr_plan *plan, ncr_plan *child, nacre_status status, const nacre_error *error,
                          nacre_error *err)
{
    (void)err;
    batch_plan *p = (batch_plan *)plan;
    job *j = child->of;
    unsigned round = child->round;
    bool is_lone = child->class != &reads_class;
    p->under_way--;
    ncr_plan_free(child);
    if (j->entries)
        end_reads(p, j, is_lone, status, error);
    else
        end_open(p, j, round, status, error);
    free_job(j);
    return NACRE_OK;
}

static nacre_status compose(ncr_plan *plan, nacre_error *err)
{
    const batch_plan *p = (const batch_plan *)plan;
    return p->status == NACRE_OK ? NACRE_OK : ncr_error_copy(err, &p->error, p->status);
}

static void free_batch(ncr_plan *plan)
{
    batch_plan *p = (batch_plan *)plan;
    for (size_t i = 0; i < p->source_count; i++)
        ncr_dataset_unref(p->sources[i].dataset);
    free(p->sources);
    free(p->order);
    free(p);
}

static const ncr_plan_class batch_class = {.next = next, .ended = ended, .compose = compose, .free = free_batch};

/* --- The beginning --- */

static int compare_items(const nacre_batch_item *a, const nacre_batch_item *b)
{
    if (a->dataset != b->dataset)
        return (uintptr_t)a->dataset < (uintptr_t)b->dataset ? -1 : 1;
    if (a->dataset || a->path == b->path)
        return 0;
    return !a->path || !b->path ? (b->path == NULL) - (a->path == NULL) : strcmp(a->path, b->path);
}

static int compare_indices(const void *a, const void *b, void *user)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int by_source = compare_items(ncr_batch_item(user, x), ncr_batch_item(user, y));
    return by_source ? by_source : (x > y) - (x < y);
}

static int compare_sources(const void *a, const void *b, void *user)
{
    const size_t *order = user;
    size_t x = order[((const source *)a)->first], y = order[((const source *)b)->first];
    return (x > y) - (x < y);
}

/* Sources in the order of their first items. */
static nacre_status find_sources(batch_plan *p, nacre_error *err)
{
    size_t count = p->batch.count;
    p->order = ncr_alloc_array(count, sizeof *p->order);
    p->sources = ncr_alloc_array(count, sizeof *p->sources);
    if (!p->order || !p->sources)
        return ncr_error_memory(err);
    for (size_t i = 0; i < count; i++)
        p->order[i] = i;
    qsort_r(p->order, count, sizeof *p->order, compare_indices, &p->batch);
    for (size_t i = 0; i < count; i++) {
        const nacre_batch_item *item = ncr_batch_item(&p->batch, p->order[i]);
        if (!i || compare_items(ncr_batch_item(&p->batch, p->order[i - 1]), item) != 0)
            p->sources[p->source_count++] =
                (source){.first = i, .dataset = item->dataset ? ncr_dataset_ref(item->dataset) : NULL};
        p->sources[p->source_count - 1].count++;
    }
    qsort_r(p->sources, p->source_count, sizeof *p->sources, compare_sources, p->order);
    return NACRE_OK;
}

nacre_status ncr_batch_plan(const ncr_batch *batch, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    *out = NULL;
    batch_plan *p = ncr_plan_new(sizeof *p, &batch_class, call);
    if (!p)
        return ncr_error_memory(err);
    p->batch = *batch;
    int64_t limit = ncr_config_number(call->config, NCR_KEY_MEMORY_LIMIT);
    p->share = limit > 0 ? (size_t)limit / JOBS_AT_ONCE : SIZE_MAX;
    int64_t connections = ncr_config_number(call->config, NCR_KEY_HTTP_CONNECTIONS);
    p->most_under_way = connections > 0 ? (size_t)connections + (size_t)connections / 4 + 1 : 1;
    nacre_status status = batch->count ? find_sources(p, err) : NACRE_OK;
    call->opens_many = p->source_count >= MANY;
    if (status != NACRE_OK) {
        ncr_plan_free(&p->plan);
        return status;
    }
    *out = &p->plan;
    return NACRE_OK;
}
