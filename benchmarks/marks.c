/* Lets a Python program tell callgrind where a counted stretch begins and ends.

   Compiled into a shared object and loaded with ctypes; outside valgrind both do nothing. */
#include <valgrind/callgrind.h>

void begin (void)
{
    CALLGRIND_START_INSTRUMENTATION;
}

/* Write what was counted since the last mark under this name, and count from zero again. */
void mark (const char *name)
{
    CALLGRIND_DUMP_STATS_AT (name);
}
