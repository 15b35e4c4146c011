/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/process.h"
#include "base/json.h"
#include "store/aws/source.h"

/* credential_process: a program of the user's that prints credentials as JSON. */

static nacre_status read_json(const ncr_buffer *text, ncr_secret **out, nacre_error *err)
{
    int64_t version = 0;
    json_t *root;
    nacre_status status = ncr_json_load(text->data, text->size, 0, &root, NULL);
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (!ncr_token_number(root, "Version", &version) || version != 1)
        status = ncr_error_set(err, NACRE_ERROR_DENIED, "credential_process: it prints no JSON object of Version 1");
    else
        status = ncr_aws_secret_from_json(root, "SessionToken", "credential_process", out, err);
    json_decref(root);
    return status;
}

nacre_status ncr_aws_fetch_process(const ncr_aws_source *source, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    ncr_buffer text;
    bool lacks_memory;
    char **words = ncr_process_words(source->command, &lacks_memory);
    if (!words && lacks_memory)
        return ncr_error_memory(err);
    if (!words)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: credential_process is no command", source->origin);
    ncr_buffer_init(&text, NCR_TOKEN_ANSWER_LIMIT);
    nacre_status status = ncr_process_run(words, NULL, "credential_process", call, &text, err);
    if (status == NACRE_OK)
        status = read_json(&text, out, err);
    ncr_token_wipe(&text);
    ncr_process_words_free(words);
    return status;
}
