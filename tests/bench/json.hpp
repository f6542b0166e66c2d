#pragma once
// Reads JSON strictly, for tests of what is printed.

#include <cctype>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench_tests {

struct Json {
  enum Kind { kNull, kBool, kNumber, kText, kList, kObject } kind = kNull;
  double number = 0;
  std::string text;
  std::vector<Json> list;
  std::map<std::string, Json> object;

  const Json& at(const std::string& key) const { return object.at(key); }

  // ERRORS: std::runtime_error; also when something follows.
  static Json parse(const std::string& all) {
    Reader reader{all};
    Json value = reader.value();
    reader.skip();
    if (reader.at != all.size()) reader.refuse("more than one value");
    return value;
  }

 private:
  struct Reader {
    const std::string& all;
    std::size_t at = 0;

    [[noreturn]] void refuse(const std::string& why) const {
      throw std::runtime_error("JSON, at " + std::to_string(at) + ": " + why);
    }
    void skip() {
      while (at < all.size() && std::isspace(static_cast<unsigned char>(all[at])) != 0) ++at;
    }
    char peek() {
      skip();
      if (at == all.size()) refuse("it ends too early");
      return all[at];
    }
    void expect(char c) {
      if (peek() != c) refuse(std::string("no ") + c);
      ++at;
    }
    bool word(const std::string& wanted) {
      if (all.compare(at, wanted.size(), wanted) != 0) return false;
      at += wanted.size();
      return true;
    }
    Json value() {
      const char c = peek();
      if (c == '{') return object_value();
      if (c == '[') return list_value();
      if (c == '"') return {kText, 0, string(), {}, {}};
      if (word("null")) return {};
      if (word("true")) return {kBool, 1, {}, {}, {}};
      if (word("false")) return {kBool, 0, {}, {}, {}};
      if (c != '-' && std::isdigit(static_cast<unsigned char>(c)) == 0) refuse("no value");
      char* end = nullptr;
      const double number = std::strtod(all.c_str() + at, &end);
      at = static_cast<std::size_t>(end - all.c_str());
      return {kNumber, number, {}, {}, {}};
    }
    std::string string() {
      expect('"');
      std::string text;
      for (; at < all.size() && all[at] != '"'; ++at) {
        if (all[at] == '\\') ++at;
        if (static_cast<unsigned char>(all[at]) < 0x20) refuse("a control character");
        text += all[at];
      }
      if (at == all.size()) refuse("an open string");
      ++at;
      return text;
    }
    Json list_value() {
      Json value;
      value.kind = kList;
      expect('[');
      if (peek() != ']') {
        do value.list.push_back(this->value());
        while (peek() == ',' && ++at != 0);
      }
      expect(']');
      return value;
    }
    Json object_value() {
      Json value;
      value.kind = kObject;
      expect('{');
      if (peek() != '}') {
        do {
          skip();
          const std::string key = string();
          expect(':');
          if (!value.object.emplace(key, this->value()).second) refuse(key + " twice");
        } while (peek() == ',' && ++at != 0);
      }
      expect('}');
      return value;
    }
  };
};

}  // namespace bench_tests
