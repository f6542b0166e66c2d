#include "engine/am/failure.hpp"

#include <cxxabi.h>

#include <cstdint>
#include <cstdlib>
#include <lamellar/error.hpp>
#include <memory>
#include <typeinfo>

namespace lamellar::engine {
namespace {

std::string demangled_current_type() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "unknown type";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type->name();
}

void put_text(detail::SpanWriter& to, const std::string& text) {
  to.put_value(static_cast<std::uint32_t>(text.size()));
  to.put(text.data(), text.size());
}

bool take_text(detail::SpanReader& from, std::string& text) {
  std::uint32_t size = 0;
  if (!from.take_value(size)) return false;
  const std::byte* const bytes = from.take_view(size);
  if (bytes == nullptr) return false;
  text.assign(reinterpret_cast<const char*>(bytes), size);
  return true;
}

}  // namespace

FailureText describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return {demangled_current_type(), known.what()};
  } catch (const char* text) {
    return {demangled_current_type(), text};
  } catch (const std::string& text) {
    return {demangled_current_type(), text};
  } catch (...) {
    return {demangled_current_type(), "(not a std::exception: no text)"};
  }
}

void encode_failure(const void* body, detail::SpanWriter& to) {
  const auto& failure = *static_cast<const FailureBody*>(body);
  put_text(to, failure.text.type);
  put_text(to, failure.text.what);
  put_text(to, failure.am);
  to.put_value(failure.pe);
}

std::exception_ptr decode_failure(detail::SpanReader& from) {
  FailureBody body;
  if (!take_text(from, body.text.type) || !take_text(from, body.text.what) ||
      !take_text(from, body.am) || !from.take_value(body.pe))
    return std::make_exception_ptr(DecodeError("the description of a remote exception is cut off"));
  return std::make_exception_ptr(
      RemoteError(body.text.type, body.text.what, body.pe, body.am));
}

}  // namespace lamellar::engine
