#include "lamellae/api/lamella.hpp"

namespace lamellar::lamellae {

static_assert(sizeof(FrameRef) == 8 && sizeof(RunState) == 4);
static_assert(sizeof(OpenFrame) == 32);

}  // namespace lamellar::lamellae
