/* Memory that we keep for later is nobody's meanwhile. AddressSanitizer, which sees malloc and free only, has to be told. */
#ifndef ZMQLITE_POISON_HPP
#define ZMQLITE_POISON_HPP

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define ZMQLITE_UNDER_ASAN
#endif
#elif defined __SANITIZE_ADDRESS__
#define ZMQLITE_UNDER_ASAN
#endif

#ifdef ZMQLITE_UNDER_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void) (at), (void) (size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void) (at), (void) (size))
#endif

#endif
