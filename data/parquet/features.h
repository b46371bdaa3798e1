#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/parquet/footer.h"

namespace data::parquet {

/// What the datasets library says of a column.
struct Feature {
  std::string column;
  bool image = false, classes = false;  ///< Image; ClassLabel
  std::vector<std::string> names;       ///< of the classes
};

/// The features in the footer's key `huggingface`; none without it. Throws an Error that names the file when
/// the key is there and is no JSON.
std::vector<Feature> features_in_footer(const Footer& footer, const std::string& file);

/// The names of the classes of a column that DIR/README.md has: of `features` in `dataset_info`, in YAML
/// between two lines of dashes. None where there is no such file, or it does not say. Throws an Error that
/// names the line of a name that cannot be read.
std::vector<std::string> class_names_in_readme(const std::filesystem::path& dir, const std::string& column);

}  // namespace data::parquet
