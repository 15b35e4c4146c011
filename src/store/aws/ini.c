/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/aws/ini.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { MOST_ITEMS = 100000 };

/* A section's head (key NULL), or a value in one. The texts point into the copy of the file. */
typedef struct item {
    const char *kind, *name;
    const char *key, *below; /* below NULL: the key's own value */
    const char *value;
} item;

struct ncr_aws_ini {
    _Atomic int references;
    char *text; /* the file, cut into texts by zeros */
    size_t size;
    item *items;
    size_t count, capacity;
};

typedef struct reading {
    ncr_aws_ini *ini;
    bool is_config;
    const char *kind, *name; /* of the section that is open; kind NULL: one that does not count */
    bool is_in_section;
    const char *key; /* the last one that was not indented */
    size_t key_item;
    const char *wrong;
} reading;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
    while (is_blank(*text))
        text++;
    size_t size = strlen(text);
    while (size && is_blank(text[size - 1]))
        text[--size] = '\0';
    return text;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text);
}

/* A comment behind a value begins with a blank. */
static void cut_comment(char *text)
{
    for (char *at = text; *at; at++)
        if ((*at == '#' || *at == ';') && (at == text || is_blank(at[-1]))) {
            *at = '\0';
            return;
        }
}

static bool add_item(reading *r, const char *key, const char *below, const char *value)
{
    ncr_aws_ini *ini = r->ini;
    if (!r->kind)
        return true; /* of a section that does not count */
    if (ini->count >= MOST_ITEMS || !ncr_array_reserve(&ini->items, &ini->capacity, ini->count + 1, sizeof *ini->items))
        return false;
    ini->items[ini->count++] = (item){.kind = r->kind, .name = r->name, .key = key, .below = below, .value = value};
    return true;
}

/* "[profile NAME]" and the like. What has another form is a section that does not count. */
static bool open_section(reading *r, char *line)
{
    static const char *const kinds[] = {"profile", "services", "sso-session"};
    char *end = strchr(line, ']');
    if (!end) {
        r->wrong = "a section without its ']'";
        return true;
    }
    *end = '\0';
    char *head = trim(line + 1);
    r->is_in_section = true;
    r->kind = r->key = NULL;
    if (!r->is_config || strcmp(head, "default") == 0) {
        r->kind = "profile";
        r->name = head;
        return add_item(r, NULL, NULL, NULL);
    }
    size_t word = strcspn(head, " \t");
    char *name = head[word] ? trim(head + word) : head + word;
    if (head[word])
        head[word] = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(head, kinds[i]) == 0 && *name)
            r->kind = kinds[i];
    r->name = name;
    return add_item(r, NULL, NULL, NULL);
}

static bool take_value(reading *r, char *line, bool is_indented)
{
    char *equals = strchr(line, '=');
    if (!r->is_in_section) {
        r->wrong = "a value before the first section";
        return true;
    }
    if (!r->kind)
        return true;
    if (is_indented && r->key && (!equals || *r->ini->items[r->key_item].value))
        return true; /* a value over several lines, which none of those read here is */
    if (!equals) {
        r->wrong = "a line without '='";
        return true;
    }
    *equals = '\0';
    char *key = trim(line), *value = trim(equals + 1);
    cut_comment(value);
    value = trim(value);
    lower(key);
    if (is_indented && r->key)
        return add_item(r, r->key, key, value);
    r->key = key;
    r->key_item = r->ini->count;
    return add_item(r, key, NULL, value);
}

static bool take_line(reading *r, char *line)
{
    bool is_indented = is_blank(*line);
    line = trim(line);
    if (!*line || *line == '#' || *line == ';')
        return true;
    if (*line == '[' && !is_indented)
        return open_section(r, line);
    return take_value(r, line, is_indented);
}

static nacre_status read_lines(reading *r, const char *path, nacre_error *err)
{
    int number = 0;
    for (char *line = r->ini->text, *next; line; line = next) {
        number++;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        size_t size = strlen(line);
        if (size && line[size - 1] == '\r')
            line[size - 1] = '\0';
        if (!take_line(r, line))
            return ncr_error_memory(err);
        if (r->wrong)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: line %d: %s", path, number, r->wrong);
    }
    return NACRE_OK;
}

nacre_status ncr_aws_ini_parse(const char *text, size_t size, const char *path, bool is_config, ncr_aws_ini **out,
                               nacre_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    *out = NULL;
    if (size >= 3 && memcmp(text, mark, 3) == 0)
        text += 3, size -= 3;
    ncr_aws_ini *ini = calloc(1, sizeof *ini);
    if (!ini)
        return ncr_error_memory(err);
    atomic_init(&ini->references, 1);
    ini->text = ncr_text_copy_n(text, size);
    ini->size = size;
    reading r = {.ini = ini, .is_config = is_config};
    nacre_status status = ini->text ? read_lines(&r, path, err) : ncr_error_memory(err);
    if (status != NACRE_OK) {
        ncr_aws_ini_unref(ini);
        return status;
    }
    *out = ini;
    return NACRE_OK;
}

ncr_aws_ini *ncr_aws_ini_ref(ncr_aws_ini *ini)
{
    atomic_fetch_add(&ini->references, 1);
    return ini;
}

void ncr_aws_ini_unref(ncr_aws_ini *ini)
{
    if (!ini || atomic_fetch_sub(&ini->references, 1) != 1)
        return;
    if (ini->text)
        OPENSSL_cleanse(ini->text, ini->size);
    free(ini->text);
    free(ini->items);
    free(ini);
}

bool ncr_aws_ini_has(const ncr_aws_ini *ini, const char *kind, const char *name)
{
    for (size_t i = 0; ini && i < ini->count; i++)
        if (!ini->items[i].key && strcmp(ini->items[i].kind, kind) == 0 && strcmp(ini->items[i].name, name) == 0)
            return true;
    return false;
}

const char *ncr_aws_ini_get(const ncr_aws_ini *ini, const char *kind, const char *name, const char *key,
                            const char *below)
{
    const char *found = NULL;
    for (size_t i = 0; ini && i < ini->count; i++) {
        const item *it = &ini->items[i];
        bool is_it = it->key && strcmp(it->key, key) == 0 && !it->below == !below &&
                     (!below || strcmp(it->below, below) == 0) && strcmp(it->kind, kind) == 0 &&
                     strcmp(it->name, name) == 0;
        found = is_it ? it->value : found;
    }
    return found && *found ? found : NULL;
}
