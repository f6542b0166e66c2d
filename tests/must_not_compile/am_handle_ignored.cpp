// EXPECT: nothing runs until the handle is started
#pragma GCC diagnostic error "-Wunused-result"
#include <lamellar/am.hpp>

struct Ping {
  int number;
  void exec(lamellar::Context&) const {}
};
LAMELLAR_AM(Ping, number);

void send(lamellar::World& world) { world.exec_am_pe<Ping>(1, 3); }
