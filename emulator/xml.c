/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "xml.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { DEPTH_MAX = 16, PATH_MAX_BYTES = 512, TEXT_MAX_BYTES = 16 << 10 };

typedef struct reader {
    XML_Parser parser;
    ncr_emu_xml_element element;
    void *user;
    char path[PATH_MAX_BYTES];
    size_t lengths[DEPTH_MAX]; /* of the path without the element, by depth */
    size_t depth;
    ncr_buffer text;
    bool failed;
} reader;

static void fail(reader *self)
{
    self->failed = true;
    XML_StopParser(self->parser, XML_FALSE);
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    fail(user);
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    reader *self = user;
    (void)attributes;
    const char *colon = strrchr(name, ':');
    name = colon ? colon + 1 : name;
    size_t at = strlen(self->path), length = strlen(name);
    if (!length || self->depth == DEPTH_MAX || at + length + 2 > sizeof self->path) {
        fail(self);
        return;
    }
    self->lengths[self->depth++] = at;
    if (at)
        self->path[at++] = '/';
    memcpy(self->path + at, name, length + 1);
    self->text.size = 0;
}

static void on_text(void *user, const XML_Char *text, int length)
{
    reader *self = user;
    if (!ncr_buffer_append(&self->text, text, (size_t)length))
        fail(self);
}

static void on_end(void *user, const XML_Char *name)
{
    reader *self = user;
    (void)name;
    if (self->failed)
        return;
    if (!ncr_text_append(&self->text, "") || !self->element(self->user, self->path, (const char *)self->text.data)) {
        fail(self);
        return;
    }
    self->text.size = 0;
    self->path[self->lengths[--self->depth]] = '\0';
}

bool ncr_emu_xml_read(const char *text, size_t size, ncr_emu_xml_element element, void *user)
{
    reader self = {.parser = XML_ParserCreate(NULL), .element = element, .user = user};
    if (!self.parser || size > INT_MAX) {
        if (self.parser)
            XML_ParserFree(self.parser);
        return false;
    }
    ncr_buffer_init(&self.text, TEXT_MAX_BYTES);
    XML_SetUserData(self.parser, &self);
    XML_SetElementHandler(self.parser, on_start, on_end);
    XML_SetCharacterDataHandler(self.parser, on_text);
    XML_SetStartDoctypeDeclHandler(self.parser, on_doctype);
    bool good = XML_Parse(self.parser, text, (int)size, 1) == XML_STATUS_OK && !self.failed;
    XML_ParserFree(self.parser);
    ncr_buffer_clear(&self.text);
    return good;
}
