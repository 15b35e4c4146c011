/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "base/text.h"
#include "vrt/xml.h"
#include "vrt/xml_tree.h"

/* Length of the well-formed UTF-8 sequence at text, 0 where there is none. */
static size_t sequence_length(const unsigned char *text, size_t length)
{
    static const struct {
        unsigned char low, high, second_low, second_high;
        size_t length;
    } forms[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (text[0] < forms[i].low || text[0] > forms[i].high)
            continue;
        size_t n = forms[i].length;
        if (n > length || (n > 1 && (text[1] < forms[i].second_low || text[1] > forms[i].second_high)))
            return 0;
        for (size_t k = 2; k < n; k++)
            if ((text[k] & 0xC0) != 0x80)
                return 0;
        return n;
    }
    return 0;
}

bool ncr_xml_is_utf8(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    while (length) {
        size_t n = sequence_length(at, length);
        if (n == 0)
            return false;
        at += n;
        length -= n;
    }
    return true;
}

/* What stands for an ASCII character, or NULL for itself. Control characters cannot be in XML and are left out. */
static const char *escape_of(unsigned char c, bool attribute)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return attribute ? "&quot;" : NULL;
    case '\n':
        return attribute ? "&#10;" : NULL;
    case '\t':
        return attribute ? "&#9;" : NULL;
    case '\r':
        return "&#13;";
    default:
        return c < 0x20 || c == 0x7F ? "" : NULL;
    }
}

/* Bytes that are no UTF-8 (texts of old files) are written as the Latin 1 characters they most likely are. */
static bool append_byte(ncr_buffer *out, unsigned char c)
{
    char two[2] = {(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))};
    return ncr_buffer_append(out, two, 2);
}

static bool append_escaped(ncr_buffer *out, const char *text, bool attribute)
{
    size_t length = strlen(text);
    const unsigned char *at = (const unsigned char *)text;
    while (length) {
        size_t n = sequence_length(at, length);
        const char *escape = n == 1 ? escape_of(*at, attribute) : NULL;
        bool done;
        if (escape)
            done = ncr_text_append(out, escape);
        else if (n)
            done = ncr_buffer_append(out, at, n);
        else
            done = append_byte(out, *at);
        if (!done)
            return false;
        n = n ? n : 1;
        at += n;
        length -= n;
    }
    return true;
}

static bool append_indent(ncr_buffer *out, int depth)
{
    for (int i = 0; i < depth; i++)
        if (!ncr_text_append(out, "  "))
            return false;
    return true;
}

static bool append_attributes(ncr_buffer *out, const ncr_xml *element)
{
    for (const ncr_xml_attribute_node *node = element->attributes; node; node = node->next)
        if (!ncr_text_append(out, " ") || !ncr_text_append(out, node->name) || !ncr_text_append(out, "=\"") ||
            !append_escaped(out, node->value, true) || !ncr_text_append(out, "\""))
            return false;
    return true;
}

static bool append_end(ncr_buffer *out, const ncr_xml *element)
{
    return ncr_text_append(out, "</") && ncr_text_append(out, element->name) && ncr_text_append(out, ">\n");
}

static bool append_element(ncr_buffer *out, const ncr_xml *element, int depth)
{
    if (!append_indent(out, depth) || !ncr_text_append(out, "<") || !ncr_text_append(out, element->name) ||
        !append_attributes(out, element))
        return false;
    if (!element->first && !element->content[0])
        return ncr_text_append(out, " />\n");
    if (!ncr_text_append(out, ">") || !append_escaped(out, element->content, false))
        return false;
    if (!element->first)
        return append_end(out, element);
    if (!ncr_text_append(out, "\n"))
        return false;
    for (const ncr_xml *child = element->first; child; child = child->next)
        if (!append_element(out, child, depth + 1))
            return false;
    return append_indent(out, depth) && append_end(out, element);
}

nacre_status ncr_xml_write(const ncr_xml *root, ncr_buffer *out, nacre_error *err)
{
    return append_element(out, root, 0) ? NACRE_OK : ncr_error_memory(err);
}
