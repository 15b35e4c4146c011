/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "store/http/auth.h"

/* The form of ~/.netrc: words between white space, quoted ones with backslashes; macros up to an empty line. */

enum { WORD_SIZE = 512 };

static const char blanks[] = " \t\r\n";

/* Takes the next word; false: there is none, or it is too long. */
static bool take_word(const char **at, char out[WORD_SIZE])
{
    const char *c = *at + strspn(*at, blanks);
    while (*c == '#') { /* a comment, to the end of the line */
        c += strcspn(c, "\n");
        c += strspn(c, blanks);
    }
    bool is_quoted = *c == '"';
    size_t length = 0;
    c += is_quoted;
    while (*c && (is_quoted ? *c != '"' : !strchr(blanks, *c))) {
        c += is_quoted && *c == '\\' && c[1];
        if (length == WORD_SIZE - 1)
            return false;
        out[length++] = *c++;
    }
    c += is_quoted && *c == '"';
    out[length] = '\0';
    *at = c;
    return length > 0 || is_quoted;
}

static const char *skip_macro(const char *at)
{
    const char *end = strstr(at, "\n\n");
    return end ? end : at + strlen(at);
}

bool ncr_netrc_find(const char *text, const char *host, char **out)
{
    char word[WORD_SIZE], value[WORD_SIZE], login[WORD_SIZE] = "", password[WORD_SIZE] = "";
    bool is_here = false, is_found = false;
    *out = NULL;
    for (const char *at = text; take_word(&at, word);) {
        if (strcmp(word, "machine") == 0 || strcmp(word, "default") == 0) {
            if (is_found)
                break;
            is_here = *word == 'm' && take_word(&at, value) && strcasecmp(value, host) == 0;
        } else if (strcmp(word, "macdef") == 0) {
            at = skip_macro(at);
        } else if (strcmp(word, "login") == 0 || strcmp(word, "password") == 0 || strcmp(word, "account") == 0) {
            if (!take_word(&at, value))
                break;
            is_found = is_found || (is_here && *word != 'a');
            if (is_here && *word != 'a')
                memcpy(*word == 'l' ? login : password, value, sizeof value);
        }
    }
    if (is_found)
        *out = ncr_text_format("%s:%s", login, password);
    explicit_bzero(value, sizeof value);
    explicit_bzero(word, sizeof word);
    explicit_bzero(password, sizeof password);
    return *out || !is_found;
}
