#include "options.hpp"

#include <charconv>
#include <string_view>

namespace wordcount {

const char* const kHelp =
    "usage: wordcount [--all FILE] [--combine] [--top N] [PATH...]\n"
    "\n"
    "Counts the words in files and folders on all PEs: every PE reads its share and sends each\n"
    "word to the PE that owns it, one active message per occurrence. A word is a run of ASCII\n"
    "letters, lower-cased. Files named *.gz are read through zlib; symbolic links are not\n"
    "followed. Without PATH it reads the copyright and changelog files below /usr/share/doc.\n"
    "\n"
    "  --all FILE  write every word to FILE, one line 'count word' each, by count descending,\n"
    "              then by word\n"
    "  --combine   every PE combines equal words before it sends them\n"
    "  --top N     print the N most frequent words (20)\n"
    "  --help      print this\n"
    "  --          what follows is a PATH, whatever it starts with\n"
    "\n"
    "PEs as processes: lamellar-run -n N wordcount ... (or mpirun, mpiexec, srun); as threads of\n"
    "one process: --lamellar-num-pes N or LAMELLAR_NUM_PES=N.\n"
    "Status: 0; 1 when a file could not be read (the others are counted) or the run failed; 2 for\n"
    "a wrong command line.\n";

namespace {

std::size_t parse_number(const std::string& option, const std::string& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return number;
  throw UsageError("option '" + option + "' takes a number, not '" + text + "'");
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  Options parse() {
    while (next_ < arguments_.size()) take(arguments_[next_++]);
    return options_;
  }

 private:
  void take(const std::string& argument) {
    if (only_paths_ || !argument.starts_with('-') || argument == "-") return add_path(argument);
    if (argument == "--") {
      only_paths_ = true;
      return;
    }
    const std::size_t equals = argument.find('=');
    has_value_ = equals != std::string::npos;
    value_ = has_value_ ? argument.substr(equals + 1) : "";
    take_option(argument.substr(0, equals));
  }

  void take_option(const std::string& name) {
    if (name.starts_with("--lamellar-")) {
      if (!has_value_) value_of(name);
    } else if (name == "--all") {
      options_.all_file = value_of(name);
    } else if (name == "--top") {
      options_.top = parse_number(name, value_of(name));
    } else if (name == "--combine") {
      options_.combine = flag(name);
    } else if (name == "--help" || name == "-h") {
      options_.help = flag(name);
    } else {
      throw UsageError("unknown option '" + name + "'; --help lists the options");
    }
  }

  void add_path(const std::string& path) {
    if (path.empty()) throw UsageError("an empty PATH");
    options_.paths.push_back(path);
  }

  std::string value_of(const std::string& name) {
    const bool next_is_value =
        !has_value_ && next_ < arguments_.size() && !arguments_[next_].starts_with("--");
    if (next_is_value) value_ = arguments_[next_++];
    if (value_.empty()) throw UsageError("option '" + name + "' needs a value");
    return value_;
  }

  bool flag(const std::string& name) const {
    if (has_value_) throw UsageError("option '" + name + "' takes no value");
    return true;
  }

  const std::vector<std::string>& arguments_;
  std::size_t next_ = 0;
  bool only_paths_ = false;
  bool has_value_ = false;
  std::string value_;
  Options options_;
};

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
  return Parser(arguments).parse();
}

}  // namespace wordcount
