/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "support/call.h"

#include <nacre/config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/latch.h"

/* Read by ThreadSanitizer where it is built in: forked children start threads of their own, which it only allows when
 * told. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

static void set_pair(nacre_config *config, const char *key_value)
{
    char key[64];
    const char *equals = strchr(key_value, '=');
    assert_non_null(equals);
    snprintf(key, sizeof key, "%.*s", (int)(equals - key_value), key_value);
    nacre_error error;
    if (nacre_config_set(config, key, equals + 1, &error) != NACRE_OK)
        fail_msg("%s", error.message);
}

static ncr_call *call_new(nacre_cancel *cancel, const char *key_value, va_list more)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++)
        if (getenv(proxies[i]))
            unsetenv(proxies[i]);
    nacre_config *config = nacre_config_new();
    set_pair(config, "http.retry_delay=0.005");
    for (const char *pair = key_value; pair; pair = va_arg(more, const char *))
        set_pair(config, pair);
    nacre_io_options options = NACRE_IO_OPTIONS_INIT;
    options.config = config;
    options.cancel = cancel;
    ncr_call *call;
    nacre_error error;
    if (ncr_call_new(&options, &call, &error) != NACRE_OK)
        fail_msg("%s", error.message);
    nacre_config_free(config);
    return call;
}

ncr_call *test_call_new(const char *key_value, ...)
{
    va_list more;
    va_start(more, key_value);
    ncr_call *call = call_new(NULL, key_value, more);
    va_end(more);
    return call;
}

ncr_call *test_call_with_cancel(nacre_cancel *cancel, const char *key_value, ...)
{
    va_list more;
    va_start(more, key_value);
    ncr_call *call = call_new(cancel, key_value, more);
    va_end(more);
    return call;
}

ncr_http_request *test_get_new(ncr_call *call, unsigned port, const char *path, uint64_t offset, size_t length)
{
    char url[512];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    ncr_http_request *request = ncr_http_request_new("GET", url, "NAME", call);
    assert_non_null(request);
    request->sink.whole_limit = (size_t)64 << 20;
    if (length) {
        request->range = (ncr_http_range){offset, length};
        request->sink.data = malloc(length);
        request->sink.capacity = length;
        memset(request->sink.data, 0xee, length);
    }
    return request;
}

void test_get_free(ncr_http_request *request)
{
    free(request->sink.data);
    ncr_http_request_free(request);
}

static void count_down(ncr_http_request *request)
{
    ncr_latch_down(request->user);
}

void test_fetch_all(ncr_http_request **requests, size_t count)
{
    ncr_latch latch;
    ncr_latch_init(&latch, count);
    for (size_t i = 0; i < count; i++) {
        requests[i]->done = count_down;
        requests[i]->user = &latch;
        ncr_http_start(requests[i]);
    }
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
}
