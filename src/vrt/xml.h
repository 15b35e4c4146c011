/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_XML_H
#define NCR_VRT_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

/* A small tree of XML elements, read through libxml2 with entities, network access and DTDs off, and bounded. Names
 * are compared without case, as GDAL's; text beside child elements is joined. Single-thread while it is built, then
 * immutable. */
typedef struct ncr_xml ncr_xml;

/* Parses text. name is the document's, for messages. NACRE_ERROR_CORRUPT with line; NACRE_ERROR_REFUSED for a DTD. */
nacre_status ncr_xml_parse(const char *text, size_t size, const char *name, ncr_xml **out, nacre_error *err);
ncr_xml *ncr_xml_new(const char *element); /* a root; NULL: out of memory */
void ncr_xml_free(ncr_xml *root);          /* the whole document; accepts NULL */
size_t ncr_xml_size(const ncr_xml *root);  /* bytes of memory of the whole document */

const char *ncr_xml_name(const ncr_xml *element);
const char *ncr_xml_content(const ncr_xml *element); /* its text, trimmed at both ends; "" */
const char *ncr_xml_attribute(const ncr_xml *element, const char *name, const char *fallback);
const ncr_xml *ncr_xml_first(const ncr_xml *parent, const char *name); /* child element; name NULL: any; NULL: none */
const ncr_xml *ncr_xml_next(const ncr_xml *element, const char *name); /* next sibling of that name */
/* The content of a child ("Transformer/MaxError" goes down), or fallback where there is none. parent may be NULL. */
const char *ncr_xml_text(const ncr_xml *parent, const char *path, const char *fallback);

/* Numbers, NACRE_ERROR_CORRUPT with the element's name where the text is none. */
nacre_status ncr_xml_double(const ncr_xml *parent, const char *path, double fallback, double *out, nacre_error *err);
nacre_status ncr_xml_int(const ncr_xml *parent, const char *path, int fallback, int *out, nacre_error *err);
bool ncr_xml_bool(const ncr_xml *parent, const char *path, bool fallback);
nacre_status ncr_xml_attribute_double(const ncr_xml *element, const char *name, double fallback, double *out,
                                      nacre_error *err);
nacre_status ncr_xml_attribute_int(const ncr_xml *element, const char *name, int fallback, int *out, nacre_error *err);

/* Building; false or NULL when out of memory. Texts are copied. */
ncr_xml *ncr_xml_add(ncr_xml *parent, const char *element);
bool ncr_xml_add_text(ncr_xml *parent, const char *element, const char *content);
bool ncr_xml_add_double(ncr_xml *parent, const char *element, double value);
bool ncr_xml_add_int(ncr_xml *parent, const char *element, int64_t value);
bool ncr_xml_set_content(ncr_xml *element, const char *content);
bool ncr_xml_set_attribute(ncr_xml *element, const char *name, const char *value);
bool ncr_xml_set_attribute_double(ncr_xml *element, const char *name, double value);
bool ncr_xml_set_attribute_int(ncr_xml *element, const char *name, int64_t value);
bool ncr_xml_add_copy(ncr_xml *parent, const ncr_xml *tree); /* a copy of a tree of any document */
/* The document as GDAL indents it, appended to out. */
nacre_status ncr_xml_write(const ncr_xml *root, ncr_buffer *out, nacre_error *err);

#endif
