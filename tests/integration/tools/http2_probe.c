/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/latch.h"
#include "base/text.h"
#include "net/http.h"

/* Usage: http2_probe URL COUNT SIZE OUT [KEY=VALUE...]
 *
 * Sends COUNT requests at once, each for SIZE bytes behind those of the one before, writes the bodies one after another
 * to the file OUT, and prints a line of JSON: how many came right, over how many connections and which version of
 * HTTP, and the first error. For tests of the engine against servers by others. */

static void count_down(ncr_http_request *request)
{
    ncr_latch_down(request->user);
}

static bool set_keys(nacre_config *config, char **pairs)
{
    nacre_error error;
    for (; *pairs; pairs++) {
        char *value = strchr(*pairs, '=');
        if (!value)
            return false;
        *value++ = '\0';
        if (nacre_config_set(config, *pairs, value, &error) != NACRE_OK) {
            fprintf(stderr, "%s\n", error.message);
            return false;
        }
    }
    return true;
}

static void print_result(ncr_http_request **requests, int count, ncr_call *call)
{
    int right = 0;
    unsigned version = 0;
    const char *problem = "";
    for (int i = 0; i < count; i++) {
        const ncr_http_request *request = requests[i];
        right += request->status == NACRE_OK && request->response.status == 206;
        version = request->response.http_version > version ? request->response.http_version : version;
        if (request->status != NACRE_OK && !*problem)
            problem = request->error.message;
    }
    printf(
        "{\"right\": %d, \"http_version\": %u, \"connections\": %d, \"requests\": %d, \"retries\": %d, \"error\": \"",
        right, version, (int)call->counters.connections, (int)call->counters.requests, (int)call->counters.retries);
    for (; *problem; problem++)
        putchar(*problem == '"' || *problem == '\\' ? '\'' : *problem);
    printf("\"}\n");
}

static bool write_bodies(ncr_http_request **requests, int count, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    for (int i = 0; i < count; i++)
        fwrite(requests[i]->sink.data, 1, requests[i]->response.received, file);
    return fclose(file) == 0;
}

static ncr_http_request *new_request(const char *url, ncr_call *call, int index, int size)
{
    ncr_http_request *request = ncr_http_request_new("GET", url, "NAME", call);
    request->range = (ncr_http_range){(uint64_t)index * (uint64_t)size, (uint64_t)size};
    request->sink.data = malloc((size_t)size);
    request->sink.capacity = (size_t)size;
    request->follow = true;
    return request;
}

static int probe(const char *url, int count, int size, const char *out, ncr_call *call)
{
    ncr_http_request **requests = calloc((size_t)count, sizeof *requests);
    ncr_latch latch;
    ncr_latch_init(&latch, (size_t)count);
    for (int i = 0; i < count; i++) {
        requests[i] = new_request(url, call, i, size);
        requests[i]->done = count_down;
        requests[i]->user = &latch;
        ncr_http_start(requests[i]);
    }
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    print_result(requests, count, call);
    bool is_written = write_bodies(requests, count, out);
    for (int i = 0; i < count; i++) {
        free(requests[i]->sink.data);
        ncr_http_request_free(requests[i]);
    }
    free(requests);
    return is_written ? 0 : 1;
}

int main(int argc, char **argv)
{
    int count, size;
    nacre_config *config = nacre_config_new();
    if (argc < 5 || !ncr_text_to_int(argv[2], &count) || !ncr_text_to_int(argv[3], &size) || count < 1 || size < 1 ||
        !set_keys(config, argv + 5)) {
        fprintf(stderr, "usage: http2_probe URL COUNT SIZE OUT [KEY=VALUE...]\n");
        return 2;
    }
    nacre_io_options options = NACRE_IO_OPTIONS_INIT;
    options.config = config;
    nacre_error error;
    ncr_call *call;
    if (ncr_call_new(&options, &call, &error) != NACRE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    int result = probe(argv[1], count, size, argv[4], call);
    ncr_call_unref(call);
    nacre_config_free(config);
    return result;
}
