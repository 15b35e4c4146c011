/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_FAULTS_H
#define NCR_EMULATOR_FAULTS_H

#include <jansson.h>
#include <nacre/error.h>
#include <stdbool.h>

/* What goes wrong with a request. */
typedef enum ncr_emu_fault_kind {
    NCR_EMU_FAULT_NONE,
    NCR_EMU_FAULT_500,
    NCR_EMU_FAULT_502,
    NCR_EMU_FAULT_503,
    NCR_EMU_FAULT_504,
    NCR_EMU_FAULT_408,
    NCR_EMU_FAULT_429,
    NCR_EMU_FAULT_RESET,
    NCR_EMU_FAULT_LOST,
    NCR_EMU_FAULT_CUT,
    NCR_EMU_FAULT_STALL,
    NCR_EMU_FAULT_SLOW,
    NCR_EMU_FAULT_NORANGE,
    NCR_EMU_FAULT_WRONGRANGE,
    NCR_EMU_FAULT_CHANGED_ETAG,
    NCR_EMU_FAULT_NO_VALIDATOR,
    NCR_EMU_FAULT_NO_PRECONDITION,
    NCR_EMU_FAULT_BLIND,
    NCR_EMU_FAULT_GARBLED,
    NCR_EMU_FAULT_STALE,
    NCR_EMU_FAULT_CONFLICT,
    NCR_EMU_FAULT_LATE_ERROR,
    NCR_EMU_FAULT_COUNT
} ncr_emu_fault_kind;

typedef struct ncr_emu_fault {
    ncr_emu_fault_kind kind;
    double milliseconds; /* of slow and stall */
    int retry_after;     /* seconds, of 429 and 503; -1: none */
} ncr_emu_fault;

bool ncr_emu_fault_ignores_conditions(const ncr_emu_fault *fault);
bool ncr_emu_fault_hides_validators(const ncr_emu_fault *fault);

/* A list of rules; each request takes the first that is due. Synchronised. */
typedef struct ncr_emu_faults ncr_emu_faults;

ncr_emu_faults *ncr_emu_faults_new(void); /* NULL: out of memory */
void ncr_emu_faults_free(ncr_emu_faults *faults);

/* Adds "KIND:N", every Nth request. NACRE_ERROR_INVALID. */
nacre_status ncr_emu_faults_add(ncr_emu_faults *faults, const char *rule, nacre_error *err);

/* Replaces the rules by a JSON array of objects (kind, every, count, skip, method, path, ms, retry_after) or of texts.
 * NACRE_ERROR_INVALID, and the old rules stay. */
nacre_status ncr_emu_faults_set(ncr_emu_faults *faults, const json_t *rules, nacre_error *err);

/* The rules and how often each was due; a new reference. */
json_t *ncr_emu_faults_describe(ncr_emu_faults *faults);

/* Whether a rule is of this kind. */
bool ncr_emu_faults_have(ncr_emu_faults *faults, ncr_emu_fault_kind kind);

/* What befalls this request. path: as sent, with its query. */
ncr_emu_fault ncr_emu_faults_next(ncr_emu_faults *faults, const char *method, const char *path);

const char *ncr_emu_fault_name(ncr_emu_fault_kind kind);

#endif
