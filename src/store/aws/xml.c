/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/aws/xml.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/xml.h"

enum { PATH_LIMIT = 4 << 10 };

typedef struct reading {
    ncr_aws_xml_element element;
    void *user;
    ncr_buffer path; /* of the element that is open */
} reading;

static bool begin(void *user, unsigned depth, const char *name, const char *const *attributes)
{
    reading *r = user;
    (void)attributes;
    const char *colon = strrchr(name, ':');
    return (depth == 0 || ncr_text_append(&r->path, "/")) && ncr_text_append(&r->path, colon ? colon + 1 : name);
}

static bool end(void *user, unsigned depth, const char *name, const char *text)
{
    reading *r = user;
    (void)depth, (void)name;
    char *path = (char *)r->path.data, *slash;
    bool done = r->element(r->user, path, text);
    slash = strrchr(path, '/');
    r->path.size = slash ? (size_t)(slash - path) : 0;
    path[r->path.size] = '\0';
    return done;
}

nacre_status ncr_aws_xml_read(const void *data, size_t size, const char *name, ncr_aws_xml_element element, void *user,
                              nacre_error *err)
{
    static const ncr_xml_handler handler = {.begin = begin, .end = end};
    reading r = {.element = element, .user = user};
    const char *at = data;
    while (size && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++, size--;
    ncr_buffer_init(&r.path, PATH_LIMIT);
    nacre_status status = ncr_xml_read(at, size, name, &handler, &r, err);
    ncr_buffer_clear(&r.path);
    return status;
}

/* --- One element. --- */

typedef struct search {
    const char *path;
    char *out;
    size_t out_size;
    bool found;
} search;

static bool take_first(void *user, const char *path, const char *text)
{
    search *s = user;
    if (s->found || strcmp(path, s->path) != 0)
        return true;
    snprintf(s->out, s->out_size, "%s", text);
    s->found = true;
    return true;
}

nacre_status ncr_aws_xml_find(const void *data, size_t size, const char *path, char *out, size_t out_size)
{
    search s = {.path = path, .out = out, .out_size = out_size};
    out[0] = '\0';
    nacre_status status = size ? ncr_aws_xml_read(data, size, "", take_first, &s, NULL) : NACRE_OK;
    if (status == NACRE_ERROR_MEMORY) {
        out[0] = '\0';
        return status;
    }
    return s.found ? NACRE_OK : NACRE_ERROR_NOT_FOUND;
}
