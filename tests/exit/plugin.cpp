// A library with a type of its own, loaded by plugin_program.
#include <lamellar/world.hpp>

#ifndef LML_PLUGIN_ANSWER
#define LML_PLUGIN_ANSWER 41
#endif

struct OfPlugin {
  int value;
  int exec(lamellar::Context& ctx) const {
    return value + LML_PLUGIN_ANSWER + static_cast<int>(ctx.my_pe());
  }
};
LAMELLAR_AM(OfPlugin, value);

extern "C" __attribute__((visibility("default"))) int lml_plugin_ask(lamellar::World* world) {
  return world->exec_am_pe<OfPlugin>(1, 100).block();
}
