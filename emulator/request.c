/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "keys.h"
#include "request.h"
#include "server.h"

enum { JSON_BODY_MAX = 8 << 20 };

static char *decode(const char *text, size_t length, bool plus_is_space)
{
    char *out = malloc(length + 1);
    size_t at = 0;
    for (size_t i = 0; out && i < length; i++) {
        char c = text[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < length ? ncr_emu_hex(text[i + 1]) : -1;
            int low = high < 0 ? -1 : ncr_emu_hex(text[i + 2]);
            if (low < 0 || high * 16 + low == 0) {
                free(out);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[at++] = c;
    }
    if (out)
        out[at] = '\0';
    return out;
}

char *ncr_emu_decode(const char *text, size_t length)
{
    return decode(text, length, false);
}

char *ncr_emu_decode_query(const char *text, size_t length)
{
    return decode(text, length, true);
}

static bool add_parameter(ncr_emu_request *request, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals ? (size_t)(equals - text) : length;
    if (!ncr_array_reserve(&request->parameters, &request->parameter_capacity, request->parameter_count + 1,
                           sizeof *request->parameters))
        return false;
    ncr_emu_pair pair = {decode(text, name_length, true),
                         equals ? decode(equals + 1, length - name_length - 1, true) : strdup("")};
    request->parameters[request->parameter_count++] = pair;
    return pair.name && pair.value;
}

ncr_emu_request *ncr_emu_request_new(ncr_emu_server *server, struct MHD_Connection *connection, const char *target)
{
    ncr_emu_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->server = server;
    request->connection = connection;
    const char *mark = strchr(target, '?');
    request->path = ncr_text_copy_n(target, mark ? (size_t)(mark - target) : strlen(target));
    request->query = ncr_text_copy(mark ? mark + 1 : "");
    if (!request->path || !request->query) {
        ncr_emu_request_free(request);
        return NULL;
    }
    for (const char *at = request->query; *at;) {
        size_t length = strcspn(at, "&");
        if (length && !add_parameter(request, at, length))
            request->bad = true;
        at += length + (at[length] == '&');
    }
    return request;
}

void ncr_emu_request_free(ncr_emu_request *request)
{
    if (!request)
        return;
    for (size_t i = 0; i < request->parameter_count; i++) {
        free(request->parameters[i].name);
        free(request->parameters[i].value);
    }
    free(request->parameters);
    ncr_emu_draft_free(request->body);
    free(request->path);
    free(request->query);
    free(request);
}

const char *ncr_emu_parameter(const ncr_emu_request *request, const char *name)
{
    for (size_t i = 0; i < request->parameter_count; i++) {
        const ncr_emu_pair *pair = &request->parameters[i];
        if (pair->name && pair->value && strcmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}

static bool to_number(ncr_emu_request *request, const char *text, uint64_t *out)
{
    if (!text)
        return false;
    if (ncr_text_to_uint64(text, out))
        return true;
    request->bad = true;
    return false;
}

bool ncr_emu_parameter_number(ncr_emu_request *request, const char *name, uint64_t *out)
{
    return to_number(request, ncr_emu_parameter(request, name), out);
}

const char *ncr_emu_header(const ncr_emu_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool ncr_emu_header_number(ncr_emu_request *request, const char *name, uint64_t *out)
{
    return to_number(request, ncr_emu_header(request, name), out);
}

json_t *ncr_emu_body_json(const ncr_emu_request *request)
{
    if (!request->body || request->body->size == 0)
        return json_object();
    char *text = ncr_emu_draft_text(request->body, JSON_BODY_MAX);
    json_t *document = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return document;
}

ncr_emu_draft *ncr_emu_body_take(ncr_emu_request *request)
{
    ncr_emu_draft *draft = request->body;
    request->body = NULL;
    return draft ? draft : ncr_emu_draft_new(request->server->root->tmp_directory);
}
