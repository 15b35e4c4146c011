/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "net/url.h"
#include "store/az/az.h"

/* Which account of Azure Blob Storage, where it is, and the key or signature that belongs to it. A connection string
 * says all of that; az.endpoint is stronger than any. What belongs to an account is for that account alone: a path that
 * names another one gets none of it. */

static const char default_suffix[] = "core.windows.net";

/* Azurite and the older emulators: an account and key that everybody knows. */
static const char emulator_account[] = "devstoreaccount1";
static const char emulator_key[] =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
static const char emulator_endpoint[] = "http://127.0.0.1:10000/devstoreaccount1";

void ncr_az_settings_clear(ncr_az_settings *settings)
{
    free(settings->account);
    free(settings->endpoint);
    free(settings->key);
    free(settings->sas);
    *settings = (ncr_az_settings){0};
}

static bool set_text(char **slot, const char *text)
{
    free(*slot);
    *slot = ncr_text_copy(text);
    return *slot || !text;
}

static void make_lower(char *text, const char *end)
{
    for (char *c = text; *c && c != end; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
}

/* --- Connection strings. --- */

/* What a connection string may say; owned. */
typedef struct connection {
    char *account, *key, *sas, *endpoint, *protocol, *suffix, *development;
} connection;

static void clear_connection(connection *c)
{
    free(c->account);
    free(c->key);
    free(c->sas);
    free(c->endpoint);
    free(c->protocol);
    free(c->suffix);
    free(c->development);
}

static char **slot_of(connection *c, const char *name, size_t length)
{
    const struct {
        const char *name;
        char **slot;
    } slots[] = {{"AccountName", &c->account},
                 {"AccountKey", &c->key},
                 {"SharedAccessSignature", &c->sas},
                 {"BlobEndpoint", &c->endpoint},
                 {"DefaultEndpointsProtocol", &c->protocol},
                 {"EndpointSuffix", &c->suffix},
                 {"UseDevelopmentStorage", &c->development}};
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        if (strlen(slots[i].name) == length && ncr_text_starts_nocase(name, slots[i].name))
            return slots[i].slot;
    return NULL;
}

/* "Name=value;Name=value"; names that mean nothing here (QueueEndpoint) are passed over. */
static nacre_status split_connection(const char *text, connection *out, nacre_error *err)
{
    while (*text) {
        text += strspn(text, "; ");
        size_t length = strcspn(text, ";"), name = strcspn(text, "=;");
        if (!length)
            break;
        if (name == length)
            return ncr_error_set(err, NACRE_ERROR_INVALID,
                                 "az.connection_string: a part has no '=': it reads Name=value;Name=value");
        char **slot = slot_of(out, text, name);
        if (slot) {
            free(*slot);
            *slot = ncr_text_copy_n(text + name + 1, length - name - 1);
            if (!*slot)
                return ncr_error_memory(err);
        }
        text += length;
    }
    return NACRE_OK;
}

static bool take_emulator(ncr_az_settings *out)
{
    out->is_configured = true;
    return set_text(&out->account, emulator_account) && set_text(&out->key, emulator_key) &&
           set_text(&out->endpoint, emulator_endpoint);
}

static bool take_connection(const connection *c, ncr_az_settings *out)
{
    const char *protocol = c->protocol ? c->protocol : "https", *suffix = c->suffix ? c->suffix : default_suffix;
    bool taken = set_text(&out->account, c->account) && set_text(&out->key, c->key) && set_text(&out->sas, c->sas);
    out->is_configured = c->endpoint || c->suffix;
    if (taken && c->endpoint)
        return set_text(&out->endpoint, c->endpoint);
    if (taken && c->account) {
        out->endpoint = ncr_text_format("%s://%s.blob.%s", protocol, c->account, suffix);
        return out->endpoint != NULL;
    }
    return taken;
}

static nacre_status read_connection(const char *text, const char *origin, ncr_az_settings *out, nacre_error *err)
{
    connection c = {0};
    bool is_emulator;
    nacre_status status = split_connection(text, &c, err);
    if (status == NACRE_OK) {
        bool taken = c.development && ncr_text_to_bool(c.development, &is_emulator) && is_emulator
                         ? take_emulator(out)
                         : take_connection(&c, out);
        status = taken ? NACRE_OK : ncr_error_memory(err);
    }
    if (status == NACRE_OK && !out->account && !out->endpoint)
        status = ncr_error_set(err, NACRE_ERROR_INVALID,
                               "az.connection_string: it names no account: give AccountName=... or BlobEndpoint=...");
    out->key_origin = out->sas_origin = origin;
    clear_connection(&c);
    return status;
}

/* --- Endpoints. --- */

/* A host that no account can be a part of: an address, or a name without dots ("localhost", "azurite"). */
static bool is_plain_host(const char *host)
{
    return host[0] == '[' || !strchr(host, '.') || strspn(host, "0123456789.") == strlen(host);
}

/* As ncr_url_endpoint; plain hosts are reached by http where no scheme is given. */
static nacre_status normalise_endpoint(ncr_az_settings *s, nacre_error *err)
{
    const char *text = s->endpoint + strspn(s->endpoint, " ");
    const char *end = text + strcspn(text, "/:");
    bool is_plain = !memchr(text, '.', (size_t)(end - text)) || strspn(text, "0123456789.") >= (size_t)(end - text);
    char *url = ncr_url_endpoint(text, is_plain ? "http" : "https");
    ncr_url_place place = {.lacks_memory = !url};
    free(s->endpoint);
    s->endpoint = url;
    if (url && ncr_url_place_of(url, &place))
        return NACRE_OK;
    return place.lacks_memory
               ? ncr_error_memory(err)
               : ncr_error_set(err, NACRE_ERROR_INVALID,
                               "az.endpoint: no URL of a server: give https://ACCOUNT.blob.core.windows.net or "
                               "http://HOST:PORT/ACCOUNT");
}

/* The account that an endpoint names: its path, or its host's first word. */
static bool account_from_endpoint(ncr_az_settings *s)
{
    ncr_url_place place;
    const char *path = ncr_url_path(s->endpoint);
    if (!ncr_url_place_of(s->endpoint, &place))
        return !place.lacks_memory;
    if (is_plain_host(place.host)) {
        s->account = *path ? ncr_text_copy(path + 1) : NULL;
        return s->account || !*path;
    }
    if (!strstr(place.host, ".blob."))
        return true;
    s->account = ncr_text_copy_n(place.host, strcspn(place.host, "."));
    return s->account != NULL;
}

/* Servers whose name cannot hold the account have it in the path. */
static nacre_status add_account_to_path(ncr_az_settings *s, nacre_error *err)
{
    ncr_url_place place;
    if (*ncr_url_path(s->endpoint))
        return NACRE_OK;
    if (!ncr_url_place_of(s->endpoint, &place))
        return place.lacks_memory ? ncr_error_memory(err) : NACRE_OK;
    if (!is_plain_host(place.host))
        return NACRE_OK;
    if (!s->account)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "az.account: no storage account is named, and the endpoint %s has none in it",
                             s->endpoint);
    char *url = ncr_text_format("%s/%s", s->endpoint, s->account);
    if (!url)
        return ncr_error_memory(err);
    free(s->endpoint);
    s->endpoint = url;
    return NACRE_OK;
}

/* --- Accounts that paths name. --- */

/* The domains that storage accounts are in: nothing that grants access is sent to any other by a path's word. */
static bool is_azure_suffix(const char *suffix)
{
    static const char *const suffixes[] = {"core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net",
                                           "core.cloudapi.de", "storage.azure.net",     "fabric.microsoft.com"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (ncr_text_ends_nocase(suffix, suffixes[i])) {
            size_t length = strlen(suffix), known = strlen(suffixes[i]);
            if (length == known || suffix[length - known - 1] == '.')
                return true;
        }
    return false;
}

/* "account[.zone].dfs.core.windows.net" as "https://account[.zone].blob.core.windows.net". */
static nacre_status endpoint_of_host(const char *host, ncr_az_settings *s, nacre_error *err)
{
    const char *dot = strchr(host, '.');
    if (!dot) {
        s->endpoint = ncr_text_format("https://%s.blob.%s", host, default_suffix);
        return s->endpoint ? NACRE_OK : ncr_error_memory(err);
    }
    const char *service = strstr(dot, ".dfs.");
    service = service ? service : strstr(dot, ".blob.");
    if (!service || !is_azure_suffix(service + 1))
        return ncr_error_set(
            err, NACRE_ERROR_INVALID,
            "%s: no host of Azure storage; write CONTAINER@ACCOUNT, and name its server by az.endpoint", host);
    const char *suffix = strchr(service + 1, '.');
    s->endpoint = ncr_text_format("https://%.*s.blob%s", (int)(service - host), host, suffix);
    return s->endpoint ? NACRE_OK : ncr_error_memory(err);
}

/* The path's own account: the configured one under another spelling, or another. */
static nacre_status take_location(const char *location, ncr_az_settings *s, nacre_error *err)
{
    char *account = ncr_text_copy_n(location, strcspn(location, "."));
    if (!account)
        return ncr_error_memory(err);
    make_lower(account, NULL);
    s->is_other = s->account && strcmp(s->account, account) != 0;
    if (s->is_other) {
        s->is_configured = false;
        set_text(&s->key, NULL);
        set_text(&s->sas, NULL);
        set_text(&s->endpoint, NULL);
    }
    free(s->account);
    s->account = account;
    return s->endpoint ? NACRE_OK : endpoint_of_host(location, s, err);
}

/* --- All together. --- */

static nacre_status read_keys(ncr_config *config, ncr_az_settings *s, nacre_error *err)
{
    const char *string = ncr_config_text(config, NCR_KEY_AZ_CONNECTION_STRING);
    if (string)
        return read_connection(string, ncr_config_origin(config, NCR_KEY_AZ_CONNECTION_STRING), s, err);
    s->key_origin = ncr_config_origin(config, NCR_KEY_AZ_ACCESS_KEY);
    s->sas_origin = ncr_config_origin(config, NCR_KEY_AZ_SAS_TOKEN);
    bool copied = set_text(&s->account, ncr_config_text(config, NCR_KEY_AZ_ACCOUNT)) &&
                  set_text(&s->key, ncr_config_text(config, NCR_KEY_AZ_ACCESS_KEY)) &&
                  set_text(&s->sas, ncr_config_text(config, NCR_KEY_AZ_SAS_TOKEN));
    return copied ? NACRE_OK : ncr_error_memory(err);
}

static bool is_account(const char *name)
{
    size_t length = strlen(name);
    return length && length <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

/* Values that would not do what they are for; none of them is shown. */
static nacre_status check_values(ncr_az_settings *s, nacre_error *err)
{
    if (s->account && !is_account(s->account))
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "az.account: no name of a storage account: it has lower case letters and digits");
    if (s->key && !ncr_az_is_key(s->key))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "az.access_key: the key is not base64, as Azure gives it");
    if (s->key && !s->account)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "az.account: a key alone is not enough: name the storage account too");
    if (!s->sas)
        return NACRE_OK;
    size_t skip = strspn(s->sas, "?&");
    memmove(s->sas, s->sas + skip, strlen(s->sas + skip) + 1);
    for (const char *c = s->sas; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '#')
            return ncr_error_set(err, NACRE_ERROR_INVALID,
                                 "az.sas_token: not as Azure gives it: it has characters that URLs have not");
    if (!strstr(s->sas, "sig="))
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "az.sas_token: no signature in it: give the part of the URL after '?'");
    return NACRE_OK;
}

static nacre_status find_endpoint(ncr_config *config, const char *location, ncr_az_settings *s, nacre_error *err)
{
    const char *endpoint = ncr_config_text(config, NCR_KEY_AZ_ENDPOINT);
    if (endpoint) {
        s->is_configured = true;
        if (!set_text(&s->endpoint, endpoint))
            return ncr_error_memory(err);
    }
    nacre_status status = s->endpoint ? normalise_endpoint(s, err) : NACRE_OK;
    if (status == NACRE_OK && s->endpoint && !s->account && !account_from_endpoint(s))
        status = ncr_error_memory(err);
    if (status == NACRE_OK && s->account)
        make_lower(s->account, NULL);
    if (status == NACRE_OK && location)
        status = take_location(location, s, err);
    if (status != NACRE_OK || s->endpoint)
        return status;
    if (!s->account)
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "az.account: no storage account is named; set it (or AZURE_STORAGE_ACCOUNT), or write "
                             "az://CONTAINER@ACCOUNT/KEY");
    return endpoint_of_host(s->account, s, err);
}

nacre_status ncr_az_settings_read(ncr_config *config, const char *location, ncr_az_settings *out, nacre_error *err)
{
    *out = (ncr_az_settings){0};
    nacre_status status = read_keys(config, out, err);
    if (status == NACRE_OK)
        status = find_endpoint(config, location, out, err);
    if (status == NACRE_OK)
        status = check_values(out, err);
    if (status == NACRE_OK)
        status = add_account_to_path(out, err);
    if (status != NACRE_OK)
        ncr_az_settings_clear(out);
    return status;
}
