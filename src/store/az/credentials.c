/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "net/url.h"
#include "store/az/az.h"
#include "store/token.h"

/* Where tokens for Azure Blob Storage come from, in the order of the Azure SDK's default credential: the token that is
 * configured, an application's secret, a federated token in a file (workload identity), the managed identity of an App
 * Service or of the machine. The last is looked for wherever nothing else is configured; where there is none, requests
 * go without credentials, and that is remembered. */

static const char scope[] = "https://storage.azure.com/.default";
static const char resource[] = "https://storage.azure.com/";
static const char machine_endpoint[] = "http://169.254.169.254";

enum {
    LOOK_MS = 800,               /* how long the look for a metadata service may take */
    NO_IDENTITY_MS = 600 * 1000, /* a machine without identity may be given one */
    URL_LIMIT = 8 << 10,
    FORM_LIMIT = 1 << 20,
};

/* One struct for all of them: texts that a kind does not use are NULL. */
typedef struct source {
    ncr_secret_source base;
    char *authority, *tenant, *client, *secret, *file; /* the directory's */
    char *endpoint, *header;                           /* the managed identity's; endpoint NULL: the machine's */
} source;

static void wipe(char *text)
{
    ncr_buffer buffer = {.data = (uint8_t *)text, .size = text ? strlen(text) : 0};
    ncr_token_wipe(&buffer);
}

static void free_source(ncr_secret_source *base)
{
    source *s = (source *)base;
    free(s->authority);
    free(s->tenant);
    free(s->client);
    wipe(s->secret);
    free(s->file);
    free(s->endpoint);
    wipe(s->header);
    free(s);
}

static source *new_source(nacre_status (*fetch)(ncr_secret_source *, ncr_call *, ncr_secret **, nacre_error *))
{
    source *s = calloc(1, sizeof *s);
    if (s) {
        s->base.fetch = fetch;
        s->base.free = free_source;
    }
    return s;
}

static bool set_text(char **slot, const char *text)
{
    *slot = ncr_text_copy(text);
    return *slot || !text;
}

/* --- The directory. --- */

/* Asks it with a form (consumed). `secret` is in the form. */
static nacre_status ask_directory(const source *s, ncr_buffer *form, const char *secret, ncr_call *call,
                                  ncr_secret **out, nacre_error *err)
{
    static const char *const headers[] = {"Content-Type", "application/x-www-form-urlencoded", NULL};
    ncr_buffer url;
    ncr_buffer_init(&url, URL_LIMIT);
    bool made = ncr_text_append(&url, s->authority) && ncr_text_append(&url, "/") &&
                ncr_text_append_escaped(&url, s->tenant, "") && ncr_text_append(&url, "/oauth2/v2.0/token");
    nacre_status status = NACRE_ERROR_MEMORY;
    if (made) {
        ncr_token_ask ask = {.method = "POST", .url = (const char *)url.data, .server = "the directory"};
        ask.headers = headers;
        ask.body = (const char *)form->data;
        ask.body_size = form->size;
        ask.secrets[0] = secret;
        status = ncr_token_fetch(&ask, call, out, err);
    } else {
        ncr_error_memory(err);
    }
    ncr_buffer_clear(&url);
    ncr_token_wipe(form);
    return status;
}

static bool begin_form(const source *s, ncr_buffer *form)
{
    ncr_buffer_init(form, FORM_LIMIT + (FORM_LIMIT << 1)); /* each byte of a secret may become three */
    return ncr_token_form_add(form, "grant_type", "client_credentials") &&
           ncr_token_form_add(form, "client_id", s->client) && ncr_token_form_add(form, "scope", scope);
}

static nacre_status fetch_by_secret(ncr_secret_source *base, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    const source *s = (source *)base;
    ncr_buffer form;
    *out = NULL;
    if (begin_form(s, &form) && ncr_token_form_add(&form, "client_secret", s->secret))
        return ask_directory(s, &form, s->secret, call, out, err);
    ncr_token_wipe(&form);
    return ncr_error_memory(err);
}

/* The file is read each time: who writes it renews it. */
static nacre_status fetch_by_file(ncr_secret_source *base, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    static const char kind[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    const source *s = (source *)base;
    ncr_buffer token, form;
    *out = NULL;
    nacre_status status = ncr_token_read_file(s->file, "the federated token file", &token, err);
    if (status != NACRE_OK)
        return status;
    while (token.size && strchr(" \r\n\t", token.data[token.size - 1]))
        token.data[--token.size] = '\0';
    if (!token.size)
        status = ncr_error_set(err, NACRE_ERROR_DENIED, "the federated token file %s is empty", s->file);
    else if (begin_form(s, &form) && ncr_token_form_add(&form, "client_assertion_type", kind) &&
             ncr_token_form_add(&form, "client_assertion", (const char *)token.data))
        status = ask_directory(s, &form, (const char *)token.data, call, out, err);
    else
        status = (ncr_token_wipe(&form), ncr_error_memory(err));
    ncr_token_wipe(&token);
    return status;
}

/* --- Managed identities. --- */

/* The URL of a question for a token. False: out of memory. */
static bool identity_url(const char *endpoint, const char *path, const char *version, const char *client,
                         ncr_buffer *out)
{
    ncr_buffer_init(out, URL_LIMIT);
    return ncr_text_appendf(out, "%s%s%capi-version=%s&resource=", endpoint, path, strchr(endpoint, '?') ? '&' : '?',
                            version) &&
           ncr_text_append_escaped(out, resource, "") &&
           (!client || (ncr_text_append(out, "&client_id=") && ncr_text_append_escaped(out, client, "")));
}

/* Takes the answer; some services tell when a token ends, not how long it lives. */
static nacre_status take_identity(const ncr_token_ask *ask, const ncr_token_answer *answer, ncr_secret **out,
                                  nacre_error *err)
{
    int64_t at;
    json_t *root;
    if (ncr_json_load(answer->body, answer->size, 0, &root, NULL) == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (!json_object_get(root, "expires_in") && ncr_token_number(root, "expires_on", &at))
        json_object_set_new(root, "expires_in", json_integer(at - ncr_clock_wall_ms() / 1000));
    nacre_status status =
        json_is_object(root) ? ncr_token_from_oauth(ask, root, out, err) : ncr_token_lacks(ask, "a JSON object", err);
    json_decref(root);
    return status;
}

/* An App Service, a Function and the like: the platform names the place and a word for it. */
static nacre_status fetch_from_service(ncr_secret_source *base, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    const source *s = (source *)base;
    const char *const headers[] = {"X-IDENTITY-HEADER", s->header, NULL};
    ncr_buffer url;
    ncr_token_answer answer;
    *out = NULL;
    nacre_status status = NACRE_ERROR_MEMORY;
    if (identity_url(s->endpoint, "", "2019-08-01", s->client, &url)) {
        ncr_token_ask ask = {.method = "GET", .url = (const char *)url.data, .server = "the managed identity at"};
        ask.headers = headers;
        ask.direct = true;
        ask.secrets[0] = s->header;
        status = ncr_token_ask_ok(&ask, call, &answer, err);
        if (status == NACRE_OK) {
            status = take_identity(&ask, &answer, out, err);
            ncr_token_answer_clear(&answer);
        }
    } else {
        ncr_error_memory(err);
    }
    ncr_buffer_clear(&url);
    return status;
}

/* Whether this machine may be one of Azure's: they all have the same asset tag, where it can be read. */
static bool may_be_azure(void)
{
    static const char tag[] = "7783-7084-3265-9085-8269-3286-77";
    char found[64] = "";
    int file = open("/sys/class/dmi/id/chassis_asset_tag", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return true;
    ssize_t got = read(file, found, sizeof found - 1);
    close(file);
    return got < 0 || strncmp(found, tag, sizeof tag - 1) == 0;
}

/* A secret that adds nothing to requests. */
static nacre_status no_secret(int64_t expires_ms, ncr_secret **out, nacre_error *err)
{
    *out = ncr_secret_new(NULL, NULL, NULL, expires_ms);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* A service answers a question without its header at once, and not as asked. */
static nacre_status look_for(ncr_token_ask ask, ncr_call *call, bool *is_there, nacre_error *err)
{
    ncr_token_answer answer;
    ask.headers = NULL;
    ask.once = true;
    ask.timeout_ms = LOOK_MS;
    nacre_status status = ncr_token_ask_any(&ask, call, &answer, err);
    *is_there = status == NACRE_OK;
    if (*is_there)
        ncr_token_answer_clear(&answer);
    return ncr_token_is_nobody(status) ? NACRE_OK : status;
}

static nacre_status ask_machine(const ncr_token_ask *ask, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    ncr_token_answer answer;
    nacre_status status = ncr_token_ask_any(ask, call, &answer, err);
    if (status != NACRE_OK)
        return status;
    if (answer.status == 200)
        status = take_identity(ask, &answer, out, err);
    else if (answer.status == 400 || answer.status == 403 || answer.status == 404) /* no identity; another cloud */
        status = no_secret(ncr_clock_wall_ms() + NO_IDENTITY_MS, out, err);
    else
        status = ncr_token_refused(ask, &answer, err);
    ncr_token_answer_clear(&answer);
    return status;
}

static nacre_status fetch_from_machine(ncr_secret_source *base, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    static const char *const headers[] = {"Metadata", "true", NULL};
    const source *s = (source *)base;
    ncr_buffer url;
    *out = NULL;
    if (!s->endpoint && !may_be_azure())
        return no_secret(INT64_MAX, out, err);
    const char *endpoint = s->endpoint ? s->endpoint : machine_endpoint;
    nacre_status status = NACRE_ERROR_MEMORY;
    if (identity_url(endpoint, "/metadata/identity/oauth2/token", "2018-02-01", s->client, &url)) {
        ncr_token_ask ask = {.method = "GET", .url = (const char *)url.data, .server = "the managed identity at"};
        ask.headers = headers;
        ask.direct = true;
        bool is_there;
        status = look_for(ask, call, &is_there, err);
        if (status == NACRE_OK)
            status = is_there ? ask_machine(&ask, call, out, err) : no_secret(INT64_MAX, out, err);
    } else {
        ncr_error_memory(err);
    }
    ncr_buffer_clear(&url);
    return status;
}

/* --- Which of them. --- */

/* Opens the credentials of a source (NULL: out of memory), which is taken. `secret` makes the id differ. */
static nacre_status open_source(source *s, const char *kind, const char *secret, const char *origin, ncr_config *config,
                                ncr_credentials **out, nacre_error *err)
{
    char hash[NCR_TOKEN_HASH_TEXT] = "";
    if (!s)
        return ncr_error_memory(err);
    if (secret)
        ncr_token_hash(secret, strlen(secret), hash);
    const char *place = s->authority ? s->authority : s->endpoint;
    char *id = ncr_text_format("az-%s:%s:%s:%s:%s", kind, place ? place : "", s->tenant ? s->tenant : "",
                               s->client ? s->client : "", hash);
    if (!id) {
        free_source(&s->base);
        return ncr_error_memory(err);
    }
    *out = ncr_credentials_open(id, origin, &s->base, config);
    free(id);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* A secret must not travel in the clear. */
static nacre_status check_authority(const char *authority, nacre_error *err)
{
    ncr_url_place place;
    bool is_url = ncr_url_place_of(authority, &place);
    bool is_near = is_url && (strcmp(place.host, "127.0.0.1") == 0 || strcmp(place.host, "localhost") == 0 ||
                              strcmp(place.host, "[::1]") == 0);
    if (is_url && (strcmp(place.scheme, "https") == 0 || is_near))
        return NACRE_OK;
    if (place.lacks_memory)
        return ncr_error_memory(err);
    return ncr_error_set(err, NACRE_ERROR_INVALID,
                         "az.authority_host: no https URL of a directory: give https://login.microsoftonline.com");
}

static nacre_status open_directory(ncr_config *config, ncr_credentials **out, nacre_error *err)
{
    const char *tenant = ncr_config_text(config, NCR_KEY_AZ_TENANT_ID);
    const char *client = ncr_config_text(config, NCR_KEY_AZ_CLIENT_ID);
    const char *secret = ncr_config_text(config, NCR_KEY_AZ_CLIENT_SECRET);
    const char *file = ncr_config_text(config, NCR_KEY_AZ_FEDERATED_TOKEN_FILE);
    const char *host = ncr_config_text(config, NCR_KEY_AZ_AUTHORITY_HOST);
    if (!tenant || !client)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s is set, and %s is not: it needs az.tenant_id and "
                             "az.client_id (AZURE_TENANT_ID, AZURE_CLIENT_ID)",
                             secret ? "az.client_secret" : "az.federated_token_file",
                             tenant ? "az.client_id" : "az.tenant_id");
    char *authority = ncr_url_endpoint(host, "https");
    if (!authority)
        return ncr_error_memory(err);
    nacre_status status = check_authority(authority, err);
    source *s = status == NACRE_OK ? new_source(secret ? fetch_by_secret : fetch_by_file) : NULL;
    if (!s) {
        free(authority);
        return status == NACRE_OK ? ncr_error_memory(err) : status;
    }
    s->authority = authority;
    bool copied = set_text(&s->tenant, tenant) && set_text(&s->client, client) &&
                  (secret ? set_text(&s->secret, secret) : set_text(&s->file, file));
    if (!copied) {
        free_source(&s->base);
        s = NULL;
    }
    return secret
               ? open_source(s, "secret", secret, "the application's secret (az.client_secret)", config, out, err)
               : open_source(s, "workload", file, "the workload identity (az.federated_token_file)", config, out, err);
}

/* A source of a managed identity; NULL: out of memory. header NULL: the machine's. */
static source *managed_source(const char *endpoint, const char *header, const char *client)
{
    source *s = new_source(header ? fetch_from_service : fetch_from_machine);
    if (!s)
        return NULL;
    if (!set_text(&s->endpoint, endpoint) || !set_text(&s->client, client) || !set_text(&s->header, header)) {
        free_source(&s->base);
        return NULL;
    }
    for (size_t length = s->endpoint ? strlen(s->endpoint) : 0; length && s->endpoint[length - 1] == '/';)
        s->endpoint[--length] = '\0';
    return s;
}

static nacre_status open_managed(ncr_config *config, ncr_credentials **out, nacre_error *err)
{
    static const char origin[] = "the managed identity";
    const char *service = getenv("IDENTITY_ENDPOINT"), *header = getenv("IDENTITY_HEADER");
    const char *machine = ncr_config_text(config, NCR_KEY_AZ_METADATA_ENDPOINT);
    const char *client = ncr_config_text(config, NCR_KEY_AZ_CLIENT_ID);
    if (service && *service && header && *header)
        return open_source(managed_source(service, header, client), "service", header, origin, config, out, err);
    if (machine && ncr_text_equal_nocase(machine, "disabled"))
        return NACRE_OK;
    return open_source(managed_source(machine, NULL, client), "machine", NULL, origin, config, out, err);
}

/* The token that is configured, as it is. */
static nacre_status open_token(ncr_config *config, const char *token, ncr_credentials **out, nacre_error *err)
{
    char hash[NCR_TOKEN_HASH_TEXT];
    const char *origin = ncr_config_origin(config, NCR_KEY_AZ_ACCESS_TOKEN);
    ncr_token_hash(token, strlen(token), hash);
    char *id = ncr_text_format("az-token:%s", hash);
    ncr_secret *secret = ncr_secret_new(NULL, NULL, token, INT64_MAX);
    *out = id && secret ? ncr_credentials_fixed(id, origin ? origin : "az.access_token", secret) : NULL;
    ncr_secret_unref(secret);
    free(id);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

nacre_status ncr_az_token_credentials(ncr_config *config, ncr_credentials **out, nacre_error *err)
{
    const char *token = ncr_config_text(config, NCR_KEY_AZ_ACCESS_TOKEN);
    *out = NULL;
    if (token)
        return open_token(config, token, out, err);
    if (ncr_config_text(config, NCR_KEY_AZ_CLIENT_SECRET) || ncr_config_text(config, NCR_KEY_AZ_FEDERATED_TOKEN_FILE))
        return open_directory(config, out, err);
    return open_managed(config, out, err);
}
