/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vrt/xml.h"
#include "vrt/xml_tree.h"

/* Parsing through libxml2's SAX interface, straight into our own tree.
 *
 * What a hostile text can do is bounded so: a DTD stops the parser at its first character, so there are no entities
 * but the five of XML itself; nothing is loaded; elements nest at most MAX_DEPTH deep; memory is a small multiple of
 * the text, whose size the caller has checked. */

enum { MAX_DEPTH = 64 };

#if LIBXML_VERSION >= 21200
typedef const xmlError *libxml_error;
#else
typedef xmlError *libxml_error;
#endif

typedef struct parse {
    xmlParserCtxt *context;
    ncr_xml_document *document;
    ncr_xml *root;
    ncr_xml *open[MAX_DEPTH];      /* elements that have begun and not ended */
    ncr_buffer content[MAX_DEPTH]; /* their texts so far */
    int depth;
    nacre_status status; /* the first failure; error tells it */
    nacre_error *error;
} parse;

static pthread_once_t libxml_once = PTHREAD_ONCE_INIT;

static void parse_fail(parse *state, nacre_status status)
{
    if (state->status == NACRE_OK)
        state->status = status;
    xmlStopParser(state->context);
}

static void fail_memory(parse *state)
{
    parse_fail(state, ncr_error_memory(state->error));
}

static ncr_xml *element_begin(parse *state, const char *local, const char *prefix)
{
    ncr_xml *parent = state->depth ? state->open[state->depth - 1] : NULL;
    if (!prefix)
        return ncr_xml_element_new(state->document, parent, local, strlen(local));
    char name[256];
    int length = snprintf(name, sizeof name, "%s:%s", prefix, local);
    if (length < 0 || (size_t)length >= sizeof name)
        length = sizeof name - 1;
    return ncr_xml_element_new(state->document, parent, name, (size_t)length);
}

/* libxml2 gives five pointers an attribute: name, prefix, URI, begin and end of the value. */
static bool attributes_add(ncr_xml *element, int count, const xmlChar **attributes)
{
    for (int i = 0; i < count; i++) {
        const char *name = (const char *)attributes[5 * i];
        const char *prefix = (const char *)attributes[5 * i + 1];
        const char *value = (const char *)attributes[5 * i + 3];
        const char *end = (const char *)attributes[5 * i + 4];
        char whole[256];
        if (prefix) {
            snprintf(whole, sizeof whole, "%s:%s", prefix, name);
            name = whole;
        }
        if (!ncr_xml_attribute_append(element, name, strlen(name), value, (size_t)(end - value)))
            return false;
    }
    return true;
}

static bool namespaces_add(ncr_xml *element, int count, const xmlChar **namespaces)
{
    for (int i = 0; i < count; i++) {
        const char *prefix = (const char *)namespaces[2 * i];
        const char *uri = (const char *)namespaces[2 * i + 1];
        char name[256];
        snprintf(name, sizeof name, "xmlns%s%s", prefix ? ":" : "", prefix ? prefix : "");
        if (!ncr_xml_attribute_append(element, name, strlen(name), uri ? uri : "", uri ? strlen(uri) : 0))
            return false;
    }
    return true;
}

static void on_start(void *user, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int namespace_count,
                     const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
    (void)uri;
    (void)defaulted;
    parse *state = user;
    if (state->status != NACRE_OK)
        return;
    if (state->depth == MAX_DEPTH) {
        parse_fail(state, ncr_error_set(
                              state->error, NACRE_ERROR_CORRUPT, "%s: line %d: elements are nested deeper than %d",
                              ncr_xml_document_name(state->document), xmlSAX2GetLineNumber(state->context), MAX_DEPTH));
        return;
    }
    ncr_xml *element = element_begin(state, (const char *)local, (const char *)prefix);
    if (!element || !namespaces_add(element, namespace_count, namespaces) ||
        !attributes_add(element, attribute_count, attributes)) {
        fail_memory(state);
        return;
    }
    if (!state->root)
        state->root = element;
    state->content[state->depth].size = 0;
    state->open[state->depth++] = element;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void on_end(void *user, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    (void)local;
    (void)prefix;
    (void)uri;
    parse *state = user;
    if (state->status != NACRE_OK || state->depth == 0)
        return;
    state->depth--;
    const ncr_buffer *text = &state->content[state->depth];
    size_t begin = 0, end = text->size;
    while (begin < end && is_space(text->data[begin]))
        begin++;
    while (end > begin && is_space(text->data[end - 1]))
        end--;
    if (begin == end)
        return;
    const char *copy = ncr_xml_document_text(state->document, (const char *)text->data + begin, end - begin);
    if (!copy)
        fail_memory(state);
    else
        state->open[state->depth]->content = copy;
}

static void on_text(void *user, const xmlChar *text, int length)
{
    parse *state = user;
    if (state->status != NACRE_OK || state->depth == 0 || length <= 0)
        return;
    if (!ncr_buffer_append(&state->content[state->depth - 1], text, (size_t)length))
        fail_memory(state);
}

static void on_dtd(void *user, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name;
    (void)external;
    (void)system;
    parse *state = user;
    parse_fail(state, ncr_error_set(state->error, NACRE_ERROR_REFUSED,
                                    "%s: has a document type declaration, which is refused; remove <!DOCTYPE>",
                                    ncr_xml_document_name(state->document)));
}

static xmlEntity *on_entity(void *user, const xmlChar *name)
{
    (void)user;
    return xmlGetPredefinedEntity(name);
}

/* Prefixes that are bound to nothing are let through: to GDAL they are parts of names. */
static void on_error(void *user, libxml_error error)
{
    parse *state = user;
    if (state->status != NACRE_OK || error->level < XML_ERR_ERROR || error->domain == XML_FROM_NAMESPACE)
        return;
    if (error->code == XML_ERR_NO_MEMORY)
        state->status = ncr_error_memory(state->error);
    else
        state->status = ncr_error_set(state->error, NACRE_ERROR_CORRUPT, "%s: line %d: %.*s",
                                      ncr_xml_document_name(state->document), error->line,
                                      (int)strcspn(error->message ? error->message : "not well-formed XML", "\n"),
                                      error->message ? error->message : "not well-formed XML");
}

static void handlers_set(xmlSAXHandler *handlers)
{
    memset(handlers, 0, sizeof *handlers);
    handlers->initialized = XML_SAX2_MAGIC;
    handlers->startElementNs = on_start;
    handlers->endElementNs = on_end;
    handlers->characters = on_text;
    handlers->ignorableWhitespace = on_text;
    handlers->cdataBlock = on_text;
    handlers->internalSubset = on_dtd;
    handlers->getEntity = on_entity;
    handlers->serror = (xmlStructuredErrorFunc)on_error;
}

/* GDAL writes texts from old files as they are; what is no UTF-8 and does not say what it is, is taken as Latin 1. */
static bool is_undeclared_latin1(const char *text, size_t size)
{
    if (ncr_xml_is_utf8(text, size))
        return false;
    char head[128];
    size_t length = size < sizeof head - 1 ? size : sizeof head - 1;
    memcpy(head, text, length);
    head[length] = '\0';
    return (unsigned char)head[0] < 0x80 && memchr(head, 0, length) == NULL && !strstr(head, "encoding=");
}

static void run(parse *state, const char *text, size_t size)
{
    state->context = xmlCreateMemoryParserCtxt(text, (int)size);
    if (!state->context) {
        state->status = ncr_error_memory(state->error);
        return;
    }
    handlers_set(state->context->sax);
    state->context->userData = state;
    /* NOENT only means that the five entities of XML become characters in attributes: no others can exist. */
    xmlCtxtUseOptions(state->context, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOCDATA);
    if (is_undeclared_latin1(text, size))
        xmlSwitchEncoding(state->context, XML_CHAR_ENCODING_8859_1);
    xmlParseDocument(state->context);
    if (state->status == NACRE_OK && (!state->context->wellFormed || !state->root || state->depth))
        state->status = ncr_error_set(state->error, NACRE_ERROR_CORRUPT, "%s: not well-formed XML",
                                      ncr_xml_document_name(state->document));
    xmlFreeParserCtxt(state->context);
}

/* A byte order mark and blanks before "<?xml" are tolerated, as GDAL tolerates them. */
static void skip_start(const char **text, size_t *size)
{
    if (*size >= 3 && memcmp(*text, "\xEF\xBB\xBF", 3) == 0) {
        *text += 3;
        *size -= 3;
    }
    while (*size && is_space((uint8_t) * *text)) {
        ++*text;
        --*size;
    }
}

nacre_status ncr_xml_parse(const char *text, size_t size, const char *name, ncr_xml **out, nacre_error *err)
{
    *out = NULL;
    pthread_once(&libxml_once, xmlInitParser);
    skip_start(&text, &size);
    if (size == 0 || size > INT_MAX)
        return ncr_error_set(err, size ? NACRE_ERROR_TOO_LARGE : NACRE_ERROR_CORRUPT, "%s: %s", name,
                             size ? "XML text of more than 2 GiB" : "no XML: the text is empty");
    parse *state = calloc(1, sizeof *state);
    ncr_xml_document *document = state ? ncr_xml_document_new(name) : NULL;
    if (!document) {
        free(state);
        return ncr_error_memory(err);
    }
    state->document = document;
    state->error = err;
    for (int i = 0; i < MAX_DEPTH; i++)
        ncr_buffer_init(&state->content[i], 4 * size + 16); /* another encoding may make it longer */
    run(state, text, size);
    for (int i = 0; i < MAX_DEPTH; i++)
        ncr_buffer_clear(&state->content[i]);
    nacre_status status = state->status;
    if (status == NACRE_OK)
        *out = state->root;
    else
        ncr_xml_document_free(document);
    free(state);
    return status;
}
