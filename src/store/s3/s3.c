/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"
#include "store/aws/source.h"

/* Amazon S3 and servers like it: where they are, who asks, and the table of operations. */

static void s3_free(ncr_store *base)
{
    ncr_s3_store *store = (ncr_s3_store *)base;
    free(store->endpoint);
    ncr_credentials_unref(store->credentials);
    ncr_sigv4_keys_clear(&store->keys);
}

static bool s3_can_copy(const ncr_object *source, const ncr_object *destination)
{
    return source->store->class == destination->store->class &&
           strcmp(source->store->id, destination->store->id) == 0 &&
           strcmp(source->store->credentials, destination->store->credentials) == 0;
}

static void s3_about(const ncr_object *object, ncr_store_about *out)
{
    const ncr_s3_store *store = ncr_s3_of(object);
    out->title = store->endpoint ? "S3 (another server than Amazon's)" : "Amazon S3";
    if (!ncr_s3_known_region(store->base.id, object->bucket, out->region))
        snprintf(out->region, sizeof out->region, "%s", store->region);
    char *url = ncr_s3_bucket_url(store, object->bucket, out->region);
    snprintf(out->endpoint, sizeof out->endpoint, "%s", url ? url : "");
    free(url);
    if (store->credentials) {
        out->kind = "access key";
        out->credentials = store->credentials;
        snprintf(out->origin, sizeof out->origin, "%s", ncr_credentials_origin(store->credentials));
    } else {
        snprintf(out->looked, sizeof out->looked, "%s",
                 store->named_by_document ? "named by a document"
                                          : "s3.no_sign_request says to ask without credentials");
    }
}

/* Other servers' users are not Amazon's. */
static nacre_status s3_who(const ncr_object *object, const ncr_secret *secret, ncr_call *call, char *out,
                           size_t out_size, nacre_error *err)
{
    const ncr_s3_store *store = ncr_s3_of(object);
    *out = '\0';
    if (!secret->key || (store->endpoint && !ncr_aws_env("AWS_ENDPOINT_URL_STS")))
        return NACRE_OK;
    return ncr_aws_caller(store->region, secret, call, out, out_size, err);
}

static const ncr_store_class s3_class = {
    .name = "s3",
    .holder = "bucket",
    .part_size = NCR_S3_PART_SIZE,
    .parts_at_once = NCR_S3_PARTS_AT_ONCE,
    .parts_in_any_order = true,
    .most_parts = NCR_S3_MOST_PARTS,
    .can_copy = s3_can_copy,
    .get = ncr_s3_get,
    .stat = ncr_s3_stat,
    .list = ncr_s3_list,
    .put = ncr_s3_put,
    .copy = ncr_s3_copy,
    .remove = ncr_s3_remove,
    .upload_begin = ncr_s3_upload_begin,
    .upload_part = ncr_s3_upload_part,
    .upload_finish = ncr_s3_upload_finish,
    .upload_abort = ncr_s3_upload_abort,
    .about = s3_about,
    .who = s3_who,
    .free = s3_free,
};

/* --- Options. --- */

/* Amazon's own address, "https://s3.amazonaws.com" or "https://s3.REGION.amazonaws.com", with its region in out ("" for
 * the first): then each bucket is asked where it is, and not through one region. */
static bool is_amazons(const char *endpoint, char out[NCR_AWS_REGION])
{
    static const char begin[] = "https://s3.", *const ends[] = {"amazonaws.com", "amazonaws.com.cn"};
    if (!ncr_text_starts(endpoint, begin))
        return false;
    const char *rest = endpoint + sizeof begin - 1;
    size_t length = strcspn(rest, ".");
    out[0] = '\0';
    if (strcmp(rest, ends[0]) == 0)
        return true;
    snprintf(out, NCR_AWS_REGION, "%.*s", (int)(length < NCR_AWS_REGION ? length : 0), rest);
    return rest[length] && ncr_aws_is_region(out) &&
           strcmp(rest + length + 1, ends[ncr_text_starts(out, "cn-") ? 1 : 0]) == 0;
}

static const char *origin_of(const ncr_config *config, ncr_key key)
{
    const char *origin = ncr_config_origin(config, key);
    return origin ? origin : ncr_key_rows[key].name;
}

/* Amazon's own switch: its variables and files then name no server. */
static bool ignores_community(void)
{
    bool ignores = false;
    const char *text = getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    return text && ncr_text_to_bool(text, &ignores) && ignores;
}

static nacre_status read_endpoint(ncr_s3_store *store, const ncr_config *config, const char *of_profile,
                                  nacre_error *err)
{
    const char *text = ncr_config_text(config, NCR_KEY_S3_ENDPOINT);
    const char *origin = text ? origin_of(config, NCR_KEY_S3_ENDPOINT) : "endpoint_url of the profile";
    if (text && ignores_community() && ncr_text_starts(origin, "AWS_ENDPOINT_URL"))
        text = NULL;
    if (!text && !ignores_community())
        text = of_profile;
    if (!text)
        return NACRE_OK;
    store->endpoint = ncr_url_endpoint(text, ncr_config_bool(config, NCR_KEY_S3_HTTPS) ? "https" : "http");
    if (!store->endpoint)
        return ncr_error_memory(err);
    if (!*store->endpoint)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it names no server: give http://HOST:PORT", origin);
    if (is_amazons(store->endpoint, store->region)) {
        free(store->endpoint);
        store->endpoint = NULL;
    } else {
        store->region[0] = '\0';
    }
    return NACRE_OK;
}

/* "path", "virtual" and "auto"; yes and no as the community's variable has them. */
static nacre_status read_addressing(ncr_s3_store *store, const ncr_config *config, nacre_error *err)
{
    const char *text = ncr_config_text(config, NCR_KEY_S3_ADDRESSING);
    bool is_virtual = false;
    if (!text || strcmp(text, "auto") == 0)
        return NACRE_OK;
    if (strcmp(text, "path") != 0 && strcmp(text, "virtual") != 0 && !ncr_text_to_bool(text, &is_virtual))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is none of path, virtual and auto",
                             origin_of(config, NCR_KEY_S3_ADDRESSING), text);
    store->addressing = is_virtual || strcmp(text, "virtual") == 0 ? NCR_S3_VIRTUAL : NCR_S3_PATH;
    return NACRE_OK;
}

/* Whether the server decides conditions: "auto" (Amazon's own does, for puts since 2024, for copies and deletes since
 * 2025), yes or no. */
static nacre_status read_conditions(ncr_s3_store *store, const ncr_config *config, nacre_error *err)
{
    const char *text = ncr_config_text(config, NCR_KEY_S3_CONDITIONAL_WRITES);
    bool decides = !store->endpoint;
    if (text && strcmp(text, "auto") != 0 && !ncr_text_to_bool(text, &decides))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is none of auto, yes and no",
                             origin_of(config, NCR_KEY_S3_CONDITIONAL_WRITES), text);
    store->base.decides = decides ? NCR_DECIDES_ALL : 0;
    return NACRE_OK;
}

static nacre_status read_payer(ncr_s3_store *store, const ncr_config *config, nacre_error *err)
{
    const char *text = ncr_config_text(config, NCR_KEY_S3_REQUESTER_PAYS);
    bool is_word = text && ncr_text_equal_nocase(text, "requester");
    if (!text || is_word || ncr_text_to_bool(text, &store->requester_pays)) {
        store->requester_pays |= is_word;
        return NACRE_OK;
    }
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is neither yes nor no nor requester",
                         origin_of(config, NCR_KEY_S3_REQUESTER_PAYS), text);
}

static nacre_status read_region(ncr_s3_store *store, const ncr_config *config, const char *of_profile, nacre_error *err)
{
    const char *text = ncr_config_text(config, NCR_KEY_S3_REGION);
    const char *origin = text ? origin_of(config, NCR_KEY_S3_REGION) : "region of the profile";
    if (store->region[0]) /* the endpoint's */
        return NACRE_OK;
    text = text && *text ? text : of_profile && *of_profile ? of_profile : "us-east-1";
    if (!ncr_aws_is_region(text))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is no region, as us-east-1 is", origin, text);
    snprintf(store->region, sizeof store->region, "%s", text);
    return NACRE_OK;
}

/* --- Opening. --- */

/* A bucket's name means one bucket in all of Amazon's regions, but for China's and the government's, which are worlds
 * of their own. */
static char *make_id(const ncr_s3_store *store)
{
    if (store->endpoint)
        return ncr_text_format("s3:%s", store->endpoint);
    if (ncr_text_starts(store->region, "us-gov-"))
        return ncr_text_copy("s3:aws-us-gov");
    return ncr_text_copy(ncr_text_starts(store->region, "cn-") ? "s3:aws-cn" : "s3:aws");
}

static nacre_status configure(ncr_s3_store *store, const ncr_store_options *options, const char *region,
                              const char *endpoint, nacre_error *err)
{
    const ncr_config *config = options->config;
    nacre_status status = read_endpoint(store, config, endpoint, err);
    if (status == NACRE_OK)
        status = read_region(store, config, region, err);
    if (status == NACRE_OK)
        status = read_addressing(store, config, err);
    if (status == NACRE_OK)
        status = read_payer(store, config, err);
    if (status == NACRE_OK)
        status = read_conditions(store, config, err);
    return status;
}

/* Gives the store its identity, when all else is known. */
static nacre_status name_store(ncr_s3_store *store, nacre_error *err)
{
    const char *who = store->credentials ? ncr_credentials_id(store->credentials) : "anonymous";
    char *id = make_id(store), *credentials = ncr_text_format("%s%s", who, store->requester_pays ? "/pays" : "");
    if (!id || !credentials) {
        free(id);
        free(credentials);
        return ncr_error_memory(err);
    }
    free(store->base.id);
    free(store->base.credentials);
    store->base.id = id;
    store->base.credentials = credentials;
    return NACRE_OK;
}

nacre_status ncr_s3_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err)
{
    char *region = NULL, *endpoint = NULL;
    bool asked_anonymous = ncr_config_bool(options->config, NCR_KEY_S3_NO_SIGN_REQUEST);
    *out = NULL;
    ncr_s3_store *store = (ncr_s3_store *)ncr_store_new(sizeof *store, &s3_class, "s3", "anonymous");
    if (!store)
        return ncr_error_memory(err);
    ncr_sigv4_keys_init(&store->keys, &ncr_sigv4_amazon);
    store->asked_anonymous = asked_anonymous;
    store->named_by_document = options->anonymous;
    bool is_anonymous = asked_anonymous || options->anonymous;
    nacre_status status =
        ncr_s3_find_credentials(options->config, is_anonymous, &store->credentials, &region, &endpoint, err);
    if (status == NACRE_OK)
        status = configure(store, options, region, endpoint, err);
    if (status == NACRE_OK)
        status = name_store(store, err);
    free(region);
    free(endpoint);
    if (status != NACRE_OK) {
        ncr_store_unref(&store->base);
        return status;
    }
    *out = &store->base;
    return NACRE_OK;
}
