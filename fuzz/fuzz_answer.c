/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/answer.h"

/* The head of an HTTP answer, line by line as libcurl hands it over. Besides not crashing, what the other layers rely
 * on is checked: the kept text is lines of names in lower case and values, ranges lie inside their objects, and an
 * answer is about the same bytes as itself. */

static void require(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_text(const ncr_answer *answer)
{
    const char *text = (const char *)answer->text.data;
    for (size_t i = 0; i < answer->text.size; i++)
        require((unsigned char)text[i] >= 0x20 || text[i] == '\n', "a control character is kept");
    for (const char *line = answer->text.size ? text : ""; *line;) {
        const char *end = strchr(line, '\n'), *colon = strstr(line, ": ");
        require(end && colon && colon < end, "a line without a name or an end");
        for (const char *c = line; c < colon; c++)
            require(*c < 'A' || *c > 'Z', "a name in capitals");
        line = end + 1;
    }
}

static void check_meaning(const ncr_answer *answer)
{
    const ncr_content_range *range = &answer->range;
    if (range->is_known && !range->is_unsatisfied)
        require(range->first <= range->last && range->last < range->total, "a range beyond its object");
    if (range->is_known && range->is_unsatisfied)
        require(!ncr_answer_is_range(answer, range->first, range->last), "no range is taken for one");
    ncr_identity identity = ncr_answer_identity(answer);
    require(ncr_identity_same(&identity, &identity), "an answer differs from itself");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ncr_answer answer;
    ncr_answer_init(&answer);
    bool taken = true;
    for (size_t at = 0; at < size && taken;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at + 1 : size - at;
        taken = ncr_answer_line(&answer, (const char *)data + at, length);
        at += length;
    }
    check_text(&answer);
    check_meaning(&answer);
    ncr_answer_clear(&answer);
    return 0;
}
