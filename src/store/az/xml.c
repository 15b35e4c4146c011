/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/az/az.h"
#include "store/xml.h"

/* The XML that Azure Blob Storage answers with: pages of listings, and errors.
 *
 * Directories. Accounts with a hierarchical namespace list them as blobs of ResourceType "directory"; older tools mark
 * them on flat accounts by an empty blob with the metadata hdi_isfolder. Neither is an object: folded, they are the
 * prefix that they stand for; listed recursively, they are left out. */

/* --- Listings. --- */

typedef struct page {
    ncr_list_op *op;
    size_t capacity;
    bool is_listing;
    const char *wrong; /* what is not understood */
    /* The entry that is being read. */
    bool is_open, is_prefix, is_directory, is_block, is_encoded, has_size;
    char *key;
    char etag[160], version_id[128];
    ncr_object_facts facts;
} page;

static void forget_entry(page *p)
{
    free(p->key);
    *p = (page){.op = p->op, .capacity = p->capacity, .is_listing = p->is_listing, .wrong = p->wrong};
}

static bool on_begin(void *user, unsigned depth, const char *name, const char *const *attributes)
{
    page *p = user;
    p->is_listing |= depth == 0 && strcmp(name, "EnumerationResults") == 0;
    bool is_blob = depth == 2 && strcmp(name, "Blob") == 0, is_prefix = depth == 2 && strcmp(name, "BlobPrefix") == 0;
    if (is_blob || is_prefix) {
        forget_entry(p);
        p->is_open = true;
        p->is_prefix = is_prefix;
        p->facts.modified_ms = -1;
    }
    if (depth == 3 && strcmp(name, "Name") == 0)
        for (; attributes[0]; attributes += 2)
            p->is_encoded = p->is_encoded ||
                            (strcmp(attributes[0], "Encoded") == 0 && ncr_text_equal_nocase(attributes[1], "true"));
    return true;
}

static void take_property(page *p, const char *name, const char *text)
{
    if (strcmp(name, "Content-Length") == 0)
        p->has_size = ncr_text_to_uint64(text, &p->facts.size);
    else if (strcmp(name, "Last-Modified") == 0)
        p->facts.modified_ms = ncr_http_date_ms(text);
    else if (strcmp(name, "Etag") == 0)
        snprintf(p->etag, sizeof p->etag, "%s", text);
    else if (strcmp(name, "Content-Type") == 0)
        snprintf(p->facts.content_type, sizeof p->facts.content_type, "%s", text);
    else if (strcmp(name, "Content-MD5") == 0 && strlen(text) == NCR_MD5_TEXT - 1)
        snprintf(p->facts.checksum, sizeof p->facts.checksum, "md5=%s", text);
    else if (strcmp(name, "BlobType") == 0)
        p->is_block = strcmp(text, "BlockBlob") == 0;
    else if (strcmp(name, "ResourceType") == 0 || strcmp(name, "hdi_isfolder") == 0)
        p->is_directory |= ncr_text_equal_nocase(text, "directory") || ncr_text_equal_nocase(text, "true");
}

static bool add_prefix(page *p)
{
    size_t length = strlen(p->key);
    bool has_slash = length && p->key[length - 1] == '/';
    char *key = ncr_text_format("%s%s", p->key, has_slash ? "" : "/");
    bool added = key && ncr_list_op_add(p->op, &p->capacity, key, true, NULL);
    free(key);
    return added;
}

static void check_entry(page *p)
{
    if (!p->key || !*p->key)
        p->wrong = "an entry without a name";
    else if (p->is_encoded && !ncr_text_unescape(p->key)) /* a name that XML cannot hold comes so */
        p->wrong = "a key holds a zero byte";
    else if (!p->is_prefix && !p->is_directory && !p->has_size)
        p->wrong = "an entry without a size";
}

static bool end_entry(page *p)
{
    bool added = true;
    check_entry(p);
    if (p->key && *p->key && !p->is_prefix && !p->is_directory) {
        ncr_az_version_from(p->etag, p->version_id, &p->facts.version);
        if (!p->is_block)
            p->facts.checksum[0] = '\0';
        added = ncr_list_op_add(p->op, &p->capacity, p->key, false, &p->facts);
    } else if (p->key && *p->key && !p->op->recursive && strcmp(p->key, p->op->object->key) != 0) {
        added = add_prefix(p);
    }
    forget_entry(p);
    return added;
}

static bool on_end(void *user, unsigned depth, const char *name, const char *text)
{
    page *p = user;
    if (depth == 1 && strcmp(name, "NextMarker") == 0 && *text) {
        free(p->op->next_page);
        p->op->next_page = ncr_text_copy(text);
        return p->op->next_page != NULL;
    }
    if (!p->is_open)
        return true;
    if (depth == 2)
        return end_entry(p);
    if (depth == 3 && strcmp(name, "Name") == 0) {
        free(p->key);
        p->key = ncr_text_copy(text);
        return p->key != NULL;
    }
    if (depth == 3 && strcmp(name, "VersionId") == 0)
        snprintf(p->version_id, sizeof p->version_id, "%s", text);
    else if (depth == 4)
        take_property(p, name, text);
    return true;
}

/* A directory may be told twice: as the prefix of what is in it, and by its own marker. */
static void drop_doubles(ncr_list_op *op)
{
    size_t kept = 0;
    for (size_t i = 0; i < op->entry_count; i++) {
        bool is_double = kept && op->entries[i].is_prefix && op->entries[kept - 1].is_prefix &&
                         strcmp(op->entries[i].key, op->entries[kept - 1].key) == 0;
        if (is_double)
            free(op->entries[i].key);
        else
            op->entries[kept++] = op->entries[i];
    }
    op->entry_count = kept;
}

nacre_status ncr_az_list_parse(const ncr_buffer *body, ncr_list_op *op)
{
    static const ncr_xml_handler handler = {.begin = on_begin, .end = on_end};
    page p = {.op = op};
    nacre_status status = ncr_xml_read(body->data, body->size, op->object->name, &handler, &p, &op->error);
    if (status == NACRE_OK && (!p.is_listing || p.wrong))
        status = ncr_error_set(&op->error, NACRE_ERROR_CORRUPT, "%s: the store's answer is not understood: %s",
                               op->object->name, p.is_listing ? p.wrong : "no listing");
    forget_entry(&p);
    ncr_list_op_sort(op);
    drop_doubles(op);
    return status;
}

/* --- Errors: <Error><Code/><Message/></Error>. --- */

typedef struct error_text {
    char *code, *said;
    size_t code_size, said_size;
} error_text;

static bool on_error_end(void *user, unsigned depth, const char *name, const char *text)
{
    error_text *e = user;
    if (depth == 1 && strcmp(name, "Code") == 0)
        snprintf(e->code, e->code_size, "%s", text);
    else if (depth == 1 && strcmp(name, "Message") == 0) /* lines with the request's number and time follow */
        snprintf(e->said, e->said_size, "%.*s", (int)strcspn(text, "\r\n"), text);
    return true;
}

void ncr_az_error_parse(const ncr_buffer *body, char *code, size_t code_size, char *said, size_t said_size)
{
    static const ncr_xml_handler handler = {.end = on_error_end};
    error_text e = {.code = code, .said = said, .code_size = code_size, .said_size = said_size};
    code[0] = said[0] = '\0';
    if (body->size)
        ncr_xml_read(body->data, body->size, "", &handler, &e, NULL);
}
