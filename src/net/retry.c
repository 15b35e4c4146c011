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
    double elapsed_ms = (double)(now_ms - budget->now_ms);
    double kept = exp2(-elapsed_ms / 30000);
    budget->good *= kept;
    budget->bad *= kept;
    add_tokens(budget, elapsed_ms / 100);
    budget->now_ms = now_ms;
}

void ncr_retry_note(ncr_retry_budget *budget, bool is_good, int64_t now_ms)
{
    pass_time(budget, now_ms);
    if (!is_good) {
        budget->bad++;
        return;
    }
    budget->good++;
    add_tokens(budget, 1);
}

bool ncr_retry_take(ncr_retry_budget *budget, unsigned failures, unsigned limit, int64_t now_ms)
{
    pass_time(budget, now_ms);
    if (budget->tokens < 1 || failures / 4 >= limit)
        return false;
    bool is_chance = budget->good >= failures && budget->bad >= 2.0 * failures;
    if (failures > limit && !is_chance)
        return false;
    budget->tokens--;
    return true;
}
