/* proxy.sim._solver: finds Equihash proofs, for miners that are simulated but do real work.
 *
 * Strategy.  Wagner's algorithm as the rules have it.  A row is a set of leaves and what is left
 * of their XOR; in each of k rounds two rows whose next c bits agree make a row of the next
 * level, which remembers only its two parents.  At the last round all that is left must be zero.
 * Small parameters only: c up to 16 bits (131,072 leaves), n up to 128.
 * Here: the search.  Not here: the check, which is proxy.native's and which every proof found
 * here must pass; nor any cleverness for 210,9, which wants 650 MB and a second.
 *
 * The GIL is given up: a search takes up to tens of milliseconds and touches no Python object.
 *
 * The trap: rows that share a leaf.  Those whose XOR is all zero would breed, each with each, so
 * they are dropped when they arise; the few others are harmless and are sorted out at the end.
 * No proof is lost by that, and the Python twin (solver.py) finds the same set.  With c below
 * k + 3 they would not be few, so such parameters are refused.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdlib.h>

#include "../native/proof.h"

enum { SOLVER_MAX_C = 16, SOLVER_MAX_K = 7, SOLVER_MAX_N = 128 };
enum { AHEAD = 16 }; /* rows; a bucket's last row is asked for so long before it is read */
static const uint32_t NONE = 0xffffffffu;

__extension__ typedef unsigned __int128 Bits;

/* What is left of a row's XOR, the next bits to agree on at the top of the word. */
typedef struct {
    Bits left_over;
    uint32_t next; /* row of the same bucket that came before, or NONE */
} Row;

typedef struct {
    uint32_t a, b;
} Parents;

typedef struct {
    const Params *params;
    uint32_t *heads;  /* the last row of each of 2^c buckets */
    Row *rows, *born; /* this level and the next */
    size_t rows_size, born_size;
    Parents *parents[SOLVER_MAX_K + 1];
    size_t parents_size[SOLVER_MAX_K + 1];
    uint8_t *found; /* packed proofs, one after another */
    size_t found_bytes, found_size;
} Search;

/* Make room for one more.  Returns whether there is any. */
static int room(void **array, size_t *size, size_t used, size_t item)
{
    if (used < *size)
        return 1;
    size_t size_now = *size ? *size * 2 : 1024;
    void *more = realloc(*array, size_now * item);
    if (!more)
        return 0;
    *array = more;
    *size = size_now;
    return 1;
}

/* The leaves below a row, in canonical order: at each node the half with the lesser first leaf
 * comes first.  Returns how many. */
static unsigned expand(const Search *s, unsigned level, uint32_t row, uint32_t *index)
{
    if (!level) {
        *index = row;
        return 1;
    }
    const Parents *parents = &s->parents[level][row];
    unsigned half = expand(s, level - 1, parents->a, index);
    expand(s, level - 1, parents->b, index + half);
    if (index[half] < index[0])
        for (unsigned i = 0; i < half; i++) {
            uint32_t swap = index[i];
            index[i] = index[half + i];
            index[half + i] = swap;
        }
    return 2 * half;
}

static int all_differ(const uint32_t *index, unsigned leaves)
{
    Seen seen;
    seen_begin(&seen);
    for (unsigned i = 0; i < leaves; i++)
        seen_note(&seen, index[i]);
    return seen_distinct(&seen, index, leaves);
}

/* Leaves of the pair of rows a and b of `level`, and whether they are all different. */
static int expand_pair(const Search *s, unsigned level, uint32_t a, uint32_t b, uint32_t *index)
{
    unsigned half = expand(s, level, a, index);
    expand(s, level, b, index + half);
    return all_differ(index, 2 * half);
}

/* Keep a proof.  Returns 0 when out of memory. */
static int keep(Search *s, const uint32_t *index)
{
    const Params *p = s->params;
    while (s->found_size < s->found_bytes + p->proof_bytes) {
        size_t size = s->found_size ? s->found_size * 2 : 4096;
        uint8_t *more = realloc(s->found, size);
        if (!more)
            return 0;
        s->found = more;
        s->found_size = size;
    }
    uint8_t *to = s->found + s->found_bytes;
    uint64_t window = 0;
    unsigned bits = 0;
    for (unsigned i = 0; i < p->leaves; i++) {
        window = window << (p->c + 1) | index[i];
        for (bits += p->c + 1; bits >= 8; bits -= 8)
            *to++ = (uint8_t)(window >> (bits - 8));
    }
    s->found_bytes += p->proof_bytes;
    return 1;
}

/* The first level: a row for each leaf.  input has room for the digest's number behind it. */
static void hash_leaves(Search *s, uint8_t *input, size_t input_bytes)
{
    const Params *p = s->params;
    const uint32_t leaves = (uint32_t)2 << p->c;
    for (uint32_t first = 0, number = 0; first < leaves; first += p->leaves_a_digest, number++) {
        uint8_t digest[64];
        memcpy(input + input_bytes, &number, 4);
        blake2b(digest, p->leaves_a_digest * p->leaf_bytes, p->person, input, input_bytes + 4);
        for (uint32_t i = 0; i < p->leaves_a_digest && first + i < leaves; i++) {
            const uint8_t *leaf = digest + i * p->leaf_bytes;
            Bits bits = 0;
            for (unsigned byte = 0; byte < p->leaf_bytes; byte++)
                bits |= (Bits)leaf[byte] << (120 - 8 * byte);
            s->rows[first + i].left_over = bits >> (SOLVER_MAX_N - p->n) << (SOLVER_MAX_N - p->n);
        }
    }
}

/* Pair up a level.  Returns the size of the next, or -1 when out of memory. */
static long pair_up(Search *s, unsigned level, uint32_t count)
{
    const Params *p = s->params;
    const unsigned last = level + 1 == p->k;
    uint32_t born = 0, index[1 << SOLVER_MAX_K];
    memset(s->heads, 0xff, sizeof *s->heads << p->c);
    for (uint32_t b = 0; b < count; b++) {
        Row *row = &s->rows[b];
        if (b + AHEAD < count) {
            uint32_t soon = s->heads[row[AHEAD].left_over >> (SOLVER_MAX_N - p->c)];
            if (soon != NONE)
                __builtin_prefetch(&s->rows[soon]);
        }
        uint32_t *head = &s->heads[row->left_over >> (SOLVER_MAX_N - p->c)];
        for (uint32_t a = *head; a != NONE; a = s->rows[a].next) {
            Bits left_over = s->rows[a].left_over ^ row->left_over;
            if (last || !left_over) {
                if (left_over || !expand_pair(s, level, a, b, index))
                    continue;
            }
            if (!room((void **)&s->parents[level + 1], &s->parents_size[level + 1], born,
                      sizeof(Parents))
                || (!last && !room((void **)&s->born, &s->born_size, born, sizeof(Row))))
                return -1;
            s->parents[level + 1][born] = (Parents){a, b};
            if (!last)
                s->born[born].left_over = left_over << p->c;
            born++;
        }
        row->next = *head;
        *head = b;
    }
    return born;
}

static int search(Search *s, uint8_t *input, size_t input_bytes)
{
    const Params *p = s->params;
    uint32_t count = (uint32_t)2 << p->c, index[1 << SOLVER_MAX_K];
    s->rows_size = s->born_size = count + count / 4;
    s->heads = malloc(sizeof *s->heads << p->c);
    s->rows = malloc(s->rows_size * sizeof(Row));
    s->born = malloc(s->born_size * sizeof(Row));
    if (!s->heads || !s->rows || !s->born)
        return 0;
    hash_leaves(s, input, input_bytes);
    for (unsigned level = 0; level < p->k; level++) {
        long born = pair_up(s, level, count);
        if (born < 0)
            return 0;
        Row *rows = s->rows;
        size_t size = s->rows_size;
        s->rows = s->born, s->rows_size = s->born_size;
        s->born = rows, s->born_size = size;
        count = (uint32_t)born;
    }
    for (uint32_t row = 0; row < count; row++) {
        expand(s, p->k, row, index);
        if (!keep(s, index))
            return 0;
    }
    return 1;
}

static void search_end(Search *s)
{
    free(s->heads);
    free(s->rows);
    free(s->born);
    free(s->found);
    for (unsigned level = 0; level <= SOLVER_MAX_K; level++)
        free(s->parents[level]);
}

static PyObject *proofs(const Search *s)
{
    PyObject *list = PyList_New(0);
    for (size_t at = 0; list && at < s->found_bytes; at += s->params->proof_bytes) {
        PyObject *proof = PyBytes_FromStringAndSize((const char *)s->found + at,
                                                    (Py_ssize_t)s->params->proof_bytes);
        if (!proof || PyList_Append(list, proof) < 0)
            Py_CLEAR(list);
        Py_XDECREF(proof);
    }
    if (list && PyList_Sort(list) < 0)
        Py_CLEAR(list);
    return list;
}

PyDoc_STRVAR(solve_doc, "solve(n, k, person, message)\n--\n\n"
                        "All proofs for a header and nonce, packed, in order.");

static PyObject *solve(PyObject *module, PyObject *args)
{
    (void)module;
    int n, k;
    const char *person, *message;
    Py_ssize_t person_size, message_size;
    if (!PyArg_ParseTuple(args, "iiy#y#:solve", &n, &k, &person, &person_size, &message,
                          &message_size))
        return NULL;
    Params params;
    const char *wrong = person_size == 8 ? params_set(&params, n, k, (const uint8_t *)person)
                                         : "person must be 8 bytes";
    if (!wrong && (params.c > SOLVER_MAX_C || k > SOLVER_MAX_K || n > SOLVER_MAX_N))
        wrong = "too large to be solved here: c to 16, k to 7, n to 128";
    if (!wrong && params.c < params.k + 3)
        wrong = "too few leaves: n / (k + 1) must be at least k + 3";
    if (!wrong && message_size > PROOF_MAX_INPUT)
        wrong = "header and nonce together must be at most 252 bytes";
    if (wrong) {
        PyErr_SetString(PyExc_ValueError, wrong);
        return NULL;
    }
    uint8_t input[PROOF_MAX_INPUT + 4];
    memcpy(input, message, (size_t)message_size);
    Search s = {.params = &params};
    int good;
    Py_BEGIN_ALLOW_THREADS
    good = search(&s, input, (size_t)message_size);
    Py_END_ALLOW_THREADS
    PyObject *result = good ? proofs(&s) : PyErr_NoMemory();
    search_end(&s);
    return result;
}

static PyMethodDef methods[] = {
    {"solve", solve, METH_VARARGS, solve_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "proxy.sim._solver",
    .m_doc = "The search for proofs in C; proxy.sim.solver is its face.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__solver(void) { return PyModuleDef_Init(&definition); }
