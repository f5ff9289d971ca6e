/* The tree of an Equihash proof, several leaves at a time: a template, included once per
 * instruction set by equihash.h.
 *
 * Strategy.  A lane is one leaf.  LANES of them are hashed at once, one 64-bit word of each in
 * a vector V, so that every line below is the same code for 1, 4 and 8 leaves.  A group is LANES
 * leaves.  Leaves are taken in tree order and a node is checked as soon as its last leaf is
 * there; the first bad node ends the work.  Junk that got through the order rule so costs one
 * group of leaves, or two.
 *
 * STATES is how many groups are hashed side by side, 1 or 2.  A mix is a chain of operations and
 * a group has four at a time, which do not fill the processor; eight do, where there are
 * registers for them: AVX-512 has 32, just two states of 16, and so gains 8 % of the whole check.
 *
 * Expected from the includer: LANES, LOG_LANES, STATES, TARGET, NAME(x), V, SPLAT(word),
 * ROR(vector, constant), HOLD(vector), XOR3(a, b, c), PICK(odd, a, b), SWAP(vector, log2 of
 * distance), ANY(vector), NAME(widen), and of proof.h and equihash.h everything.
 *
 * Two forms of the tree: NAME(tree_210_9) for 64 bytes of header and nonce keeps heights 1
 * to LOG_LANES in registers and does what all leaves have in common once; NAME(tree_any) is
 * plain and takes all the rest.
 *
 * The trap: both must name the same node as the bad one, whatever LANES is.  So a group that
 * fails inside is walked again by first_bad, in leaf order.
 */

/* Half a mix of state v, with word i of its message; then the same of EACH state. */
#define UPPER_STEP(v, number, a, b, c, d, i) \
    BLAKE2B_UPPER(v[a], v[b], v[c], v[d], M(i, number), ROR, HOLD)
#define LOWER_STEP(v, number, a, b, c, d, i) \
    BLAKE2B_LOWER(v[a], v[b], v[c], v[d], M(i, number), ROR, HOLD)
#define WITHOUT_SUM_STEP(v, number, a, b, c, d) \
    v[d] = ROR(v[d] ^ v[a], 32);                \
    v[c] = v[c] + v[d];                         \
    v[b] = ROR(v[b] ^ v[c], 24);
#define WITHOUT_SUM_AND_TURN_STEP(v, number, a, b, c, d) \
    v[c] = v[c] + v[d];                                  \
    v[b] = ROR(v[b] ^ v[c], 24);
#define UPPER(...) EACH(UPPER_STEP, __VA_ARGS__)
#define LOWER(...) EACH(LOWER_STEP, __VA_ARGS__)
#define UPPER_WITHOUT_SUM(...) EACH(WITHOUT_SUM_STEP, __VA_ARGS__)
#define UPPER_WITHOUT_SUM_AND_TURN(...) EACH(WITHOUT_SUM_AND_TURN_STEP, __VA_ARGS__)

#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
    UPPER(0, 4, 8, 12, s0)                                                          \
    UPPER(1, 5, 9, 13, s2)                                                          \
    UPPER(2, 6, 10, 14, s4)                                                         \
    UPPER(3, 7, 11, 15, s6)                                                         \
    LOWER(0, 4, 8, 12, s1)                                                          \
    LOWER(1, 5, 9, 13, s3)                                                          \
    LOWER(2, 6, 10, 14, s5)                                                         \
    LOWER(3, 7, 11, 15, s7)                                                         \
    UPPER(0, 5, 10, 15, s8)                                                         \
    UPPER(1, 6, 11, 12, s10)                                                        \
    UPPER(2, 7, 8, 13, s12)                                                         \
    UPPER(3, 4, 9, 14, s14)                                                         \
    LOWER(0, 5, 10, 15, s9)                                                         \
    LOWER(1, 6, 11, 12, s11)                                                        \
    LOWER(2, 7, 8, 13, s13)                                                         \
    LOWER(3, 4, 9, 14, s15)

/* The leaf of each lane, out of the final state of its digest. */
TARGET SLUICE_INLINE void NAME(cut_210_9)(V leaf[4], const Start *s, const V v[16],
                                          const uint32_t *index)
{
    const V odd = NAME(widen)(index) & SPLAT(1);
    V h[7];
    for (int i = 0; i < 7; i++)
        h[i] = XOR3(SPLAT(s->h[i]), v[i], v[i + 8]);
    /* An even leaf begins at byte 0 of the digest, an odd one at byte 27 = word 3, bit 24. */
    for (int i = 0; i < 3; i++)
        leaf[i] = PICK(odd, h[i + 3] >> 24 | h[i + 4] << 40, h[i]);
    leaf[3] = PICK(odd, h[6] >> 24, h[3]);
}

/* The leaves of `index`, 27 bytes each in four words; what is behind bit 210 is noise.
 *
 * The block is  | header 32 | nonce 32 | index / 2, 4 bytes | zeros |: words 0-7 the share's,
 * word 8 the digest's number, 9-15 nothing, so seven additions in sixteen vanish. */
TARGET SLUICE_INLINE void NAME(leaves_210_9)(V leaf[STATES][4], const Start *s, const uint32_t *index)
{
    V v[16], w[16], number[STATES];
    const V zero = SPLAT(0);
    for (int state = 0; state < STATES; state++)
        number[state] = NAME(widen)(index + state * LANES) >> 1;
#define EACH(STEP, ...)                             \
    STEP(v, number[0], __VA_ARGS__)                 \
    if (STATES == 2) {                              \
        STEP(w, number[STATES - 1], __VA_ARGS__)    \
    }
#define M(i, number) ((i) < 8 ? SPLAT(s->m[(i) & 7]) : (i) == 8 ? (number) : zero)
    for (int i = 1; i < 16; i++)
        v[i] = w[i] = SPLAT(s->v[i]);

    /* Round 0: its fifth mix is the first that sees the digest's number. */
    v[0] = SPLAT(s->v[0]) + number[0];
    w[0] = SPLAT(s->v[0]) + number[STATES - 1];
    UPPER_WITHOUT_SUM(0, 5, 10, 15)
    LOWER(0, 5, 10, 15, 9)

    /* Round 1: sums that are the same in every lane were made by start_210_9, word 4 with them. */
    UPPER(0, 4, 8, 12, 14)
    UPPER(1, 5, 9, 13, 15)
    UPPER_WITHOUT_SUM_AND_TURN(2, 6, 10, 14)
    UPPER_WITHOUT_SUM(3, 7, 11, 15)
    LOWER(0, 4, 8, 12, 10)
    LOWER(1, 5, 9, 13, 8)
    LOWER(2, 6, 10, 14, 15)
    LOWER(3, 7, 11, 15, 6)
    UPPER(0, 5, 10, 15, 1)
    UPPER(1, 6, 11, 12, 0)
    UPPER(2, 7, 8, 13, 11)
    UPPER(3, 4, 9, 14, 5)
    LOWER(0, 5, 10, 15, 12)
    LOWER(1, 6, 11, 12, 2)
    LOWER(2, 7, 8, 13, 7)
    LOWER(3, 4, 9, 14, 3)
    BLAKE2B_ROUNDS_2_TO_11(ROUND)
#undef EACH
#undef M

    NAME(cut_210_9)(leaf[0], s, v, index);
    if (STATES == 2)
        NAME(cut_210_9)(leaf[STATES - 1], s, w, index + LANES);
}

/* XOR of all lanes, in every lane. */
TARGET SLUICE_INLINE V NAME(fold)(V x)
{
    for (int level = 0; level < LOG_LANES; level++)
        x ^= SWAP(x, level);
    return x;
}

TARGET static int NAME(tree_210_9)(const Params *p, const uint8_t *input, const uint32_t *index,
                                    Seen *seen)
{
    uint64_t masks[PROOF_MAX_K + 1][8];
    V waiting[10 - LOG_LANES][4], leaf[STATES][4];
    Start start;
    height_masks(masks, p);
    start_210_9(&start, p, input);
    for (unsigned group = 0; group < 512 / LANES; group++) {
        /* Not before, so that junk refused by its first groups does not pay for clearing the map;
         * and ahead of the vectors, so that the processor has something to do beside them. */
        if (group == 2) {
            seen_begin(seen);
            for (unsigned i = 0; i < 2 * LANES; i++)
                seen_note(seen, index[i]);
        }
        if (group >= 2)
            for (unsigned lane = 0; lane < LANES; lane++)
                seen_note(seen, index[group * LANES + lane]);
        if (group % STATES == 0)
            NAME(leaves_210_9)(leaf, &start, index + group * LANES);
        V *node = leaf[group % STATES];

        /* Up to height 3 a collision is inside word 0, whose XOR over the subtree is in every
         * lane of it after each swap. */
        V first = node[0], bad = SPLAT(0);
        for (int level = 0; level < LOG_LANES; level++) {
            node[0] ^= SWAP(node[0], level);
            bad |= node[0] & SPLAT(masks[level + 1][0]);
        }
        if (LOG_LANES && ANY(bad)) {
            uint64_t lanes[LANES];
            memcpy(lanes, &first, sizeof lanes);
            return FLAW_COLLISION + (int)first_bad(lanes, LANES, masks);
        }

        /* Every lane of word 0 now holds the group's XOR.  The lanes of words 1 to 3 stay apart
         * until a height asks for their sum, and from then on hold it all as well. */
        unsigned height = LOG_LANES;
        for (unsigned done = group; done & 1; done >>= 1) {
            const V *left = waiting[height - LOG_LANES];
            height++;
            bad = (node[0] ^= left[0]) & SPLAT(masks[height][0]);
            for (unsigned word = 1; word < 4; word++) {
                node[word] ^= left[word];
                if (!masks[height][word])
                    continue;
                if (!masks[height - 1][word])
                    node[word] = NAME(fold)(node[word]);
                bad |= node[word] & SPLAT(masks[height][word]);
            }
            if (ANY(bad)) {
                uint64_t sum[4];
                for (unsigned word = 0; word < 4; word++)
                    memcpy(&sum[word], &node[word], 8);
                return node_flaw(p, height, sum, 4);
            }
        }
        memcpy(waiting[height - LOG_LANES], node, sizeof leaf[0]);
    }
    return FLAW_NONE;
}

/* One block of LANES messages; the counter is the same in all. */
TARGET static void NAME(compress)(V h[8], const V m[16], uint64_t total, int last)
{
    V v[16];
    BLAKE2B_BEGIN(v, h, total, last, SPLAT)
#define EACH(STEP, ...) STEP(v, 0, __VA_ARGS__)
#define M(i, number) m[i]
    BLAKE2B_ROUNDS(ROUND)
#undef EACH
#undef M
#define END(i) h[i] = XOR3(h[i], v[i], v[i + 8]);
    END(0) END(1) END(2) END(3) END(4) END(5) END(6) END(7)
#undef END
}

/* Any parameters, any input.  The message is laid out as 32 words; the digest's number is in
 * one or two neighbours of them, in the first block, the second, or across both. */
TARGET static int NAME(tree_any)(const Params *p, const uint8_t *input, size_t input_bytes,
                                 const uint32_t *index, Seen *seen)
{
    uint64_t masks[PROOF_MAX_K + 1][8], waiting[PROOF_MAX_K + 1][8], chain[8], words[33] = {0};
    const size_t total = input_bytes + 4, at = input_bytes / 8, shift = input_bytes % 8 * 8;
    V m[32 + 1];
    height_masks(masks, p);
    seen_begin(seen);
    memcpy(words, input, input_bytes);
    blake2b_init(chain, p->leaves_a_digest * p->leaf_bytes, p->person);
    for (int i = 0; i < 33; i++)
        m[i] = SPLAT(words[i]);
    if (at >= 16)
        blake2b_compress(chain, words, BLAKE2B_BLOCK, 0);

    for (unsigned group = 0; group < p->leaves; group += LANES) {
        uint32_t digest[LANES];
        uint64_t out[8][LANES];
        for (unsigned lane = 0; lane < LANES; lane++)
            digest[lane] = group + lane < p->leaves ? index[group + lane] / p->leaves_a_digest : 0;
        V number = NAME(widen)(digest), h[8];
        m[at] = SPLAT(words[at]) | number << shift;
        if (shift > 32)
            m[at + 1] = SPLAT(words[at + 1]) | number >> (64 - shift);
        for (int i = 0; i < 8; i++)
            h[i] = SPLAT(chain[i]);
        if (total > BLAKE2B_BLOCK && at < 16)
            NAME(compress)(h, m, BLAKE2B_BLOCK, 0);
        NAME(compress)(h, total > BLAKE2B_BLOCK ? m + 16 : m, total, 1);
        memcpy(out, h, sizeof out);

        for (unsigned lane = 0; lane < LANES && group + lane < p->leaves; lane++) {
            uint64_t bytes[8], node[8] = {0};
            seen_note(seen, index[group + lane]);
            for (int i = 0; i < 8; i++)
                bytes[i] = out[i][lane];
            unsigned place = index[group + lane] % p->leaves_a_digest * p->leaf_bytes, height = 0;
            memcpy(node, (const uint8_t *)bytes + place, p->leaf_bytes);
            for (unsigned done = group + lane; done & 1; done >>= 1) {
                uint64_t bad = 0;
                height++;
                for (unsigned word = 0; word < p->leaf_words; word++)
                    bad |= (node[word] ^= waiting[height - 1][word]) & masks[height][word];
                if (bad)
                    return node_flaw(p, height, node, p->leaf_words);
            }
            memcpy(waiting[height], node, sizeof node);
        }
    }
    return FLAW_NONE;
}

#undef UPPER_STEP
#undef LOWER_STEP
#undef WITHOUT_SUM_STEP
#undef WITHOUT_SUM_AND_TURN_STEP
#undef UPPER
#undef LOWER
#undef UPPER_WITHOUT_SUM
#undef UPPER_WITHOUT_SUM_AND_TURN
#undef ROUND
#undef LANES
#undef LOG_LANES
#undef STATES
#undef TARGET
#undef NAME
#undef V
#undef SPLAT
#undef ROR
#undef HOLD
#undef XOR3
#undef PICK
#undef SWAP
#undef ANY
