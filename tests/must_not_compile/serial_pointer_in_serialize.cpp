// EXPECT: a pointer cannot be sent
#include <lamellar/serialize.hpp>

struct Message {
  int* target = nullptr;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(target);
  }
};

void use(const Message& message, lamellar::detail::SpanWriter& out) {
  lamellar::detail::encode(message, out);
}
