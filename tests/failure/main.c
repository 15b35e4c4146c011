/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runs.h"
#include "scene.h"

/* The driver: docs/internals/testing.md. It never uses nacre itself: children do, so that a crash or a hang is theirs,
 * and so that each can begin as a new process. */

enum { WORKERS = SCENE_PLACES, BATCH = 24, HANG_S = 30, LONG_HANG_S = 150, SLOW_SHARE = 4, SHOWN_BYTES = 6000 };

/* How a child ends: 0 when all is well. */
enum { ENDED_LEAKING = 2, ENDED_BAD = 3 };

typedef struct {
    pid_t pid; /* 0: idle */
    size_t *order;
    size_t count; /* attempts of this batch */
    unsigned long beat;
    time_t beat_at;
    bool is_hung;
} worker;

static struct {
    bool all;         /* every occurrence and lasting want, whatever other scenarios did already */
    bool list;        /* sites only */
    const char *only; /* scenario */
    uint64_t hash;    /* of one site; 0: all */
    unsigned shard, shards;
} options = {.shards = 1};

static shared *all;
static pid_t parent;
static worker workers[WORKERS];
static uint64_t *done_hashes; /* sites that an earlier scenario has tried */
static size_t done_count, done_capacity;
static unsigned good, unreached, bad;

/* --- What is tried. --- */

static bool is_done(uint64_t hash)
{
    for (size_t i = 0; i < done_count; i++)
        if (done_hashes[i] == hash)
            return true;
    return false;
}

static void add_done(uint64_t hash)
{
    if (done_count == done_capacity) {
        done_capacity = done_capacity ? 2 * done_capacity : 1024;
        done_hashes = realloc(done_hashes, done_capacity * sizeof *done_hashes);
        if (!done_hashes)
            abort();
    }
    done_hashes[done_count++] = hash;
}

static void add_attempt(const site *s, unsigned occurrence, bool is_lasting, int fault)
{
    if (all->attempt_count == ATTEMPTS_MAX) {
        fprintf(stderr, "more attempts than there is room for\n");
        exit(1);
    }
    attempt *a = &all->attempts[all->attempt_count++];
    memset(a, 0, sizeof *a);
    a->trial = (trial){s->hash, occurrence, is_lasting, fault};
    a->site = *s;
}

static void plan_site(const site *s, bool each_time)
{
    const unsigned occurrences[] = {1, 2, s->count};
    for (unsigned i = 0; i < (each_time ? 3 : 1); i++) {
        if ((i == 1 && s->count < 2) || (i == 2 && s->count < 3))
            continue;
        if (s->kind == SITE_SYSTEM) {
            for (const int *fault = system_call_faults(s->function); *fault; fault++)
                add_attempt(s, occurrences[i], false, *fault);
            continue;
        }
        add_attempt(s, occurrences[i], false, 0);
        if (each_time)
            add_attempt(s, occurrences[i], true, 0);
    }
}

static void plan(const scenario *of)
{
    all->attempt_count = 0;
    bool is_thorough = options.all && !(of->marks & SCENARIO_ONCE);
    for (size_t i = 0; i < all->table.count; i++) {
        const site *s = &all->table.sites[i];
        if ((options.hash && s->hash != options.hash) || s->hash % options.shards != options.shard)
            continue;
        bool is_whole = is_thorough || options.hash;
        if (!is_whole && (is_done(s->hash) || (of->marks & SCENARIO_SLOW && (s->hash >> 8) % SLOW_SHARE != 0)))
            continue;
        plan_site(s, is_thorough && !is_done(s->hash));
        if (is_thorough || !options.all)
            add_done(s->hash);
    }
}

/* --- Children. --- */

/* Standard error of a child goes to a file, of which the end is shown where something is wrong. */
static void error_path(size_t index, char *out, size_t size)
{
    snprintf(out, size, "/tmp/nacre-failure-%d-%zu", (int)parent, index);
}

static void show_errors(size_t index)
{
    char path[64];
    error_path(index, path, sizeof path);
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    int c;
    for (int i = 0; i < SHOWN_BYTES && (c = getc(file)) != EOF; i++)
        putchar(c);
    fclose(file);
}

static void remove_error_files(void)
{
    char path[64];
    for (size_t i = 0; i < WORKERS; i++) {
        error_path(i, path, sizeof path);
        unlink(path);
    }
}

static pid_t begin_child(size_t index)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    if (pid > 0)
        return pid;
    char path[64];
    error_path(index, path, sizeof path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(fd, 2);
    scene_enter((unsigned)index);
    allocations_hook();
    return 0;
}

/* A batch is several attempts in one process; leaks are looked for at its end. */
static void run_batch(const scenario *s, size_t index, const size_t *order, size_t count)
{
    bool is_good = true;
    for (size_t i = 0; i < count && is_good; i++) {
        attempt *a = &all->attempts[order[i]];
        runs_try(s, all, a);
        is_good = a->state != RUN_BAD;
        atomic_fetch_add(&all->beats[index], 1);
    }
    _exit(!is_good ? ENDED_BAD : runs_check_leaks() ? 0 : ENDED_LEAKING);
}

static void print_bad(const scenario *s, const attempt *a, size_t index, const char *what)
{
    const trial *t = &a->trial;
    printf("FAILED %s: %s", s->name, a->site.function);
    if (t->fault == FAULT_SHORT || t->fault == FAULT_UNREADABLE)
        printf(" (%s)", t->fault == FAULT_SHORT ? "one byte" : "unreadable");
    else if (t->fault)
        printf(" (%s)", strerrorname_np(t->fault));
    printf(", time %u of %u%s: %s\n    again: --scenario %s --site %016jx%s\n", t->occurrence, a->site.count,
           t->is_lasting ? " and all after it" : "", what, s->name, (uintmax_t)a->site.hash,
           options.all ? " --all" : "");
    fflush(stdout);
    sites_print(&a->site);
    show_errors(index);
    fflush(stdout);
    bad++;
}

/* --- Batches. --- */

typedef struct {
    size_t order[ATTEMPTS_MAX * 2];
    size_t first, count;
} queue;

static void push(queue *q, size_t attempt_index, bool alone)
{
    all->attempts[attempt_index].alone = alone;
    all->attempts[attempt_index].state = RUN_PENDING;
    all->attempts[attempt_index].text[0] = '\0';
    q->order[q->count++] = attempt_index;
}

static void start_batch(const scenario *s, queue *q, size_t index)
{
    worker *w = &workers[index];
    size_t count = 1;
    while (!all->attempts[q->order[q->first]].alone && count < BATCH && q->first + count < q->count &&
           !all->attempts[q->order[q->first + count]].alone)
        count++;
    *w = (worker){.order = q->order + q->first, .count = count, .beat_at = time(NULL)};
    w->beat = atomic_load(&all->beats[index]);
    q->first += count;
    w->pid = begin_child(index);
    if (w->pid == 0)
        run_batch(s, index, w->order, count);
}

static const char *how_ended(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "it crashes (%s)", strsignal(WTERMSIG(status)));
    else
        snprintf(out, size, "it ends the process with status %d", WEXITSTATUS(status));
    return out;
}

/* What came of an attempt whose process has ended. How that ended counts where it was alone; others that it did not get
 * to, or that cannot be blamed, are tried once more alone. */
static void settle(const scenario *s, queue *q, const worker *w, size_t attempt_index, int status)
{
    attempt *a = &all->attempts[attempt_index];
    size_t index = (size_t)(w - workers);
    int ended = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    bool leaked = ended == ENDED_LEAKING, crashed = ended != 0 && ended != ENDED_BAD && !leaked;
    char text[64];
    if (a->state == RUN_BAD && a->alone)
        print_bad(s, a, index, a->text);
    else if (a->alone && (crashed || a->state == RUN_BEGUN || a->state == RUN_PENDING))
        print_bad(s, a, index, w->is_hung ? "it does not end" : how_ended(status, text, sizeof text));
    else if (leaked && a->alone)
        print_bad(s, a, index, "memory is leaked");
    else if (a->state == RUN_UNREACHED && a->alone)
        unreached++;
    else if (a->state == RUN_GOOD && ended == 0) /* else leaks were not looked for */
        good++;
    else
        push(q, attempt_index, true);
}

static void end_batch(const scenario *s, queue *q, worker *w, int status)
{
    for (size_t i = 0; i < w->count; i++)
        settle(s, q, w, w->order[i], status);
    w->pid = 0;
}

static void watch(const scenario *s, worker *w, size_t index)
{
    unsigned long beat = atomic_load(&all->beats[index]);
    if (beat != w->beat) {
        w->beat = beat;
        w->beat_at = time(NULL);
    } else if (time(NULL) - w->beat_at > (s->marks & SCENARIO_ONCE ? LONG_HANG_S : HANG_S) && !w->is_hung) {
        w->is_hung = true;
        kill(w->pid, SIGKILL);
    }
}

static void run_queue(const scenario *s, queue *q)
{
    size_t running = 0;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    do {
        for (size_t i = 0; i < WORKERS; i++)
            if (!workers[i].pid && q->first < q->count)
                start_batch(s, q, i);
        sigtimedwait(&child, NULL, &(struct timespec){0, 200000000});
        running = 0;
        for (size_t i = 0; i < WORKERS; i++) {
            int status;
            worker *w = &workers[i];
            if (!w->pid)
                continue;
            if (waitpid(w->pid, &status, WNOHANG) == w->pid)
                end_batch(s, q, w, status);
            else
                watch(s, w, i);
            running += w->pid != 0;
        }
    } while (running || q->first < q->count);
}

/* --- Scenarios. --- */

static bool look(const scenario *s)
{
    all->table.count = 0;
    all->table.is_full = false;
    all->text[0] = '\0';
    pid_t pid = begin_child(0);
    if (pid == 0) {
        runs_look(s, all);
        _exit(runs_check_leaks() ? 0 : ENDED_LEAKING);
    }
    int status;
    waitpid(pid, &status, 0);
    if (status == 0 && !all->text[0])
        return true;
    printf("FAILED %s: without a fault: %s\n", s->name, all->text[0] ? all->text : "crash or leak");
    show_errors(0);
    bad++;
    return false;
}

static void list_sites(void)
{
    for (size_t i = 0; i < all->table.count; i++) {
        const site *s = &all->table.sites[i];
        printf("%016jx %s, %u times\n", (uintmax_t)s->hash, s->function, s->count);
        fflush(stdout);
        sites_print(s);
    }
}

static void do_scenario(const scenario *s)
{
    static queue q;
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    if (options.only ? strcmp(options.only, s->name) != 0 : s->marks & SCENARIO_WHOLE && !options.all)
        return;
    unsigned bad_before = bad;
    if (!look(s))
        return;
    if (options.list) {
        list_sites();
        return;
    }
    plan(s);
    q.first = q.count = 0;
    for (size_t i = 0; i < all->attempt_count; i++)
        push(&q, i, options.hash != 0);
    if (q.count)
        run_queue(s, &q);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%s %s: %zu sites, %zu failures tried, %.1f s\n", bad == bad_before ? "passed" : "FAILED", s->name,
           all->table.count, all->attempt_count,
           (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
    fflush(stdout);
}

static void do_scenarios(const scenario *s)
{
    for (; s->name; s++)
        do_scenario(s);
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {{"all", no_argument, NULL, 'a'},
                                          {"list", no_argument, NULL, 'l'},
                                          {"scenario", required_argument, NULL, 's'},
                                          {"site", required_argument, NULL, 'i'},
                                          {"shard", required_argument, NULL, 'h'},
                                          {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'a':
            options.all = true;
            break;
        case 'l':
            options.list = true;
            break;
        case 's':
            options.only = optarg;
            break;
        case 'i':
            options.hash = strtoull(optarg, NULL, 16);
            break;
        case 'h':
            if (sscanf(optarg, "%u/%u", &options.shard, &options.shards) == 2 && options.shards)
                break;
            /* fall through */
        default:
            fprintf(stderr, "usage: %s [--all] [--shard I/N] [--scenario NAME [--list | --site HASH]]\n", argv[0]);
            exit(2);
        }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    parent = getpid();
    sites_init(options.all ? 10 : 6);
    scene_begin();
    do_scenarios(local_scenarios);
    do_scenarios(raster_scenarios);
    do_scenarios(store_scenarios);
    do_scenarios(web_scenarios);
    do_scenarios(cache_scenarios);
    do_scenarios(source_scenarios);
    scene_end();
    remove_error_files();
    free(done_hashes);
    printf("%u failures survived, %u not, %u not come by again\n", good, bad, unreached);
    if (!good && !options.list)
        return 1;
    return bad ? 1 : 0;
}
