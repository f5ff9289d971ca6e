/* The Equihash check: rules in order of cost, the tree in the widest form the processor has.
 *
 * Strategy.  This file names the instruction sets and instantiates lanes.h for each; one set of
 * compiler flags does, since every function asks for its instructions by attribute and is only
 * called when the processor has them.
 *
 *     | path     | leaves at once | needs                       |
 *     | avx512   | 2 * 8          | AVX2, AVX-512 F, VL, BW, DQ |
 *     | avx2     | 4              | AVX2                        |
 *     | portable | 1              | gcc or clang, little end    |
 *
 * Order of work: length → order of the first eight indices → digits → unpack and order, eight by
 * eight → leaves with early exit → root → distinctness.  Each rule is cheaper than the next or,
 * as distinctness, cheap for the honest only.  (The first two are in _equihash.c, and bytes go
 * without the second.)
 *
 * The trap: vectors must not cross into functions without the attribute (their ABI differs), so
 * everything that takes or returns one is always_inline.
 */
#ifndef SLUICE_EQUIHASH_H
#define SLUICE_EQUIHASH_H

#include "proof.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { PATH_PORTABLE = 0, PATH_AVX2 = 1, PATH_AVX512 = 2, PATHS = 3 };

/* What all 210,9 leaves of a share have in common. */
typedef struct {
    uint64_t h[8];  /* chaining value before the block */
    uint64_t m[8];  /* header and nonce */
    uint64_t v[16]; /* state after the four column mixes of round 0 and on, see start_210_9 */
} Start;

static void start_210_9(Start *s, const Params *p, const uint8_t *input)
{
    uint64_t *v = s->v;
    blake2b_init(s->h, p->leaves_a_digest * p->leaf_bytes, p->person);
    memcpy(s->m, input, 64);
    memcpy(v, s->h, 64);
    memcpy(v + 8, blake2b_iv, 64);
    v[12] ^= 68;
    v[14] = ~v[14];
#define G(a, b, c, d, x, y) BLAKE2B_MIX(v[a], v[b], v[c], v[d], x, y)
    G(0, 4, 8, 12, s->m[0], s->m[1])
    G(1, 5, 9, 13, s->m[2], s->m[3])
    G(2, 6, 10, 14, s->m[4], s->m[5])
    G(3, 7, 11, 15, s->m[6], s->m[7])
    G(1, 6, 11, 12, 0, 0)
    G(2, 7, 8, 13, 0, 0)
    G(3, 4, 9, 14, 0, 0)
#undef G
    /* The mix left out above is of words 0, 5, 10, 15; what of it, and of round 1, does not
     * depend on its outcome is added up here. */
    v[0] += v[5];
    v[1] += s->m[4];
    v[2] += v[6];
    v[14] = blake2b_ror(v[14] ^ v[2], 32);
    v[3] += v[7];
}

/* A node whose masked XOR is not zero: a missed collision, or, when all but the last c bits of
 * the root are zero, a bad root. */
static int node_flaw(const Params *p, unsigned height, const uint64_t *sum, unsigned words)
{
    if (height == p->k) {
        uint64_t mask[8], bad = 0;
        leading_mask(mask, p->k * p->c);
        for (unsigned word = 0; word < words; word++)
            bad |= sum[word] & mask[word];
        if (!bad)
            return FLAW_ROOT;
    }
    return FLAW_COLLISION + (int)height;
}

/* The height of the bad node that is complete first, among `leaves` first words; one is bad. */
static unsigned first_bad(const uint64_t *leaf, unsigned leaves, uint64_t masks[][8])
{
    uint64_t waiting[4] = {0};
    for (unsigned i = 0; i < leaves; i++) {
        uint64_t node = leaf[i];
        unsigned height = 0;
        for (unsigned done = i; done & 1; done >>= 1) {
            node ^= waiting[height++];
            if (node & masks[height][0])
                return height;
        }
        waiting[height & 3] = node;
    }
    return 1;
}

/* --- one leaf at a time ----------------------------------------------------------------- */

#define LANES 1
#define LOG_LANES 0
#define STATES 1
#define TARGET
#define NAME(x) portable_##x
#define V uint64_t
#define SPLAT(word) ((uint64_t)(word))
#define ROR(x, by) blake2b_ror(x, by)
#define HOLD(x) BLAKE2B_HOLD(x)
#define XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define PICK(odd, a, b) ((odd) ? (a) : (b))
#define SWAP(x, level) (x)
#define ANY(x) ((x) != 0)
SLUICE_INLINE uint64_t portable_widen(const uint32_t *index) { return *index; }
#include "lanes.h"

#if defined(__x86_64__)

/* --- four: AVX2 has no rotate, so 32, 24 and 16 are byte shuffles and 63 is a doubling ---- */

typedef uint64_t V4 __attribute__((vector_size(32)));

#define LANES 4
#define LOG_LANES 2
#define STATES 1
#define TARGET __attribute__((target("avx2")))
#define NAME(x) avx2_##x
#define V V4
#define SPLAT(word) ((V4)_mm256_set1_epi64x((long long)(word)))
#define ROR(x, by) avx2_ror(x, by)
#define HOLD(x) __asm__("" : "+x"(x))
#define XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define PICK(odd, a, b) ((b) ^ (((a) ^ (b)) & -(odd)))
#define SWAP(x, level)                                                                     \
    ((V4)((level) == 0 ? _mm256_shuffle_epi32((__m256i)(x), 0x4e)                          \
                       : _mm256_permute4x64_epi64((__m256i)(x), 0x4e)))
#define ANY(x) (!_mm256_testz_si256((__m256i)(x), (__m256i)(x)))

TARGET SLUICE_INLINE V4 avx2_ror(V4 x, int by)
{
    const __m256i by24 = _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10,
                                          3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
    const __m256i by16 = _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9,
                                          2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
    switch (by) {
    case 32:
        x = (V4)_mm256_shuffle_epi32((__m256i)x, 0xb1);
        break;
    case 24:
        x = (V4)_mm256_shuffle_epi8((__m256i)x, by24);
        break;
    case 16:
        x = (V4)_mm256_shuffle_epi8((__m256i)x, by16);
        break;
    default:
        x = (x >> 63) ^ (x + x);
    }
    /* Sixteen registers hold the state and nothing else; left alone, gcc moves operations away
     * from where they are written, spills, and loses a fifth of the speed. */
    HOLD(x);
    return x;
}

TARGET SLUICE_INLINE V4 avx2_widen(const uint32_t *index)
{
    return (V4)_mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)index));
}
#include "lanes.h"

/* unpack_ordered for 512 indices of 22 bits, eight at a time: a third of their time.  Returns
 * whether the order is right; when not, the indices after the first wrong eight are not written.
 *
 * Four indices are 11 bytes, and one begins at bit 0, 6, 4 or 2 of its byte: so its 22 bits are
 * within four bytes, which the shuffle takes and turns. */
__attribute__((target("avx2"))) static int avx2_unpack_ordered_22(uint32_t *index, const uint8_t *packed)
{
    const __m256i bytes = _mm256_setr_epi8(3, 2, 1, 0, 5, 4, 3, 2, 8, 7, 6, 5, 11, 10, 9, 8,
                                           3, 2, 1, 0, 5, 4, 3, 2, 8, 7, 6, 5, 11, 10, 9, 8);
    const __m256i behind = _mm256_setr_epi32(10, 4, 6, 8, 10, 4, 6, 8);
    const __m256i partner = _mm256_setr_epi32(0, 0, 0, 2, 0, 4, 4, 6);
    for (unsigned i = 0; i < 512; i += 8) {
        const uint8_t *run = packed + i / 8 * 22;
        __m256i x = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)run)),
            _mm_loadu_si128((const __m128i *)(const void *)(run + 11)), 1);
        x = _mm256_srlv_epi32(_mm256_shuffle_epi8(x, bytes), behind);
        x = _mm256_and_si256(x, _mm256_set1_epi32(0x3fffff));
        _mm256_storeu_si256((__m256i *)(void *)(index + i), x);
        /* The partner of the first of eight is further left; the very first has none. */
        const __m256i outer = _mm256_set1_epi32(i ? (int)index[i & (i - 1)] : -1);
        const __m256i left = _mm256_blend_epi32(_mm256_permutevar8x32_epi32(x, partner), outer, 1);
        if (_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sub_epi32(left, x))) != 0xff)
            return 0;
    }
    return 1;
}

/* --- eight: AVX-512 rotates, and has an instruction for any function of three --------------- */

typedef uint64_t V8 __attribute__((vector_size(64)));

#define LANES 8
#define LOG_LANES 3
#define STATES 2
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq")))
#define NAME(x) avx512_##x
#define V V8
#define SPLAT(word) ((V8)_mm512_set1_epi64((long long)(word)))
#define ROR(x, by) ((V8)_mm512_ror_epi64((__m512i)(x), by))
#define HOLD(x) __asm__("" : "+v"(x))
#define XOR3(a, b, c) \
    ((V8)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), 0x96))
#define PICK(odd, a, b) \
    ((V8)_mm512_mask_blend_epi64(_mm512_test_epi64_mask((__m512i)(odd), (__m512i)(odd)), \
                                 (__m512i)(b), (__m512i)(a)))
#define SWAP(x, level)                                                                     \
    ((V8)((level) == 0   ? _mm512_shuffle_epi32((__m512i)(x), (_MM_PERM_ENUM)0x4e)         \
          : (level) == 1 ? _mm512_permutex_epi64((__m512i)(x), 0x4e)                       \
                         : _mm512_shuffle_i64x2((__m512i)(x), (__m512i)(x), 0x4e)))
#define ANY(x) (_mm512_test_epi64_mask((__m512i)(x), (__m512i)(x)) != 0)

TARGET SLUICE_INLINE V8 avx512_widen(const uint32_t *index)
{
    return (V8)_mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)index));
}
#include "lanes.h"

#endif

/* --- the check ---------------------------------------------------------------------------- */

static int path_usable(long path)
{
#if defined(__x86_64__)
    if (path == PATH_AVX512)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avx512f")
               && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
               && __builtin_cpu_supports("avx512dq");
    if (path == PATH_AVX2)
        return __builtin_cpu_supports("avx2") != 0;
#endif
    return path == PATH_PORTABLE;
}

static int tree(const Params *p, const uint8_t *input, size_t bytes, const uint32_t *index, Seen *seen,
                long path)
{
    const int fast = p->n == 210 && p->k == 9 && bytes == 64;
#if defined(__x86_64__)
    if (path == PATH_AVX512)
        return fast ? avx512_tree_210_9(p, input, index, seen)
                    : avx512_tree_any(p, input, bytes, index, seen);
    if (path == PATH_AVX2)
        return fast ? avx2_tree_210_9(p, input, index, seen)
                    : avx2_tree_any(p, input, bytes, index, seen);
#endif
    (void)path;
    return fast ? portable_tree_210_9(p, input, index, seen)
                : portable_tree_any(p, input, bytes, index, seen);
}

/* packed: proof_bytes and PROOF_SLACK more; input: header and nonce, at most PROOF_MAX_INPUT. */
static int equihash_flaw(const Params *p, const uint8_t *input, size_t input_bytes,
                         const uint8_t *packed, long path)
{
    uint32_t index[PROOF_MAX_LEAVES];
    Seen seen;
    int right;
#if defined(__x86_64__)
    if (path != PATH_PORTABLE && p->c == 21 && p->k == 9)
        right = avx2_unpack_ordered_22(index, packed);
    else
#endif
        right = unpack_ordered(index, packed, p->leaves, p->c);
    if (!right)
        return FLAW_ORDER;
    int flaw = tree(p, input, input_bytes, index, &seen, path);
    return flaw ? flaw : seen_distinct(&seen, index, p->leaves) ? FLAW_NONE : FLAW_DUPLICATE;
}

#endif
