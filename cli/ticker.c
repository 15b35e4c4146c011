/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "ticker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PERIOD_MS = 200, LINE = 120 };

struct cli_ticker {
    FILE *out;
    void (*line)(void *user, char *out, size_t size);
    void *user;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ended; /* guarded by lock */
    bool drawn; /* the thread's, until it is joined */
};

static void add_ms(struct timespec *time, int64_t milliseconds)
{
    time->tv_nsec += milliseconds % 1000 * 1000000;
    time->tv_sec += milliseconds / 1000 + time->tv_nsec / 1000000000;
    time->tv_nsec %= 1000000000;
}

static void *draw(void *user)
{
    cli_ticker *ticker = user;
    char text[LINE];
    pthread_mutex_lock(&ticker->lock);
    while (!ticker->ended) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        add_ms(&until, PERIOD_MS);
        pthread_cond_timedwait(&ticker->wake, &ticker->lock, &until);
        if (ticker->ended)
            break;
        pthread_mutex_unlock(&ticker->lock);
        text[0] = '\0';
        ticker->line(ticker->user, text, sizeof text);
        ticker->drawn = true;
        fprintf(ticker->out, "\r\033[K%s", text);
        fflush(ticker->out);
        pthread_mutex_lock(&ticker->lock);
    }
    pthread_mutex_unlock(&ticker->lock);
    return NULL;
}

cli_ticker *cli_ticker_begin(cli_context *context, void (*line)(void *user, char *out, size_t size), void *user)
{
    cli_ticker *ticker = context->progress ? calloc(1, sizeof *ticker) : NULL;
    if (!ticker)
        return NULL;
    ticker->out = context->progress;
    ticker->line = line;
    ticker->user = user;
    pthread_mutex_init(&ticker->lock, NULL);
    pthread_cond_init(&ticker->wake, NULL);
    if (pthread_create(&ticker->thread, NULL, draw, ticker) == 0)
        return ticker;
    pthread_cond_destroy(&ticker->wake);
    pthread_mutex_destroy(&ticker->lock);
    free(ticker);
    return NULL;
}

void cli_ticker_end(cli_ticker *ticker)
{
    if (!ticker)
        return;
    pthread_mutex_lock(&ticker->lock);
    ticker->ended = true;
    pthread_cond_signal(&ticker->wake);
    pthread_mutex_unlock(&ticker->lock);
    pthread_join(ticker->thread, NULL);
    if (ticker->drawn) {
        fprintf(ticker->out, "\r\033[K");
        fflush(ticker->out);
    }
    pthread_cond_destroy(&ticker->wake);
    pthread_mutex_destroy(&ticker->lock);
    free(ticker);
}

void cli_ticker_bytes(const nacre_io_stats *stats, char *out, size_t size)
{
    const double mib = 1 << 20;
    snprintf(out, size, ", %.1f MiB in, %.1f MiB out", (double)stats->bytes_received / mib,
             (double)stats->bytes_sent / mib);
}

void cli_ticker_bytes_line(void *user, char *out, size_t size)
{
    (void)user;
    nacre_io_stats stats;
    char text[LINE];
    nacre_io_stats_total(&stats);
    cli_ticker_bytes(&stats, text, sizeof text);
    snprintf(out, size, "%s", text + 2);
}
