/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- The command's words. --- */

void ncr_process_words_free(char **words)
{
    for (char **at = words; at && *at; at++)
        free(*at);
    free(words);
}

/* Reads one word, with its quotes taken off; NULL: out of memory, or a quote that does not end. */
static char *read_word(const char **text, bool *lacks_memory)
{
    const char *at = *text;
    char quote = '\0', *word = malloc(strlen(at) + 1), *out = word;
    *lacks_memory = !word;
    for (; word && *at && (quote || (*at != ' ' && *at != '\t')); at++) {
        bool is_quote = (*at == '"' || *at == '\'') && (!quote || quote == *at);
        if (is_quote) {
            quote = quote ? '\0' : *at;
            continue;
        }
        if (*at == '\\' && quote != '\'' && at[1])
            at++;
        *out++ = *at;
    }
    *text = at;
    if (!word || quote) {
        free(word);
        return NULL;
    }
    *out = '\0';
    return word;
}

char **ncr_process_words(const char *command, bool *lacks_memory)
{
    size_t count = 0, most = strlen(command) / 2 + 2;
    char **words = calloc(most + 1, sizeof *words);
    *lacks_memory = !words;
    while (words) {
        command += strspn(command, " \t");
        if (!*command)
            break;
        if (!(words[count++] = read_word(&command, lacks_memory))) {
            ncr_process_words_free(words);
            return NULL;
        }
    }
    if (words && !count) {
        free(words);
        return NULL;
    }
    return words;
}

/* --- Running it. --- */

typedef struct program {
    char **words, **environment;
    const char *what; /* in messages */
    const ncr_call *call;
} program;

/* Threads of the library block all signals; a program of the user's gets them. */
static int spawn(const program *p, int output, pid_t *process)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        failed = failed ? failed : posix_spawnp(process, p->words[0], &actions, &attributes, p->words, p->environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* Starts it with its standard output in *out. */
static nacre_status start(const program *p, pid_t *process, int *out, nacre_error *err)
{
    int ends[2];
    *out = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ncr_error_set(err, NACRE_ERROR_IO, "%s: no pipe: %s", p->what, strerrordesc_np(errno));
    int failed = spawn(p, ends[1], process);
    close(ends[1]);
    *out = ends[0];
    if (!failed)
        return NACRE_OK;
    close(ends[0]);
    if (failed == ENOMEM)
        return ncr_error_memory(err);
    bool is_want = failed == EAGAIN || failed == EMFILE || failed == ENFILE; /* of processes, of files */
    return ncr_error_set(err, is_want ? NACRE_ERROR_IO : NACRE_ERROR_DENIED, "%s: '%s' cannot be run: %s", p->what,
                         p->words[0], strerrordesc_np(failed));
}

/* Reads all that it prints, for as long as the call allows. */
static nacre_status read_output(const program *p, int file, ncr_buffer *out, nacre_error *err)
{
    enum { LOOK_MS = 100, STEP = 4096 };
    for (;;) {
        struct pollfd poll_file = {.fd = file, .events = POLLIN};
        nacre_status status = ncr_call_check(p->call, p->what, err);
        if (status != NACRE_OK)
            return status;
        if (poll(&poll_file, 1, LOOK_MS) <= 0)
            continue;
        char *place = ncr_buffer_reserve(out, STEP);
        if (!place)
            return out->size + STEP > out->maximum
                       ? ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: it prints more than is read", p->what)
                       : ncr_error_memory(err);
        ssize_t got = read(file, place, STEP - 1);
        if (got == 0)
            return NACRE_OK;
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return ncr_error_set(err, NACRE_ERROR_IO, "%s: what it prints cannot be read: %s", p->what,
                                 strerrordesc_np(errno));
        out->size += got > 0 ? (size_t)got : 0;
    }
}

/* Waits for its end, and sees to it that there is one. */
static nacre_status end_process(const program *p, pid_t process, nacre_status status, int *how, nacre_error *err)
{
    enum { LOOK_NS = 5 * 1000 * 1000 };
    for (;;) {
        if (status == NACRE_OK)
            status = ncr_call_check(p->call, p->what, err);
        if (status != NACRE_OK)
            kill(process, SIGKILL);
        pid_t ended = waitpid(process, how, status == NACRE_OK ? WNOHANG : 0);
        if (ended == process || (ended < 0 && errno != EINTR))
            return status;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

static nacre_status run(const program *p, ncr_buffer *out, nacre_error *err)
{
    pid_t process = 0;
    int file, how = 0;
    nacre_status status = start(p, &process, &file, err);
    if (status != NACRE_OK)
        return status;
    status = read_output(p, file, out, err);
    close(file);
    status = end_process(p, process, status, &how, err);
    if (status == NACRE_OK && (!WIFEXITED(how) || WEXITSTATUS(how) != 0))
        status = ncr_error_set(err, NACRE_ERROR_DENIED, "%s: '%s' ended with status %d", p->what, p->words[0],
                               WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how));
    return status;
}

/* The environment with more variables before it, so that they count; NULL: out of memory. */
static char **make_environment(const char *const *more)
{
    size_t count = 0, more_count = 0;
    while (environ && environ[count])
        count++;
    while (more && more[more_count])
        more_count++;
    char **all = calloc(more_count + count + 1, sizeof *all);
    for (size_t i = 0; all && i < more_count; i++)
        all[i] = (char *)more[i];
    for (size_t i = 0; all && i < count; i++)
        all[more_count + i] = environ[i];
    return all;
}

nacre_status ncr_process_run(char **words, const char *const *more, const char *what, const ncr_call *call,
                             ncr_buffer *out, nacre_error *err)
{
    program p = {.words = words, .environment = make_environment(more), .what = what, .call = call};
    nacre_status status = p.environment ? run(&p, out, err) : ncr_error_memory(err);
    free(p.environment);
    return status;
}
