// Compiled where a PMIx header is installed: what pmix_abi.hpp says is what the header says.
#include <pmix.h>

#include <cstddef>
#include <string_view>

#include "lamellae/bootstrap/pmix_abi.hpp"

namespace lamellar::lamellae::pmix {

static_assert(sizeof(Value) == sizeof(pmix_value_t));
static_assert(offsetof(Value, data) == offsetof(pmix_value_t, data));
static_assert(sizeof(Info) == sizeof(pmix_info_t));
static_assert(offsetof(Info, key) == offsetof(pmix_info_t, key));
static_assert(offsetof(Info, flags) == offsetof(pmix_info_t, flags));
static_assert(offsetof(Info, value) == offsetof(pmix_info_t, value));
static_assert(sizeof(Proc) == sizeof(pmix_proc_t));
static_assert(offsetof(Proc, rank) == offsetof(pmix_proc_t, rank));
static_assert(sizeof(Status) == sizeof(pmix_status_t));
static_assert(sizeof(kScopeGlobal) == sizeof(pmix_scope_t));
static_assert(kSuccess == PMIX_SUCCESS);
static_assert(kRankWildcard == PMIX_RANK_WILDCARD);
static_assert(kScopeGlobal == PMIX_GLOBAL);
static_assert(kTypeBool == PMIX_BOOL);
static_assert(kTypeString == PMIX_STRING);
static_assert(kTypeInt == PMIX_INT);
static_assert(kTypeUint32 == PMIX_UINT32);
static_assert(std::string_view(kJobSize) == PMIX_JOB_SIZE);
static_assert(std::string_view(kCollectData) == PMIX_COLLECT_DATA);
static_assert(std::string_view(kTimeout) == PMIX_TIMEOUT);
static_assert(std::string_view(kImmediate) == PMIX_IMMEDIATE);

}  // namespace lamellar::lamellae::pmix
