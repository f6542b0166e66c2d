// Exceptions travel: to whoever waits, or to the error handler when nobody does.
#include <atomic>
#include <cstdio>
#include <exception>
#include <lamellar/world.hpp>
#include <stdexcept>

struct Divide {
  int number;
  int by;
  int exec(lamellar::Context&) const {
    if (by == 0) throw std::domain_error("division by zero");
    return number / by;
  }
};
LAMELLAR_AM(Divide, number, by);

int main(int argc, char** argv) {
  std::atomic<unsigned> unseen{0};
  lamellar::WorldBuilder builder;
  builder.on_error([&unseen](const std::exception_ptr&) { ++unseen; });  // default: end the job

  const int status = builder.launch(argc, argv, [](lamellar::World& world) {
    const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
    try {
      world.exec_am_pe<Divide>(next, 1, 0).block();
      return 1;  // not reached
    } catch (const lamellar::RemoteError& error) {
      std::printf("%s threw on PE %u: %s\n", error.am().c_str(), error.pe(),
                  error.remote_what().c_str());
    }
    world.exec_am_pe<Divide>(next, 1, 0).detach();  // nobody waits: goes to the handler
    return 0;
  });
  std::printf("%u failures that nobody waited for\n", unseen.load());
  return unseen != 0 ? status : 1;
}
