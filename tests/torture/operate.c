/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

/* The operations. Which one is done, on which slot and with which numbers, follows from the seed alone; what it finds
 * does not change what comes next. */

enum { PICK_KIND, PICK_SLOT, PICK_HELD, PICK_HURRY, PICK_A, PICK_B, PICK_RANGES = 16 };

typedef struct context {
    worker *w;
    unsigned slot;
    char key[KEY_SIZE], path[PATH_SIZE];
    nacre_io_options options;
    const char *hurried; /* a field of records, or "" */
} context;

static bool is_for_model(const context *c)
{
    return c->slot + 1 == c->w->plan->slots;
}

static void path_of(const worker *w, const char *key, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s%s", w->plan->prefix, key);
}

static uint32_t new_value(worker *w)
{
    return w->number << 20 | (uint32_t)(++w->changes & 0xfffff);
}

/* --- Handles. --- */

static void let_go(worker *w, held *h)
{
    if (!h->file && !h->dataset)
        return;
    if (strcmp(h->owner, w->process) == 0)
        record_close(w, h);
    nacre_file_close(h->file);
    nacre_dataset_close(h->dataset);
    *h = (held){.id = 0};
}

static nacre_status open_file(const context *c, held *h, content_seen *seen, nacre_error *err)
{
    uint8_t first[256];
    nacre_range range = {.offset = 0, .length = sizeof first, .buffer = first};
    nacre_status status = nacre_file_open(c->path, &c->options, &h->file, err);
    if (status != NACRE_OK)
        return status;
    snprintf(h->version, sizeof h->version, "%s", nacre_file_version(h->file));
    /* These came with the open; where they were evicted since, the read may fail, and then tells nothing. */
    if (nacre_file_read(h->file, &range, 1, &c->options, err) == NACRE_OK) {
        unsigned value = 0;
        char text[17] = "";
        memcpy(text, first + 224, 16);
        content_add(seen, range.got == sizeof first && sscanf(text, "value=%10u", &value) == 1 ? value : UINT32_MAX);
        if (content_size(value) != nacre_file_size(h->file))
            content_add(seen, UINT32_MAX);
    }
    return status;
}

static nacre_status open_dataset(const context *c, held *h, content_seen *seen, nacre_error *err)
{
    nacre_status status = nacre_dataset_open(c->path, NULL, &c->options, &h->dataset, err);
    if (status != NACRE_OK)
        return status;
    nacre_source_info source;
    if (nacre_dataset_source(h->dataset, 0, &source))
        snprintf(h->version, sizeof h->version, "%s", source.version);
    const char *domain, *key, *text;
    unsigned value = UINT32_MAX;
    for (size_t i = 0; nacre_dataset_metadata(h->dataset, 0, i, &domain, &key, &text); i++)
        if (strncmp(text, "value=", 6) == 0 && sscanf(text, "value=%10u", &value) != 1)
            value = UINT32_MAX;
    nacre_dataset_info info;
    nacre_dataset_info_get(h->dataset, &info);
    content_add(seen, value);
    if (info.width != CONTENT_WIDTH || info.height != (int)content_height(value) || info.band_count != 4)
        content_add(seen, UINT32_MAX);
    return status;
}

static void do_open_as(context *c, const char *cache, bool as_dataset)
{
    worker *w = c->w;
    held *h = &w->held[pick(w, PICK_HELD) % HELD];
    content_seen seen = {0};
    nacre_error err;
    let_go(w, h);
    c->options.cache = cache;
    operation op = record_look(w, "open", c->key);
    nacre_status status = as_dataset ? open_dataset(c, h, &seen, &err) : open_file(c, h, &seen, &err);
    char begun[256], ended[512] = "";
    snprintf(begun, sizeof begun, ", \"handle\": %" PRIu64 ", \"cache\": \"%s\"%s", op.number, cache ? cache : "fresh",
             c->hurried);
    add_values(ended, sizeof ended, &seen);
    add_version(ended, sizeof ended, h->version);
    add_failure(ended, sizeof ended, status, &err);
    record_looked(&op, begun, status, look_outcome(status), ended);
    if (status != NACRE_OK)
        return;
    h->id = op.number;
    h->value = seen.count == 1 ? seen.values[0] : 0;
    h->height = content_height(h->value);
    snprintf(h->key, sizeof h->key, "%s", c->key);
    snprintf(h->owner, sizeof h->owner, "%s", w->process);
}

static void do_open(context *c)
{
    do_open_as(c, NULL, false);
}

static void do_open_dataset(context *c)
{
    do_open_as(c, NULL, c->w->plan->datasets);
}

/* Not where others have put into the cache what the model, or the record of this process, does not know of. */
static void do_open_offline(context *c)
{
    bool is_own = !c->w->is_child && !(c->w->plan->shares && is_for_model(c));
    do_open_as(c, is_own ? "offline" : NULL, false);
}

static void do_open_ttl(context *c)
{
    do_open_as(c, is_for_model(c) ? NULL : "ttl=1", c->w->plan->datasets && pick(c->w, PICK_A) % 2);
}

static void do_open_immutable(context *c)
{
    do_open_as(c, is_for_model(c) ? NULL : "immutable", false);
}

/* --- Reading. --- */

static nacre_status read_ranges(const context *c, held *h, content_seen *seen, nacre_error *err)
{
    enum { MOST = 6 };
    worker *w = c->w;
    nacre_range ranges[MOST];
    uint64_t size = nacre_file_size(h->file);
    bool whole = pick(w, PICK_A) % 8 == 0;
    size_t count = whole ? 1 : 1 + pick(w, PICK_B) % MOST, at = 0;
    for (unsigned i = 0; i < count; i++) {
        ranges[i].offset = whole ? 0 : pick(w, PICK_RANGES + 2 * i) % size;
        uint64_t length = whole ? size : 64 + pick(w, PICK_RANGES + 2 * i + 1) % (80 << 10),
                 left = size - ranges[i].offset;
        ranges[i].length = length < left ? length : left;
        ranges[i].buffer = w->buffer + at;
        at += ranges[i].length;
    }
    nacre_status status = nacre_file_read(h->file, ranges, count, &c->options, err);
    for (unsigned i = 0; i < count && status == NACRE_OK; i++) {
        if (ranges[i].got != ranges[i].length)
            content_add(seen, UINT32_MAX);
        content_look(ranges[i].buffer, ranges[i].offset, ranges[i].got, seen);
    }
    return status;
}

static nacre_status read_window(const context *c, held *h, content_seen *seen, nacre_error *err)
{
    worker *w = c->w;
    unsigned x = (unsigned)(pick(w, PICK_RANGES) % CONTENT_WIDTH), y = (unsigned)(pick(w, PICK_RANGES + 1) % h->height);
    unsigned width = 1 + (unsigned)(pick(w, PICK_RANGES + 2) % (CONTENT_WIDTH - x));
    unsigned height = 1 + (unsigned)(pick(w, PICK_RANGES + 3) % (h->height - y));
    nacre_read_options read = NACRE_READ_OPTIONS_INIT;
    read.window = (nacre_window){x, y, width, height};
    read.pixel_stride = 16;
    read.row_stride = 16 * (ptrdiff_t)width;
    read.band_stride = 4;
    nacre_status status = nacre_dataset_read(h->dataset, &read, &c->options, w->buffer, 2 * CONTENT_LARGEST, err);
    if (status == NACRE_OK)
        content_look_pixels((const uint32_t *)w->buffer, x, y, width, height, seen);
    return status;
}

static void do_read(context *c)
{
    worker *w = c->w;
    held *h = &w->held[pick(w, PICK_HELD) % HELD];
    content_seen seen = {0};
    nacre_error err;
    if (!h->file && !h->dataset) {
        do_open(c);
        return;
    }
    operation op = record_look(w, "read", h->key);
    nacre_status status = h->file ? read_ranges(c, h, &seen, &err) : read_window(c, h, &seen, &err);
    char begun[256], ended[512] = "";
    int length = snprintf(begun, sizeof begun, ", \"handle\": %" PRIu64 "%s", h->id, c->hurried);
    if (strcmp(h->owner, w->process) != 0)
        snprintf(begun + length, sizeof begun - (size_t)length, ", \"owner\": \"%s\"", h->owner);
    add_values(ended, sizeof ended, &seen);
    add_failure(ended, sizeof ended, status, &err);
    record_looked(&op, begun, status, look_outcome(status), ended);
}

/* --- Changing. --- */

static nacre_status write_object(const char *path, uint32_t value, const nacre_write_options *how,
                                 const nacre_io_options *options, uint8_t *buffer)
{
    nacre_error err;
    nacre_writer *writer;
    nacre_status status = nacre_writer_open(path, how, options, &writer, &err);
    if (status != NACRE_OK)
        return status;
    size_t size = content_size(value);
    content_fill(value, 0, size, buffer);
    for (size_t at = 0, part; at < size && status == NACRE_OK; at += part) {
        part = size - at < 100000 ? size - at : 100000;
        status = nacre_writer_write(writer, buffer + at, part, &err);
    }
    if (status == NACRE_OK)
        status = nacre_writer_commit(writer, &err);
    nacre_writer_close(writer);
    return status;
}

static void put_as(context *c, const nacre_write_options *how, const char *condition)
{
    uint32_t value = new_value(c->w);
    char more[400];
    snprintf(more, sizeof more, ", \"value\": %u%s%s", value, condition, c->hurried);
    operation op = record_change(c->w, "put", c->key, more);
    nacre_status status = write_object(c->path, value, how, &c->options, c->w->buffer);
    record_change_ended(&op, status, change_outcome(status), "");
}

static void do_put(context *c)
{
    put_as(c, NULL, "");
}

static void do_put_absent(context *c)
{
    nacre_write_options how = NACRE_WRITE_OPTIONS_INIT;
    how.no_clobber = true;
    put_as(c, c->w->plan->conditions ? &how : NULL, c->w->plan->conditions ? ", \"if\": null" : "");
}

/* Replaces the version of a handle that is held, where one of this object is. */
static void do_put_version(context *c)
{
    nacre_write_options how = NACRE_WRITE_OPTIONS_INIT;
    char condition[300] = "";
    for (int i = 0; i < HELD && c->w->plan->conditions; i++) {
        const held *h = &c->w->held[i];
        if (!h->id || !h->value || !h->version[0] || strcmp(h->key, c->key) != 0)
            continue;
        how.if_version = h->version;
        snprintf(condition, sizeof condition, ", \"if\": %u", h->value);
    }
    put_as(c, how.if_version ? &how : NULL, condition);
}

static void do_delete(context *c)
{
    nacre_error err;
    operation op = record_change(c->w, "delete", c->key, c->hurried);
    nacre_status status = nacre_delete(c->path, &c->options, &err);
    record_change_ended(&op, status, change_outcome(status), "");
}

/* A name that nobody else uses. */
static uint32_t own_path(context *c, char path[PATH_SIZE])
{
    char key[KEY_SIZE];
    uint32_t value = new_value(c->w);
    snprintf(key, sizeof key, "own/%u.tif", value);
    path_of(c->w, key, path);
    return value;
}

/* The value of an object of our own. */
static uint32_t value_at(const context *c, const char *path)
{
    context own = *c;
    held h = {0};
    content_seen seen = {0};
    nacre_error err;
    own.options = (nacre_io_options)NACRE_IO_OPTIONS_INIT;
    own.options.timeout_ms = 20000;
    snprintf(own.path, sizeof own.path, "%s", path);
    nacre_status status = open_file(&own, &h, &seen, &err);
    nacre_file_close(h.file);
    return status == NACRE_OK && seen.count == 1 ? seen.values[0] : 0;
}

static void bring_in(context *c, nacre_status (*bring)(const char *, const char *, const nacre_write_options *,
                                                       const nacre_io_options *, nacre_error *))
{
    char own[PATH_SIZE], more[300];
    nacre_error err;
    uint32_t value = own_path(c, own);
    nacre_io_options calm = NACRE_IO_OPTIONS_INIT;
    calm.timeout_ms = 20000;
    if (write_object(own, value, NULL, &calm, c->w->buffer) != NACRE_OK)
        return;
    snprintf(more, sizeof more, ", \"value\": %u%s", value, c->hurried);
    operation op = record_change(c->w, "put", c->key, more);
    nacre_status status = bring(own, c->path, NULL, &c->options, &err);
    record_change_ended(&op, status, status == NACRE_OK ? "done" : "unknown", "");
}

static void do_copy_in(context *c)
{
    bring_in(c, nacre_copy);
}

static void do_rename_in(context *c)
{
    bring_in(c, nacre_rename);
}

/* A copy to a name of our own tells what was there. */
static void do_copy_out(context *c)
{
    char own[PATH_SIZE], more[300] = "";
    nacre_error err;
    own_path(c, own);
    operation op = record_look(c->w, "stat", c->key);
    nacre_status status = nacre_copy(c->path, own, NULL, &c->options, &err);
    op.ended_ns = now_ns();
    content_seen seen = {0};
    uint32_t value = status == NACRE_OK ? value_at(c, own) : 0;
    if (value)
        content_add(&seen, value);
    add_values(more, sizeof more, &seen);
    record_looked(&op, c->hurried, status, look_outcome(status), more);
    nacre_delete(own, NULL, &err);
}

static void do_rename_out(context *c)
{
    char own[PATH_SIZE], more[300] = "";
    nacre_error err;
    if (!c->w->plan->conditions) {
        do_copy_out(c);
        return;
    }
    own_path(c, own);
    operation op = record_change(c->w, "delete", c->key, c->hurried);
    nacre_status status = nacre_rename(c->path, own, NULL, &c->options, &err);
    op.ended_ns = now_ns();
    uint32_t value = value_at(c, own);
    if (value)
        snprintf(more, sizeof more, ", \"moved\": %u", value);
    bool never = status != NACRE_OK && !value && strcmp(change_outcome(status), "not-done") == 0;
    record_change_ended(&op, status, status == NACRE_OK ? "done" : never ? "not-done" : "unknown", more);
    nacre_delete(own, NULL, &err);
}

/* What is proven, then a change without time to learn its outcome, then an open that believes what it may. */
static void do_put_in_doubt(context *c)
{
    do_open(c);
    c->options.timeout_ms = 1 + (int64_t)(pick(c->w, PICK_B) % 12);
    c->hurried = ", \"hurried\": true";
    c->options.cache = NULL;
    do_put(c);
    c->options.timeout_ms = 20000;
    c->hurried = "";
    if (pick(c->w, PICK_A) % 2)
        do_open_immutable(c);
    else
        do_open_offline(c);
}

/* --- Looking. --- */

static void do_stat(context *c)
{
    nacre_error err;
    nacre_object_info info;
    char more[300] = "";
    operation op = record_look(c->w, "stat", c->key);
    nacre_status status = nacre_stat(c->path, &c->options, &info, &err);
    if (status == NACRE_OK)
        add_version(more, sizeof more, info.version);
    add_failure(more, sizeof more, status, &err);
    record_looked(&op, c->hurried, status, look_outcome(status), more);
    nacre_object_info_free(&info);
}

static bool note_entry(void *user, const nacre_object_info *info)
{
    const char *name = strrchr(info->path, '/');
    *(uint32_t *)user |= name && !info->is_prefix ? 1u << (strtoul(name + 1, NULL, 10) % MAX_SLOTS) : 0;
    return true;
}

static void do_list(context *c)
{
    worker *w = c->w;
    nacre_error err;
    unsigned epoch = current_epoch(w);
    uint32_t there = 0;
    char path[PATH_SIZE], key[KEY_SIZE];
    nacre_list_options list = NACRE_LIST_OPTIONS_INIT;
    list.recursive = pick(w, PICK_A) % 2;
    snprintf(key, sizeof key, "t/%u/", epoch);
    path_of(w, key, path);
    operation op = record_look(w, "list", key);
    nacre_status status = nacre_list(path, &list, &c->options, note_entry, &there, &err);
    for (unsigned slot = 0; slot < w->plan->slots; slot++) {
        snprintf(key, sizeof key, "t/%u/%u.tif", epoch, slot);
        const char *outcome = status != NACRE_OK && status != NACRE_ERROR_NOT_FOUND ? "failed"
                              : there >> slot & 1                                   ? "present"
                                                                                    : "absent";
        record_looked(&op, c->hurried, status, outcome, "");
        op.number = (uint64_t)w->thread << 40 | ++w->records;
    }
}

static void do_invalidate(context *c)
{
    nacre_error err;
    if (pick(c->w, PICK_A) % 2)
        nacre_cache_invalidate(c->path, NULL, &err);
    else
        nacre_cache_flush();
}

static void do_fork(context *c)
{
    run_child(c->w);
}

static const struct {
    unsigned weight;
    void (*run)(context *c);
} kinds[] = {
    {170, do_open},        {110, do_open_dataset},  {330, do_read},     {110, do_put},     {25, do_put_absent},
    {35, do_put_version},  {45, do_delete},         {20, do_copy_in},   {15, do_copy_out}, {20, do_rename_in},
    {15, do_rename_out},   {45, do_stat},           {15, do_list},      {20, do_open_ttl}, {10, do_open_offline},
    {15, do_put_in_doubt}, {10, do_open_immutable}, {2, do_invalidate}, {3, do_fork},
};

void operate(worker *w)
{
    unsigned sum = 0, kind = 0, slots = w->plan->slots;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        sum += kinds[i].weight;
    unsigned at = (unsigned)(pick(w, PICK_KIND) % sum);
    while (at >= kinds[kind].weight)
        at -= kinds[kind++].weight;
    context c = {.w = w, .options = NACRE_IO_OPTIONS_INIT, .hurried = ""};
    uint64_t slot = pick(w, PICK_SLOT);
    c.slot = slot % 3 == 0 ? 0 : (unsigned)(slot / 3 % slots); /* the first is hot */
    current_key(w, c.slot, c.key);
    path_of(w, c.key, c.path);
    uint64_t hurry = pick(w, PICK_HURRY);
    bool is_hurried = hurry % 32 == 0;
    c.options.timeout_ms = is_hurried ? 1 + (int64_t)(hurry / 32 % 30) : 20000;
    c.hurried = is_hurried ? ", \"hurried\": true" : "";
    kinds[kind].run(&c);
    w->operations++;
}
