/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/config.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/az/az.h"

/* What Azure answers, and the connection string that a user pastes. The first byte says as what the rest is read: a
 * listing (folded, or recursive), an error, a connection string, a URL to sign. */

static void require(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void read_listing(const uint8_t *data, size_t size, bool recursive)
{
    char bucket[] = "c", key[] = "d/", name[] = "az://c/d/";
    ncr_object object = {.bucket = bucket, .key = key, .name = name};
    ncr_list_op op = {.object = &object, .recursive = recursive};
    ncr_buffer body = {.data = (uint8_t *)data, .size = size};
    nacre_status status = ncr_az_list_parse(&body, &op);
    require((status == NACRE_OK) == (op.error.status == NACRE_OK), "a failure without an error, or the reverse");
    for (size_t i = 0; status == NACRE_OK && i < op.entry_count; i++) {
        const ncr_entry *entry = &op.entries[i];
        require(entry->key[0] != '\0', "an entry without a key");
        require(!i || strcmp(op.entries[i - 1].key, entry->key) <= 0, "entries out of order");
        require(!entry->is_prefix || entry->key[strlen(entry->key) - 1] == '/', "a prefix without a slash");
        require(!recursive || !entry->is_prefix, "a prefix in a recursive listing");
    }
    require(status != NACRE_OK || !op.next_page || *op.next_page, "an empty marker");
    ncr_list_op_clear(&op);
}

static void read_error(const uint8_t *data, size_t size)
{
    char code[16], said[32];
    ncr_buffer body = {.data = (uint8_t *)data, .size = size};
    ncr_az_error_parse(&body, code, sizeof code, said, sizeof said);
    require(!strpbrk(said, "\r\n"), "a message of several lines");
}

static void read_string(const uint8_t *data, size_t size)
{
    nacre_config *config = nacre_config_new();
    ncr_config *snapshot = NULL;
    ncr_az_settings settings;
    nacre_error err;
    char *text = ncr_text_copy_n((const char *)data, size);
    bool is_set = config && text && nacre_config_set(config, "az.connection_string", text, &err) == NACRE_OK;
    if (is_set && ncr_config_snapshot(config, NULL, &snapshot, &err) == NACRE_OK) {
        nacre_status status = ncr_az_settings_read(snapshot, NULL, &settings, &err);
        require(status != NACRE_OK || settings.endpoint, "settings without an endpoint");
        require(status == NACRE_OK || (!settings.endpoint && !settings.key), "settings of a failure");
        if (status == NACRE_OK)
            ncr_az_settings_clear(&settings);
    }
    ncr_config_unref(snapshot);
    nacre_config_free(config);
    free(text);
}

static void sign_url(const uint8_t *data, size_t size)
{
    static const char *const lines[] = {"x-ms-version: 1", NULL};
    ncr_buffer text;
    char *url = ncr_text_copy_n((const char *)data, size);
    ncr_az_signed what = {.method = "GET", .url = url, .lines = lines, .account = "a"};
    ncr_buffer_init(&text, 1 << 24);
    require(url && ncr_az_string_to_sign(&what, &text), "a URL that cannot be signed");
    ncr_buffer_clear(&text);
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0]) {
    case 'l':
    case 'r':
        read_listing(data + 1, size - 1, data[0] == 'r');
        break;
    case 'e':
        read_error(data + 1, size - 1);
        break;
    case 'c':
        read_string(data + 1, size - 1);
        break;
    default:
        sign_url(data + 1, size - 1);
    }
    return 0;
}
