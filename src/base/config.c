/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/config.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/surroundings.h"
#include "base/text.h"

struct nacre_config {
    char *values[NCR_KEY_COUNT];
    _Atomic uint64_t serial; /* no other values of any configuration ever had it; 0: never changed */
};

/* What was found. Immutable, shared by the snapshots that would find the same. */
typedef struct {
    _Atomic int references;
    char *values[NCR_KEY_COUNT];
    char *origins[NCR_KEY_COUNT];   /* NULL where the value is the default, or there is none */
    int64_t numbers[NCR_KEY_COUNT]; /* of values that are numbers; -1: unset, or none */
    ncr_policy_rules policies;
    ncr_surroundings *noted; /* what it was made of; NULL: it is not taken again */
} findings;

/* One for each call, whatever it shares: back ends look for credentials once for one snapshot. */
struct ncr_config {
    _Atomic int references;
    findings *found;
};

static pthread_mutex_t global_lock = PTHREAD_MUTEX_INITIALIZER;
static nacre_config global_values; /* guarded by global_lock, but for the serial */
static findings *latest;           /* guarded by global_lock; those that were made last, if they may be taken again */
static _Atomic uint64_t serials;

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&global_lock);
}

static bool find_key(const char *name, ncr_key *out)
{
    for (int i = 0; i < NCR_KEY_COUNT; i++)
        if (strcmp(ncr_key_rows[i].name, name) == 0) {
            *out = (ncr_key)i;
            return true;
        }
    return false;
}

/* A size as "64 MiB", "64m", "1.5G" or a plain number of bytes. */
static bool parse_size(const char *text, int64_t *out)
{
    size_t digits = strspn(text, "0123456789.");
    char number[32];
    if (!digits || digits >= sizeof number)
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    double value;
    if (!ncr_text_to_double(number, &value))
        return false;
    const char *unit = text + digits + strspn(text + digits, " ");
    static const char *const units[][4] = {
        {"", "b", "bytes", "b"}, {"k", "kb", "kib", "ki"}, {"m", "mb", "mib", "mi"}, {"g", "gb", "gib", "gi"}};
    for (int power = 0; power < 4; power++)
        for (int i = 0; i < 4; i++)
            if (ncr_text_equal_nocase(unit, units[power][i])) {
                value *= (double)((int64_t)1 << (10 * power));
                if (!(value < 9e18))
                    return false;
                *out = (int64_t)value;
                return true;
            }
    return false;
}

static bool parse_number(const ncr_key_row *row, const char *text, int64_t *out)
{
    double seconds;
    switch (row->type) {
    case NCR_KEY_COUNT_TYPE:
        if (ncr_text_equal_nocase(text, "ALL_CPUS")) { /* as GDAL_NUM_THREADS has it */
            *out = -1;
            return true;
        }
        return ncr_text_to_int64(text, out) && *out >= 0;
    case NCR_KEY_SIZE:
        return parse_size(text, out);
    case NCR_KEY_SECONDS:
        if (!ncr_text_to_double(text, &seconds) || !(seconds >= 0 && seconds < 1e9))
            return false;
        *out = (int64_t)(seconds * 1000 + 0.5);
        return true;
    default:
        return false;
    }
}

static bool is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = choices; at; at = strchr(at, '|')) {
        at += *at == '|';
        size_t end = strcspn(at, "|");
        if (end == length && memcmp(at, value, length) == 0)
            return true;
    }
    return false;
}

static nacre_status check_value(const ncr_key_row *row, const char *value, const char *origin, nacre_error *err)
{
    if (row->choices && !is_choice(row->choices, value))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is none of %s", origin, value, row->choices);
    ncr_policy policy;
    if (row->type == NCR_KEY_POLICY && !ncr_policy_parse(value, &policy))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is none of " NCR_POLICY_VALUES, origin, value);
    if (row->type == NCR_KEY_POLICY_RULES)
        return ncr_policy_rules_append(NULL, value, origin, err);
    bool flag;
    if (row->type == NCR_KEY_BOOL && !ncr_text_to_bool(value, &flag))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is neither yes nor no", origin, value);
    int64_t number;
    if (row->type >= NCR_KEY_COUNT_TYPE && !parse_number(row, value, &number))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is not a %s", origin, value,
                             row->type == NCR_KEY_SIZE      ? "size in bytes"
                             : row->type == NCR_KEY_SECONDS ? "time in seconds"
                                                            : "count");
    return NACRE_OK;
}

nacre_config *nacre_config_new(void)
{
    return calloc(1, sizeof(nacre_config));
}

void nacre_config_free(nacre_config *config)
{
    if (!config)
        return;
    for (int i = 0; i < NCR_KEY_COUNT; i++)
        free(config->values[i]);
    free(config);
}

static nacre_status set_value(nacre_config *config, const char *name, const char *value, nacre_error *err)
{
    ncr_key key;
    if (!find_key(name, &key))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no such configuration key", name);
    char *copy = NULL;
    if (value) {
        nacre_status status = check_value(&ncr_key_rows[key], value, name, err);
        if (status != NACRE_OK)
            return status;
        copy = ncr_text_copy(value);
        if (!copy)
            return ncr_error_memory(err);
    }
    free(config->values[key]);
    config->values[key] = copy;
    config->serial = ++serials;
    return NACRE_OK;
}

nacre_status nacre_config_set(nacre_config *config, const char *key, const char *value, nacre_error *err)
{
    return set_value(config, key, value, err);
}

nacre_status nacre_config_set_global(const char *key, const char *value, nacre_error *err)
{
    pthread_mutex_lock(&global_lock);
    nacre_status status = set_value(&global_values, key, value, err);
    pthread_mutex_unlock(&global_lock);
    return status;
}

bool nacre_config_key(size_t index, const char **key, const char **default_value, const char **help)
{
    if (index >= NCR_KEY_COUNT)
        return false;
    *key = ncr_key_rows[index].name;
    *default_value = ncr_key_rows[index].default_value;
    *help = ncr_key_rows[index].help;
    return true;
}

nacre_status ncr_config_set_policy(const char *prefix, const char *policy, nacre_error *err)
{
    ncr_policy parsed;
    if (policy && !ncr_policy_parse(policy, &parsed))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "cache policy: '%s' is none of " NCR_POLICY_VALUES, policy);
    pthread_mutex_lock(&global_lock);
    char **value = &global_values.values[NCR_KEY_CACHE_POLICY];
    char *changed = ncr_policy_rules_change(*value, prefix, policy);
    if (changed) {
        free(*value);
        *value = changed;
        global_values.serial = ++serials;
    }
    pthread_mutex_unlock(&global_lock);
    return changed ? NACRE_OK : ncr_error_memory(err);
}

/* The configuration file's path, to be freed; *out NULL where there is none to look for. False: out of memory. */
static bool config_path(char **out, bool *is_explicit)
{
    const char *path = getenv("NACRE_CONFIG"), *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    *is_explicit = path && *path;
    if (*is_explicit)
        *out = ncr_text_copy(path);
    else if (base && *base)
        *out = ncr_text_format("%s/nacre/config.json", base);
    else if (home && *home)
        *out = ncr_text_format("%s/.config/nacre/config.json", home);
    else
        return !(*out = NULL);
    return *out;
}

/* Reads a configuration file; *exists: false where there is none that this process may look for. */
static nacre_status read_text(const char *path, bool is_explicit, ncr_buffer *text, bool *exists, nacre_error *err)
{
    char piece[4096];
    FILE *file = fopen(path, "re");
    *exists = file != NULL;
    if (!file && !is_explicit && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return NACRE_OK;
    if (!file)
        return ncr_error_errno(err, errno, path, "open configuration file");
    nacre_status status = NACRE_OK;
    errno = 0;
    for (size_t got; status == NACRE_OK && (got = fread(piece, 1, sizeof piece, file));)
        if (text->size + got > text->maximum)
            status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: is larger than a configuration file may be", path);
        else if (!ncr_buffer_append(text, piece, got))
            status = ncr_error_memory(err);
    if (status == NACRE_OK && ferror(file))
        status = ncr_error_errno(err, errno ? errno : EIO, path, "read configuration file");
    fclose(file);
    return status;
}

static nacre_status set_file_value(const char *path, const char *name, const char *text, nacre_config *out,
                                   nacre_error *err)
{
    nacre_error why;
    nacre_status status = set_value(out, name, text, &why);
    return status == NACRE_OK ? status : ncr_error_set(err, status, "%s: %s", path, why.message);
}

static nacre_status take_file_value(const char *path, const char *name, const json_t *value, nacre_config *out,
                                    nacre_error *err)
{
    if (json_is_object(value)) {
        char *document = json_dumps(value, JSON_COMPACT);
        nacre_status status = document ? set_file_value(path, name, document, out, err) : ncr_error_memory(err);
        free(document);
        return status;
    }
    char number[NCR_TEXT_DOUBLE_SIZE];
    const char *text = json_string_value(value);
    if (json_is_boolean(value))
        text = json_is_true(value) ? "yes" : "no";
    if (json_is_number(value)) {
        ncr_text_from_double(json_number_value(value), number);
        text = number;
    }
    if (!text)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the value of '%s' is not a text, number or boolean", path,
                             name);
    return set_file_value(path, name, text, out, err);
}

/* Reads the configuration file, looked at again at every open; a missing one is empty unless it was named. */
static nacre_status read_file(const char *path, bool is_explicit, nacre_config *out, nacre_error *err)
{
    enum { TEXT_MAX = 16 << 20 };
    bool exists;
    if (!path)
        return NACRE_OK;
    json_error_t why;
    json_t *root = NULL;
    ncr_buffer text;
    ncr_buffer_init(&text, TEXT_MAX);
    nacre_status status = read_text(path, is_explicit, &text, &exists, err);
    if (status == NACRE_OK && exists) {
        status = ncr_json_load(text.data, text.size, JSON_REJECT_DUPLICATES, &root, &why);
        if (status == NACRE_ERROR_MEMORY)
            ncr_error_memory(err);
        else if (!json_is_object(root))
            status = ncr_error_set(err, NACRE_ERROR_INVALID, "%s: line %d: %s", path, root ? 1 : why.line,
                                   root ? "not a JSON object" : why.text);
    }
    ncr_buffer_clear(&text);
    const char *name;
    json_t *value;
    if (status == NACRE_OK)
        json_object_foreach (root, name, value) {
            status = take_file_value(path, name, value, out, err);
            if (status != NACRE_OK)
                break;
        }
    json_decref(root);
    return status;
}

static const char *own_variable(const ncr_key_row *row, char name[64])
{
    snprintf(name, 64, "NACRE_%s", row->name);
    for (char *c = name; *c; c++)
        *c = (char)(*c == '.' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static const char *community_variable(const ncr_key_row *row, char name[64])
{
    for (int i = 0; i < 4 && row->community[i]; i++) {
        const char *value = getenv(row->community[i]);
        if (value && *value) {
            snprintf(name, 64, "%s", row->community[i]);
            return value;
        }
    }
    return NULL;
}

static nacre_status take(findings *snapshot, ncr_key key, const char *value, const char *origin, nacre_error *err)
{
    snapshot->values[key] = ncr_text_copy(value);
    snapshot->origins[key] = ncr_text_copy(origin);
    bool copied = snapshot->values[key] && (snapshot->origins[key] || !origin);
    return copied ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status look_up(ncr_key key, const nacre_config *config, const char *extra_cache,
                            const nacre_config *file_values, findings *out, nacre_error *err)
{
    const ncr_key_row *row = &ncr_key_rows[key];
    if (key == NCR_KEY_CACHE && extra_cache) {
        nacre_status status = check_value(row, extra_cache, "cache", err);
        return status == NACRE_OK ? take(out, key, extra_cache, row->name, err) : status;
    }
    if (config && config->values[key])
        return take(out, key, config->values[key], row->name, err);
    if (global_values.values[key])
        return take(out, key, global_values.values[key], row->name, err);
    char name[64];
    const char *value = own_variable(row, name);
    if (!value && file_values->values[key])
        return take(out, key, file_values->values[key], "the configuration file", err);
    if (!value)
        value = community_variable(row, name);
    if (value) {
        nacre_status status = check_value(row, value, name, err);
        return status == NACRE_OK ? take(out, key, value, name, err) : status;
    }
    return row->default_value ? take(out, key, row->default_value, NULL, err) : NACRE_OK;
}

/* Unlike other keys, what an earlier place says does not hide the rest: each is about its own prefixes. */
static nacre_status gather_policies(const nacre_config *config, const nacre_config *file_values, findings *out,
                                    nacre_error *err)
{
    const ncr_key_row *row = &ncr_key_rows[NCR_KEY_CACHE_POLICY];
    char name[64];
    const char *own = own_variable(row, name);
    const struct {
        const char *text, *origin;
    } places[] = {{config ? config->values[NCR_KEY_CACHE_POLICY] : NULL, row->name},
                  {global_values.values[NCR_KEY_CACHE_POLICY], row->name},
                  {own, name},
                  {file_values->values[NCR_KEY_CACHE_POLICY], "the configuration file"}};
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < sizeof places / sizeof places[0] && status == NACRE_OK; i++)
        if (places[i].text)
            status = ncr_policy_rules_append(&out->policies, places[i].text, places[i].origin, err);
    return status;
}

static void unref_findings(findings *found)
{
    if (!found || atomic_fetch_sub(&found->references, 1) != 1)
        return;
    for (int i = 0; i < NCR_KEY_COUNT; i++) {
        free(found->values[i]);
        free(found->origins[i]);
    }
    ncr_policy_rules_clear(&found->policies);
    ncr_surroundings_free(found->noted);
    free(found);
}

static nacre_status look_all_up(const nacre_config *config, const char *extra_cache, const char *path, bool is_explicit,
                                findings *out, nacre_error *err)
{
    nacre_config *file_values = nacre_config_new();
    nacre_status status = file_values ? read_file(path, is_explicit, file_values, err) : ncr_error_memory(err);
    pthread_mutex_lock(&global_lock);
    for (int key = 0; key < NCR_KEY_COUNT && status == NACRE_OK; key++)
        status = look_up((ncr_key)key, config, extra_cache, file_values, out, err);
    if (status == NACRE_OK)
        status = gather_policies(config, file_values, out, err);
    pthread_mutex_unlock(&global_lock);
    nacre_config_free(file_values);
    return status;
}

static void parse_numbers(findings *found)
{
    for (int key = 0; key < NCR_KEY_COUNT; key++) {
        int64_t value;
        const char *text = found->values[key];
        found->numbers[key] = text && parse_number(&ncr_key_rows[key], text, &value) ? value : -1;
    }
}

/* The latest findings, or NULL where new ones would be others. */
static findings *take_latest(const ncr_settings *settings)
{
    pthread_mutex_lock(&global_lock);
    findings *found = latest;
    if (found)
        atomic_fetch_add(&found->references, 1);
    pthread_mutex_unlock(&global_lock);
    if (found && ncr_surroundings_last(found->noted, settings))
        return found;
    unref_findings(found);
    return NULL;
}

static void set_latest(findings *found)
{
    atomic_fetch_add(&found->references, 1);
    pthread_mutex_lock(&global_lock);
    findings *old = latest;
    latest = found;
    pthread_mutex_unlock(&global_lock);
    unref_findings(old);
}

static nacre_status find(const nacre_config *config, const ncr_settings *settings, findings **out, nacre_error *err)
{
    char *path;
    bool is_explicit;
    if (!config_path(&path, &is_explicit))
        return ncr_error_memory(err);
    findings *found = calloc(1, sizeof *found);
    if (!found) {
        free(path);
        return ncr_error_memory(err);
    }
    atomic_init(&found->references, 1);
    found->noted = ncr_surroundings_note(settings, path); /* first: what changes meanwhile is seen by the next call */
    nacre_status status = look_all_up(config, settings->cache, path, is_explicit, found, err);
    free(path);
    if (status != NACRE_OK) {
        unref_findings(found);
        return status;
    }
    parse_numbers(found);
    if (found->noted)
        set_latest(found);
    *out = found;
    return NACRE_OK;
}

nacre_status ncr_config_snapshot(const nacre_config *config, const char *extra_cache, ncr_config **out,
                                 nacre_error *err)
{
    *out = NULL;
    ncr_settings settings = {config ? config->serial : 0, global_values.serial, extra_cache};
    findings *found = take_latest(&settings);
    nacre_status status = found ? NACRE_OK : find(config, &settings, &found, err);
    if (status != NACRE_OK)
        return status;
    ncr_config *snapshot = malloc(sizeof *snapshot);
    if (!snapshot) {
        unref_findings(found);
        return ncr_error_memory(err);
    }
    atomic_init(&snapshot->references, 1);
    snapshot->found = found;
    *out = snapshot;
    return NACRE_OK;
}

ncr_config *ncr_config_ref(ncr_config *config)
{
    atomic_fetch_add(&config->references, 1);
    return config;
}

void ncr_config_unref(ncr_config *config)
{
    if (!config || atomic_fetch_sub(&config->references, 1) != 1)
        return;
    unref_findings(config->found);
    free(config);
}

const char *ncr_config_origin(const ncr_config *config, ncr_key key)
{
    return config->found->origins[key];
}

const char *ncr_config_text(const ncr_config *config, ncr_key key)
{
    return config->found->values[key];
}

const ncr_policy_rules *ncr_config_policies(const ncr_config *config)
{
    return &config->found->policies;
}

bool ncr_config_bool(const ncr_config *config, ncr_key key)
{
    bool value = false;
    return config->found->values[key] && ncr_text_to_bool(config->found->values[key], &value) && value;
}

int64_t ncr_config_number(const ncr_config *config, ncr_key key)
{
    return config->found->numbers[key];
}
