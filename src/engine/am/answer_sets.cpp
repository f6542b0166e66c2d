#include "engine/am/answer_sets.hpp"

#include <utility>

namespace lamellar::engine {

detail::RequestId AnswerSets::open(detail::FutureCore& state, Pe me, Pe num_pes,
                                   detail::ArriveFn arrive) {
  Set set{&state, arrive, num_pes - 1, std::vector<bool>(num_pes, true)};
  set.missing[me] = false;
  base::Lock lock(mutex_);
  while (!sets_.try_emplace(++last_, std::move(set)).second) {
  }
  state.retain();
  opened_.fetch_add(num_pes - 1);
  return {kSlot, last_};
}

bool AnswerSets::answer(detail::RequestId id, Pe source, detail::SpanReader* value,
                        std::exception_ptr error) noexcept {
  detail::FutureCore* state = nullptr;
  detail::ArriveFn arrive = nullptr;
  {
    base::Lock lock(mutex_);
    const auto found = sets_.find(id.generation);
    if (found == sets_.end() || !found->second.missing[source]) return false;
    Set& set = found->second;
    set.missing[source] = false;
    state = set.state;
    arrive = set.arrive;
    if (--set.left == 0)
      sets_.erase(found);  // its reference goes over to this call
    else
      state->retain();
  }
  arrive(*state, source, value, std::move(error));
  state->release();
  answered_.fetch_add(1);
  return true;
}

void AnswerSets::fail(detail::RequestId id, const std::exception_ptr& error) noexcept {
  Set set;
  {
    base::Lock lock(mutex_);
    const auto found = sets_.find(id.generation);
    if (found == sets_.end()) return;
    set = std::move(found->second);
    sets_.erase(found);
  }
  fail_missing(set, [&] { return error; });
}

void AnswerSets::fail_all(const MakeError& make) noexcept {
  std::map<std::uint32_t, Set> sets;
  {
    base::Lock lock(mutex_);
    sets.swap(sets_);
  }
  for (const auto& [generation, set] : sets) fail_missing(set, make);
}

void AnswerSets::fail_missing(const Set& set, const MakeError& make) noexcept {
  for (Pe pe = 0; pe < set.missing.size(); ++pe)
    if (set.missing[pe]) set.arrive(*set.state, pe, nullptr, make());
  set.state->release();
  answered_.fetch_add(set.left);
}

}  // namespace lamellar::engine
