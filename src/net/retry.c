/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/retry.h"

#include <math.h>
#include <stddef.h>

#include "base/text.h"
#include "net/http.h"

bool ncr_retry_status(int status)
{
    switch (status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    }
    return false;
}

int64_t ncr_retry_after_ms(const char *value, int64_t wall_now_ms)
{
    if (!value)
        return -1;
    uint64_t seconds;
    if (ncr_text_to_uint64(value, &seconds))
        return seconds > NCR_RETRY_AFTER_MAX_MS / 1000 ? NCR_RETRY_AFTER_MAX_MS : (int64_t)seconds * 1000;
    int64_t date_ms = ncr_http_date_ms(value);
    if (date_ms < 0)
        return -1;
    int64_t wait_ms = date_ms - wall_now_ms;
    if (wait_ms < 0)
        return 0;
    return wait_ms > NCR_RETRY_AFTER_MAX_MS ? NCR_RETRY_AFTER_MAX_MS : wait_ms;
}

int64_t ncr_retry_wait_ms(unsigned failures, int64_t delay_ms, uint32_t chance, int64_t after_ms)
{
    unsigned doublings = failures > 6 ? 5 : failures ? failures - 1 : 0;
    int64_t most_ms = delay_ms > NCR_RETRY_AFTER_MAX_MS ? NCR_RETRY_AFTER_MAX_MS : delay_ms < 0 ? 0 : delay_ms;
    most_ms <<= doublings;
    if (most_ms > NCR_RETRY_AFTER_MAX_MS)
        most_ms = NCR_RETRY_AFTER_MAX_MS;
    int64_t wait_ms = (int64_t)((uint64_t)most_ms * chance >> 32);
    return wait_ms < after_ms ? after_ms : wait_ms;
}

void ncr_retry_budget_init(ncr_retry_budget *budget, int64_t now_ms)
{
    *budget = (ncr_retry_budget){.tokens = NCR_RETRY_TOKENS, .now_ms = now_ms};
}

static void add_tokens(ncr_retry_budget *budget, double tokens)
{
    budget->tokens = fmin(budget->tokens + tokens, NCR_RETRY_TOKENS);
}

static void pass_time(ncr_retry_budget *budget, int64_t now_ms)
{
    if (now_ms <= budget->now_ms)
        return;
    add_tokens(budget, (double)(now_ms - budget->now_ms) / 100);
    budget->now_ms = now_ms;
}

/* The history of a server, brought up to now; a new one takes the place of the one that was longest silent. */
static ncr_retry_history *find_history(ncr_retry_budget *budget, uint64_t server, int64_t now_ms)
{
    ncr_retry_history *found = &budget->servers[0];
    for (size_t i = 0; i < sizeof budget->servers / sizeof budget->servers[0]; i++) {
        ncr_retry_history *history = &budget->servers[i];
        if (history->server == server) {
            found = history;
            break;
        }
        if (history->now_ms < found->now_ms)
            found = history;
    }
    if (found->server != server)
        *found = (ncr_retry_history){.server = server, .now_ms = now_ms};
    if (now_ms > found->now_ms) {
        double kept = exp2(-(double)(now_ms - found->now_ms) / 30000);
        found->good *= kept;
        found->bad *= kept;
        found->now_ms = now_ms;
    }
    return found;
}

void ncr_retry_note(ncr_retry_budget *budget, uint64_t server, bool is_good, int64_t now_ms)
{
    pass_time(budget, now_ms);
    ncr_retry_history *history = find_history(budget, server, now_ms);
    if (!is_good) {
        history->bad++;
        return;
    }
    history->good++;
    add_tokens(budget, 1);
}

bool ncr_retry_take(ncr_retry_budget *budget, uint64_t server, unsigned failures, unsigned limit, int64_t now_ms)
{
    pass_time(budget, now_ms);
    if (budget->tokens < 1 || failures / 4 >= limit)
        return false;
    const ncr_retry_history *history = find_history(budget, server, now_ms);
    bool is_chance = history->good >= failures && history->bad >= 2.0 * failures;
    if (failures > limit && !is_chance)
        return false;
    budget->tokens--;
    return true;
}
