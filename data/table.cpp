#include "data/table.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/spelling.h"
#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"

namespace data {
namespace {

constexpr std::size_t kLongestRow = 1 << 16;  // a field in quotes may go over several lines

}  // namespace

bool Table::is_table(const std::filesystem::path& path) {
  const std::string end = in_lower_case(path.extension().string());
  return end == ".csv" || end == ".tsv" || end == ".jsonl";
}

Table::Table(const std::filesystem::path& path) : form_(), lines_(path) {
  const std::string end = in_lower_case(path.extension().string());
  form_ = end == ".jsonl" ? Form::jsonl : end == ".tsv" ? Form::tsv : Form::csv;
  if (form_ == Form::jsonl)
    held_ = read_object();
  else
    read(columns_);
  engine::check(!columns_.empty(), path.string() + ":", "is empty; its first line names the columns");
  std::vector<std::string> sorted = columns_;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end()) refuse("has two columns called " + engine::in_quotes(*twice));
}

void Table::refuse(const std::string& what) const {
  throw engine::Error(engine::say(row_at_, what));
}

std::vector<std::string> Table::fields_of(std::string line) {
  const char separator = form_ == Form::tsv ? '\t' : ',';
  std::vector<std::string> fields;
  for (std::size_t at = 0;; ++at) {
    std::string field;
    if (at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        while (at == line.size()) {
          const auto more = lines_.next();
          if (!more) refuse("a field in quotes has no end");
          line += '\n' + std::string(*more);
          if (line.size() > kLongestRow) refuse(engine::say("is longer than", kLongestRow, "bytes"));
        }
        if (line[at] != '"')
          field += line[at];
        else if (at + 1 < line.size() && line[at + 1] == '"')
          field += line[++at];
        else
          break;
      }
      if (++at < line.size() && line[at] != separator)
        refuse("a field goes on behind its closing quote; a quote inside it is written twice");
    } else {
      const std::size_t end = std::min(line.find(separator, at), line.size());
      field = line.substr(at, end - at);
      at = end;
    }
    fields.push_back(std::move(field));
    if (at >= line.size()) return fields;
  }
}

bool Table::read(std::vector<std::string>& fields) {
  while (const auto line = lines_.next()) {
    if (line->find_first_not_of(" \t") == std::string_view::npos) continue;
    row_at_ = lines_.where();
    fields = fields_of(std::string(*line));
    return true;
  }
  return false;
}

bool Table::read_object() {
  while (const auto line = lines_.next()) {
    if (line->find_first_not_of(" \t") == std::string_view::npos) continue;
    row_at_ = lines_.where();
    const engine::Json object = engine::parse_json(*line, row_at_.substr(0, row_at_.size() - 1));
    if (!object.is_object()) refuse("is no JSON object; a line is one");
    if (columns_.empty())
      for (const auto& [key, value] : object.items()) columns_.push_back(key);
    fields_.assign(columns_.size(), {});
    single_.assign(columns_.size(), true);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const auto value = object.find(columns_[i]);
      if (value == object.end()) refuse("lacks " + engine::in_quotes(columns_[i]));
      single_[i] = !value->is_structured();
      if (value->is_string())
        fields_[i] = value->get<std::string>();
      else if (!value->is_null() && single_[i])
        fields_[i] = value->dump();
    }
    if (object.size() != columns_.size()) refuse("has other fields than the first line");
    return true;
  }
  return false;
}

bool Table::next() {
  if (held_) return !(held_ = false);
  if (form_ == Form::jsonl) return read_object();
  if (!read(fields_)) return false;
  if (fields_.size() != columns_.size())
    refuse(engine::say("has", fields_.size(), fields_.size() == 1 ? "field" : "fields",
                       "where the first line names", columns_.size(),
                       columns_.size() == 1 ? "column" : "columns"));
  single_.assign(fields_.size(), true);
  return true;
}

const std::string& Table::field(std::size_t column) const {
  if (!single_[column])
    refuse(engine::in_quotes(columns_[column]) + " is a list or an object, not a single value");
  return fields_[column];
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace data
