/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "vfs/probe.h"

/* How a store is reached, and what it honours of reads. Nothing here goes through the cache: what comes over the wire
 * is seen by the call's witness, since stores' operations hide what a server does not honour. */

enum {
    PAGE = 50,         /* entries among which a sample is looked for */
    LATENCY_COUNT = 5, /* small requests */
    AT_ONCE = 4,       /* ranges of the bandwidth's */
    LEAST_PART = 64 << 10,
    MOST_PART = 4 << 20,
    GROW_MS = 400,        /* a batch that took less is followed by a larger one */
    LEAST_SIZE = 1 << 20, /* of an object that tells a bandwidth */
    CLOCK_NEAR_MS = 2000,
    CLOCK_FAR_MS = 60000,
};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* --- Reaching it. --- */

static void say_connection(ncr_probe *probe)
{
    ncr_seen seen;
    const char *section = "connection";
    if (!ncr_witness_take(probe->witness, &seen))
        return;
    char protocol[24];
    unsigned version = seen.http_version;
    snprintf(protocol, sizeof protocol, version >= 20 ? "HTTP/%u" : "HTTP/%u.%u", version / 10, version % 10);
    if (seen.is_tls)
        ncr_probe_say(probe, section, "protocol", NACRE_PROBE_NOTE, "", "%s, %s", protocol,
                      seen.tls[0] ? seen.tls : "TLS");
    else
        ncr_probe_say(probe, section, "protocol", NACRE_PROBE_NOTE, "", "%s, not encrypted", protocol);
    ncr_probe_say(probe, section, "address", NACRE_PROBE_NOTE, "", "%s%s", seen.peer,
                  seen.is_proxied ? ", a proxy" : ", no proxy");
}

static bool take_sample(ncr_probe *probe, ncr_object *object)
{
    ncr_stat_op stat;
    nacre_status status = ncr_probe_stat(probe, object, &stat);
    say_connection(probe);
    if (status != NACRE_OK) {
        ncr_probe_fail(probe, "connection", "object", &stat.error);
        return false;
    }
    probe->sample = ncr_object_ref(object);
    probe->facts = stat.facts;
    return true;
}

/* The largest on the first page: what is left of another probe is none of the user's. */
static ncr_object *choose(ncr_probe *probe, const ncr_list_op *op)
{
    const ncr_entry *best = NULL;
    for (size_t i = 0; i < op->entry_count; i++) {
        const ncr_entry *entry = &op->entries[i];
        if (!entry->is_prefix && !strstr(entry->key, "nacre-doctor-") &&
            (!best || entry->facts.size > best->facts.size))
            best = entry;
    }
    return best ? ncr_object_sibling(probe->object, best->key) : NULL;
}

static bool is_missing_folder(const ncr_probe *probe)
{
    struct stat st;
    return strcmp(probe->object->store->class->name, "file") == 0 &&
           (stat(probe->object->key, &st) != 0 || !S_ISDIR(st.st_mode));
}

static bool list_failed(ncr_probe *probe, const nacre_error *error)
{
    if (error->status != NACRE_ERROR_DENIED) {
        ncr_probe_fail(probe, "connection", "listing", error);
        return false;
    }
    if (probe->options.write) {
        ncr_probe_say(probe, "reading", "listing", NACRE_PROBE_WEAK,
                      "listing is denied, so ls and everything with -r do not work", "denied: %s", error->message);
        return true;
    }
    ncr_probe_say(probe, "connection", "listing", NACRE_PROBE_BAD,
                  "give credentials that may list, or, where only listing is denied, the path of an object", "%s",
                  error->message);
    return false;
}

static bool reach_prefix(ncr_probe *probe)
{
    ncr_list_op op = {.recursive = true, .max_entries = PAGE};
    nacre_status status = ncr_probe_list(probe, probe->object, &op);
    if (status == NACRE_OK && is_missing_folder(probe))
        status = ncr_error_set(&op.error, NACRE_ERROR_NOT_FOUND, "%s: not found: no such folder", probe->object->name);
    if (status != NACRE_OK) {
        say_connection(probe);
        ncr_list_op_clear(&op);
        return list_failed(probe, &op.error);
    }
    ncr_object *sample = choose(probe, &op);
    ncr_list_op_clear(&op);
    if (!sample) {
        say_connection(probe);
        if (probe->options.write)
            ncr_probe_say(probe, "connection", "object", NACRE_PROBE_NOTE, "", "none below it yet");
        else
            ncr_probe_say(probe, "connection", "object", NACRE_PROBE_WEAK,
                          "there is nothing to read, so reads were not tried: name an object, or give --write",
                          "none below it");
        return true;
    }
    ncr_probe_say(probe, "connection", "object", NACRE_PROBE_NOTE, "", "reads are tried on %s", sample->name);
    bool taken = take_sample(probe, sample);
    ncr_object_unref(sample);
    return taken;
}

bool ncr_probe_reach(ncr_probe *probe)
{
    return probe->is_prefix ? reach_prefix(probe) : take_sample(probe, probe->object);
}

/* --- Latency and clock. --- */

static int compare_times(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static void say_clock(ncr_probe *probe, const ncr_seen *seen)
{
    enum { HALF_SECOND_MS = 500 }; /* Date says the second that has begun */
    if (seen->date_ms < 0) {
        ncr_probe_say(probe, "connection", "clock", NACRE_PROBE_NOTE, "", "the server's answers have no Date");
        return;
    }
    int64_t off_ms = seen->wall_ms - seen->date_ms - HALF_SECOND_MS;
    int64_t far_ms = off_ms < 0 ? -off_ms : off_ms;
    if (far_ms < CLOCK_NEAR_MS)
        ncr_probe_say(probe, "connection", "clock", NACRE_PROBE_GOOD, "", "agrees with the server's");
    else
        ncr_probe_say(probe, "connection", "clock", far_ms < CLOCK_FAR_MS ? NACRE_PROBE_NOTE : NACRE_PROBE_WEAK,
                      far_ms < CLOCK_FAR_MS ? ""
                                            : "this machine's clock is wrong, so signatures and tokens may be refused",
                      "%lld s %s the server's", (long long)(far_ms / 1000), off_ms < 0 ? "behind" : "ahead of");
}

static nacre_status ask_small(ncr_probe *probe)
{
    if (probe->sample) {
        ncr_stat_op stat;
        return ncr_probe_stat(probe, probe->sample, &stat);
    }
    ncr_list_op op = {.recursive = true, .max_entries = 1};
    nacre_status status = ncr_probe_list(probe, probe->object, &op);
    ncr_list_op_clear(&op);
    return status;
}

static void measure_latency(ncr_probe *probe)
{
    double times[LATENCY_COUNT];
    int count = 0;
    ncr_seen seen;
    ncr_witness_take(probe->witness, &seen);
    for (int i = 0; i < LATENCY_COUNT && !ncr_probe_is_over(probe); i++) {
        double begin = now_ms();
        if (ask_small(probe) == NACRE_OK)
            times[count++] = now_ms() - begin;
    }
    if (!count)
        return;
    qsort(times, (size_t)count, sizeof times[0], compare_times);
    ncr_probe_say(probe, "connection", "latency", NACRE_PROBE_NOTE, "", "%.1f ms (median of %d small requests)",
                  times[count / 2], count);
    if (ncr_witness_take(probe->witness, &seen))
        say_clock(probe, &seen);
}

/* --- Bandwidth: several ranges at once, in batches that grow, so that a slow line is not waited for. --- */

typedef struct batch {
    ncr_latch latch;
    ncr_get gets[AT_ONCE];
} batch;

static void batch_done(ncr_get *get)
{
    ncr_latch_down(&((batch *)get->user)->latch);
}

/* Reads a batch from offset; gives the bytes that came, 0 where any of it failed. */
static uint64_t read_batch(ncr_probe *probe, uint64_t offset, size_t part, uint8_t *memory, int64_t limit_ms)
{
    batch b = {0};
    nacre_error error;
    uint64_t got = 0;
    bool failed = false;
    size_t count = 0;
    ncr_call *call;
    if (ncr_probe_call(probe, limit_ms, &call, &error) != NACRE_OK)
        return 0;
    while (count < AT_ONCE && offset + count * part < probe->facts.size)
        count++;
    ncr_latch_init(&b.latch, count);
    for (size_t i = 0; i < count; i++) {
        b.gets[i] = (ncr_get){.object = probe->sample,
                              .call = call,
                              .offset = offset + i * part,
                              .length = part,
                              .buffer = memory + i * part,
                              .done = batch_done,
                              .user = &b};
        probe->sample->store->class->get(&b.gets[i]);
    }
    ncr_latch_wait(&b.latch);
    ncr_latch_clear(&b.latch);
    for (size_t i = 0; i < count; i++) {
        failed = failed || b.gets[i].status != NACRE_OK || b.gets[i].whole;
        got += b.gets[i].got;
        free(b.gets[i].whole);
    }
    ncr_probe_call_end(probe, call);
    return failed ? 0 : got;
}

static void measure_bandwidth(ncr_probe *probe)
{
    const double mib = 1 << 20;
    uint8_t *memory = malloc((size_t)AT_ONCE * MOST_PART);
    uint64_t offset = 0, counted = 0, size = probe->facts.size, most = probe->options.bandwidth_bytes;
    double spent = 0, begin = now_ms(), limit = (double)probe->options.bandwidth_ms;
    for (size_t part = LEAST_PART; memory && offset < size && offset < most && !ncr_probe_is_over(probe);) {
        double before = now_ms(), left = limit - (before - begin);
        uint64_t got = left > 0 ? read_batch(probe, offset, part, memory, (int64_t)left + 1) : 0;
        double took = now_ms() - before;
        if (!got)
            break;
        if (offset || got >= size || part == MOST_PART) { /* the first one opens connections */
            counted += got;
            spent += took;
        }
        offset += (uint64_t)AT_ONCE * part;
        part = took < GROW_MS && part < MOST_PART ? 2 * part : part;
    }
    free(memory);
    if (counted && spent > 0)
        ncr_probe_say(probe, "reading", "bandwidth", NACRE_PROBE_NOTE, "", "%.1f MiB/s (%.1f MiB, %d ranges at once)",
                      (double)counted / mib / (spent / 1e3), (double)counted / mib, AT_ONCE);
    else
        ncr_probe_say(probe, "reading", "bandwidth", NACRE_PROBE_SKIPPED, "", "nothing came in %lld ms",
                      (long long)probe->options.bandwidth_ms);
}

/* --- What is honoured. --- */

/* True: ranges are honoured. */
static bool try_range(ncr_probe *probe)
{
    enum { LENGTH = 16 };
    uint8_t bytes[LENGTH];
    ncr_seen seen;
    uint64_t size = probe->facts.size;
    if (size < 2) {
        ncr_probe_say(probe, "reading", "ranges", NACRE_PROBE_SKIPPED, "", "the object has less than two bytes");
        return false;
    }
    ncr_get get = {.offset = 1, .length = size - 1 < LENGTH ? (size_t)(size - 1) : LENGTH, .buffer = bytes};
    if (ncr_probe_get(probe, probe->sample, &get) != NACRE_OK) {
        ncr_probe_fail(probe, "reading", "ranges", &get.error);
        return false;
    }
    bool was_seen = ncr_witness_take(probe->witness, &seen);
    bool is_whole = get.whole != NULL;
    free(get.whole);
    if (is_whole)
        ncr_probe_say(probe, "reading", "ranges", NACRE_PROBE_WEAK,
                      "ranges are ignored, so objects are read whole, up to limit.whole_read", "ignored (%d)",
                      was_seen ? seen.status : 0);
    else if (was_seen)
        ncr_probe_say(probe, "reading", "ranges", NACRE_PROBE_GOOD, "", "honoured (%d)", seen.status);
    else
        ncr_probe_say(probe, "reading", "ranges", NACRE_PROBE_GOOD, "", "read by the system");
    return !is_whole;
}

static void try_head(ncr_probe *probe)
{
    ncr_stat_op stat;
    ncr_seen seen;
    if (ncr_probe_stat(probe, probe->sample, &stat) != NACRE_OK) {
        ncr_probe_fail(probe, "reading", "size and version", &stat.error);
        return;
    }
    if (ncr_witness_take(probe->witness, &seen))
        ncr_probe_say(probe, "reading", "size and version", NACRE_PROBE_GOOD, "", "told by %s (%d), %" PRIu64 " bytes",
                      seen.method, seen.status, stat.facts.size);
    else
        ncr_probe_say(probe, "reading", "size and version", NACRE_PROBE_GOOD, "", "%" PRIu64 " bytes", stat.facts.size);
    probe->facts = stat.facts;
}

static const char *kind_of(const ncr_version *version)
{
    static const char *const kinds[][2] = {{"generation=", "a generation"},
                                           {"etag=W/", "a weak ETag"},
                                           {"etag=", "an ETag"},
                                           {"modified=", "Last-Modified"},
                                           {"file=", "inode, size and times"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (ncr_text_starts(version->token, kinds[i][0]))
            return kinds[i][1];
    return version->token[0] ? "a version" : "nothing";
}

static void say_validator(ncr_probe *probe)
{
    const ncr_version *version = &probe->facts.version;
    if (version->strong)
        ncr_probe_say(probe, "reading", "version", NACRE_PROBE_GOOD, "", "%s proves the bytes: %s", kind_of(version),
                      version->token);
    else
        ncr_probe_say(probe, "reading", "version", NACRE_PROBE_WEAK,
                      "no version proves the bytes, so nothing is cached, and what is over 64 MiB is read unproven",
                      "%s%s%s", kind_of(version), version->token[0] ? ": " : "", version->token);
    if (version->version_id[0])
        ncr_probe_say(probe, "reading", "old versions", NACRE_PROBE_GOOD, "", "kept: this one is %s",
                      version->version_id);
    if (probe->facts.checksum[0])
        ncr_probe_say(probe, "reading", "checksum", NACRE_PROBE_GOOD, "", "%.*s, held against whole reads",
                      (int)strcspn(probe->facts.checksum, "="), probe->facts.checksum);
}

static void try_unmodified(ncr_probe *probe)
{
    uint8_t byte;
    ncr_seen seen;
    ncr_get get = {.length = 1, .buffer = &byte, .match = NCR_MATCH_MODIFIED, .version = &probe->facts.version};
    ncr_witness_take(probe->witness, &seen);
    if (ncr_probe_get(probe, probe->sample, &get) != NACRE_OK) {
        ncr_probe_fail(probe, "reading", "if not changed", &get.error);
        return;
    }
    free(get.whole);
    bool was_seen = ncr_witness_take(probe->witness, &seen);
    if (get.not_modified && (!was_seen || seen.status == 304))
        ncr_probe_say(probe, "reading", "if not changed", NACRE_PROBE_GOOD, "",
                      "honoured (304): a warm open has no body");
    else if (get.not_modified && strcmp(seen.method, "HEAD") == 0)
        ncr_probe_say(probe, "reading", "if not changed", NACRE_PROBE_GOOD, "",
                      "told by HEAD (%d): a warm open has no body", seen.status);
    else
        ncr_probe_say(probe, "reading", "if not changed", NACRE_PROBE_WEAK,
                      "conditions of reads are ignored, so a warm open reads its header again", "ignored (%d)",
                      seen.status);
}

/* A version of the same kind, that the object never had. */
static void other_version(const ncr_version *version, ncr_version *out)
{
    const char *text = "etag=\"00000000000000000000000000000000\"";
    if (ncr_text_starts(version->token, "generation="))
        text = "generation=1";
    else if (ncr_text_starts(version->token, "modified="))
        text = "modified=Mon, 01 Jan 2001 00:00:00 GMT";
    *out = (ncr_version){.strong = true};
    snprintf(out->token, sizeof out->token, "%s", text);
}

static void try_pinned(ncr_probe *probe)
{
    uint8_t byte;
    ncr_seen seen;
    ncr_version other;
    other_version(&probe->facts.version, &other);
    ncr_get get = {.length = 1, .buffer = &byte, .match = NCR_MATCH_VERSION, .version = &other};
    ncr_witness_take(probe->witness, &seen);
    nacre_status status = ncr_probe_get(probe, probe->sample, &get);
    free(get.whole);
    bool was_seen = ncr_witness_take(probe->witness, &seen);
    if (status == NACRE_OK)
        ncr_probe_say(probe, "reading", "pinned reads", NACRE_PROBE_BAD, "", "bytes of another version were taken");
    else if (status != NACRE_ERROR_CHANGED)
        ncr_probe_fail(probe, "reading", "pinned reads", &get.error);
    else if (was_seen && seen.status >= 400)
        ncr_probe_say(probe, "reading", "pinned reads", NACRE_PROBE_GOOD, "", "another version is refused (%d)",
                      seen.status);
    else
        ncr_probe_say(probe, "reading", "pinned reads", NACRE_PROBE_WEAK,
                      "preconditions of reads are ignored, so nacre compares each answer's version itself",
                      "the precondition is ignored (%d), the answer's version is compared", seen.status);
}

static void try_listing(ncr_probe *probe)
{
    ncr_list_op op = {.recursive = true, .max_entries = 1};
    nacre_status status = ncr_probe_list(probe, probe->sample, &op);
    ncr_list_op_clear(&op);
    if (status == NACRE_OK)
        ncr_probe_say(probe, "reading", "listing", NACRE_PROBE_GOOD, "", "allowed");
    else if (status == NACRE_ERROR_UNSUPPORTED)
        ncr_probe_say(probe, "reading", "listing", NACRE_PROBE_NOTE, "", "plain HTTP has none");
    else if (status == NACRE_ERROR_DENIED)
        ncr_probe_say(probe, "reading", "listing", NACRE_PROBE_WEAK,
                      "listing is denied, so ls and everything with -r do not work", "%s", op.error.message);
    else
        ncr_probe_fail(probe, "reading", "listing", &op.error);
}

void ncr_probe_honours(ncr_probe *probe)
{
    try_head(probe);
    bool has_ranges = try_range(probe);
    say_validator(probe);
    if (!probe->object->store->is_local && probe->facts.version.strong && probe->facts.size) {
        try_unmodified(probe);
        try_pinned(probe);
    }
    if (!probe->object->store->is_local)
        try_listing(probe);
    if (has_ranges && probe->facts.size >= LEAST_SIZE)
        measure_bandwidth(probe);
    else
        ncr_probe_say(probe, "reading", "bandwidth", NACRE_PROBE_SKIPPED, "",
                      has_ranges ? "the object is too small to tell" : "not measured without ranges");
}

void ncr_probe_read(ncr_probe *probe)
{
    measure_latency(probe);
    if (probe->sample && !ncr_probe_is_over(probe))
        ncr_probe_honours(probe);
}
