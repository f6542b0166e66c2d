// EXPECT: this type is no active message: write LAMELLAR_AM
#include <lamellar/am.hpp>

struct Ping {
  int number;
  void exec(lamellar::Context&) const {}
};

void send(lamellar::World& world) { world.exec_am_pe<Ping>(1, 3).detach(); }
