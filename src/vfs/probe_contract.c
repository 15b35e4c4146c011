/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "vfs/probe.h"

/* The contract as a test, below a folder of a new name. "Outside" is what goes to the store past the cache, as another
 * program's requests would; the rest goes the way that every user's calls go. */

enum {
    SMALL = 200,
    LARGE = 96 << 10, /* more than an open reads by itself */
    FAR = 80 << 10,
    NEAR_END = 100,
    CLEANUP_MS = 12000,
    YOUNG_MS = 50,
    NAMES = 8,
};

typedef enum name { NAME_A, NAME_B, NAME_PINNED, NAME_LATE, NAME_COPY, NAME_MOVED, NAME_PARTS, NAME_ABORTED } name;

static const char *const name_texts[NAMES] = {"a", "b", "pinned", "late", "copy", "moved", "parts", "aborted"};

typedef struct contract {
    ncr_probe *probe;
    char *folder;       /* as a path */
    ncr_object *prefix; /* the same */
    ncr_object *names[NAMES];
    uint8_t bytes[LARGE];   /* of the last write */
    unsigned turn;          /* makes each write's bytes others */
    bool is_over;           /* a step could not be done: the others are not tried */
    unsigned kept_versions; /* versions that stay after the end, as far as is known */
} contract;

static const char section[] = "writing";

/* --- Steps. --- */

static void good(contract *c, const char *row, const char *value)
{
    ncr_probe_say(c->probe, section, row, NACRE_PROBE_GOOD, "", "%s", value);
}

static void weak(contract *c, const char *row, const char *value, const char *follows)
{
    ncr_probe_say(c->probe, section, row, NACRE_PROBE_WEAK, follows, "%s", value);
}

static void broken(contract *c, const char *row, const char *value)
{
    ncr_probe_say(c->probe, section, row, NACRE_PROBE_BAD, "please report this, with the output of --json", "%s",
                  value);
}

/* Whether a step that has to succeed did. */
static bool worked(contract *c, const char *row, nacre_status status, const nacre_error *error)
{
    if (status == NACRE_OK)
        return true;
    c->is_over = true;
    ncr_probe_fail(c->probe, section, row, error);
    return false;
}

static const uint8_t *new_bytes(contract *c)
{
    c->turn++;
    for (size_t i = 0; i < LARGE; i++)
        c->bytes[i] = (uint8_t)(i * 31 + i / 251 + c->turn * 7);
    return c->bytes;
}

/* A write as every user's. */
static nacre_status own_put(contract *c, name which, size_t size, const ncr_condition *condition, nacre_error *err)
{
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_WRITE_MS, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_vfs_put(c->names[which], new_bytes(c), size, "application/octet-stream", condition, call, err);
    ncr_probe_call_end(c->probe, call);
    return status;
}

static nacre_status outside_put(contract *c, name which, size_t size, nacre_error *err)
{
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_WRITE_MS, &call, err);
    if (status != NACRE_OK)
        return status;
    ncr_put put = {.object = c->names[which],
                   .call = call,
                   .content_type = "application/octet-stream",
                   .data = new_bytes(c),
                   .size = size};
    status = ncr_store_put(&put, err);
    ncr_probe_call_end(c->probe, call);
    return status;
}

static nacre_status own_remove(contract *c, name which, const ncr_condition *condition, nacre_error *err)
{
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_STEP_MS, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_vfs_remove(c->names[which], condition, call, err);
    ncr_probe_call_end(c->probe, call);
    return status;
}

static nacre_status outside_remove(contract *c, name which, nacre_error *err)
{
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_STEP_MS, &call, err);
    if (status != NACRE_OK)
        return status;
    ncr_delete op = {.object = c->names[which], .call = call};
    status = ncr_store_remove(&op, err);
    ncr_probe_call_end(c->probe, call);
    return status;
}

static nacre_status own_open(contract *c, name which, ncr_file **out, nacre_error *err)
{
    *out = NULL;
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_STEP_MS, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_file_open_wait(c->names[which]->name, call, out, err);
    ncr_probe_call_end(c->probe, call);
    return status;
}

static nacre_status own_read(contract *c, ncr_file *file, nacre_range *range, nacre_error *err)
{
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_STEP_MS, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_file_read_wait(file, range, 1, call, err);
    ncr_probe_call_end(c->probe, call);
    return status;
}

/* Opens and reads the whole: *same says whether that is `size` bytes as they were last written. */
static nacre_status own_compare(contract *c, name which, size_t size, bool *same, nacre_error *err)
{
    ncr_file *file;
    uint8_t *bytes = malloc(LARGE);
    nacre_range range = {0, LARGE, bytes, 0};
    *same = false;
    if (!bytes)
        return ncr_error_memory(err);
    nacre_status status = own_open(c, which, &file, err);
    if (status == NACRE_OK)
        status = own_read(c, file, &range, err);
    *same = status == NACRE_OK && range.got == size && memcmp(bytes, c->bytes, size) == 0;
    ncr_file_unref(file);
    free(bytes);
    return status;
}

/* What is there now, as another program sees it. */
static nacre_status outside_stat(contract *c, name which, ncr_object_facts *facts, nacre_error *err)
{
    ncr_stat_op stat;
    nacre_status status = ncr_probe_stat(c->probe, c->names[which], &stat);
    *facts = stat.facts;
    return status == NACRE_OK ? status : ncr_error_copy(err, &stat.error, status);
}

/* A version of the kind that the store has, which nothing here has. */
static void wrong_version(const ncr_version *version, ncr_version *out)
{
    const char *text = "etag=\"00000000000000000000000000000000\"";
    if (ncr_text_starts(version->token, "generation="))
        text = "generation=1";
    else if (ncr_text_starts(version->token, "file="))
        text = "file=0";
    else if (!ncr_text_starts(version->token, "etag="))
        text = "none";
    *out = (ncr_version){.strong = true};
    snprintf(out->token, sizeof out->token, "%s", text);
}

/* --- The promises. --- */

/* Where there was no object to try reads on, there is one now. */
static void try_reads(contract *c)
{
    ncr_probe *probe = c->probe;
    nacre_error error;
    if (probe->sample || !worked(c, "first write", outside_put(c, NAME_PINNED, LARGE, &error), &error) ||
        !worked(c, "first write", outside_stat(c, NAME_PINNED, &probe->facts, &error), &error))
        return;
    probe->sample = ncr_object_ref(c->names[NAME_PINNED]);
    if (probe->object->store->is_local) /* a file proves nothing in the first moments of its life */
        nanosleep(&(struct timespec){.tv_nsec = YOUNG_MS * 1000000L}, NULL);
    ncr_probe_honours(probe);
}

static void try_own_write(contract *c)
{
    static const char row[] = "own write";
    nacre_error error;
    bool same;
    if (!worked(c, row, own_put(c, NAME_A, SMALL, NULL, &error), &error) ||
        !worked(c, row, own_compare(c, NAME_A, SMALL, &same, &error), &error))
        return;
    if (same)
        good(c, row, "read back at once");
    else
        broken(c, row, "what was read is not what was written");
}

static void try_overwrite(contract *c)
{
    static const char row[] = "overwrite by another";
    nacre_error error;
    bool same;
    if (!worked(c, row, outside_put(c, NAME_A, SMALL + 50, &error), &error) ||
        !worked(c, row, own_compare(c, NAME_A, SMALL + 50, &same, &error), &error))
        return;
    if (same)
        good(c, row, "seen by the next open");
    else
        broken(c, row, "the next open still read the old bytes");
}

static void try_pinned(contract *c)
{
    static const char row[] = "open handle";
    nacre_error error;
    ncr_file *file = NULL;
    uint8_t found[NEAR_END], expected[NEAR_END];
    nacre_range range = {FAR, NEAR_END, found, 0};
    if (!worked(c, row, outside_put(c, NAME_PINNED, LARGE, &error), &error))
        return;
    memcpy(expected, c->bytes + FAR, NEAR_END);
    if (!worked(c, row, own_open(c, NAME_PINNED, &file, &error), &error))
        return;
    if (worked(c, row, outside_put(c, NAME_PINNED, LARGE, &error), &error)) {
        nacre_status status = own_read(c, file, &range, &error);
        if (status == NACRE_ERROR_CHANGED)
            good(c, row, "refuses to read on after an overwrite (changed)");
        else if (worked(c, row, status, &error) && range.got == NEAR_END && memcmp(found, expected, NEAR_END) == 0)
            good(c, row, "reads on in its own version after an overwrite");
        else if (status == NACRE_OK)
            broken(c, row, "mixed bytes of two versions");
    }
    ncr_file_unref(file);
}

static void try_create_only(contract *c)
{
    static const char row[] = "create only";
    nacre_error error;
    const ncr_condition absent = {.absent = true};
    nacre_status status = own_put(c, NAME_A, SMALL, &absent, &error);
    if (status == NACRE_ERROR_EXISTS)
        good(c, row, "refused where there is an object");
    else if (worked(c, row, status, &error))
        weak(c, row, "ignored: the object was overwritten",
             "a write that must not overwrite (-n, rasters without --overwrite) may overwrite all the same");
}

static void try_conditional_replace(contract *c)
{
    static const char row[] = "replace a version";
    nacre_error error;
    ncr_object_facts facts;
    ncr_version wrong;
    if (!worked(c, row, outside_stat(c, NAME_A, &facts, &error), &error))
        return;
    wrong_version(&facts.version, &wrong);
    const ncr_condition is_wrong = {.version = &wrong}, is_right = {.version = &facts.version};
    nacre_status status = own_put(c, NAME_A, SMALL, &is_wrong, &error);
    if (status == NACRE_ERROR_UNSUPPORTED) {
        weak(c, row, error.message, "replacing one version only (--if-match) cannot be had");
        return;
    }
    if (status != NACRE_ERROR_CHANGED && !worked(c, row, status, &error))
        return;
    if (status == NACRE_OK)
        weak(c, row, "ignored: another version was overwritten",
             "replacing one version only (--if-match) may overwrite what another wrote meanwhile");
    else if (!facts.version.strong || worked(c, row, own_put(c, NAME_A, SMALL, &is_right, &error), &error))
        good(c, row, "refused where it is another one");
}

static void try_delete(contract *c)
{
    static const char row[] = "own delete";
    nacre_error error;
    ncr_file *file = NULL;
    ncr_object_facts facts;
    if (!worked(c, row, own_put(c, NAME_B, SMALL, NULL, &error), &error) ||
        !worked(c, row, own_remove(c, NAME_B, NULL, &error), &error))
        return;
    nacre_status status = own_open(c, NAME_B, &file, &error);
    ncr_file_unref(file);
    if (status == NACRE_OK)
        broken(c, row, "the object could still be opened");
    else if (status != NACRE_ERROR_NOT_FOUND)
        worked(c, row, status, &error);
    else if (outside_stat(c, NAME_B, &facts, &error) == NACRE_OK)
        broken(c, row, "the store still has the object");
    else
        good(c, row, "seen at once");
}

static void try_absence(contract *c)
{
    static const char row[] = "absence";
    nacre_error error;
    ncr_file *file = NULL;
    bool same;
    nacre_status status = own_open(c, NAME_LATE, &file, &error);
    ncr_file_unref(file);
    if (status == NACRE_OK) {
        broken(c, row, "an object that was never written could be opened");
        return;
    }
    if ((status != NACRE_ERROR_NOT_FOUND && !worked(c, row, status, &error)) ||
        !worked(c, row, outside_put(c, NAME_LATE, SMALL, &error), &error) ||
        !worked(c, row, own_compare(c, NAME_LATE, SMALL, &same, &error), &error))
        return;
    if (same)
        good(c, row, "is not believed once another has written");
    else
        broken(c, row, "what another wrote was read wrong");
}

typedef struct hunt {
    const char *name;
    bool found;
} hunt;

static bool look(void *user, const nacre_object_info *info)
{
    hunt *h = user;
    h->found = h->found || strcmp(info->path, h->name) == 0;
    return true;
}

static nacre_status own_list(contract *c, name which, bool *found, nacre_error *err)
{
    hunt h = {c->names[which]->name, false};
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_STEP_MS, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_vfs_list(c->prefix, true, call, look, &h, err);
    ncr_probe_call_end(c->probe, call);
    *found = h.found;
    return status;
}

static void try_listing(contract *c)
{
    static const char row[] = "listing";
    nacre_error error;
    bool before = false, after = false;
    nacre_status status = own_list(c, NAME_LATE, &before, &error);
    if (status == NACRE_ERROR_DENIED) {
        ncr_probe_say(c->probe, section, row, NACRE_PROBE_SKIPPED, "", "denied");
        return;
    }
    if (!worked(c, row, status, &error) || !worked(c, row, outside_remove(c, NAME_LATE, &error), &error) ||
        !worked(c, row, own_list(c, NAME_LATE, &after, &error), &error))
        return;
    if (before && !after)
        good(c, row, "shows writes and deletes of others at once");
    else
        weak(c, row, before ? "shows what was deleted" : "does not show what was written",
             "listings come late, so what was just written or deleted may be missed by ls and -r");
}

static nacre_status outside_copy(contract *c, const ncr_version *source, nacre_error *err)
{
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_WRITE_MS, &call, err);
    if (status != NACRE_OK)
        return status;
    ncr_copy copy = {
        .source = c->names[NAME_A], .destination = c->names[NAME_COPY], .call = call, .source_version = source};
    status = ncr_store_copy(&copy, err);
    ncr_probe_call_end(c->probe, call);
    return status;
}

static void try_copy(contract *c)
{
    static const char row[] = "copy of a version";
    const ncr_store_class *class = c->prefix->store->class;
    nacre_error error;
    ncr_object_facts facts;
    ncr_version wrong;
    if (!class->can_copy || !class->can_copy(c->names[NAME_A], c->names[NAME_COPY])) {
        ncr_probe_say(c->probe, section, row, NACRE_PROBE_NOTE, "", "copies go through this machine");
        return;
    }
    if (!worked(c, row, outside_stat(c, NAME_A, &facts, &error), &error))
        return;
    wrong_version(&facts.version, &wrong);
    nacre_status status = outside_copy(c, &wrong, &error);
    if (status == NACRE_OK)
        weak(c, row, "ignored: another version was copied",
             "a copy or move inside the store may take what another wrote meanwhile");
    else if ((status == NACRE_ERROR_CHANGED || worked(c, row, status, &error)) &&
             worked(c, row, outside_copy(c, facts.version.strong ? &facts.version : NULL, &error), &error))
        good(c, row, "refused where the source is another one");
}

static void try_conditional_delete(contract *c)
{
    static const char row[] = "delete of a version";
    nacre_error error;
    ncr_object_facts facts;
    ncr_version wrong;
    if (!worked(c, row, own_put(c, NAME_B, SMALL, NULL, &error), &error) ||
        !worked(c, row, outside_stat(c, NAME_B, &facts, &error), &error))
        return;
    wrong_version(&facts.version, &wrong);
    const ncr_condition condition = {.version = &wrong};
    nacre_status status = own_remove(c, NAME_B, &condition, &error);
    if (status == NACRE_OK)
        weak(c, row, "ignored: another version was deleted",
             "a move may delete what another wrote to the old name meanwhile");
    else if (status == NACRE_ERROR_CHANGED || worked(c, row, status, &error))
        good(c, row, "refused where it is another one");
}

static void try_rename(contract *c)
{
    static const char row[] = "rename";
    nacre_error error;
    ncr_object_facts facts;
    bool same;
    if (!worked(c, row, own_put(c, NAME_A, SMALL, NULL, &error), &error))
        return;
    ncr_call *call;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_WRITE_MS, &call, &error);
    if (status == NACRE_OK)
        status = ncr_vfs_rename(c->names[NAME_A], c->names[NAME_MOVED], NULL, call, &error);
    ncr_probe_call_end(c->probe, call);
    if (!worked(c, row, status, &error) || !worked(c, row, own_compare(c, NAME_MOVED, SMALL, &same, &error), &error))
        return;
    if (outside_stat(c, NAME_A, &facts, &error) == NACRE_OK)
        broken(c, row, "the old name is still there");
    else if (!same)
        broken(c, row, "the new name has other bytes");
    else
        good(c, row, "the bytes are at the new name, and the old one is gone");
}

/* --- Uploads in parts. --- */

/* Sends a whole part, and a short one. */
static nacre_status send_parts(contract *c, ncr_upload *upload, unsigned count, nacre_error *err)
{
    const ncr_store_class *class = c->prefix->store->class;
    size_t size = ncr_part_size(class, 1);
    uint8_t *part = calloc(1, size);
    if (!part)
        return ncr_error_memory(err);
    nacre_status status = class->upload_part(upload, 1, part, size, err);
    if (status == NACRE_OK && count > 1)
        status = class->upload_part(upload, 2, part, SMALL, err);
    free(part);
    return status;
}

static nacre_status begin_parts(contract *c, name which, unsigned count, ncr_call **call, ncr_upload **out,
                                nacre_error *err)
{
    const ncr_store_class *class = c->prefix->store->class;
    const ncr_condition any = {0};
    *out = NULL;
    nacre_status status = ncr_probe_call(c->probe, NCR_PROBE_WRITE_MS, call, err);
    if (status != NACRE_OK)
        return status;
    status = class->upload_begin(c->names[which], *call, &any, "application/octet-stream", out, err);
    if (status == NACRE_OK)
        status = send_parts(c, *out, count, err);
    if (status != NACRE_OK && *out) {
        class->upload_abort(*out);
        *out = NULL;
    }
    return status;
}

static void try_parts(contract *c)
{
    static const char row[] = "upload in parts";
    const ncr_store_class *class = c->prefix->store->class;
    nacre_error error;
    ncr_call *call;
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    bool was_early = false;
    if (worked(c, row, begin_parts(c, NAME_PARTS, 2, &call, &upload, &error), &error)) {
        was_early = outside_stat(c, NAME_PARTS, &facts, &error) == NACRE_OK;
        worked(c, row, class->upload_finish(upload, &outcome, &facts, &error), &error);
    }
    ncr_probe_call_end(c->probe, call);
    if (c->is_over || !worked(c, row, outside_stat(c, NAME_PARTS, &facts, &error), &error))
        return;
    if (was_early)
        broken(c, row, "could be seen before its end");
    else if (facts.size != ncr_part_size(class, 1) + SMALL)
        broken(c, row, "has another size than its parts");
    else
        good(c, row, "two parts, seen at the end and not before");
}

static void try_abort(contract *c)
{
    static const char row[] = "upload given up";
    nacre_error error;
    ncr_call *call;
    ncr_upload *upload;
    ncr_object_facts facts;
    if (worked(c, row, begin_parts(c, NAME_ABORTED, 1, &call, &upload, &error), &error))
        c->prefix->store->class->upload_abort(upload);
    ncr_probe_call_end(c->probe, call);
    if (c->is_over)
        return;
    nacre_status status = outside_stat(c, NAME_ABORTED, &facts, &error);
    if (status == NACRE_OK)
        broken(c, row, "left an object");
    else if (status == NACRE_ERROR_NOT_FOUND || worked(c, row, status, &error))
        good(c, row, "leaves nothing");
}

/* --- Old versions. --- */

static void try_old_version(contract *c)
{
    static const char row[] = "old versions";
    nacre_error error;
    ncr_object_facts facts;
    uint8_t byte;
    if (!worked(c, row, own_put(c, NAME_B, SMALL, NULL, &error), &error) ||
        !worked(c, row, outside_stat(c, NAME_B, &facts, &error), &error) ||
        !worked(c, row, own_put(c, NAME_B, SMALL, NULL, &error), &error) || !facts.version.strong)
        return;
    ncr_get get = {.length = 1, .buffer = &byte, .match = NCR_MATCH_VERSION, .version = &facts.version};
    nacre_status status = ncr_probe_get(c->probe, c->names[NAME_B], &get);
    free(get.whole);
    if (status == NACRE_OK)
        ncr_probe_say(c->probe, section, row, NACRE_PROBE_GOOD, "",
                      "kept: an open dataset reads on after an overwrite");
    else if (status == NACRE_ERROR_CHANGED)
        ncr_probe_say(c->probe, section, row, NACRE_PROBE_NOTE, "", "not kept: an open dataset fails with 'changed'");
    c->kept_versions = status == NACRE_OK;
}

/* --- The folder. --- */

static bool make_folder(contract *c)
{
    unsigned char random[8];
    char unique[2 * sizeof random + 1];
    nacre_error error = {0};
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(unique + 2 * i, 3, "%02x", random[i]);
    c->folder = ncr_text_format("%snacre-doctor-%s/", c->probe->path, unique);
    ncr_call *call = NULL;
    nacre_status status =
        c->folder ? ncr_probe_call(c->probe, NCR_PROBE_STEP_MS, &call, &error) : ncr_error_memory(&error);
    if (status == NACRE_OK)
        status = ncr_vfs_resolve(c->folder, NULL, call, &c->prefix, &error);
    for (int i = 0; i < NAMES && status == NACRE_OK; i++) {
        char *path = ncr_text_format("%s%s", c->folder, name_texts[i]);
        status = path ? ncr_vfs_resolve(path, NULL, call, &c->names[i], &error) : ncr_error_memory(&error);
        free(path);
    }
    ncr_call_unref(call);
    if (status == NACRE_OK && strcmp(c->prefix->store->class->name, "file") == 0 && mkdir(c->prefix->key, 0777) != 0)
        status = ncr_error_errno(&error, errno, c->prefix->name, "make the folder");
    return worked(c, "folder", status, &error);
}

/* After Ctrl-C and beyond the time limit too, with a time of its own. Removing goes on after a failure. */
static ncr_call *cleanup_call(contract *c, int64_t until_ms)
{
    ncr_call *call;
    nacre_error error;
    nacre_io_options io = c->probe->io;
    int64_t left_ms = until_ms - ncr_clock_ms();
    io.cancel = NULL;
    io.timeout_ms = left_ms > 1 ? left_ms : 1;
    return ncr_call_new(&io, &call, &error) == NACRE_OK ? call : NULL;
}

/* Twice where it failed for want of memory or a fault that passes: neither is a weakness of the store. */
static nacre_status remove_name(contract *c, ncr_object *object, int64_t until_ms, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (int i = 0; i < 2; i++) {
        ncr_call *call = cleanup_call(c, until_ms);
        status = call ? ncr_vfs_remove(object, NULL, call, err) : ncr_error_memory(err);
        ncr_probe_call_end(c->probe, call);
        if (status != NACRE_ERROR_MEMORY && status != NACRE_ERROR_UNAVAILABLE)
            break;
    }
    return status == NACRE_ERROR_NOT_FOUND ? NACRE_OK : status;
}

static size_t remove_names(contract *c, int64_t until_ms)
{
    size_t left = 0;
    for (int i = 0; i < NAMES; i++) {
        nacre_error error;
        if (!c->names[i] || remove_name(c, c->names[i], until_ms, &error) == NACRE_OK)
            continue;
        left++;
        bool is_named = ncr_text_starts(error.message, c->names[i]->name);
        ncr_probe_say(c->probe, section, "not removed", NACRE_PROBE_WEAK, "delete by hand what the rows name", "%s%s%s",
                      is_named ? "" : c->names[i]->name, is_named ? "" : ": ", error.message);
    }
    return left;
}

static void clean_up(contract *c)
{
    int64_t until_ms = ncr_clock_ms() + CLEANUP_MS;
    if (!c->prefix)
        return;
    size_t left = remove_names(c, until_ms);
    if (strcmp(c->prefix->store->class->name, "file") == 0 && rmdir(c->prefix->key) != 0 && errno != ENOENT) {
        left++;
        ncr_probe_say(c->probe, section, "not removed", NACRE_PROBE_WEAK, "delete by hand what the rows name", "%s: %s",
                      c->prefix->name, strerror(errno));
    }
    c->probe->out->has_left = left > 0;
    if (!left)
        ncr_probe_say(c->probe, section, "clean-up", NACRE_PROBE_GOOD,
                      c->kept_versions ? "the bucket keeps old versions of them, until its own rules end those" : "",
                      "all that was written is removed again");
}

void ncr_probe_write(ncr_probe *probe)
{
    static void (*const promises[])(contract *) = {
        try_reads,       try_own_write, try_overwrite, try_pinned, try_create_only, try_conditional_replace,
        try_delete,      try_absence,   try_listing,   try_copy,   try_rename,      try_conditional_delete,
        try_old_version, try_parts,     try_abort};
    const size_t count = sizeof promises / sizeof promises[0];
    contract *c = calloc(1, sizeof *c);
    if (!c)
        return;
    c->probe = probe;
    size_t done = 0;
    if (ncr_probe_is_read_only(probe))
        ncr_probe_say(probe, section, "contract", NACRE_PROBE_SKIPPED, "", "nacre writes nothing there");
    else if (make_folder(c))
        for (; done < count && !c->is_over && !ncr_probe_is_over(probe); done++)
            promises[done](c);
    clean_up(c);
    probe->was_written = done == count && !c->is_over;
    for (int i = 0; i < NAMES; i++)
        ncr_object_unref(c->names[i]);
    ncr_object_unref(c->prefix);
    free(c->folder);
    free(c);
}
