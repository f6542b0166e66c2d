// How the input is shared out and read: every word exactly once, whatever the number of shares.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "input.hpp"
#include "reader.hpp"
#include "temporary_folder.hpp"
#include "text_gen.hpp"
#include "words.hpp"

namespace wordcount {
namespace {

using Words = std::vector<std::string>;

Words read_words(const Share& share) {
  Words words;
  const Reading reading{[&words](std::string_view word) { words.emplace_back(word); },
                        [](std::uint64_t) {}};
  for (const Piece& piece : share) read_piece(piece, reading);
  return words;
}

Piece range(const std::string& path, std::uint64_t begin, std::uint64_t end) {
  return {PieceKind::kPlain, path, begin, end, end - begin};
}

Piece gzip_piece(const std::string& path) { return {PieceKind::kGzip, path, 0, 0, 0}; }

std::string why_not(const Piece& piece) {
  try {
    read_words({piece});
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

std::uint64_t load_of(const Share& share) {
  std::uint64_t sum = 0;
  for (const Piece& piece : share) sum += piece.text_bytes;
  return sum;
}

TEST(PlainPieces, EveryCutGivesEveryWordOnce) {
  const TemporaryFolder tmp;
  const std::string text = "ab  c defghij\r\nk-l\n mno";
  const Words expected{"ab", "c", "defghij", "k", "l", "mno"};
  const std::string path = tmp.file("text", text);
  for (std::size_t a = 0; a <= text.size(); ++a) {
    for (std::size_t b = a; b <= text.size(); ++b) {
      EXPECT_EQ(read_words({range(path, 0, a), range(path, a, b), range(path, b, text.size())}),
                expected)
          << a << ' ' << b;
    }
  }
}

TEST(PlainPieces, AWordIsReadWhereItsFirstLetterIs) {
  const TemporaryFolder tmp;
  const std::string path = tmp.file("text", "one two");
  EXPECT_EQ(read_words({range(path, 0, 5)}), (Words{"one", "two"}));
  EXPECT_EQ(read_words({range(path, 5, 7)}), Words{});
  EXPECT_EQ(read_words({range(path, 0, 1)}), Words{"one"});
  EXPECT_EQ(read_words({range(path, 1, 4)}), Words{});
  EXPECT_EQ(read_words({range(path, 4, 5)}), Words{"two"});
}

TEST(PlainPieces, OneFileIsSharedByAllPes) {
  const TemporaryFolder tmp;
  for (const std::string text : {"a bb ccc dddd eeeee ffffff ", "x", "onewordonly", "  ", ""}) {
    const std::string path = tmp.file("text", text);
    const Words expected = read_words({range(path, 0, text.size())});
    for (std::size_t pes = 1; pes <= 8; ++pes) {
      const std::vector<Share> shares = share_out(list_paths({path}).files, pes);
      ASSERT_EQ(shares.size(), pes);
      Words words;
      for (const Share& share : shares) {
        EXPECT_LE(load_of(share), (text.size() + pes - 1) / pes);
        for (const std::string& word : read_words(share)) words.push_back(word);
      }
      EXPECT_EQ(words, expected) << pes << " shares of '" << text << "'";
    }
  }
}

TEST(PlainPieces, LongWordsCrossSharesAndChunks) {
  const TemporaryFolder tmp;
  const std::string word(3 * 1024 * 1024, 'w');
  const std::string path = tmp.file("text", "before " + word + " after");
  for (std::size_t pes = 1; pes <= 8; ++pes) {
    Words words;
    for (const Share& share : share_out(list_paths({path}).files, pes)) {
      for (const std::string& found : read_words(share)) words.push_back(found);
    }
    ASSERT_EQ(words.size(), 3U) << pes;
    EXPECT_TRUE(words[1] == word) << pes;
    EXPECT_EQ(words[2], "after");
  }
}

TEST(PlainPieces, FilesNeverShareAWord) {
  const TemporaryFolder tmp;
  tmp.file("1", "ends in a wo");
  tmp.file("2", "rd");
  const std::vector<Share> shares = share_out(list_paths({tmp.root()}).files, 1);
  EXPECT_EQ(read_words(shares[0]), (Words{"ends", "in", "a", "wo", "rd"}));
}

TEST(PlainPieces, TellWhyTheyCannotBeRead) {
  const TemporaryFolder tmp;
  const std::string path = tmp.file("text", "a few words");
  EXPECT_EQ(why_not(range(tmp.path("missing"), 0, 1)), "No such file or directory");
  EXPECT_EQ(why_not(range(tmp.root(), 0, 1)), "no longer a regular file");
  EXPECT_EQ(why_not(range(path, 0, 100)), "has become shorter while it was read");
  EXPECT_EQ(why_not(range(path, 50, 100)), "has become shorter while it was read");
  std::filesystem::create_symlink(path, tmp.path("link"));
  EXPECT_NE(why_not(range(tmp.path("link"), 0, 1)), "no error");
}

TEST(PlainPieces, MayBeClosedToUs) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const TemporaryFolder tmp;
  const std::string path = tmp.file("text", "a few words");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_EQ(why_not(range(path, 0, 1)), "Permission denied");
}

TEST(GzipPieces, AreReadMemberByMember) {
  const TemporaryFolder tmp;
  tmp.gzip("two.gz", "one tw");
  const std::string path = tmp.gzip("two.gz", "o three");
  EXPECT_EQ(read_words({gzip_piece(path)}), (Words{"one", "two", "three"}));
  EXPECT_EQ(read_words({gzip_piece(tmp.gzip("empty.gz", ""))}), Words{});
}

// Longer than what is kept in memory: checked first, then read again.
TEST(GzipPieces, MayBeLong) {
  const TemporaryFolder tmp;
  const std::string word(9 * 1024 * 1024, 'w');
  const std::string path = tmp.gzip("long.gz", "a " + word + " z");
  const Words words = read_words({gzip_piece(path)});
  ASSERT_EQ(words.size(), 3U);
  EXPECT_TRUE(words[1] == word);
}

TEST(GzipPieces, ThatAreBrokenGiveNoWordAtAll) {
  const TemporaryFolder tmp;
  for (const std::size_t repeats : {100U, 2000000U}) {  // kept in memory, and not
    std::string text;
    for (std::size_t i = 0; i < repeats; ++i) text += "words ";
    std::filesystem::remove(tmp.path("whole.gz"));
    const std::string whole = tmp.gzip("whole.gz", text);
    const std::uint64_t size = std::filesystem::file_size(whole);
    for (const std::uint64_t cut : {size - 1, size - 8, size / 2, std::uint64_t{11}}) {
      std::filesystem::resize_file(whole, cut);
      int words = 0;
      const Reading reading{[&words](std::string_view) { ++words; }, [](std::uint64_t) {}};
      EXPECT_THROW(read_piece(gzip_piece(whole), reading), InputError) << cut << " of " << size;
      EXPECT_EQ(words, 0);
    }
  }
}

TEST(GzipPieces, TellWhyTheyCannotBeRead) {
  const TemporaryFolder tmp;
  EXPECT_EQ(why_not(gzip_piece(tmp.path("missing.gz"))), "No such file or directory");
  EXPECT_EQ(why_not(gzip_piece(tmp.file("plain.gz", "plain words"))), "not in gzip format");
  EXPECT_EQ(why_not(gzip_piece(tmp.file("empty.gz", ""))), "not in gzip format");
  const std::string cut = tmp.gzip("cut.gz", "some words");
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - 2);
  EXPECT_EQ(why_not(gzip_piece(cut)), "the gzip file is cut off");
  EXPECT_NE(why_not(gzip_piece(tmp.file("bad.gz", "\x1f\x8b\x08 nonsense that is not deflate")))
                .find("not a whole gzip file"),
            std::string::npos);
}

TEST(ShareOut, LevelsGzipFilesWithPlainOnes) {
  const std::vector<InputFile> files{{"a", 1000, 1000, false}, {"b.gz", 100, 900, true},
                                     {"c", 500, 500, false},   {"d.gz", 50, 600, true},
                                     {"e", 0, 0, false}};
  for (std::size_t pes = 1; pes <= 3; ++pes) {
    const std::vector<Share> shares = share_out(files, pes);
    for (const Share& share : shares) EXPECT_NEAR(double(load_of(share)), 3000.0 / double(pes), 2);
  }
  const std::vector<Share> many = share_out(files, 8);
  EXPECT_EQ(load_of(many[0]), 900U);
  EXPECT_EQ(load_of(many[1]), 600U);
  for (std::size_t pe = 2; pe < 8; ++pe) EXPECT_EQ(load_of(many[pe]), 250U);
}

TEST(ShareOut, CoversEveryByteOnceInOrder) {
  std::vector<InputFile> files;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const std::uint64_t bytes = i * i * 37 % 101;
    files.push_back({"file" + std::to_string(i), bytes, bytes * (1 + i % 3), i % 3 == 1});
  }
  for (std::size_t pes = 1; pes <= 8; ++pes) {
    std::vector<std::uint64_t> covered(files.size(), 0);
    std::vector<int> pieces(files.size(), 0);
    for (const Share& share : share_out(files, pes)) {
      for (const Piece& piece : share) {
        const auto index = std::stoul(piece.path.substr(4));
        EXPECT_EQ(piece.kind == PieceKind::kGzip, files[index].gzip);
        EXPECT_EQ(piece.begin, covered[index]);
        covered[index] = piece.end;
        ++pieces[index];
      }
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
      EXPECT_EQ(covered[i], files[i].bytes);
      EXPECT_GE(pieces[i], 1);
    }
  }
}

TEST(GeneratedText, IsTheSameForAnyNumberOfPes) {
  const Words expected = read_words({{PieceKind::kGenerated, "", 0, 6, 0}});
  for (const std::size_t pes : {2U, 4U, 5U, 8U}) {
    Words words;
    for (const Share& share : share_out_generated(6, pes)) {
      for (const std::string& word : read_words(share)) words.push_back(word);
    }
    EXPECT_TRUE(words == expected) << pes;
  }
}

TEST(GeneratedText, IsTheSameOnEveryMachine) {
  const std::string block = make_text_block(kTextSeed, 3);
  EXPECT_EQ(block.size(), kBlockBytes);
  EXPECT_EQ(block.back(), '\n');
  EXPECT_NE(block, make_text_block(kTextSeed, 4));
  EXPECT_NE(block, make_text_block(kTextSeed + 1, 3));
  EXPECT_EQ(hash_word(block), 18217899552123827321U);
}

}  // namespace
}  // namespace wordcount
