#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "input.hpp"
#include "job.hpp"
#include "temporary_folder.hpp"
#include "text_gen.hpp"

namespace wordcount {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> paths_of(const Listing& listing) {
  std::vector<std::string> paths;
  for (const InputFile& file : listing.files) paths.push_back(file.path);
  return paths;
}

TEST(Listing, FindsRegularFilesInByteOrder) {
  const TemporaryFolder tmp;
  tmp.folder("a/deep");
  const std::vector<std::string> expected{tmp.file("B", "1"), tmp.file("a-b", "22"),
                                          tmp.file("a/deep/z", "333"), tmp.file("a/x", ""),
                                          tmp.file("\xc3\xa9", "4")};
  const Listing listing = list_paths({tmp.root()});
  EXPECT_EQ(paths_of(listing), expected);
  EXPECT_TRUE(listing.failures.empty());
  EXPECT_EQ(listing.text_bytes(), 7U);
}

TEST(Listing, TakesFilesAndFoldersInAnyOrder) {
  const TemporaryFolder tmp;
  tmp.folder("f");
  const std::string in_folder = tmp.file("f/1", "x");
  const std::string file = tmp.file("a", "x");
  EXPECT_EQ(paths_of(list_paths({tmp.path("f/"), file})),
            (std::vector<std::string>{file, in_folder}));
}

TEST(Listing, DoesNotFollowLinks) {
  const TemporaryFolder tmp;
  tmp.folder("real");
  tmp.folder("seen");
  const std::string outside = tmp.file("real/file", "x");
  fs::create_symlink(outside, tmp.path("seen/link"));
  fs::create_directory_symlink(tmp.path("real"), tmp.path("seen/folder"));
  fs::create_symlink("nowhere", tmp.path("seen/dangling"));
  fs::create_directory_symlink("..", tmp.path("seen/loop"));
  const Listing listing = list_paths({tmp.path("seen")});
  EXPECT_TRUE(listing.files.empty());
  EXPECT_TRUE(listing.failures.empty());
}

TEST(Listing, PassesOverSpecialFilesInFolders) {
  const TemporaryFolder tmp;
  ASSERT_EQ(::mkfifo(tmp.path("fifo").c_str(), 0600), 0);
  const Listing listing = list_paths({tmp.root()});
  EXPECT_TRUE(listing.files.empty());
  EXPECT_TRUE(listing.failures.empty());
}

TEST(Listing, NamedPathsThatCannotBeReadAreFailures) {
  const TemporaryFolder tmp;
  const std::string file = tmp.file("file", "x");
  fs::create_symlink(file, tmp.path("link"));
  ASSERT_EQ(::mkfifo(tmp.path("fifo").c_str(), 0600), 0);
  const Listing listing =
      list_paths({tmp.path("missing"), tmp.path("link"), file, tmp.path("fifo")});
  EXPECT_EQ(paths_of(listing), std::vector<std::string>{file});
  ASSERT_EQ(listing.failures.size(), 3U);
  EXPECT_EQ(listing.failures[0].path, tmp.path("missing"));
  EXPECT_EQ(listing.failures[0].why, "No such file or directory");
  EXPECT_NE(listing.failures[1].why.find("symbolic link"), std::string::npos);
  EXPECT_NE(listing.failures[2].why.find("regular"), std::string::npos);
}

TEST(Listing, ClosedFoldersAreFailures) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every folder";
  const TemporaryFolder tmp;
  const std::string closed = tmp.folder("closed");
  fs::permissions(closed, fs::perms::none);
  const Listing listing = list_paths({tmp.root()});
  fs::permissions(closed, fs::perms::owner_all);
  ASSERT_EQ(listing.failures.size(), 1U);
  EXPECT_EQ(listing.failures[0].path, closed);
  EXPECT_EQ(listing.failures[0].why, "Permission denied");
}

TEST(Listing, GzipFilesTellTheLengthOfTheirText) {
  const TemporaryFolder tmp;
  const std::string text(100000, 'x');
  tmp.gzip("a.gz", text);
  tmp.file("lie.gz", "\xff\xff\xff\xff");
  tmp.file("short.gz", "ab");
  const Listing listing = list_paths({tmp.root()});
  ASSERT_EQ(listing.files.size(), 3U);
  EXPECT_TRUE(listing.files[0].gzip);
  EXPECT_EQ(listing.files[0].text_bytes, text.size());
  EXPECT_LT(listing.files[0].bytes, text.size());
  EXPECT_EQ(listing.files[1].text_bytes, 4U * 1032U);
  EXPECT_EQ(listing.files[2].text_bytes, 2U);
}

TEST(ListDocs, TakesCopyrightAndChangelogFilesOnly) {
  const TemporaryFolder tmp;
  tmp.folder("pkg");
  tmp.file("pkg/README", "x");
  tmp.file("pkg/copyright.txt", "x");
  const std::vector<std::string> expected{tmp.gzip("pkg/changelog.Debian.gz", "x"),
                                          tmp.file("pkg/copyright", "x")};
  EXPECT_EQ(paths_of(list_docs(tmp.root())), expected);
  EXPECT_TRUE(list_docs(tmp.path("missing")).failures.empty());
}

TEST(PlanJob, GeneratesTextWhenTheDocumentsAreTooFew) {
  const TemporaryFolder tmp;
  tmp.file("copyright", "few words");
  const Job job = plan_job({}, 2, tmp.root());
  EXPECT_NE(job.description.find("too little text (1 file, 9 bytes"), std::string::npos);
  EXPECT_NE(job.description.find("generated"), std::string::npos);
  ASSERT_EQ(job.shares.size(), 2U);
  EXPECT_EQ(job.shares[0].at(0).kind, PieceKind::kGenerated);
  EXPECT_EQ(job.shares[1].at(0).end, kNumBlocks);
}

TEST(PlanJob, ReadsTheDocumentsWhenTheyAreEnough) {
  const TemporaryFolder tmp;
  tmp.file("copyright", std::string(kLeastDocBytes, 'x'));
  const Job job = plan_job({}, 2, tmp.root());
  EXPECT_EQ(job.description,
            "1 file, 8.00 MB (copyright and changelog files below " + tmp.root() + ")");
  EXPECT_EQ(job.shares.at(1).at(0).kind, PieceKind::kPlain);
}

TEST(PlanJob, SaysWhenThePathsHoldNothing) {
  const TemporaryFolder tmp;
  const Job job = plan_job({tmp.root(), tmp.path("missing")}, 2, tmp.root());
  EXPECT_TRUE(job.shares.empty());
  EXPECT_EQ(job.failures.size(), 1U);
}

}  // namespace
}  // namespace wordcount
