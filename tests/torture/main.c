/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors
 *
 * One process of the torture run: threads that open, read and change objects through nacre, and record what they saw.
 * scripts/torture.py starts several of them, kills some, and checks the records. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t pick(const worker *w, unsigned n)
{
    return mix(mix(mix(w->plan->seed) ^ w->number) + (w->operations << 8) + n);
}

unsigned current_epoch(const worker *w)
{
    return (unsigned)((now_ns() - w->plan->start_ns) / w->plan->epoch_ns);
}

void current_key(const worker *w, unsigned slot, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "t/%u/%u.tif", current_epoch(w), slot);
}

void trace_line(const worker *w, const char *text)
{
    for (size_t left = strlen(text); left;) {
        ssize_t wrote = write(w->trace, text, left);
        if (wrote < 0 && errno != EINTR)
            abort();
        text += wrote > 0 ? wrote : 0;
        left -= wrote > 0 ? (size_t)wrote : 0;
    }
}

static bool begin(worker *w)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%u.jsonl", w->plan->folder, w->process, w->thread);
    w->trace = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return w->trace >= 0;
}

static void let_go(worker *w)
{
    for (int i = 0; i < HELD; i++) {
        nacre_file_close(w->held[i].file);
        nacre_dataset_close(w->held[i].dataset);
    }
    close(w->trace);
}

static void *run_thread(void *user)
{
    worker *w = user;
    while (now_ns() < w->plan->end_ns)
        operate(w);
    let_go(w);
    return NULL;
}

/* --- Forked children. --- */

static void child_main(worker *w)
{
    enum { LIFE = 12 };
    snprintf(w->process + strlen(w->process), sizeof w->process - strlen(w->process), "t%uc%u", w->thread, w->children);
    w->number |= w->children;
    w->is_child = true;
    w->operations = w->records = w->changes = 0;
    if (!begin(w))
        _exit(3);
    for (int i = 0; i < LIFE && now_ns() < w->plan->end_ns; i++)
        operate(w);
    _exit(0);
}

/* Waits a minute at most; a child that does not end, or not well, is a finding. */
static void wait_for(const worker *w, pid_t child)
{
    int status = 0;
    for (int i = 0; i < 6000; i++) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        if (ended)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    kill(child, SIGABRT); /* where cores are written, one tells where it was */
    char line[256];
    snprintf(line, sizeof line, "{\"event\": \"problem\", \"process\": \"%s\", \"text\": \"a forked child %s %d\"}\n",
             w->process, WIFSIGNALED(status) ? "ended by signal" : "hangs, or ended with status",
             WIFSIGNALED(status) ? WTERMSIG(status) : status);
    trace_line(w, line);
}

void run_child(worker *w)
{
    if (w->is_child || w->children >= MOST_CHILDREN)
        return;
    w->children++;
    pid_t child = fork();
    if (child == 0)
        child_main(w);
    if (child > 0)
        wait_for(w, child);
}

/* --- The command. --- */

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

/* Words of the form key=value: those of the plan, and configuration of nacre. */
static bool take_word(plan *p, char *word)
{
    char *value = strchr(word, '=');
    if (!value)
        return false;
    *value++ = '\0';
    const struct {
        const char *key;
        const char **text;
        uint64_t *number64;
        unsigned *number;
        int64_t *time;
        bool *flag;
    } words[] = {
        {.key = "name", .text = &p->name},         {.key = "prefix", .text = &p->prefix},
        {.key = "folder", .text = &p->folder},     {.key = "seed", .number64 = &p->seed},
        {.key = "process", .number = &p->process}, {.key = "threads", .number = &p->threads},
        {.key = "slots", .number = &p->slots},     {.key = "start", .time = &p->start_ns},
        {.key = "end", .time = &p->end_ns},        {.key = "epoch", .time = &p->epoch_ns},
        {.key = "datasets", .flag = &p->datasets}, {.key = "conditions", .flag = &p->conditions},
        {.key = "shares", .flag = &p->shares},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].key, word) != 0)
            continue;
        if (words[i].text)
            *words[i].text = value;
        else if (words[i].number64)
            *words[i].number64 = number(value);
        else if (words[i].number)
            *words[i].number = (unsigned)number(value);
        else if (words[i].time)
            *words[i].time = (int64_t)number(value);
        else
            *words[i].flag = number(value) != 0;
        return true;
    }
    nacre_error err;
    if (nacre_config_set_global(word, value, &err) == NACRE_OK)
        return true;
    fprintf(stderr, "%s\n", err.message);
    return false;
}

int main(int argc, char **argv)
{
    enum { MOST_THREADS = 8 };
    static worker workers[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    plan p = {.name = "p", .prefix = "mem://", .folder = ".", .threads = 2, .slots = 4, .epoch_ns = 1000000000};
    for (int i = 1; i < argc; i++)
        if (!take_word(&p, argv[i]))
            return 2;
    if (!p.threads || p.threads > MOST_THREADS || !p.slots || p.slots > MAX_SLOTS || p.process > 31 || p.epoch_ns <= 0)
        return 2;
    for (unsigned i = 0; i < p.threads; i++) {
        worker *w = &workers[i];
        *w =
            (worker){.plan = &p, .thread = i, .number = p.process << 7 | i << 4, .buffer = malloc(2 * CONTENT_LARGEST)};
        snprintf(w->process, sizeof w->process, "%s", p.name);
        if (!w->buffer || !begin(w) || pthread_create(&threads[i], NULL, run_thread, w) != 0)
            return 3;
    }
    for (unsigned i = 0; i < p.threads; i++) {
        pthread_join(threads[i], NULL);
        free(workers[i].buffer);
    }
    return 0;
}
