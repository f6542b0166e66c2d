// EXPECT: shared_ptr, weak_ptr, and unique_ptr
#include <memory>

#include <lamellar/serialize.hpp>

struct Shape {
  virtual ~Shape() = default;
  int id = 0;
};
LAMELLAR_FIELDS(Shape, id);

struct Message {
  std::unique_ptr<Shape> shape;
};
LAMELLAR_FIELDS(Message, shape);
