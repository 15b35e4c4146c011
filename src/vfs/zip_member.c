/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/backend.h"
#include "vfs/vfs.h"
#include "vfs/zip.h"
#include "vfs/zip_path.h"

/* Reading a member: stored ones are ranges of the archive, deflated ones are made whole. */

typedef struct reading {
    ncr_zip_ask ask;
    ncr_zip_make make;
    ncr_get *get;
    ncr_zip_entry *entry;
    uint64_t offset; /* of the member, and how many bytes of it */
    size_t length;
    ncr_fetch fetch;
} reading;

nacre_status ncr_zip_look_up(const ncr_object *member, const ncr_zip_directory *directory, ncr_zip_entry **out,
                             nacre_error *err)
{
    *out = ncr_zip_find(directory, member->key);
    if (*out)
        return NACRE_OK;
    if (!member->key[0])
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: names an archive that has not exactly one member; name one, as in %s%sNAME",
                             member->name, member->name, ncr_zip_path_mark(member->name));
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: not found: the archive has no member of this name",
                         member->name);
}

void ncr_zip_set_facts(const ncr_zip_entry *entry, const ncr_object_facts *archive, ncr_object_facts *out)
{
    *out = (ncr_object_facts){.size = entry->size, .modified_ms = entry->modified_ms};
    out->version = ncr_zip_member_version(archive);
    snprintf(out->content_type, sizeof out->content_type, "%s", ncr_content_type(entry->name));
}

static void end(reading *r, nacre_status status)
{
    ncr_get *get = r->get;
    ncr_slice_clear(&r->fetch.slice);
    ncr_zip_ask_clear(&r->ask);
    free(r);
    ncr_get_end(get, status);
}

/* --- Made whole. --- */

static nacre_status take_whole(reading *r, const ncr_zip_bytes *bytes)
{
    ncr_get *get = r->get;
    get->whole = malloc(bytes->size + 1);
    if (!get->whole)
        return ncr_error_memory(&get->error);
    memcpy(get->whole, bytes->data, bytes->size);
    get->whole_size = bytes->size;
    return NACRE_OK;
}

static void made(ncr_zip_make *make)
{
    reading *r = make->user;
    nacre_status status = make->status;
    r->get->round = make->round;
    if (status != NACRE_OK) {
        r->get->error = make->error;
    } else if (r->get->buffer && r->get->facts.version.strong) {
        memcpy(r->get->buffer, make->bytes->data + r->offset, r->length);
        r->get->got = r->length;
    } else {
        status = take_whole(r, make->bytes);
    }
    ncr_value_unref(make->bytes ? &make->bytes->value : NULL);
    end(r, status);
}

static void make_whole(reading *r)
{
    static const char unpacked[] = "it is deflated; store it without packing";
    const char *why = r->entry->method ? unpacked : NULL;
    ncr_get *get = r->get;
    nacre_status status = ncr_whole_read_check(get->call, get->object->name, r->entry->size, why, &get->error);
    if (status == NACRE_OK)
        status = ncr_whole_read_check(get->call, get->object->name, r->entry->packed, why, &get->error);
    if (status != NACRE_OK) {
        end(r, status);
        return;
    }
    r->make = (ncr_zip_make){.member = get->object,
                             .call = get->call,
                             .pin = r->ask.pin,
                             .entry = r->entry,
                             .needed_round = get->round,
                             .done = made,
                             .user = r};
    ncr_zip_make_start(&r->make);
}

/* --- Ranges of the archive. --- */

static void fetch_range(reading *r);

static void fetched(ncr_fetch *fetch)
{
    reading *r = fetch->user;
    ncr_get *get = r->get;
    nacre_status status = fetch->status;
    if (fetch->round > get->round)
        get->round = fetch->round;
    if (status != NACRE_OK)
        ncr_zip_fail_as(get->object, &get->error, &fetch->error, status);
    else if (fetch->offset == r->entry->header)
        status = ncr_zip_check_header(get->object->name, r->entry, fetch->slice.data, fetch->slice.size, &get->error);
    if (status != NACRE_OK) {
        end(r, status);
        return;
    }
    uint64_t begin = r->entry->data + r->offset;
    if (begin < fetch->offset || begin + r->length > fetch->offset + fetch->slice.size) {
        fetch_range(r); /* now that it is known where */
        return;
    }
    memcpy(get->buffer, fetch->slice.data + (begin - fetch->offset), r->length);
    get->got = r->length;
    end(r, NACRE_OK);
}

/* The wanted bytes; where it is not known yet where they begin, with the local header before them, where that is near,
 * else only that. */
static void fetch_range(reading *r)
{
    enum { NEAR = 64 * 1024, SLACK = 64 };
    const ncr_zip_entry *entry = r->entry;
    uint64_t data = entry->data, begin = data ? data + r->offset : entry->header, length = r->length;
    if (!data) {
        uint64_t header = (uint64_t)NCR_ZIP_HEADER + entry->raw_length + entry->extra_length + SLACK;
        length = r->offset <= NEAR ? header + r->offset + r->length : header;
    }
    if (length > entry->until - begin)
        length = entry->until - begin;
    ncr_slice_clear(&r->fetch.slice);
    r->fetch = (ncr_fetch){.pin = r->ask.pin,
                           .call = r->get->call,
                           .offset = begin,
                           .length = (size_t)length,
                           .needed_round = r->get->round,
                           .done = fetched,
                           .user = r};
    ncr_fetch *fetch = &r->fetch;
    ncr_cache_fetch_start(&fetch, 1);
}

/* --- Beginning. --- */

static nacre_status look_up(reading *r)
{
    ncr_get *get = r->get;
    nacre_status status = ncr_zip_look_up(get->object, r->ask.directory, &r->entry, &get->error);
    if (status == NACRE_ERROR_NOT_FOUND && get->match == NCR_MATCH_VERSION)
        return ncr_version_gone(&get->error, get->object->name, get->version);
    if (status != NACRE_OK)
        return status;
    ncr_zip_set_facts(r->entry, ncr_pin_facts(r->ask.pin), &get->facts);
    status = ncr_get_check_version(get);
    get->not_modified =
        status == NACRE_OK && get->match == NCR_MATCH_MODIFIED && ncr_version_same(get->version, &get->facts.version);
    return status == NACRE_OK ? ncr_zip_check_entry(get->object->name, r->entry, &get->error) : status;
}

static void asked(ncr_zip_ask *ask)
{
    reading *r = ask->user;
    ncr_get *get = r->get;
    get->round = ask->round;
    if (ask->status != NACRE_OK) {
        get->error = ask->error;
        end(r, ask->status);
        return;
    }
    nacre_status status = look_up(r);
    if (status != NACRE_OK || get->not_modified) {
        end(r, status);
        return;
    }
    r->offset = get->offset;
    r->length = ncr_get_inside(get, r->entry->size);
    bool is_whole = ncr_get_is_whole(get) || !get->facts.version.strong;
    if (!is_whole && !r->length)
        end(r, NACRE_OK);
    else if (is_whole || r->entry->method)
        make_whole(r);
    else
        fetch_range(r);
}

void ncr_zip_get(ncr_get *get)
{
    ncr_get_begin(get);
    reading *r = calloc(1, sizeof *r);
    if (!r) {
        ncr_get_end(get, ncr_error_memory(&get->error));
        return;
    }
    r->get = get;
    r->ask = (ncr_zip_ask){.member = get->object,
                           .call = get->call,
                           .version = get->match == NCR_MATCH_VERSION ? get->version : NULL,
                           .needed_round = get->needed_round,
                           .done = asked,
                           .user = r};
    ncr_zip_ask_start(&r->ask);
}
