/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/text.h"
#include "store/backend.h"
#include "vfs/zip.h"

/* The store of an archive's members, and what each operation on one begins with: the archive at a version (proven, or
 * the one that a member was pinned to), then its directory, from the cache or by one read of the archive's end.
 *
 *   pin -> cached directory ----------------------------> done
 *      \-> tail -> (worker) end record, directory -+----> done
 *                        \-> rest of the directory -> (worker) */

typedef struct zip_store {
    ncr_store base;
    ncr_object *archive; /* referenced */
    /* What was read last, so that sidecars are found in the same version without another proof, within one call.
     * Guarded by `lock`; each referenced; the directory NULL: nothing yet. */
    ncr_call *call;
    ncr_pin *pin;
    ncr_zip_directory *directory;
} zip_store;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all stores: it is held for a few instructions */

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&lock);
}

/* --- Versions. --- */

ncr_version ncr_zip_member_version(const ncr_object_facts *archive)
{
    ncr_version version = {.strong = archive->version.strong};
    int length =
        snprintf(version.token, sizeof version.token, "zip=%" PRIu64 ",%s", archive->size, archive->version.token);
    if (!archive->version.token[0])
        version.token[0] = '\0';
    if (length < 0 || (size_t)length >= sizeof version.token)
        version.strong = false;
    memcpy(version.version_id, archive->version.version_id, sizeof version.version_id);
    return version;
}

bool ncr_zip_archive_facts(const ncr_version *member, ncr_object_facts *out)
{
    *out = (ncr_object_facts){.modified_ms = -1};
    const char *comma = strchr(member->token, ',');
    if (!member->strong || !comma || !ncr_text_starts(member->token, "zip="))
        return false;
    char number[24];
    size_t digits = (size_t)(comma - member->token) - strlen("zip=");
    if (digits >= sizeof number)
        return false;
    memcpy(number, member->token + strlen("zip="), digits);
    number[digits] = '\0';
    if (!ncr_text_to_uint64(number, &out->size))
        return false;
    out->version.strong = true;
    snprintf(out->version.token, sizeof out->version.token, "%s", comma + 1);
    memcpy(out->version.version_id, member->version_id, sizeof out->version.version_id);
    return true;
}

nacre_status ncr_zip_fail_as(const ncr_object *member, nacre_error *err, const nacre_error *source, nacre_status status)
{
    ncr_error_rename(err, source, ncr_zip_archive(member->store)->name, member->name);
    return status;
}

/* --- Asking. --- */

static zip_store *store_of(const ncr_zip_ask *ask)
{
    return (zip_store *)ask->member->store;
}

static void end(ncr_zip_ask *ask, nacre_status status)
{
    ncr_slice_clear(&ask->head);
    ncr_slice_clear(&ask->fetch.slice);
    ask->status = status;
    ask->done(ask);
}

static void remember(ncr_zip_ask *ask)
{
    if (!ncr_pin_facts(ask->pin)->version.strong)
        return;
    zip_store *store = store_of(ask);
    ncr_call *call = ncr_call_ref(ask->call);
    ncr_pin *pin = ncr_pin_ref(ask->pin);
    ncr_zip_directory *directory = (ncr_zip_directory *)ncr_value_ref(&ask->directory->value);
    pthread_mutex_lock(&lock);
    ncr_call *old_call = store->call;
    ncr_pin *old_pin = store->pin;
    ncr_zip_directory *old_directory = store->directory;
    store->call = call;
    store->pin = pin;
    store->directory = directory;
    pthread_mutex_unlock(&lock);
    ncr_call_unref(old_call);
    ncr_pin_unref(old_pin);
    ncr_value_unref(old_directory ? &old_directory->value : NULL);
}

/* What was read last, where that is the wanted version, or was proven in this very call. */
static bool recall(ncr_zip_ask *ask, const ncr_object_facts *wanted)
{
    zip_store *store = store_of(ask);
    pthread_mutex_lock(&lock);
    bool is_it = store->directory && (wanted ? ncr_version_same(&ncr_pin_facts(store->pin)->version, &wanted->version)
                                             : store->call == ask->call);
    if (is_it) {
        ask->pin = ncr_pin_ref(store->pin);
        ask->directory = (ncr_zip_directory *)ncr_value_ref(&store->directory->value);
    }
    pthread_mutex_unlock(&lock);
    return is_it;
}

static void have_directory(ncr_zip_ask *ask)
{
    remember(ask);
    end(ask, NACRE_OK);
}

static void fetch_end(ncr_zip_ask *ask, uint64_t from, uint64_t until, void (*parse)(ncr_task *task));

static nacre_status parse(ncr_zip_ask *ask, const uint8_t *directory)
{
    nacre_status status = ncr_zip_parse_directory(ask->member->name, directory, &ask->end,
                                                  ncr_config_number(ask->call->config, NCR_KEY_LIMIT_DIRECTORIES),
                                                  &ask->directory, &ask->error);
    if (status == NACRE_OK)
        ncr_cache_value_put(ask->pin, (ncr_value_key){.kind = NCR_VALUE_ZIP_DIRECTORY}, &ask->directory->value);
    return status;
}

static void parse_directory(ncr_task *task)
{
    ncr_zip_ask *ask = (ncr_zip_ask *)((char *)task - offsetof(ncr_zip_ask, task));
    nacre_status status = parse(ask, ask->fetch.slice.data);
    if (status == NACRE_OK)
        have_directory(ask);
    else
        end(ask, status);
}

static nacre_status check_size(const ncr_zip_ask *ask, nacre_error *err)
{
    int64_t limit = ncr_config_number(ask->call->config, NCR_KEY_LIMIT_DIRECTORIES);
    if ((limit < 0 || ask->end.size <= (uint64_t)limit) && ask->end.size <= SIZE_MAX)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                         "%s: the archive's directory has %" PRIu64 " bytes, more than limit.directories; raise that",
                         ask->member->name, ask->end.size);
}

/* The archive's last bytes are there. */
static void parse_tail(ncr_task *task)
{
    ncr_zip_ask *ask = (ncr_zip_ask *)((char *)task - offsetof(ncr_zip_ask, task));
    const ncr_slice *tail = &ask->fetch.slice;
    uint64_t size = ncr_pin_facts(ask->pin)->size;
    nacre_status status = ncr_zip_find_end(ask->member->name, tail->data, tail->size, size, &ask->end, &ask->error);
    if (status == NACRE_OK)
        status = check_size(ask, &ask->error);
    uint64_t begin = size - tail->size;
    if (status == NACRE_OK && ask->end.offset < begin) {
        fetch_end(ask, ask->end.offset, ask->end.offset + ask->end.size, parse_directory);
        return;
    }
    if (status == NACRE_OK)
        status = parse(ask, tail->data + (ask->end.offset - begin));
    if (status == NACRE_OK)
        have_directory(ask);
    else
        end(ask, status);
}

static void fetched(ncr_fetch *fetch)
{
    ncr_zip_ask *ask = fetch->user;
    if (fetch->round > ask->round)
        ask->round = fetch->round;
    if (fetch->status == NACRE_OK) {
        ncr_pool_submit(&ask->task);
        return;
    }
    end(ask, ncr_zip_fail_as(ask->member, &ask->error, &fetch->error, fetch->status));
}

static void fetch_end(ncr_zip_ask *ask, uint64_t from, uint64_t until, void (*parse_it)(ncr_task *task))
{
    ncr_slice_clear(&ask->fetch.slice);
    ask->task.run = parse_it;
    ask->fetch = (ncr_fetch){.pin = ask->pin,
                             .call = ask->call,
                             .offset = from,
                             .length = (size_t)(until - from),
                             .needed_round = ask->round,
                             .done = fetched,
                             .user = ask};
    uint64_t size = ncr_pin_facts(ask->pin)->size;
    if (ask->head.block && size == ask->head.size && until == size) { /* all of a small archive is there already */
        ask->fetch.slice = ask->head;
        ask->head = (ncr_slice){0};
        ask->fetch.slice.data += from;
        ask->fetch.slice.size -= (size_t)from;
        ncr_pool_submit(&ask->task);
        return;
    }
    ncr_fetch *fetch = &ask->fetch;
    ncr_cache_fetch_start(&fetch, 1);
}

static void pinned(ncr_zip_ask *ask)
{
    const ncr_value_key key = {.kind = NCR_VALUE_ZIP_DIRECTORY};
    uint64_t size = ncr_pin_facts(ask->pin)->size;
    ask->directory = (ncr_zip_directory *)ncr_cache_value_get(ask->pin, key, ask->call);
    if (ask->directory)
        have_directory(ask);
    else
        fetch_end(ask, size > NCR_ZIP_TAIL ? size - NCR_ZIP_TAIL : 0, size, parse_tail);
}

static void opened(ncr_cache_open *open)
{
    ncr_zip_ask *ask = open->user;
    ask->round = open->round;
    if (open->status != NACRE_OK) {
        end(ask, ncr_zip_fail_as(ask->member, &ask->error, &open->error, open->status));
        return;
    }
    ask->pin = open->pin;
    ask->head = open->head;
    if (ncr_pin_is_proven(ask->pin)) {
        pinned(ask);
        return;
    }
    end(ask, ncr_error_set(&ask->error, NACRE_ERROR_UNPROVEN,
                           "%s: the archive has no version that proves its bytes, and is larger than "
                           "limit.whole_read; raise that, or copy the archive",
                           ask->member->name));
}

void ncr_zip_ask_start(ncr_zip_ask *ask)
{
    ncr_object_facts wanted;
    zip_store *store = store_of(ask);
    bool is_known = ask->version && ncr_zip_archive_facts(ask->version, &wanted);
    ask->round = ask->needed_round;
    if ((is_known || (!ask->version && !ask->call->proves_again)) && recall(ask, is_known ? &wanted : NULL)) {
        end(ask, NACRE_OK);
    } else if (is_known) {
        ask->pin = ncr_pin_at(store->archive, &wanted, ask->call);
        if (ask->pin)
            pinned(ask);
        else
            end(ask, ncr_error_memory(&ask->error));
    } else {
        ask->open = (ncr_cache_open){.object = store->archive,
                                     .call = ask->call,
                                     .needed_round = ask->needed_round,
                                     .done = opened,
                                     .user = ask};
        ncr_cache_open_start(&ask->open);
    }
}

void ncr_zip_ask_clear(ncr_zip_ask *ask)
{
    ncr_pin_unref(ask->pin);
    ncr_value_unref(ask->directory ? &ask->directory->value : NULL);
    ask->pin = NULL;
    ask->directory = NULL;
}

/* --- The store. --- */

ncr_store *ncr_zip_store_new(ncr_object *archive)
{
    char *id = ncr_text_format("zip:%s", archive->id);
    zip_store *store =
        id ? (zip_store *)ncr_store_new(sizeof *store, &ncr_zip_class, id, archive->store->credentials) : NULL;
    free(id);
    if (!store)
        return NULL;
    store->base.is_local = archive->store->is_local;
    store->base.is_view = true;
    store->archive = ncr_object_ref(archive);
    return &store->base;
}

void ncr_zip_store_clear(ncr_store *base)
{
    zip_store *store = (zip_store *)base;
    ncr_call_unref(store->call);
    ncr_pin_unref(store->pin);
    ncr_value_unref(store->directory ? &store->directory->value : NULL);
    ncr_object_unref(store->archive);
}

ncr_object *ncr_zip_archive(const ncr_store *store)
{
    return store->class == &ncr_zip_class ? ((const zip_store *)store)->archive : NULL;
}
