/* Iterators that end with a value, as awaits do, without the traceback that Cython makes for whatever
   leaves a __next__: that would be a quarter of what `async for` costs. */
#ifndef ZMQLITE_ITERATION_HPP
#define ZMQLITE_ITERATION_HPP

#include <Python.h>

namespace zmqlite
{
typedef PyObject *Next (PyObject *iterator);

/* Have the interpreter take the next value of this type's iterators from here. */
static inline void iterate_with (PyObject *type, Next *next)
{
    reinterpret_cast<PyTypeObject *> (type)->tp_iternext = next;
}

/* Set StopIteration with a value, whatever it is. Returns NULL. */
static inline PyObject *iteration_ends (PyObject *value)
{
    PyObject *end;
    if (!PyTuple_Check (value) && !PyExceptionInstance_Check (value)) {
        PyErr_SetObject (PyExc_StopIteration, value);
        return NULL;
    }
    end = PyObject_CallFunctionObjArgs (PyExc_StopIteration, value, NULL);
    if (end != NULL) { /* the value itself would be taken for arguments, or for the exception */
        PyErr_SetObject (PyExc_StopIteration, end);
        Py_DECREF (end);
    }
    return NULL;
}
}

#endif
