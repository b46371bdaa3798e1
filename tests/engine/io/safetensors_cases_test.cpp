#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "engine/io/safetensors.h"

namespace engine {
namespace {

/// Where large material that is not part of the project lies, if anywhere.
std::filesystem::path shared_folder() {
  const char* set = std::getenv("ESPALIER_SHARED");
  return set ? std::filesystem::path(set) : std::filesystem::path(ESPALIER_SOURCE_DIR) / ".." / "shared";
}

/// "a:F32[2, 2] b:BF16[1]", in the order of the names, as the table of verdicts tells it.
std::string description(const Safetensors& file) {
  std::map<std::string, std::string> tensors;
  for (const SafetensorsEntry& entry : file.entries()) {
    std::ostringstream text;
    text << entry.name << ':' << entry.dtype << '[';
    for (std::size_t i = 0; i < entry.dims.size(); ++i) text << (i ? ", " : "") << entry.dims[i];
    tensors[entry.name] = text.str() + "]";
  }
  std::string all;
  for (const auto& [name, text] : tensors) all += (all.empty() ? "" : " ") + text;
  std::erase(all, '\0');  // the table leaves them out
  return all;
}

// A table of small files with what the reference implementation makes of each.
TEST(SafetensorsCases, are_accepted_as_by_the_reference_or_more_strictly) {
  const std::filesystem::path folder = shared_folder() / "safetensors-cases";
  std::ifstream table(folder / "verdicts.tsv");
  if (!table) GTEST_SKIP() << "no table of cases in " << folder;
  // Keys given twice, metadata that is null, a tensor given as an array: nobody writes them.
  const std::set<std::string> stricter = {"du_00_dup_tensor_same", "du_02_dup_tensor_second_valid",
                                          "du_03_dup_via_escape",  "du_05_dup_key_in_metadata",
                                          "me_03_is_null",         "ti_10_is_array"};
  int count = 0;
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string name, verdict, read;
    std::getline(fields, name, '\t');
    std::getline(fields, verdict, '\t');
    std::getline(fields, read);
    if (verdict != "ACCEPT" && verdict != "REJECT") continue;  // the rest of a name with a line end in it
    SCOPED_TRACE(line);
    ++count;
    std::optional<std::string> description_read;
    std::string message;
    try {
      description_read = description(Safetensors(folder / (name + ".safetensors")));
    } catch (const SafetensorsError& error) {
      message = error.what();
      EXPECT_EQ(message.find('\n'), std::string::npos);
    }
    EXPECT_EQ(description_read.has_value(), verdict == "ACCEPT" && !stricter.contains(name)) << message;
    if (description_read) {
      EXPECT_EQ(description_read->substr(0, read.size()), read);
    }
  }
  EXPECT_EQ(count, 150);
}

}  // namespace
}  // namespace engine
