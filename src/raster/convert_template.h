/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* Included by convert.c once a source type, with
 *   SOURCE         the type
 *   SOURCE_NAME    its name in function names
 *   WIDEN(value)   to int64_t, uint64_t or double
 *   WIDE           which of the three: int64, uint64, double
 * It makes one loop for every destination type, and the row of the table. No include guard. */

#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c)  JOIN_(a, b, c)

/* The first loop is for values without gaps, and the one that vectorises. */
#define LOOP(name, type)                                                                                  \
    static void JOIN(SOURCE_NAME, to, name)(const uint8_t *src, ptrdiff_t src_stride, uint8_t *dst,       \
                                            ptrdiff_t dst_stride, size_t count)                           \
    {                                                                                                     \
        bool is_dense = src_stride == (ptrdiff_t)sizeof(SOURCE) && dst_stride == (ptrdiff_t)sizeof(type); \
        for (size_t i = 0; is_dense && i < count; i++) {                                                  \
            SOURCE value;                                                                                 \
            memcpy(&value, src + i * sizeof value, sizeof value);                                         \
            type result = JOIN(name, from, WIDE)(WIDEN(value));                                           \
            memcpy(dst + i * sizeof result, &result, sizeof result);                                      \
        }                                                                                                 \
        for (size_t i = 0; !is_dense && i < count; i++, src += src_stride, dst += dst_stride) {           \
            SOURCE value;                                                                                 \
            memcpy(&value, src, sizeof value);                                                            \
            type result = JOIN(name, from, WIDE)(WIDEN(value));                                           \
            memcpy(dst, &result, sizeof result);                                                          \
        }                                                                                                 \
    }

LOOP(uint8, uint8_t)
LOOP(int8, int8_t)
LOOP(uint16, uint16_t)
LOOP(int16, int16_t)
LOOP(uint32, uint32_t)
LOOP(int32, int32_t)
LOOP(uint64, uint64_t)
LOOP(int64, int64_t)
LOOP(float16, ncr_half)
LOOP(float32, float)
LOOP(float64, double)

static const convert_function JOIN(SOURCE_NAME, to, any)[] = {
    [NACRE_DTYPE_UINT8] = JOIN(SOURCE_NAME, to, uint8),     [NACRE_DTYPE_INT8] = JOIN(SOURCE_NAME, to, int8),
    [NACRE_DTYPE_UINT16] = JOIN(SOURCE_NAME, to, uint16),   [NACRE_DTYPE_INT16] = JOIN(SOURCE_NAME, to, int16),
    [NACRE_DTYPE_UINT32] = JOIN(SOURCE_NAME, to, uint32),   [NACRE_DTYPE_INT32] = JOIN(SOURCE_NAME, to, int32),
    [NACRE_DTYPE_UINT64] = JOIN(SOURCE_NAME, to, uint64),   [NACRE_DTYPE_INT64] = JOIN(SOURCE_NAME, to, int64),
    [NACRE_DTYPE_FLOAT16] = JOIN(SOURCE_NAME, to, float16), [NACRE_DTYPE_FLOAT32] = JOIN(SOURCE_NAME, to, float32),
    [NACRE_DTYPE_FLOAT64] = JOIN(SOURCE_NAME, to, float64),
};

#undef LOOP
#undef JOIN
#undef JOIN_
#undef SOURCE
#undef SOURCE_NAME
#undef WIDEN
#undef WIDE
