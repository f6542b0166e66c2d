#include "job.hpp"

#include <cstdio>
#include <utility>

#include "output.hpp"
#include "text_gen.hpp"

namespace wordcount {
namespace {

std::string describe(const Listing& listing) {
  const std::size_t files = listing.files.size();
  return std::to_string(files) + (files == 1 ? " file, " : " files, ") +
         format_bytes(static_cast<double>(listing.text_bytes()));
}

Job job_of(Listing listing, std::size_t num_pes, const std::string& where) {
  Job job;
  job.description = describe(listing) + where;
  if (!listing.files.empty()) job.shares = share_out(listing.files, num_pes);
  job.failures = std::move(listing.failures);
  return job;
}

Job generated_job(const Listing& too_little, std::size_t num_pes, const std::string& root) {
  Job job;
  job.description = "below " + root + " there is too little text (" + describe(too_little) +
                    "; wanted " + format_bytes(kLeastDocBytes) + "): counting " +
                    format_bytes(kNumBlocks * kBlockBytes) + " generated from seed " +
                    std::to_string(kTextSeed);
  job.shares = share_out_generated(kNumBlocks, num_pes);
  return job;
}

}  // namespace

Job plan_job(const std::vector<std::string>& paths, std::size_t num_pes,
             const std::string& doc_root) {
  if (!paths.empty()) return job_of(list_paths(paths), num_pes, "");
  Listing docs = list_docs(doc_root);
  if (docs.text_bytes() < kLeastDocBytes) return generated_job(docs, num_pes, doc_root);
  return job_of(std::move(docs), num_pes,
                " (copyright and changelog files below " + doc_root + ")");
}

}  // namespace wordcount
