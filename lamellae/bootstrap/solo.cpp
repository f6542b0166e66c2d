#include "lamellae/bootstrap/bootstrap.hpp"

namespace lamellar::lamellae {
namespace {

class Solo final : public Bootstrap {
 public:
  Pe rank() const noexcept override { return 0; }
  Pe size() const noexcept override { return 1; }
  std::vector<std::string> allgather(const std::string& mine) override { return {mine}; }
  void abandon(const std::string&) noexcept override {}
  std::vector<Pe> host_mates() const override { return {0}; }
  const char* launcher() const noexcept override { return "solo"; }
};

}  // namespace

std::unique_ptr<Bootstrap> solo_bootstrap() { return std::make_unique<Solo>(); }

}  // namespace lamellar::lamellae
