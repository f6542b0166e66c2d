#pragma once
// The server's side of the PMI-1 wire protocol for PEs of one host.
//
// Beyond the protocol: `finalize` may be followed by another `init`; `abort` may say why=TEXT and
// ends the others' barriers with rc=-1 instead of killing them; `blame pe=N` says that the PE ends
// because PE N failed; of itself, that it has written why. `ends how=TEXT` says how it ends itself.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lamellae/bootstrap/wire_line.hpp"

namespace lamellar::tools {

// A pure state machine: text comes in, text goes out.
class PmiServer {
 public:
  using Send = std::function<void(unsigned pe, const std::string& text)>;
  // space: the name of the key space. send: gets the answers.
  PmiServer(unsigned pes, const std::string& space, Send send);

  // Bytes of a PE, in pieces of any size. False when they are no such protocol: hang up.
  bool receive(unsigned pe, std::string_view bytes);

  // It said init and not finalize after it: it takes part in the job now.
  bool is_in(unsigned pe) const { return pes_[pe].in; }
  bool ever_was_in(unsigned pe) const { return pes_[pe].ever; }
  bool somebody_is_in() const;
  // The PE whose failure this one ends for.
  std::optional<unsigned> blames(unsigned pe) const { return pes_[pe].blames; }
  // It has written itself why it fails: it blames itself.
  bool said_why(unsigned pe) const { return pes_[pe].blames == pe; }
  // How it said that it ends; empty when it did not.
  const std::string& said_how(unsigned pe) const { return pes_[pe].ends; }
  // Why it said abort; null when it did not, or another did before.
  const std::string* abandoned_because(unsigned pe) const {
    return abandoned_ && abandoned_->pe == pe ? &abandoned_->why : nullptr;
  }

 private:
  struct Pe {
    std::string input;
    bool in = false;
    bool ever = false;
    bool waits = false;  // in the barrier
    std::optional<unsigned> blames;
    std::string ends;
  };
  struct Abandoned {
    unsigned pe = 0;
    std::string why;
  };

  void line(unsigned pe, std::string_view text);
  void put(unsigned pe, const lamellae::WireLine& request);
  void get(unsigned pe, const lamellae::WireLine& request);
  void barrier(unsigned pe);
  void refuse_barrier(unsigned pe);
  void abort(unsigned pe, const lamellae::WireLine& request);
  void answer(unsigned pe, const lamellae::WireLine& line) { send_(pe, line.text()); }

  std::string space_;
  Send send_;
  std::vector<Pe> pes_;
  unsigned waiting_ = 0;
  std::map<std::string, std::string, std::less<>> values_;
  std::optional<Abandoned> abandoned_;
};

}  // namespace lamellar::tools
