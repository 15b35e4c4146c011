/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vfs/path.h"
#include "vfs/url.h"
#include "vfs/vfs.h"
#include "vfs/zip.h"

/* From a path to an object, and who may name whom (the key `sources`).
 *
 * What the user names is opened as configured. What a local document names too: it is as trusted as its reader's other
 * files. What a document from a store or the network names is opened
 *
 *   in its own bucket, or on its own host    with what the document itself was opened with
 *   elsewhere, sources=public                without credentials, and never at a private address, unless the user
 *                                            configured that endpoint; nothing local
 *   elsewhere, sources=same                  never
 *   below a prefix of sources.allow          as if the user had named it
 *   anywhere, sources=any                    as if the user had named it */

/* How a path is to be opened. */
typedef struct trust {
    bool anonymous;
    bool public_only;
} trust;

static nacre_status refuse(const char *shown, const ncr_object *document, const char *what, const char *cure,
                           nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_REFUSED, "%s: refused: the document %s, which is not local, names %s; %s",
                         shown, document->name, what, cure);
}

static bool is_endpoint(const char *location, const char *endpoint, const char *scheme)
{
    if (!endpoint || !location)
        return false;
    char *url = ncr_text_format("%s%s", ncr_url_is_http(endpoint) ? "" : scheme, endpoint);
    char *configured = NULL, *rest = NULL;
    bool same = url && ncr_url_split(url, &configured, &rest, NULL) == NACRE_OK && strcmp(configured, location) == 0;
    free(url);
    free(configured);
    free(rest);
    return same;
}

/* Whether a URL's host is the endpoint that the user configured for a store. */
static bool is_configured_endpoint(const char *location, const ncr_config *config)
{
    const char *scheme = ncr_config_bool(config, NCR_KEY_S3_HTTPS) ? "https://" : "http://";
    return is_endpoint(location, ncr_config_text(config, NCR_KEY_GS_ENDPOINT), "http://") ||
           is_endpoint(location, ncr_config_text(config, NCR_KEY_AZ_ENDPOINT), "http://") ||
           is_endpoint(location, ncr_config_text(config, NCR_KEY_S3_ENDPOINT), scheme);
}

static bool is_local_scheme(const ncr_path *path)
{
    return strcmp(path->scheme, "file") == 0 || strcmp(path->scheme, "mem") == 0;
}

bool ncr_vfs_is_trusted(const ncr_object *document, const ncr_call *call)
{
    return !document || document->store->is_local || strcmp(ncr_config_text(call->config, NCR_KEY_SOURCES), "any") == 0;
}

/* Whether a path, in its normal form, begins with a prefix, and how long that is in its own. */
static nacre_status match_prefix(const char *prefix, const char *normal, const char *key, size_t *length,
                                 nacre_error *err)
{
    ncr_path parsed;
    nacre_error why;
    *length = 0;
    nacre_status status = ncr_path_parse(prefix, &parsed, &why);
    if (status == NACRE_ERROR_UNSUPPORTED) /* a store of another build: nothing here begins so */
        return NACRE_OK;
    if (status != NACRE_OK)
        return ncr_error_set(err, status, "%s: %s", key, why.message);
    char *text = ncr_path_text(&parsed, NCR_SPELLING_URL);
    ncr_path_clear(&parsed);
    if (!text)
        return ncr_error_memory(err);
    if (ncr_text_starts(normal, text))
        *length = strlen(text);
    free(text);
    return NACRE_OK;
}

/* Whether one of the prefixes of sources.allow begins the path. One with ".." in it is in no folder, since servers
 * resolve that. */
static nacre_status find_allowed(const ncr_path *path, const ncr_call *call, bool *out, nacre_error *err)
{
    const char *list = ncr_config_text(call->config, NCR_KEY_SOURCES_ALLOW);
    *out = false;
    if (!list || strstr(path->key, "/..") || strcasestr(path->key, "%2f.."))
        return NACRE_OK;
    char *normal = ncr_path_text(path, NCR_SPELLING_URL), *copy = ncr_text_copy(list), *rest = copy;
    nacre_status status = normal && copy ? NACRE_OK : ncr_error_memory(err);
    for (char *prefix; status == NACRE_OK && !*out && (prefix = strsep(&rest, " \t\n"));) {
        size_t length = 0;
        if (*prefix)
            status = match_prefix(prefix, normal, "sources.allow", &length, err);
        *out = length > 0;
    }
    free(normal);
    free(copy);
    return status;
}

/* How the document may open what it names, if it may. is_own: it is of the document's own bucket or host. */
static nacre_status judge(const ncr_path *path, const char *shown, const ncr_object *document, bool is_own,
                          const ncr_call *call, trust *out, nacre_error *err)
{
    const char *rule = ncr_config_text(call->config, NCR_KEY_SOURCES);
    *out = (trust){0};
    if (ncr_vfs_is_trusted(document, call))
        return NACRE_OK;
    if (is_local_scheme(path))
        return refuse(shown, document, "a local file or memory", "sources=any allows that", err);
    if (is_own) {
        *out = (trust){.anonymous = document->anonymous, .public_only = document->public_only};
        return NACRE_OK;
    }
    bool is_allowed;
    nacre_status status = find_allowed(path, call, &is_allowed, err);
    if (status != NACRE_OK || is_allowed)
        return status;
    if (strcmp(rule, "same") == 0)
        return refuse(shown, document, "another bucket or host, which sources=same does not allow",
                      "sources=public or sources=any does, or sources.allow for a prefix", err);
    out->anonymous = true;
    out->public_only =
        path->location && !(ncr_path_is_http(path) && is_configured_endpoint(path->location, call->config));
    return NACRE_OK;
}

/* Where a document comes from: that of one in an archive is the archive. */
static const ncr_object *origin_of(const ncr_object *document)
{
    const ncr_object *archive = document ? ncr_zip_archive(document->store) : NULL;
    return archive ? archive : document;
}

static bool is_own(const ncr_store *store, const ncr_path *path, const ncr_object *document)
{
    const ncr_object *origin = origin_of(document);
    return origin && strcmp(store->id, origin->store->id) == 0 && strcmp(path->bucket, origin->bucket) == 0;
}

/* The key as the store takes it. */
static nacre_status object_key(const ncr_path *path, char **out, nacre_error *err)
{
    if (strcmp(path->scheme, "file") == 0)
        return ncr_path_absolute(path->key, out, err);
    *out = ncr_text_copy(path->key);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status make_object(const ncr_path *path, const char *shown, const ncr_object *document, ncr_store *store,
                                trust with, ncr_object **out, nacre_error *err)
{
    char *key;
    nacre_status status = object_key(path, &key, err);
    if (status != NACRE_OK)
        return status;
    *out = ncr_object_new(store, path->bucket, key, shown, with.public_only);
    free(key);
    if (!*out)
        return ncr_error_memory(err);
    (*out)->anonymous = with.anonymous;
    (*out)->document = document ? ncr_object_ref((ncr_object *)document) : NULL;
    return NACRE_OK;
}

/* What tells the server in the path, its user too. */
static nacre_status open_store(const ncr_path *path, bool anonymous, ncr_call *call, ncr_store **out, nacre_error *err)
{
    const char *host = path->user ? strstr(path->location, "://") + 3 : NULL;
    if (!host)
        return ncr_store_open(path->scheme, path->location, anonymous, call->config, out, err);
    *out = NULL;
    char *location = ncr_text_format("%.*s%s@%s", (int)(host - path->location), path->location, path->user, host);
    if (!location)
        return ncr_error_memory(err);
    nacre_status status = ncr_store_open(path->scheme, location, anonymous, call->config, out, err);
    explicit_bzero(location, strlen(location));
    free(location);
    return status;
}

/* --- Policies. --- */

/* The longest prefix wins; of equal ones the first, which comes from the place that is looked at first. */
static nacre_status find_by_prefix(const ncr_path *path, const ncr_policy_rules *rules, ncr_policy *out,
                                   nacre_error *err)
{
    char *normal = ncr_path_text(path, NCR_SPELLING_URL);
    nacre_status status = normal ? NACRE_OK : ncr_error_memory(err);
    size_t longest = 0, length;
    for (size_t i = 0; i < rules->count && status == NACRE_OK; i++) {
        status = match_prefix(rules->items[i].prefix, normal, "cache.policy", &length, err);
        if (status == NACRE_OK && length > longest) {
            longest = length;
            *out = rules->items[i].policy;
        }
    }
    free(normal);
    return status;
}

/* The call's argument, that of the document which names it, its prefix's, the key's. */
static nacre_status choose_policy(const ncr_path *path, const ncr_object *document, const ncr_call *call,
                                  ncr_policy *out, nacre_error *err)
{
    const ncr_policy_rules *rules = ncr_config_policies(call->config);
    *out = call->policy;
    if (call->policy.origin == NCR_POLICY_OF_ARGUMENT)
        return NACRE_OK;
    if (document && document->policy.origin == NCR_POLICY_OF_ARGUMENT) {
        *out = document->policy;
        return NACRE_OK;
    }
    return rules->count ? find_by_prefix(path, rules, out, err) : NACRE_OK;
}

nacre_status ncr_vfs_check_prefix(const char *prefix, char **out, nacre_error *err)
{
    ncr_path parsed;
    *out = NULL;
    nacre_status status = ncr_path_parse(prefix, &parsed, err);
    if (status != NACRE_OK)
        return status;
    if (is_local_scheme(&parsed))
        status = ncr_error_set(err, NACRE_ERROR_INVALID,
                               "%s: local files and memory have no cache policy: they are looked at each time", prefix);
    else if (parsed.archive)
        status =
            ncr_error_set(err, NACRE_ERROR_INVALID, "%s: members have the policy of their archive: name that", prefix);
    else if (!(*out = ncr_path_text(&parsed, NCR_SPELLING_URL)))
        status = ncr_error_memory(err);
    ncr_path_clear(&parsed);
    return status;
}

static nacre_status resolve(const ncr_path *path, const char *shown, const ncr_object *document, ncr_call *call,
                            ncr_object **out, nacre_error *err)
{
    trust with = {0};
    ncr_store *store = NULL;
    nacre_status status = open_store(path, false, call, &store, err);
    bool own = status == NACRE_OK && is_own(store, path, document);
    if (status == NACRE_OK)
        status = judge(path, shown, document, own, call, &with, err);
    if (status == NACRE_OK && with.anonymous) {
        ncr_store_unref(store);
        status = open_store(path, true, call, &store, err);
    } else if (status == NACRE_OK && own && !path->user && origin_of(document)->store->is_told_by_path) {
        ncr_store_unref(store);
        store = ncr_store_ref(origin_of(document)->store);
    }
    ncr_policy policy = {0};
    if (status == NACRE_OK)
        status = choose_policy(path, document, call, &policy, err);
    if (status == NACRE_OK)
        status = make_object(path, shown, document, store, with, out, err);
    if (status == NACRE_OK)
        (*out)->policy = policy;
    ncr_store_unref(store);
    return status;
}

/* A member: its archive is resolved as if that were named, and all that is said of it holds for the member. */
static nacre_status resolve_member(const ncr_path *path, const char *shown, const ncr_object *document, ncr_call *call,
                                   ncr_object **out, nacre_error *err)
{
    ncr_object *archive = NULL;
    nacre_status status = resolve(path->archive, shown, document, call, &archive, err);
    if (status != NACRE_OK)
        return status;
    const trust with = {.anonymous = archive->anonymous, .public_only = archive->public_only};
    ncr_store *store = ncr_zip_store_new(archive);
    status = store ? make_object(path, shown, document, store, with, out, err) : ncr_error_memory(err);
    if (status == NACRE_OK)
        (*out)->policy = archive->policy;
    ncr_store_unref(store);
    ncr_object_unref(archive);
    return status;
}

nacre_status ncr_vfs_resolve(const char *path, const ncr_object *document, ncr_call *call, ncr_object **out,
                             nacre_error *err)
{
    ncr_path parsed;
    *out = NULL;
    ncr_cache_begin(call->config);
    nacre_status status = ncr_path_parse(path, &parsed, err);
    if (status != NACRE_OK)
        return status;
    char *shown = ncr_path_shown(path);
    if (!shown)
        status = ncr_error_memory(err);
    else if (parsed.archive)
        status = resolve_member(&parsed, shown, document, call, out, err);
    else
        status = resolve(&parsed, shown, document, call, out, err);
    free(shown);
    ncr_path_clear(&parsed);
    return status;
}
