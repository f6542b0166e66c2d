#pragma once
// What leaves liblamellar.so. The library is built with hidden visibility: only what carries
// LAMELLAR_API is exported. LAMELLAR_LOCAL keeps a member of an exported class inside.

#if defined(__GNUC__) || defined(__clang__)
#define LAMELLAR_API __attribute__((visibility("default")))
#define LAMELLAR_LOCAL __attribute__((visibility("hidden")))
#else
#define LAMELLAR_API
#define LAMELLAR_LOCAL
#endif
