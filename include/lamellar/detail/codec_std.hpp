#pragma once
// The encodings of the standard types. Counts are as in put_count.
//   string, vector, deque, list, set, map ...  count, elements (vector<bool>: count, packed bits)
//   array, pair, tuple                         the elements
//   optional, unique_ptr                       0, or 1 and the value
//   variant                                    one byte index, the value

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <lamellar/detail/codec.hpp>

namespace lamellar::detail {

// ---- arrays, pairs, tuples: a fixed number of elements, no count -------------------------------

template <class T, std::size_t n>
struct ArrayCodec {
  using culprit = typename Codec<T>::culprit;
  static consteval bool trivial() { return n > 0 && Codec<T>::trivial(); }
  static consteval std::size_t fixed_size() {
    const std::size_t element = Codec<T>::fixed_size();
    return n == 0 ? 0 : element == kVariable ? kVariable : n * element;
  }
  static consteval bool may_be_empty() { return n == 0 || Codec<T>::may_be_empty(); }
  static void put_array(Encoder& to, const T* values) {
    if constexpr (trivial()) {
      to.out.put(values, n * sizeof(T));
    } else {
      for (std::size_t i = 0; i < n; ++i) Codec<T>::put(to, values[i]);
    }
  }
  static void get_array(Decoder& from, T* values) {
    if constexpr (trivial()) {
      take_or_throw(from.in, values, n * sizeof(T));
    } else {
      for (std::size_t i = 0; i < n; ++i) Codec<T>::get(from, values[i]);
    }
  }
  static Skip skip(SpanReader& in, unsigned depth) {
    if constexpr (fixed_size() != kVariable) {
      return skip_bytes(in, fixed_size());
    } else {
      Skip result = Skip::kOk;
      for (std::size_t i = 0; i < n && result == Skip::kOk; ++i) result = Codec<T>::skip(in, depth);
      return result;
    }
  }
};

template <class T, std::size_t n>
struct Codec<T[n]> : ArrayCodec<T, n> {
  static void put(Encoder& to, const T (&value)[n]) { Codec::put_array(to, value); }
  static void get(Decoder& from, T (&value)[n]) { Codec::get_array(from, value); }
};

template <class T, std::size_t n>
struct Codec<std::array<T, n>> : ArrayCodec<T, n> {
  static void put(Encoder& to, const std::array<T, n>& value) {
    Codec::put_array(to, value.data());
  }
  static void get(Decoder& from, std::array<T, n>& value) { Codec::get_array(from, value.data()); }
};

template <class Tuple, class... Ts>
struct TupleCodec {
  using culprit = first_culprit_t<Ts...>;
  static consteval bool trivial() { return false; }
  static consteval std::size_t fixed_size() { return sum_of_fixed_sizes<Ts...>(); }
  static consteval bool may_be_empty() { return (Codec<Ts>::may_be_empty() && ...); }
  static void put(Encoder& to, const Tuple& value) {
    std::apply([&](const Ts&... parts) { (Codec<Ts>::put(to, parts), ...); }, value);
  }
  static void get(Decoder& from, Tuple& value) {
    std::apply([&](Ts&... parts) { (Codec<Ts>::get(from, parts), ...); }, value);
  }
  static Skip skip(SpanReader& in, unsigned depth) {
    if constexpr (fixed_size() != kVariable) {
      return skip_bytes(in, fixed_size());
    } else {
      return skip_all<Ts...>(in, depth);
    }
  }
};

template <class... Ts>
struct Codec<std::tuple<Ts...>> : TupleCodec<std::tuple<Ts...>, Ts...> {};
template <class A, class B>
struct Codec<std::pair<A, B>> : TupleCodec<std::pair<A, B>, A, B> {};

// ---- strings and vectors: one block of memory --------------------------------------------------

template <class C, class R, class A>
struct Codec<std::basic_string<C, R, A>> : VariableCodec {
  using String = std::basic_string<C, R, A>;
  using culprit = NoCulprit;
  static void put(Encoder& to, const String& value) {
    put_count(to.out, value.size());
    to.out.put(value.data(), value.size() * sizeof(C));
  }
  static void get(Decoder& from, String& value) {
    const std::size_t size = get_count<C>(from);
    if constexpr (sizeof(C) == 1) {
      value.assign(reinterpret_cast<const C*>(from.in.take_view(size)), size);
    } else {
      value.resize(size);
      take_or_throw(from.in, value.data(), size * sizeof(C));
    }
  }
  static Skip skip(SpanReader& in, unsigned depth) { return skip_counted<C>(in, depth); }
};

template <class T, class A>
struct Codec<std::vector<T, A>> : VariableCodec {
  using Vector = std::vector<T, A>;
  using culprit = typename Codec<T>::culprit;
  static void put(Encoder& to, const Vector& value) {
    const DepthScope depth(to.depth, false);
    put_count(to.out, value.size());
    if constexpr (Codec<T>::trivial()) {
      to.out.put(value.data(), value.size() * sizeof(T));
    } else {
      for (const T& element : value) put_element(to, element);
    }
  }
  static void get(Decoder& from, Vector& value) {
    const DepthScope depth(from.depth, true);
    const std::size_t count = get_count<T>(from);
    if constexpr (Codec<T>::trivial()) {
      get_block(from, value, count);
    } else {
      get_elements(from, value, count);
    }
  }
  static Skip skip(SpanReader& in, unsigned depth) { return skip_counted<T>(in, depth); }

 private:
  // The bytes are there (get_count): one exact allocation, one copy when they are aligned.
  static void get_block(Decoder& from, Vector& value, std::size_t count) {
    const std::byte* bytes = from.in.at;
    if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(T) == 0) {
      const T* first = reinterpret_cast<const T*>(bytes);
      value.assign(first, first + count);
      from.in.at += count * sizeof(T);
    } else {
      value.resize(count);
      take_or_throw(from.in, value.data(), count * sizeof(T));
    }
  }
  static void get_elements(Decoder& from, Vector& value, std::size_t count) {
    const VerifiedScope scope(from, VerifiedScope::look_ahead<T>(from, count));
    constexpr std::size_t kFirst = sizeof(T) < 4096 ? 4096 / sizeof(T) : 1;
    value.clear();
    value.reserve(scope.exact() ? count : std::min(count, kFirst));
    for (std::size_t i = 0; i < count; ++i) {
      if (value.size() == value.capacity()) value.reserve(std::min(count, 2 * value.size()));
      get_element(from, value.emplace_back());
    }
  }
};

template <class A>
struct Codec<std::vector<bool, A>> : VariableCodec {
  using Vector = std::vector<bool, A>;
  using culprit = NoCulprit;
  static void put(Encoder& to, const Vector& value) {
    put_count(to.out, value.size());
    for (std::size_t i = 0; i < value.size(); i += 8) {
      unsigned byte = 0;
      for (std::size_t bit = 0; bit < 8 && i + bit < value.size(); ++bit) {
        byte |= (value[i + bit] ? 1u : 0u) << bit;
      }
      const auto out = static_cast<std::byte>(byte);
      to.out.put(&out, 1);
    }
  }
  static void get(Decoder& from, Vector& value) {
    std::uint64_t count = 0;
    if (!take_count(from.in, count)) throw_truncated(1, from.in.remaining());
    if (bytes_of(count) > from.in.remaining()) throw_bad_count(count, from.in.remaining());
    const std::byte* bytes = from.in.take_view(bytes_of(count));
    value.clear();
    value.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      value[i] = (std::to_integer<unsigned>(bytes[i / 8]) >> (i % 8) & 1u) != 0;
    }
  }
  static Skip skip(SpanReader& in, unsigned) {
    std::uint64_t count = 0;
    return take_count(in, count) ? skip_bytes(in, bytes_of(count)) : Skip::kBad;
  }

 private:
  static std::size_t bytes_of(std::uint64_t bits) { return bits / 8 + (bits % 8 != 0 ? 1 : 0); }
};

template <std::size_t n>
struct Codec<std::bitset<n>> {
  using culprit = NoCulprit;
  static constexpr std::size_t kBytes = (n + 7) / 8;
  static consteval bool trivial() { return false; }
  static consteval std::size_t fixed_size() { return kBytes; }
  static consteval bool may_be_empty() { return n == 0; }
  static void put(Encoder& to, const std::bitset<n>& value) {
    std::byte bytes[kBytes + 1] = {};
    for (std::size_t i = 0; i < n; ++i) {
      if (value[i]) bytes[i / 8] |= std::byte{1} << (i % 8);
    }
    to.out.put(bytes, kBytes);
  }
  static void get(Decoder& from, std::bitset<n>& value) {
    std::byte bytes[kBytes + 1] = {};
    take_or_throw(from.in, bytes, kBytes);
    for (std::size_t i = 0; i < n; ++i) {
      value[i] = (bytes[i / 8] >> (i % 8) & std::byte{1}) != std::byte{0};
    }
  }
  static Skip skip(SpanReader& in, unsigned) { return skip_bytes(in, kBytes); }
};

// ---- containers that grow element by element ----------------------------------------------------

// Element: what is decoded and put in at the end.
template <class Container, class Element>
struct SequenceCodec : VariableCodec {
  using culprit = typename Codec<Element>::culprit;
  static void put(Encoder& to, const Container& value) {
    const DepthScope depth(to.depth, false);
    put_count(to.out, value.size());
    for (const Element& element : value) put_element(to, element);
  }
  static void get(Decoder& from, Container& value) {
    const DepthScope depth(from.depth, true);
    const std::size_t count = get_count<Element>(from);
    value.clear();
    for (std::size_t i = 0; i < count; ++i) {
      if constexpr (requires { value.emplace_back(); }) {
        get_element(from, value.emplace_back());
      } else {
        Element element{};
        get_element(from, element);
        value.insert(value.end(), std::move(element));
      }
    }
  }
  static Skip skip(SpanReader& in, unsigned depth) { return skip_counted<Element>(in, depth); }
};

template <class T, class A>
struct Codec<std::deque<T, A>> : SequenceCodec<std::deque<T, A>, T> {};
template <class T, class A>
struct Codec<std::list<T, A>> : SequenceCodec<std::list<T, A>, T> {};
template <class T, class C, class A>
struct Codec<std::set<T, C, A>> : SequenceCodec<std::set<T, C, A>, T> {};
template <class T, class C, class A>
struct Codec<std::multiset<T, C, A>> : SequenceCodec<std::multiset<T, C, A>, T> {};
template <class T, class H, class E, class A>
struct Codec<std::unordered_set<T, H, E, A>> : SequenceCodec<std::unordered_set<T, H, E, A>, T> {};
template <class T, class H, class E, class A>
struct Codec<std::unordered_multiset<T, H, E, A>>
    : SequenceCodec<std::unordered_multiset<T, H, E, A>, T> {};

template <class Container, class K, class V>
struct MapCodec : VariableCodec {
  using Element = std::pair<K, V>;
  using culprit = first_culprit_t<K, V>;
  static void put(Encoder& to, const Container& value) {
    const DepthScope depth(to.depth, false);
    put_count(to.out, value.size());
    for (const auto& [key, mapped] : value) {
      Codec<K>::put(to, key);
      Codec<V>::put(to, mapped);
      if constexpr (kElementPadding<Element> != 0) put_padding(to, kElementPadding<Element>);
    }
  }
  static void get(Decoder& from, Container& value) {
    const DepthScope depth(from.depth, true);
    const std::size_t count = get_count<Element>(from);
    value.clear();
    for (std::size_t i = 0; i < count; ++i) {
      Element element{};
      get_element(from, element);
      value.insert(value.end(), std::move(element));
    }
  }
  static Skip skip(SpanReader& in, unsigned depth) { return skip_counted<Element>(in, depth); }
};

template <class K, class V, class C, class A>
struct Codec<std::map<K, V, C, A>> : MapCodec<std::map<K, V, C, A>, K, V> {};
template <class K, class V, class C, class A>
struct Codec<std::multimap<K, V, C, A>> : MapCodec<std::multimap<K, V, C, A>, K, V> {};
template <class K, class V, class H, class E, class A>
struct Codec<std::unordered_map<K, V, H, E, A>>
    : MapCodec<std::unordered_map<K, V, H, E, A>, K, V> {};
template <class K, class V, class H, class E, class A>
struct Codec<std::unordered_multimap<K, V, H, E, A>>
    : MapCodec<std::unordered_multimap<K, V, H, E, A>, K, V> {};

// ---- one value or none, one of several ----------------------------------------------------------

// g++ 12 sees an uninitialized value in what an empty optional would destroy when it is reset.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
template <class Holder, class T>
struct MaybeCodec : VariableCodec {
  using culprit = typename Codec<T>::culprit;
  static void put(Encoder& to, const Holder& value) {
    const DepthScope depth(to.depth, false);
    Codec<bool>::put(to, static_cast<bool>(value));
    if (value) Codec<T>::put(to, *value);
  }
  static void get(Decoder& from, Holder& value) {
    const DepthScope depth(from.depth, true);
    bool present = false;
    Codec<bool>::get(from, present);
    value.reset();
    if (!present) return;
    if constexpr (requires { value.emplace(); }) {
      value.emplace();
    } else {
      value = std::make_unique<T>();
    }
    Codec<T>::get(from, *value);
  }
  static Skip skip(SpanReader& in, unsigned depth) {
    std::uint8_t present = 0;
    if (depth >= kMaxDepth || !in.take(&present, 1) || present > 1) return Skip::kBad;
    return present != 0 ? Codec<T>::skip(in, depth + 1) : Skip::kOk;
  }
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class T>
struct Codec<std::optional<T>> : MaybeCodec<std::optional<T>, T> {};

template <class T>
  requires(!std::is_array_v<T>)
struct Codec<std::unique_ptr<T>> : MaybeCodec<std::unique_ptr<T>, T> {
  using culprit = std::conditional_t<std::is_polymorphic_v<T>, std::unique_ptr<T>,
                                     typename MaybeCodec<std::unique_ptr<T>, T>::culprit>;
};
template <class T>
struct Codec<std::shared_ptr<T>> : VariableCodec {
  using culprit = std::shared_ptr<T>;
};
template <class T>
struct Codec<std::weak_ptr<T>> : VariableCodec {
  using culprit = std::weak_ptr<T>;
};

template <class... Ts>
struct Codec<std::variant<Ts...>> : VariableCodec {
  using Variant = std::variant<Ts...>;
  using culprit = first_culprit_t<Ts...>;
  static_assert(sizeof...(Ts) < 256, "a variant of up to 255 types can be sent");
  static void put(Encoder& to, const Variant& value) {
    if (value.valueless_by_exception()) throw_valueless_variant();
    const auto index = static_cast<std::uint8_t>(value.index());
    to.out.put(&index, 1);
    std::visit([&to]<class T>(const T& held) { Codec<T>::put(to, held); }, value);
  }
  static void get(Decoder& from, Variant& value) {
    std::uint8_t index = 0;
    take_or_throw(from.in, &index, 1);
    if (index >= sizeof...(Ts)) throw_bad_value("the index of a variant", index);
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (void)((index == i ? (Codec<Ts>::get(from, value.template emplace<i>()), true) : false) ||
             ...);
    }(std::index_sequence_for<Ts...>{});
  }
  static Skip skip(SpanReader& in, unsigned depth) {
    std::uint8_t index = 0;
    if (!in.take(&index, 1) || index >= sizeof...(Ts)) return Skip::kBad;
    Skip result = Skip::kBad;
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (void)((index == i ? (result = Codec<Ts>::skip(in, depth), true) : false) || ...);
    }(std::index_sequence_for<Ts...>{});
    return result;
  }
};

}  // namespace lamellar::detail
