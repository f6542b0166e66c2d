#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "words.hpp"

namespace wordcount {
namespace {

using Words = std::vector<std::string>;

// The words of the chunks, one text.
Words parse(const std::vector<std::string>& chunks) {
  Words words;
  WordParser parser;
  const auto note = [&words](std::string_view word) { words.emplace_back(word); };
  for (const std::string& chunk : chunks) parser.feed(chunk, note);
  parser.finish(note);
  return words;
}

TEST(WordParser, OnlyAsciiLettersAreInWords) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    EXPECT_EQ(is_letter(static_cast<char>(byte)), letter) << byte;
  }
}

TEST(WordParser, LowersAndSeparates) {
  EXPECT_EQ(parse({"Hello, WORLD\r\n"}), (Words{"hello", "world"}));
  EXPECT_EQ(parse({"caf\xc3\xa9s don't x86_64"}), (Words{"caf", "s", "don", "t", "x"}));
  EXPECT_EQ(parse({std::string("a\0b", 3)}), (Words{"a", "b"}));
  EXPECT_EQ(parse({"[AZ@az`{"}), (Words{"az", "az"}));
  EXPECT_EQ(parse({}), Words{});
  EXPECT_EQ(parse({"", " 12 \n", ""}), Words{});
}

TEST(WordParser, ChunksDoNotMatter) {
  const std::string text = "  One two-Three\t\tfour!";
  const Words expected{"one", "two", "three", "four"};
  for (std::size_t a = 0; a <= text.size(); ++a) {
    for (std::size_t b = a; b <= text.size(); ++b) {
      EXPECT_EQ(parse({text.substr(0, a), text.substr(a, b - a), text.substr(b)}), expected)
          << a << ' ' << b;
    }
  }
}

TEST(WordParser, KeepsLongWordsWhole) {
  const std::size_t length = 3 * 1024 * 1024;
  std::vector<std::string> chunks(length / 4096, std::string(4096, 'Q'));
  chunks.push_back(" end");
  const Words words = parse(chunks);
  ASSERT_EQ(words.size(), 2U);
  EXPECT_EQ(words[0], std::string(length, 'q'));
  EXPECT_EQ(words[1], "end");
}

TEST(WordParser, KnowsWhetherItIsInsideAWord) {
  WordParser parser;
  const auto ignore = [](std::string_view) {};
  EXPECT_FALSE(parser.inside_word());
  parser.feed("ab", ignore);
  EXPECT_TRUE(parser.inside_word());
  parser.feed(" ", ignore);
  EXPECT_FALSE(parser.inside_word());
}

TEST(OwnerOf, IsAlwaysOneOfThePes) {
  std::vector<int> owned(5, 0);
  for (int i = 0; i < 1000; ++i) ++owned.at(owner_of("word" + std::to_string(i), 5));
  for (const int n : owned) EXPECT_GT(n, 100);
  EXPECT_EQ(owner_of("anything", 1), 0U);
}

TEST(HashWord, IsTheSameOnEveryMachine) {
  EXPECT_EQ(hash_word(""), 0xf52a15e9a9b5e89bU);
  EXPECT_NE(hash_word("ab"), hash_word("ba"));
}

}  // namespace
}  // namespace wordcount
