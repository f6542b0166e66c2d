#include <lamellar/am.hpp>
#include <string>

struct Ping {
  int number;
  // Sends its own type, before the macro below is seen.
  void exec(lamellar::Context& ctx) const {
    if (number > 0) ctx.world().exec_am_pe<Ping>(ctx.source_pe(), number - 1).detach();
  }
};
LAMELLAR_AM(Ping, number);

struct Walk {
  std::string path;
  lamellar::Task<std::string> exec(lamellar::Context& ctx) const {
    co_return co_await ctx.world().exec_am_pe<Walk>(0, path + "x");
  }
};
LAMELLAR_AM(Walk, path);

void send(lamellar::World& world) {
  world.exec_am_pe<Ping>(1, 3).detach();
  static_cast<void>(world.exec_am_pe<Walk>(1, "x").block());
}
