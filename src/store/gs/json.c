/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "store/gs/gs.h"
#include "store/token.h"

/* The JSON that Google Cloud Storage answers with and wants. Sizes and generations are texts there, since JSON's
 * numbers do not hold 64 bits everywhere. All of it comes from outside and is checked. */

static nacre_status bad_answer(const char *name, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store's answer is not understood: %s", name, what);
}

static json_t *parse(const ncr_buffer *body)
{
    json_t *root;
    ncr_json_load(body->data, body->size, 0, &root, NULL);
    return root;
}

/* The object that an answer is. */
static nacre_status parse_object(const ncr_buffer *body, const char *name, json_t **out, nacre_error *err)
{
    nacre_status status = ncr_json_load(body->data, body->size, 0, out, NULL);
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    return json_is_object(*out) ? NACRE_OK : bad_answer(name, "no JSON object", err);
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

nacre_status ncr_gs_metadata_from(const json_t *root, const char *name, ncr_gs_metadata *out, nacre_error *err)
{
    *out = (ncr_gs_metadata){0};
    const char *generation = member(root, "generation");
    ncr_gs_version_from(generation, &out->facts.version);
    if (!out->facts.version.strong)
        return bad_answer(name, "no generation", err);
    if (!ncr_text_to_uint64(member(root, "size"), &out->facts.size))
        return bad_answer(name, "no size", err);
    out->facts.modified_ms = ncr_token_time_ms(member(root, "updated"));
    snprintf(out->generation, sizeof out->generation, "%s", generation);
    snprintf(out->crc32c, sizeof out->crc32c, "%s", member(root, "crc32c"));
    if (out->crc32c[0])
        snprintf(out->facts.checksum, sizeof out->facts.checksum, "crc32c=%s", out->crc32c);
    snprintf(out->facts.content_type, sizeof out->facts.content_type, "%s", member(root, "contentType"));
    return NACRE_OK;
}

nacre_status ncr_gs_metadata_parse(const ncr_buffer *body, const char *name, ncr_gs_metadata *out, nacre_error *err)
{
    *out = (ncr_gs_metadata){0};
    json_t *root;
    nacre_status status = parse_object(body, name, &root, err);
    if (status == NACRE_OK)
        status = ncr_gs_metadata_from(root, name, out, err);
    json_decref(root);
    return status;
}

/* A member that may be left out, and else is of a type; what it is not, for the error. */
static nacre_status check_member(const json_t *root, const char *name, json_type type, const char *what,
                                 ncr_list_op *op)
{
    const json_t *value = json_object_get(root, name);
    bool is_right = !value || json_is_null(value) || json_typeof(value) == type;
    return is_right ? NACRE_OK : bad_answer(op->object->name, what, &op->error);
}

/* What is of another type would be passed over, and the listing end too early. */
static nacre_status check_page(const json_t *root, ncr_list_op *op)
{
    if (json_object_get(root, "error"))
        return bad_answer(op->object->name, "an error where a page of a listing should be", &op->error);
    nacre_status status = check_member(root, "items", JSON_ARRAY, "items that are no list", op);
    if (status == NACRE_OK)
        status = check_member(root, "prefixes", JSON_ARRAY, "prefixes that are no list", op);
    if (status == NACRE_OK)
        status = check_member(root, "nextPageToken", JSON_STRING, "a nextPageToken that is no text", op);
    return status;
}

static nacre_status take_items(const json_t *items, ncr_list_op *op, size_t *capacity)
{
    size_t i;
    json_t *item;
    json_array_foreach (items, i, item) {
        ncr_gs_metadata metadata;
        const char *key = member(item, "name");
        if (!*key)
            return bad_answer(op->object->name, "an entry without name", &op->error);
        nacre_status status = ncr_gs_metadata_from(item, op->object->name, &metadata, &op->error);
        if (status != NACRE_OK)
            return status;
        if (!ncr_list_op_add(op, capacity, key, false, &metadata.facts))
            return ncr_error_memory(&op->error);
    }
    return NACRE_OK;
}

static nacre_status take_prefixes(const json_t *prefixes, ncr_list_op *op, size_t *capacity)
{
    size_t i;
    json_t *prefix;
    json_array_foreach (prefixes, i, prefix) {
        const char *key = json_string_value(prefix);
        if (!key || !*key)
            return bad_answer(op->object->name, "a prefix that is no text", &op->error);
        if (!ncr_list_op_add(op, capacity, key, true, NULL))
            return ncr_error_memory(&op->error);
    }
    return NACRE_OK;
}

nacre_status ncr_gs_list_parse(const ncr_buffer *body, ncr_list_op *op)
{
    size_t capacity = 0;
    json_t *root;
    nacre_status status = parse_object(body, op->object->name, &root, &op->error);
    if (status == NACRE_OK)
        status = check_page(root, op);
    if (status == NACRE_OK)
        status = take_items(json_object_get(root, "items"), op, &capacity);
    if (status == NACRE_OK)
        status = take_prefixes(json_object_get(root, "prefixes"), op, &capacity);
    const char *page = member(root, "nextPageToken");
    if (status == NACRE_OK && *page) {
        op->next_page = ncr_text_copy(page);
        status = op->next_page ? NACRE_OK : ncr_error_memory(&op->error);
    }
    ncr_list_op_sort(op);
    json_decref(root);
    return status;
}

bool ncr_gs_error_text(const ncr_buffer *body, char *out, size_t out_size)
{
    out[0] = '\0';
    json_t *root = parse(body);
    const json_t *error = json_object_get(root, "error");
    const char *message = json_is_object(error) ? member(error, "message") : "";
    ncr_aws_failure failure;
    if (!root && ncr_aws_failure_read(body->data, body->size, &failure)) {
        snprintf(out, out_size, "%s%s%s", failure.code, failure.message[0] ? ": " : "", failure.message);
    } else if (*message) {
        snprintf(out, out_size, "%s", message);
    } else if (!root && body->size && body->data[0] != '<') { /* media answers in plain text */
        size_t length = strnlen((const char *)body->data, body->size);
        snprintf(out, out_size, "%.*s", (int)(length < out_size ? length : out_size - 1), (const char *)body->data);
    }
    json_decref(root);
    return out[0] != '\0';
}

/* A text as JSON; NULL: out of memory, or (*is_text false) it is not UTF-8, which jansson does not tell apart. */
static json_t *json_of(const char *text, bool *is_text)
{
    json_t *value = json_string(text);
    *is_text = true;
    if (value)
        return value;
    json_t *unchecked = json_stringn_nocheck(text, strlen(text));
    value = unchecked ? json_string(text) : NULL;
    *is_text = value || !unchecked;
    json_decref(unchecked);
    return value;
}

/* Adds a member; a text that is not UTF-8 is left out. False: out of memory. */
static bool set_text(json_t *object, const char *name, const char *text)
{
    bool is_text;
    json_t *value = json_of(text, &is_text);
    return !is_text || json_object_set_new(object, name, value) == 0;
}

char *ncr_gs_metadata_text(const char *key, const char *content_type, const char *crc32c, bool *is_text)
{
    json_t *root = json_object(), *name = json_of(key, is_text);
    bool made = json_object_set_new(root, "name", name) == 0;
    made = made && (!content_type || !*content_type || set_text(root, "contentType", content_type)) &&
           (!crc32c || set_text(root, "crc32c", crc32c));
    char *text = made ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}
