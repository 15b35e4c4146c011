/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "runs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scene.h"

/* Of AddressSanitizer's run time, where that is there. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

/* Nothing here takes a second, but for what is marked as long. */
enum { SLOW_S = 10, LONG_S = 60 };

typedef struct {
    nacre_status status;
    nacre_error err;
    uint64_t result, before, after;
    bool has_struck;
    double seconds, most_seconds;
} outcome;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static outcome run(const scenario *s, site_table *table, const trial *t)
{
    outcome out = {.most_seconds = s->marks & SCENARIO_ONCE ? LONG_S : SLOW_S};
    if (s->folder)
        scene_empty(s->folder);
    if (s->prepare)
        s->prepare();
    nacre_cache_invalidate_all();
    out.before = s->folder ? scene_look(s->folder) : 0;
    double began = now_s();
    if (table || t)
        sites_arm(table, t);
    out.status = s->run(&out.result, &out.err);
    if (table || t)
        out.has_struck = sites_disarm();
    out.seconds = now_s() - began;
    out.after = s->folder ? scene_look(s->folder) : 0;
    return out;
}

/* What is wrong with a run in which nothing failed; false: nothing. */
static bool is_wrong(const outcome *o, const reference *r, char *out, size_t size)
{
    if (o->status != NACRE_OK)
        snprintf(out, size, "%s: %s", nacre_status_text(o->status), o->err.message);
    else if (o->result != r->result)
        snprintf(out, size, "it succeeds with wrong bytes");
    else if (o->after != r->after)
        snprintf(out, size, "it succeeds, but what was written is not right");
    else if (o->seconds > o->most_seconds)
        snprintf(out, size, "it takes %.0f s", o->seconds);
    else
        return false;
    return true;
}

void runs_look(const scenario *s, shared *all)
{
    outcome first = run(s, &all->table, NULL);
    all->reference = (reference){first.result, first.before, first.after, first.after};
    if (s->between) {
        scene_empty(s->folder);
        if (s->prepare)
            s->prepare();
        nacre_error err;
        nacre_status status = s->between(&err);
        if (status != NACRE_OK)
            snprintf(all->text, sizeof all->text, "%s", err.message);
        all->reference.between = scene_look(s->folder);
    }
    outcome second = run(s, NULL, NULL);
    if (!is_wrong(&first, &all->reference, all->text, sizeof all->text))
        is_wrong(&second, &all->reference, all->text, sizeof all->text);
    if (all->table.is_full)
        snprintf(all->text, sizeof all->text, "more sites than the table takes");
}

/* The statuses that tell the truth: want of memory is said so, unless libcurl takes it for a fault of the network;
 * a system call's failure is one of input and output. */
static bool is_right_status(const scenario *s, const attempt *a, nacre_status status)
{
    switch (status) {
    case NACRE_ERROR_OFFLINE:
        return s->marks & SCENARIO_OFFLINE;
    case NACRE_ERROR_MEMORY:
        return a->site.kind != SITE_SYSTEM || a->trial.fault == ENOMEM || a->trial.fault == EAGAIN;
    case NACRE_ERROR_UNAVAILABLE:
        return a->site.kind != SITE_ALLOCATION;
    case NACRE_ERROR_IO:
        return a->site.kind == SITE_SYSTEM;
    default:
        return false;
    }
}

static bool names_object(const scenario *s, const char *message)
{
    char here[512];
    if (strcmp(message, "out of memory") == 0)
        return true;
    if (getcwd(here, sizeof here) && strstr(message, here))
        return true; /* the configuration file, or one with credentials */
    for (size_t i = 0; i < 4 && s->names[i]; i++)
        if (strncmp(message, s->names[i], strlen(s->names[i])) == 0)
            return true;
    return false;
}

/* Where the file that shall be removed cannot be, it stays. */
static bool may_leave_files(const attempt *a)
{
    return strcmp(a->site.function, "unlink") == 0;
}

static bool is_badly_failed(const scenario *s, const outcome *o, const reference *r, const attempt *a, char *out,
                            size_t size)
{
    if (!is_right_status(s, a, o->status))
        snprintf(out, size, "the wrong status, %s: %s", nacre_status_text(o->status), o->err.message);
    else if (!names_object(s, o->err.message))
        snprintf(out, size, "the message does not name the object: %s", o->err.message);
    else if (o->err.status != o->status)
        snprintf(out, size, "the error says another status than the call: %s", o->err.message);
    else if (o->after != r->before && o->after != r->between && o->after != r->after && !may_leave_files(a))
        snprintf(out, size, "something half-written is left (%s)", o->err.message);
    else if (o->seconds > o->most_seconds)
        snprintf(out, size, "it takes %.0f s (%s)", o->seconds, o->err.message);
    else
        return false;
    return true;
}

void runs_try(const scenario *s, shared *all, attempt *a)
{
    a->state = RUN_BEGUN;
    const reference *r = &all->reference;
    char wrong[sizeof a->text - 64];
    outcome struck = run(s, NULL, &a->trial), again = run(s, NULL, NULL);
    if (s->marks & SCENARIO_REPORT)
        struck.result = r->result;
    bool is_bad = struck.status == NACRE_OK ? is_wrong(&struck, r, wrong, sizeof wrong) && !may_leave_files(a)
                                            : is_badly_failed(s, &struck, r, a, wrong, sizeof wrong);
    if (is_bad)
        snprintf(a->text, sizeof a->text, "%s", wrong);
    else if (is_wrong(&again, r, wrong, sizeof wrong))
        snprintf(a->text, sizeof a->text, "the next call fails: %s", wrong);
    if (a->text[0])
        a->state = RUN_BAD;
    else
        a->state = struck.has_struck ? RUN_GOOD : RUN_UNREACHED;
}

bool runs_check_leaks(void)
{
    return !__lsan_do_recoverable_leak_check || __lsan_do_recoverable_leak_check() == 0;
}
