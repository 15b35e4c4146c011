/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_REQUEST_H
#define NCR_EMULATOR_REQUEST_H

#include "server.h"

/* A request from its target ("/b/k?x=1"); NULL: out of memory. */
ncr_emu_request *ncr_emu_request_new(ncr_emu_server *server, struct MHD_Connection *connection, const char *target);
void ncr_emu_request_free(ncr_emu_request *request); /* accepts NULL */

/* Hands the reply to MHD, with the request's fault; an entry in the log is made first where log is true. */
enum MHD_Result ncr_emu_reply_send(ncr_emu_request *request, ncr_emu_reply *reply, bool log);

#endif
