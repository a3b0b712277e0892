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

/* Have subclasses written in Python iterate without a look for `__next__` on each turn. Cython puts a method of
   that name into the class, which the interpreter takes for one in Python; a slot's own descriptor, like that of the
   list's iterator, it looks through. Returns -1 with an exception. */
static inline int iterate_natively (PyObject *type, PyObject *next_of_a_list)
{
    PyTypeObject *const socket = reinterpret_cast<PyTypeObject *> (type);
    PyObject *descriptor;
    int rc;
    if (!PyObject_TypeCheck (next_of_a_list, &PyWrapperDescr_Type))
        return 0; /* an interpreter that does it in another way */
    descriptor = PyDescr_NewWrapper (
      socket, reinterpret_cast<PyWrapperDescrObject *> (next_of_a_list)->d_base,
      reinterpret_cast<void *> (socket->tp_iternext));
    if (descriptor == NULL)
        return -1;
    rc = PyDict_SetItemString (socket->tp_dict, "__next__", descriptor);
    Py_DECREF (descriptor);
    PyType_Modified (socket);
    return rc;
}

/* Whether nobody but the caller has this object, or has left anything in it: nobody could tell it from a new
   one. Returns -1 with an exception. */
static inline int is_as_new (PyObject *object)
{
    PyTypeObject *const type = Py_TYPE (object);
    PyObject *attributes;
    Py_ssize_t count;
    if (Py_REFCNT (object) != 1)
        return 0;
    if (type->tp_weaklistoffset != 0
        && *reinterpret_cast<PyObject **> (reinterpret_cast<char *> (object) + type->tp_weaklistoffset) != NULL)
        return 0;
    if (type->tp_dictoffset > 0)
        return *reinterpret_cast<PyObject **> (reinterpret_cast<char *> (object) + type->tp_dictoffset) == NULL;
    attributes = PyObject_GenericGetDict (object, NULL);
    if (attributes == NULL)
        return -1;
    count = PyDict_Size (attributes);
    Py_DECREF (attributes);
    return count == 0;
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
