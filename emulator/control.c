/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "server.h"

/* /emulator/: what tests and benchmarks ask of the emulator itself. Neither delayed, nor logged, nor faulty. */

static void log_request(ncr_emu_request *request, ncr_emu_reply *reply)
{
    if (strcmp(request->method, "DELETE") == 0) {
        ncr_emu_log_clear(request->server->log);
        reply->status = 204;
        return;
    }
    ncr_emu_reply_json(reply, 200, ncr_emu_log_get(request->server->log));
}

static void refuse(ncr_emu_reply *reply, const char *message)
{
    ncr_emu_reply_json(reply, 400, json_pack("{s:s}", "error", message));
}

static void fault_request(ncr_emu_request *request, ncr_emu_reply *reply)
{
    nacre_error error;
    json_t *rules = NULL;
    bool clears = strcmp(request->method, "DELETE") == 0;
    if (clears || strcmp(request->method, "PUT") == 0) {
        rules = clears ? json_array() : ncr_emu_body_json(request);
        nacre_status status = ncr_emu_faults_set(request->server->faults, rules, &error);
        json_decref(rules);
        if (status != NACRE_OK) {
            refuse(reply, error.message);
            return;
        }
        request->server->root->keeps_previous = ncr_emu_faults_have(request->server->faults, NCR_EMU_FAULT_STALE);
    }
    ncr_emu_reply_json(reply, 200, ncr_emu_faults_describe(request->server->faults));
}

static void latency_request(ncr_emu_request *request, ncr_emu_reply *reply)
{
    ncr_emu_server *server = request->server;
    json_t *body = strcmp(request->method, "PUT") == 0 ? ncr_emu_body_json(request) : json_object();
    const json_t *latency = json_object_get(body, "latency_ms"), *bandwidth = json_object_get(body, "bandwidth_mib_s");
    pthread_mutex_lock(&server->lock);
    if (json_is_number(latency))
        server->latency_ms = json_number_value(latency);
    if (json_is_number(bandwidth))
        server->bandwidth_mib_s = json_number_value(bandwidth);
    json_t *now = json_pack("{s:f, s:f}", "latency_ms", server->latency_ms, "bandwidth_mib_s", server->bandwidth_mib_s);
    pthread_mutex_unlock(&server->lock);
    json_decref(body);
    ncr_emu_reply_json(reply, 200, now);
}

static char **texts_of(const json_t *array)
{
    char **texts = calloc(json_array_size(array) + 1, sizeof *texts);
    size_t count = 0;
    for (size_t i = 0; texts && i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        texts[count] = ncr_text_copy(text);
        count += texts[count] != NULL;
    }
    return texts;
}

/* PUT {"require_token": TOKEN or null, "denied": [BUCKET...]} and what s3_access.h has; what is left out stays. */
static void access_request(ncr_emu_request *request, ncr_emu_reply *reply)
{
    ncr_emu_server *server = request->server;
    nacre_error error;
    json_t *body = strcmp(request->method, "PUT") == 0 ? ncr_emu_body_json(request) : json_object();
    if (ncr_emu_s3_access_change(server->s3_access, body, &error) != NACRE_OK) {
        json_decref(body);
        refuse(reply, error.message);
        return;
    }
    const json_t *token = json_object_get(body, "require_token"), *denied = json_object_get(body, "denied");
    pthread_mutex_lock(&server->lock);
    if (token) {
        free(server->require_token);
        server->require_token = ncr_text_copy(json_string_value(token));
    }
    if (json_is_array(denied)) {
        for (char **old = server->denied; old && *old; old++)
            free(*old);
        free(server->denied);
        server->denied = texts_of(denied);
    }
    json_t *now = json_pack("{s:b, s:[]}", "require_token", server->require_token != NULL, "denied");
    for (char **bucket = server->denied; bucket && *bucket; bucket++)
        json_array_append_new(json_object_get(now, "denied"), json_string(*bucket));
    pthread_mutex_unlock(&server->lock);
    ncr_emu_s3_access_describe(server->s3_access, now);
    json_decref(body);
    ncr_emu_reply_json(reply, 200, now);
}

void ncr_emu_control(ncr_emu_request *request, ncr_emu_reply *reply)
{
    static const struct {
        const char *path;
        void (*serve)(ncr_emu_request *, ncr_emu_reply *);
    } routes[] = {{"/emulator/log", log_request},
                  {"/emulator/fault", fault_request},
                  {"/emulator/latency", latency_request},
                  {"/emulator/access", access_request}};
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strcmp(request->path, routes[i].path) == 0) {
            routes[i].serve(request, reply);
            return;
        }
    ncr_emu_reply_json(reply, 404, json_pack("{s:s}", "error", "log, fault, latency or access"));
}
