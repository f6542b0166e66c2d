// The counting: what every PE does with its share.
#pragma once

#include <lamellar/world.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "messages.hpp"
#include "output.hpp"
#include "reader.hpp"
#include "table.hpp"
#include "words.hpp"

namespace wordcount {

// Reads one PE's share and sends its words.
class Sender {
 public:
  Sender(lamellar::World& world, const TableOfPe& table, bool combine)
      : world_(world), table_(table), combine_(combine) {}

  PeReport send_all(const Share& share) {
    std::uint64_t expected = 0;
    for (const Piece& piece : share) expected += piece.text_bytes;
    Progress progress(world_.my_pe() == 0, expected);
    const Reading reading{[this](std::string_view word) { take(word); },
                          [this, &progress](std::uint64_t bytes) {
                            report_.text_bytes += bytes;
                            progress.show(report_.words, report_.text_bytes);
                          }};
    for (const Piece& piece : share) read_or_note(piece, reading);
    flush();
    world_.wait_all();
    return std::move(report_);
  }

 private:
  void read_or_note(const Piece& piece, const Reading& reading) {
    try {
      read_piece(piece, reading);
    } catch (const InputError& error) {
      report_.failures.push_back({piece.path, error.what()});
    }
  }

  void take(std::string_view word) {
    ++report_.words;
    if (!combine_) {
      send(word, 1);
    } else if (combiner_.add(word)) {
      flush();
    }
  }

  void flush() {
    combiner_.flush([this](std::string_view word, std::uint64_t count) { send(word, count); });
  }

  void send(std::string_view word, std::uint64_t count) {
    const lamellar::Pe owner = owner_of(word, world_.num_pes());
    world_.exec_am_pe<CountWord>(owner, table_, std::string(word), count).detach();
    ++report_.sent;
    if (owner != world_.my_pe()) ++report_.sent_to_others;
  }

  lamellar::World& world_;
  const TableOfPe& table_;
  const bool combine_;
  Combiner combiner_;
  PeReport report_;
};

}  // namespace wordcount
