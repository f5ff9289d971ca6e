/* Hex digits to bytes, checked and decoded in one pass.
 *
 * Strategy.  One body in GNU vector arithmetic, 16 digits at a time where nothing is known of
 * the processor (SSE2, NEON or plain words, as the compiler sees fit) and 32 with AVX2.
 * A solution is 2,816 digits, so doing this in Python would cost a tenth of the whole check.
 * Here: digits → bytes, either case, nothing else.  Not here: who sent them, how long they
 * should be.
 *
 * The trap: no digit may be read past `digits`, so the tail goes one pair at a time.
 */
#ifndef SLUICE_HEX_H
#define SLUICE_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "blake2b.h"

SLUICE_INLINE unsigned hex_digit(uint8_t digit)
{
    unsigned number = digit - '0', letter = (digit | 0x20u) - 'a';
    return number < 10 ? number : letter < 6 ? letter + 10 : 16;
}

/* The digits that fill no vector.  Returns whether all were hex. */
SLUICE_INLINE int hex_tail(uint8_t *to, const uint8_t *from, size_t digits)
{
    unsigned bad = 0;
    for (size_t i = 0; i + 1 < digits; i += 2) {
        unsigned high = hex_digit(from[i]), low = hex_digit(from[i + 1]);
        bad |= high | low;
        if (to)
            to[i / 2] = (uint8_t)(high << 4 | low);
    }
    return !(bad & 16);
}

/* Two tests of a range, each an addition, which brings the range down to the least signed numbers,
 * and a comparison: half the vector instructions of comparing as unsigned.  Bit 0x20 set makes both
 * cases of a letter one.
 *   '0'..'9' = 30..39, 'A'..'F' = 41..46, 'a'..'f' = 61..66; a letter is 9 more than its low half.
 *
 * A vector holds pairs of digits as 16-bit words: the first digit, the high half of the byte to
 * be, is the low byte of the word. */
#define HEX_DECODER(NAME, TARGET, DIGITS)                                                 \
    typedef uint8_t NAME##_chars __attribute__((vector_size(DIGITS)));                    \
    typedef int8_t NAME##_flags __attribute__((vector_size(DIGITS)));                     \
    typedef uint16_t NAME##_pairs __attribute__((vector_size(DIGITS)));                   \
    typedef uint8_t NAME##_bytes __attribute__((vector_size(DIGITS / 2)));                \
    TARGET static int NAME(uint8_t *to, const uint8_t *from, size_t digits)               \
    {                                                                                     \
        NAME##_flags good = (NAME##_flags){0} - 1;                                        \
        size_t at = 0;                                                                    \
        for (; digits - at >= DIGITS; at += DIGITS) {                                     \
            NAME##_chars chars;                                                           \
            memcpy(&chars, from + at, DIGITS);                                            \
            NAME##_flags number = (NAME##_flags)(chars + (0x80 - '0'));                   \
            NAME##_flags letter = (NAME##_flags)((chars | 0x20) + (0x80 - 'a'));          \
            NAME##_flags is_letter = (NAME##_flags)(letter < -0x80 + 6);                  \
            good &= (NAME##_flags)(number < -0x80 + 10) | is_letter;                      \
            NAME##_pairs pair = (NAME##_pairs)((chars & 15) + ((NAME##_chars)is_letter & 9)); \
            NAME##_bytes out = __builtin_convertvector(pair << 4 | pair >> 8, NAME##_bytes); \
            if (to)                                                                       \
                memcpy(to + at / 2, &out, DIGITS / 2);                                    \
        }                                                                                 \
        uint64_t lanes[DIGITS / 8], all = ~(uint64_t)0;                                   \
        memcpy(lanes, &good, sizeof lanes);                                               \
        for (size_t i = 0; i < DIGITS / 8; i++)                                           \
            all &= lanes[i];                                                              \
        return (all == ~(uint64_t)0)                                                      \
               & hex_tail(to ? to + at / 2 : NULL, from + at, digits - at);               \
    }

HEX_DECODER(hex_portable, , 16)
#if defined(__x86_64__)
HEX_DECODER(hex_avx2, __attribute__((target("avx2"))), 32)
#endif
#undef HEX_DECODER

/* digits must be even; `to` has room for half as many bytes, or is NULL: then they are only
 * checked, in half the time.  wide: use the best there is. */
SLUICE_INLINE int hex_decode(uint8_t *to, const uint8_t *from, size_t digits, int wide)
{
#if defined(__x86_64__)
    if (wide && __builtin_cpu_supports("avx2"))
        return hex_avx2(to, from, digits);
#endif
    (void)wide;
    return hex_portable(to, from, digits);
}

#endif
