/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

typedef struct {
    uint32_t network;
    int bits;
} block4;

/* IANA's special-purpose registry for IPv4, as far as it is not globally reachable. */
static const block4 closed4[] = {
    {0x00000000, 8},  /* 0.0.0.0/8 this network */
    {0x0a000000, 8},  /* 10/8 private */
    {0x64400000, 10}, /* 100.64/10 shared between a carrier and its customers */
    {0x7f000000, 8},  /* 127/8 loopback */
    {0xa9fe0000, 16}, /* 169.254/16 link-local, metadata servers */
    {0xac100000, 12}, /* 172.16/12 private */
    {0xc0000000, 24}, /* 192.0.0/24 protocol assignments */
    {0xc0000200, 24}, /* 192.0.2/24 documentation */
    {0xc0a80000, 16}, /* 192.168/16 private */
    {0xc6120000, 15}, /* 198.18/15 benchmarks */
    {0xc6336400, 24}, /* 198.51.100/24 documentation */
    {0xcb007100, 24}, /* 203.0.113/24 documentation */
    {0xe0000000, 4},  /* 224/4 multicast */
    {0xf0000000, 4},  /* 240/4 reserved, broadcast */
};

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof closed4 / sizeof closed4[0]; i++)
        if ((address ^ closed4[i].network) >> (32 - closed4[i].bits) == 0)
            return false;
    return true;
}

typedef struct {
    uint8_t bytes[16];
    int bits;
    int embedded; /* offset of an IPv4 address that decides; -1: closed */
} block6;

static const block6 special6[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12},           /* ::ffff:0:0/96 IPv4-mapped */
    {{[8] = 0xff, [9] = 0xff}, 96, 12},             /* ::ffff:0:0:0/96 IPv4-translated */
    {{0}, 96, -1},                                  /* ::/96 unspecified, loopback, IPv4-compatible */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},             /* 64:ff9b::/96 NAT64 */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, -1}, /* 64:ff9b:1::/48 local NAT64 */
    {{0x20, 0x02}, 16, 2},                          /* 2002::/16 6to4 */
    {{0x20, 0x01, 0x00, 0x00}, 32, -1},             /* 2001::/32 Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, -1},             /* 2001:db8::/32 documentation */
    {{0xfd, 0x20, 0x00, 0xce}, 32, -1},             /* a cloud's metadata server */
    {{0xfc}, 7, -1},                                /* fc00::/7 private */
    {{0xfe, 0x80}, 10, -1},                         /* fe80::/10 link-local */
    {{0xfe, 0xc0}, 10, -1},                         /* fec0::/10 site-local */
    {{0xff}, 8, -1},                                /* ff00::/8 multicast */
};

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, int bits)
{
    int whole = bits / 8;
    if (memcmp(address, prefix, (size_t)whole) != 0)
        return false;
    return bits % 8 == 0 || (address[whole] ^ prefix[whole]) >> (8 - bits % 8) == 0;
}

static bool is_public6(const uint8_t address[16])
{
    for (size_t i = 0; i < sizeof special6 / sizeof special6[0]; i++) {
        const block6 *block = &special6[i];
        if (has_prefix(address, block->bytes, block->bits))
            return block->embedded >= 0 && is_public4(ncr_read_u32(address + block->embedded, true));
    }
    return true;
}

bool ncr_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_public4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return is_public6(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
    return false;
}

/* Tells a numeric address from a name: 1 public, 0 not public, -1 no address. */
static int classify(const char *text)
{
    char plain[INET6_ADDRSTRLEN + 32];
    size_t length = strlen(text);
    bool is_bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    snprintf(plain, sizeof plain, "%.*s", (int)(is_bracketed ? length - 2 : length), text + is_bracketed);
    char *zone = strchr(plain, '%');
    if (zone)
        *zone = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET6, plain, &v6) == 1)
        return is_public6(v6.s6_addr);
    /* inet_aton() takes what resolvers take: "127.1", "0x7f000001". */
    return inet_aton(plain, &v4) ? is_public4(ntohl(v4.s_addr)) : -1;
}

bool ncr_address_text_is_public(const char *text)
{
    return classify(text) == 1;
}

bool ncr_host_is_private(const char *host)
{
    char plain[256];
    snprintf(plain, sizeof plain, "%s", host);
    size_t length = strlen(plain);
    if (length && plain[length - 1] == '.')
        plain[length - 1] = '\0';
    static const char *const ends[] = {".localhost", ".internal", ".local", ".home.arpa"};
    int kind = classify(plain);
    if (kind >= 0)
        return kind == 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ncr_text_ends_nocase(plain, ends[i]))
            return true;
    return !strchr(plain, '.'); /* "localhost", "metadata" */
}
