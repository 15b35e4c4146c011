/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "s3_access.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

struct ncr_emu_s3_access {
    pthread_mutex_t lock;
    /* The rest is guarded by lock. */
    json_t *keys;     /* id: {"secret", "token"} */
    json_t *expired;  /* ids */
    json_t *regions;  /* bucket: region */
    json_t *unlisted; /* buckets */
};

ncr_emu_s3_access *ncr_emu_s3_access_new(void)
{
    ncr_emu_s3_access *access = calloc(1, sizeof *access);
    if (!access)
        return NULL;
    pthread_mutex_init(&access->lock, NULL);
    access->keys = json_object();
    access->expired = json_array();
    access->regions = json_object();
    access->unlisted = json_array();
    if (access->keys && access->expired && access->regions && access->unlisted)
        return access;
    ncr_emu_s3_access_free(access);
    return NULL;
}

void ncr_emu_s3_access_free(ncr_emu_s3_access *access)
{
    if (!access)
        return;
    json_decref(access->keys);
    json_decref(access->expired);
    json_decref(access->regions);
    json_decref(access->unlisted);
    pthread_mutex_destroy(&access->lock);
    free(access);
}

/* --- Settings --- */

static bool add_key(json_t *keys, const char *text)
{
    const char *first = strchr(text, ':'), *second = first ? strchr(first + 1, ':') : NULL;
    if (!first || first == text || !first[1] || second == first + 1 || (second && !second[1]))
        return false;
    char *id = ncr_text_copy_n(text, (size_t)(first - text));
    char *secret = second ? ncr_text_copy_n(first + 1, (size_t)(second - first) - 1) : ncr_text_copy(first + 1);
    json_t *key = json_pack("{s:s, s:s?}", "secret", secret ? secret : "", "token", second ? second + 1 : NULL);
    bool good = id && secret && key && json_object_set_new(keys, id, key) == 0;
    free(id);
    free(secret);
    return good;
}

nacre_status ncr_emu_s3_access_add_key(ncr_emu_s3_access *access, const char *text, nacre_error *err)
{
    pthread_mutex_lock(&access->lock);
    bool good = add_key(access->keys, text);
    pthread_mutex_unlock(&access->lock);
    /* The text is not told: it holds a secret. */
    return good ? NACRE_OK
                : ncr_error_set(err, NACRE_ERROR_INVALID, "--s3-credentials: give ID:SECRET or ID:SECRET:TOKEN");
}

nacre_status ncr_emu_s3_access_set_region(ncr_emu_s3_access *access, const char *text, nacre_error *err)
{
    const char *equals = strchr(text, '=');
    char *name = equals ? ncr_text_copy_n(text, (size_t)(equals - text)) : NULL;
    bool good = name && *name && equals[1];
    pthread_mutex_lock(&access->lock);
    good = good && json_object_set_new(access->regions, name, json_string(equals + 1)) == 0;
    pthread_mutex_unlock(&access->lock);
    free(name);
    return good
               ? NACRE_OK
               : ncr_error_set(err, NACRE_ERROR_INVALID, "--s3-region %s: give BUCKET=REGION, as in b=eu-west-1", text);
}

static bool are_texts(const json_t *array)
{
    bool good = json_is_array(array);
    for (size_t i = 0; i < json_array_size(array); i++)
        good = good && json_is_string(json_array_get(array, i));
    return good;
}

static json_t *keys_of(const json_t *array)
{
    json_t *keys = are_texts(array) ? json_object() : NULL;
    for (size_t i = 0; keys && i < json_array_size(array); i++)
        if (!add_key(keys, json_string_value(json_array_get(array, i)))) {
            json_decref(keys);
            keys = NULL;
        }
    return keys;
}

static void replace(json_t **old, json_t *value)
{
    json_decref(*old);
    *old = value;
}

static bool change_locked(ncr_emu_s3_access *access, const json_t *settings)
{
    json_t *keys = json_object_get(settings, "s3_credentials"), *expired = json_object_get(settings, "s3_expired");
    json_t *regions = json_object_get(settings, "s3_regions"), *unlisted = json_object_get(settings, "s3_unlisted");
    json_t *made = keys ? keys_of(keys) : NULL;
    if (keys && !made)
        return false;
    if (keys)
        replace(&access->keys, made);
    if ((expired && !are_texts(expired)) || (regions && !json_is_object(regions)) || (unlisted && !are_texts(unlisted)))
        return false;
    if (expired)
        replace(&access->expired, json_deep_copy(expired));
    if (regions)
        replace(&access->regions, json_deep_copy(regions));
    if (unlisted)
        replace(&access->unlisted, json_deep_copy(unlisted));
    return true;
}

nacre_status ncr_emu_s3_access_change(ncr_emu_s3_access *access, const json_t *settings, nacre_error *err)
{
    pthread_mutex_lock(&access->lock);
    bool good = change_locked(access, settings);
    pthread_mutex_unlock(&access->lock);
    return good ? NACRE_OK
                : ncr_error_set(err, NACRE_ERROR_INVALID,
                                "/emulator/access: s3_credentials, s3_expired and s3_unlisted are arrays of texts, "
                                "s3_regions an object");
}

void ncr_emu_s3_access_describe(ncr_emu_s3_access *access, json_t *out)
{
    const char *id;
    json_t *key, *ids = json_array();
    pthread_mutex_lock(&access->lock);
    json_object_foreach (access->keys, id, key)
        json_array_append_new(ids, json_string(id));
    json_object_set_new(out, "s3_ids", ids);
    json_object_set_new(out, "s3_expired", json_deep_copy(access->expired));
    json_object_set_new(out, "s3_regions", json_deep_copy(access->regions));
    json_object_set_new(out, "s3_unlisted", json_deep_copy(access->unlisted));
    pthread_mutex_unlock(&access->lock);
}

/* --- Questions --- */

bool ncr_emu_s3_access_verifies(ncr_emu_s3_access *access)
{
    pthread_mutex_lock(&access->lock);
    bool verifies = json_object_size(access->keys) > 0;
    pthread_mutex_unlock(&access->lock);
    return verifies;
}

static bool has_text(const json_t *array, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (strcmp(json_string_value(json_array_get(array, i)), text) == 0)
            return true;
    return false;
}

bool ncr_emu_s3_access_get_key(ncr_emu_s3_access *access, const char *id, ncr_emu_s3_key *out)
{
    *out = (ncr_emu_s3_key){0};
    pthread_mutex_lock(&access->lock);
    const json_t *key = json_object_get(access->keys, id);
    if (key) {
        out->secret = ncr_text_copy(json_string_value(json_object_get(key, "secret")));
        out->token = ncr_text_copy(json_string_value(json_object_get(key, "token")));
        out->expired = has_text(access->expired, id);
    }
    pthread_mutex_unlock(&access->lock);
    return out->secret != NULL;
}

void ncr_emu_s3_key_clear(ncr_emu_s3_key *key)
{
    if (key->secret)
        OPENSSL_cleanse(key->secret, strlen(key->secret));
    free(key->secret);
    free(key->token);
    *key = (ncr_emu_s3_key){0};
}

char *ncr_emu_s3_access_region(ncr_emu_s3_access *access, const char *bucket)
{
    pthread_mutex_lock(&access->lock);
    char *region = ncr_text_copy(json_string_value(json_object_get(access->regions, bucket)));
    pthread_mutex_unlock(&access->lock);
    return region;
}

bool ncr_emu_s3_access_is_unlisted(ncr_emu_s3_access *access, const char *bucket)
{
    pthread_mutex_lock(&access->lock);
    bool unlisted = has_text(access->unlisted, bucket);
    pthread_mutex_unlock(&access->lock);
    return unlisted;
}
