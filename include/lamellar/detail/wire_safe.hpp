#pragma once
// Which types may travel between PEs. A type is refused unless the library can see that nothing in
// it refers to memory of one PE: numbers, enums, empty types, the standard containers of types that
// may travel, types listed with LAMELLAR_FIELDS or LAMELLAR_AM, and types with a cereal
// serialize().

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include <lamellar/detail/codec.hpp>

namespace lamellar {

// True for types that may travel.
template <class T>
inline constexpr bool wire_safe =
    std::is_same_v<typename detail::Codec<std::remove_cv_t<T>>::culprit, detail::NoCulprit>;

// True for types whose bytes are their encoding.
template <class T>
inline constexpr bool trivial_wire = detail::Codec<std::remove_cv_t<T>>::trivial();

namespace detail {

template <class T>
inline constexpr bool is_view = std::is_reference_v<T>;
template <class C, class R>
inline constexpr bool is_view<std::basic_string_view<C, R>> = true;
template <class T, std::size_t n>
inline constexpr bool is_view<std::span<T, n>> = true;
template <class T>
inline constexpr bool is_view<std::reference_wrapper<T>> = true;

template <class T>
inline constexpr bool is_pointer = std::is_pointer_v<T> || std::is_member_pointer_v<T> ||
                                   std::is_null_pointer_v<T> || std::is_function_v<T>;

template <class T>
inline constexpr bool is_smart_pointer = false;
template <class T>
inline constexpr bool is_smart_pointer<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_smart_pointer<std::weak_ptr<T>> = true;
template <class T, class D>
inline constexpr bool is_smart_pointer<std::unique_ptr<T, D>> = true;

// The compiler names Type in "required from"; exactly one of the texts applies.
template <class Type>
struct CannotBeSent {
  static constexpr bool kPointer = is_pointer<Type>;
  static constexpr bool kView = is_view<Type>;
  static constexpr bool kSmart = is_smart_pointer<Type>;
  static_assert(!kPointer,
                "a pointer cannot be sent to another PE: its target exists on this PE only; send "
                "the value, a container or std::unique_ptr");
  static_assert(!kView,
                "a reference, string_view, span or reference_wrapper cannot be sent to another PE: "
                "it refers to memory of this PE; send std::string, std::vector or the value");
  static_assert(!kSmart,
                "shared_ptr, weak_ptr, and unique_ptr to arrays, to polymorphic types or with a "
                "deleter cannot be sent to another PE; send the value or a std::unique_ptr to it");
  static_assert(kPointer || kView || kSmart,
                "the library cannot see what is in this type, so it cannot send it to another PE: "
                "list its fields with LAMELLAR_FIELDS(Type, field...), or give it a cereal "
                "serialize(); lambdas with captures can never be sent");
};
template <>
struct CannotBeSent<NoCulprit> {};

// Refuses, at compile time and with the reason, a type that may not travel.
template <class T>
consteval void require_wire_safe() {
  (void)sizeof(CannotBeSent<typename Codec<T>::culprit>);
}

}  // namespace detail
}  // namespace lamellar
