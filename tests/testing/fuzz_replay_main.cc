// SPDX-License-Identifier: Apache-2.0
// The main of a fuzz target in builds without libFuzzer: runs the target over the files that are
// given as arguments, and over seeded mutations of each, so that every ordinary test run visits a
// bit of what a fuzzer would. No files: mutations of zeros. -mutations=N: so many of each file,
// for targets whose single run takes milliseconds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutationsPerInput = 1500;
constexpr char kMutationsOption[] = "-mutations=";

using Bytes = std::vector<uint8_t>;

void Run(const Bytes& input) { LLVMFuzzerTestOneInput(input.data(), input.size()); }

// One random change: a byte, a run of equal bytes, a copied stretch, a length.
void MutateOnce(Bytes& input, std::mt19937_64& random) {
  if (input.empty()) {
    input.resize(random() % 4096);
    return;
  }
  const size_t at = random() % input.size();
  const size_t run = 1 + random() % std::min<size_t>(64, input.size() - at);
  switch (random() % 6) {
    case 0:
      input[at] = static_cast<uint8_t>(random());
      return;
    case 1:
      input[at] ^= static_cast<uint8_t>(1 << random() % 8);
      return;
    case 2:
      std::fill_n(input.begin() + static_cast<ptrdiff_t>(at), run, random() % 2 == 0 ? 0 : 0xff);
      return;
    case 3: {
      const size_t from = random() % (input.size() - run + 1);
      const Bytes copy(input.begin() + static_cast<ptrdiff_t>(from),
                       input.begin() + static_cast<ptrdiff_t>(from + run));
      std::copy(copy.begin(), copy.end(), input.begin() + static_cast<ptrdiff_t>(at));
      return;
    }
    case 4:
      for (size_t i = at; i < at + run; ++i) input[i] = static_cast<uint8_t>(random());
      return;
    default:
      if (random() % 8 == 0) input.resize(random() % (2 * input.size()));
  }
}

void RunWithMutations(const Bytes& input, int mutations) {
  Run(input);
  std::mt19937_64 random(input.size());
  for (int i = 0; i < mutations; ++i) {
    Bytes mutated = input;
    for (uint64_t n = 1 + random() % 8; n > 0; --n) MutateOnce(mutated, random);
    Run(mutated);
  }
}

}  // namespace

int main(int argc, char** argv) {
  int mutations = kMutationsPerInput;
  bool has_files = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kMutationsOption, std::strlen(kMutationsOption)) == 0) {
      mutations = std::atoi(argv[i] + std::strlen(kMutationsOption));
      continue;
    }
    has_files = true;
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read the input %s\n", argv[i]);
      return 1;
    }
    RunWithMutations(Bytes{std::istreambuf_iterator<char>(file), {}}, mutations);
  }
  if (!has_files) RunWithMutations({}, mutations);
  return 0;
}
