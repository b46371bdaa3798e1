#include "data/parquet/image_columns.h"

#include <algorithm>
#include <span>

#include "engine/base/text.h"

namespace data::parquet {
namespace {

using engine::join;

constexpr std::string_view kImageNames[] = {"image", "img"};
constexpr std::string_view kLabelNames[] = {"label", "labels"};

/// Where a column's bytes are: in image.bytes, or in itself.
std::optional<std::size_t> bytes_of(const Footer& footer, std::string_view name) {
  for (const std::string& leaf : {std::string(name) + ".bytes", std::string(name)}) {
    const auto found = footer.find(leaf);
    if (found && footer.columns[*found].type == Physical::byte_array && !footer.columns[*found].repeated)
      return found;
  }
  return std::nullopt;
}

/// Of the names that are there, the one that features name, or else the first of the usual ones.
std::string choose(const std::string& what, const std::vector<std::string>& named,
                   std::span<const std::string_view> usual, const std::vector<std::string>& there,
                   const std::string& who) {
  for (const std::string_view name : usual) {
    const auto& all = named.empty() ? there : named;
    if (std::ranges::find(all, name) != all.end()) return std::string(name);
  }
  check(named.size() <= 1, who, "has several columns of", what + ":",
        join(named, ", ") + "; one of them must be called", usual.front());
  check(!named.empty(), who, "has no column of", what + "; it is called", usual.front(), "or", usual.back(),
        "and here are", join(there, ", "));
  return named.front();
}

}  // namespace

ImageColumns find_image_columns(const Footer& footer, const std::string& file) {
  const std::string who = file + ":";
  std::vector<std::string> images, labels, there;
  for (const Column& column : footer.columns)
    if (std::ranges::find(there, column.path.front()) == there.end()) there.push_back(column.path.front());
  const std::vector<Feature> features = features_in_footer(footer, file);
  for (const Feature& feature : features) {
    if (std::ranges::find(there, feature.column) == there.end()) continue;
    if (feature.image) images.push_back(feature.column);
    if (feature.classes) labels.push_back(feature.column);
  }
  ImageColumns columns;
  const std::string image = choose("images", images, kImageNames, there, who);
  const auto bytes = bytes_of(footer, image);
  check(bytes.has_value(), who, "column", image,
        "holds no bytes; images are a BYTE_ARRAY, or a struct of bytes and path");
  columns.image = *bytes;

  columns.label_name = choose("labels", labels, kLabelNames, there, who);
  const auto label = footer.find(columns.label_name);
  check(label && !footer.columns[*label].repeated, who, "column", columns.label_name,
        "holds no single label a row; a label is a whole number or a text");
  const Physical type = footer.columns[*label].type;
  columns.label = *label;
  columns.texts = type == Physical::byte_array;
  check(columns.texts || type == Physical::int32 || type == Physical::int64, who, "column",
        columns.label_name, "is",
        name_of(type) + "; labels are whole numbers (INT32, INT64) or texts (BYTE_ARRAY)");
  for (const Feature& feature : features)
    if (feature.column == columns.label_name && !columns.texts) columns.class_names = feature.names;
  return columns;
}

}  // namespace data::parquet
