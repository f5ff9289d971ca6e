/* BLAKE2b (RFC 7693), ours: the round schedule and the one-message-at-a-time form.
 *
 * Strategy.  The schedule is written once, as BLAKE2B_ROUNDS, and every form of the function
 * expands it: blake2b_compress below on plain words, lanes.h on vectors of 4 or 8 messages.
 * Here: constants, schedule, init, compress, one-shot hash of up to 64 bytes out, no key.
 * Not here: anything that knows Equihash, vectors or Python.
 *
 * The trap: words are little-endian.  The code reads them with memcpy, so on a big-endian
 * machine it would be wrong without a word of warning; hence the #error.
 */
#ifndef SLUICE_BLAKE2B_H
#define SLUICE_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__)
#error "Sluice's native code needs gcc or clang; without it the Python check is used."
#endif
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Sluice's native code is for little-endian machines; elsewhere the Python check is used."
#endif

#define SLUICE_INLINE static inline __attribute__((always_inline))

enum { BLAKE2B_BLOCK = 128 };

static const uint64_t blake2b_iv[8] = {
    0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
    0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
};

/* Rounds 2 to 11 by themselves, because lanes.h does most of 0 and 1 once for all its messages. */
#define BLAKE2B_ROUNDS_2_TO_11(R)                                   \
    R(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)         \
    R(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)         \
    R(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)         \
    R(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)         \
    R(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)         \
    R(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)         \
    R(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)         \
    R(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)         \
    R(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)         \
    R(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)

#define BLAKE2B_ROUNDS(R)                                           \
    R(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)         \
    R(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)         \
    BLAKE2B_ROUNDS_2_TO_11(R)

/* A mix in two halves, for words or vectors.  The message word is added to a before b is: b is
 * the last to be ready, and the chain of dependent operations is what a round waits for.  gcc
 * would put the sum in another order; HOLD, an empty asm, says that it must not. */
#define BLAKE2B_HALF(a, b, c, d, x, by, also_by, ROR, HOLD) \
    a = a + (x);                                            \
    HOLD(a);                                                \
    a = a + b;                                              \
    d = ROR(d ^ a, by);                                     \
    c = c + d;                                              \
    b = ROR(b ^ c, also_by);
#define BLAKE2B_UPPER(a, b, c, d, x, ROR, HOLD) BLAKE2B_HALF(a, b, c, d, x, 32, 24, ROR, HOLD)
#define BLAKE2B_LOWER(a, b, c, d, x, ROR, HOLD) BLAKE2B_HALF(a, b, c, d, x, 16, 63, ROR, HOLD)
#define BLAKE2B_MIX(a, b, c, d, x, y)                             \
    BLAKE2B_UPPER(a, b, c, d, x, blake2b_ror, BLAKE2B_HOLD)       \
    BLAKE2B_LOWER(a, b, c, d, y, blake2b_ror, BLAKE2B_HOLD)
#define BLAKE2B_HOLD(word) __asm__("" : "+r"(word))

/* The state at the start of a block.  Word by word, as at its end: where memcpy or a loop touches
 * the array, gcc keeps it in memory, and a compression takes twice as long. */
#define BLAKE2B_BEGIN(v, h, total, last, SPLAT)                     \
    v[0] = h[0], v[1] = h[1], v[2] = h[2], v[3] = h[3];             \
    v[4] = h[4], v[5] = h[5], v[6] = h[6], v[7] = h[7];             \
    v[8] = SPLAT(blake2b_iv[0]), v[9] = SPLAT(blake2b_iv[1]);       \
    v[10] = SPLAT(blake2b_iv[2]), v[11] = SPLAT(blake2b_iv[3]);     \
    v[12] = SPLAT(blake2b_iv[4] ^ (total));                         \
    v[13] = SPLAT(blake2b_iv[5]);                                   \
    v[14] = SPLAT((last) ? ~blake2b_iv[6] : blake2b_iv[6]);         \
    v[15] = SPLAT(blake2b_iv[7]);

SLUICE_INLINE uint64_t blake2b_ror(uint64_t x, unsigned by) { return x >> by | x << (64 - by); }

SLUICE_INLINE uint64_t blake2b_word(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* The state before the first block.  person: 16 bytes, or NULL for none. */
SLUICE_INLINE void blake2b_init(uint64_t h[8], unsigned digest_bytes, const uint8_t *person)
{
    memcpy(h, blake2b_iv, sizeof blake2b_iv);
    h[0] ^= 0x01010000u ^ digest_bytes;
    if (person) {
        h[6] ^= blake2b_word(person);
        h[7] ^= blake2b_word(person + 8);
    }
}

/* Mix one block in.  total: message bytes up to and with this block; last: no block follows. */
static inline void blake2b_compress(uint64_t h[8], const uint64_t m[16], uint64_t total, int last)
{
    uint64_t v[16];
    BLAKE2B_BEGIN(v, h, total, last, (uint64_t))
#define G(a, b, c, d, x, y) BLAKE2B_MIX(v[a], v[b], v[c], v[d], m[x], m[y])
#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
    G(0, 4, 8, 12, s0, s1)                                                          \
    G(1, 5, 9, 13, s2, s3)                                                          \
    G(2, 6, 10, 14, s4, s5)                                                         \
    G(3, 7, 11, 15, s6, s7)                                                         \
    G(0, 5, 10, 15, s8, s9)                                                         \
    G(1, 6, 11, 12, s10, s11)                                                       \
    G(2, 7, 8, 13, s12, s13)                                                        \
    G(3, 4, 9, 14, s14, s15)
    BLAKE2B_ROUNDS(ROUND)
#undef ROUND
#undef G
#define END(i) h[i] ^= v[i] ^ v[i + 8];
    END(0) END(1) END(2) END(3) END(4) END(5) END(6) END(7)
#undef END
}

/* The whole function: digest_bytes of 1 to 64, person as in blake2b_init. */
static inline void blake2b(uint8_t *digest, unsigned digest_bytes, const uint8_t *person,
                           const uint8_t *message, size_t size)
{
    uint64_t h[8], m[16];
    size_t at = 0;
    blake2b_init(h, digest_bytes, person);
    for (; size - at > BLAKE2B_BLOCK; at += BLAKE2B_BLOCK) {
        memcpy(m, message + at, BLAKE2B_BLOCK);
        blake2b_compress(h, m, at + BLAKE2B_BLOCK, 0);
    }
    memset(m, 0, sizeof m);
    memcpy(m, message + at, size - at);
    blake2b_compress(h, m, size, 1);
    memcpy(digest, h, digest_bytes);
}

#endif
