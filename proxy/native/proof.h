/* The cheap rules of an Equihash proof: parameters, packing, order, distinctness.
 *
 * Strategy.  Everything about a proof that needs no hash.  A proof is 2^k leaf indices of
 * c + 1 bits, c = n / (k + 1), packed as one big-endian bit string:
 *
 *     | index 0, c+1 bits | index 1 | ... | index 2^k - 1 |      210,9: 512 * 22 bits = 1408 bytes
 *
 * Here: what (n, k) may be, unpacking, order, distinctness, the masks of each tree height.
 * Not here: BLAKE2b, vectors, Python.
 *
 * The trap: the unpacker takes eight indices at a time and eight bytes at each, so a packed
 * proof must be followed by PROOF_SLACK zero bytes, and the array of indices has PROOF_MAX_LEAVES
 * places however few are used.
 */
#ifndef SLUICE_PROOF_H
#define SLUICE_PROOF_H

#include <stdint.h>
#include <string.h>

#include "blake2b.h"

enum {
    PROOF_MAX_K = 9,
    PROOF_MAX_LEAVES = 1 << PROOF_MAX_K,
    PROOF_MAX_C = 25,
    PROOF_MAX_BYTES = PROOF_MAX_LEAVES * (PROOF_MAX_C + 1) / 8,
    PROOF_SLACK = 32,
    START_LEAVES = 8,
    START_BYTES = 32, /* they are in it whatever their width, and it is whole vectors of digits */
    PROOF_MAX_INPUT = 252, /* header and nonce; with the index, two BLAKE2b blocks */
};

/* What the check answers.  FLAW_COLLISION + r: the node of height r whose XOR is not zero in its
 * first r * c bits and which is complete first, reading leaves from left to right. */
enum {
    FLAW_NONE = 0,
    FLAW_HEX = 1,
    FLAW_LENGTH = 2,
    FLAW_ORDER = 3,
    FLAW_ROOT = 4,
    FLAW_DUPLICATE = 5,
    FLAW_COLLISION = 5,
};

typedef struct {
    unsigned n, k, c;
    unsigned leaves;          /* 2^k */
    unsigned leaf_bytes;      /* ceil(n / 8) */
    unsigned leaf_words;      /* 64-bit words that hold n bits */
    unsigned leaves_a_digest; /* floor(512 / n) */
    unsigned proof_bytes;
    uint8_t person[16];
} Params;

/* Fill in the parameters.  Returns what is wrong with them, or NULL. */
static inline const char *params_set(Params *p, long n, long k, const uint8_t person[8])
{
    if (k < 1 || k > PROOF_MAX_K)
        return "k must be 1 to 9";
    if (n < 1 || n > 512 || n % (k + 1))
        return "n must be at most 512 and divisible by k + 1";
    p->n = (unsigned)n;
    p->k = (unsigned)k;
    p->c = p->n / (p->k + 1);
    p->leaves = 1u << p->k;
    p->leaf_bytes = (p->n + 7) / 8;
    p->leaf_words = (p->n + 63) / 64;
    p->leaves_a_digest = 512 / p->n;
    p->proof_bytes = p->leaves * (p->c + 1) / 8;
    if (p->c > PROOF_MAX_C)
        return "n / (k + 1) must be at most 25";
    if (p->leaves * (p->c + 1) % 8)
        return "the indices must fill whole bytes";
    if (p->leaves_a_digest * p->leaf_bytes > 64)
        return "floor(512 / n) leaves must fit a digest of 64 bytes";
    const uint32_t numbers[2] = {p->n, p->k};
    memcpy(p->person, person, 8);
    memcpy(p->person + 8, numbers, 8);
    return NULL;
}

/* The first `bits` bits of a leaf, counted from the top of byte 0, as a mask of a little-endian
 * word: so leaves are compared as they come out of BLAKE2b and no byte is ever swapped. */
SLUICE_INLINE uint64_t leading_bits(unsigned bits)
{
    if (bits >= 64)
        return ~(uint64_t)0;
    return __builtin_bswap64(~(~(uint64_t)0 >> bits));
}

/* The part of `bits` leading bits that falls into each of eight words. */
SLUICE_INLINE void leading_mask(uint64_t mask[8], unsigned bits)
{
    for (unsigned word = 0; word < 8; word++)
        mask[word] = bits > 64 * word ? leading_bits(bits - 64 * word) : 0;
}

/* masks[r]: what must be zero at height r.  The root answers for all n bits. */
SLUICE_INLINE void height_masks(uint64_t masks[PROOF_MAX_K + 1][8], const Params *p)
{
    for (unsigned height = 0; height < p->k; height++)
        leading_mask(masks[height], height * p->c);
    leading_mask(masks[p->k], p->n);
}

/* Unpack the eight indices from `first` on, a multiple of eight, because eight indices are `width`
 * bytes whatever the width.  Two indices, at most 7 + 2 * 26 bits, come out of one window of 64.
 * Inlined so that a caller who knows the width has constant shifts; masks instead of more shifts
 * because processors shift on half as many ports as they mask. */
SLUICE_INLINE void unpack(uint32_t *index, const uint8_t *packed, unsigned first, unsigned width)
{
    const uint32_t mask = ((uint32_t)1 << width) - 1;
    const uint8_t *run = packed + first / 8 * width;
    for (unsigned j = 0; j < 8; j += 2) {
        unsigned bit = j * width, left = 64 - bit % 8 - width;
        uint64_t window = __builtin_bswap64(blake2b_word(run + bit / 8));
        index[first + j] = (uint32_t)(window >> left) & mask;
        index[first + j + 1] = (uint32_t)(window >> (left - width)) & mask;
    }
}

/* Order: at every node the first leaf of the left half is the less.  The node whose right half
 * begins at leaf i has a left half that begins at i with its lowest one bit cleared, so all
 * nodes are the pairs (i & (i - 1), i).
 *
 * Looked at here: a run of eight, or all of a proof of fewer.  In a run the partners of 1..7 are
 * inside it; the one of 0 is further left.
 * A difference of two indices of at most 26 bits has the sign bit set when it should. */
SLUICE_INLINE int ordered(const uint32_t *index, unsigned first, unsigned last)
{
    uint32_t sign = ~(uint32_t)0;
    if (last - first < 8) {
        for (unsigned i = first ? first : 1; i < last; i++)
            sign &= index[i & (i - 1)] - index[i];
        return sign >> 31;
    }
    const uint32_t *x = index + first;
    if (first)
        sign = index[first & (first - 1)] - x[0];
    sign &= (x[0] - x[1]) & (x[0] - x[2]) & (x[2] - x[3]) & (x[0] - x[4]);
    sign &= (x[4] - x[5]) & (x[4] - x[6]) & (x[6] - x[7]);
    return sign >> 31;
}

/* Both, run by run, for the first `leaves` indices.  Returns whether they are in order; when not,
 * what is behind the first wrong run is not written. */
SLUICE_INLINE int unpack_ordered_width(uint32_t *index, const uint8_t *packed, unsigned leaves,
                                       unsigned width)
{
    for (unsigned i = 0; i < leaves; i += 8) {
        unpack(index, packed, i, width);
        if (!ordered(index, i, leaves - i < 8 ? leaves : i + 8))
            return 0;
    }
    return 1;
}

static inline int unpack_ordered(uint32_t *index, const uint8_t *packed, unsigned leaves, unsigned c)
{
    return c == 21 ? unpack_ordered_width(index, packed, leaves, 22)
                   : unpack_ordered_width(index, packed, leaves, c + 1);
}

/* Distinctness, by a map of 2^16 bits.  Two of 512 honest indices of 22 bits share a place in it
 * about twice a proof; only those are looked up among all.
 *
 * Noting an index is a few scalar instructions; the tree does it leaf by leaf, where they run
 * beside the vector ones for nothing.  The verdict comes last: somebody who crowds the map on
 * purpose buys 20 µs of looking up, and he must first make every XOR of the tree hold. */
typedef struct {
    uint64_t map[1024];
    uint32_t crowd[PROOF_MAX_LEAVES]; /* indices that came to a place already taken */
    unsigned crowded;
} Seen;

SLUICE_INLINE void seen_begin(Seen *seen)
{
    memset(seen->map, 0, sizeof seen->map);
    seen->crowded = 0;
}

/* No branch: a hit is written always and kept when it is one.  At most PROOF_MAX_LEAVES calls. */
SLUICE_INLINE void seen_note(Seen *seen, uint32_t index)
{
    uint64_t *word = &seen->map[index >> 6 & 1023], was = *word;
    seen->crowd[seen->crowded] = index;
    seen->crowded += was >> (index & 63) & 1;
    *word = was | (uint64_t)1 << (index & 63);
}

static inline int seen_distinct(const Seen *seen, const uint32_t *index, unsigned leaves)
{
    for (unsigned i = 0; i < seen->crowded; i++) {
        unsigned times = 0;
        for (unsigned j = 0; j < leaves; j++)
            times += index[j] == seen->crowd[i];
        if (times > 1)
            return 0;
    }
    return 1;
}

#endif
