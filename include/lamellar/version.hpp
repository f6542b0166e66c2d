#pragma once

namespace lamellar {

inline constexpr int kVersionMajor = 0;
inline constexpr int kVersionMinor = 1;
inline constexpr int kVersionPatch = 0;
inline constexpr const char* kVersionText = "0.1.0";

}  // namespace lamellar
