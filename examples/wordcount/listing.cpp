#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

#include "input.hpp"

namespace wordcount {
namespace {

namespace fs = std::filesystem;
using Wanted = std::function<bool(const std::string& name)>;

bool ends_with_gz(const std::string& path) { return path.ends_with(".gz"); }

// The last four bytes of a .gz file hold the length of its text (of its last member, modulo 2^32):
// good enough to share the work out. Kept within what deflate can reach, since it may be anything.
std::uint64_t claimed_text_bytes(const std::string& path, std::uint64_t bytes) {
  constexpr std::uint64_t kMostPerByte = 1032;
  std::array<unsigned char, 4> tail{};
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return bytes;
  const bool whole = bytes >= tail.size() &&
                     ::pread(fd, tail.data(), tail.size(),
                             static_cast<off_t>(bytes - tail.size())) == ssize_t{tail.size()};
  ::close(fd);
  if (!whole) return bytes;
  std::uint64_t claimed = 0;
  for (std::size_t i = tail.size(); i-- > 0;) claimed = claimed << 8U | tail[i];
  return std::clamp(claimed, bytes, bytes * kMostPerByte);
}

class Lister {
 public:
  explicit Lister(Wanted wanted) : wanted_(std::move(wanted)) {}

  // A path the user named: anything but a regular file or a folder is a failure.
  void add_named(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (error) return fail(path, error);
    if (fs::is_directory(status)) return add_folder(path);
    if (fs::is_regular_file(status)) return add_file(path);
    listing_.failures.push_back({path, fs::is_symlink(status)
                                           ? "a symbolic link (links are not followed)"
                                           : "neither a regular file nor a folder"});
  }

  void add_folder(const std::string& root) {
    std::vector<std::string> open_folders{root};
    while (!open_folders.empty()) {
      const std::string folder = std::move(open_folders.back());
      open_folders.pop_back();
      add_entries(folder, open_folders);
    }
  }

  Listing take() {
    std::sort(listing_.files.begin(), listing_.files.end(),
              [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
    return std::move(listing_);
  }

 private:
  void add_entries(const std::string& folder, std::vector<std::string>& folders) {
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      add_entry(entry->path().string(), entry->path().filename().string(), folders);
    }
    if (error) fail(folder, error);
  }

  void add_entry(const std::string& path, const std::string& name,
                 std::vector<std::string>& folders) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (error) return fail(path, error);
    if (fs::is_directory(status)) folders.push_back(path);
    if (fs::is_regular_file(status) && wanted_(name)) add_file(path);
  }

  void add_file(const std::string& path) {
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(path, error);
    if (error) return fail(path, error);
    const bool gzip = ends_with_gz(path);
    listing_.files.push_back({path, bytes, gzip ? claimed_text_bytes(path, bytes) : bytes, gzip});
  }

  void fail(const std::string& path, const std::error_code& error) {
    listing_.failures.push_back({path, error.message()});
  }

  Wanted wanted_;
  Listing listing_;
};

}  // namespace

std::uint64_t Listing::text_bytes() const {
  std::uint64_t sum = 0;
  for (const InputFile& file : files) sum += file.text_bytes;
  return sum;
}

Listing list_paths(const std::vector<std::string>& paths) {
  Lister lister([](const std::string&) { return true; });
  for (const std::string& path : paths) lister.add_named(path);
  return lister.take();
}

Listing list_docs(const std::string& root) {
  Lister lister([](const std::string& name) {
    return name == "copyright" || name.starts_with("changelog");
  });
  std::error_code error;
  if (fs::is_directory(root, error)) lister.add_folder(root);
  return lister.take();
}

}  // namespace wordcount
