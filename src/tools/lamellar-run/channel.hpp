#pragma once
// What lamellar-run and its agent on another host say to each other over one connection: a line of
// words, with bytes behind it where it says bytes=N.
//
//   to the agent    job dir=.. first=.. pes=.. here=.. pin=.. var=..,.. arg=..,..
//                   pmi pe=.. bytes=N | input bytes=N (0: its end) | signal n=..
//   from the agent  ready host=.. | pmi pe=.. bytes=N | output pe=.. stream=.. bytes=N
//                   more (input is wanted) | started pe=.. pid=.. | ended pe=.. how=..
//                   failed pe=.. error=.. step=..
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lamellae/bootstrap/wire_line.hpp"

namespace lamellar::tools {

// Text and lists of texts as values of a line.
std::string in_line(const std::vector<std::string>& texts);
std::vector<std::string> out_of_line(std::string_view value);

class Channel {
 public:
  // Both may be the same. It does not close them.
  Channel(int from, int to) : from_(from), to_(to) {}

  // False when nobody takes it any more. BLOCKS: while the other side does not read.
  bool send(const lamellae::WireLine& line) { return send_text(line.text()); }
  // Adds bytes=N to the line.
  bool send(lamellae::WireLine line, std::string_view bytes);

  // Takes what has come, and gives what is complete. BLOCKS: when nothing is there.
  // False at the end, or when it is no such talk.
  using Take = std::function<void(const lamellae::WireLine& line, const std::string& bytes)>;
  bool receive(const Take& take);

 private:
  bool send_text(const std::string& text);

  int from_;
  int to_;
  std::string input_;
};

}  // namespace lamellar::tools
