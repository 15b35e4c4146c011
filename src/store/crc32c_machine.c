/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdbool.h>
#include <string.h>

#include "store/crc32c.h"

/* CRC32C by the processor's own instruction, where it has one: eight bytes in three cycles, which is more than memory
 * and network give. Whether it has it is asked when the program runs. */

#if defined(__x86_64__)

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) static uint32_t add_word(uint32_t crc, uint64_t word)
{
    return (uint32_t)__builtin_ia32_crc32di(crc, word);
}

__attribute__((target("sse4.2"))) static uint32_t add_byte(uint32_t crc, uint8_t byte)
{
    return __builtin_ia32_crc32qi(crc, byte);
}

#define WITH_INSTRUCTION __attribute__((target("sse4.2")))

#elif defined(__aarch64__) && defined(__linux__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#include <sys/auxv.h>

static bool has_instruction(void)
{
    const unsigned long crc32 = 1 << 7; /* HWCAP_CRC32 */
    return (getauxval(AT_HWCAP) & crc32) != 0;
}

static uint32_t add_word(uint32_t crc, uint64_t word)
{
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
    return crc;
}

static uint32_t add_byte(uint32_t crc, uint8_t byte)
{
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"(byte));
    return crc;
}

#define WITH_INSTRUCTION

#else

static bool has_instruction(void)
{
    return false;
}

static uint32_t add_word(uint32_t crc, uint64_t word)
{
    (void)word;
    return crc;
}

static uint32_t add_byte(uint32_t crc, uint8_t byte)
{
    (void)byte;
    return crc;
}

#define WITH_INSTRUCTION

#endif

WITH_INSTRUCTION static uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *at = data;
    uint64_t word;
    crc = ~crc;
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        crc = add_word(crc, word);
    }
    for (; size; size--, at++)
        crc = add_byte(crc, *at);
    return ~crc;
}

ncr_crc32c_function *ncr_crc32c_machine(void)
{
    return has_instruction() ? crc32c : NULL;
}
