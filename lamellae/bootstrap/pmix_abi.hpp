#pragma once
// The part of the PMIx binary interface that is used, written down here so that the library builds
// without the PMIx headers and loads libpmix.so.2 only under a launcher that speaks it. The layout
// is that of PMIx 3, 4 and 5; a unit test compares it with the header where one is installed.
#include <cstddef>
#include <cstdint>

namespace lamellar::lamellae::pmix {

using Status = int;

inline constexpr std::size_t kNamespaceBytes = 256;
inline constexpr std::size_t kKeyBytes = 512;

struct Proc {
  char nspace[kNamespaceBytes];
  std::uint32_t rank;
};

// The largest members of the real union are three pointers' worth (pmix_envar_t).
struct Value {
  std::uint16_t type;
  union {
    bool flag;
    int integer;
    std::uint32_t uint32;
    char* string;
    void* words[3];
  } data;
};

struct Info {
  char key[kKeyBytes];
  std::uint32_t flags;
  Value value;
};

inline constexpr Status kSuccess = 0;
inline constexpr std::uint32_t kRankWildcard = UINT32_MAX - 1;
inline constexpr std::uint8_t kScopeGlobal = 3;
inline constexpr std::uint16_t kTypeBool = 1;
inline constexpr std::uint16_t kTypeString = 3;
inline constexpr std::uint16_t kTypeInt = 6;
inline constexpr std::uint16_t kTypeUint32 = 14;
inline constexpr char kJobSize[] = "pmix.job.size";
inline constexpr char kCollectData[] = "pmix.collect";
inline constexpr char kTimeout[] = "pmix.timeout";
inline constexpr char kImmediate[] = "pmix.immediate";

using OpCallback = void (*)(Status status, void* data);

static_assert(sizeof(void*) != 8 || (sizeof(Value) == 32 && offsetof(Value, data) == 8));
static_assert(sizeof(void*) != 8 || (sizeof(Info) == 552 && offsetof(Info, value) == 520));
static_assert(sizeof(Proc) == 260);

}  // namespace lamellar::lamellae::pmix
