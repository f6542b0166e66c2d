#include "lamellae/link/host_links.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <lamellar/error.hpp>
#include <optional>

#include "base/clock/mutex.hpp"
#include "base/helper/helper.hpp"
#include "lamellae/bootstrap/wire_line.hpp"
#include "lamellae/link/meeting.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kLongestWhy = 1024;
// For the note of the lowest group that is left, which prints; then somebody else does.
constexpr std::uint64_t kNoteNs = 400'000'000;

class Links final : public HostLinks {
 public:
  Links(Meeting meeting, const std::vector<std::vector<Pe>>& groups, std::size_t my_group, Pe me,
        LinkOptions options)
      : options_(std::move(options)),
        who_(std::move(meeting.who)),
        strangers_(meeting.strangers),
        my_group_(my_group),
        leads_(groups[my_group][0] == me),
        helper_(base::Helper::shared()),
        links_(groups.size()) {
    for (std::size_t group = 0; group < links_.size(); ++group) {
      links_[group].socket = std::move(meeting.links[group]);
      links_[group].first = groups[group][0];
      links_[group].pes = groups[group].size();
    }
    if (!leads_) return;  // one reader for each end
    for (std::size_t group = 0; group < links_.size(); ++group)
      if (group != my_group_) watch(group);
  }

  ~Links() override {
    leave();
    for (const Link& link : links_)
      if (link.socket.get() >= 0) helper_->unwatch(link.socket.get());
    helper_->cancel(timer_);
  }

  bool announce(Pe culprit, const std::string& why, bool said) noexcept override {
    const base::Lock lock(mutex_);
    if (failed_ || left_) return false;
    failed_ = true;
    tell_all(culprit, why, said);
    return true;
  }

  void leave() noexcept override {
    const base::Lock lock(mutex_);
    if (left_) return;
    left_ = true;
    send_all(WireLine("left").text());
  }

  std::uint64_t strangers() const noexcept override { return strangers_; }

 private:
  struct Link {
    Descriptor socket;  // the own group's is empty
    Pe first = 0;
    std::size_t pes = 0;
    std::size_t left = 0;  // PEs that said so
    bool ended = false;
    std::string input;
  };
  struct Failure {
    Pe culprit = 0;
    std::string why;
    bool said = false;
  };

  void watch(std::size_t group) {
    helper_->watch(links_[group].socket.get(), [this, group] { on_bytes(group); });
  }

  // What follows runs on the helper's thread.

  void on_bytes(std::size_t group) {
    std::optional<Failure> failure;
    bool more = true;
    {
      const base::Lock lock(mutex_);
      Link& link = links_[group];
      more = receive(link);
      for (std::size_t end = link.input.find('\n'); end != std::string::npos;
           end = link.input.find('\n')) {
        if (auto note = line(link, link.input.substr(0, end))) failure = std::move(note);
        link.input.erase(0, end + 1);
      }
      if (link.input.size() > kLongestLine) more = false;
      if (!more) failure = ended(group, std::move(failure));
      failure = once(std::move(failure));
    }
    if (more) watch(group);
    if (failure) conclude(*failure);
  }

  // False at the end, in whatever way it came.
  static bool receive(Link& link) {
    char bytes[4096];
    const ssize_t size = recv(link.socket.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (size > 0) link.input.append(bytes, static_cast<std::size_t>(size));
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
  }

  std::optional<Failure> line(Link& link, const std::string& text) {
    const WireLine note = WireLine::parse(text);
    if (note.command() == "left") ++link.left;
    if (note.command() != "failed") return std::nullopt;
    const auto culprit = note.number("pe");
    if (!culprit || *culprit >= who_.size()) return std::nullopt;
    return Failure{static_cast<Pe>(*culprit), from_text(note.value("why")).value_or("?"),
                   note.number("said") == 1 || lowest_left() != my_group_};
  }

  std::optional<Failure> ended(std::size_t group, std::optional<Failure> failure) {
    Link& link = links_[group];
    link.ended = true;
    if (failure) return failure;
    if (link.left < link.pes && !vanished_) {
      std::string why = who_[link.first];
      if (link.pes > 1) why += " and the other PEs of its host";
      vanished_ = Failure{link.first, why + " ended without leaving the job (killed?)", false};
    }
    if (!vanished_) return std::nullopt;
    if (lowest_left() == my_group_) return vanished_;
    if (timer_ == 0 && !failed_ && !left_)
      timer_ = helper_->call_after(kNoteNs, [this] { on_timer(); });
    return std::nullopt;
  }

  void on_timer() {
    std::optional<Failure> failure;
    {
      const base::Lock lock(mutex_);
      failure = once(vanished_);
    }
    if (failure) conclude(*failure);
  }

  std::size_t lowest_left() const {
    for (std::size_t group = 0; group < my_group_; ++group)
      if (!links_[group].ended && links_[group].left < links_[group].pes) return group;
    return my_group_;
  }

  // The failure, if it is the first and anybody here still cares.
  std::optional<Failure> once(std::optional<Failure> failure) {
    if (!failure || failed_ || left_) return std::nullopt;
    failed_ = true;
    return failure;
  }

  // Prints first and passes on then: whoever hears of it may be the end of us.
  void conclude(const Failure& failure) {
    if (options_.on_failure) options_.on_failure(failure.culprit, failure.why, failure.said);
    if (failure.said) return;
    const base::Lock lock(mutex_);
    tell_all(failure.culprit, failure.why, true);
  }

  void tell_all(Pe culprit, const std::string& why, bool said) noexcept {
    send_all(WireLine("failed")
                 .add("pe", culprit)
                 .add("said", said ? 1 : 0)
                 .add("why", to_text(why.substr(0, kLongestWhy)))
                 .text());
  }

  // Short and rare: it fits, or nobody reads there any more.
  void send_all(const std::string& text) noexcept {
    for (const Link& link : links_)
      if (link.socket.get() >= 0 && !link.ended)
        static_cast<void>(
            send(link.socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0);
  }

  const LinkOptions options_;
  const std::vector<std::string> who_;
  const std::uint64_t strangers_;
  const std::size_t my_group_;
  const bool leads_;
  const std::shared_ptr<base::Helper> helper_;
  base::Mutex mutex_;  // guards what follows; not held while on_failure runs
  std::vector<Link> links_;
  std::optional<Failure> vanished_;  // a group is gone and nobody has told of it yet
  bool failed_ = false;
  bool left_ = false;
  base::Helper::Timer timer_ = 0;
};

}  // namespace

std::shared_ptr<HostLinks> HostLinks::connect(Bootstrap& bootstrap,
                                              const std::vector<std::vector<Pe>>& groups,
                                              LinkOptions options) {
  const Pe me = bootstrap.rank();
  const auto mine = std::find_if(groups.begin(), groups.end(), [me](const std::vector<Pe>& group) {
    return std::find(group.begin(), group.end(), me) != group.end();
  });
  if (mine == groups.end())
    throw LaunchError("control connections: PE " + std::to_string(me) + " is in no group");
  const auto my_group = static_cast<std::size_t>(mine - groups.begin());
  Meeting meeting = meet(bootstrap, groups, my_group, options.bind, options.timeout_ns);
  return std::make_shared<Links>(std::move(meeting), groups, my_group, me, std::move(options));
}

}  // namespace lamellar::lamellae
