/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AWS_XML_H
#define NCR_STORE_AWS_XML_H

#include <nacre/error.h>
#include <stdbool.h>
#include <stddef.h>

/* The XML that Amazon's services answer with, by the paths of its elements: on top of store/xml.h. */

/* Called at the end of each element; path names it from the root ("ListBucketResult/Contents/Key"), prefixes of
 * namespaces left out. False: out of memory. */
typedef bool (*ncr_aws_xml_element)(void *user, const char *path, const char *text);

/* Reads a document. White space before it is allowed, since S3 keeps connections alive with that. Statuses as
 * ncr_xml_read(). */
nacre_status ncr_aws_xml_read(const void *data, size_t size, const char *name, ncr_aws_xml_element element, void *user,
                              nacre_error *err);

/* Copies the text of the first element of that path, cut at out_size. NACRE_ERROR_NOT_FOUND: there is none, also where
 * it is no document; NACRE_ERROR_MEMORY. "" after both. No message is written. */
nacre_status ncr_aws_xml_find(const void *data, size_t size, const char *path, char *out, size_t out_size);

#endif
