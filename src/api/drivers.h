/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_API_DRIVERS_H
#define NCR_API_DRIVERS_H

/* Registers every driver, saver and kind of VRT. Before the first open or save; calls after the first do nothing.
 * Synchronised. */
void ncr_drivers_register(void);

#endif
