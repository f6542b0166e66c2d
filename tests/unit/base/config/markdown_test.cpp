#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "base/config/settings.hpp"

namespace lamellar::base {
namespace {

// docs/settings.md of the tree this file was compiled from; the build says where that is when it
// shortens __FILE__.
std::string document_path() {
#ifdef LAMELLAR_SOURCE_DIR
  return LAMELLAR_SOURCE_DIR "/docs/settings.md";
#else
  const std::string here = __FILE__;
  const std::string below = "tests/unit/base/config/markdown_test.cpp";
  return here.substr(0, here.size() - below.size()) + "docs/settings.md";
#endif
}

// With UPDATE_DOCS=1 in the environment the file is written instead.
TEST(SettingsMarkdown, TheDocumentIsCurrent) {
  if (std::getenv("UPDATE_DOCS") != nullptr) {
    std::ofstream(document_path()) << settings_markdown();
  }
  std::ifstream file(document_path());
  ASSERT_TRUE(file) << document_path();
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(content, settings_markdown())
      << "run the test with UPDATE_DOCS=1 in the environment to write docs/settings.md";
}

TEST(SettingsMarkdown, NamesEverySetting) {
  const std::string text = settings_markdown();
  for (const SettingInfo& info : setting_table()) {
    EXPECT_NE(text.find("`LAMELLAR_" + std::string(info.name) + "`"), std::string::npos);
  }
  EXPECT_NE(text.find("auto, local, shmem, ofi, sim"), std::string::npos);
}

}  // namespace
}  // namespace lamellar::base
