/* Sends the same bytes on many sockets, without the global lock and on several threads.
 *
 * Strategy: a job for thousands of miners is thousands of system calls of one kind, and nothing of Python is
 * needed between them.  Each thread takes a run of the sockets, and the caller's own thread the first; a
 * thread that cannot be had costs time and nothing else.  Stateless: threads live as long as a call.
 * Not here: what is to be done about a socket that has not taken everything; that is the caller's.
 * The trap: Python's signal handlers must run on a thread that Python knows, so the others block all signals.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define MOST_THREADS 8
/* Fewer sends than these take less time than a thread to start. */
#define LEAST_RUN 16

typedef struct {
    const char *files; /* int32, native order, not aligned */
    const char *data;
    size_t size;
    char *taken; /* int32 as well */
    Py_ssize_t begin, end;
    int all; /* every socket of the run took everything */
} Run;

static void *send_run(void *given)
{
    Run *run = given;
    run->all = 1;
    for (Py_ssize_t at = run->begin; at < run->end; at++) {
        int32_t file, took;
        memcpy(&file, run->files + 4 * at, 4);
        ssize_t sent;
        do
            sent = send(file, run->data, run->size, MSG_DONTWAIT | MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        took = sent < 0 ? -errno : (int32_t)sent;
        if (sent < 0 || (size_t)sent != run->size)
            run->all = 0;
        memcpy(run->taken + 4 * at, &took, 4);
    }
    return NULL;
}

static int send_runs(const Run *whole, int threads)
{
    Run runs[MOST_THREADS];
    pthread_t ids[MOST_THREADS];
    int started[MOST_THREADS] = {0};
    sigset_t every, before;
    Py_ssize_t count = whole->end;
    if (threads > count / LEAST_RUN)
        threads = count / LEAST_RUN > 1 ? (int)(count / LEAST_RUN) : 1;
    for (int i = 0; i < threads; i++) {
        runs[i] = *whole;
        runs[i].begin = count * i / threads;
        runs[i].end = count * (i + 1) / threads;
    }
    if (threads > 1) {
        sigfillset(&every);
        pthread_sigmask(SIG_SETMASK, &every, &before);
        for (int i = 1; i < threads; i++)
            started[i] = pthread_create(&ids[i], NULL, send_run, &runs[i]) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    int all = 1;
    for (int i = 0; i < threads; i++) {
        if (started[i])
            pthread_join(ids[i], NULL);
        else
            send_run(&runs[i]);
        all &= runs[i].all;
    }
    return all;
}

PyDoc_STRVAR(send_each_doc, "send_each(files, data, threads, /)\n--\n\n"
                            "Send data on each socket without waiting.\n\n"
                            "files: their numbers, int32 in native order.  Returns None when each took all\n"
                            "of it, else for each the bytes it took or minus an error number, likewise.");

static PyObject *send_each(PyObject *module, PyObject *args)
{
    (void)module;
    const char *files;
    Py_ssize_t files_size;
    int threads;
    Run run = {0};
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y#y#i:send_each", &files, &files_size, &run.data, &size, &threads))
        return NULL;
    if (files_size % 4 || size > INT32_MAX || threads < 1 || threads > MOST_THREADS) {
        PyErr_Format(PyExc_ValueError, "send_each takes int32s, less than 2 GiB and 1 to %d threads",
                     MOST_THREADS);
        return NULL;
    }
    PyObject *taken = PyBytes_FromStringAndSize(NULL, files_size);
    if (!taken)
        return NULL;
    run.files = files;
    run.size = (size_t)size;
    run.taken = PyBytes_AsString(taken);
    run.end = files_size / 4;
    int all;
    Py_BEGIN_ALLOW_THREADS;
    all = send_runs(&run, threads);
    Py_END_ALLOW_THREADS;
    if (!all)
        return taken;
    Py_DECREF(taken);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"send_each", send_each, METH_VARARGS, send_each_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "proxy.native._sending",
    .m_doc = "Sends on many sockets in C; proxy.native.sending is its face.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__sending(void) { return PyModuleDef_Init(&definition); }
