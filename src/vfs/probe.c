/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/credentials.h"
#include "vfs/path.h"

enum { WHOLE_MS = 60000, DEFAULT_BYTES = 32 << 20, DEFAULT_BANDWIDTH_MS = 3000, LINE = 1400 };

/* --- Rows. --- */

static void add_reason(ncr_probe *probe, const char *text)
{
    size_t length = strlen(probe->because);
    if (strstr(probe->because, text) || length + strlen(text) + 3 > sizeof probe->because)
        return;
    snprintf(probe->because + length, sizeof probe->because - length, "%s%s", length ? "; " : "", text);
}

void ncr_probe_say(ncr_probe *probe, const char *section, const char *name, nacre_probe_mark mark, const char *note,
                   const char *format, ...)
{
    char value[LINE], line[LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    ncr_text_make_line(value);
    snprintf(line, sizeof line, "%s", note);
    ncr_text_make_line(line);
    if (mark == NACRE_PROBE_BAD && !probe->is_bad) {
        char why[sizeof probe->because];
        snprintf(why, sizeof why, "%s: %.*s", name, 560, value);
        memcpy(probe->because, why, sizeof why);
        probe->is_bad = true;
    } else if (mark == NACRE_PROBE_WEAK && !probe->is_bad) {
        add_reason(probe, *line ? line : value);
        probe->is_weak = true;
    }
    const nacre_probe_row row = {.section = section, .name = name, .mark = mark, .value = value, .note = line};
    probe->function(probe->user, &row);
}

static const char *cure(nacre_status status)
{
    switch (status) {
    case NACRE_ERROR_NOT_FOUND:
        return "look at the spelling (keys are literal bytes), the bucket's name, and the endpoint above";
    case NACRE_ERROR_DENIED:
        return "give credentials that may do this, or --no-sign-request for public data";
    case NACRE_ERROR_UNAVAILABLE:
        return "look at the endpoint, the network, proxies (HTTPS_PROXY, the key http.proxy) and firewalls";
    case NACRE_ERROR_REFUSED:
        return "see the key sources";
    default:
        return "";
    }
}

void ncr_probe_fail(ncr_probe *probe, const char *section, const char *name, const nacre_error *error)
{
    if (error->status == NACRE_ERROR_CANCELLED) /* not the store's fault */
        return;
    ncr_probe_say(probe, section, name, NACRE_PROBE_BAD, cure(error->status), "%s", error->message);
}

/* --- Steps. --- */

bool ncr_probe_is_read_only(const ncr_probe *probe)
{
    const char *class = probe->object->store->class->name;
    return strcmp(class, "http") == 0 || strcmp(class, "zip") == 0;
}

bool ncr_probe_is_over(const ncr_probe *probe)
{
    return ncr_cancel_is_triggered(probe->io.cancel) || ncr_clock_ms() >= probe->deadline_ms;
}

nacre_status ncr_probe_call(ncr_probe *probe, int64_t limit_ms, ncr_call **out, nacre_error *err)
{
    nacre_io_options io = probe->io;
    int64_t left_ms = probe->deadline_ms - ncr_clock_ms();
    *out = NULL;
    if (left_ms <= 0)
        return ncr_error_set(err, NACRE_ERROR_UNAVAILABLE, "%s: not done within the time limit",
                             probe->object ? probe->object->name : "doctor");
    io.timeout_ms = left_ms < limit_ms ? left_ms : limit_ms;
    nacre_status status = ncr_call_new(&io, out, err);
    if (status == NACRE_OK)
        (*out)->witness = ncr_witness_ref(probe->witness);
    return status;
}

void ncr_probe_call_end(ncr_probe *probe, ncr_call *call)
{
    if (call)
        ncr_call_report(call, &probe->io);
    ncr_call_unref(call);
}

static void down_stat(ncr_stat_op *op)
{
    ncr_latch_down(op->user);
}

nacre_status ncr_probe_stat(ncr_probe *probe, ncr_object *object, ncr_stat_op *out)
{
    ncr_latch latch;
    *out = (ncr_stat_op){.object = object, .done = down_stat, .user = &latch};
    out->status = ncr_probe_call(probe, NCR_PROBE_STEP_MS, &out->call, &out->error);
    if (out->status != NACRE_OK)
        return out->status;
    ncr_latch_init(&latch, 1);
    object->store->class->stat(out);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_probe_call_end(probe, out->call);
    return out->status;
}

static void down_get(ncr_get *get)
{
    ncr_latch_down(get->user);
}

nacre_status ncr_probe_get(ncr_probe *probe, ncr_object *object, ncr_get *get)
{
    ncr_latch latch;
    get->object = object;
    get->done = down_get;
    get->user = &latch;
    get->whole = NULL;
    get->status = ncr_probe_call(probe, NCR_PROBE_STEP_MS, &get->call, &get->error);
    if (get->status != NACRE_OK)
        return get->status;
    ncr_latch_init(&latch, 1);
    object->store->class->get(get);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_probe_call_end(probe, get->call);
    return get->status;
}

static void down_list(ncr_list_op *op)
{
    ncr_latch_down(op->user);
}

nacre_status ncr_probe_list(ncr_probe *probe, ncr_object *prefix, ncr_list_op *op)
{
    ncr_latch latch;
    op->object = prefix;
    op->done = down_list;
    op->user = &latch;
    op->status = ncr_probe_call(probe, NCR_PROBE_STEP_MS, &op->call, &op->error);
    if (op->status != NACRE_OK)
        return op->status;
    ncr_latch_init(&latch, 1);
    prefix->store->class->list(op);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_probe_call_end(probe, op->call);
    return op->status;
}

/* --- The path. --- */

static void say_shown(ncr_probe *probe, const char *name, char *text)
{
    char *shown = text ? ncr_path_shown(text) : NULL;
    if (shown)
        ncr_probe_say(probe, "path", name, NACRE_PROBE_NOTE, "", "%s", shown);
    free(shown);
    free(text);
}

static void say_path(ncr_probe *probe, const ncr_path *path, const ncr_store_about *about)
{
    const char *class = probe->object->store->class->name;
    const char *title = about->title                 ? about->title
                        : strcmp(class, "file") == 0 ? "local files"
                        : strcmp(class, "mem") == 0  ? "memory of this process"
                        : strcmp(class, "zip") == 0  ? "members of a ZIP archive"
                                                     : class;
    ncr_probe_say(probe, "path", "store", NACRE_PROBE_NOTE, "", "%s", title);
    if (about->endpoint[0])
        ncr_probe_say(probe, "path", "endpoint", NACRE_PROBE_NOTE, "", "%s", about->endpoint);
    if (about->region[0])
        ncr_probe_say(probe, "path", "region", NACRE_PROBE_NOTE, "", "%s", about->region);
    if (path->bucket[0]) {
        ncr_probe_say(probe, "path", "bucket", NACRE_PROBE_NOTE, "", "%s", path->bucket);
        ncr_probe_say(probe, "path", probe->is_prefix ? "prefix" : "key", NACRE_PROBE_NOTE, "", "%s",
                      path->key[0] ? path->key : "(the whole bucket)");
    }
    say_shown(probe, "identity", ncr_path_text(path, NCR_SPELLING_URL));
    say_shown(probe, "for GDAL", ncr_path_text(path, NCR_SPELLING_GDAL));
    char text[NCR_POLICY_TEXT];
    nacre_error error;
    ncr_call *call;
    if (ncr_probe_call(probe, NCR_PROBE_STEP_MS, &call, &error) != NACRE_OK)
        return;
    const ncr_policy policy = ncr_object_policy(probe->object, call);
    ncr_policy_text(&policy, text);
    ncr_probe_say(probe, "path", "cache policy", NACRE_PROBE_NOTE, "", "%s", text);
    ncr_call_unref(call);
}

/* --- Who asks. --- */

static void say_secret(ncr_probe *probe, const ncr_secret *secret)
{
    if (secret->expires_ms == INT64_MAX)
        return;
    int64_t left_s = (secret->expires_ms - ncr_clock_wall_ms()) / 1000;
    ncr_probe_say(probe, "credentials", "ends", NACRE_PROBE_NOTE, "", "in %lld min %lld s; renewed before that",
                  (long long)(left_s / 60), (long long)(left_s % 60));
}

static void say_who(ncr_probe *probe, const ncr_secret *secret)
{
    enum { WHO_MS = 5000 };
    char who[300];
    nacre_error error;
    ncr_call *call;
    const ncr_store_class *class = probe->object->store->class;
    if (!class->who || ncr_probe_call(probe, WHO_MS, &call, &error) != NACRE_OK)
        return;
    nacre_status status = class->who(probe->object, secret, call, who, sizeof who, &error);
    ncr_probe_call_end(probe, call);
    if (status != NACRE_OK && status != NACRE_ERROR_CANCELLED)
        ncr_probe_say(probe, "credentials", "who", NACRE_PROBE_SKIPPED, "", "not told: %s", error.message);
    else if (status == NACRE_OK && *who)
        ncr_probe_say(probe, "credentials", "who", NACRE_PROBE_NOTE, "", "%s", who);
}

/* Gets the secret, so that what is wrong with it is told as such. True: there is one, or none is needed. */
static bool say_fetched(ncr_probe *probe, const ncr_store_about *about)
{
    nacre_error error;
    ncr_secret *secret = NULL;
    ncr_call *call;
    nacre_status status = ncr_probe_call(probe, NCR_PROBE_STEP_MS, &call, &error);
    if (status == NACRE_OK)
        status = ncr_credentials_wait(about->credentials, call, probe->object->name, &secret, &error);
    ncr_probe_call_end(probe, call);
    if (status != NACRE_OK || !secret) {
        ncr_probe_fail(probe, "credentials", about->kind, &error);
        return false;
    }
    bool is_empty = !secret->token && !secret->key;
    if (is_empty)
        ncr_probe_say(probe, "credentials", "anonymous", NACRE_PROBE_NOTE, "", "%s; none found",
                      about->looked[0] ? about->looked : about->origin);
    else
        ncr_probe_say(probe, "credentials", about->kind, NACRE_PROBE_GOOD, "", "from %s", about->origin);
    if (!is_empty && secret->id && strcmp(about->kind, "account key") == 0)
        ncr_probe_say(probe, "credentials", "account", NACRE_PROBE_NOTE, "", "%s", secret->id);
    say_secret(probe, secret);
    if (!is_empty)
        say_who(probe, secret);
    ncr_secret_unref(secret);
    return true;
}

static bool say_credentials(ncr_probe *probe, const ncr_store_about *about)
{
    if (about->credentials)
        return say_fetched(probe, about);
    if (about->kind)
        ncr_probe_say(probe, "credentials", about->kind, NACRE_PROBE_GOOD, "", "from %s", about->origin);
    else if (about->title)
        ncr_probe_say(probe, "credentials", "anonymous", NACRE_PROBE_NOTE, "", "%s", about->looked);
    return true;
}

/* --- The verdict. --- */

static void judge(ncr_probe *probe)
{
    nacre_probe_result *out = probe->out;
    const char *reads = "what is read is proven and pinned";
    if (!probe->object) /* the configuration alone is wrong */
        probe->is_bad = true;
    out->verdict = probe->is_bad ? NACRE_PROBE_FAILS : probe->is_weak ? NACRE_PROBE_WORKS : NACRE_PROBE_SAFE;
    if (probe->is_bad)
        snprintf(out->summary, sizeof out->summary, "does not work: %s", probe->because);
    else if (probe->is_weak)
        snprintf(out->summary, sizeof out->summary, "works, but %s", probe->because);
    else if (probe->was_written)
        snprintf(out->summary, sizeof out->summary, "safe: %s, and changes keep every promise of the contract", reads);
    else if (probe->object && ncr_probe_is_read_only(probe))
        snprintf(out->summary, sizeof out->summary, "safe: %s (%s are not written)", reads,
                 strcmp(probe->object->store->class->name, "zip") == 0 ? "archives" : "HTTP servers");
    else
        snprintf(out->summary, sizeof out->summary, "safe: %s; changes were not tried", reads);
}

/* --- The probe. --- */

/* What is wrong with the configuration shows here. */
static bool resolve(ncr_probe *probe)
{
    nacre_error error;
    ncr_call *call;
    nacre_status status = ncr_probe_call(probe, NCR_PROBE_STEP_MS, &call, &error);
    if (status == NACRE_OK)
        status = ncr_vfs_resolve(probe->path, NULL, call, &probe->object, &error);
    ncr_probe_call_end(probe, call);
    if (status != NACRE_OK)
        ncr_probe_say(probe, "path", "configuration", NACRE_PROBE_BAD, "", "%s", error.message);
    return status == NACRE_OK;
}

static void look(ncr_probe *probe, const ncr_path *path)
{
    ncr_store_about about = {0};
    if (!resolve(probe))
        return;
    const ncr_store_class *class = probe->object->store->class;
    if (class->about)
        class->about(probe->object, &about);
    say_path(probe, path, &about);
    if (!say_credentials(probe, &about) || ncr_probe_is_over(probe) || !ncr_probe_reach(probe))
        return;
    ncr_probe_read(probe);
    if (ncr_probe_is_over(probe))
        return;
    if (probe->options.write)
        ncr_probe_write(probe);
    else if (!ncr_probe_is_read_only(probe))
        ncr_probe_say(probe, "writing", "contract", NACRE_PROBE_SKIPPED, "",
                      "not tried: give --write and a path that ends with a slash, below which may be written");
}

static nacre_status begin(ncr_probe *probe, ncr_path *path, nacre_error *err)
{
    nacre_status status = ncr_path_parse(probe->path, path, err);
    size_t length = strlen(probe->path);
    bool ends = length && probe->path[length - 1] == '/';
    if (status != NACRE_OK)
        return status;
    probe->is_prefix = !ncr_path_is_http(path) && (ends || (path->bucket[0] && !path->key[0]));
    if (probe->options.write && !ends)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: a path below which may be written ends with a slash: then it is a folder's",
                             probe->path);
    return NACRE_OK;
}

nacre_status ncr_vfs_probe(const char *path, const nacre_probe_options *probe_options, const nacre_io_options *options,
                           nacre_probe_function function, void *user, nacre_probe_result *out, nacre_error *err)
{
    nacre_error error = {0};
    ncr_path parsed = {0};
    ncr_probe probe = {.path = path,
                       .options = NACRE_PROBE_OPTIONS_INIT,
                       .io = NACRE_IO_OPTIONS_INIT,
                       .function = function,
                       .user = user,
                       .out = out,
                       .witness = ncr_witness_new()};
    if (probe_options)
        probe.options = *probe_options;
    if (options)
        probe.io = *options;
    if (!probe.options.bandwidth_bytes)
        probe.options.bandwidth_bytes = DEFAULT_BYTES;
    if (probe.options.bandwidth_ms <= 0)
        probe.options.bandwidth_ms = DEFAULT_BANDWIDTH_MS;
    probe.deadline_ms = ncr_clock_ms() + (probe.io.timeout_ms > 0 ? probe.io.timeout_ms : WHOLE_MS);
    nacre_status status = probe.witness ? begin(&probe, &parsed, &error) : ncr_error_memory(&error);
    if (status == NACRE_OK) {
        look(&probe, &parsed);
        if (!probe.is_bad && ncr_clock_ms() >= probe.deadline_ms)
            ncr_probe_say(&probe, "connection", "time limit", NACRE_PROBE_BAD, "try again with a larger --timeout",
                          "not done within %lld s",
                          (long long)(probe.io.timeout_ms > 0 ? probe.io.timeout_ms : WHOLE_MS) / 1000);
        judge(&probe);
        if (ncr_cancel_is_triggered(probe.io.cancel))
            status = ncr_error_set(&error, NACRE_ERROR_CANCELLED, "cancelled");
    }
    ncr_path_clear(&parsed);
    ncr_object_unref(probe.object);
    ncr_object_unref(probe.sample);
    ncr_witness_unref(probe.witness);
    return status == NACRE_OK ? status : ncr_error_copy(err, &error, status);
}
