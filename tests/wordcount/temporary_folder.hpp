// A folder for one test, and ways to put files into it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <zlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace wordcount {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "wordcount-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), path);
    }
    path_ = path;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string root() const { return path_.string(); }

  std::string folder(const std::string& name) const {
    std::filesystem::create_directories(path_ / name);
    return path(name);
  }

  std::string file(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path(name);
  }

  // Appends a gzip member to the file `name`.
  std::string gzip(const std::string& name, const std::string& text) const {
    const gzFile file = ::gzopen(path(name).c_str(), "ab1");
    if (file == nullptr) throw std::runtime_error("gzopen " + name);
    const int written = ::gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    const int closed = ::gzclose(file);
    if (written != static_cast<int>(text.size()) || closed != Z_OK) {
      throw std::runtime_error("gzwrite " + name);
    }
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace wordcount
