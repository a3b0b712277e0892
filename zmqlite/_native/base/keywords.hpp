/* What Cython says of an argument that a compiled method does not take, with what to write instead. It is said by
   PyErr_Format and PyErr_SetString alone, so these stand for ours from here on: a signature that took these keywords,
   to refuse them, would cost something in each call. */
#ifndef ZMQLITE_KEYWORDS_HPP
#define ZMQLITE_KEYWORDS_HPP

#include <Python.h>
#include <cstdarg>
#include <cstring>

namespace zmqlite
{
struct KeywordHint
{
    const char *method; // what its name begins with
    const char *keyword;
    const char *hint;
};

static const KeywordHint keyword_hints[] = {
  {"recv", "timeout", "set rcvtimeo on the socket (in ms), or wait with poll(ms) before"},
  {"send", "timeout", "set sndtimeo on the socket (in ms), or wait with poll(ms, POLLOUT) before"},
  {"", "block", "pass flags=DONTWAIT not to wait"},
  {"", "blocking", "pass flags=DONTWAIT not to wait"},
  {"", "noblock", "pass flags=DONTWAIT"},
  {"", "nonblock", "pass flags=DONTWAIT"},
  {"", "dontwait", "pass flags=DONTWAIT"},
  {"send", "more", "pass flags=SNDMORE"},
  {"send", "sndmore", "pass flags=SNDMORE"},
  {"recv", "size", "messages arrive whole; recv_into() takes a buffer"},
  {"recv", "bufsize", "messages arrive whole; recv_into() takes a buffer"},
};

static inline const char *keyword_hint (const char *method, PyObject *keyword)
{
    const char *const word = PyUnicode_AsUTF8 (keyword);
    if (word == NULL) {
        PyErr_Clear ();
        return NULL;
    }
    for (const KeywordHint &hint : keyword_hints)
        if (!strcmp (hint.keyword, word) && !strncmp (hint.method, method, strlen (hint.method)))
            return hint.hint;
    return NULL;
}

static PyObject *format_error (PyObject *type, const char *format, ...)
{
    va_list values, copy;
    va_start (values, format);
    if (!strcmp (format, "%s() got an unexpected keyword argument '%U'")) {
        va_copy (copy, values);
        const char *const method = va_arg (copy, const char *);
        PyObject *const keyword = va_arg (copy, PyObject *);
        va_end (copy);
        const char *const hint = keyword_hint (method, keyword);
        if (hint != NULL) {
            va_end (values);
            return PyErr_Format (type, "%s() got an unexpected keyword argument '%U': %s", method,
                                 keyword, hint);
        }
    }
    PyErr_FormatV (type, format, values);
    va_end (values);
    return NULL;
}

/* Most often flags are wanted there, and a second part was given, or the name of a flag. */
static void set_error (PyObject *type, const char *text)
{
    if (!strcmp (text, "an integer is required"))
        text = "an integer is required; where it is flags, these are numbers, such as zmq.DONTWAIT and zmq.POLLIN,"
               " and the parts of a message come as one list";
    PyErr_SetString (type, text);
}

/* Of a place in a traceback Cython keeps file, function and line by one number, the line's: what went wrong first at
   line 50 of any .pxi was shown for what went wrong at line 50 of the others. CYTHON_CLINE_IN_TRACEBACK (setup.py)
   makes it the line of the generated file, which tells them apart, and shows it behind the function, which is not
   wanted. */
static PyObject *format_text (const char *format, ...)
{
    va_list values;
    va_start (values, format);
    PyObject *const text = strcmp (format, "%s (%s:%d)")
                             ? PyUnicode_FromFormatV (format, values)
                             : PyUnicode_FromString (va_arg (values, const char *));
    va_end (values);
    return text;
}
}

#define PyErr_Format zmqlite::format_error
#define PyErr_SetString zmqlite::set_error
#define PyUnicode_FromFormat zmqlite::format_text

#endif
