/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/http/auth.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "net/url.h"

static void wipe(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void ncr_http_auth_clear(ncr_http_auth *auth)
{
    for (size_t i = 0; i < auth->count; i++) {
        free(auth->headers[i].name);
        free(auth->headers[i].folder);
        wipe(auth->headers[i].value);
    }
    free(auth->headers);
    wipe(auth->authorization);
    free(auth->origin);
    *auth = (ncr_http_auth){0};
}

/* --- Headers. --- */

/* What the engine says itself: others' values would make answers mean something else. */
static bool is_own(const char *name)
{
    static const char *const names[] = {"range",        "cache-control",     "accept-encoding", "content-length",
                                        "content-type", "transfer-encoding", "connection",      "expect",
                                        "te",           "proxy-connection"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ncr_text_equal_nocase(name, names[i]))
            return true;
    return ncr_text_starts_nocase(name, "if-");
}

/* Why a header cannot be sent; NULL: it can. */
static const char *what_is_wrong(const char *name, const char *value)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
    if (!*name || name[strspn(name, letters)])
        return "is no name of a header";
    if (is_own(name))
        return "is a header that nacre sets itself";
    for (const unsigned char *c = (const unsigned char *)value; *c; c++)
        if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
            return "has a value with a control character";
    return NULL;
}

/* Adds a header; the error never holds its value. */
static nacre_status add(ncr_http_auth *auth, const char *name, const char *value, const char *folder,
                        const char *origin, nacre_error *err)
{
    const char *wrong = what_is_wrong(name, value);
    if (wrong)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%.64s' %s", origin, name, wrong);
    if (!ncr_array_reserve(&auth->headers, &auth->capacity, auth->count + 1, sizeof *auth->headers))
        return ncr_error_memory(err);
    ncr_http_header *header = &auth->headers[auth->count++];
    *header = (ncr_http_header){ncr_text_copy(name), ncr_text_copy(value), ncr_text_copy(folder)};
    return header->name && header->value && header->folder ? NACRE_OK : ncr_error_memory(err);
}

/* Takes one "NAME: VALUE" of length bytes; blank ones and comments are passed over. */
static nacre_status take_line(ncr_http_auth *auth, const char *line, size_t length, const char *origin,
                              nacre_error *err)
{
    while (length && strchr(" \t\r", *line)) {
        line++;
        length--;
    }
    while (length && strchr(" \t\r", line[length - 1]))
        length--;
    if (!length || *line == '#')
        return NACRE_OK;
    char *text = ncr_text_copy_n(line, length);
    if (!text)
        return ncr_error_memory(err);
    char *colon = strchr(text, ':');
    nacre_status status = NACRE_ERROR_INVALID;
    if (colon) {
        *colon = '\0';
        status = add(auth, text, colon + 1 + strspn(colon + 1, " \t"), "", origin, err);
        *colon = ':';
    } else {
        ncr_error_set(err, status, "%s: a line is not NAME: VALUE", origin);
    }
    wipe(text);
    return status;
}

/* Lines; without a line break also "NAME: VALUE,NAME: VALUE", of which each may stand in quotes, as GDAL has it. */
static nacre_status take_lines(ncr_http_auth *auth, const char *text, bool may_have_commas, const char *origin,
                               nacre_error *err)
{
    const char *ends = may_have_commas && !strchr(text, '\n') ? "," : "\n";
    nacre_status status = NACRE_OK;
    while (*text && status == NACRE_OK) {
        text += strspn(text, " ");
        bool is_quoted = *ends == ',' && *text == '"';
        size_t length = strcspn(text + is_quoted, is_quoted ? "\"" : ends);
        status = take_line(auth, text + is_quoted, length, origin, err);
        text += length + is_quoted;
        text += strcspn(text, ends);
        text += *text != '\0';
    }
    return status;
}

/* The headers for what begins with a URL, if that is on our server. */
static nacre_status take_prefix(ncr_http_auth *auth, const ncr_url_place *here, const char *prefix,
                                const json_t *headers, const char *origin, nacre_error *err)
{
    ncr_url_place place;
    const char *name, *path = ncr_url_path(prefix);
    const json_t *value;
    if (!ncr_url_place_of(prefix, &place))
        return place.lacks_memory
                   ? ncr_error_memory(err)
                   : ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%.64s' is neither a header nor an http or https URL",
                                   origin, prefix);
    if (!ncr_url_place_same(&place, here))
        return NACRE_OK;
    nacre_status status = NACRE_OK;
    json_object_foreach ((json_t *)headers, name, value) {
        if (!json_is_string(value))
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the value of '%.64s' is not a text", origin, name);
        status = add(auth, name, json_string_value(value), strcmp(path, "/") == 0 ? "" : path, origin, err);
        if (status != NACRE_OK)
            break;
    }
    return status;
}

static nacre_status take_map(ncr_http_auth *auth, const ncr_url_place *here, const char *text, const char *origin,
                             nacre_error *err)
{
    json_t *root, *value;
    const char *name;
    nacre_status status = ncr_json_load(text, strlen(text), JSON_REJECT_DUPLICATES, &root, NULL);
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (!root)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: begins like a JSON object and is none", origin);
    json_object_foreach (root, name, value) {
        if (json_is_object(value))
            status = take_prefix(auth, here, name, value, origin, err);
        else if (json_is_string(value))
            status = add(auth, name, json_string_value(value), "", origin, err);
        else
            status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the value of '%.64s' is neither a text nor an object",
                                   origin, name);
        if (status != NACRE_OK)
            break;
    }
    json_decref(root);
    return status;
}

static const char *origin_of(const ncr_config *config, ncr_key key)
{
    const char *origin = ncr_config_origin(config, key);
    return origin && ncr_text_starts(origin, "the ") ? ncr_key_rows[key].name : origin;
}

static nacre_status find_headers(ncr_http_auth *auth, const ncr_url_place *here, const ncr_config *config,
                                 nacre_error *err)
{
    const char *text = ncr_config_text(config, NCR_KEY_HTTP_HEADERS);
    const char *file = ncr_config_text(config, NCR_KEY_HTTP_HEADER_FILE);
    const char *origin = origin_of(config, NCR_KEY_HTTP_HEADERS);
    nacre_status status = NACRE_OK;
    if (text && text[strspn(text, " \n")] == '{')
        status = take_map(auth, here, text, origin, err);
    else if (text)
        status = take_lines(auth, text, true, origin, err);
    if (status != NACRE_OK || !file)
        return status;
    ncr_buffer lines;
    status = ncr_token_read_file(file, "the file of http.header_file", &lines, err);
    if (status == NACRE_OK)
        status = take_lines(auth, (const char *)lines.data, false, origin_of(config, NCR_KEY_HTTP_HEADER_FILE), err);
    ncr_token_wipe(&lines);
    return status;
}

/* --- Who asks. --- */

static nacre_status set_authorization(ncr_http_auth *auth, const char *kind, const char *text, const char *origin,
                                      nacre_error *err)
{
    auth->authorization = ncr_text_format("%s %s", kind, text);
    auth->origin = ncr_text_copy(origin);
    if (!auth->authorization || !auth->origin)
        return ncr_error_memory(err);
    return strpbrk(text, "\r\n") ? ncr_error_set(err, NACRE_ERROR_INVALID, "%s: has a line break in it", origin)
                                 : NACRE_OK;
}

/* "user:password", as it is. */
static nacre_status set_basic(ncr_http_auth *auth, const char *user, const char *origin, nacre_error *err)
{
    size_t length = strlen(user);
    if (length > 4096)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: is too long", origin);
    char *with_colon = strchr(user, ':') ? ncr_text_copy(user) : ncr_text_format("%s:", user);
    char *encoded = malloc((length + 1) / 3 * 4 + 8);
    nacre_status status = NACRE_ERROR_MEMORY;
    if (with_colon && encoded) {
        EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)with_colon, (int)strlen(with_colon));
        status = set_authorization(auth, "Basic", encoded, origin, err);
    } else {
        ncr_error_memory(err);
    }
    wipe(with_colon);
    wipe(encoded);
    return status;
}

static nacre_status take_url_user(ncr_http_auth *auth, const char *user, nacre_error *err)
{
    char *plain = ncr_text_copy(user);
    if (!plain)
        return ncr_error_memory(err);
    nacre_status status = ncr_text_unescape(plain)
                              ? set_basic(auth, plain, "the URL", err)
                              : ncr_error_set(err, NACRE_ERROR_INVALID, "the URL: no valid user and password in it");
    wipe(plain);
    return status;
}

static nacre_status take_netrc(ncr_http_auth *auth, const ncr_url_place *here, const ncr_config *config,
                               nacre_error *err)
{
    const char *file = ncr_config_text(config, NCR_KEY_HTTP_NETRC_FILE), *home = getenv("HOME");
    if (!ncr_config_bool(config, NCR_KEY_HTTP_NETRC) || (!file && (!home || !*home)))
        return NACRE_OK;
    char *path = file ? ncr_text_copy(file) : ncr_text_format("%s/.netrc", home), *user = NULL;
    if (!path)
        return ncr_error_memory(err);
    ncr_buffer text;
    nacre_error why;
    nacre_status status = ncr_token_read_file(path, "the netrc file", &text, &why);
    if (status == NACRE_OK && !ncr_netrc_find((const char *)text.data, here->host, &user))
        status = ncr_error_memory(err);
    else if (status == NACRE_OK && user)
        status = set_basic(auth, user, path, err);
    else if (status != NACRE_OK) /* most have none; one that cannot be read must not keep from public data */
        status = status == NACRE_ERROR_MEMORY ? ncr_error_memory(err) : NACRE_OK;
    ncr_token_wipe(&text);
    wipe(user);
    free(path);
    return status;
}

static nacre_status find_user(ncr_http_auth *auth, const ncr_url_place *here, const char *user,
                              const ncr_config *config, nacre_error *err)
{
    const char *kind = ncr_config_text(config, NCR_KEY_HTTP_AUTH);
    const char *bearer = ncr_config_text(config, NCR_KEY_HTTP_BEARER);
    const char *userpwd = ncr_config_text(config, NCR_KEY_HTTP_USERPWD);
    bool any = ncr_text_equal_nocase(kind, "auto") || ncr_text_equal_nocase(kind, "any") ||
               ncr_text_equal_nocase(kind, "anysafe");
    bool basic = any || ncr_text_equal_nocase(kind, "basic"), token = any || ncr_text_equal_nocase(kind, "bearer");
    if (!basic && !token && !ncr_text_equal_nocase(kind, "none"))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: '%.32s' is not supported; nacre knows auto, basic, bearer and none",
                             ncr_config_origin(config, NCR_KEY_HTTP_AUTH), kind);
    if (basic && user && *user)
        return take_url_user(auth, user, err);
    if (token && bearer)
        return set_authorization(auth, "Bearer", bearer, origin_of(config, NCR_KEY_HTTP_BEARER), err);
    if (basic && userpwd)
        return set_basic(auth, userpwd, origin_of(config, NCR_KEY_HTTP_USERPWD), err);
    return basic ? take_netrc(auth, here, config, err) : NACRE_OK;
}

/* A hash of all that may be sent, so that what one is shown is not taken for what another is. */
static bool make_hash(ncr_http_auth *auth)
{
    ncr_buffer all;
    ncr_buffer_init(&all, SIZE_MAX);
    bool done = ncr_text_appendf(&all, "%s\n", auth->authorization ? auth->authorization : "");
    for (size_t i = 0; i < auth->count && done; i++)
        done = ncr_text_appendf(&all, "%s\n%s: %s\n", auth->headers[i].folder, auth->headers[i].name,
                                auth->headers[i].value);
    if (done)
        ncr_token_hash(all.data, all.size, auth->hash);
    ncr_token_wipe(&all);
    return done;
}

nacre_status ncr_http_auth_find(const char *location, const char *user, const ncr_config *config, ncr_http_auth *out,
                                nacre_error *err)
{
    ncr_url_place here;
    *out = (ncr_http_auth){0};
    if (!ncr_url_place_of(location, &here))
        return ncr_url_place_error(&here, location, err);
    nacre_status status = find_user(out, &here, user, config, err);
    if (status == NACRE_OK)
        status = find_headers(out, &here, config, err);
    if (status == NACRE_OK && (out->count || out->authorization) && !make_hash(out))
        status = ncr_error_memory(err);
    if (status != NACRE_OK)
        ncr_http_auth_clear(out);
    return status;
}

/* --- For a request. --- */

/* Whether a path is in a folder: "/a" holds "/a", "/a/b" and "/a?q", "/a/" only what is below. A path with ".." in it
 * is in none, since servers resolve it. */
static bool is_in(const char *key, const char *folder)
{
    size_t length = strlen(folder);
    if (!length)
        return true;
    if (strncmp(key, folder, length) != 0 || strstr(key, "/..") || strcasestr(key, "%2f.."))
        return false;
    return folder[length - 1] == '/' || !key[length] || strchr("/?", key[length]);
}

/* Whether the header is for this path, and no other of its name is for a deeper folder (or said later). */
static bool is_meant(const ncr_http_auth *auth, size_t index, const char *key)
{
    const ncr_http_header *header = &auth->headers[index];
    if (!is_in(key, header->folder))
        return false;
    for (size_t i = 0; i < auth->count; i++) {
        const ncr_http_header *other = &auth->headers[i];
        size_t depth = strlen(other->folder), own = strlen(header->folder);
        if (i != index && (depth > own || (depth == own && i > index)) && is_in(key, other->folder) &&
            ncr_text_equal_nocase(other->name, header->name))
            return false;
    }
    return true;
}

static bool is_authorization(const ncr_http_header *header)
{
    return ncr_text_equal_nocase(header->name, "authorization");
}

bool ncr_http_auth_add(const ncr_http_auth *auth, const char *key, ncr_http_request *request)
{
    bool has_authorization = false, added = true;
    for (size_t i = 0; i < auth->count && added; i++) {
        const ncr_http_header *header = &auth->headers[i];
        if (!is_meant(auth, i, key))
            continue;
        has_authorization |= is_authorization(header);
        added = ncr_http_request_header(request, header->name, header->value);
    }
    if (added && auth->authorization && !has_authorization)
        added = ncr_http_request_header(request, "Authorization", auth->authorization);
    return added;
}

const char *ncr_http_auth_origin(const ncr_http_auth *auth, const char *key)
{
    for (size_t i = 0; i < auth->count; i++)
        if (is_authorization(&auth->headers[i]) && is_meant(auth, i, key))
            return "http.headers";
    return auth->origin;
}
