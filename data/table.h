#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/lines.h"

namespace data {

/// The rows of a text file under named columns: .csv and .tsv, whose first line has the names and whose
/// fields may stand in quotes (RFC 4180), or .jsonl with an object a line, whose first has the names.
class Table {
 public:
  /// True for a file that is one by the end of its name.
  static bool is_table(const std::filesystem::path& path);

  /// Throws an Error naming the file when it has no columns, or two of one name.
  explicit Table(const std::filesystem::path& path);

  const std::vector<std::string>& columns() const { return columns_; }
  /// Goes to the next row that is not blank; false behind the last. Throws an Error that names file and line
  /// when it has other columns than the first, or is no row of that form.
  bool next();
  /// A field of the row. Throws an Error where an object of JSON has no single value there.
  const std::string& field(std::size_t column) const;
  /// "file:line:" of the row.
  const std::string& where() const { return row_at_; }

 private:
  enum class Form { csv, tsv, jsonl };
  bool read(std::vector<std::string>& fields);
  bool read_object();
  std::vector<std::string> fields_of(std::string line);
  [[noreturn]] void refuse(const std::string& what) const;

  Form form_;
  Lines lines_;
  std::string row_at_;
  std::vector<std::string> columns_, fields_;
  std::vector<bool> single_;  // fields that are a single value
  bool held_ = false;         // the first object, which gave the columns, is still to come
};

/// A field as a file of this form has it, in quotes where it needs them.
std::string csv_field(const std::string& text);

}  // namespace data
