/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_NET_TRUST_H
#define NCR_NET_TRUST_H

/* Where this system keeps the certificates that it trusts, as one file: the first of those of the distributions that
 * can be read below root ("" but in tests), without root; constant. NULL: none, and libcurl's own default is what is
 * left. Any thread; looked for each time, since certificates may be installed while a process runs. */
const char *ncr_trust_bundle(const char *root);

#endif
