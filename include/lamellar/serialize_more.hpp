#pragma once
// serialize.hpp, and standard types whose headers take long to compile: chrono, complex,
// forward_list.

#include <chrono>
#include <complex>
#include <cstddef>
#include <forward_list>
#include <iterator>

#include <lamellar/serialize.hpp>

namespace lamellar::detail {

// A type that is one number inside.
template <class T, class Number>
struct NumberCodec {
  using culprit = typename Codec<Number>::culprit;
  static consteval bool trivial() {
    return Codec<Number>::trivial() && sizeof(T) == sizeof(Number) &&
           std::is_trivially_copyable_v<T>;
  }
  static consteval std::size_t fixed_size() { return Codec<Number>::fixed_size(); }
  static consteval bool may_be_empty() { return Codec<Number>::may_be_empty(); }
  static Skip skip(SpanReader& in, unsigned depth) { return Codec<Number>::skip(in, depth); }
};

template <class R, class P>
struct Codec<std::chrono::duration<R, P>> : NumberCodec<std::chrono::duration<R, P>, R> {
  static void put(Encoder& to, const std::chrono::duration<R, P>& value) {
    Codec<R>::put(to, value.count());
  }
  static void get(Decoder& from, std::chrono::duration<R, P>& value) {
    R count{};
    Codec<R>::get(from, count);
    value = std::chrono::duration<R, P>(count);
  }
};

template <class C, class D>
struct Codec<std::chrono::time_point<C, D>> : NumberCodec<std::chrono::time_point<C, D>, D> {
  static void put(Encoder& to, const std::chrono::time_point<C, D>& value) {
    Codec<D>::put(to, value.time_since_epoch());
  }
  static void get(Decoder& from, std::chrono::time_point<C, D>& value) {
    D since{};
    Codec<D>::get(from, since);
    value = std::chrono::time_point<C, D>(since);
  }
};

template <class R>
struct Codec<std::complex<R>> : NumberCodec<std::complex<R>, R[2]> {
  static void put(Encoder& to, const std::complex<R>& value) {
    const R parts[2] = {value.real(), value.imag()};
    Codec<R[2]>::put(to, parts);
  }
  static void get(Decoder& from, std::complex<R>& value) {
    R parts[2] = {};
    Codec<R[2]>::get(from, parts);
    value = {parts[0], parts[1]};
  }
};

template <class T, class A>
struct Codec<std::forward_list<T, A>> : VariableCodec {
  using culprit = typename Codec<T>::culprit;
  static void put(Encoder& to, const std::forward_list<T, A>& value) {
    const DepthScope depth(to.depth, false);
    put_count(to.out, static_cast<std::size_t>(std::distance(value.begin(), value.end())));
    for (const T& element : value) put_element(to, element);
  }
  static void get(Decoder& from, std::forward_list<T, A>& value) {
    const DepthScope depth(from.depth, true);
    const std::size_t count = get_count<T>(from);
    value.clear();
    auto last = value.before_begin();
    for (std::size_t i = 0; i < count; ++i) {
      last = value.emplace_after(last);
      get_element(from, *last);
    }
  }
  static Skip skip(SpanReader& in, unsigned depth) { return skip_counted<T>(in, depth); }
};

}  // namespace lamellar::detail
