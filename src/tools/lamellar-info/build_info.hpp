#pragma once
// How this library was built.

namespace lamellar::tools {

// The short id of the commit that was checked out; empty when there was no checkout.
extern const char* const kGitId;

inline constexpr const char* kBuildType = LAMELLAR_INFO_BUILD_TYPE;
inline constexpr const char* kBuildFlags = LAMELLAR_INFO_FLAGS;
inline constexpr const char* kSanitizer = LAMELLAR_INFO_SANITIZER;  // empty: none
inline constexpr const char* kCompiler = LAMELLAR_INFO_COMPILER;

}  // namespace lamellar::tools
