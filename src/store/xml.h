/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_XML_H
#define NCR_STORE_XML_H

#include <nacre/error.h>
#include <stdbool.h>
#include <stddef.h>

/* What stores answer in XML, read as a stream of elements. Answers come from outside: one with a document type is
 * refused, so there are no entities, neither external nor ones that expand; nesting is bounded, and a text is never
 * longer than the answer. No state outlives a call. */

/* What is told of each element. NULL: not wanted. False: out of memory. */
typedef struct ncr_xml_handler {
    /* An element begins, `depth` from 0 for the root. Its name is as it is written, with a prefix if it has one.
     * attributes: name, value, ..., NULL. */
    bool (*begin)(void *user, unsigned depth, const char *name, const char *const *attributes);
    /* It ends; `text` is what stands in it after its last child, so all of it where it has none. */
    bool (*end)(void *user, unsigned depth, const char *name, const char *text);
} ncr_xml_handler;

/* Reads one document. NACRE_ERROR_CORRUPT, naming `name`: it is none, or one that is refused. */
nacre_status ncr_xml_read(const void *data, size_t size, const char *name, const ncr_xml_handler *handler, void *user,
                          nacre_error *err);

#endif
