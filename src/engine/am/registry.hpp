#pragma once
// The types of active messages of this process. Identity across PEs is (build id of the shared
// object, offset of the descriptor in it), never the name: names of two files may be the same.
#include <cstdint>
#include <string>
#include <vector>

#include <lamellar/detail/am_type.hpp>

namespace lamellar::engine {

// What a world sees of the registry: taken when it is built, the same on all PEs.
class TypeSnapshot {
 public:
  static TypeSnapshot take();

  // Null for a number that is not in the snapshot.
  const detail::AmType* at(std::uint32_t wire_number) const noexcept {
    return wire_number < types_.size() ? types_[wire_number] : nullptr;
  }
  // ERRORS: Error for a type that was registered after the world was built.
  std::uint32_t number_of(const detail::AmType& type) const;
  std::size_t size() const noexcept { return types_.size(); }

  // Equal on two PEs exactly when their types are: hash over identities and sizes.
  std::uint64_t digest() const noexcept { return digest_; }
  // The library and the objects that hold the types, with build ids: for the error when digests
  // differ.
  std::string description() const;

 private:
  struct Identity {
    std::string build_id;
    std::uint64_t offset = 0;
    std::string object;
  };
  struct Found {
    Identity identity;
    const detail::AmType* type;
  };
  static Identity identify(const void* what);
  static void name_the_nameless(std::vector<Found>& all);

  std::vector<const detail::AmType*> types_;       // by wire number
  std::vector<std::uint32_t> number_by_place_;     // place in the process' list -> wire number
  std::vector<std::string> objects_;
  std::uint64_t digest_ = 0;
};

}  // namespace lamellar::engine
