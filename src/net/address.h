/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_NET_ADDRESS_H
#define NCR_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Which part of the world an address belongs to: for requests that a document from outside has named. */

/* Whether anyone on the internet could reach it: not loopback, private, link-local (where clouds keep their metadata
 * servers), shared (RFC 6598), multicast, unspecified or reserved, nor an IPv6 address that stands for such an IPv4
 * one. Families other than IPv4 and IPv6 are not public. */
bool ncr_address_is_public(const struct sockaddr *address);

/* The same for a numeric address, IPv6 with or without brackets and zone; false for anything that is no address. */
bool ncr_address_text_is_public(const char *text);

/* Whether a URL's host needs no name server to be told as not public: a numeric address that is not, a name without a
 * dot, or one of those that are kept for networks of one's own ("metadata.google.internal"). */
bool ncr_host_is_private(const char *host);

#endif
