// A user's program: public headers only, linked to liblamellar.so, catches the library's errors.
#include <cstdio>
#include <string>

#include <lamellar/error.hpp>
#include <lamellar/version.hpp>

int main() {
  try {
    throw lamellar::ConfigError("a message");
  } catch (const lamellar::Error& error) {
    std::printf("lamellar %s: %s\n", lamellar::kVersionText, error.what());
    return std::string(error.what()) == "a message" ? 0 : 1;
  }
}
