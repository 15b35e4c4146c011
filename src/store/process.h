/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_PROCESS_H
#define NCR_STORE_PROCESS_H

#include <stdbool.h>

#include "base/call.h"
#include "base/memory.h"

/* Programs of the user's that print credentials. They are run without a shell, with nothing to read; what they print on
 * standard error is the user's to see, not ours to repeat. */

/* Splits a command as a shell does words, but does nothing else of a shell; NULL after the last, released by
 * ncr_process_words_free(). NULL: no word at all, a quote that does not end, or, as *lacks_memory says, out of memory.
 */
char **ncr_process_words(const char *command, bool *lacks_memory);
void ncr_process_words_free(char **words);

/* Runs it and takes what it prints, up to out's maximum, for as long as the call allows; then it is killed. more: texts
 * "NAME=VALUE" beside the environment, NULL after the last; NULL: none. The error begins with `what`. Blocks. */
nacre_status ncr_process_run(char **words, const char *const *more, const char *what, const ncr_call *call,
                             ncr_buffer *out, nacre_error *err);

#endif
