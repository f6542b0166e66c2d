#pragma once
// LAMELLAR_FIELDS(Type, a, b, ...) says which members of Type travel: all of them, or it does not
// compile. Use it in the namespace of Type, after Type and after the lists of the types of its
// members. Type may be an aggregate or have constructors; its members are public, are no references
// and no bit-fields, and are not const. Up to 32 members.

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <lamellar/detail/codec.hpp>
#include <lamellar/detail/codec_std.hpp>
#include <lamellar/detail/wire_safe.hpp>

// LAMELLAR_MAP(m, a, b) is m(a), m(b).
#define LAMELLAR_MAP_0(m)
#define LAMELLAR_MAP_1(m, a) m(a)
#define LAMELLAR_MAP_2(m, a, ...) m(a), LAMELLAR_MAP_1(m, __VA_ARGS__)
#define LAMELLAR_MAP_3(m, a, ...) m(a), LAMELLAR_MAP_2(m, __VA_ARGS__)
#define LAMELLAR_MAP_4(m, a, ...) m(a), LAMELLAR_MAP_3(m, __VA_ARGS__)
#define LAMELLAR_MAP_5(m, a, ...) m(a), LAMELLAR_MAP_4(m, __VA_ARGS__)
#define LAMELLAR_MAP_6(m, a, ...) m(a), LAMELLAR_MAP_5(m, __VA_ARGS__)
#define LAMELLAR_MAP_7(m, a, ...) m(a), LAMELLAR_MAP_6(m, __VA_ARGS__)
#define LAMELLAR_MAP_8(m, a, ...) m(a), LAMELLAR_MAP_7(m, __VA_ARGS__)
#define LAMELLAR_MAP_9(m, a, ...) m(a), LAMELLAR_MAP_8(m, __VA_ARGS__)
#define LAMELLAR_MAP_10(m, a, ...) m(a), LAMELLAR_MAP_9(m, __VA_ARGS__)
#define LAMELLAR_MAP_11(m, a, ...) m(a), LAMELLAR_MAP_10(m, __VA_ARGS__)
#define LAMELLAR_MAP_12(m, a, ...) m(a), LAMELLAR_MAP_11(m, __VA_ARGS__)
#define LAMELLAR_MAP_13(m, a, ...) m(a), LAMELLAR_MAP_12(m, __VA_ARGS__)
#define LAMELLAR_MAP_14(m, a, ...) m(a), LAMELLAR_MAP_13(m, __VA_ARGS__)
#define LAMELLAR_MAP_15(m, a, ...) m(a), LAMELLAR_MAP_14(m, __VA_ARGS__)
#define LAMELLAR_MAP_16(m, a, ...) m(a), LAMELLAR_MAP_15(m, __VA_ARGS__)
#define LAMELLAR_MAP_17(m, a, ...) m(a), LAMELLAR_MAP_16(m, __VA_ARGS__)
#define LAMELLAR_MAP_18(m, a, ...) m(a), LAMELLAR_MAP_17(m, __VA_ARGS__)
#define LAMELLAR_MAP_19(m, a, ...) m(a), LAMELLAR_MAP_18(m, __VA_ARGS__)
#define LAMELLAR_MAP_20(m, a, ...) m(a), LAMELLAR_MAP_19(m, __VA_ARGS__)
#define LAMELLAR_MAP_21(m, a, ...) m(a), LAMELLAR_MAP_20(m, __VA_ARGS__)
#define LAMELLAR_MAP_22(m, a, ...) m(a), LAMELLAR_MAP_21(m, __VA_ARGS__)
#define LAMELLAR_MAP_23(m, a, ...) m(a), LAMELLAR_MAP_22(m, __VA_ARGS__)
#define LAMELLAR_MAP_24(m, a, ...) m(a), LAMELLAR_MAP_23(m, __VA_ARGS__)
#define LAMELLAR_MAP_25(m, a, ...) m(a), LAMELLAR_MAP_24(m, __VA_ARGS__)
#define LAMELLAR_MAP_26(m, a, ...) m(a), LAMELLAR_MAP_25(m, __VA_ARGS__)
#define LAMELLAR_MAP_27(m, a, ...) m(a), LAMELLAR_MAP_26(m, __VA_ARGS__)
#define LAMELLAR_MAP_28(m, a, ...) m(a), LAMELLAR_MAP_27(m, __VA_ARGS__)
#define LAMELLAR_MAP_29(m, a, ...) m(a), LAMELLAR_MAP_28(m, __VA_ARGS__)
#define LAMELLAR_MAP_30(m, a, ...) m(a), LAMELLAR_MAP_29(m, __VA_ARGS__)
#define LAMELLAR_MAP_31(m, a, ...) m(a), LAMELLAR_MAP_30(m, __VA_ARGS__)
#define LAMELLAR_MAP_32(m, a, ...) m(a), LAMELLAR_MAP_31(m, __VA_ARGS__)
#define LAMELLAR_NTH(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15,        \
    a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, n,       \
    ...) n
#define LAMELLAR_COUNT(...) LAMELLAR_NTH(0 __VA_OPT__(,) __VA_ARGS__, 32, 31, 30, 29, 28, 27,     \
    26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3,      \
    2, 1, 0, )
#define LAMELLAR_JOIN_(a, b) a##b
#define LAMELLAR_JOIN(a, b) LAMELLAR_JOIN_(a, b)
#define LAMELLAR_MAP(m, ...) \
  LAMELLAR_JOIN(LAMELLAR_MAP_, LAMELLAR_COUNT(__VA_ARGS__))(m __VA_OPT__(,) __VA_ARGS__)
#define LAMELLAR_UNWRAP(...) __VA_ARGS__

#define LAMELLAR_FIELD_TYPE(field) decltype(LamellarType::field)
#define LAMELLAR_FIELD_OF(field) lamellar_value.field
#define LAMELLAR_FIELD_NAME(field) field##_of_lamellar_fields

namespace lamellar::detail {

// Converts to the type of any member of Owner, not to its bases.
template <class Owner>
struct AnyField {
  template <class U>
    requires(!std::is_base_of_v<std::remove_cvref_t<U>, Owner>)
  operator U() const;
};

template <class T, std::size_t... i>
consteval bool takes_initializers(std::index_sequence<i...>) {
  return requires { T{((void)i, AnyField<T>{})...}; };
}

// How many initializers a member takes: arrays are filled element by element.
template <class F>
consteval std::size_t initializers_of() {
  if constexpr (std::is_array_v<F>) {
    return std::extent_v<F> * initializers_of<std::remove_extent_t<F>>();
  } else {
    return 1;
  }
}

// One member of a listed type. The compiler names both in "required from".
template <class Owner, class Field>
consteval bool check_field() {
  static_assert(!std::is_const_v<Field>, "a const member cannot be received: LAMELLAR_FIELDS");
  require_wire_safe<std::remove_const_t<Field>>();
  return true;
}

template <class Owner, class... Fs>
consteval bool check_fields(FieldTypes<Fs...>) {
  (void)(check_field<Owner, Fs>() && ...);
  if constexpr (std::is_aggregate_v<Owner>) {
    constexpr std::size_t listed = (std::size_t{0} + ... + initializers_of<Fs>());
    static_assert(!takes_initializers<Owner>(std::make_index_sequence<listed + 1>{}),
                  "a member of the type is missing in its list: LAMELLAR_FIELDS and LAMELLAR_AM "
                  "name every member");
  } else if constexpr (sizeof...(Fs) == 0) {
    static_assert(std::is_empty_v<Owner>,
                  "a member of the type is missing in its list: LAMELLAR_FIELDS and LAMELLAR_AM "
                  "name every member");
  }
  return true;
}

template <class Owner, class... Fs>
consteval bool check_fields(TemplateFieldTypes<Fs...>) {
  return check_fields<Owner>(FieldTypes<Fs...>{});
}

}  // namespace lamellar::detail

// The structured binding does not compile unless the number of names is that of the members.
#define LAMELLAR_FIELDS(Type, ...)                                                                \
  [[maybe_unused]] constexpr auto lamellar_field_types(::std::type_identity<Type>) {              \
    using LamellarType [[maybe_unused]] = Type;                                                   \
    return ::lamellar::detail::FieldTypes<LAMELLAR_MAP(LAMELLAR_FIELD_TYPE __VA_OPT__(, )         \
                                                           __VA_ARGS__)>{};                       \
  }                                                                                               \
  [[maybe_unused]] constexpr auto lamellar_fields([[maybe_unused]] Type& lamellar_value) {        \
    return ::std::tie(LAMELLAR_MAP(LAMELLAR_FIELD_OF __VA_OPT__(, ) __VA_ARGS__));                \
  }                                                                                               \
  [[maybe_unused]] constexpr auto lamellar_fields([[maybe_unused]] const Type& lamellar_value) {  \
    return ::std::tie(LAMELLAR_MAP(LAMELLAR_FIELD_OF __VA_OPT__(, ) __VA_ARGS__));                \
  }                                                                                               \
  [[maybe_unused]] inline void lamellar_every_field([[maybe_unused]] const Type& lamellar_v) {    \
    __VA_OPT__([[maybe_unused]] const auto& [LAMELLAR_MAP(LAMELLAR_FIELD_NAME, __VA_ARGS__)] =    \
                   lamellar_v;)                                                                   \
  }                                                                                               \
  static_assert(::lamellar::detail::check_fields<Type>(                                           \
      lamellar_field_types(::std::type_identity<Type>{})))

// LAMELLAR_FIELDS_TEMPLATE((class T, int n), (Grid<T, n>), a, b) lists a class template. One that
// contains itself needs wire_safe_override besides.
#define LAMELLAR_FIELDS_TEMPLATE(Parameters, Type, ...)                                           \
  template <LAMELLAR_UNWRAP Parameters>                                                           \
  constexpr auto lamellar_field_types(::std::type_identity<LAMELLAR_UNWRAP Type>) {               \
    using LamellarType [[maybe_unused]] = LAMELLAR_UNWRAP Type;                                   \
    return ::lamellar::detail::TemplateFieldTypes<LAMELLAR_MAP(                                   \
        LAMELLAR_FIELD_TYPE __VA_OPT__(, ) __VA_ARGS__)>{};                                       \
  }                                                                                               \
  template <LAMELLAR_UNWRAP Parameters>                                                           \
  constexpr auto lamellar_fields([[maybe_unused]] LAMELLAR_UNWRAP Type& lamellar_value) {         \
    return ::std::tie(LAMELLAR_MAP(LAMELLAR_FIELD_OF __VA_OPT__(, ) __VA_ARGS__));                \
  }                                                                                               \
  template <LAMELLAR_UNWRAP Parameters>                                                           \
  constexpr auto lamellar_fields([[maybe_unused]] const LAMELLAR_UNWRAP Type& lamellar_value) {   \
    using LamellarType = LAMELLAR_UNWRAP Type;                                                    \
    static_assert(::lamellar::detail::check_fields<LamellarType>(                                 \
        lamellar_field_types(::std::type_identity<LamellarType>{})));                             \
    __VA_OPT__([[maybe_unused]] const auto& [LAMELLAR_MAP(LAMELLAR_FIELD_NAME, __VA_ARGS__)] =    \
                   lamellar_value;)                                                               \
    return ::std::tie(LAMELLAR_MAP(LAMELLAR_FIELD_OF __VA_OPT__(, ) __VA_ARGS__));                \
  }                                                                                               \
  static_assert(true)
