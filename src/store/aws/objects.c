/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/aws/objects.h"

#include <stdlib.h>
#include <string.h>

#include "store/aws/xml.h"
#include "store/token.h"

/* --- Pages of listings. All of it comes from outside and is checked. --- */

typedef struct page {
    ncr_list_op *op;
    ncr_aws_make_version make_version;
    size_t capacity;
    bool is_listing, is_encoded, is_more;
    const char *wrong; /* what is not understood */

    /* The entry under way. */
    char *key;
    char etag[256];
    char generation[32];
    uint64_t size;
    bool has_size;
    int64_t modified_ms;
} page;

/* What is wrong is told when all is read. */
static bool fail(page *p, const char *what)
{
    p->wrong = what;
    return true;
}

static bool copy(char **slot, const char *text)
{
    free(*slot);
    *slot = ncr_text_copy(text);
    return *slot != NULL;
}

static bool add_entry(page *p, bool is_prefix)
{
    ncr_object_facts facts = {.size = p->size, .modified_ms = p->modified_ms};
    if (!p->key || !*p->key)
        return fail(p, "an entry without a key");
    if (!is_prefix && !p->has_size)
        return fail(p, "an entry without a size");
    p->make_version(p->etag, p->generation, &facts.version);
    bool added = ncr_list_op_add(p->op, &p->capacity, p->key, is_prefix, is_prefix ? NULL : &facts);
    free(p->key);
    p->key = NULL;
    p->etag[0] = p->generation[0] = '\0';
    p->has_size = false;
    p->modified_ms = -1;
    return added;
}

static bool take_content(page *p, const char *name, const char *text)
{
    if (strcmp(name, "Key") == 0)
        return copy(&p->key, text);
    if (strcmp(name, "ETag") == 0 && strlen(text) < sizeof p->etag)
        memcpy(p->etag, text, strlen(text) + 1);
    else if (strcmp(name, "Generation") == 0 && strlen(text) < sizeof p->generation)
        memcpy(p->generation, text, strlen(text) + 1);
    else if (strcmp(name, "Size") == 0)
        p->has_size = ncr_text_to_uint64(text, &p->size);
    else if (strcmp(name, "LastModified") == 0)
        p->modified_ms = ncr_token_time_ms(text);
    return true;
}

static bool take_element(void *user, const char *path, const char *text)
{
    static const char root[] = "ListBucketResult", content[] = "Contents/", prefix[] = "CommonPrefixes/";
    page *p = user;
    if (!ncr_text_starts(path, root))
        return true;
    p->is_listing = true;
    const char *name = path[sizeof root - 1] == '/' ? path + sizeof root : "";
    if (ncr_text_starts(name, content))
        return take_content(p, name + sizeof content - 1, text);
    if (strcmp(name, "Contents") == 0)
        return add_entry(p, false);
    if (ncr_text_starts(name, prefix))
        return strcmp(name + sizeof prefix - 1, "Prefix") != 0 || copy(&p->key, text);
    if (strcmp(name, "CommonPrefixes") == 0)
        return add_entry(p, true);
    if (strcmp(name, "EncodingType") == 0)
        p->is_encoded = strcmp(text, "url") == 0;
    else if (strcmp(name, "IsTruncated") == 0)
        p->is_more = strcmp(text, "true") == 0;
    else if (strcmp(name, "NextContinuationToken") == 0)
        return copy(&p->op->next_page, text);
    return true;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* encoding-type=url: percent-encoded, with plus signs for spaces. */
static bool decode(char *text)
{
    char *out = text;
    for (const char *at = text; *at; at++) {
        int high = *at == '%' ? hex_digit(at[1]) : -1, low = high >= 0 ? hex_digit(at[2]) : -1;
        if (*at == '%' && (low < 0 || !(high | low)))
            return false;
        *out++ = *at == '+' ? ' ' : low >= 0 ? (char)(high << 4 | low) : *at;
        at += low >= 0 ? 2 : 0;
    }
    *out = '\0';
    return true;
}

static void finish(page *p)
{
    ncr_list_op *op = p->op;
    for (size_t i = 0; p->is_encoded && i < op->entry_count; i++)
        if (!decode(op->entries[i].key))
            p->wrong = "a key that is not encoded as it says";
    if (p->is_more && !(op->next_page && *op->next_page))
        p->wrong = "more to come, but no token for it";
    if (!p->is_more) {
        free(op->next_page);
        op->next_page = NULL;
    }
    ncr_list_op_sort(op);
}

nacre_status ncr_aws_list_parse(const ncr_buffer *body, ncr_aws_make_version make_version, ncr_list_op *op)
{
    page p = {.op = op, .make_version = make_version, .modified_ms = -1};
    nacre_status status = ncr_aws_xml_read(body->data, body->size, op->object->name, take_element, &p, &op->error);
    if (status == NACRE_OK)
        finish(&p);
    free(p.key);
    if (status == NACRE_OK && (!p.is_listing || p.wrong))
        status = ncr_error_set(&op->error, NACRE_ERROR_CORRUPT, "%s: the store's answer is not understood: %s",
                               op->object->name, p.wrong ? p.wrong : "no listing");
    return status;
}

/* --- Copies. --- */

char *ncr_aws_source_text(const ncr_object *source)
{
    ncr_buffer text;
    ncr_buffer_init(&text, 64 << 10);
    if (ncr_text_append(&text, "/") && ncr_text_append_escaped(&text, source->bucket, "") &&
        ncr_text_append(&text, "/") && ncr_text_append_escaped(&text, source->key, "/"))
        return (char *)text.data;
    ncr_buffer_clear(&text);
    return NULL;
}
