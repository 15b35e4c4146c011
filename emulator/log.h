/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_LOG_H
#define NCR_EMULATOR_LOG_H

#include <jansson.h>
#include <stdint.h>

/* What was asked and answered, the last 100 000 requests. Synchronised. */
typedef struct ncr_emu_log ncr_emu_log;

ncr_emu_log *ncr_emu_log_new(void); /* NULL: out of memory */
void ncr_emu_log_free(ncr_emu_log *log);

/* Adds an entry (takes the reference) with its number in "n", counted from 1 since the last clear. Entries are added
 * before the answer is sent, so that a client that has its answer finds it in the log. */
void ncr_emu_log_add(ncr_emu_log *log, json_t *entry);
void ncr_emu_log_clear(ncr_emu_log *log);
json_t *ncr_emu_log_get(ncr_emu_log *log); /* a new reference: an array */

#endif
