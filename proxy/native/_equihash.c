/* proxy.native._equihash: the Equihash check and the share hash, for Python.
 *
 * Strategy.  Three stateless functions on strings.  Here: arguments in, numbers out, and nothing
 * that decides about a share; the rules are in proof.h, the tree in lanes.h, the choice among
 * instruction sets in equihash.h, digits in hex.h.  The Python twin is reference.py.
 *
 * The GIL is held: a check is some 13 µs, giving the lock up and taking it back costs more than
 * any other thread of a proxy would gain in that time.
 *
 * Stable ABI of Python 3.11: one build serves every later version.
 *
 * The trap: PyUnicode_AsUTF8AndSize makes and keeps a copy of text that is not ASCII, so lengths
 * are checked before it is asked for anything.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "equihash.h"
#include "hex.h"

enum { SHARE_MAX_BYTES = 4096, SHARE_VALUE_BYTES = 32 };

/* An argument that may be hex digits or the bytes themselves. */
typedef struct {
    PyObject *object;
    const uint8_t *data;
    Py_ssize_t size; /* bytes; of text, half the digits, rounded up */
    Py_ssize_t digits; /* -1: not text */
} Field;

/* Look at the type and the length only.  Returns 0, or -1 with TypeError set. */
static int field_measure(Field *field, PyObject *object, const char *name)
{
    field->object = object;
    field->data = NULL;
    field->digits = -1;
    if (PyUnicode_Check(object)) {
        field->digits = PyUnicode_GetLength(object);
        field->size = (field->digits + 1) / 2;
        return 0;
    }
    if (PyBytes_Check(object)) {
        field->size = PyBytes_Size(object);
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s must be str or bytes", name);
    return -1;
}

/* The digits of a field that is text.  Returns 1, 0 when they cannot all be hex, or -1 with an
 * exception set. */
static int field_digits(const Field *field, const uint8_t **digits)
{
    if (field->digits & 1)
        return 0;
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(field->object, &size);
    if (!text) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    *digits = (const uint8_t *)text;
    return size == field->digits;
}

/* Write field->size bytes to `to`, or, with NULL, only look whether a text is hex.  Returns 1,
 * 0 when it is not, or -1 with an exception set. */
static int field_write(const Field *field, uint8_t *to, long path)
{
    if (field->digits < 0) {
        char *data;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(field->object, &data, &size) < 0)
            return -1;
        memcpy(to, data, (size_t)field->size);
        return 1;
    }
    const uint8_t *digits;
    int good = field_digits(field, &digits);
    return good > 0 ? hex_decode(to, digits, (size_t)field->digits, path != PATH_PORTABLE) : good;
}

/* Whether a solution is text whose first indices are out of order.  So are 127 in 128 of random
 * ones, the cheapest flood there is; their digits are then only checked, in half the time.
 * Returns 1, 0 or, with an exception set, -1; says nothing about the digits that follow. */
static int out_of_order_at_once(const Params *params, const Field *solution, long path)
{
    const uint8_t *digits;
    uint8_t packed[START_BYTES];
    uint32_t index[START_LEAVES];
    if (solution->digits < 2 * START_BYTES)
        return 0;
    int good = field_digits(solution, &digits);
    if (good <= 0)
        return good;
    return hex_decode(packed, digits, 2 * START_BYTES, path != PATH_PORTABLE)
           && !unpack_ordered(index, packed, START_LEAVES, params->c);
}

/* A number that may be out of range of a long: then it is unusable, not of the wrong type. */
static int number(PyObject *object, long *value, const char *name)
{
    *value = PyLong_AsLong(object);
    if (*value != -1 || !PyErr_Occurred())
        return 0;
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s is out of range", name);
    }
    return -1;
}

static int parameters(Params *params, PyObject *const *args)
{
    long n, k;
    if (number(args[0], &n, "n") < 0 || number(args[1], &k, "k") < 0)
        return -1;
    if (!PyBytes_Check(args[2])) {
        PyErr_SetString(PyExc_TypeError, "person must be bytes");
        return -1;
    }
    char *person;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(args[2], &person, &size) < 0)
        return -1;
    const char *wrong = size == 8 ? params_set(params, n, k, (const uint8_t *)person)
                                  : "person must be 8 bytes";
    if (wrong) {
        PyErr_SetString(PyExc_ValueError, wrong);
        return -1;
    }
    return 0;
}

PyDoc_STRVAR(verify_doc,
             "verify(n, k, person, header, nonce, solution, path)\n--\n\n"
             "Check a proof; 0 is valid, any other number a flaw (see _equihash.pyi).");

static PyObject *verify(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    Params params;
    Field header, nonce, solution;
    long path;
    if (count != 7) {
        PyErr_SetString(PyExc_TypeError, "verify takes 7 arguments");
        return NULL;
    }
    if (parameters(&params, args) < 0 || field_measure(&header, args[3], "header") < 0
        || field_measure(&nonce, args[4], "nonce") < 0
        || field_measure(&solution, args[5], "solution") < 0
        || number(args[6], &path, "path") < 0)
        return NULL;
    if (!path_usable(path)) {
        PyErr_SetString(PyExc_ValueError, "path is not available on this processor");
        return NULL;
    }
    if (header.size > PROOF_MAX_INPUT || nonce.size > PROOF_MAX_INPUT - header.size) {
        PyErr_Format(PyExc_ValueError, "header and nonce together must be at most %d bytes",
                     PROOF_MAX_INPUT);
        return NULL;
    }
    if (solution.digits < 0 ? solution.size != params.proof_bytes
                            : solution.digits != 2 * (Py_ssize_t)params.proof_bytes)
        return PyLong_FromLong(FLAW_LENGTH);

    uint8_t input[PROOF_MAX_INPUT], packed[PROOF_MAX_BYTES + PROOF_SLACK];
    int good = field_write(&header, input, path);
    if (good > 0)
        good = field_write(&nonce, input + header.size, path);
    int unordered = good > 0 ? out_of_order_at_once(&params, &solution, path) : 0;
    if (unordered < 0)
        return NULL;
    if (good > 0)
        good = field_write(&solution, unordered ? NULL : packed, path);
    if (good < 0)
        return NULL;
    if (!good)
        return PyLong_FromLong(FLAW_HEX);
    if (unordered)
        return PyLong_FromLong(FLAW_ORDER);
    memset(packed + params.proof_bytes, 0, PROOF_SLACK);
    return PyLong_FromLong(
        equihash_flaw(&params, input, (size_t)(header.size + nonce.size), packed, path));
}

PyDoc_STRVAR(share_value_doc,
             "share_value(header, nonce, solution)\n--\n\n"
             "BLAKE2b-256 of the three one after the other; as a number it is big-endian.");

static PyObject *share_value(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    static const char *const names[3] = {"header", "nonce", "solution"};
    (void)module;
    Field field[3];
    uint8_t message[SHARE_MAX_BYTES], digest[SHARE_VALUE_BYTES];
    Py_ssize_t size = 0;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "share_value takes 3 arguments");
        return NULL;
    }
    for (int i = 0; i < 3; i++)
        if (field_measure(&field[i], args[i], names[i]) < 0)
            return NULL;
    for (int i = 0; i < 3; i++) {
        if (field[i].size > SHARE_MAX_BYTES - size) {
            PyErr_Format(PyExc_ValueError, "a share must be at most %d bytes", SHARE_MAX_BYTES);
            return NULL;
        }
        int good = field_write(&field[i], message + size, PATHS);
        if (good < 0)
            return NULL;
        if (!good) {
            PyErr_Format(PyExc_ValueError, "%s is not hex", names[i]);
            return NULL;
        }
        size += field[i].size;
    }
    blake2b(digest, SHARE_VALUE_BYTES, NULL, message, (size_t)size);
    return PyBytes_FromStringAndSize((const char *)digest, SHARE_VALUE_BYTES);
}

PyDoc_STRVAR(paths_doc, "paths()\n--\n\nNames of the ways this processor can check, best first.");

static PyObject *paths(PyObject *module, PyObject *none)
{
    static const char *const names[PATHS] = {"portable", "avx2", "avx512"};
    (void)module, (void)none;
    Py_ssize_t usable = 0, at = 0;
    for (int path = 0; path < PATHS; path++)
        usable += path_usable(path);
    PyObject *result = PyTuple_New(usable);
    if (!result)
        return NULL;
    for (int path = PATHS - 1; path >= 0; path--) {
        if (!path_usable(path))
            continue;
        PyObject *name = PyUnicode_FromString(names[path]);
        if (!name || PyTuple_SetItem(result, at++, name) < 0) {
            Py_DECREF(result);
            return NULL;
        }
    }
    return result;
}

/* The cast goes by way of void: METH_FASTCALL functions have a third argument. */
static PyMethodDef methods[] = {
    {"verify", (PyCFunction)(void (*)(void))verify, METH_FASTCALL, verify_doc},
    {"share_value", (PyCFunction)(void (*)(void))share_value, METH_FASTCALL, share_value_doc},
    {"paths", paths, METH_NOARGS, paths_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "proxy.native._equihash",
    .m_doc = "The Equihash check in C; proxy.native is its face.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__equihash(void) { return PyModuleDef_Init(&definition); }
