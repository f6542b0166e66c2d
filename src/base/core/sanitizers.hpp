#pragma once
// LAMELLAR_ADDRESS_SANITIZER, LAMELLAR_THREAD_SANITIZER: what this is compiled with. g++ tells it
// by macros, clang by __has_feature.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LAMELLAR_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define LAMELLAR_THREAD_SANITIZER
#endif
#else
#if defined(__SANITIZE_ADDRESS__)
#define LAMELLAR_ADDRESS_SANITIZER
#endif
#if defined(__SANITIZE_THREAD__)
#define LAMELLAR_THREAD_SANITIZER
#endif
#endif
