/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/aws/objects.h"
#include "store/aws/source.h"
#include "store/aws/xml.h"
#include "store/gs/gs.h"
#include "store/process.h"
#include "store/s3/s3.h"

/* What S3 and Amazon's other services answer, and the files that configure them. The first byte says as what the rest
 * is read: a listing, an error, a configuration file, a command. Besides not crashing, what comes out is looked at. */

static void require(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void by_etag(const char *etag, const char *generation, ncr_version *out)
{
    (void)generation;
    ncr_s3_version_from(etag, "", out);
}

static void by_generation(const char *etag, const char *generation, ncr_version *out)
{
    (void)etag;
    ncr_gs_version_from(generation, out);
}

static void read_listing(const uint8_t *data, size_t size)
{
    char bucket[] = "b", key[] = "", name[] = "s3://b/";
    ncr_object object = {.bucket = bucket, .key = key, .name = name};
    ncr_list_op op = {.object = &object};
    ncr_buffer body = {.data = (uint8_t *)data, .size = size};
    nacre_status status = ncr_aws_list_parse(&body, size & 1 ? by_generation : by_etag, &op);
    require((status == NACRE_OK) == (op.error.status == NACRE_OK), "a failure without an error, or the reverse");
    for (size_t i = 0; status == NACRE_OK && i < op.entry_count; i++) {
        require(op.entries[i].key[0] != '\0', "an entry without a key");
        require(!i || strcmp(op.entries[i - 1].key, op.entries[i].key) <= 0, "entries out of order");
    }
    require(status != NACRE_OK || !op.next_page || *op.next_page, "an empty token");
    ncr_list_op_clear(&op);
}

static void read_failure(const uint8_t *data, size_t size)
{
    ncr_aws_failure failure;
    char text[64];
    bool found = ncr_aws_failure_read(data, size, &failure);
    require(found == (failure.code[0] != '\0') || !found, "a failure without a code");
    require(!failure.region[0] || ncr_aws_is_region(failure.region), "a region that is none");
    ncr_aws_xml_find(data, size, "CopyObjectResult/ETag", text, sizeof text);
}

static void read_file(const uint8_t *data, size_t size, bool is_config)
{
    ncr_aws_ini *ini;
    nacre_error err;
    if (ncr_aws_ini_parse((const char *)data, size, "FILE", is_config, &ini, &err) != NACRE_OK) {
        require(!ini && strncmp(err.message, "FILE: line ", 11) == 0, "an error without its line");
        return;
    }
    ncr_aws_profiles profiles = {.config = ini};
    ncr_aws_source *source;
    char *id;
    if (ncr_aws_profile_source(&profiles, "default", NULL, &source, &err) == NACRE_OK && source) {
        require((id = ncr_aws_source_id(source)) != NULL, "a source without an id");
        free(id);
        ncr_aws_source_free(source);
    }
    ncr_aws_profile_endpoint(&profiles, "default");
    ncr_aws_ini_unref(ini);
}

static void read_command(const uint8_t *data, size_t size)
{
    bool lacks_memory;
    char *text = ncr_text_copy_n((const char *)data, size);
    char **words = text ? ncr_process_words(text, &lacks_memory) : NULL;
    require(!words || words[0], "no word");
    ncr_process_words_free(words);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0]) {
    case 'l':
        read_listing(data + 1, size - 1);
        break;
    case 'e':
        read_failure(data + 1, size - 1);
        break;
    case 'c':
    case 'k':
        read_file(data + 1, size - 1, data[0] == 'c');
        break;
    default:
        read_command(data + 1, size - 1);
    }
    return 0;
}
