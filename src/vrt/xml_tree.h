/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_XML_TREE_H
#define NCR_VRT_XML_TREE_H

#include "vrt/xml.h"

/* What xml*.c share: the tree behind ncr_xml. All of a document's memory comes from one arena and goes with it. */

typedef struct ncr_xml_document ncr_xml_document;

typedef struct ncr_xml_attribute_node {
    const char *name, *value;
    struct ncr_xml_attribute_node *next;
} ncr_xml_attribute_node;

struct ncr_xml {
    ncr_xml_document *document;
    const char *name;
    const char *content; /* never NULL */
    ncr_xml_attribute_node *attributes;
    ncr_xml *first, *last; /* children */
    ncr_xml *next;         /* sibling */
};

/* A document without elements; name (for messages) is copied. NULL: out of memory. */
ncr_xml_document *ncr_xml_document_new(const char *name);
void ncr_xml_document_free(ncr_xml_document *document);
const char *ncr_xml_document_name(const ncr_xml_document *document);

/* A copy of text in the arena, and one that is shared by equal texts (names repeat). NULL: out of memory. */
const char *ncr_xml_document_text(ncr_xml_document *document, const char *text, size_t length);
const char *ncr_xml_document_name_text(ncr_xml_document *document, const char *text, size_t length);

/* A new element, appended to parent (NULL: none). NULL: out of memory. */
ncr_xml *ncr_xml_element_new(ncr_xml_document *document, ncr_xml *parent, const char *name, size_t length);
bool ncr_xml_attribute_append(ncr_xml *element, const char *name, size_t name_length, const char *value,
                              size_t value_length);

/* Whether length bytes are well-formed UTF-8. */
bool ncr_xml_is_utf8(const char *text, size_t length);

#endif
