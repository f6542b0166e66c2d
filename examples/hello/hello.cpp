// The smallest program: every PE greets its neighbour and waits for the answer.
#include <cstdio>
#include <lamellar/world.hpp>
#include <string>

struct Hello {
  std::string text;
  lamellar::Pe from;
  std::string exec(lamellar::Context& ctx) const {
    return text + " " + std::to_string(from) + ", this is PE " + std::to_string(ctx.my_pe());
  }
};
LAMELLAR_AM(Hello, text, from);

int main(int argc, char** argv) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
    const auto answer = world.exec_am_pe<Hello>(next, "hello from PE", world.my_pe()).block();
    std::printf("PE %u got: %s\n", world.my_pe(), answer.c_str());
    return 0;
  });
}
