/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vrt/xml.h"

#include <limits.h>
#include <math.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vrt/xml_tree.h"

/* The tree: an arena for each document, since a mosaic's VRT has millions of small texts that live and die together. */

enum { CHUNK_SIZE = 16 * 1024, NAME_BUCKETS = 64 };

typedef struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
} chunk;

typedef struct name_entry {
    struct name_entry *next;
    size_t length;
    char text[];
} name_entry;

struct ncr_xml_document {
    chunk *chunks; /* the one that is being filled first */
    name_entry *names[NAME_BUCKETS];
    size_t bytes;
    char *name;
};

ncr_xml_document *ncr_xml_document_new(const char *name)
{
    ncr_xml_document *document = calloc(1, sizeof *document);
    if (!document)
        return NULL;
    document->name = ncr_text_copy(name);
    if (!document->name) {
        free(document);
        return NULL;
    }
    return document;
}

void ncr_xml_document_free(ncr_xml_document *document)
{
    if (!document)
        return;
    while (document->chunks) {
        chunk *next = document->chunks->next;
        free(document->chunks);
        document->chunks = next;
    }
    free(document->name);
    free(document);
}

const char *ncr_xml_document_name(const ncr_xml_document *document)
{
    return document->name;
}

/* Adds a chunk for at least size bytes. A large one goes behind the chunk being filled, which keeps its room. */
static chunk *chunk_add(ncr_xml_document *document, size_t size)
{
    size_t capacity = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;
    size_t total;
    if (!ncr_size_add(capacity, sizeof(chunk), &total))
        return NULL;
    chunk *added = malloc(total);
    if (!added)
        return NULL;
    added->used = 0;
    added->size = capacity;
    document->bytes += ncr_alloc_size(total);
    if (capacity != CHUNK_SIZE && document->chunks) {
        added->next = document->chunks->next;
        document->chunks->next = added;
    } else {
        added->next = document->chunks;
        document->chunks = added;
    }
    return added;
}

static void *arena_alloc(ncr_xml_document *document, size_t size)
{
    size = (size + alignof(void *) - 1) & ~(alignof(void *) - 1);
    chunk *from = document->chunks;
    if (!from || from->size - from->used < size)
        from = chunk_add(document, size);
    if (!from)
        return NULL;
    void *at = from->data + from->used;
    from->used += size;
    return at;
}

const char *ncr_xml_document_text(ncr_xml_document *document, const char *text, size_t length)
{
    if (length == 0)
        return "";
    if (length > SIZE_MAX / 2)
        return NULL;
    char *copy = arena_alloc(document, length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static unsigned name_bucket(const char *text, size_t length)
{
    unsigned hash = 5381;
    for (size_t i = 0; i < length; i++)
        hash = hash * 33 + (unsigned char)text[i];
    return hash % NAME_BUCKETS;
}

const char *ncr_xml_document_name_text(ncr_xml_document *document, const char *text, size_t length)
{
    name_entry **bucket = &document->names[name_bucket(text, length)];
    int depth = 0;
    for (name_entry *entry = *bucket; entry && depth < 16; entry = entry->next, depth++)
        if (entry->length == length && memcmp(entry->text, text, length) == 0)
            return entry->text;
    name_entry *entry = arena_alloc(document, sizeof *entry + length + 1);
    if (!entry)
        return NULL;
    entry->length = length;
    memcpy(entry->text, text, length);
    entry->text[length] = '\0';
    entry->next = *bucket;
    *bucket = entry;
    return entry->text;
}

ncr_xml *ncr_xml_element_new(ncr_xml_document *document, ncr_xml *parent, const char *name, size_t length)
{
    ncr_xml *element = arena_alloc(document, sizeof *element);
    if (!element)
        return NULL;
    memset(element, 0, sizeof *element);
    element->document = document;
    element->content = "";
    element->name = ncr_xml_document_name_text(document, name, length);
    if (!element->name)
        return NULL;
    if (parent && parent->last)
        parent->last->next = element;
    else if (parent)
        parent->first = element;
    if (parent)
        parent->last = element;
    return element;
}

bool ncr_xml_attribute_append(ncr_xml *element, const char *name, size_t name_length, const char *value,
                              size_t value_length)
{
    ncr_xml_attribute_node *node = arena_alloc(element->document, sizeof *node);
    if (!node)
        return false;
    node->name = ncr_xml_document_name_text(element->document, name, name_length);
    node->value = ncr_xml_document_text(element->document, value, value_length);
    node->next = NULL;
    if (!node->name || !node->value)
        return false;
    ncr_xml_attribute_node **end = &element->attributes;
    while (*end)
        end = &(*end)->next;
    *end = node;
    return true;
}

ncr_xml *ncr_xml_new(const char *element)
{
    ncr_xml_document *document = ncr_xml_document_new("");
    if (!document)
        return NULL;
    ncr_xml *root = ncr_xml_element_new(document, NULL, element, strlen(element));
    if (!root)
        ncr_xml_document_free(document);
    return root;
}

void ncr_xml_free(ncr_xml *root)
{
    if (root)
        ncr_xml_document_free(root->document);
}

size_t ncr_xml_size(const ncr_xml *root)
{
    const ncr_xml_document *document = root->document;
    return document->bytes + ncr_alloc_size(sizeof *document) + ncr_alloc_size(strlen(document->name) + 1);
}

/* --- Looking --- */

const char *ncr_xml_name(const ncr_xml *element)
{
    return element->name;
}

const char *ncr_xml_content(const ncr_xml *element)
{
    return element->content;
}

const char *ncr_xml_attribute(const ncr_xml *element, const char *name, const char *fallback)
{
    if (!element)
        return fallback;
    for (const ncr_xml_attribute_node *node = element->attributes; node; node = node->next)
        if (ncr_text_equal_nocase(node->name, name))
            return node->value;
    return fallback;
}

static const ncr_xml *find_from(const ncr_xml *element, const char *name)
{
    while (element && name && !ncr_text_equal_nocase(element->name, name))
        element = element->next;
    return element;
}

const ncr_xml *ncr_xml_first(const ncr_xml *parent, const char *name)
{
    return parent ? find_from(parent->first, name) : NULL;
}

const ncr_xml *ncr_xml_next(const ncr_xml *element, const char *name)
{
    return element ? find_from(element->next, name) : NULL;
}

/* The child that a path with slashes leads to, or NULL. */
static const ncr_xml *find_path(const ncr_xml *parent, const char *path)
{
    char step[128];
    while (parent) {
        size_t length = strcspn(path, "/");
        if (length >= sizeof step)
            return NULL;
        memcpy(step, path, length);
        step[length] = '\0';
        parent = ncr_xml_first(parent, step);
        if (path[length] == '\0')
            break;
        path += length + 1;
    }
    return parent;
}

const char *ncr_xml_text(const ncr_xml *parent, const char *path, const char *fallback)
{
    const ncr_xml *element = find_path(parent, path);
    return element && element->content[0] ? element->content : fallback;
}

static nacre_status not_a_number(const ncr_xml *element, const char *name, const char *text, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %s is not a number: \"%.60s\"", element->document->name, name,
                         text);
}

nacre_status ncr_xml_double(const ncr_xml *parent, const char *path, double fallback, double *out, nacre_error *err)
{
    *out = fallback;
    const char *text = ncr_xml_text(parent, path, NULL);
    if (text && !ncr_text_to_double(text, out))
        return not_a_number(parent, path, text, err);
    return NACRE_OK;
}

/* Whole numbers may be spelled "5.0", since GDAL reads them so. */
static bool text_to_int(const char *text, int *out)
{
    double value;
    if (ncr_text_to_int(text, out))
        return true;
    if (!ncr_text_to_double(text, &value) || !(value >= INT_MIN && value <= INT_MAX) || value != floor(value))
        return false;
    *out = (int)value;
    return true;
}

nacre_status ncr_xml_int(const ncr_xml *parent, const char *path, int fallback, int *out, nacre_error *err)
{
    *out = fallback;
    const char *text = ncr_xml_text(parent, path, NULL);
    if (text && !text_to_int(text, out))
        return not_a_number(parent, path, text, err);
    return NACRE_OK;
}

bool ncr_xml_bool(const ncr_xml *parent, const char *path, bool fallback)
{
    bool value = fallback;
    const char *text = ncr_xml_text(parent, path, NULL);
    if (text)
        ncr_text_to_bool(text, &value);
    return value;
}

nacre_status ncr_xml_attribute_double(const ncr_xml *element, const char *name, double fallback, double *out,
                                      nacre_error *err)
{
    *out = fallback;
    const char *text = ncr_xml_attribute(element, name, NULL);
    if (text && !ncr_text_to_double(text, out))
        return not_a_number(element, name, text, err);
    return NACRE_OK;
}

nacre_status ncr_xml_attribute_int(const ncr_xml *element, const char *name, int fallback, int *out, nacre_error *err)
{
    *out = fallback;
    const char *text = ncr_xml_attribute(element, name, NULL);
    if (text && !text_to_int(text, out))
        return not_a_number(element, name, text, err);
    return NACRE_OK;
}

/* --- Building --- */

ncr_xml *ncr_xml_add(ncr_xml *parent, const char *element)
{
    return ncr_xml_element_new(parent->document, parent, element, strlen(element));
}

bool ncr_xml_set_content(ncr_xml *element, const char *content)
{
    const char *copy = ncr_xml_document_text(element->document, content, strlen(content));
    if (copy)
        element->content = copy;
    return copy != NULL;
}

bool ncr_xml_set_attribute(ncr_xml *element, const char *name, const char *value)
{
    for (ncr_xml_attribute_node *node = element->attributes; node; node = node->next)
        if (ncr_text_equal_nocase(node->name, name)) {
            const char *copy = ncr_xml_document_text(element->document, value, strlen(value));
            if (copy)
                node->value = copy;
            return copy != NULL;
        }
    return ncr_xml_attribute_append(element, name, strlen(name), value, strlen(value));
}

bool ncr_xml_add_text(ncr_xml *parent, const char *element, const char *content)
{
    ncr_xml *child = ncr_xml_add(parent, element);
    return child && ncr_xml_set_content(child, content);
}

bool ncr_xml_add_double(ncr_xml *parent, const char *element, double value)
{
    char text[NCR_TEXT_DOUBLE_SIZE];
    ncr_text_from_double(value, text);
    return ncr_xml_add_text(parent, element, text);
}

bool ncr_xml_add_int(ncr_xml *parent, const char *element, int64_t value)
{
    char text[NCR_TEXT_DOUBLE_SIZE];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return ncr_xml_add_text(parent, element, text);
}

bool ncr_xml_set_attribute_double(ncr_xml *element, const char *name, double value)
{
    char text[NCR_TEXT_DOUBLE_SIZE];
    ncr_text_from_double(value, text);
    return ncr_xml_set_attribute(element, name, text);
}

bool ncr_xml_set_attribute_int(ncr_xml *element, const char *name, int64_t value)
{
    char text[NCR_TEXT_DOUBLE_SIZE];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return ncr_xml_set_attribute(element, name, text);
}

bool ncr_xml_add_copy(ncr_xml *parent, const ncr_xml *tree)
{
    ncr_xml *copy = ncr_xml_add(parent, tree->name);
    if (!copy || !ncr_xml_set_content(copy, tree->content))
        return false;
    for (const ncr_xml_attribute_node *node = tree->attributes; node; node = node->next)
        if (!ncr_xml_set_attribute(copy, node->name, node->value))
            return false;
    for (const ncr_xml *child = tree->first; child; child = child->next)
        if (!ncr_xml_add_copy(copy, child))
            return false;
    return true;
}
