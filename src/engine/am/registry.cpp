#include "engine/am/registry.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <lamellar/error.hpp>
#include <map>
#include <tuple>

namespace lamellar {
namespace {

constinit std::atomic<detail::AmType*> g_types{nullptr};  // append-only, newest first
constinit std::atomic<std::uint32_t> g_count{0};

struct BuildIdSearch {
  const void* base;
  std::string id;
};

// The loadable segment that holds the notes is mapped, so the build id can be read in place.
int find_build_id(dl_phdr_info* info, std::size_t, void* argument) {
  auto& search = *static_cast<BuildIdSearch*>(argument);
  bool ours = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    const auto from = info->dlpi_addr + segment.p_vaddr;
    const auto at = reinterpret_cast<std::uintptr_t>(search.base);
    ours = ours || (segment.p_type == PT_LOAD && at >= from && at < from + segment.p_memsz);
  }
  if (!ours) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    if (info->dlpi_phdr[i].p_type != PT_NOTE) continue;
    const auto* at = reinterpret_cast<const char*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    const char* const end = at + info->dlpi_phdr[i].p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char* const name = at + sizeof note;
      const char* const text = name + (note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
        search.id.assign(text, note.n_descsz);
      at = text + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return 1;
}

constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325u;

std::uint64_t hash_bytes(std::uint64_t hash, const void* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3u;  // FNV-1a
  return hash;
}

std::string hex(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text.empty() ? "none" : text;
}

}  // namespace

namespace detail {

bool register_am_type(AmType& type) noexcept {
  std::uint32_t unset = 0;
  if (!type.number.compare_exchange_strong(unset, ~std::uint32_t{0})) return true;
  type.number.store(g_count.fetch_add(1) + 1);
  type.next = g_types.load();
  while (!g_types.compare_exchange_weak(type.next, &type)) {  // pairs with TypeSnapshot::take
  }
  return true;
}

}  // namespace detail

namespace engine {

TypeSnapshot::Identity TypeSnapshot::identify(const void* what) {
  Dl_info info{};
  Identity identity;
  if (dladdr(what, &info) == 0) return identity;
  identity.object = info.dli_fname != nullptr ? info.dli_fname : "";
  identity.offset = reinterpret_cast<std::uintptr_t>(what) -
                    reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  BuildIdSearch search{what, {}};
  dl_iterate_phdr(&find_build_id, &search);
  identity.build_id = search.id;
  return identity;
}

// An object without a build id is known by what it declares: names, sizes and offsets of its types.
void TypeSnapshot::name_the_nameless(std::vector<Found>& all) {
  std::sort(all.begin(), all.end(), [](const Found& a, const Found& b) {
    return std::tie(a.identity.object, a.identity.offset) <
           std::tie(b.identity.object, b.identity.offset);
  });
  std::map<std::string, std::uint64_t> hashes;
  for (const Found& found : all) {
    if (!found.identity.build_id.empty()) continue;
    std::uint64_t& hash = hashes.try_emplace(found.identity.object, kFnvStart).first->second;
    hash = hash_bytes(hash, found.type->name, std::strlen(found.type->name));
    hash = hash_bytes(hash, &found.type->fixed, sizeof found.type->fixed);
    hash = hash_bytes(hash, &found.identity.offset, sizeof found.identity.offset);
  }
  for (Found& found : all) {
    if (!found.identity.build_id.empty()) continue;
    const std::uint64_t hash = hashes.at(found.identity.object);
    found.identity.build_id = "types";
    found.identity.build_id.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  }
}

TypeSnapshot TypeSnapshot::take() {
  std::vector<Found> all;
  for (const auto* type = g_types.load(); type != nullptr; type = type->next)
    all.push_back({identify(type), type});
  name_the_nameless(all);
  std::vector<std::tuple<std::string, std::uint64_t, const detail::AmType*>> sorted;
  TypeSnapshot snapshot;
  std::uint32_t places = 0;
  // The library belongs to the program: its messages between PEs must be the same too.
  const Identity library = identify(&g_types);
  snapshot.objects_.push_back(library.object + " (build id " + hex(library.build_id) + ")");
  for (Found& found : all) {
    snapshot.objects_.push_back(found.identity.object + " (build id " +
                                hex(found.identity.build_id) + ")");
    sorted.emplace_back(std::move(found.identity.build_id), found.identity.offset, found.type);
    places = std::max(places, found.type->number.load());
  }
  std::sort(sorted.begin(), sorted.end());
  snapshot.number_by_place_.assign(places, ~std::uint32_t{0});
  std::uint64_t digest = hash_bytes(kFnvStart, library.build_id.data(), library.build_id.size());
  for (const auto& [build_id, offset, type] : sorted) {
    snapshot.number_by_place_[type->number.load() - 1] =
        static_cast<std::uint32_t>(snapshot.types_.size());
    snapshot.types_.push_back(type);
    digest = hash_bytes(digest, build_id.data(), build_id.size());
    digest = hash_bytes(digest, &offset, sizeof offset);
    digest = hash_bytes(digest, &type->fixed, sizeof type->fixed);
  }
  snapshot.digest_ = digest;
  std::sort(snapshot.objects_.begin(), snapshot.objects_.end());
  snapshot.objects_.erase(std::unique(snapshot.objects_.begin(), snapshot.objects_.end()),
                          snapshot.objects_.end());
  return snapshot;
}

std::uint32_t TypeSnapshot::number_of(const detail::AmType& type) const {
  const std::uint32_t place = type.number.load(std::memory_order_relaxed) - 1;
  if (place < number_by_place_.size() && number_by_place_[place] != ~std::uint32_t{0})
    return number_by_place_[place];
  throw Error(std::string("active message ") + type.name +
              " was registered after this world was built (a library loaded later?); load the "
              "library before launch() or init() on every PE");
}

std::string TypeSnapshot::description() const {
  std::string text;
  for (const auto& object : objects_) text += (text.empty() ? "" : ", ") + object;
  return text;
}

}  // namespace engine
}  // namespace lamellar
