#include "tools/lamellar-run/pmi_server.hpp"

#include <algorithm>
#include <utility>

namespace lamellar::tools {

using lamellae::WireLine;

namespace {

constexpr std::size_t kLongestLine = 1 << 16;
constexpr std::uint64_t kLongestKey = 64;
constexpr std::uint64_t kLongestValue = 32768;

}  // namespace

PmiServer::PmiServer(unsigned pes, const std::string& space, Send send)
    : space_(space), send_(std::move(send)), pes_(pes) {
  values_["PMI_process_mapping"] = "(vector,(0,1," + std::to_string(pes) + "))";
}

bool PmiServer::receive(unsigned pe, std::string_view bytes) {
  std::string& input = pes_[pe].input;
  input += bytes;
  for (std::size_t end = input.find('\n'); end != std::string::npos; end = input.find('\n')) {
    const std::string text = input.substr(0, end);
    input.erase(0, end + 1);
    line(pe, text);
  }
  return input.size() <= kLongestLine;
}

bool PmiServer::somebody_is_in() const {
  return std::any_of(pes_.begin(), pes_.end(), [](const Pe& pe) { return pe.in; });
}

void PmiServer::line(unsigned pe, std::string_view text) {
  const WireLine request = WireLine::parse(text);
  const std::string_view command = request.command();
  if (command == "init") {
    pes_[pe].in = pes_[pe].ever = true;
    WireLine reply("response_to_init");
    answer(pe, reply.add("pmi_version", 1).add("pmi_subversion", 1).add("rc", 0));
  } else if (command == "get_maxes") {
    WireLine reply("maxes");
    answer(pe, reply.add("kvsname_max", 256)
                   .add("keylen_max", kLongestKey)
                   .add("vallen_max", kLongestValue));
  } else if (command == "get_appnum") {
    answer(pe, WireLine("appnum").add("appnum", 0));
  } else if (command == "get_universe_size") {
    answer(pe, WireLine("universe_size").add("size", pes_.size()));
  } else if (command == "get_my_kvsname") {
    answer(pe, WireLine("my_kvsname").add("kvsname", space_));
  } else if (command == "put") {
    put(pe, request);
  } else if (command == "get") {
    get(pe, request);
  } else if (command == "barrier_in") {
    barrier(pe);
  } else if (command == "finalize") {
    pes_[pe].in = false;
    answer(pe, WireLine("finalize_ack"));
  } else if (command == "abort") {
    abort(pe, request);
  } else if (command == "blame") {
    if (const auto culprit = request.number("pe"); culprit && *culprit < pes_.size())
      pes_[pe].blames = static_cast<unsigned>(*culprit);
  } else if (command == "ends") {
    pes_[pe].ends = lamellae::from_text(request.value("how")).value_or("");
  }
}

void PmiServer::put(unsigned pe, const WireLine& request) {
  const std::string key(request.value("key"));
  WireLine reply("put_result");
  if (key.empty() || key.size() > kLongestKey || request.value("value").size() > kLongestValue) {
    answer(pe, reply.add("rc", "-1").add("msg", "too_long"));
  } else if (!values_.emplace(key, request.value("value")).second) {
    answer(pe, reply.add("rc", "-1").add("msg", "duplicate_key"));
  } else {
    answer(pe, reply.add("rc", 0).add("msg", "success"));
  }
}

void PmiServer::get(unsigned pe, const WireLine& request) {
  WireLine reply("get_result");
  const auto found = values_.find(request.value("key"));
  if (found == values_.end()) {
    answer(pe, reply.add("rc", "-1").add("msg", "key_not_found").add("value", "unknown"));
  } else {
    answer(pe, reply.add("rc", 0).add("msg", "success").add("value", found->second));
  }
}

void PmiServer::barrier(unsigned pe) {
  if (abandoned_) return refuse_barrier(pe);
  if (pes_[pe].waits) return;
  pes_[pe].waits = true;
  if (++waiting_ < pes_.size()) return;
  waiting_ = 0;
  for (unsigned each = 0; each < pes_.size(); ++each) {
    pes_[each].waits = false;
    answer(each, WireLine("barrier_out").add("rc", 0));
  }
}

void PmiServer::refuse_barrier(unsigned pe) {
  pes_[pe].waits = false;
  if (pe != abandoned_->pe) pes_[pe].blames = abandoned_->pe;
  WireLine reply("barrier_out");
  answer(pe, reply.add("rc", "-1").add("pe", abandoned_->pe).add("why", abandoned_->why));
}

void PmiServer::abort(unsigned pe, const WireLine& request) {
  if (abandoned_) {
    if (abandoned_->pe != pe) pes_[pe].blames = abandoned_->pe;
    return;
  }
  abandoned_ = {pe, std::string(request.value("why"))};
  for (unsigned each = 0; each < pes_.size(); ++each)
    if (pes_[each].waits) refuse_barrier(each);
}

}  // namespace lamellar::tools
