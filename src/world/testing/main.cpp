#include <lamellar/testing.hpp>

int main(int argc, char** argv) { return lamellar::testing::run_multi_tests(argc, argv); }
