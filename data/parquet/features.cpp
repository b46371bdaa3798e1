#include "data/parquet/features.h"

#include <nlohmann/json.hpp>

#include "data/lines.h"
#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"

namespace data::parquet {
namespace {

using engine::Json;

constexpr std::size_t kMaxClasses = 100'000;

/// The member of an object; null where there is none.
const Json& member(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

/// A line of YAML: how far it is indented, with its dash, and what stands there.
struct YamlLine {
  std::size_t indent = 0;
  bool item = false;  // begins with a dash
  std::string_view text;

  explicit YamlLine(std::string_view line) {
    indent = std::min(line.find_first_not_of(' '), line.size());
    text = line.substr(indent);
    if (text == "-" || text.starts_with("- ")) {
      item = true;
      const std::size_t start = std::min(text.find_first_not_of(' ', 1), text.size());
      text.remove_prefix(start);
    }
    while (text.ends_with(' ')) text.remove_suffix(1);
  }
};

/// A scalar of YAML on one line: plain, or in quotes.
std::string scalar(std::string_view text, const std::string& where) {
  if (text.size() > 1 && text.starts_with('"') && text.ends_with('"')) {
    const Json value = engine::parse_json(text, where);  // whose escapes are YAML's, too
    return value.get<std::string>();
  }
  if (text.size() > 1 && text.starts_with('\'') && text.ends_with('\'')) {
    std::string value;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
      value += text[i];
      if (text[i] == '\'') ++i;  // it stands there twice
    }
    return value;
  }
  const bool plain =
      !text.empty() && std::string_view("[]{}&*!|>%@`\"'#").find(text[0]) == std::string_view::npos;
  check(plain, where, engine::in_quotes(text), "is not the name of a class on one line, plain or in quotes");
  return std::string(text.substr(0, text.find(" #")));
}

/// Splits "key: value", whose key may be in quotes; false when it is none.
bool split_entry(std::string_view text, std::string_view& key, std::string_view& value) {
  const bool quoted = text.starts_with('\'') || text.starts_with('"');
  const std::size_t end = quoted ? text.find(text[0], 1) : 0;
  if (end == std::string_view::npos) return false;
  const std::size_t colon = text.find(':', end);
  if (colon == std::string_view::npos) return false;
  key = quoted ? text.substr(1, end - 1) : text.substr(0, colon);
  value = text.substr(std::min(text.find_first_not_of(' ', colon + 1), text.size()));
  return true;
}

/// Finds the names below dataset_info, features, the item `name: <column>`, class_label, names.
class ReadmeNames {
 public:
  explicit ReadmeNames(const std::string& column) : column_(column) {}

  void take(std::string_view line, const std::string& where) {
    const YamlLine yaml(line);
    if (yaml.text.empty() || yaml.text.starts_with('#')) return;
    // An item's own keys stand behind its dash.
    const std::size_t indent = yaml.indent + (yaml.item ? 2 : 0);
    if (in_names_ && (yaml.item ? yaml.indent >= names_indent_ : yaml.indent > names_indent_)) {
      take_name(yaml, where);
      return;
    }
    in_names_ = false;
    std::string_view key, value;
    if (!split_entry(yaml.text, key, value)) return;
    if (yaml.indent == 0 && !yaml.item) in_info_ = key == "dataset_info";
    if (!in_info_) return;
    if (key == "features") columns_indent_ = kNone;
    if (yaml.item && key == "name") {
      if (columns_indent_ == kNone) columns_indent_ = yaml.indent;  // items further in are parts of a column
      if (yaml.indent == columns_indent_) in_column_ = scalar(value, where) == column_, in_class_ = false;
    }
    if (!yaml.item && in_column_ && yaml.indent <= columns_indent_) in_column_ = false;
    if (!in_column_) return;
    if (key == "class_label") class_indent_ = indent, in_class_ = true;
    if (in_class_ && key == "names" && indent > class_indent_) {
      check(names.empty(), where, "more than one configuration names the classes of",
            column_ + "; keep one in dataset_info");
      in_names_ = true, in_class_ = false, names_indent_ = indent;
    }
  }

  std::vector<std::string> names;

 private:
  static constexpr std::size_t kNone = std::string::npos;
  void take_name(const YamlLine& yaml, const std::string& where) {
    check(names.size() < kMaxClasses, where, "more than", kMaxClasses, "classes");
    if (yaml.item) {
      names.push_back(scalar(yaml.text, where));
      return;
    }
    std::string_view key, value;
    check(split_entry(yaml.text, key, value) && key == std::to_string(names.size()), where,
          engine::in_quotes(yaml.text), "should be the name of class", names.size());
    names.push_back(scalar(value, where));
  }

  const std::string& column_;
  bool in_info_ = false, in_column_ = false, in_class_ = false, in_names_ = false;
  std::size_t columns_indent_ = kNone, class_indent_ = 0, names_indent_ = 0;
};

}  // namespace

std::vector<Feature> features_in_footer(const Footer& footer, const std::string& file) {
  std::vector<Feature> features;
  const auto found = footer.metadata.find("huggingface");
  if (found == footer.metadata.end()) return features;
  const std::string who = file + ": its key huggingface";
  const Json json = engine::parse_json(found->second, who);
  const Json& all = member(member(json, "info"), "features");
  if (!all.is_object()) return features;
  for (const auto& [column, what] : all.items()) {
    const Json &type = member(what, "_type"), &names = member(what, "names");
    Feature feature{column, type == "Image", type == "ClassLabel", {}};
    if (feature.classes && names.is_array()) {
      check(names.size() <= kMaxClasses, who + ":", "column", column, "has more than", kMaxClasses,
            "classes");
      for (const Json& name : names) {
        check(name.is_string(), who + ":", "the class names of", column, "should be texts");
        feature.names.push_back(name.get<std::string>());
      }
    }
    features.push_back(std::move(feature));
  }
  return features;
}

std::vector<std::string> class_names_in_readme(const std::filesystem::path& dir, const std::string& column) {
  const std::filesystem::path path = dir / "README.md";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};
  Lines lines(path);
  if (lines.next() != "---") return {};
  ReadmeNames found(column);
  while (const auto line = lines.next()) {
    if (*line == "---") break;
    found.take(*line, lines.where());
  }
  return std::move(found.names);
}

}  // namespace data::parquet
