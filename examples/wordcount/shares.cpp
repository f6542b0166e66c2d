#include <algorithm>

#include "input.hpp"
#include "text_gen.hpp"

namespace wordcount {
namespace {

// A .gz cannot be read from the middle: the largest first, each to the PE that has least so far.
void deal_gzip_files(const std::vector<InputFile>& files, std::vector<Share>& shares,
                     std::vector<std::uint64_t>& load) {
  std::vector<const InputFile*> gzips;
  for (const InputFile& file : files) {
    if (file.gzip) gzips.push_back(&file);
  }
  std::stable_sort(gzips.begin(), gzips.end(), [](const InputFile* a, const InputFile* b) {
    return a->text_bytes > b->text_bytes;
  });
  for (const InputFile* file : gzips) {
    const auto least = std::min_element(load.begin(), load.end()) - load.begin();
    const auto pe = static_cast<std::size_t>(least);
    shares[pe].push_back({PieceKind::kGzip, file->path, 0, file->bytes, file->text_bytes});
    load[pe] += std::max<std::uint64_t>(file->text_bytes, 1);
  }
}

// The smallest level to which `plain` further bytes can fill up the loads.
std::uint64_t level_for(std::vector<std::uint64_t> load, std::uint64_t plain) {
  std::sort(load.begin(), load.end());
  std::uint64_t filled = 0;  // the sum of the n lowest loads
  for (std::size_t n = 1; n <= load.size(); ++n) {
    filled += load[n - 1];
    const std::uint64_t level = (filled + plain + n - 1) / n;
    if (n == load.size() || level <= load[n]) return level;
  }
  return 0;
}

// Plain files in order, cut where a PE has reached the level. An empty file is a piece too: whether
// it can be read is told like for any other.
void deal_plain_files(const std::vector<InputFile>& files, std::vector<Share>& shares,
                      std::vector<std::uint64_t>& load) {
  std::uint64_t plain = 0;
  for (const InputFile& file : files) plain += file.gzip ? 0 : file.bytes;
  const std::uint64_t level = level_for(load, plain);
  std::size_t pe = 0;
  for (const InputFile& file : files) {
    if (file.gzip) continue;
    if (file.bytes == 0) shares[pe].push_back({PieceKind::kPlain, file.path, 0, 0, 0});
    for (std::uint64_t begin = 0, end = 0; begin < file.bytes; begin = end) {
      while (load[pe] >= level) ++pe;
      end = begin + std::min(file.bytes - begin, level - load[pe]);
      shares[pe].push_back({PieceKind::kPlain, file.path, begin, end, end - begin});
      load[pe] += end - begin;
    }
  }
}

}  // namespace

std::vector<Share> share_out(const std::vector<InputFile>& files, std::size_t num_pes) {
  std::vector<Share> shares(num_pes);
  std::vector<std::uint64_t> load(num_pes, 0);
  deal_gzip_files(files, shares, load);
  deal_plain_files(files, shares, load);
  return shares;
}

std::vector<Share> share_out_generated(std::uint64_t num_blocks, std::size_t num_pes) {
  std::vector<Share> shares(num_pes);
  for (std::size_t pe = 0; pe < num_pes; ++pe) {
    const std::uint64_t begin = num_blocks * pe / num_pes;
    const std::uint64_t end = num_blocks * (pe + 1) / num_pes;
    shares[pe].push_back({PieceKind::kGenerated, "", begin, end, (end - begin) * kBlockBytes});
  }
  return shares;
}

}  // namespace wordcount
