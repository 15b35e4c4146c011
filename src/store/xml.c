/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/xml.h"

#include <expat.h>
#include <limits.h>

#include "base/error.h"
#include "base/text.h"

enum { MOST_DEPTH = 32 };

typedef struct reader {
    XML_Parser parser;
    const ncr_xml_handler *handler;
    void *user;
    unsigned depth;
    ncr_buffer text;
    const char *refusal; /* why an answer that may be XML is not read */
    bool no_memory;
} reader;

static void stop(reader *r)
{
    XML_StopParser(r->parser, XML_FALSE);
}

static void check(reader *r, bool done)
{
    if (done)
        return;
    r->no_memory = true;
    stop(r);
}

static void XMLCALL on_begin(void *user, const char *name, const char **attributes)
{
    reader *r = user;
    if (r->depth == MOST_DEPTH) {
        r->refusal = "it is nested too deeply";
        stop(r);
        return;
    }
    r->text.size = 0;
    if (r->handler->begin)
        check(r, r->handler->begin(r->user, r->depth, name, (const char *const *)attributes));
    r->depth++;
}

static void XMLCALL on_end(void *user, const char *name)
{
    reader *r = user;
    r->depth--;
    check(r, ncr_text_append(&r->text, "")); /* ends it with a zero */
    if (!r->no_memory && r->handler->end)
        check(r, r->handler->end(r->user, r->depth, name, (const char *)r->text.data));
    r->text.size = 0;
}

static void XMLCALL on_text(void *user, const char *text, int length)
{
    reader *r = user;
    check(r, ncr_buffer_append(&r->text, text, (size_t)length));
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system, const char *public, int has_subset)
{
    (void)name, (void)system, (void)public, (void)has_subset;
    reader *r = user;
    r->refusal = "it has a document type";
    stop(r);
}

static nacre_status explain(const reader *r, const char *name, nacre_error *err)
{
    if (r->no_memory || XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY)
        return ncr_error_memory(err);
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the store's answer is not understood: %s", name,
                         r->refusal ? r->refusal : "no XML");
}

nacre_status ncr_xml_read(const void *data, size_t size, const char *name, const ncr_xml_handler *handler, void *user,
                          nacre_error *err)
{
    reader r = {.parser = XML_ParserCreate(NULL), .handler = handler, .user = user};
    if (!r.parser)
        return ncr_error_memory(err);
    if (size > INT_MAX) {
        XML_ParserFree(r.parser);
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: the store's answer is too long", name);
    }
    ncr_buffer_init(&r.text, size + 1);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    bool done = XML_Parse(r.parser, size ? data : "", (int)size, XML_TRUE) == XML_STATUS_OK;
    nacre_status status = done ? NACRE_OK : explain(&r, name, err);
    ncr_buffer_clear(&r.text);
    XML_ParserFree(r.parser);
    return status;
}
