/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/json.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/text.h"

/* jansson does not look at all of its own allocations, and then takes a good text for a wrong one. */
static bool may_lack_memory(json_error_t *why)
{
    enum json_error_code code = json_error_code(why);
    return code == json_error_unknown || code == json_error_out_of_memory || code == json_error_invalid_syntax ||
           code == json_error_premature_end_of_input;
}

nacre_status ncr_json_load(const void *text, size_t size, size_t flags, json_t **out, json_error_t *why)
{
    json_error_t own;
    why = why ? why : &own;
    *why = (json_error_t){0}; /* where memory is short, jansson leaves it as it was */
    *out = json_loadb(size ? text : "", size, flags, why);
    if (*out)
        return NACRE_OK;
    if (!may_lack_memory(why))
        return NACRE_ERROR_CORRUPT;
    /* Where there is memory, a second attempt tells: a wrong text is wrong again. */
    char *copy = ncr_text_copy_n(text ? text : "", size);
    if (!copy)
        return NACRE_ERROR_MEMORY;
    *out = json_loadb(copy, size, flags, why);
    free(copy);
    return *out                                               ? NACRE_OK
           : json_error_code(why) == json_error_out_of_memory ? NACRE_ERROR_MEMORY
                                                              : NACRE_ERROR_CORRUPT;
}
